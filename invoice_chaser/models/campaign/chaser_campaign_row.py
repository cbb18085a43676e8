import logging

import psycopg2.errors

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

_logger = logging.getLogger(__name__)
# Milliseconds that a person's action waits for the message that is leaving right now.
_PATIENCE = 10_000


class ChaserCampaignRowMixin(models.AbstractModel):
    """The campaign's row, where processes meet that decide about a campaign and its
    reminders at the same time.

    Under REPEATABLE READ nobody sees what others have not committed yet: one ends the
    campaign because nothing is queued, while another queues something. So whoever puts
    a reminder into a campaign, or back into its queue, writes the campaign's row in the
    same transaction (``_touch``); of two who write it, the later one fails and looks
    again."""

    _name = "chaser.campaign.row.mixin"
    _description = "Row of a Campaign that Processes Meet At"

    def _lock(self):
        """The campaigns, writable by the user and locked until the end of the
        transaction, freshly read. Waits for the message that is leaving right now.

        :raises UserError: when somebody else holds them for long
        """
        self.check_access("write")
        self._wait_for_rows()
        self.invalidate_recordset()
        return self

    def _wait_for_rows(self):
        cr = self.env.cr
        cr.flush()
        try:
            with cr.savepoint(flush=False):
                cr.execute(
                    "SELECT current_setting('lock_timeout'), "
                    "set_config('lock_timeout', %s, true)",
                    [str(_PATIENCE)],
                )
                usual = cr.fetchone()[0]
                cr.execute(
                    SQL(
                        "SELECT id FROM chaser_campaign WHERE id = ANY(%s) ORDER BY id "
                        "FOR NO KEY UPDATE",
                        self.ids,
                    ),
                    log_exceptions=False,
                )
                cr.execute("SELECT set_config('lock_timeout', %s, true)", [usual])
        except psycopg2.errors.LockNotAvailable:
            raise UserError(
                self.env._(
                    "Somebody else is changing “%s” at this moment. Wait some seconds, "
                    "then try again.",
                    ", ".join(self.mapped("name")),
                )
            ) from None

    def _touch(self):
        """Writes the rows, for whoever puts something into these campaigns. Called in
        the transaction that does it."""
        self.flush_recordset()
        self.env.cr.execute(
            SQL(
                "UPDATE chaser_campaign SET write_date = now() AT TIME ZONE 'UTC' "
                "WHERE id = ANY(%s)",
                self.ids,
            ),
            log_exceptions=False,
        )
        self.invalidate_recordset(["write_date"], flush=False)

    def _reopen(self):
        """Something was put back into the queue: a campaign that has ended goes on."""
        self._touch()
        for campaign in self:
            if campaign.state in ("completed", "failed"):
                campaign._by_program().write(
                    {"state": "sending", "completed_at": False}
                )
        self._trigger_sending()

    @api.model
    def _sweep(self, provider):
        """Finds what waits where nothing would ever take it, as a crash or another
        program may have left it: what is queued in a campaign that has ended is sent
        after all; what waits in a cancelled one, or is still a draft in one that was
        started, is cancelled, so that its customer is planned again."""
        rows = self.env.execute_query(
            SQL(
                """SELECT r.id, c.id, c.state <> 'cancelled'
                 FROM chaser_reminder r JOIN chaser_campaign c ON c.id = r.campaign_id
                WHERE r.provider_id = %s AND r.state = 'queued'
                  AND c.state IN ('completed', 'failed', 'cancelled')
               UNION ALL
               SELECT r.id, c.id, false
                 FROM chaser_reminder r JOIN chaser_campaign c ON c.id = r.campaign_id
                WHERE r.company_id = ANY(%s) AND r.state = 'draft'
                  AND c.state <> 'draft'""",
                provider.id,
                list(provider.company_id._get_chaser_entity().ids),
            )
        )
        if not rows:
            return
        _logger.info("Reminders that nothing would take: %s", [row[0] for row in rows])
        self.browse({row[1] for row in rows})._touch()
        self.browse({row[1] for row in rows if row[2]})._reopen()
        lost = self.env["chaser.reminder"].browse(row[0] for row in rows if not row[2])
        lost._set_state("cancelled")
