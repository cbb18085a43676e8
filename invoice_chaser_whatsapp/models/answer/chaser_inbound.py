from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core.opt_out import find_opt_out

# A free answer may be sent within a day of the customer's last message.
_WINDOW = timedelta(hours=24)


class ChaserInbound(models.Model):
    """Messages by WhatsApp in the list of incoming mail, with the same rules: a match
    or a person's choice, then the chatter, and the ladder rests until a person has
    looked."""

    _inherit = "chaser.inbound"

    kind = fields.Selection(
        selection_add=[
            ("whatsapp", "WhatsApp message"),
            ("whatsapp_own", "Our answer by WhatsApp"),
        ],
        ondelete={"whatsapp": "set reply", "whatsapp_own": "set own"},
    )
    whatsapp_from = fields.Char("WhatsApp Number", readonly=True, index=True)
    whatsapp_user_id = fields.Char("WhatsApp User Id", readonly=True)
    whatsapp_until = fields.Datetime(
        "Answer Until",
        compute="_compute_whatsapp_until",
        help="WhatsApp takes a free answer within 24 hours of the customer's last "
        "message.",
    )
    whatsapp_can_answer = fields.Boolean(compute="_compute_whatsapp_until")

    @api.depends("received_at", "kind")
    def _compute_whatsapp_until(self):
        now = fields.Datetime.now()
        for record in self:
            last = record._get_last_whatsapp()
            record.whatsapp_until = last and last + _WINDOW
            record.whatsapp_can_answer = bool(
                record.kind == "whatsapp" and last and last + _WINDOW > now
            )

    def _is_whatsapp_open(self):
        """As of now: the window closes by itself."""
        self.invalidate_recordset(["whatsapp_until", "whatsapp_can_answer"])
        return self.whatsapp_can_answer

    def _get_last_whatsapp(self):
        """When the sender wrote last; False for what is no message by WhatsApp."""
        if self.kind != "whatsapp":
            return False
        return max(
            self.search(
                [
                    ("company_id", "=", self.company_id.id),
                    ("kind", "=", "whatsapp"),
                    ("whatsapp_from", "=", self.whatsapp_from),
                    ("whatsapp_user_id", "=", self.whatsapp_user_id),
                ],
                order="received_at desc",
                limit=1,
            ).received_at
            or self.received_at,
            self.received_at,
        )

    def _get_whatsapp_address(self):
        return self.whatsapp_from or self.whatsapp_user_id or ""

    # -- effects

    def _apply_whatsapp(self):
        """As an answer by mail: into the chatter, and the ladder rests. Who asks for no
        more messages is stopped at once; whoever says nothing else is not held."""
        people = self._ensure_whatsapp_person()
        words = find_opt_out(self.body_text or "")
        self._post_whatsapp()
        if self.reminder_id:
            self.reminder_id._record_event(
                "unsubscribed" if words else "replied",
                source="gateway",
                provider_event_id=self._make_event_id(),
                occurred_at=self.received_at,
            )
        if words:
            people._stop(
                self.env._("Message by WhatsApp"), self.body_text, self.received_at
            )
        if words and not self._says_more(words):
            return
        if not self.reminder_id.paid_at:
            self.env["chaser.hold"]._hold(
                self.company_id,
                self.partner_id,
                "reply",
                detail=(self.snippet or self._name_files())[:120],
                reminder=self.reminder_id,
                source="mail",
            )
        self._plan_answer()

    def _apply_whatsapp_own(self):
        """What we wrote has its note already."""

    def _says_more(self, words):
        """Whether the message holds more than the wish to get no more of them."""
        return bool(self.attachment_count) or (
            len((self.body_text or "").split()) > len(words.split()) + 4
        )

    def _name_files(self):
        files = self.env["ir.attachment"].sudo().search(self._get_files_domain())
        return ", ".join(files.mapped("name")) or self.left_out or ""

    def _post_whatsapp(self):
        """Into the customer's chatter, with the files; colleagues who follow the
        customer see it."""
        partner = self.partner_id.with_context(
            mail_create_nosubscribe=True, mail_post_autofollow_author_skip=True
        )
        files = self.env["ir.attachment"].sudo().search(self._get_files_domain())
        colleagues = partner.message_follower_ids.partner_id.filtered(
            lambda follower: not follower.partner_share
        )
        partner.message_post(
            body=self._get_body(),
            subject=self.env._("WhatsApp message"),
            message_type="comment",
            subtype_xmlid="mail.mt_note",
            author_id=self._get_whatsapp_contact().id,
            partner_ids=colleagues.ids,
            notify_skip_followers=True,
            attachments=[(file.name, file.raw) for file in files],
            date=self.received_at,
        )

    def _get_whatsapp_contact(self):
        """The contact whose number it is, else the customer."""
        person = self._find_whatsapp_people().filtered(
            lambda one: one.partner_id == self.partner_id
        )[:1]
        return person.contact_id or self.partner_id

    def _find_whatsapp_people(self):
        return (
            self.env["chaser.whatsapp.person"]
            .sudo()
            ._find(
                self.company_id,
                wa_id=(self.whatsapp_from or "").removeprefix("+"),
                user_id=self.whatsapp_user_id or "",
            )
        )

    def _ensure_whatsapp_person(self):
        """The sender as a number of this customer, so that the next message is matched,
        and a wish to stop is known before somebody enters a consent."""
        people = self._find_whatsapp_people()
        if people.filtered(lambda one: one.partner_id == self.partner_id):
            return people
        return people | self.env["chaser.whatsapp.person"].sudo().create(
            {
                "company_id": self.company_id.id,
                "partner_id": self.partner_id.id,
                "phone_e164": self.whatsapp_from,
                "wa_id": (self.whatsapp_from or "").removeprefix("+") or False,
                "user_id": self.whatsapp_user_id,
            }
        )

    # -- our answer

    @api.model
    def _process_whatsapp_status(self, account, status):
        """What Meta reports about an answer of ours: what it costs, and that it did not
        arrive, which a colleague must know. As superuser; once.

        :param status: ``core.webhook.Status``
        :return: whether it was a new fact
        """
        own = self.sudo().search(
            [
                ("company_id", "=", account.company_id.id),
                ("mail_key", "=", status.callback),
            ],
            limit=1,
        )
        if not own:
            return "waiting"
        charge = self.env["chaser.whatsapp.charge"].sudo()
        if status.pricing:
            charge._record(
                own.company_id,
                status.callback,
                own.partner_id,
                [own._get_whatsapp_address()],
                status.pricing,
                status.moment or fields.Datetime.now(),
            )
        if status.status != "failed" or own.left_out:
            return False
        words = ", ".join(f"{text} ({code})" for code, text in status.errors) or "-"
        own.left_out = words[:500]
        body = self.env._("Our answer by WhatsApp did not arrive: %s", words)
        own.partner_id._for_chaser(own.company_id)._message_log(body=body)
        self.env["chaser.channel"]._plan_look(
            own.company_id,
            own.partner_id,
            own.reminder_id,
            own.partner_id.name or "",
            body,
        )
        return True

    def action_whatsapp_answer(self):
        """Write back by WhatsApp, while the window is open."""
        self.ensure_one()
        self._check_may_act()
        if self.state != "matched":
            raise UserError(
                self.env._("Assign the message to a customer first, then answer it.")
            )
        if not self._is_whatsapp_open():
            raise UserError(
                self.env._(
                    "The customer's last message is more than 24 hours old, so that "
                    "WhatsApp takes no free answer any more. Call them, write a mail, "
                    "or send the next reminder."
                )
            )
        wizard = self.env["chaser.whatsapp.answer"]._create_by_program(
            {"inbound_id": self.id, "company_id": self.company_id.id}
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": "chaser.whatsapp.answer",
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
            "name": self.env._("Answer by WhatsApp"),
        }
