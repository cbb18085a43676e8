from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.plan.cadence import BOTH, REACTION
from ...core.plan.gates import Skip
from ...core.plan.planner import WAITING
from ...core.plan.reach import Reaction
from ...core.plan.second import GRACE, LATEST, LastMessage

# A reaction that is older says nothing about today.
_YEAR = timedelta(days=365)
# A click of a person, or an answer: what only customers themselves do. That an image
# was loaded is no reaction.
_IS_REACTION = SQL(
    "(e.event_type = 'replied' OR e.event_type = 'clicked' AND e.verdict = 'human')"
)


class ChaserReaction(models.AbstractModel):
    """What customers did with what they got, for levels that go by two channels: the
    one that they react to, or both while they do not."""

    _name = "chaser.reaction"
    _description = "Reactions of Customers"

    # -- for the planner

    @api.model
    def _fill(self, facts, company):
        """``reacts`` of the customers' facts (by id), and ``last`` of their items; one
        query for each, where a level asks for it."""
        picks = {pick for one in facts.values() for pick in one.ladder.picks}
        if not picks & {BOTH, REACTION}:
            return
        self.env["chaser.reminder"].flush_model()
        self.env["chaser.event"].flush_model()
        self.env["chaser.answer"].flush_model()
        if REACTION in picks:
            self._fill_reactions(facts, company)
        if BOTH in picks:
            self._fill_last(facts, company)

    @api.model
    def _fill_reactions(self, facts, company):
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (partner_id) partner_id, channel, %(day)s
                  FROM (SELECT r.partner_id, r.channel, e.occurred_at AS moment
                     FROM chaser_reminder r JOIN chaser_event e ON e.reminder_id = r.id
                    WHERE r.company_id = ANY(%(entity)s)
                      AND r.partner_id = ANY(%(partners)s) AND %(is_reaction)s
                      AND e.occurred_at > %(since)s
                      AND e.occurred_at >= coalesce(r.channel_since, e.occurred_at)
                    UNION ALL
                   SELECT r.partner_id, r.channel, a.answered_at
                     FROM chaser_reminder r JOIN chaser_answer a
                       ON a.reminder_id = r.id
                    WHERE r.company_id = ANY(%(entity)s)
                      AND r.partner_id = ANY(%(partners)s)
                      AND a.answered_at > %(since)s
                      AND a.answered_at >= coalesce(r.channel_since, a.answered_at)) x
                 WHERE channel IS NOT NULL
                 ORDER BY partner_id, moment DESC""",
                day=self.env["chaser.planner"]._get_local_day("moment", company),
                entity=list(company._get_chaser_entity().ids),
                partners=list(facts),
                is_reaction=_IS_REACTION,
                since=fields.Datetime.now() - _YEAR,
            )
        )
        for partner_id, channel, day in rows:
            facts[partner_id].reacts = Reaction(channel, day)

    @api.model
    def _fill_last(self, facts, company):
        """The last message about each item, while a second one may follow it: the
        customer has not reacted since, and nobody has tried."""
        items = {item.id: item for one in facts.values() for item in one.items}
        rows = self.env.execute_query(
            SQL(
                """SELECT move_line_id, level_id, channel, %(day)s FROM (
                   SELECT DISTINCT ON (l.move_line_id) l.move_line_id, r.id,
                          r.partner_id, r.company_id, r.level_id, r.channel, r.sent_at
                     FROM chaser_reminder_line l
                     JOIN chaser_reminder r ON r.id = l.reminder_id
                    WHERE l.move_line_id = ANY(%(items)s) AND NOT l.is_credit
                      AND l.dropped_code IS NULL AND r.state = 'sent'
                      AND r.purpose = 'reminder' AND r.sent_at > %(since)s
                    ORDER BY l.move_line_id, r.sent_at DESC, r.id DESC) r
                    WHERE level_id IS NOT NULL AND channel IS NOT NULL
                      AND NOT %(has_reacted)s
                      AND NOT EXISTS (SELECT 1 FROM chaser_reminder t
                        WHERE t.company_id = r.company_id
                          AND t.partner_id = r.partner_id AND t.id > r.id
                          AND t.level_code = 'level_second'
                          AND t.state IN ('skipped', 'failed', 'cancelled')
                          AND coalesce(t.reason_code, '') <> ALL(%(waiting)s))""",
                day=self.env["chaser.planner"]._get_local_day("sent_at", company),
                items=list(items),
                since=fields.Datetime.now() - timedelta(days=LATEST + 1) - GRACE,
                has_reacted=self._get_reacted_sql(
                    company, SQL("r.partner_id"), SQL("r.sent_at")
                ),
                waiting=list(WAITING),
            )
        )
        for line_id, level_id, channel, day in rows:
            items[line_id].last = LastMessage(day, level_id, channel)

    @api.model
    def _get_reacted_sql(self, company, partner, since):
        """Whether a customer has reacted to any reminder since a moment."""
        return SQL(
            """(EXISTS (SELECT 1 FROM chaser_reminder o
                     JOIN chaser_event e ON e.reminder_id = o.id
                    WHERE o.company_id = ANY(%(entity)s) AND o.partner_id = %(partner)s
                      AND e.occurred_at >= %(since)s AND %(is_reaction)s)
                OR EXISTS (SELECT 1 FROM chaser_answer a
                    WHERE a.company_id = ANY(%(entity)s) AND a.partner_id = %(partner)s
                      AND a.answered_at >= %(since)s))""",
            entity=list(company._get_chaser_entity().ids),
            partner=partner,
            since=since,
            is_reaction=_IS_REACTION,
        )

    # -- for the sender

    @api.model
    def _is_second_to(self, job, last):
        """Whether a message is the second one after the customer's last contact, on the
        day ``last``; only then the interval between contacts gives way to it."""
        first = (job.row["level_params"] or {}).get("date")
        return job.row["level_code"] == "level_second" and first == last.isoformat()

    @api.model
    def _get_stop(self, job):
        """They may have reacted after the second message was planned."""
        company = self.env["res.company"].browse(job.row["company_id"])
        [(reacted,)] = self.env.execute_query(
            SQL(
                "SELECT %s",
                self._get_reacted_sql(
                    company,
                    SQL("%s", job.row["partner_id"]),
                    SQL("%s", job.facts["last_contact"]),
                ),
            )
        )
        if not reacted:
            return None
        return Skip("reacted", {"date": job.row["level_params"]["date"]})
