import re

from odoo import api, fields, models
from odoo.tools import SQL, plaintext2html

from odoo.addons.invoice_chaser.core.letter.render import Item
from odoo.addons.invoice_chaser.core.plan.gates import Skip
from odoo.addons.invoice_chaser.core.plan.reach import Reach

from ..transport import ShortMessage


class ChannelMixin(models.AbstractModel):
    _inherit = "chaser.channel.mixin"

    channel = fields.Selection(
        selection_add=[("sms_test", "Short Message")],
        ondelete={
            "sms_test": lambda rows: rows.env["chaser.channel"]._forget("sms_test")
        },
    )


class Reminder(models.Model):
    _inherit = "chaser.reminder"

    sms_test_number = fields.Char("Number", readonly=True, index="btree_not_null")
    sms_test_text = fields.Text("Short Message", readonly=True)


class Stop(models.Model):
    """A number that wants nothing more from a company."""

    _name = "sms.test.stop"
    _description = "Stopped Number"
    _rec_name = "number"

    number = fields.Char(required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    reason = fields.Char(readonly=True)

    _number_uniq = models.UniqueIndex("(company_id, number)", "It is stopped already.")


class Reasons(models.AbstractModel):
    _inherit = "chaser.reason.mixin"

    @api.model
    def _get_reasons(self):
        return super()._get_reasons() | {
            "sms_test_no_number": self.env._("No mobile number."),
            "sms_test_stopped": self.env._("%(detail)s wants no short messages."),
        }


class Channel(models.AbstractModel):
    _name = "chaser.channel.sms_test"
    _inherit = ["chaser.channel"]
    _description = "Channel: Short Message"

    _kinds = ("sms_test",)
    _recipient_fields = ("sms_test_number",)

    # -- whom it reaches

    @api.model
    def _read_reach(self, partners, company):
        numbers = {partner.id: _normalize(partner.phone) for partner in partners}
        stopped = self._read_stopped(filter(None, numbers.values()), company)
        reach = {}
        for partner_id, number in numbers.items():
            stop = None
            if not number:
                stop = Skip("sms_test_no_number")
            elif number in stopped:
                stop = Skip(stopped[number], {"detail": number})
            reach[partner_id] = Reach((number,) if number else (), stop)
        return reach

    @api.model
    def _prepare_recipient_values(self, addresses):
        return {"sms_test_number": addresses[0] if addresses else False}

    @api.model
    def _get_addresses(self, row):
        return list(filter(None, [row["sms_test_number"]]))

    @api.model
    def _get_stopped_sql(self, addresses, company):
        return SQL(
            """SELECT number AS address, 'sms_test_stopped' AS reason
            FROM sms_test_stop WHERE company_id = %s AND number = ANY(%s)""",
            company.id,
            list(addresses),
        )

    @api.model
    def _read_stopped(self, addresses, company):
        self.env["sms.test.stop"].flush_model()
        return super()._read_stopped(addresses, company)

    @api.model
    def _stop_addresses(self, reminder, addresses, reason, source):
        known = self._read_stopped(addresses, reminder.company_id)
        new = [number for number in addresses if number not in known]
        self.env["sms.test.stop"].sudo().create(
            [
                {
                    "number": number,
                    "company_id": reminder.company_id.id,
                    "reason": f"{reason}: {source}",
                }
                for number in new
            ]
        )
        return new

    # -- a message

    def _get_address_stop(self, job):
        facts = job.facts
        if not facts["addresses"]:
            return Skip("sms_test_no_number")
        if not facts["recipients"]:
            return Skip("sms_test_stopped", {"detail": facts["addresses"][0]})
        return None

    def _compose(self, job, content, with_copies):
        data = self.env["chaser.composer"]._prepare_message_data(job)
        lang = "ar" if job.row["language"] == "ar" else "en"
        job.message = ShortMessage(
            job.row["message_id"] or job.run.provider._make_message_id("sms@test"),
            job.facts["recipients"][0],
            self._make_text(data, lang),
        )

    @api.model
    def _make_text(self, data, lang):
        """One short text from the same figures as every other message."""
        code = self.env["res.lang"]._get_chaser_codes()[lang]
        words = self.with_context(lang=code).env._
        return words(
            "%(company)s: %(count)s invoices are due, %(amount)s. %(url)s",
            company=data.company["name"],
            count=len(data.items),
            amount=", ".join(_get_totals((*data.items, *data.credits))),
            url=data.page_url,
        )

    def _prepare_kept_values(self, job):
        return {
            "sms_test_number": job.message.number,
            "sms_test_text": job.message.text,
            "subject": job.message.text[:60],
        }

    def _prepare_note(self, job):
        return _make_note(job.message.text, [job.message.number])

    def _prepare_late_note(self, reminder):
        return _make_note(reminder.sms_test_text, self._get_addresses(reminder))

    @api.model
    def _process_refusal(self, reminder, error):
        self._stop_addresses(
            reminder, self._get_addresses(reminder), "refused", str(error)
        )

    @api.model
    def _render_preview(self, template, data, lang, level):
        return str(plaintext2html(self._make_text(data, lang)))

    # -- responses of the gateway

    @api.model
    def _process_response(self, reminder, response):
        """What the gateway tells later: each response once, by its id; in any order."""
        kind, uid = response["kind"], f"sms_test:{response['id']}"
        if self.env["chaser.event"].search_count(
            [("provider_event_id", "=", uid)], limit=1
        ):
            return
        if kind != "answer" and not self._is_current(reminder):
            reminder.partner_id._message_log(
                body=self.env._("Late report about a short message: %s", kind)
            )
            return
        reminder._settle_found(self.env._("the gateway reports about it"))
        if kind == "delivered":
            reminder._record_event("delivered", "webhook", provider_event_id=uid)
        elif kind == "undelivered":
            reminder._record_event("bounced", "webhook", provider_event_id=uid)
            self._fall_back(reminder, "recipient_refused", {"detail": response["text"]})
        elif kind == "answer" and response["text"].strip().upper() == "STOP":
            self._stop_addresses(
                reminder, self._get_addresses(reminder), "unsubscribed", "STOP"
            )
            reminder._record_event("unsubscribed", "webhook", provider_event_id=uid)
        elif kind == "answer":
            self._process_answer(reminder, response["text"], uid)


def _normalize(number):
    """Digits alone; a real channel uses a library for that."""
    return re.sub(r"\D", "", number or "")


def _get_totals(items: tuple[Item, ...]):
    """The open amount per currency."""
    totals = {}
    for item in items:
        totals[item.currency] = totals.get(item.currency, 0) + item.residual
    return [f"{amount:,.2f} {currency}" for currency, amount in totals.items()]


def _make_note(text, recipients):
    return {
        "subject": text or "",
        "recipients": tuple(recipients),
        "sender": "",
        "reply_to": "",
    }
