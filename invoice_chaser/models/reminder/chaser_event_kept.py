from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

# Events younger than this are counted when they are asked for: verdicts on them may
# still change.
_LAG = timedelta(hours=1)
# Events that are newly taken in per transaction.
_STEP = 300_000
_PEOPLE = SQL("coalesce(verdict, 'human') <> 'machine'")


class ChaserEventKept(models.Model):
    """How many reminders of a campaign, sent with a version of a template, had an event
    of a kind, by people and by machines: counted once an hour and kept, so that figures
    over all time need not read all events each time they are shown.

    Kept up to an event's id, the same for all campaigns. A campaign with a new event is
    counted anew as a whole, so what changed in it meanwhile (a verdict) is put right,
    too."""

    _name = "chaser.event.kept"
    _description = "Kept Figures of Events"
    _rec_name = "event_type"

    campaign_id = fields.Many2one(
        "chaser.campaign", required=True, readonly=True, index=True, ondelete="cascade"
    )
    version_id = fields.Many2one(
        "chaser.template.version",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    event_type = fields.Char(required=True, readonly=True)
    is_people = fields.Boolean(readonly=True)
    reminder_count = fields.Integer(readonly=True, aggregator=None)
    last_at = fields.Datetime("Last Event", readonly=True)
    until_id = fields.Integer(readonly=True, aggregator=None, index=True)

    # -- keeping

    @api.model
    def _cron_keep(self):
        while self._keep_step():
            if not self.env["ir.cron"]._commit_progress(1):
                self.env.ref("invoice_chaser.ir_cron_keep_events")._trigger()
                return

    @api.model
    def _keep(self):
        """All that is old enough, at once."""
        while self._keep_step():
            pass

    @api.model
    def _keep_step(self):
        """Takes in the next events; returns whether there may be more."""
        self.env.flush_all()
        since = self._get_until()
        rows = self.env.execute_query(
            SQL(
                """SELECT id, campaign_id FROM chaser_event
                WHERE id > %s AND id <= %s AND campaign_id IS NOT NULL
                ORDER BY id LIMIT %s""",
                since,
                self._get_last_old(),
                _STEP,
            )
        )
        if rows:
            self._count(sorted({row[1] for row in rows}), rows[-1][0])
        return len(rows) == _STEP

    @api.model
    def _get_until(self):
        """The id of the last event that is kept, 0 before the first."""
        self.flush_model(["until_id"])
        [(until,)] = self.env.execute_query(
            SQL("SELECT max(until_id) FROM chaser_event_kept")
        )
        return until or 0

    @api.model
    def _get_last_old(self):
        """The id of the last event that is old enough. Ids grow with time, but for
        transactions side by side, which the lag covers."""
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM chaser_event WHERE create_date < %s "
                "ORDER BY id DESC LIMIT 1",
                fields.Datetime.now() - _LAG,
            )
        )
        return rows[0][0] if rows else 0

    @api.model
    def _count(self, campaign_ids, until):
        """Counts these campaigns anew."""
        self.search([("campaign_id", "in", campaign_ids)]).unlink()
        self.env.flush_all()
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT e.campaign_id, r.template_version_id AS version_id,
                      e.company_id, e.event_type, e.people AS is_people,
                      count(*) AS reminder_count, max(e.last) AS last_at
                 FROM (SELECT campaign_id, company_id, event_type, %s AS people,
                              reminder_id, max(occurred_at) AS last FROM chaser_event
                        WHERE campaign_id = ANY(%s) AND id <= %s
                        GROUP BY 1, 2, 3, 4, 5) e
                 JOIN chaser_reminder r ON r.id = e.reminder_id
                GROUP BY 1, 2, 3, 4, 5""",
                _PEOPLE,
                campaign_ids,
                until,
            )
        )
        self.create([row | {"until_id": until} for row in rows])
        self.env.flush_all()

    # -- reading: what is kept, and what came since

    @api.model
    def _read_campaigns(self, campaign_ids):
        """(campaign id, event type, by people) → number of reminders."""
        return self._read(SQL("campaign_id"), SQL("e.campaign_id"), campaign_ids)

    @api.model
    def _read_last(self, campaign_ids):
        """Campaign id → the moment (UTC) of its last event."""
        for name in ("chaser.event", "chaser.event.kept"):
            self.env[name].flush_model()
        until = self._get_until()
        rows = self.env.execute_query(
            SQL(
                """WITH e AS %(first)s (SELECT campaign_id, occurred_at
                     FROM chaser_event WHERE id > %(until)s AND campaign_id IS NOT NULL)
                   SELECT campaign_id, max(last) FROM (
                       SELECT campaign_id, last_at AS last FROM chaser_event_kept
                       UNION ALL SELECT campaign_id, occurred_at FROM e) both_parts
                    WHERE campaign_id = ANY(%(ids)s) GROUP BY 1""",
                first=_get_first_sql(until),
                until=until,
                ids=list(campaign_ids),
            )
        )
        return dict(rows)

    @api.model
    def _read_versions(self, version_ids, company_ids):
        """(version id, event type, by people) → number of reminders of these
        companies."""
        return self._read(
            SQL("version_id"), SQL("r.template_version_id"), version_ids, company_ids
        )

    @api.model
    def _read(self, kept, live, ids, company_ids=None):
        for name in ("chaser.event", "chaser.reminder", "chaser.event.kept"):
            self.env[name].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT %(kept)s, event_type, is_people, sum(reminder_count)::int
                     FROM chaser_event_kept
                    WHERE %(kept)s = ANY(%(ids)s) AND %(mine)s GROUP BY 1, 2, 3
                    UNION ALL (%(since)s)""",
                kept=kept,
                ids=list(ids),
                mine=_get_companies_sql(company_ids, SQL("company_id")),
                since=self._get_since_sql(live, ids, company_ids),
            )
        )
        counts = {}
        for key, event_type, people, count in rows:
            counts[key, event_type, people] = (
                counts.get((key, event_type, people), 0) + count
            )
        return counts

    @api.model
    def _get_since_sql(self, key, ids, company_ids):
        """Reminders whose first event of a kind came after what is kept. The range of
        ids comes first (MATERIALIZED): by campaign or version PostgreSQL would go
        through all that is kept already; and so would it without the LIMIT, which
        makes it look into the index for each new one."""
        until = self._get_until()
        known = SQL(
            """LEFT JOIN LATERAL (SELECT true AS known FROM chaser_event o
                WHERE o.reminder_id = n.reminder_id AND o.event_type = n.event_type
                  AND (coalesce(o.verdict, 'human') <> 'machine') = n.people
                  AND o.id <= %s LIMIT 1) k ON true WHERE k.known IS NULL""",
            until,
        )
        return SQL(
            """WITH e AS %(first)s (SELECT reminder_id, campaign_id, company_id,
                      event_type, coalesce(verdict, 'human') <> 'machine' AS people
                 FROM chaser_event WHERE id > %(until)s AND campaign_id IS NOT NULL)
               SELECT n.key, n.event_type, n.people, count(*)::int FROM (
                   SELECT DISTINCT %(key)s AS key, e.event_type, e.people,
                          e.reminder_id
                     FROM e JOIN chaser_reminder r ON r.id = e.reminder_id
                    WHERE %(key)s = ANY(%(ids)s) AND %(mine)s) n
                %(known)s GROUP BY 1, 2, 3""",
            first=_get_first_sql(until),
            key=key,
            ids=list(ids),
            until=until,
            known=known if until else SQL(),
            mine=_get_companies_sql(company_ids, SQL("e.company_id")),
        )


def _get_first_sql(until):
    """Whether the range of ids is read first: not while that is everything."""
    return SQL("MATERIALIZED" if until else "NOT MATERIALIZED")


def _get_companies_sql(company_ids, column):
    if company_ids is None:
        return SQL("true")
    return SQL("%s = ANY(%s)", column, list(company_ids))
