import logging
from datetime import timedelta
from decimal import Decimal

import psycopg2.errors
from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import hash_sign, verify_hash_signed

from ...core.page.customer_answers import ACTIONS, AnswerProblem, Frame
from ...core.page.customer_page import PageData, PageItem, Said
from ...core.status.tracking import new_token, valid_token
from ..planning.open_items import is_settled

_FORM_HOURS = 24
_SCOPE = "invoice_chaser.customer_page"
_logger = logging.getLogger(__name__)
# Per page: forms in a minute and in a day, copies in a day, and copies at all. Per
# address of the caller: forms in an hour. Counted from what is stored, so that all
# workers and servers count together.
_PER_MINUTE, _PER_DAY, _COPIES_PER_DAY, _COPIES, _PER_IP_HOUR = 6, 20, 1, 3, 60


class ChaserReminder(models.Model):
    """The customer's page of a reminder: its address, what it shows, and the signed
    keys of its forms. Reading changes nothing.

    The page has a token of its own (``chaser.token.mixin``): an image address passes
    image proxies and logs, and does not allow to act."""

    _inherit = "chaser.reminder"  # pylint: disable=consider-merging-classes-inherited  # the customer's page

    page_token = fields.Char(
        readonly=True,
        copy=False,
        groups=fields.NO_ACCESS,
        default=lambda self: new_token(),
    )

    _page_token_uniq = models.UniqueIndex("(page_token) WHERE page_token IS NOT NULL")

    @api.model
    def _get_page_path(self, page_token):
        return f"/chaser/p/{page_token}"

    def _make_page_url(self, base_url=None, page_token=None):
        """Address of the customer's page: of this reminder (a missing page token is
        made), or of the one whose ``page_token`` is given."""
        if not page_token:
            self.ensure_one()
            reminder = self.sudo()
            if not reminder.page_token:
                reminder.page_token = new_token()
            page_token = reminder.page_token
        return f"{self.get_base_url() if base_url is None else base_url}{self._get_page_path(page_token)}"  # noqa: E501

    # -- reading; as superuser, with a token from an address

    @api.model
    def _find_by_page_token(self, page_token):
        """The reminder behind a page; empty for an unknown, expired or unsent one."""
        if not valid_token(page_token):
            return self.browse()
        reminder = self.search(
            [
                ("page_token", "=", page_token),
                ("state", "in", ("sending", "sent", "failed")),
            ],
            limit=1,
        )
        sent = reminder.sent_at or reminder.attempted_at
        days = reminder.company_id.chaser_link_days
        if not sent or (days and sent + timedelta(days=days) < fields.Datetime.now()):
            return self.browse()
        return reminder.with_company(reminder.company_id)

    def _get_page_lang(self, wanted=""):
        self.ensure_one()
        return (
            wanted
            if wanted in ("en", "ar")
            else "ar"
            if self.language in ("ar", "both")
            else "en"
        )

    def _get_page_data(self, lang, done=0, **shown):
        """Everything that the page shows.

        :param done: id of the answer that was just given; foreign ones are ignored
        :param shown: further values of ``PageData`` (``problem``, ``problem_action``,
        ``entered``, ``ticked``)
        """
        self.ensure_one()
        answers = self.env["chaser.answer"].search(
            [("reminder_id", "=", self.id)], order="id"
        )
        company, token = self.company_id, self.page_token
        return PageData(
            path=self._get_page_path(token),
            lang=lang,
            company=self.env["chaser.composer"]._get_company_data(company),
            customer_name=self.partner_id.name or "",
            is_company=self.partner_id.is_company,
            sent_on=self._get_local_day(self.sent_at or self.attempted_at),
            today=company._get_chaser_today(),
            items=tuple(self._get_page_items(lang)),
            promise_days=company.chaser_promise_days,
            forms={action: self._make_form_key(action) for action in ACTIONS},
            said=tuple(self._describe_answer(answer) for answer in answers),
            payment_reference=self.payment_reference or "",
            accounts=self.env["chaser.composer"]._get_page_accounts(
                self._get_page_moves()
            ),
            statement_url=f"{self._get_page_path(token)}/statement.pdf?lang={lang}"
            if self.env["chaser.documents"]._has_engine()
            else "",
            logo=self.env["chaser.documents"]._get_logo(company),
            done=answers.filtered(lambda answer: answer.id == done).action or "",
            stop_path=self._get_stop_path(),
            **shown,
        )

    def _get_stop_path(self):
        """Where the customer asks for no more reminders by this channel. A message
        that has no room for the link has the page; empty without an address."""
        addresses = self._get_channel()._get_addresses(self)
        return f"/chaser/u/{self.stop_token}" if addresses else ""

    def _get_local_day(self, moment):
        return fields.Datetime.context_timestamp(
            self.with_context(tz=self.company_id._get_chaser_tz()), moment
        ).date()

    def _describe_answer(self, answer):
        text = (
            answer.proposed_email if answer.action == "contact" else (answer.text or "")
        )
        return Said(
            answer.action,
            self._get_local_day(answer.answered_at),
            text,
            answer.date_promised or None,
            Decimal(str(answer.amount)),
            answer.currency_id.name or "",
            answer.currency_id.decimal_places or 0,
        )

    def _get_page_lines(self):
        """The lines of the message, items before credits, including those that were
        settled since; without those that were left out."""
        return self.line_ids.filtered(
            lambda line: line.move_line_id and not line.dropped_code
        )

    def _get_page_moves(self):
        """The invoices by position from 1, as the page numbers them."""
        return self._get_page_lines().filtered(lambda line: not line.is_credit).move_id

    def _get_page_items(self, lang="en"):
        lines = self._get_page_lines()
        moves, online = self._get_page_moves().ids, self._can_pay_online()
        prefix = self.env["chaser.composer"]._get_portal_prefixes().get(lang, "")
        credits = lines._read_free_credits()
        for line in lines:
            item, move = line.move_line_id, line.move_id
            if line.is_credit and item.id not in credits:
                continue
            yield PageItem(
                line.number or move.name or "",
                0 if line.is_credit else moves.index(move.id) + 1,
                line.date_maturity or None,
                credits[item.id]
                if line.is_credit
                else Decimal(str(item.amount_residual_currency)),
                line.currency_id.name,
                line.currency_id.decimal_places,
                "open" if line.is_credit else self._get_item_state(item),
                move.chaser_promise_date or None,
                line.is_credit,
                line.label or "",
                account=str(move.partner_bank_id.id or ""),
                **self._get_page_links(move, online and not line.is_credit, prefix),
            )

    def _get_item_state(self, item):
        move = item.move_id
        if item.parent_state != "posted" or is_settled(
            item.reconciled, item.amount_residual_currency, move.payment_state
        ):
            return "paid"
        if move.chaser_dispute_reason or move.payment_state == "blocked":
            return "review"
        promised = move.chaser_promise_date
        return (
            "promised"
            if promised and promised >= self.company_id._get_chaser_today()
            else "open"
        )

    def _get_page_links(self, move, online, prefix):
        """Odoo's portal page of an invoice in the page's language, with the access
        token that the message contained. No token is made here, because reading changes
        nothing."""
        if not move.access_token or move.state != "posted":
            return {}
        url = f"{prefix}/my/invoices/{move.id}?access_token={move.access_token}"
        payable = online and move._has_to_be_paid()
        return {
            "view_url": url,
            "pdf_url": f"{url}&report_type=pdf&download=true",
            "pay_url": f"{url}&payment=1" if payable else "",
        }

    def _can_pay_online(self):
        """Whether online payment is installed and a payment service is on for the
        company."""
        if "payment.provider" not in self.env or not hasattr(
            self.env["account.move"], "_has_to_be_paid"
        ):
            return False
        company = self.company_id
        return bool(
            self.env["payment.provider"].search_count(
                [
                    ("state", "in", ("enabled", "test")),
                    ("company_id", "parent_of", company.id),
                ],
                limit=1,
            )
        )

    def _get_page_frame(self):
        """What an answer is checked against."""
        totals = {}
        for item in self._get_page_items():
            if item.state != "paid":
                totals[item.currency] = (
                    totals.get(item.currency, Decimal(0)) + item.residual
                )
        return Frame(
            len(self._get_page_moves()),
            {name: amount for name, amount in totals.items() if amount > 0},
            self.company_id._get_chaser_today(),
            self.company_id.chaser_promise_days,
        )

    def _get_open_page_moves(self):
        return (
            self._get_page_lines()
            .filtered(
                lambda line: not line.is_credit
                and self._get_item_state(line.move_line_id) != "paid"
            )
            .move_id
        )

    # -- the key of a form: signed, for one action of one page, for a day, good once

    def _make_form_key(self, action):
        return hash_sign(
            self.env,
            _SCOPE,
            [self.id, action, new_token()],
            expiration_hours=_FORM_HOURS,
        )

    def _check_form_key(self, action, key):
        """Whether the key is ours, for this page and action, and not expired."""
        try:
            payload = verify_hash_signed(self.env, _SCOPE, (key or "")[:400])
        except Exception:  # any made-up value: no base64, no UTF-8, no JSON, too short
            return False
        return isinstance(payload, list) and payload[:2] == [self.id, action]

    @api.model
    def _set_patience(self, lock, statement):
        """How long a public request waits for the database (milliseconds)."""
        self.env.cr.execute(
            SQL(
                "SET LOCAL lock_timeout = %s; SET LOCAL statement_timeout = %s",
                lock,
                statement,
            )
        )

    # -- What a customer's answer does: a hold, a promise, a dispute or a copy, words in
    # the chatter, a to-do for the accountant. As superuser; called by the public page
    # only after it has checked the form's key

    def _process_answer(self, answer, key, facts):
        """Store an answer and act on it, once per form.

        :param answer: ``core.customer_answers.Answer``
        :param key: the form's key; one that was used before returns its first result
        :param dict facts: ``ip`` and ``user_agent`` of the request
        :return: the ``chaser.answer``
        :raises AnswerProblem: when it comes too often, or cannot be done
        """
        self.ensure_one()
        # In the language of the person who reads it. No mail to anybody, because the
        # request would have to send it.
        reminder = self.with_context(
            lang=self._get_page_responsible().lang or "en_US",
            mail_activity_quick_update=True,
            mail_auto_subscribe_no_notify=True,
        )
        Answer = reminder.env["chaser.answer"]
        if found := Answer.search([("key", "=", key)], limit=1):
            return found
        self._check_frequency(facts["ip"])
        self.env.cr.flush()
        try:
            with self.env.cr.savepoint():
                record = Answer.create(
                    reminder._prepare_answer_values(answer, key, facts)
                )
                getattr(reminder, f"_process_{answer.action}")(answer, record)
        except psycopg2.errors.UniqueViolation:
            # Twice at the same time: tried again, the first one is found.
            raise psycopg2.errors.SerializationFailure from None
        return record

    def _check_frequency(self, ip):
        Answer, now, page = (
            self.env["chaser.answer"],
            fields.Datetime.now(),
            ("reminder_id", "=", self.id),
        )
        limits = [
            (page, timedelta(minutes=1), _PER_MINUTE),
            (page, timedelta(days=1), _PER_DAY),
        ]
        if ip:
            limits.append((("ip_address", "=", ip), timedelta(hours=1), _PER_IP_HOUR))
        for whose, span, most in limits:
            if (
                Answer.search_count(
                    [whose, ("answered_at", ">", now - span)], limit=most
                )
                >= most
            ):
                raise AnswerProblem("too_often")

    def _prepare_answer_values(self, answer, key, facts):
        moves, chosen = self._get_page_moves(), self._get_open_page_moves()
        if answer.invoices:
            chosen &= moves.browse(
                [moves.ids[position - 1] for position in answer.invoices]
            )
        if not chosen and answer.action != "contact":
            raise AnswerProblem("nothing_open")
        currency = (
            self.env["res.currency"]
            .with_context(active_test=False)
            .search([("name", "=", answer.currency)], limit=1)
        )
        return {
            "reminder_id": self.id,
            "company_id": self.company_id.id,
            "partner_id": self.partner_id.id,
            "action": answer.action,
            "key": key,
            "said_by": answer.name,
            "text": answer.text,
            "proposed_email": answer.email,
            "date_promised": answer.day,
            "amount": float(answer.amount),
            "currency_id": currency.id,
            "move_ids": [fields.Command.set(chosen.ids)],
            "ip_address": facts["ip"],
            "user_agent": facts["user_agent"],
        }

    def _get_page_responsible(self):
        """Who looks after this customer's answers; may be nobody."""
        return self.company_id._get_chaser_responsible(self.partner_id, self)

    def _prepare_statement_base(self, answer):
        return {
            "source": "page",
            "said_by": answer.name or self.recipient_email,
            "user_id": self._get_page_responsible().id,
            "reminder_id": self.id,
        }

    # -- per action

    def _process_promise(self, answer, record):
        Promise, moves = self.env["chaser.promise"], record.move_ids
        lines = (
            self._get_page_lines()
            .filtered(lambda line: not line.is_credit and line.move_id in moves)
            .move_line_id
        )
        former = Promise.search(
            [
                ("reminder_id", "=", self.id),
                ("source", "=", "page"),
                ("state", "=", "open"),
            ]
        )
        self._check_chain(former, answer.day)
        values = {"replaces_id": former[:1].id} if former else {}
        if record.currency_id:
            values["currency_id"] = record.currency_id.id
        former.filtered(lambda promise: promise.move_ids != moves)._set_state(
            "cancelled"
        )
        promise = Promise._promise(
            self.company_id,
            self.partner_id,
            answer.day,
            moves,
            float(answer.amount),
            line_ids=[fields.Command.set(lines.ids)],
            **self._prepare_statement_base(answer),
            **values,
        )
        promise._plan_todo(
            lambda one: one.env._(
                "Promised on the customer's page: look for the payment"
            ),
            answer.day,
        )
        record.promise_id = promise

    def _check_chain(self, former, day):
        """A date may be changed, but a chain of changes does not reach further than one
        promise could have."""
        first = min((promise._get_first_said() for promise in former), default=None)
        if first and day > self._get_local_day(first) + timedelta(
            days=self.company_id.chaser_promise_days
        ):
            raise AnswerProblem("day_range")

    def _process_paid(self, answer, record):
        hold = self.env["chaser.hold"]._hold(
            self.company_id,
            self.partner_id,
            "says_paid",
            record.move_ids,
            detail=answer.text,
            reminder=self,
            source="page",
        )
        body = Markup("<p>%s</p><p>%s</p>") % (
            self.env._(
                "The customer says on the page that it is paid: %s",
                ", ".join(record.move_ids.mapped("name")),
            ),
            answer.text,
        )
        self._require(hold)
        files = [answer.file[:2]] if answer.file else []
        note = hold.message_post(
            body=body,
            attachments=files,
            message_type="comment",
            subtype_xmlid="mail.mt_note",
        )
        record.write({"hold_id": hold.id, "attachment_id": note.attachment_ids[:1].id})
        self._note_on_customer(body, record.move_ids)
        self._plan_page_todo(
            hold, lambda one: one.env._("Says it is paid: look for the payment")
        )

    def _process_dispute(self, answer, record):
        dispute = self.env["chaser.dispute"].create(
            {
                "company_id": self.company_id.id,
                "partner_id": self.partner_id.id,
                "reason": answer.text.replace("\n", " "),
                "move_ids": [fields.Command.set(record.move_ids.ids)],
                **self._prepare_statement_base(answer),
            }
        )
        record.dispute_id = dispute

    def _process_contact(self, answer, record):
        detail = self.env._("Proposed address: %s", answer.email)
        hold = self.env["chaser.hold"]._hold(
            self.company_id,
            self.partner_id,
            "wrong_contact",
            detail=detail,
            reminder=self,
            source="page",
        )
        self._require(hold)
        hold.proposed_email = answer.email
        record.hold_id = hold
        self._note_on_customer(
            Markup("<p>%s</p>")
            % self.env._(
                "The reader of the reminder says that this is the wrong contact, and "
                "proposes %(email)s. Nothing is written there before a person "
                "has decided.",
                email=answer.email,
            )
        )
        self._plan_page_todo(
            hold, lambda one: one.env._("Wrong contact: check %s", answer.email)
        )

    def _process_copy(self, _answer, record):
        record.copy_id = self._queue_copy()
        self._note_on_customer(
            Markup("<p>%s</p>")
            % self.env._(
                "The customer asked for a copy of the reminder “%s”.",
                self.subject or "",
            )
        )

    def _require(self, hold):
        if not hold:
            # another process creates it at this moment: try again
            raise psycopg2.errors.SerializationFailure

    def _note_on_customer(self, body, moves=()):
        for document in (self.partner_id._for_chaser(self.company_id), *moves):
            document._message_log(body=body)

    # -- copies

    def _queue_copy(self):
        """The same message again, to the addresses that it went to, through the
        mailbox's queue and its limits."""
        now = fields.Datetime.now()
        copies = self.search(
            [
                ("copy_of_id", "=", self.id),
                ("purpose", "=", "copy"),
                ("state", "!=", "cancelled"),
            ]
        )
        recent = copies.filtered(
            lambda copy: copy.create_date > now - timedelta(days=1)
        )
        if (
            len(copies) >= _COPIES
            or len(recent) >= _COPIES_PER_DAY
            or self._is_copy_waiting()
        ):
            raise AnswerProblem("copy_limit")
        channel = self._get_channel()
        addresses = channel._get_addresses(self)
        if set(addresses) <= set(channel._read_stopped(addresses, self.company_id)):
            raise AnswerProblem("copy_stopped")
        campaign = self.env["chaser.thanks"]._open_copy_campaign(self)
        copy = self.create(self._prepare_copy_values(campaign))
        campaign._trigger_sending()
        return copy

    def _is_copy_waiting(self):
        return bool(
            self.search_count(
                [
                    ("company_id", "=", self.company_id.id),
                    ("partner_id", "=", self.partner_id.id),
                    ("purpose", "=", "copy"),
                    "|",
                    ("state", "in", ("draft", "queued", "sending")),
                    ("is_undecided", "=", True),
                ],
                limit=1,
            )
        )

    def _prepare_copy_values(self, campaign):
        channel = self._get_channel()
        return {
            "campaign_id": campaign.id,
            "company_id": self.company_id.id,
            "partner_id": self.partner_id.id,
            "provider_id": campaign.provider_id.id,
            "level_id": self.level_id.id,
            "purpose": "copy",
            "copy_of_id": self.id,
            "split_move_id": self.split_move_id.id,
            "channel": channel._get_code(),
            **channel._prepare_recipient_values(channel._get_addresses(self)),
            "language": self.language,
            "token": new_token(),
            "state": "queued",
            "scheduled_at": fields.Datetime.now(),
            "priority": 100,
            "line_ids": [
                fields.Command.create(values)
                for values in self._get_page_lines().copy_data()
            ],
        }
