import hashlib

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...core.move_in.convert import STEPS_OF_KIND, Reader, Scan, scan
from ...core.move_in.habits import Habit
from ...core.move_in.problems import FileProblem
from ...core.move_in.recognise import TOOLS, Found, recognise
from ...core.move_in.tables import open_tables
from ...core.move_in.targets import (
    KINDS,
    TARGETS,
    get_targets,
    lacks,
    map_by_name,
    norm,
)
from .own_columns import get_order


class ChaserImportFile(models.Model):
    """One table of a file: what it is, what its columns mean, what has to be asked."""

    _name = "chaser.import.file"
    _description = "Move In: Table"
    _inherit = ["chaser.company.mixin", "chaser.import.words"]
    _order = "name, id"

    import_id = fields.Many2one(
        "chaser.import", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="import_id.company_id", store=True, index=True, precompute=True
    )
    attachment_id = fields.Many2one(
        "ir.attachment", required=True, readonly=True, ondelete="cascade"
    )
    name = fields.Char(required=True, readonly=True)
    index = fields.Integer(readonly=True, help="Its place in the file.")
    digest = fields.Char(
        related="attachment_id.checksum", store=True, related_sudo=True
    )
    tool = fields.Selection("_select_tool", readonly=True)
    kind = fields.Selection("_select_kind", "Contents")
    fixed = fields.Json(readonly=True)
    native_order = fields.Char(readonly=True)
    row_count = fields.Integer("Rows", readonly=True)
    scan_orders = fields.Json(readonly=True)
    scan_decimals = fields.Json(readonly=True)
    date_order = fields.Selection(
        [("dmy", "Day first: 31/12/2026"), ("mdy", "Month first: 12/31/2026")],
        "Dates",
        help="Asked only where the dates of the file fit both.",
    )
    decimal_sign = fields.Selection(
        [(".", "Point: 1,234.50"), (",", "Comma: 1.234,50")],
        "Decimals",
        help="Asked only where the numbers of the file fit both.",
    )
    asks_order = fields.Boolean(compute="_compute_asks")
    asks_decimal = fields.Boolean(compute="_compute_asks")
    column_ids = fields.One2many("chaser.import.column", "file_id", "Columns")
    header_key = fields.Char(readonly=True, index=True)
    is_answered = fields.Boolean(
        readonly=True, help="A person said what it holds; kept for the next such file."
    )
    problem = fields.Text(readonly=True)
    question = fields.Char(compute="_compute_question")
    hint = fields.Text("Question or Problem", compute="_compute_question")
    figures = fields.Json(readonly=True)
    figures_text = fields.Char("Result", compute="_compute_figures_text")

    @api.model
    def _select_tool(self):
        names = {
            "own": "Invoice Chaser",
            "mailchimp": "Mailchimp",
            "listmonk": "listmonk",
            "brevo": "Brevo",
            "mautic": "Mautic",
            "chaser": "Chaser",
            "odoo": "Odoo",
        }
        return [(tool, names[tool]) for tool in TOOLS]

    @api.model
    def _select_kind(self):
        words = self._get_kind_words()
        return [(kind, words[kind]) for kind in KINDS]

    @api.depends("scan_orders", "scan_decimals", "native_order")
    def _compute_asks(self):
        for file in self:
            file.asks_order = (
                not file.native_order and "ask" in (file.scan_orders or {}).values()
            )
            file.asks_decimal = "ask" in (file.scan_decimals or {}).values()

    @api.depends(
        "kind",
        "problem",
        "date_order",
        "decimal_sign",
        "column_ids.target",
        "asks_order",
    )
    @api.depends_context("lang")
    def _compute_question(self):
        for file in self:
            file.question = file._get_question()
            file.hint = file.problem or file.question

    def _get_question(self):
        if self.problem:
            return False
        if not self.kind:
            return self.env._("What does it hold, and what do its columns mean?")
        targets = {column.target for column in self.column_ids if column.target}
        lacking = lacks(self.kind, targets | set(self.fixed or {}))
        if lacking:
            words = self._get_target_words()
            return self.env._(
                "Which column is %s?",
                " / ".join(words[name] for name in lacking[0]),
            )
        if self.asks_order and not self.date_order:
            return self.env._("Is the day first in its dates, or the month?")
        if self.asks_decimal and not self.decimal_sign:
            return self.env._("Is it a point or a comma before its decimals?")
        return False

    @api.depends("figures")
    @api.depends_context("lang")
    def _compute_figures_text(self):
        words = self._get_action_words()
        for file in self:
            totals = {}
            for counts in (file.figures or {}).values():
                for action, number in counts.items():
                    totals[action] = totals.get(action, 0) + number
            file.figures_text = " · ".join(
                f"{totals[action]} {word}"
                for action, word in words.items()
                if totals.get(action)
            )

    def write(self, vals):
        self._check_user_values(vals)
        if {"kind", "column_ids", "date_order", "decimal_sign"} & set(vals):
            vals = {**vals, "is_answered": True}
        result = super(ChaserImportFile, self._by_program()).write(vals)
        if "kind" in vals and "column_ids" not in vals:
            self._guess_columns()
        return result

    def _store(self, vals):
        """What reading finds out is no answer of a person."""
        return super(ChaserImportFile, self._by_program()).write(vals)  # pylint: disable=super-method-mismatch  # see above

    # -- reading

    def _recognise(self, table):
        """What it is, by the same file before, else by its header."""
        self.ensure_one()
        key = hashlib.sha256("\n".join(map(norm, table.header)).encode()).hexdigest()
        kept = self.search(
            [
                ("company_id", "=", self.company_id.id),
                ("header_key", "=", key),
                ("is_answered", "=", True),
                ("id", "!=", self.id),
            ],
            order="id desc",
            limit=1,
        )
        found = recognise(table.name, table.header, self._get_more_targets())
        if found.kind == "kept" and found.fixed["model"] in get_order(self.env):
            found.kind = "records"
        if kept.kind:
            found.kind = kept.kind
            found.columns = {
                column.name: column.target or "" for column in kept.column_ids
            }
        self._store(
            {
                "tool": found.tool or False,
                "kind": found.kind or False,
                "fixed": found.fixed or False,
                "native_order": found.order or False,
                "header_key": key,
                "date_order": kept.date_order,
                "decimal_sign": kept.decimal_sign,
                "is_answered": bool(kept),
                "column_ids": [
                    fields.Command.create(
                        {
                            "sequence": place,
                            "name": column,
                            "target": found.columns.get(column) or False,
                        }
                    )
                    for place, column in enumerate(table.header)
                ],
            }
        )
        self._scan(table)

    def _recheck(self):
        """After answers: read again with them."""
        for file in self:
            file._scan(file._open())

    def _scan(self, table):
        try:
            result = scan(table, self._get_found())
        except FileProblem as problem:
            self._store(
                {"problem": self._describe_problem(problem.code, problem.params)}
            )
            return
        if not result.rows:
            self._store({"problem": self._describe_problem("no_rows", {})})
            return
        self._store(
            {
                "row_count": result.rows,
                "scan_orders": result.orders,
                "scan_decimals": result.decimals,
                "problem": False,
            }
        )
        for column in self.column_ids:
            column._by_program().sample = result.samples.get(column.name, "")

    def _open(self):
        """The table, read anew from the file."""
        self.ensure_one()
        return open_tables(self.attachment_id.name, self.attachment_id.raw)[self.index]

    def _get_found(self):
        return Found(
            self.tool or "",
            self.kind or "",
            {column.name: column.target or "" for column in self.column_ids},
            self.fixed or {},
            self.native_order or None,
            self._get_more_targets(),
        )

    def _get_reader(self):
        habit = Habit(
            self.date_order or None, self.decimal_sign or None, self.import_id.tz
        )
        result = Scan(self.row_count, self.scan_orders or {}, self.scan_decimals or {})
        return Reader(self._open(), self._get_found(), result, habit)

    def _guess_columns(self):
        """The kind was chosen by a person: the columns whose names are known in it."""
        for file in self.filtered("kind"):
            header = file.column_ids.mapped("name")
            mapping = map_by_name(file.kind, header, self._get_more_targets())
            for column in file.column_ids:
                column.target = mapping.get(column.name, False)

    def _get_steps(self):
        self.ensure_one()
        if self.problem or self.question:
            return ()
        return STEPS_OF_KIND[self.kind or ""]

    def _get_order(self):
        """Tables of our own export in the order in which they refer to each other."""
        model, order = (self.fixed or {}).get("model"), get_order(self.env)
        return (order.index(model) if model in order else 0, self.id)

    @api.model
    def _get_more_targets(self):
        """What channels keep of contacts (``core.move_in.targets.Target`` by name)."""
        return self.env["chaser.channel"]._get_import_targets()

    def _get_digest(self):
        digests = {file.attachment_id.id: file.digest for file in self}
        return "\n".join(sorted(filter(None, digests.values())))

    def action_open(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
        }


