from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

# Field of a customer → the event whose last moment it is; None: the last reminder.
MOMENTS = {
    "chaser_last_reminder_at": None,
    "chaser_last_opened_at": "opened",
    "chaser_last_clicked_at": "clicked",
    "chaser_last_answered_at": "replied",
}
_OPERATORS = {"<": SQL("<"), "<=": SQL("<="), ">": SQL(">"), ">=": SQL(">=")}


class ChaserStanding(models.AbstractModel):
    """What came back from customers, in the user's company: read from reminders and
    events when it is asked for, so that no figure drifts, and searchable, so that
    segments and lists can use it."""

    _name = "chaser.standing"
    _description = "What Came Back from Customers"

    @api.model
    def _get_facts_sql(self, customers):
        """Per commercial partner of the company, by what people did. When it was last
        written to is said by the rule of planning: by whichever branch of the legal
        entity, also as a part of the group that it has left. What came back is of the
        company's own reminders.

        :param SQL customers: condition on a customer's id, e.g. ``= 5``
        """
        for name in ("chaser.reminder", "chaser.reminder.line", "chaser.event"):
            self.env[name].flush_model()
        self.env["account.move.line"].flush_model()
        company = self.env.company
        return SQL(
            """SELECT r.customer_id AS partner_id,
            max(r.sent_at) FILTER (WHERE r.state = 'sent') AS chaser_last_reminder_at,
            max(e.opened) AS chaser_last_opened_at,
            max(e.clicked) AS chaser_last_clicked_at,
            max(e.replied) AS chaser_last_answered_at,
            count(*) FILTER (WHERE own) AS reminders, count(e.replied) AS answered,
            count(*) FILTER (WHERE e.bounced) AS chaser_bounce_count
             FROM (%s) r CROSS JOIN LATERAL (SELECT r.partner_id = r.customer_id
                AND r.company_id = %s AS own) o CROSS JOIN LATERAL (
                SELECT max(occurred_at) FILTER (WHERE event_type = 'opened'
                           AND verdict IS DISTINCT FROM 'machine') AS opened,
                       max(occurred_at) FILTER (WHERE event_type = 'clicked'
                           AND verdict IS DISTINCT FROM 'machine') AS clicked,
                       max(occurred_at) FILTER (WHERE event_type = 'replied')
                           AS replied,
                       bool_or(event_type = 'bounced') AS bounced
                  FROM chaser_event WHERE reminder_id = r.id AND own) e
            WHERE r.state IN ('sent', 'failed') GROUP BY 1""",
            self.env["chaser.identity"]._get_letters_sql(customers, company),
            company.id,
        )

    @api.model
    def _read(self, partners):
        """Commercial partner id → its facts; one query."""
        if not partners.ids:
            return {}
        rows = self.env.execute_query_dict(
            self._get_facts_sql(SQL("= ANY(%s)", partners.ids))
        )
        return {row["partner_id"]: row for row in rows}

    @api.model
    def _search_by(self, name, operator, value):
        """The customers of whom a fact is so. None of them was written to where the
        value is empty."""
        facts = self._get_facts_sql(SQL("IS NOT NULL"))
        column = SQL.identifier("f", name)
        if operator == "in":
            known = [one for one in value if one not in (False, None, 0)]
            found = Domain(
                "id",
                "in",
                SQL(
                    "(SELECT f.partner_id FROM (%s) f WHERE %s = ANY(%s))",
                    facts,
                    column,
                    known,
                ),
            )
            if len(known) == len(value):
                return found
            some = SQL(
                "%s > 0" if name == "chaser_bounce_count" else "%s IS NOT NULL", column
            )
            return found | ~Domain(
                "id",
                "in",
                SQL("(SELECT f.partner_id FROM (%s) f WHERE %s)", facts, some),
            )
        if operator not in _OPERATORS:
            return NotImplemented
        return Domain(
            "id",
            "in",
            SQL(
                "(SELECT f.partner_id FROM (%s) f WHERE %s %s %s)",
                facts,
                column,
                _OPERATORS[operator],
                value,
            ),
        )

    # -- whether a customer can be written to

    @api.model
    def _read_contact(self, partners):
        """Commercial partner id → (``reachable``, ``stopped`` or ``missing``, why in
        words), by the same rules as planning."""
        company = self.env.company
        reach = self.env["chaser.channel.email"].sudo()._read_reach(partners, company)
        found = {}
        for partner_id, one in reach.items():
            if not one.stop:
                found[partner_id] = ("reachable", ", ".join(one.addresses))
                continue
            stopped = one.stop.reason in ("suppressed", "blacklisted")
            words = self.env["chaser.reason.mixin"]._get_reason_text(
                one.stop.reason, one.stop.params
            )
            found[partner_id] = ("stopped" if stopped else "missing", words)
        return found
