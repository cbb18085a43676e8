from odoo import api, fields, models
from odoo.tools import SQL

from ..core.forecast import Mailbox, Waiting, finishes, forecast
from ..core.share import Capacity, share


class ChaserProvider(models.Model):
    """When what waits will leave, and which mailbox takes what."""

    _inherit = "chaser.provider"

    def _forecast(self, extra=None, now=None, with_queue=True):
        """(mailbox id, group) → how many messages, and when the last of them leaves (UTC), if nothing else happens.

        By the rules that pace the real run, over all mailboxes together: they share the company's month. Those that are not connected
        send nothing and are not in the answer.

        :param dict extra: mailbox id → messages (``core.forecast.Waiting``) that are planned beside the queue
        :param with_queue: also what is queued, as groups the campaigns' ids
        """
        now = now or fields.Datetime.now()
        providers = self.filtered(lambda provider: provider.state == "connected")
        queue = providers._read_queue() if with_queue else {}
        months = {company: company_providers[0]._make_month_count(now) for company, company_providers in providers.grouped("company_id").items()}
        attempts = providers._read_attempts(now)
        mailboxes = [
            Mailbox(
                provider.id, provider._make_throttle(now, months[provider.company_id], attempts),
                queue.get(provider.id, []) + (extra or {}).get(provider.id, []), provider.hold_until or None)
            for provider in providers
        ]
        return {key: (count, last.replace(microsecond=0)) for key, (count, last) in finishes(forecast(now, mailboxes)).items()}

    def _read_queue(self):
        """Mailbox id → what is queued for it in campaigns that run or will."""
        self.env["chaser.reminder"].flush_model()
        self.env["chaser.campaign"].flush_model(["state", "scheduled_at"])
        rows = self.env.execute_query(SQL(
            """SELECT r.provider_id, r.priority, r.id, r.recipient_domain, greatest(r.scheduled_at, c.scheduled_at), r.campaign_id, r.partner_id
                 FROM chaser_reminder r JOIN chaser_campaign c ON c.id = r.campaign_id
                WHERE r.provider_id = ANY(%s) AND r.state = 'queued' AND c.state IN ('sending', 'scheduled')""", self.ids))
        queue, now, windows = {}, fields.Datetime.now(), self._read_windows(rows)
        for provider_id, priority, reminder_id, domain, not_before, campaign_id, partner_id in rows:
            queue.setdefault(provider_id, []).append(Waiting(
                (-(priority or 0), reminder_id), domain or "", not_before or now, campaign_id, windows.get((provider_id, partner_id))))
        return queue

    def _read_windows(self, rows):
        """(mailbox id, commercial partner id) → send window, for rows of ``_read_queue``."""
        windows, partners = {}, {}
        for row in rows:
            partners.setdefault(row[0], set()).add(row[-1])
        for company, providers in self.grouped("company_id").items():
            mine = {partner_id for provider in providers for partner_id in partners.get(provider.id, ())}
            found = company._get_send_windows(self.env["res.partner"].browse(mine)) if mine else {}
            windows |= {(provider.id, partner_id): window for provider in providers for partner_id, window in found.items()}
        return windows

    @api.model
    def _get_usable(self, company):
        """The connected mailboxes of a company, the primary one first."""
        return self.search([("company_id", "=", company.id), ("state", "=", "connected")])

    @api.model
    def _share_customers(self, company, customers):
        """Commercial partner id → mailbox id, for a campaign that is spread over the company's mailboxes; empty without a connected one.

        Who was written to keeps the mailbox that wrote to him last, if it is still connected. Each other customer goes where his messages
        leave soonest. Three queries, whatever the number of customers.

        :param customers: list of (commercial partner id, number of messages), the most important first
        """
        providers, now = self._get_usable(company), fields.Datetime.now()
        if not providers:
            return {}
        attempts, queue = providers._read_attempts(now), providers._read_queue()
        capacities = []
        for provider in providers:
            pace, used = provider._get_pace(), len(attempts.get(provider.id, ([], {}))[0])
            gap = (pace.gap() * (pace.batch_size - 1) + pace.rest()) / pace.batch_size
            # However fast the pace: each message takes its time in the network, so that equal mailboxes share.
            slowest = max(gap, 60.0 / pace.per_minute if pace.per_minute else 0.0, 0.1)
            capacities.append(Capacity(
                provider.id, max(pace.per_day - used, 0) if pace.per_day else None, pace.per_day, slowest, len(queue.get(provider.id, []))))
        return share(customers, capacities, self._read_last_senders(company, [customer for customer, _count in customers]))

    @api.model
    def _read_last_senders(self, company, partner_ids):
        """Commercial partner id → the mailbox that wrote to him last for this company."""
        self.env["chaser.reminder"].flush_model(["sent_at", "state", "provider_id", "partner_id"])
        return dict(self.env.execute_query(SQL(
            """SELECT DISTINCT ON (partner_id) partner_id, provider_id FROM chaser_reminder
                WHERE company_id = %s AND partner_id = ANY(%s) AND state = 'sent' AND provider_id IS NOT NULL
                ORDER BY partner_id, sent_at DESC, id DESC""", company.id, list(partner_ids))))
