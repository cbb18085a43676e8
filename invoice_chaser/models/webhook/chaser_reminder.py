from odoo import api, fields, models
from odoo.tools import email_normalize

from ...core.status.tracking import describe_agent, judge


class ChaserReminder(models.Model):
    """What a mail service reports about a reminder."""

    _inherit = "chaser.reminder"  # pylint: disable=consider-merging-classes-inherited  # reports of mail services, whose room is loaded later

    @api.model
    def _take_reports(self, provider, service, reports):
        """Record what a service has reported about messages of the mailbox's company;
        returns how many facts were new.

        Late, repeated or reordered reports change nothing that is known: each fact is
        an event of its own, and the status is the strongest of them.
        """
        found = self._find_reported(provider, reports)
        new = 0
        for report in reports:
            reminder = next(
                (
                    found[key]
                    for key in self._get_report_keys(provider, report)
                    if key in found
                ),
                None,
            )
            key = f"{service.name}:{provider.id}:{report.event_id}"
            if reminder and not self.env["chaser.event"].sudo().search_count(
                [("source", "=", "webhook"), ("provider_event_id", "=", key)], limit=1
            ):
                new += reminder._take_report(report, key)
        return new

    @api.model
    def _find_reported(self, provider, reports):
        """Message-ID → reminder of the mailbox's own company. One query, whatever the
        number of reports."""
        keys = {
            key for report in reports for key in self._get_report_keys(provider, report)
        }
        reminders = (
            self.sudo().search(
                [
                    ("company_id", "=", provider.company_id.id),
                    ("state", "in", ("sending", "sent", "failed")),
                    "|",
                    ("message_id", "in", list(keys)),
                    ("internet_message_id", "in", list(keys)),
                ]
            )
            if keys
            else self.browse()
        )
        by_internet_id = {
            reminder.internet_message_id: reminder
            for reminder in reminders
            if reminder.internet_message_id
        }
        return by_internet_id | {
            reminder.message_id: reminder for reminder in reminders
        }

    @api.model
    def _get_report_keys(self, provider, report):
        """Message-IDs that a report may mean: those it names, and ours with its mark,
        whichever of the company's mailboxes it left from."""
        domains = self._get_own_domains(provider.company_id) if report.mark else ()
        return [
            *report.message_ids,
            *(f"<chaser.{report.mark}@{domain}>" for domain in domains),
        ]

    @api.model
    def _get_own_domains(self, company):
        providers = (
            self.env["chaser.provider"]
            .sudo()
            .with_context(active_test=False)
            .search([("company_id", "=", company.id)])
        )
        return sorted(
            {
                (email_normalize(provider.email) or "").rpartition("@")[2]
                for provider in providers
            }
        )

    def _take_report(self, report, key):
        """One fact about this reminder; 0 when it is about somebody else's copy."""
        self.ensure_one()
        mine = self._get_all_recipients()
        address = email_normalize(report.recipient or "") or (mine[0] if mine else "")
        if address not in mine:
            return 0
        self._settle_found(self.env._("the mail service reports about it"))
        self._record_event(
            report.event_type,
            source="webhook",
            **self._prepare_report_values(report, key, address),
        )
        if report.event_type == "bounced":
            self.env["chaser.suppression"]._take_bounce(
                self.company_id,
                self.partner_id,
                address,
                report.bounce,
                report.detail,
                reminder=self,
            )
        elif report.event_type in ("complained", "unsubscribed"):
            self.env["chaser.suppression"]._suppress(
                self.company_id,
                address,
                "complaint" if report.event_type == "complained" else "unsubscribed",
                source=self.env._("Report of the mail service"),
                reminder=self,
                note=report.detail,
            )
        return 1

    def _prepare_report_values(self, report, key, address):
        at = min(report.at, fields.Datetime.now())
        values = {
            "provider_event_id": key,
            "occurred_at": at,
            "raw_data": {
                "recipient": address,
                **({"bounce_class": report.bounce} if report.bounce else {}),
                **({"words": report.detail} if report.detail else {}),
            },
        }
        if report.event_type not in ("opened", "clicked"):
            return values
        device, client = describe_agent(report.user_agent)
        verdict, reason = (
            ("machine", "prefetch")
            if report.machine
            else judge(
                report.event_type,
                "GET",
                report.user_agent,
                at - self.sent_at if self.sent_at else None,
            )
        )
        personal = (
            {"user_agent": report.user_agent or False, "ip_address": report.ip or False}
            if self.company_id.chaser_tracking
            else {}
        )
        return (
            values
            | personal
            | {
                "device_type": device,
                "mail_client": client or False,
                "link_url": report.link or False,
                "verdict": verdict,
                "verdict_reason": reason or False,
            }
        )
