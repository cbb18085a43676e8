from dataclasses import dataclass, field

from odoo import api, models
from odoo.tools import SQL

_BATCH = 2000


@dataclass(frozen=True)
class Kind:
    """Something that holds personal data, and what is forgotten of it: columns are
    emptied, so that figures stay and the person goes.

    :param moment: the column that says how old a row is
    :param empties: the columns that *shorten* empties; none: it cannot be shortened
    :param files_alone: *shorten* takes the files of the rows, and no columns
    :param deletes: whether *delete* takes whole rows, with what belongs to them
    :param undeletable: else the key of the reason (``chaser.retention.rule``)
    :param where: which rows at all
    :param kept: rows that are evidence still, with ``kept_because`` in words
    """

    name: str
    model: str
    moment: str
    empties: tuple[str, ...] = ()
    files_alone: bool = False
    deletes: bool = False
    undeletable: str = ""
    where: str = "TRUE"
    kept: str = "FALSE"
    kept_because: str = ""
    values: dict[str, str] = field(default_factory=dict)

    @property
    def ways(self) -> tuple[str, ...]:
        """What a company may choose; the first is what a new rule has."""
        return (
            *(("shorten",) if self.empties or self.files_alone else ()),
            *(("delete",) if self.deletes else ()),
            "keep",
        )

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
        undeletable="figures",
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
        deletes=True,
        kept=_CLAIMED,
        kept_because="claimed",
    ),
    Kind(
        "messages",
        "chaser.reminder",
        "sent_at",
        (
            *("subject", "body_html", "body_text", "link_targets"),
            "text_values",
            *("recipient_email", "recipient_others", "recipient_cc"),
            *("recipient_domain", "document_notes"),
        ),
        where="state = 'sent'",
        kept=f"{_UNPAID} OR {_CLAIMED}",
        kept_because="unpaid",
        undeletable="asked",
    ),
    Kind(
        "files",
        "chaser.reminder",
        "sent_at",
        files_alone=True,
        where="state = 'sent' AND EXISTS (SELECT 1 FROM ir_attachment f WHERE "
        "f.res_model = 'chaser.reminder' AND f.res_id = t.id AND f.res_field IS NULL)",
        kept=f"{_UNPAID} OR {_CLAIMED}",
        kept_because="unpaid",
        undeletable="asked",
    ),
    Kind(
        "calls",
        "chaser.call",
        "called_at",
        ("note",),
        deletes=True,
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
        undeletable="said",
    ),
    Kind(
        "history",
        "chaser.campaign",
        "started_at",
        deletes=True,
        where="import_id IS NOT NULL",
        kept=f"EXISTS (SELECT 1 FROM chaser_reminder h WHERE h.campaign_id = t.id AND "
        f"({_CLAIMED.replace('t.', 'h.')}))",
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
    def _forget(self, kind, condition, way, limit=_BATCH):
        """Forgets rows of a kind that are no evidence any more and still hold
        something; returns how many, at most ``limit``.

        :param SQL condition: on the table ``t``
        :param way: one of the kind's ways
        """
        if way == "keep":
            return 0
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
                self._holds_something(kind, way),
                limit,
            )
        )
        ids = [row[0] for row in rows]
        if not ids:
            return 0
        files = self._find_files(kind, ids)
        if way == "delete":
            self._delete(kind, ids)
        elif kind.empties:
            self.env.cr.execute(self._make_statement(kind, ids))
            self.env[kind.model].invalidate_model(flush=False)
        files.unlink()
        return len(ids)

    @api.model
    def _delete(self, kind, ids):
        """Rows and what the database deletes with them; of both the chatter, the files,
        and the names by which an import would find them again."""
        gone = {kind.model: ids}
        if kind.model == "chaser.campaign":
            reminders = self.env["chaser.reminder"].sudo()
            gone["chaser.reminder"] = reminders.search([("campaign_id", "in", ids)]).ids
        # Past the ORM, whose deletion is for users, and refused.
        self.env.cr.execute(SQL("DELETE FROM %s WHERE id = ANY(%s)", kind.table, ids))
        for model, gone_ids in gone.items():
            self.env.cr.execute(
                SQL(
                    "DELETE FROM ir_model_data WHERE model = %s AND res_id = ANY(%s)",
                    model,
                    gone_ids,
                )
            )
            self.env["mail.message"].sudo().search(
                [("model", "=", model), ("res_id", "in", gone_ids)]
            ).unlink()
            self.env["ir.attachment"].sudo().search(
                [("res_model", "=", model), ("res_id", "in", gone_ids)]
            ).unlink()
        self.env.invalidate_all(flush=False)

    @api.model
    def _make_statement(self, kind, ids):
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
    def _holds_something(self, kind, way):
        """A row that was forgotten already is not touched again."""
        if way == "delete" or not kind.empties:
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
    def _count(self, kind, condition, way):
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
                self._holds_something(kind, way),
            )
        )
        return row
