from dataclasses import dataclass, field

from odoo import api, models
from odoo.tools import SQL

_BATCH = 2000


@dataclass(frozen=True)
class Kind:
    """Something that holds personal data, and what is forgotten of it: columns are
    emptied, so that figures stay and the person goes.

    :param moment: the column that says how old a row is
    :param empties: these columns; ``deletes``: whole rows instead
    :param where: which rows at all
    :param kept: rows that are evidence still, with ``kept_because`` in words
    """

    name: str
    model: str
    moment: str
    empties: tuple[str, ...] = ()
    deletes: bool = False
    where: str = "TRUE"
    kept: str = "FALSE"
    kept_because: str = ""
    values: dict[str, str] = field(default_factory=dict)

    @property
    def table(self) -> SQL:
        return SQL.identifier(self.model.replace(".", "_"))


# A promise or a dispute that is open needs what was said and sent.
_CLAIMED = """EXISTS (SELECT 1 FROM chaser_dispute d WHERE d.partner_id = t.partner_id
        AND d.company_id = t.company_id AND d.state = 'open')
    OR EXISTS (SELECT 1 FROM chaser_promise p WHERE p.partner_id = t.partner_id
        AND p.company_id = t.company_id AND p.state = 'open')"""
# What was sent about an item proves, until it is paid, that it was asked for.
_UNPAID = """EXISTS (SELECT 1 FROM chaser_reminder_line l
        JOIN account_move_line a ON a.id = l.move_line_id
        WHERE l.reminder_id = t.id AND NOT l.is_credit
        AND NOT coalesce(a.reconciled, false))"""


_KINDS = (
    Kind(
        "events",
        "chaser.event",
        "occurred_at",
        ("ip_address", "user_agent", "city", "time_zone"),
        values={
            # The bounce policy counts by it.
            "raw_data": "CASE WHEN event_type = 'bounced' THEN raw_data END"
        },
    ),
    Kind("reports", "chaser.webhook.event", "received_at", deletes=True),
    Kind(
        "strangers",
        "chaser.inbound",
        "received_at",
        deletes=True,
        where="state IN ('unmatched', 'ignored')",
    ),
    Kind(
        "inbound",
        "chaser.inbound",
        "received_at",
        (
            *("sender_email", "sender_name", "subject", "snippet"),
            *("body_text", "quoted_text", "absence_contact", "failures"),
        ),
        where="state = 'matched'",
        kept=_CLAIMED,
        kept_because="claimed",
    ),
    Kind(
        "messages",
        "chaser.reminder",
        "sent_at",
        (
            *("subject", "body_html", "body_text", "link_targets"),
            *("recipient_email", "recipient_others", "recipient_cc"),
            *("recipient_domain", "document_notes"),
        ),
        where="state = 'sent'",
        kept=f"{_UNPAID} OR {_CLAIMED}",
        kept_because="unpaid",
    ),
    Kind(
        "calls",
        "chaser.call",
        "called_at",
        ("note",),
        kept=_CLAIMED,
        kept_because="claimed",
    ),
    Kind(
        "answers",
        "chaser.answer",
        "answered_at",
        ("said_by", "text", "proposed_email", "ip_address", "user_agent"),
        kept=_CLAIMED,
        kept_because="claimed",
    ),
)


class ChaserForget(models.AbstractModel):
    """What is forgotten of persons: after each company's time for a kind of data
    (``chaser.retention.rule``), or at once for one person who asks for it
    (``chaser.person``). By SQL, a batch at a time, past rows that others hold."""

    _name = "chaser.forget"
    _description = "Forgetting Personal Data"

    @api.model
    def _get_kinds(self):
        """Name → kind. A further addon that stores personal data adds its own."""
        return {kind.name: kind for kind in _KINDS}

    @api.model
    def _forget(self, kind, condition, limit=_BATCH):
        """Forgets rows of a kind that are no evidence any more and still hold
        something; returns how many, at most ``limit``.

        :param SQL condition: on the table ``t``
        """
        self.env[kind.model].flush_model()
        # Constants of this file, and no values of anybody.
        kept, where = SQL(kind.kept), SQL(kind.where)
        rows = self.env.execute_query(
            SQL(
                """SELECT t.id FROM %s t WHERE %s AND %s AND NOT (%s) AND %s
                LIMIT %s FOR UPDATE SKIP LOCKED""",
                kind.table,
                where,
                condition,
                kept,
                self._holds_something(kind),
                limit,
            )
        )
        ids = [row[0] for row in rows]
        if not ids:
            return 0
        files = self._find_files(kind, ids)
        self.env.cr.execute(self._make_statement(kind, ids))
        self.env[kind.model].invalidate_model(flush=False)
        files.unlink()
        return len(ids)

    @api.model
    def _make_statement(self, kind, ids):
        if kind.deletes:
            return SQL("DELETE FROM %s WHERE id = ANY(%s)", kind.table, ids)
        columns = [SQL("%s = NULL", SQL.identifier(one)) for one in kind.empties]
        columns += [
            SQL("%s = %s", SQL.identifier(name), SQL(value))
            for name, value in kind.values.items()
        ]
        return SQL(
            "UPDATE %s SET %s WHERE id = ANY(%s)",
            kind.table,
            SQL(", ").join(columns),
            ids,
        )

    @api.model
    def _holds_something(self, kind):
        """A row that was forgotten already is not touched again."""
        if kind.deletes:
            return SQL("TRUE")
        some = [SQL("%s IS NOT NULL", SQL.identifier("t", one)) for one in kind.empties]
        return SQL("(%s)", SQL(" OR ").join(some))

    @api.model
    def _find_files(self, kind, ids):
        """The files of these rows, which go with them: by the ORM, so that the store of
        files is cleaned as well."""
        return (
            self.env["ir.attachment"]
            .sudo()
            .search([("res_model", "=", kind.model), ("res_id", "in", ids)])
        )

    @api.model
    def _count(self, kind, condition):
        """(rows that hold something, those of them that are evidence)."""
        self.env[kind.model].flush_model()
        [row] = self.env.execute_query(
            SQL(
                """SELECT count(*), count(*) FILTER (WHERE %s) FROM %s t
                WHERE %s AND %s AND %s""",
                SQL(kind.kept),
                kind.table,
                SQL(kind.where),
                condition,
                self._holds_something(kind),
            )
        )
        return row
