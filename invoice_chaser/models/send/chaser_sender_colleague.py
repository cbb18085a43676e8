from odoo import api, fields, models

from ...core.letter import render
from ...core.letter.colleague_copy import Original, make_copy
from ...core.letter.documents.choice import Document
from ...core.status.tracking import new_token


class ChaserSenderColleague(models.AbstractModel):
    """Copies for colleagues and for the customer's escalation contact.

    Each is a message of its own, made from what the customer was sent: without pixel
    and tracked links, with a stop link that stops its reader alone. It passes the
    mailbox's limits and the gates of addresses like any message, and is queued once per
    reader (unique index), also when a crash came between."""

    _name = "chaser.sender.colleague"
    _inherit = ["chaser.sender"]
    _description = "Sender of Copies to Colleagues"

    _copies_colleagues = False
    _SEND_STEPS = ("lock", "facts", "gates", "render", "mark", "send", "record")

    # -- who gets one

    @api.model
    def _choose(self, job):
        """Addresses that get a copy, and those that do not with the reason: colleagues
        whom the level names, and the customer's escalation contact.

        Left out is who must not be written to: an archived user or contact, a user who
        does not work in the company, an address that is stopped or on the blacklist."""
        company = self.env["res.company"].browse(job.row["company_id"])
        level = self.env["chaser.composer"]._get_level_values(job)
        found, left_out = [], []
        for person, problem in self._get_people(job, level, company):
            address = person.email_normalized or ""
            if not address or address in job.facts["recipients"] or address in found:
                continue
            if problem:
                left_out.append((address, problem, {}))
            else:
                found.append(address)
        stopped = job.channel._read_stopped(found, company) if found else {}
        left_out += [
            (address, stopped[address], {"detail": address})
            for address in found
            if address in stopped
        ]
        return [address for address in found if address not in stopped], left_out

    def _get_people(self, job, level, company):
        """(contact, reason not to write to them or None), for each that is named."""
        users = self.env["res.users"].sudo().browse(level["copy_user_ids"])
        if level["copy_salesperson"]:
            users |= users.browse(job.items[0]["invoice_user_id"] or ())
        for user in users:
            works = user.active and company in user.company_ids
            yield user.partner_id, None if works else "copy_left"
        escalation = self.env["res.partner"].sudo()
        if level["copy_escalation"]:
            escalation = escalation.browse(job.facts["escalation_id"] or ())
        if escalation and escalation._is_of_company(company):
            owner = escalation.parent_id
            gone = not escalation.active or (
                owner and not owner.active and owner.id != job.row["partner_id"]
            )
            yield escalation, "copy_archived" if gone else None

    # -- queueing them, with the notes on the original

    @api.model
    def _queue(self, reminder, addresses):
        """A copy of a sent reminder for each address that has none yet; as
        superuser."""
        known = reminder.search(
            [("copy_of_id", "=", reminder.id), ("purpose", "=", "colleague")]
        ).mapped("recipient_email")
        new = [address for address in addresses if address not in known]
        if not new or not reminder.body_html:
            return
        campaign = self.env["chaser.thanks"]._open_copy_campaign(reminder)
        reminder.create(
            [self._prepare_copy(reminder, campaign, address) for address in new]
        )
        campaign._trigger_sending()

    @api.model
    def _prepare_copy(self, reminder, campaign, address):
        channel = reminder._get_channel()
        return {
            "campaign_id": campaign.id,
            "company_id": reminder.company_id.id,
            "partner_id": reminder.partner_id.id,
            "provider_id": campaign.provider_id.id,
            "purpose": "colleague",
            "copy_of_id": reminder.id,
            "channel": channel._get_code(),
            **channel._prepare_recipient_values([address]),
            "language": reminder.language,
            "token": new_token(),
            "page_token": False,
            "state": "queued",
            # Customers come first.
            "priority": -1,
            "scheduled_at": fields.Datetime.now(),
        }

    # -- the steps

    def _read_addresses(self, job):
        return job.channel._get_addresses(job.row)

    def _step_gates(self, job):
        return self._get_address_stop(job) or self._get_domain_stop(job)

    def _step_render(self, job):
        """What the customer was sent, with nothing in it that stands for them."""
        original = self.env["chaser.reminder"].browse(job.row["copy_of_id"])
        base_url = job.settings["base_url"]
        langs = render.languages(original.language or "en")
        page_token = original.page_token
        subject, html, text = make_copy(
            Original(
                original.subject or "",
                *(
                    # Its own links are found by one token, whatever they are for.
                    original._restore_tokens(
                        str(text or ""), o=original.token, u=original.token
                    )
                    for text in (original.body_html, original.body_text)
                ),
                original.token,
                page_token and original._make_page_url(base_url, page_token) or "",
                tuple(original.link_targets or ()),
                tuple(original._get_all_recipients()),
                langs,
            ),
            stop_url=f"{base_url}/chaser/u/{job.row['stop_token']}",
            home_url=f"{base_url}/my/invoices",
        )
        job.rendered = render.Rendered(subject, html, text, (), langs)
        job.version_id = original.template_version_id.id
        job.documents = [
            Document("copy", file.name, file.raw, file.mimetype)
            for file in original.document_ids
        ]
        job.message = job.channel._prepare_message(job)

    def _step_send(self, job):
        """As for any message, but it takes no slot of a customer
        (``chaser.provider._read_attempts``)."""
        job.result = job.run.transport.send(job.message)
        job.run.note_success()

    def _get_sent_words(self, recipients):
        return self.env._("Copy of a reminder sent to %s", recipients)