class ChaserImportColumn(models.Model):
    _name = "chaser.import.column"
    _description = "Move In: Column"
    _inherit = ["chaser.company.mixin", "chaser.import.words"]
    _order = "sequence, id"

    file_id = fields.Many2one(
        "chaser.import.file", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="file_id.company_id", store=True, index=True)
    sequence = fields.Integer(readonly=True)
    name = fields.Char("Column", required=True, readonly=True)
    sample = fields.Char("Example", readonly=True)
    target = fields.Selection("_select_target", "Means")

    @api.model
    def _select_target(self):
        words = self._get_target_words()
        known = {name for targets in TARGETS.values() for name in targets}
        known |= set(self.env["chaser.import.file"]._get_more_targets())
        return [
            (name, word) for name, word in words.items() if name in known | {"custom"}
        ]

    @api.constrains("target")
    def _check_target(self):
        for column in self:
            kind = column.file_id.kind
            more = column.file_id._get_more_targets()
            known = {*get_targets(kind, more), "custom"}
            if column.target and column.target not in known:
                raise ValidationError(
                    self.env._(
                        "“%(target)s” is nothing that a table of %(kind)s has.",
                        target=self._get_target_words()[column.target],
                        kind=self._get_kind_words().get(kind, ""),
                    )
                )
            twins = column.file_id.column_ids.filtered(
                lambda other, column=column: other != column
                and other.target == column.target
            )
            if column.target and column.target != "custom" and twins:
                raise ValidationError(
                    self.env._(
                        "Two columns cannot both be “%s”.",
                        self._get_target_words()[column.target],
                    )
                )
