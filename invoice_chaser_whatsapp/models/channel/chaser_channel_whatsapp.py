import os
from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.invoice_chaser.core.plan.gates import Elsewhere, Fail, Hold, Skip
from odoo.addons.invoice_chaser.core.plan.reach import Reach

from ...core.errors import Action
from ...core.payload import is_user_id
from ..account.transport import GraphRefused, WhatsappMessage

# Reasons of a template that pass: Meta lifts a pause, or ends a review; a manager
# allows utility templates again.
_PASSING = {"whatsapp_paused", "whatsapp_not_approved", "whatsapp_utility_stopped"}
LOOK_AGAIN = timedelta(hours=1)
AFTER_SYNC = timedelta(minutes=10)
# The n-th time that Meta says it, the customer waits 4^n seconds; at most 4^6, which is
# more than an hour.
PAIR_STEPS = 6
# Meta's word for what an error says of a template.
_TEMPLATE_EVENTS = {132015: "PAUSED", 132016: "DISABLED", 132007: "REJECTED"}


class ChaserChannelMixin(models.AbstractModel):
    _inherit = "chaser.channel.mixin"

    channel = fields.Selection(
        selection_add=[("whatsapp", "WhatsApp")],
        ondelete={
            "whatsapp": lambda rows: rows.env["chaser.channel"]._forget("whatsapp")
        },
    )


