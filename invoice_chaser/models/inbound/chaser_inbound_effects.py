from odoo import models
from odoo.tools import formataddr


class ChaserInbound(models.Model):
    """What a mail leads to, once it is known whom it is about."""

    _inherit = "chaser.inbound"  # pylint: disable=consider-merging-classes-inherited  # effects, apart from matching

    def _apply(self, left_out=0):
        """Do what the mail asks for. A further addon that adds a kind defines
        ``_apply_<kind>``."""
        self.ensure_one()
        if self.reminder_id.is_undecided:
            self.reminder_id._settle_found(self.env._("an answer to it came in"))
        getattr(self, f"_apply_{self.kind}")(left_out)

    # -- an answer

    def _apply_reply(self, left_out):
        """Posts it in the customer's chatter; no further level is sent until a person
        has replied or released the hold."""
        self._post_to_customer(left_out)
        if self.reminder_id:
            self.reminder_id._record_event(
                "replied",
                source="gateway",
                provider_event_id=self._make_event_id(),
                occurred_at=self.received_at,
            )
        if not self.reminder_id.paid_at:
            self.env["chaser.hold"]._hold(
                self.company_id,
                self.partner_id,
                "reply",
                detail=(self.snippet or self.subject or "")[:120],
                reminder=self.reminder_id,
                source="mail",
            )
        self._plan_answer()

    def _post_to_customer(self, left_out):
        """As an incoming mail from the contact. Colleagues who follow the customer are
        notified; the customer's own contacts do not get a copy."""
        partner = self.partner_id.with_context(
            mail_create_nosubscribe=True, mail_post_autofollow_author_skip=True
        )
        colleagues = partner.message_follower_ids.partner_id.filtered(
            lambda follower: not follower.partner_share
        )
        files = self.env["ir.attachment"].search(
            [("res_model", "=", self._name), ("res_id", "=", self.id)]
        )
        partner.message_post(
            body=self._get_body(left_out),
            subject=self.subject or False,
            message_type="email",
            subtype_xmlid="mail.mt_comment",
            author_id=self._get_contact().id or False,
            email_from=self._get_sender(),
            partner_ids=colleagues.ids,
            notify_skip_followers=True,
            parent_id=self._get_parent_message().id or False,
            attachments=[(file.name, file.raw) for file in files],
            date=self.received_at,
            **({"message_id": self.mail_key} if self.mail_key.startswith("<") else {}),
        )

    def _get_contact(self):
        """The contact of this customer who has the address; empty when nobody does."""
        return self.env["res.partner"].search(
            [
                ("id", "child_of", self.partner_id.commercial_partner_id.id),
                ("email_normalized", "=", self.sender_email or "-"),
            ],
            limit=1,
        )

    def _get_sender(self):
        return (
            formataddr((self.sender_name or False, self.sender_email))
            if self.sender_email
            else self.env._("unknown")
        )

    def _get_parent_message(self):
        if not self.reminder_id.message_id:
            return self.env["mail.message"]
        return self.env["mail.message"].search(
            [
                ("message_id", "=", self.reminder_id.message_id),
                ("model", "=", "res.partner"),
                ("res_id", "=", self.partner_id.id),
            ],
            limit=1,
        )

    def _plan_answer(self):
        self.env["chaser.channel"]._plan_look(
            self.company_id,
            self.partner_id,
            self.reminder_id,
            self.sender_name or self.sender_email or "",
            self._get_body(),
        )

    # -- an automatic reply

    def _apply_auto_reply(self, left_out):
        """Noted on the customer; it is no answer, and holds nothing."""
        self.partner_id._message_log(
            body=self._get_body(),
            subject=self.subject or False,
            author_id=self._get_contact().id or False,
            email_from=self._get_sender(),
            message_type="out_of_office",
        )

    # -- a report of a mail server

    def _apply_bounce(self, left_out):
        for position, failure in enumerate(self.failures or []):
            if failure["verdict"] != "delivered":
                self._apply_failure(failure, position)

    def _apply_failure(self, failure, position):
        """One recipient of a report. A copy to a colleague, or an address that the
        customer's server forwards to, says nothing about the customer's own address."""
        reminder, own = self.reminder_id, self._get_own_address(failure)
        verdict = failure["verdict"]
        if reminder:
            if not own and not self._is_forwarded(failure):
                return
            if not own and verdict == "hard":
                verdict = "soft"
            reminder._record_event(
                "deferred" if verdict == "delayed" else "bounced",
                source="gateway",
                provider_event_id=self._make_event_id(position),
                occurred_at=self.received_at,
                raw_data=failure
                | {
                    "bounce_class": verdict,
                    "recipient": own or reminder.recipient_email,
                },
            )
        self.env["chaser.suppression"]._process_bounce(
            self.company_id,
            self.partner_id,
            own or failure["addresses"][0],
            verdict,
            failure["words"],
            reminder=reminder,
            widespread=failure["widespread"],
        )

    def _get_own_address(self, failure):
        """The address of the report that we wrote to; a mail assigned by hand may name
        any of the customer's."""
        mine = (
            self.reminder_id._get_all_recipients()
            if self.reminder_id
            else failure["addresses"]
        )
        return next(
            (address for address in failure["addresses"] if address in mine), False
        )

    def _is_forwarded(self, failure):
        """Whether the failing address is none of those the message was sent to, copies
        included: a recipient forwards their mail."""
        return not set(failure["addresses"]) & set(
            filter(None, (self.reminder_id.recipient_cc or "").split(", "))
        )

    # -- a complaint

    def _apply_complaint(self, left_out):
        """The customer has marked it as spam: the address is stopped at once."""
        reminder = self.reminder_id
        named = [
            address
            for failure in self.failures or []
            for address in failure["addresses"]
        ]
        mine = reminder._get_all_recipients() if reminder else named
        for address in [address for address in named if address in mine] or mine:
            self.env["chaser.suppression"]._suppress(
                self.company_id,
                address,
                "complaint",
                source=self.env._("Complaint from the mail service"),
                reminder=reminder,
            )
        if reminder:
            reminder._record_event(
                "complained",
                source="gateway",
                provider_event_id=self._make_event_id(),
                occurred_at=self.received_at,
            )

    def _apply_broken(self, left_out):
        """A mail that could not be processed has no effects; a person reads it in the
        mailbox."""
