import logging
from datetime import timedelta

import psycopg2.errors
from markupsafe import Markup

from odoo import fields, models
from odoo.tools import email_normalize

from ..core.customer_answers import AnswerProblem

_logger = logging.getLogger(__name__)
# Per page: forms in a minute and in a day, copies in a day, and copies at all. Per address of the caller: forms in an hour. Counted from what is
# stored, so that all workers and servers count together.
_PER_MINUTE, _PER_DAY, _COPIES_PER_DAY, _COPIES, _PER_IP_HOUR = 6, 20, 1, 3, 60


class ChaserReminder(models.Model):
    """What a customer's answer does: a hold, a promise, a dispute or a copy, words in the chatter, a to-do for the accountant.
    As superuser; called by the public page only after it has checked the form's key."""

    _inherit = "chaser.reminder"

    def _take_answer(self, answer, key, facts):
        """Store an answer and act on it, once per form.

        :param answer: ``core.customer_answers.Answer``
        :param key: the form's key; one that was used before returns its first result
        :param dict facts: ``ip`` and ``user_agent`` of the request
        :return: the ``chaser.answer``
        :raises AnswerProblem: when it comes too often, or cannot be done
        """
        self.ensure_one()
        # In the language of who reads it. No mail to anybody: the request would have to send it.
        reminder = self.with_context(
            lang=self._get_page_responsible().lang or "en_US", mail_activity_quick_update=True, mail_auto_subscribe_no_notify=True)
        Answer = reminder.env["chaser.answer"]
        if found := Answer.search([("key", "=", key)], limit=1):
            return found
        self._check_frequency(facts["ip"])
        try:
            with self.env.cr.savepoint():
                record = Answer.create(reminder._prepare_answer_values(answer, key, facts))
                getattr(reminder, f"_take_{answer.action}")(answer, record)
        except psycopg2.errors.UniqueViolation:
            # The same form, or the same statement, arrived twice at once: look again, then the first one is there.
            raise psycopg2.errors.SerializationFailure from None
        return record

    def _check_frequency(self, ip):
        Answer, now, page = self.env["chaser.answer"], fields.Datetime.now(), ("reminder_id", "=", self.id)
        limits = [(page, timedelta(minutes=1), _PER_MINUTE), (page, timedelta(days=1), _PER_DAY)]
        if ip:
            limits.append((("ip_address", "=", ip), timedelta(hours=1), _PER_IP_HOUR))
        for whose, span, most in limits:
            if Answer.search_count([whose, ("answered_at", ">", now - span)], limit=most) >= most:
                raise AnswerProblem("too_often")

    def _prepare_answer_values(self, answer, key, facts):
        moves, chosen = self._get_page_moves(), self._get_open_page_moves()
        if answer.invoices:
            chosen &= moves.browse([moves.ids[position - 1] for position in answer.invoices])
        if not chosen and answer.action != "contact":
            raise AnswerProblem("nothing_open")
        currency = self.env["res.currency"].with_context(active_test=False).search([("name", "=", answer.currency)], limit=1)
        return {
            "reminder_id": self.id, "company_id": self.company_id.id, "partner_id": self.partner_id.id, "action": answer.action, "key": key,
            "said_by": answer.name, "text": answer.text, "proposed_email": answer.email, "date_promised": answer.day, "amount": float(answer.amount),
            "currency_id": currency.id, "move_ids": [fields.Command.set(chosen.ids)], "ip_address": facts["ip"], "user_agent": facts["user_agent"],
        }

    def _get_page_responsible(self):
        """Who looks after this customer's answers: who sent the campaign, else a user of the addon in the company; may be nobody."""
        user = self.campaign_id.user_id
        if user.active and not user.share and self.company_id in user.company_ids and user.has_group("invoice_chaser.group_chaser_user"):
            return user
        users = self.env.ref("invoice_chaser.group_chaser_user").all_user_ids.filtered(
            lambda user: user.active and not user.share and self.company_id in user.company_ids)
        return (users - self.env.ref("base.user_root")).sorted("id")[:1]

    def _prepare_statement_base(self, answer):
        return {
            "source": "page", "said_by": answer.name or self.recipient_email, "user_id": self._get_page_responsible().id, "reminder_id": self.id,
        }

    # -- per action

    def _take_promise(self, answer, record):
        Promise, moves = self.env["chaser.promise"], record.move_ids
        lines = self._get_page_lines().filtered(lambda line: not line.is_credit and line.move_id in moves).move_line_id
        former = Promise.search([("reminder_id", "=", self.id), ("source", "=", "page"), ("state", "=", "open")])
        self._check_chain(former, answer.day)
        values = {"replaces_id": former[:1].id} if former else {}
        if record.currency_id:
            values["currency_id"] = record.currency_id.id
        former.filtered(lambda promise: promise.move_ids != moves)._set_state("cancelled")
        promise = Promise._promise(
            self.company_id, self.partner_id, answer.day, moves, float(answer.amount), line_ids=[fields.Command.set(lines.ids)],
            **self._prepare_statement_base(answer), **values)
        promise._plan_todo(self.env._("Promised on the customer's page: look for the payment"), answer.day)
        record.promise_id = promise

    def _check_chain(self, former, day):
        """A date may be changed, but a chain of changes does not reach further than one promise could have."""
        first = min((promise._get_first_said() for promise in former), default=None)
        if first and day > self._get_local_day(first) + timedelta(days=self.company_id.chaser_promise_days):
            raise AnswerProblem("day_range")

    def _take_paid(self, answer, record):
        hold = self.env["chaser.hold"]._hold(
            self.company_id, self.partner_id, "says_paid", record.move_ids, detail=answer.text, reminder=self, source="page")
        body = Markup("<p>%s</p><p>%s</p>") % (
            self.env._("The customer says on the page that it is paid: %s", ", ".join(record.move_ids.mapped("name"))), answer.text)
        self._require(hold)
        files = [answer.file[:2]] if answer.file else []
        note = hold.message_post(body=body, attachments=files, message_type="comment", subtype_xmlid="mail.mt_note")
        record.write({"hold_id": hold.id, "attachment_id": note.attachment_ids[:1].id})
        self._note_on_customer(body, record.move_ids)
        self._plan_page_todo(hold, self.env._("Says it is paid: look for the payment"))

    def _take_dispute(self, answer, record):
        dispute = self.env["chaser.dispute"].create({
            "company_id": self.company_id.id, "partner_id": self.partner_id.id, "reason": answer.text.replace("\n", " "),
            "move_ids": [fields.Command.set(record.move_ids.ids)], **self._prepare_statement_base(answer)})
        record.dispute_id = dispute

    def _take_contact(self, answer, record):
        detail = self.env._("Proposed address: %s", answer.email)
        hold = self.env["chaser.hold"]._hold(self.company_id, self.partner_id, "wrong_contact", detail=detail, reminder=self, source="page")
        self._require(hold)
        hold.proposed_email = answer.email
        record.hold_id = hold
        self._note_on_customer(Markup("<p>%s</p>") % self.env._(
            "The reader of the reminder says that this is the wrong contact, and proposes %(email)s. Nothing is written there before a person "
            "has decided.", email=answer.email))
        self._plan_page_todo(hold, self.env._("Wrong contact: check %s", answer.email))

    def _take_copy(self, _answer, record):
        record.copy_id = self._queue_copy()
        self._note_on_customer(Markup("<p>%s</p>") % self.env._("The customer asked for a copy of the reminder “%s”.", self.subject or ""))

    def _require(self, hold):
        if not hold:
            raise psycopg2.errors.SerializationFailure  # another process makes it at this moment: look again

    def _note_on_customer(self, body, moves=()):
        for document in (self.partner_id, *moves):
            document._message_log(body=body)

    def _plan_page_todo(self, hold, summary):
        """One open to-do per hold, however often he says it."""
        user = self._get_page_responsible()
        if hold and user and not hold.activity_ids:
            hold.activity_schedule(
                "mail.mail_activity_data_todo", date_deadline=self.company_id._get_chaser_today(), user_id=user.id, summary=summary)

    # -- copies

    def _queue_copy(self):
        """The same message again, to the addresses that it went to, through the mailbox's queue and its limits."""
        now = fields.Datetime.now()
        copies = self.search([("copy_of_id", "=", self.id), ("state", "!=", "cancelled")])
        recent = copies.filtered(lambda copy: copy.create_date > now - timedelta(days=1))
        if len(copies) >= _COPIES or len(recent) >= _COPIES_PER_DAY or self._is_copy_waiting():
            raise AnswerProblem("copy_limit")
        addresses = self._get_all_recipients()
        if set(addresses) <= set(self.env["chaser.campaign"]._read_stopped(addresses, self.company_id)):
            raise AnswerProblem("copy_stopped")
        campaign = self.env["chaser.campaign"]._get_copy_campaign(self)
        copy = self.create(self._prepare_copy_values(campaign))
        campaign._trigger_sending()
        return copy

    def _is_copy_waiting(self):
        return bool(self.search_count([
            ("company_id", "=", self.company_id.id), ("partner_id", "=", self.partner_id.id), ("purpose", "=", "copy"),
            "|", ("state", "in", ("draft", "queued", "sending")), ("is_undecided", "=", True)], limit=1))

    def _prepare_copy_values(self, campaign):
        emails = [email_normalize(email) for email in self._get_all_recipients()]
        return {
            "campaign_id": campaign.id, "company_id": self.company_id.id, "partner_id": self.partner_id.id, "provider_id": campaign.provider_id.id,
            "level_id": self.level_id.id, "purpose": "copy", "copy_of_id": self.id, "split_move_id": self.split_move_id.id,
            "recipient_email": emails[0], "recipient_others": ", ".join(emails[1:]) or False, "language": self.language,
            "token": self._new_token(), "state": "queued", "scheduled_at": fields.Datetime.now(), "priority": 100,
            "line_ids": [fields.Command.create(values) for values in self._get_page_lines().copy_data()],
        }