class ChaserChannelWhatsapp(models.AbstractModel):
    """WhatsApp, by templates that Meta has approved. Whom it reaches, the rooms
    ``person`` and ``template`` say."""

    _name = "chaser.channel.whatsapp"
    _inherit = ["chaser.channel"]
    _description = "Channel: WhatsApp"

    _kinds = ("whatsapp",)
    _takes_documents = True
    _recipient_fields = ("whatsapp_to",)

    # -- whom it reaches

    @api.model
    def _read_reach(self, partners, company):
        found = self.env["chaser.whatsapp.person"]._read_reachable(company, partners)
        return {
            partner_id: Reach((), Skip(reason, {"detail": ""}))
            if reason
            else Reach((person._get_address(),))
            for partner_id, (person, reason) in found.items()
        }

    @api.model
    def _prepare_recipient_values(self, addresses):
        """The limit per recipient domain and minute counts by the number: Meta limits
        how fast messages to one person follow each other."""
        if not addresses:
            return {"whatsapp_to": False}
        return {"whatsapp_to": addresses[0], "recipient_domain": addresses[0]}

    @api.model
    def _get_addresses(self, row):
        return list(filter(None, [row["whatsapp_to"]]))

    def _get_domain(self, addresses):
        return addresses[0] if addresses else ""

    def _read_current_addresses(self, job):
        """A number that was corrected after planning is used; where nothing can go any
        more, the planned one says why."""
        self.env["chaser.whatsapp.person"].invalidate_model()
        company = self.env["res.company"].browse(job.row["company_id"])
        partner = self.env["res.partner"].browse(job.row["partner_id"])
        reach = self._read_reach(partner, company)[partner.id]
        return list(reach.addresses) or self._get_addresses(job.row)

    @api.model
    def _get_stopped_sql(self, addresses, company):
        return self.env["chaser.whatsapp.person"]._get_stopped_sql(addresses, company)

    @api.model
    def _read_stopped(self, addresses, company):
        self.env["chaser.whatsapp.person"].flush_model()
        return super()._read_stopped(addresses, company)

    @api.model
    def _find_people(self, reminder, addresses=None):
        Person = self.env["chaser.whatsapp.person"].sudo()
        people = Person.browse()
        for address in addresses or self._get_addresses(reminder):
            known = {"user_id" if is_user_id(address) else "phone": address}
            people |= Person._find(reminder.company_id, **known)
        return people

    @api.model
    def _stop_addresses(self, reminder, addresses, reason, source):
        known = self._read_stopped(addresses, reminder.company_id)
        for address in addresses:
            self._find_people(reminder, [address])._stop(source, False)
        rests = "whatsapp_resting"
        return [one for one in addresses if known.get(one, rests) == rests]

    # -- a message

    def _get_address_stop(self, job):
        """Number, consent, and whether there is a template that may be sent."""
        facts = job.facts
        if not facts["addresses"]:
            return Skip("whatsapp_no_number")
        if not facts["recipients"]:
            first = facts["addresses"][0]
            return Skip(facts["stopped"][first], {"detail": first})
        template, reason = self._choose_template(job)
        facts["whatsapp_template"] = template
        return self._get_template_stop(job, reason) if reason else None

    @api.model
    def _choose_template(self, job):
        """As it is now: a report of Meta's may have changed it since the run began."""
        Template = self.env["chaser.whatsapp.template"]
        Template.invalidate_model()
        own = job.row
        return Template._choose(
            self.env["res.company"].browse(own["company_id"]),
            self.env["chaser.level"].browse(own["level_id"] or ()),
            own["language"],
            job.run.provider,
        )

    @api.model
    def _get_template_stop(self, job, reason):
        """What passes by itself is waited for, where there is no other channel."""
        if reason in _PASSING and not job.row["channel_rest"]:
            return Hold(reason, {"detail": ""}, fields.Datetime.now() + LOOK_AGAIN)
        return Skip(reason, {"detail": ""})

    def _choose_options(self, job, options):
        """The statement, where the template has a document as header; nothing else can
        go along."""
        template = job.facts["whatsapp_template"]
        content = template.version_id.content or {}
        wanted = content.get("header_kind") == "document"
        return options | {
            "invoices": "link",
            "letter": {},
            "statement": "pdf" if wanted else "none",
            "max_count": 1,
            "makes": wanted,
        }

    def _compose(self, job, content, with_copies):
        template = job.facts["whatsapp_template"]
        data = self.env["chaser.composer"]._prepare_message_data(job)
        rendered = template._render(data)
        if rendered["empty"]:
            return Skip("whatsapp_empty", {"detail": ", ".join(rendered["empty"])})
        if rendered["too_long"]:
            return Skip("whatsapp_too_long", {"detail": template.name})
        statement = next(
            (one for one in job.documents if one.kind == "statement"), None
        )
        if rendered["header_kind"] == "document" and not statement:
            return Skip("whatsapp_no_statement", {"detail": template.name})
        message_id = job.row["message_id"] or self._make_message_id(job)
        job.message = WhatsappMessage(
            message_id=message_id,
            callback=_make_callback(message_id),
            address=job.facts["recipients"][0],
            template=template.name,
            language=template.language,
            components=tuple(template._prepare_components(data)),
            text=_join(rendered),
            version_id=template.version_id.id,
            document=statement and statement.as_attachment(),
        )
        return None

    @api.model
    def _make_message_id(self, job):
        return job.run.provider._make_message_id("whatsapp@whatsapp.invalid")

    def _prepare_kept_values(self, job):
        """The former attempt's key at Meta is no longer this message's."""
        message = job.message
        return {
            "whatsapp_to": message.address,
            "whatsapp_text": message.text,
            "whatsapp_key": message.callback,
            "whatsapp_version_id": message.version_id or False,
            "subject": _shorten(message.text),
            "language": "ar" if message.language.startswith("ar") else "en",
            "provider_message_id": False,
            "internet_message_id": False,
        }

    def _prepare_sent_values(self, result):
        """Answers name the message by Meta's key."""
        return {"internet_message_id": result.provider_message_id or False}

    def _prepare_note(self, job):
        return _make_note(job.message.text, [job.message.address])

    def _prepare_late_note(self, reminder):
        return _make_note(reminder.whatsapp_text, self._get_addresses(reminder))

    @api.model
    def _render_preview(self, template, data, lang, level):
        Template = self.env["chaser.whatsapp.template"]
        chosen, reason = Template._choose(self.env.company, level, lang)
        if reason:
            words = self.env["chaser.reason.mixin"]._get_reason_text(
                reason, {"detail": ""}
            )
            return str(Markup("<p>%s</p>") % words)
        if chosen.lang != lang:
            return ""
        return str(chosen._draw_phone(chosen._render(data), data))

    # -- what Meta's refusals mean

    @api.model
    def _process_error(self, job, error):
        if not isinstance(error, GraphRefused):
            return None
        return self._process_graph_error(job.reminder, error.error, job.row)

    @api.model
    def _process_graph_error(self, reminder, error, row):
        """What a refusal of one message means for number, template and message.

        :param row: of the reminder, as the sender has read it
        """
        params = {"detail": str(error), "code": error.code}
        if self._process_person_error(reminder, error):
            reminder._record_event("bounced", "api", raw_data=params)
            return Elsewhere(error.sentence, params)
        if error.action == Action.WAIT_PAIR:
            seconds = 4 ** min(max(reminder.attempt_count, 1), PAIR_STEPS)
            until = fields.Datetime.now() + timedelta(seconds=seconds)
            return Hold(error.sentence, params, until)
        if error.action in (Action.STOP_TEMPLATE, Action.STOP_CATEGORY):
            if error.action == Action.STOP_CATEGORY:
                reminder.provider_id._stop_whatsapp_utility(str(error))
            self._process_template_error(reminder, error)
            if row["channel_rest"]:
                return Elsewhere(error.sentence, params)
            until = fields.Datetime.now() + LOOK_AGAIN
            return Hold(error.sentence, params, until)
        if error.action == Action.READ_TEMPLATE and reminder.attempt_count < 2:
            self._sync_templates(reminder.provider_id)
            until = fields.Datetime.now() + AFTER_SYNC
            return Hold(error.sentence, params, until)
        return Fail(error.sentence, params)

    @api.model
    def _process_person_error(self, reminder, error):
        """What an error says of the customer's number; whether it is about that."""
        if error.action == Action.UNDELIVERABLE:
            self._find_people(reminder)._note_undeliverable(error.code)
        elif error.action == Action.STOP_PERSON:
            self._find_people(reminder)._stop(
                self.env._("Reported by WhatsApp"), error.details
            )
        elif error.action == Action.ELSEWHERE:
            self._find_people(reminder)._rest()
        else:
            return False
        return True

    @api.model
    def _process_template_error(self, reminder, error):
        version = reminder.whatsapp_version_id
        event = _TEMPLATE_EVENTS.get(error.code)
        if version and event:
            self.env["chaser.whatsapp.template"].sudo()._process_event(
                reminder.provider_id,
                "message_template_status_update",
                {
                    "event": event,
                    "message_template_name": version.template_id.name,
                    "message_template_language": version.template_id.language,
                    "reason": error.details,
                },
            )

    @api.model
    def _sync_templates(self, account):
        try:
            self.env["chaser.whatsapp.template"].sudo()._sync(account)
        except UserError:
            # Meta cannot be asked now; the gate, or the next daily look, asks again.
            return

    @api.model
    def _process_refusal(self, reminder, error):
        """A number that is refused for good gets nothing more."""
        self._find_people(reminder)._block("undeliverable", str(error))


def _make_callback(message_id):
    """Our key, and one of the attempt: a late report about an earlier attempt must not
    speak of this one."""
    return f"{message_id}|{os.urandom(8).hex()}"


def _join(rendered):
    parts = [rendered[name] for name in ("header", "body", "footer")]
    if rendered["button"]:
        parts.append(f"[{rendered['button']}]")
    return "\n\n".join(filter(None, parts))


def _shorten(text, limit=80):
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _make_note(text, recipients):
    return {
        "subject": _shorten(text or "", 200),
        "recipients": tuple(recipients),
        "sender": "",
        "reply_to": "",
    }
