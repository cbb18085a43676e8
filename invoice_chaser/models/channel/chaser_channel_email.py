from odoo import api, models
from odoo.tools import SQL, email_normalize, email_normalize_all

from ...core.letter import render
from ...core.mail.message import OutgoingMessage
from ...core.mail.webhooks import SERVICES
from ...core.mail.webhooks.base import make_mark
from ...core.plan.gates import Skip
from ...core.plan.reach import Reach
from ...core.status.tracking import mask_tokens


class ChaserChannelEmail(models.AbstractModel):
    """E-mail. Any kind of mailbox that no other channel names carries it."""

    _name = "chaser.channel.email"
    _inherit = ["chaser.channel"]
    _description = "Channel: E-Mail"

    _message_type = "email_outgoing"
    _takes_documents = True
    _recipient_fields = ("recipient_email", "recipient_others")

    # -- whom it reaches

    @api.model
    def _read_reach(self, partners, company):
        partners = partners.with_company(company)
        found = partners._get_chaser_emails()
        if missing := [key for key, emails in found.items() if not emails]:
            found |= partners.browse(missing)._get_chaser_emails(
                self.env["chaser.account"]._read_invoice_contacts(company, missing)
            )
        missing = [key for key, emails in found.items() if not emails]
        problems = partners.browse(missing)._get_chaser_address_problems()
        stopped = self._read_stopped(
            {email for emails in found.values() for email in emails}, company
        )
        reach = {}
        for partner_id, emails in found.items():
            usable = tuple(email for email in emails if email not in stopped)
            stop = None
            if not emails:
                stop = Skip(*problems.get(partner_id, [("no_email", {})])[0])
            elif not usable:
                stop = Skip(stopped[emails[0]], {"detail": emails[0]})
            reach[partner_id] = Reach(usable or tuple(emails), stop)
        return reach

    @api.model
    def _read_sites(self, company, contact_ids):
        """Invoice contact → usable addresses, of those contacts that invoices were made
        out to."""
        Partner = self.env["res.partner"].with_company(company)
        found = Partner._get_site_emails(contact_ids)
        stopped = self._read_stopped(
            {email for emails in found.values() for email in emails}, company
        )
        sites = {
            contact_id: tuple(email for email in emails if email not in stopped)
            for contact_id, emails in found.items()
        }
        return {contact_id: emails for contact_id, emails in sites.items() if emails}

    def _read_current_addresses(self, job):
        own = job.row
        company = self.env["res.company"].browse(own["company_id"])
        rows = job.run.ask(
            self.env["res.partner"]._get_addresses_sql(
                company, own["partner_id"], job.reminder.id
            )
        )
        return self.env["res.partner"]._choose_emails(rows[0])

    @api.model
    def _prepare_recipient_values(self, addresses):
        first, others = (addresses[0], addresses[1:]) if addresses else (False, ())
        return {
            "recipient_email": first,
            "recipient_others": ", ".join(others) or False,
            "recipient_domain": self._get_domain(addresses) or False,
        }

    @api.model
    def _get_addresses(self, row):
        others = email_normalize_all(row["recipient_others"] or "")
        found = [email_normalize(row["recipient_email"] or ""), *others]
        return list(dict.fromkeys(filter(None, found)))

    @api.model
    def _get_stopped_sql(self, addresses, company):
        return self.env["chaser.suppression"]._get_stopped_sql(addresses, company)

    @api.model
    def _read_stopped(self, addresses, company):
        self.env["chaser.suppression"].flush_model()
        return super()._read_stopped(addresses, company)

    @api.model
    def _stop_addresses(self, reminder, addresses, reason, source):
        Suppression = self.env["chaser.suppression"]
        stopped = Suppression.search(
            [
                ("company_id", "=", reminder.company_id.id),
                ("email", "in", addresses),
                ("released_at", "=", False),
            ]
        ).mapped("email")
        new = [address for address in addresses if address not in stopped]
        for address in new:
            Suppression._suppress(
                reminder.company_id, address, reason, source=source, reminder=reminder
            )
        return new

    # -- a message

    @api.model
    def _prepare_run_settings(self, provider):
        company = provider.company_id
        reply_domain = (
            company.alias_domain_id.name
            if company.chaser_reply_token and not provider.reply_to
            else ""
        )
        return {
            "email": email_normalize(provider.email),
            "reply_to": provider.reply_to or company.catchall_email or "",
            "reply_token_domain": reply_domain or "",
            "webhook_service": SERVICES.get(provider.webhook_service),
        }

    def _get_facts_sql(self, job):
        """``former``: Message-IDs of the last reminders to the same address, the newest
        first, so that mail programs show one conversation."""
        own = job.row
        return {
            "former": SQL(
                """ARRAY(SELECT f.message_id FROM chaser_reminder f
                WHERE f.company_id = %s AND f.partner_id = p.id
                AND f.state = 'sent' AND f.id <> %s AND f.recipient_email = %s
                AND f.message_id IS NOT NULL
                ORDER BY f.sent_at DESC LIMIT 5)""",
                own["company_id"],
                job.reminder.id,
                own["recipient_email"],
            )
        }

    def _get_domain(self, addresses):
        return addresses[0].rpartition("@")[2].lower() if addresses else ""

    def _get_address_stop(self, job):
        facts = job.facts
        if not facts["addresses"]:
            return Skip("no_email")
        if not facts["recipients"]:
            first = facts["addresses"][0]
            return Skip(facts["stopped"][first], {"detail": first})
        return None

    def _compose(self, job, content, with_copies):
        job.rendered = self.env["chaser.composer"]._render(job, content)
        if with_copies:
            sender = self.env["chaser.sender.colleague"]
            job.copies, job.copies_left_out = sender._choose(job)
        job.message = self._prepare_message(job)

    def _repeat(self, job, original):
        if not original.body_html:
            return
        job.rendered = render.Rendered(
            original.subject or "",
            original._restore_tokens(original.body_html),
            original._restore_tokens(original.body_text or ""),
            (),
            render.languages(original.language or "en"),
        )
        job.version_id = original.template_version_id.id
        job.message = self._prepare_message(job)

    def _prepare_message(self, job):
        """The message itself. Whoever else is to know gets a message of their own
        (``chaser.sender.colleague``)."""
        settings, own = job.settings, job.row
        message_id = own["message_id"] or job.run.provider._make_message_id(
            settings["email"]
        )
        url = f"{settings['base_url']}/chaser/u/{own['stop_token']}"
        return OutgoingMessage(
            message_id=message_id,
            sender=settings["email"],
            sender_name=own["sender_name"] or settings["sender_name"],
            recipients=tuple(job.facts["recipients"]),
            subject=job.rendered.subject,
            html=job.rendered.html,
            text=job.rendered.text,
            reply_to=self._get_reply_to(job),
            # Oldest first, so that mail programs thread them (RFC 5322 §3.6.4).
            references=tuple(reversed(job.facts["former"])),
            headers=self._prepare_headers(url, job.rendered.langs)
            | self._get_mark_headers(job, message_id),
            attachments=tuple(document.as_attachment() for document in job.documents),
        )

    def _get_reply_to(self, job):
        """Where the company wants it, answers go to an address that names the reminder,
        for mail programs that lose the references; a campaign's own reply address comes
        first."""
        settings, own = job.settings, job.row
        if settings["reply_token_domain"] and not own["reply_to"]:
            return f"chaser+{own['reply_token']}@{settings['reply_token_domain']}"
        return email_normalize(own["reply_to"] or settings["reply_to"]) or ""

    @api.model
    def _prepare_headers(self, unsubscribe_url, langs):
        """Headers that each reminder has, besides those of any mail."""
        return {
            "List-Unsubscribe": f"<{unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "OOF",
            "Content-Language": ", ".join(langs),
        }

    def _get_mark_headers(self, job, message_id):
        """The mark that the mail service repeats in its reports, if it sends any."""
        service, mark = job.settings["webhook_service"], make_mark(message_id)
        return service.get_headers(mark) if service and mark else {}

    def _prepare_kept_values(self, job):
        return {
            "subject": job.rendered.subject,
            "body_html": mask_tokens(job.rendered.html),
            "body_text": mask_tokens(job.rendered.text),
            "language": render.preference_of(job.rendered.langs),
            "link_targets": list(job.rendered.targets),
            "text_values": job.rendered.values or False,
            "sent_from": job.message.sender,
            "sent_from_name": job.message.sender_name or False,
            "recipient_cc": ", ".join(job.copies) or False,
            **self._prepare_recipient_values(job.message.recipients),
        }

    def _prepare_sent_values(self, result):
        return {
            "provider_thread_id": result.thread_id or False,
            "internet_message_id": result.internet_message_id or False,
        }

    def _prepare_note(self, job):
        message = job.message
        return {
            "subject": message.subject,
            "recipients": message.recipients,
            "sender": message.sender,
            "reply_to": message.reply_to,
        }

    def _prepare_late_note(self, reminder):
        return {
            "subject": reminder.subject or "",
            "recipients": tuple(self._get_addresses(reminder)),
            "sender": reminder.provider_id.email,
            "reply_to": "",
        }

    @api.model
    def _get_refusal_params(self, reminder, error):
        return {
            "detail": str(error),
            "recipient": next(iter(error.dead), reminder.recipient_email),
            "bounce_class": "hard",
        }

    @api.model
    def _process_refusal(self, reminder, error):
        """The address counts as one that bounces, and so does each other one."""
        first, *others = error.dead or (reminder.recipient_email,)
        self._process_hard(reminder, first, str(error))
        self._process_dead(reminder, others, str(error))

    @api.model
    def _process_dead(self, reminder, addresses, words):
        for address in addresses:
            if address in self._get_addresses(reminder):
                reminder._record_event(
                    "bounced",
                    source="api",
                    raw_data={
                        "detail": words,
                        "recipient": address,
                        "bounce_class": "hard",
                    },
                )
                self._process_hard(reminder, address, words)

    @api.model
    def _process_hard(self, reminder, address, words):
        self.env["chaser.suppression"]._process_bounce(
            reminder.company_id,
            reminder.partner_id,
            address,
            "hard",
            words,
            reminder=reminder,
        )

    @api.model
    def _process_undelivered(self, reminder, words):
        """A report that came after the message had left says that an address of it
        never takes mail. When that is true of all of them, the customer got nothing,
        and the next channel of the reminder takes it."""
        since = reminder.channel_since
        events = reminder.event_ids.filtered(
            lambda event: not since or event.create_date > since
        )
        if events.filtered(
            lambda event: event.event_type in ("delivered", "replied")
            or (event.event_type in ("opened", "clicked") and event.verdict == "human")
        ):
            return
        dead = {
            event.raw_data.get("recipient")
            for event in events
            if event.event_type == "bounced"
            and (event.raw_data or {}).get("bounce_class") == "hard"
        }
        mine = reminder._get_all_recipients()
        if mine and dead.issuperset(mine):
            self._fall_back(reminder, "recipient_refused", {"detail": words})

    @api.model
    def _render_preview(self, template, data, lang, level):
        sources = template._get_sources()
        if lang not in sources:
            return ""
        return render.compose(data, {lang: sources[lang]}, lang).html
