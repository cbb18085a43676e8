from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date, formataddr


class ChaserInbound(models.Model):
    """What a mail leads to, once it is known whom it is about."""

    _inherit = "chaser.inbound"  # pylint: disable=consider-merging-classes-inherited  # effects, apart from matching

    def _apply(self):
        """Do what the mail asks for. A further addon that adds a kind defines
        ``_apply_<kind>``."""
        self.ensure_one()
        if self.reminder_id.is_undecided:
            self.reminder_id._settle_found(self.env._("an answer to it came in"))
        getattr(self, f"_apply_{self.kind}")()

    # -- an answer

    def _apply_reply(self):
        """Into the customer's chatter; the ladder rests until a person has answered or
        released it."""
        self._post_to_customer()
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

    def _post_to_customer(self):
        """As an incoming mail from the contact. Colleagues who follow the customer are
        notified; the customer's own contacts do not get a copy."""
        partner = self.partner_id._for_chaser(self.company_id).with_context(
            mail_create_nosubscribe=True, mail_post_autofollow_author_skip=True
        )
        # Of the customer's followers, those who may know of this company's dealings.
        colleagues = partner.message_follower_ids.partner_id.filtered(
            lambda follower: not follower.partner_share
            and self.company_id in follower.user_ids.company_ids
        )
        files = self.env["ir.attachment"].search(self._get_files_domain())
        partner.message_post(
            body=self._get_body(),
            subject=self.subject or False,
            message_type="email",
            subtype_xmlid="mail.mt_comment",
            author_id=self._get_contact().id or False,
            email_from=self._get_sender(),
            partner_ids=colleagues.ids,
            notify_skip_followers=True,
            parent_id=self._get_parent_message().id or False,
            # The files stay where the mail is, so that who may read it reads them.
            attachment_ids=files.ids,
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

    # -- our own answer

    def _apply_own(self):
        """A colleague, or our mailbox, wrote to the customer: into the chatter, and
        what the customer's answer held is released."""
        author = self.env["res.users"].search(
            [
                ("share", "=", False),
                ("partner_id.email_normalized", "=", self.sender_email),
            ],
            limit=1,
        )
        partner = self.partner_id._for_chaser(self.company_id)
        partner.with_context(mail_create_nosubscribe=True)._message_log(
            body=self._get_body(),
            subject=self.subject or False,
            author_id=author.partner_id.id or False,
            email_from=self._get_sender(),
            message_type="email",
        )
        self.env["chaser.hold"].search(
            [
                ("partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("code", "=", "reply"),
                ("released_at", "=", False),
                ("create_date", "<=", fields.Datetime.now()),
            ]
        ).with_user(author or self.env.user).sudo().action_release()

    # -- an automatic reply

    def _apply_auto_reply(self):
        """Noted on the customer; it is no answer, and holds nothing. What it proposes,
        a person decides (``action_wait``, ``action_use_contact``)."""
        self.partner_id._for_chaser(self.company_id)._message_log(
            body=self._get_body(),
            subject=self.subject or False,
            author_id=self._get_contact().id or False,
            email_from=self._get_sender(),
            message_type="out_of_office",
        )

    def action_wait(self):
        """Reminders to this customer wait until the person is back."""
        self.ensure_one()
        record = self._check_may_act()
        if not record.can_wait:
            raise UserError(
                self.env._("“%s” names no day to wait for.", self.display_name)
            )
        self.env["chaser.hold"]._hold(
            record.company_id,
            record.partner_id,
            "manual",
            detail=self.env._("Out of office: %s", record._get_sender()),
            until=fields.Date.subtract(record.absence_until, days=1),
            reminder=record.reminder_id,
            source="mail",
        )
        record.absence_used = True

    def action_use_contact(self):
        """While they are away, reminders go to the contact that their reply names, and
        to them again from the day on which they are back. The customer's contacts stay
        as they are."""
        self.ensure_one()
        record = self._check_may_act()
        if (
            not record.absence_contact
            or record.state != "matched"
            or (record.absence_until and not record.can_wait)
        ):
            raise UserError(
                self.env._("“%s” names nobody to write to.", self.display_name)
            )
        absent = record._find_absent()
        record.write(
            {"absence_redirects": True, "absence_used": True, "absence_email": absent}
        )
        told = {
            "contact": record.absence_contact,
            "absent": absent,
            "user": self.env.user.name,
        }
        if record.absence_until:
            day = format_date(self.env, record.absence_until)
            words = self.env._(
                "Reminders go to %(contact)s in place of %(absent)s, who is back on "
                "%(day)s; decided by %(user)s.",
                day=day,
                **told,
            )
        else:
            words = self.env._(
                "Reminders go to %(contact)s in place of %(absent)s until somebody "
                "ends that on their reply; decided by %(user)s.",
                **told,
            )
        record.partner_id._message_log(body=words)

    def _find_absent(self):
        """The address of ours that they answer for: they may write from another one."""
        written = self.reminder_id._get_all_recipients() if self.reminder_id else []
        sender = (self.sender_email or "").lower()
        return sender if sender in written or not written else written[0]

    def action_end_redirect(self):
        """They are back, or it was a mistake: reminders go to them again."""
        self.ensure_one()
        record = self._check_may_act()
        record.write({"absence_redirects": False, "absence_used": False})
        record.partner_id._message_log(
            body=self.env._(
                "Reminders go to %(absent)s again; decided by %(user)s.",
                absent=record.absence_email,
                user=self.env.user.name,
            )
        )

    @api.model
    def _get_substitutes_sql(self, company):
        """Of a customer (``p``): the address of whoever is out of office → the contact
        that gets their reminders meanwhile; an object, or null."""
        return SQL(
            """(SELECT jsonb_object_agg(i.absence_email, lower(i.absence_contact)
            ORDER BY i.id) FROM chaser_inbound i
            WHERE i.partner_id = p.id AND i.absence_redirects
            AND i.absence_email IS NOT NULL AND i.state = 'matched'
            AND i.company_id = ANY(%s)
            AND (i.absence_until IS NULL OR i.absence_until > %s))""",
            list(company._get_chaser_entity().ids),
            company._get_chaser_today(),
        )

    # -- a report of a mail server

    def _apply_bounce(self):
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
        address = own or next(iter(failure["addresses"]), "")
        self.env["chaser.suppression"]._process_bounce(
            self.company_id,
            self.partner_id,
            address,
            verdict if address else "soft",
            failure["words"],
            reminder=reminder,
            widespread=failure["widespread"],
        )
        if reminder:
            self.env["chaser.channel.email"]._process_undelivered(
                reminder, failure["words"]
            )

    def _get_own_address(self, failure):
        """The address of the report that we wrote to; a mail assigned by hand may name
        any of the customer's. A report that names nobody is about the only one."""
        mine = (
            self.reminder_id._get_all_recipients()
            if self.reminder_id
            else failure["addresses"]
        )
        if not failure["addresses"] and len(mine) == 1:
            return mine[0]
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

    def _apply_complaint(self):
        """The customer has marked it as spam, or wants no more: their address is
        stopped at once. Other feedback (fraud, none of the known types) is noted."""
        reminder = self.reminder_id
        if not any(f["verdict"] == "complaint" for f in self.failures or []):
            self.partner_id._for_chaser(self.company_id)._message_log(
                body=self.env._("A mail service reports feedback: %s", self.subject)
            )
            return
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
                source="service_complaint",
                reminder=reminder,
            )
        if reminder:
            reminder._record_event(
                "complained",
                source="gateway",
                provider_event_id=self._make_event_id(),
                occurred_at=self.received_at,
            )

    def _apply_broken(self):
        """A mail that could not be processed has no effects; a person reads it in the
        mailbox."""
