import logging
import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import plaintext2html

from ..core.errors import ConnectFailed, GraphError, UnknownOutcome
from ..core.payload import make_text

_logger = logging.getLogger(__name__)
_MAX = 4096


class ChaserWhatsappAnswer(models.TransientModel):
    """Our answer to a customer's message by WhatsApp: collects the words, shows what it
    costs, and sends it once."""

    _name = "chaser.whatsapp.answer"
    _description = "Answer by WhatsApp"
    _inherit = ["chaser.company.mixin"]
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, readonly=True)
    inbound_id = fields.Many2one(
        "chaser.inbound",
        "Message",
        required=True,
        readonly=True,
        ondelete="cascade",
        check_company=True,
    )
    asked = fields.Text(related="inbound_id.body_text", string="They Wrote")
    until = fields.Datetime(related="inbound_id.whatsapp_until")
    text = fields.Text("Your Answer")
    price = fields.Char("Cost", compute="_compute_price")
    releases_hold = fields.Boolean(
        "Release the Hold",
        default=True,
        help="The customer's answer keeps reminders back until a person has looked.",
    )
    sent_key = fields.Char(readonly=True)

    @api.depends("inbound_id")
    @api.depends_context("lang")
    def _compute_price(self):
        for wizard in self:
            wizard.price = self.env["chaser.whatsapp.price"]._describe_one(
                wizard.company_id, wizard.inbound_id._get_whatsapp_address(), "service"
            )

    def action_send(self):
        """Send it, once: the key is written before, so that a second press finds it.

        :raises UserError: without words, after the window, or when Meta refuses
        """
        self.ensure_one()
        inbound = self.inbound_id._check_may_act()
        self.lock_for_update()
        text = (self.text or "").strip()
        if not text or len(text) > _MAX:
            raise UserError(self.env._("Write an answer of up to %s characters.", _MAX))
        if self.sent_key:
            raise UserError(self.env._("This answer was sent already."))
        if not inbound._is_whatsapp_open():
            raise UserError(
                self.env._(
                    "The 24 hours are over: WhatsApp takes no free answer any more."
                )
            )
        account = inbound.provider_id
        if not account or account.state != "connected":
            raise UserError(
                self.env._(
                    "The WhatsApp number that got this message is not connected."
                )
            )
        key = f"answer:{uuid.uuid4()}"
        self._by_program().sent_key = key
        kept = self._keep(inbound, text, key)
        # The intent is committed: whatever happens now, a second press finds it.
        account._commit_now()
        try:
            note = self._deliver(account, inbound, text, key)
        except UserError:
            kept.unlink()
            self._by_program().sent_key = False
            account._commit_now()
            raise
        self._note(inbound, text, note)
        return {"type": "ir.actions.act_window_close"}

    def _deliver(self, account, inbound, text, key):
        """Hands it to Meta; returns a note where nobody knows whether it arrived.

        :raises UserError: when nothing was sent
        """
        payload = make_text(
            inbound._get_whatsapp_address(), text, inbound.mail_key, key
        )
        try:
            with account._get_whatsapp_client__() as client:
                client.send_message(payload)
                self._mark_read(client, inbound)
        except GraphError as error:
            words = self.env["chaser.reason.mixin"]._get_reason_text(
                error.sentence, {"detail": error.details}
            )
            raise UserError(words or error.details) from None
        except ConnectFailed as error:
            raise UserError(
                self.env._("Meta could not be reached, and nothing was sent: %s", error)
            ) from None
        except UnknownOutcome:
            return self.env._(
                "The connection broke: whether it was sent is not known. Ask the "
                "customer before you send it again."
            )
        return ""

    @api.model
    def _mark_read(self, client, inbound):
        """Who answers has read it, and the customer sees that; whether Meta takes it
        changes nothing about our answer."""
        try:
            client.mark_read(inbound.mail_key)
        except (GraphError, ConnectFailed) as error:
            _logger.info("Message %s was not marked as read: %s", inbound.id, error)

    def _keep(self, inbound, text, key):
        """In the list, beside what it answers."""
        record = inbound.sudo()
        return record.create(
            {
                "company_id": record.company_id.id,
                "provider_id": record.provider_id.id,
                "mail_key": key,
                "kind": "whatsapp_own",
                "sender_name": self.env.user.name,
                "whatsapp_from": record.whatsapp_from,
                "whatsapp_user_id": record.whatsapp_user_id,
                "subject": self.env._("Answer by WhatsApp"),
                "snippet": " ".join(text.split())[:200],
                "body_text": text,
                "state": "matched",
                "matched_by": "reference",
                "partner_id": record.partner_id.id,
                "reminder_id": record.reminder_id.id,
            }
        )

    def _note(self, inbound, text, note):
        """Into the chatter; the hold of their answer is released, unless nobody knows
        whether ours arrived."""
        record = inbound.sudo()
        record.partner_id._for_chaser(record.company_id)._message_log(
            body=plaintext2html("\n\n".join(filter(None, (text, note)))),
            subject=self.env._("Answer by WhatsApp"),
            author_id=self.env.user.partner_id.id,
            message_type="comment",
        )
        if self.releases_hold and not note:
            self.env["chaser.hold"].search(
                [
                    ("partner_id", "=", record.partner_id.id),
                    ("company_id", "=", record.company_id.id),
                    ("code", "=", "reply"),
                    ("released_at", "=", False),
                ]
            ).action_release()
