import logging
from functools import partial

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core.move_in.problems import FileProblem
from ...core.move_in.tables import open_tables
from .changes import ACTIONS
from .run import Run

_logger = logging.getLogger(__name__)
# Up to so many rows are read while the user waits; more go through the job.
_AT_ONCE = 2000


class ChaserImport(models.Model):
    """Files of another tool, what they would do here, and what they did."""

    _name = "chaser.import"
    _description = "Move In"
    _inherit = ["chaser.company.mixin", "chaser.import.words"]
    _order = "id desc"

    name = fields.Char(
        required=True,
        default=lambda self: self.env._("Files of %s", fields.Date.today()),
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
        help="Everything comes in for this company.",
    )
    user_id = fields.Many2one(
        "res.users",
        "Imported By",
        required=True,
        readonly=True,
        default=lambda self: self.env.user,
        help="It comes in with the rights of this user.",
    )
    attachment_ids = fields.Many2many(
        "ir.attachment",
        "chaser_import_attachment_rel",
        "import_id",
        "attachment_id",
        "Files",
        copy=False,
    )
    file_ids = fields.One2many("chaser.import.file", "import_id", "Tables", copy=False)
    line_ids = fields.One2many("chaser.import.line", "import_id", copy=False)
    on_existing = fields.Selection(
        [
            ("keep", "Keep what is here, fill in what is empty"),
            ("replace", "Replace it by what the files say"),
        ],
        "Customers That Are Here",
        required=True,
        default="keep",
    )
    tz = fields.Selection(
        lambda self: [(tz, tz) for tz in pytz.common_timezones],
        "Time Zone of the Files",
        required=True,
        default="UTC",
        help="For times that do not name their zone. Most services export in UTC.",
    )
    state = fields.Selection(
        [
            ("draft", "Files"),
            ("checking", "Being Checked"),
            ("checked", "Checked"),
            ("importing", "Being Imported"),
            ("done", "Imported"),
            ("failed", "Stopped"),
        ],
        required=True,
        default="draft",
        readonly=True,
        copy=False,
    )
    is_dry = fields.Boolean(readonly=True, copy=False, default=True)
    message = fields.Text(readonly=True, copy=False)
    cursor_step = fields.Integer(readonly=True, copy=False)
    cursor_row = fields.Integer(readonly=True, copy=False)
    rows_total = fields.Integer(readonly=True, copy=False)
    rows_done = fields.Integer(readonly=True, copy=False)
    progress = fields.Float(compute="_compute_progress")
    is_open = fields.Boolean(
        compute="_compute_is_open", help="Something has to be answered first."
    )
    new_count = fields.Integer("New", compute="_compute_figures")
    changed_count = fields.Integer("Changed", compute="_compute_figures")
    same_count = fields.Integer("The Same", compute="_compute_figures")
    refused_count = fields.Integer("Refused", compute="_compute_figures")
    doubtful_count = fields.Integer("Doubtful", compute="_compute_figures")
    campaign_ids = fields.One2many("chaser.campaign", "import_id", readonly=True)
    campaign_count = fields.Integer("Past Campaigns", compute="_compute_campaign_count")

    @api.depends("rows_done", "rows_total")
    def _compute_progress(self):
        for record in self:
            record.progress = (
                100.0 * record.rows_done / record.rows_total if record.rows_total else 0
            )

    @api.depends("file_ids.question")
    def _compute_is_open(self):
        for record in self:
            record.is_open = any(file.question for file in record.file_ids)

    @api.depends("file_ids.figures")
    def _compute_figures(self):
        for record in self:
            totals = record._get_figures()
            for action in ACTIONS:
                record[f"{action}_count"] = totals[action]

    def _get_figures(self):
        totals = dict.fromkeys(ACTIONS, 0)
        for file in self.file_ids:
            for counts in (file.figures or {}).values():
                for action, number in counts.items():
                    totals[action] += number
        return totals

    def _compute_campaign_count(self):
        rows = self.env["chaser.campaign"]._read_group(
            [("import_id", "in", self.ids)], ["import_id"], ["__count"]
        )
        counts = {imp.id: count for imp, count in rows}
        for record in self:
            record.campaign_count = counts.get(record.id, 0)

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._claim_attachments()
        return records

    def write(self, vals):
        result = super().write(vals)
        if "attachment_ids" in vals:
            self._claim_attachments()
        return result

    def _claim_attachments(self):
        """Files that were dropped before the record was saved become its own, so that
        nobody but those who may read it reads them."""
        for record in self:
            strays = record.attachment_ids.sudo().filtered(
                lambda attachment, record=record: not attachment.res_id
                and attachment.create_uid == self.env.user
            )
            strays.write({"res_model": self._name, "res_id": record.id})

    # -- actions

    def action_check(self):
        """Read the files, and show what importing them would do. Nothing is changed.

        :raises UserError: without a file, or while it runs already
        """
        self.ensure_one()
        self._check_rights()
        if self.state in ("checking", "importing"):
            raise UserError(self.env._("It runs already; reload to see how far it is."))
        if not self.attachment_ids:
            raise UserError(self.env._("Drop the files in first."))
        # Whoever links a file here must be allowed to read it.
        self.attachment_ids.check_access("read")
        self._read_files()
        if not self.is_open and any(file._get_steps() for file in self.file_ids):
            self._start(dry=True)
        else:
            self._by_program().write({"state": "draft", "message": False})
        return True

    def action_import(self):
        """Do what the check has shown.

        :raises UserError: when it was not checked, or the files are others by now
        """
        self.ensure_one()
        self._check_rights()
        is_stopped = self.state == "failed" and not self.is_dry
        if self.state not in ("checked", "done") and not is_stopped:
            raise UserError(self.env._("Check the files first."))
        if is_stopped and self.cursor_step >= 0:
            self._start(dry=False, resume=True)
            return True
        if self.is_open or self._get_digest() != self.file_ids._get_digest():
            raise UserError(
                self.env._("The files or the answers have changed: check them again.")
            )
        self._start(dry=False)
        return True

    def action_stop(self):
        """Stop after the batch at hand; *Import* goes on from there."""
        for record in self.filtered(lambda r: r.state in ("checking", "importing")):
            record._set_failed(self.env._("Stopped by %s.", self.env.user.name))
        return True

    def action_view_lines(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_import_line_action"
        )
        wanted = self.env.context.get("chaser_action")
        domain = [("import_id", "=", self.id)]
        return action | {
            "domain": domain + ([("action", "=", wanted)] if wanted else []),
            "context": {},
        }

    def action_view_campaigns(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_campaign_action"
        )
        return action | {"domain": [("import_id", "=", self.id)], "context": {}}

    # -- reading

    def _check_rights(self):
        self.check_access("write")
        if not self.env["res.partner"].has_access("create"):
            raise UserError(
                self.env._(
                    "Moving in makes contacts: ask an administrator for the right "
                    "“Contact Creation” first."
                )
            )

    def _get_digest(self):
        return "\n".join(
            sorted(filter(None, self.attachment_ids.sudo().mapped("checksum")))
        )

    def _read_files(self):
        """One record per table; what a person answered about it stays."""
        gone = self.file_ids.filtered(
            lambda file: file.attachment_id not in self.attachment_ids
        )
        gone.unlink()
        for attachment in self.attachment_ids:
            known = self.file_ids.filtered(
                lambda file, attachment=attachment: file.attachment_id == attachment
            )
            if known and not any(file.problem for file in known):
                known._recheck()
                continue
            known.unlink()
            self._read_attachment(attachment)
        self.env["chaser.import.file"].flush_model()

    def _read_attachment(self, attachment):
        File = self.env["chaser.import.file"]._by_program()
        values = {"import_id": self.id, "attachment_id": attachment.id}
        try:
            tables = open_tables(attachment.name, attachment.raw or b"")
        except FileProblem as problem:
            File.create(
                values
                | {
                    "name": problem.params.get("file") or attachment.name,
                    "problem": self._describe_problem(problem.code, problem.params),
                }
            )
            return
        for index, table in enumerate(tables):
            File.create(values | {"name": table.name, "index": index})._recognise(table)

    # -- running

    def _start(self, dry, resume=False):
        """Small imports at once, large ones by the job."""
        self._begin(dry, resume)
        if self.rows_total <= _AT_ONCE:
            self._run()
        else:
            self.env.ref("invoice_chaser.ir_cron_move_in").sudo()._trigger()

    def _begin(self, dry, resume=False):
        values = {
            "state": "checking" if dry else "importing",
            "is_dry": dry,
            "message": False,
            "user_id": self.env.uid,
        }
        if not resume:
            values |= {"cursor_step": 0, "cursor_row": 0, "rows_done": 0}
            values["rows_total"] = sum(
                file.row_count * len(file._get_steps()) for file in self.file_ids
            )
            self.file_ids._by_program().figures = False
        self._by_program().write(values)

    def _run_now(self, dry, tell):
        """From the command line: all of it, with a commit after each batch.

        :param tell: called with the import after each batch
        """
        self._begin(dry)

        def go_on(_done):
            self.env["ir.cron"]._commit_progress()
            # Memory must not grow with the file.
            self.env.invalidate_all()
            tell(self)
            return True

        self._run(go_on)
        self.env["ir.cron"]._commit_progress()

    def _run(self, go_on=None):
        """As the user who pressed the button, in the company of the import."""
        self.ensure_one()
        imp = (
            self.with_user(self.user_id)
            .with_company(self.company_id)
            .with_context(allowed_company_ids=self.company_id.ids, active_test=True)
        )
        Run(imp).go(go_on)

    @api.model
    def _cron_run(self):
        """Goes on with what waits, batch by batch, for as long as the scheduler grants
        time; the rest at the next run."""
        for imp in self.search(
            [("state", "in", ("checking", "importing"))], order="id"
        ):
            left = {"seconds": 1.0}
            imp._run(partial(self._go_on, imp, left))
            if left["seconds"] <= 0:
                self.env.ref("invoice_chaser.ir_cron_move_in")._trigger()
                return

    @api.model
    def _go_on(self, imp, left, done):
        """After a batch of the job: whether the scheduler grants time for another one.

        :param dict left: gets the ``seconds`` that are left
        """
        imp.invalidate_recordset(["state"])
        left["seconds"] = self.env["ir.cron"]._commit_progress(
            done, remaining=max(imp.rows_total - imp.rows_done, 0)
        )
        self.env.invalidate_all()
        return left["seconds"] > 0 and imp.state in ("checking", "importing")

    def _set_failed(self, words):
        self._by_program().write({"state": "failed", "message": words})

    def _set_finished(self):
        self._by_program().write(
            {
                "state": "checked" if self.is_dry else "done",
                "cursor_step": 0 if self.is_dry else -1,
                "rows_done": self.rows_total,
                "message": False,
            }
        )
        _logger.info(
            "Import %s %s: %s",
            self.id,
            "checked" if self.is_dry else "done",
            self._get_figures(),
        )

    # -- taking out again

    def action_take_out(self):
        """Delete the past campaigns of this import with their sends and events, whole.
        Customers, stopped addresses and what else came in stays: others may rely on it.
        """
        self.check_access("unlink")
        for record in self:
            campaigns = record.campaign_ids
            reminders = campaigns.sudo().reminder_ids
            self._forget_xml_ids("chaser.reminder", reminders.ids)
            self._forget_xml_ids("chaser.campaign", campaigns.ids)
            campaigns.unlink()
        self.env["chaser.reminder"].invalidate_model()
        self.env["chaser.event"].invalidate_model()
        return True

    def _forget_xml_ids(self, model, ids):
        self.env["ir.model.data"].sudo().search(
            [
                ("module", "=", "chaser_import"),
                ("model", "=", model),
                ("res_id", "in", ids),
            ]
        ).unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_history(self):
        if (
            self.env["chaser.campaign"]
            .sudo()
            .search_count([("import_id", "in", self.ids)], limit=1)
        ):
            raise UserError(
                self.env._(
                    "Past campaigns came in with it. Press “Take Out” first, or leave "
                    "it here as the proof of where they come from."
                )
            )
