import base64

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..core.letter.template_file import TemplateFileProblem, load


class ChaserTemplateImport(models.TransientModel):
    """Reads a file of templates, shows what it would do, and does what was chosen.
    Nothing is overwritten without asking."""

    _name = "chaser.template.import"
    _description = "Import of Templates"
    _inherit = ["chaser.company.mixin"]

    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        help="The templates belong to this company.",
    )
    file = fields.Binary()
    file_name = fields.Char()
    note = fields.Text(readonly=True)
    line_ids = fields.One2many("chaser.template.import.line", "import_id")

    def action_read(self):
        """Read the file and list its templates. When it is read again, the list is made
        again.

        :raises UserError: when it is no file of templates
        """
        self.ensure_one()
        self.env["chaser.template"].check_access("create")
        entries = self._load()
        arabic = self.env["res.lang"]._get_chaser_arabic()
        known = self.env["chaser.template.file"]._find_by_keys(self.company_id)
        self.line_ids.unlink()
        self._by_program().line_ids = [
            fields.Command.create(
                self._prepare_line_values(position, entry, known.get(entry.key), arabic)
            )
            for position, entry in enumerate(entries)
        ]
        return self._reopen()

    def _load(self):
        if not self.file:
            raise UserError(self.env._("Choose a file first."))
        try:
            return load(base64.b64decode(self.file))
        except TemplateFileProblem as problem:
            raise UserError(self._describe_file_problem(problem)) from None

    def _prepare_line_values(self, position, entry, template, arabic):
        state = "invalid" if entry.problems else "new"
        if template and not entry.problems:
            Files = self.env["chaser.template.file"]
            state = "same" if Files._is_like(template, entry, arabic) else "different"
        return {
            "sequence": position,
            "company_id": self.company_id.id,
            "name": entry.name.get("en") or entry.key or "?",
            "state": state,
            "choice": "create" if state == "new" else "skip",
            "template_id": template.id if template else False,
            "message": "\n".join(
                [
                    *map(self._describe_entry_problem, entry.problems),
                    *self._get_notes(entry, template, arabic),
                ]
            )
            or False,
        }

    def _get_notes(self, entry, template, arabic):
        """What the import will leave out."""
        if entry.problems:
            return
        if "ar" in entry.subject and not arabic:
            yield self.env._(
                "The Arabic text is left out: Arabic is not installed in this database."
            )
        if entry.is_default and not (template and template.is_default):
            yield self.env._(
                "A default in the file; it does not become one here until you make it "
                "one."
            )
        files = self.env["chaser.template.file"]
        if entry.letter_template and not files._find_letter(entry, self.company_id):
            yield self.env._(
                "The text of its letter (%s) is not here: import it first, else the "
                "shipped letter goes along.",
                entry.letter_template,
            )
        if template and not template.active:
            yield self.env._("The template is archived here.")

    def action_import(self):
        """Do what was chosen, and show the templates."""
        self.ensure_one()
        self.env["chaser.template"].check_access("create")
        entries = self._load()
        if len(entries) != len(self.line_ids):
            raise UserError(self.env._("The file has changed: read it again."))
        arabic, done = (
            self.env["res.lang"]._get_chaser_arabic(),
            self.env["chaser.template"],
        )
        known = self.env["chaser.template.file"]._find_by_keys(self.company_id)
        for line, entry in zip(self.line_ids.sorted("sequence"), entries, strict=True):
            done |= line._apply(entry, known.get(entry.key), arabic)
        if not done:
            raise UserError(self.env._("Nothing is chosen: every template is skipped."))
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Imported Templates"),
            "res_model": "chaser.template",
            "view_mode": "list,form",
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", done.ids)],
            "context": {"active_test": False},
        }

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Import Templates"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
        }

    # -- words

    @api.model
    def _describe_file_problem(self, problem):
        params = {"line": "", "detail": "", "limit": ""} | problem.params
        return {
            "too_large": self.env._("The file is larger than %(limit)s MB."),
            "not_text": self.env._(
                "This is no text file in UTF-8. Choose a file that was made by Export."
            ),
            "not_json": self.env._(
                "The file cannot be read from line %(line)s on. %(detail)s"
            ),
            "other_format": self.env._(
                "This is no file of templates: “format” is not “%(detail)s”."
            ),
            "other_version": self.env._(
                "The file has version %(detail)s; this program reads version %(limit)s."
            ),
            "empty": self.env._("There are no templates in the file."),
            "too_many": self.env._(
                "There are more than %(limit)s templates in the file."
            ),
        }[problem.code] % params

    @api.model
    def _describe_entry_problem(self, found):
        code, params = found
        if code == "text":
            return (
                f"{params['detail']}: "
                f"{self.env['chaser.template']._describe_problem(params['problem'])}"
            )
        params = {"detail": "", "nearest": "", "words": ""} | params
        sentence = {
            "not_object": self.env._("This is not a template."),
            "unknown_key": self.env._("“%(detail)s” is unknown."),
            "missing": self.env._("“%(detail)s” is missing or empty."),
            "type": self.env._("“%(detail)s” is missing or of the wrong kind."),
            "language": self.env._(
                "“%(detail)s”: only “en” and “ar” are languages of reminders."
            ),
            "category": self.env._("The category “%(detail)s” does not exist."),
            "choice": self.env._("“%(detail)s” is none of: %(words)s."),
            "twice": self.env._("“%(detail)s” is in the file twice."),
        }[code] % params
        return sentence + (
            " " + self.env._("Did you mean “%s”?", params["nearest"])
            if params["nearest"]
            else ""
        )


class ChaserTemplateImportLine(models.TransientModel):
    _name = "chaser.template.import.line"
    _description = "Import of Templates: One Template"
    _inherit = ["chaser.company.mixin"]
    _order = "sequence, id"

    import_id = fields.Many2one(
        "chaser.template.import", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one("res.company", required=True, index=True)
    sequence = fields.Integer()
    name = fields.Char(readonly=True)
    template_id = fields.Many2one("chaser.template", "Here", readonly=True)
    state = fields.Selection(
        [
            ("new", "New"),
            ("same", "The same here"),
            ("different", "Different here"),
            ("invalid", "Cannot be imported"),
        ],
        readonly=True,
    )
    choice = fields.Selection(
        [
            ("skip", "Leave as it is"),
            ("create", "Import"),
            ("update", "Replace the text here"),
            ("copy", "Import beside it"),
        ],
        "What to Do",
        required=True,
        default="skip",
    )
    message = fields.Text(readonly=True)

    def _apply(self, entry, template, arabic):
        """The template that came of the line; none where it is skipped.

        :raises UserError: for a choice that does not fit
        """
        Template = self.env["chaser.template"]
        if self.choice == "skip":
            return Template
        if entry.problems:
            raise UserError(
                self.env._(
                    "“%(name)s” cannot be imported:\n%(why)s",
                    name=self.name,
                    why=self.message,
                )
            )
        Files = self.env["chaser.template.file"]
        if self.choice == "update" and template:
            Files._update_template(template, entry, arabic)
            return template
        # One that exists by now (imported twice, or chosen as a copy) keeps its key;
        # the new one gets none.
        return Files._create_template(
            entry, self.import_id.company_id, arabic, False if template else entry.key
        )
