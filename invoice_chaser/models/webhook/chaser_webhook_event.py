import logging

import requests

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.tools import SQL, email_normalize

from ...core.mail.webhooks import SERVICES, Malformed, Refused
from ...core.status.tracking import (
    describe_agent,
    judge,
    mask_tokens,
    read_link_texts,
    valid_token,
)
from ..common.conflicts import CONFLICTS

_logger = logging.getLogger(__name__)
_ATTEMPTS = 3
_BATCH = 50
_PATIENCE = 4  # seconds, for an address of the service
_CERTIFICATE_SIZE = 20_000
# Certificates of Amazon by address; an address names one certificate for ever. Kept as
# long as the process lives.
_CERTIFICATES: dict[str, bytes] = {}


class ChaserWebhookEvent(models.Model):
    """A report of a mail service: stored when its origin is proven, processed
    afterwards, and again where needed."""

    _name = "chaser.webhook.event"
    _description = "Report of a Mail Service"
    _order = "id desc"
    _rec_name = "service"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    provider_id = fields.Many2one(
        "chaser.provider",
        "Mailbox",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    service = fields.Selection(
        lambda self: self._get_service_selection(),
        required=True,
        readonly=True,
    )
    external_key = fields.Char(
        "Key",
        required=True,
        readonly=True,
        help="Under which a repeated report counts once.",
    )
    payload = fields.Text(
        readonly=True,
        help="As it came; forgotten after the company's retention period.",
    )
    received_at = fields.Datetime(
        "Received", required=True, readonly=True, default=fields.Datetime.now
    )
    is_processed = fields.Boolean("Processed", readonly=True)
    processed_at = fields.Datetime(readonly=True)
    attempt_count = fields.Integer(readonly=True, aggregator=None)
    error = fields.Char(readonly=True)
    report_count = fields.Integer(
        "Facts", readonly=True, help="How many facts about messages it holds."
    )
    matched_count = fields.Integer(
        "Matched",
        readonly=True,
        help="Facts about messages of ours that were not known before.",
    )
    subscribe_url = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    needs_confirmation = fields.Boolean(
        "To Confirm",
        readonly=True,
        help="Amazon asks whether its reports shall come here.",
    )

    _key_uniq = models.UniqueIndex("(provider_id, external_key)")
    _open_idx = models.Index("(id) WHERE is_processed IS NOT TRUE")
    _received_idx = models.Index("(company_id, received_at)")

    @api.depends("service", "external_key")
    def _compute_display_name(self):
        services = dict(self._fields["service"]._description_selection(self.env))
        for event in self:
            event.display_name = (
                f"{services.get(event.service, '')} {event.id or ''}".strip()
            )

    # -- taking in

    @api.model
    def _get_service_selection(self):
        """(name, label) of the services whose reports are kept here. An addon with
        reports of its own adds its name, stores them by ``_store`` and defines
        ``_process_<name>``."""
        return [(one.name, one.label) for one in SERVICES.values()]

    @api.model
    def _receive(self, service_name, token, request):
        """Store a report. Called by the public route as superuser; verifies before
        anything is read.

        :return: the HTTP status to respond with: 200, 403 (not proven), 404 (no such
        address) or 503 (come again)
        """
        service = SERVICES.get(service_name)
        provider = (
            self._find_provider(service_name, token)
            if service and valid_token(token)
            else None
        )
        if not provider:
            return 404
        try:
            secret = provider._open_secret__("webhook_secret_sealed")
            key = service.verify(
                request,
                secret,
                fields.Datetime.now(),
                lambda url: self._fetch__(service, url),
            )
        except (Refused, UserError) as error:
            _logger.info(
                "A report of %s for mailbox %s was refused: %s",
                service_name,
                provider.id,
                error,
            )
            return 403
        except requests.RequestException as error:
            _logger.info(
                "A report of %s cannot be verified right now: %s",
                service_name,
                type(error).__name__,
            )
            return 503
        self._store(provider, service.name, key, request.body)
        return 200

    @api.model
    def _find_provider(self, service_name, token):
        return (
            self.env["chaser.provider"]
            .with_context(active_test=False)
            .search(
                [("webhook_token", "=", token), ("webhook_service", "=", service_name)],
                limit=1,
            )
        )

    @api.model
    def _store(self, provider, service_name, key, body):
        """Stores the report once, even if it arrives several times at the same
        moment."""
        self.env.cr.execute(
            SQL(
                """INSERT INTO chaser_webhook_event (company_id, provider_id, service,
                external_key, payload, received_at, attempt_count,
                      create_uid, write_uid, create_date, write_date)
               VALUES (%s, %s, %s, %s, %s, %s, 0, 1, 1, now() AT TIME ZONE 'UTC',
               now() AT TIME ZONE 'UTC')
               ON CONFLICT DO NOTHING RETURNING id""",
                provider.company_id.id,
                provider.id,
                service_name,
                key[:200],
                body.decode("utf-8", "replace").replace("\0", ""),
                fields.Datetime.now(),
            )
        )
        if self.env.cr.rowcount:
            self.env.ref("invoice_chaser.ir_cron_process_webhooks").sudo()._trigger()

    @api.model
    def _fetch__(self, service, url):
        """The certificate at an address of SNS. No redirects, no large files, no other
        hosts.

        :raises requests.RequestException: when it cannot be had now
        :raises Refused: for any other address
        """
        if not service.is_own_url(url):
            raise Refused("an address that is not the service's")
        if url not in _CERTIFICATES:
            if len(_CERTIFICATES) >= 50:
                _CERTIFICATES.clear()
            _CERTIFICATES[url] = self._get_url__(url)
        return _CERTIFICATES[url]

    @api.model
    def _get_url__(self, url):
        """The only place that uses the network."""
        response = requests.get(
            url, timeout=_PATIENCE, allow_redirects=False, stream=True
        )
        response.raise_for_status()
        if response.status_code != 200:
            raise requests.RequestException("redirected")
        return response.raw.read(_CERTIFICATE_SIZE, decode_content=True)

    # -- working off

    @api.model
    def _cron_process(self):
        """Processes stored reports, oldest first. One that fails does not stop the
        others; it is tried three times and then left to a user."""
        waiting = [
            ("is_processed", "=", False),
            ("attempt_count", "<", _ATTEMPTS),
            ("needs_confirmation", "=", False),
        ]
        tried, left = [], 1.0
        while left > 0:
            rest = [
                *waiting,
                ("id", "not in", tried),
            ]  # once a run, so that the cause of an error has time to pass
            events = self.search(rest, limit=_BATCH, order="id").try_lock_for_update(
                allow_referencing=True
            )
            if not events:
                return
            for event in events:
                event._process_safely()
            tried += events.ids
            left = self.env["ir.cron"]._commit_progress(
                len(events),
                remaining=self.search_count(
                    [*waiting, ("id", "not in", tried)], limit=_BATCH
                ),
            )

    def _process_safely(self):
        """Process one report; an error is kept with it."""
        self.ensure_one()
        self.env.cr.flush()  # an error of the report before is not this one's
        try:
            with self.env.cr.savepoint():
                self._process()
        except Malformed as error:
            self._set_error(self.env._("It cannot be read: %s", error))
        except (*CONFLICTS, LockError):
            self._set_error(
                self.env._("The reminder was being changed at that moment.")
            )
        except Exception as error:
            _logger.exception(
                "Report %s of %s could not be processed", self.id, self.service
            )
            self._set_error(f"{type(error).__name__}: {error}"[:300])

    def _process(self):
        by_service = getattr(self, f"_process_{self.service}", None)
        return by_service() if by_service else self._process_mail_service()

    def _process_mail_service(self):
        body = (self.payload or "").encode()
        service = SERVICES[self.service]
        url = service.get_subscribe_url(body)
        if url and not self.is_processed:
            self.write(
                {"needs_confirmation": True, "subscribe_url": url, "error": False}
            )
            return
        reports = service.parse(body)
        matched = self._process_reports(service, reports)
        self._set_processed(
            report_count=len(reports), matched_count=self.matched_count + matched
        )

    def _set_processed(self, **values):
        self.write(
            {
                "is_processed": True,
                "processed_at": fields.Datetime.now(),
                "error": False,
                "attempt_count": self.attempt_count + 1,
                **values,
            }
        )

    def _set_error(self, words):
        self.write(
            {
                "error": words,
                "attempt_count": self.attempt_count + 1,
                "is_processed": False,
            }
        )

    # -- what it says about reminders

    def _process_reports(self, service, reports):
        """Record what a service has reported about messages of the mailbox's company;
        returns how many facts were new.

        Late, repeated or reordered reports change nothing that is known: each fact is
        an event of its own, and the status is the strongest of them.
        """
        provider = self.provider_id
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
                new += self._process_report(reminder, report, key)
        return new

    @api.model
    def _find_reported(self, provider, reports):
        """Message-ID → reminder of the mailbox's own company or its branches. One
        query, whatever the number of reports."""
        keys = {
            key for report in reports for key in self._get_report_keys(provider, report)
        }
        Reminder = self.env["chaser.reminder"].sudo()
        reminders = (
            Reminder.search(
                [
                    ("company_id", "in", provider.company_id._get_chaser_served().ids),
                    ("state", "in", ("sending", "sent", "failed")),
                    "|",
                    ("message_id", "in", list(keys)),
                    ("internet_message_id", "in", list(keys)),
                ]
            )
            if keys
            else Reminder
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

    @api.model
    def _process_report(self, reminder, report, key):
        """One fact about a reminder; 0 when it is about somebody else's copy."""
        mine = reminder._get_all_recipients()
        address = email_normalize(report.recipient or "") or (mine[0] if mine else "")
        if address not in mine:
            return 0
        reminder._settle_found(self.env._("the mail service reports about it"))
        reminder._record_event(
            report.event_type,
            source="webhook",
            **self._prepare_report_values(reminder, report, key, address),
        )
        if report.event_type == "bounced":
            self.env["chaser.suppression"]._process_bounce(
                reminder.company_id,
                reminder.partner_id,
                address,
                report.bounce,
                report.detail,
                reminder=reminder,
            )
            self.env["chaser.channel.email"]._process_undelivered(
                reminder, report.detail
            )
        elif report.event_type in ("complained", "unsubscribed"):
            self.env["chaser.suppression"]._suppress(
                reminder.company_id,
                address,
                "complaint" if report.event_type == "complained" else "unsubscribed",
                source="service_report",
                reminder=reminder,
                note=report.detail,
            )
        return 1

    @api.model
    def _prepare_report_values(self, reminder, report, key, address):
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
        link = mask_tokens(report.link or "")
        verdict, reason = (
            ("machine", "prefetch")
            if report.machine
            else judge(
                report.event_type,
                "GET",
                report.user_agent,
                at - reminder.sent_at if reminder.sent_at else None,
            )
        )
        personal = (
            {"user_agent": report.user_agent or False, "ip_address": report.ip or False}
            if reminder.company_id.chaser_tracking
            else {}
        )
        return (
            values
            | personal
            | {
                "device_type": device,
                "mail_client": report.client or client or False,
                "country_code": report.country or False,
                "city": report.city or False,
                "link_url": link or False,
                "link_text": link
                and read_link_texts(reminder.body_html).get(link, False),
                "verdict": verdict,
                "verdict_reason": reason or False,
            }
        )

    # -- actions of a manager

    def _check_may_act(self):
        """Users who may change a mailbox may process its reports."""
        self.check_access("read")
        self.env["chaser.provider"].check_access("write")
        self.provider_id.check_access("write")

    def action_process(self):
        """Process it again, now. What is recorded already does not change."""
        self._check_may_act()
        for event in self.sudo().filtered(
            lambda event: event.payload and not event.needs_confirmation
        ):
            event._process_safely()

    def action_confirm(self):
        """Confirm to Amazon that its reports may come here: opens the address that the
        signed message named, which must be Amazon's own.

        :raises UserError: when it cannot be opened
        """
        self._check_may_act()
        for event in self.sudo().filtered("needs_confirmation"):
            if not SERVICES[event.service].is_own_url(event.subscribe_url):
                raise UserError(
                    self.env._("The address to confirm is not one of Amazon SNS.")
                )
            try:
                self._get_url__(event.subscribe_url)
            except requests.RequestException as error:
                raise UserError(
                    self.env._(
                        "Amazon cannot be reached or does not take the confirmation "
                        "(%s). Ask for a new one in the SNS console.",
                        type(error).__name__,
                    )
                ) from None
            event._set_processed(needs_confirmation=False, subscribe_url=False)
