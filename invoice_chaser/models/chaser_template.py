from datetime import date, timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, html_sanitize

from ..core import render
from ..core.template_language import MERGE_TAGS, REQUIRED_TAGS, TemplateProblem, check


class ChaserTemplate(models.Model):
    _name = "chaser.template"
    _description = "Reminder Template"
    _inherit = ["mail.thread", "chaser.company.mixin"]
    _order = "category, sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True, tracking=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        "res.company", index=True, default=lambda self: self.env.company, help="Empty: shared by all companies."
    )
    category = fields.Selection(
        [
            ("invoice_reminder", "Invoice Reminder"), ("payment_follow_up", "Payment Follow-up"), ("overdue_notice", "Overdue Notice"),
            ("welcome", "Welcome"), ("system", "System"),
        ],
        required=True, default="invoice_reminder", tracking=True,
    )
    is_default = fields.Boolean("Default of its Category", tracking=True)
    subject = fields.Char(required=True, translate=True)
    # Translated as a whole, so that each language is a letter of its own; sanitized when saved (see _sanitize).
    body_html = fields.Html("Body", required=True, translate=True, sanitize=False)
    merge_tags = fields.Char(compute="_compute_merge_tags")
    version_ids = fields.One2many("chaser.template.version", "template_id")
    version_count = fields.Integer(compute="_compute_usage")
    usage_count = fields.Integer("Used", compute="_compute_usage")
    last_used_at = fields.Datetime("Last Used", compute="_compute_usage")
    preview_partner_id = fields.Many2one(
        "res.partner", "Preview with", store=False, help="A customer with open invoices; empty: sample data."
    )
    preview_en = fields.Html("Preview (English)", compute="_compute_preview", sanitize=False)
    preview_ar = fields.Html("Preview (Arabic)", compute="_compute_preview", sanitize=False)
    preview_subject_en = fields.Char("Subject (English)", compute="_compute_preview")
    preview_subject_ar = fields.Char("Subject (Arabic)", compute="_compute_preview")

    _default_uniq = models.UniqueIndex(
        "(category, COALESCE(company_id, 0)) WHERE is_default AND active", "This category has a default template already."
    )

    # -- computes

    def _compute_merge_tags(self):
        self.merge_tags = " ".join(f"{{{{ {tag} }}}}" for tag in MERGE_TAGS)

    def _compute_usage(self):
        rows = self.env["chaser.reminder"]._read_group(
            [("template_version_id.template_id", "in", self.ids), ("sent_at", "!=", False)],
            ["template_version_id"], ["__count", "sent_at:max"],
        )
        for template in self:
            mine = [(count, last) for version, count, last in rows if version.template_id == template]
            template.usage_count = sum(count for count, _last in mine)
            template.last_used_at = max((last for _count, last in mine), default=False)
            template.version_count = len(template.sudo().version_ids)

    @api.depends("subject", "body_html", "preview_partner_id")
    @api.depends_context("lang", "company")
    def _compute_preview(self):
        for template in self:
            data = template._get_preview_data()
            sources = template._get_edited_sources()
            for lang in ("en", "ar"):
                subject, html = template._preview(data, sources, lang)
                template[f"preview_subject_{lang}"], template[f"preview_{lang}"] = subject, html

    def _preview(self, data, sources, lang):
        if lang not in sources:
            note = self.env._("There is no Arabic text. Load the Arabic language in the settings, then translate the template.")
            return False, f"<p>{note}</p>"
        try:
            rendered = render.compose(data, {lang: sources[lang]}, lang)
        except TemplateProblem as problem:
            return False, f"<p>{self._describe_problem(problem)}</p>"
        return rendered.subject, rendered.html

    def _get_edited_sources(self):
        """Sources with what is being typed in the form put in place of the stored text of the user's language."""
        self.ensure_one()
        sources = self._origin._get_sources() if self._origin else {}
        key = "ar" if (self.env.lang or "").startswith("ar") else "en"
        return sources | {key: (self.subject or "", self.body_html or "")}

    # -- constraints and CRUD

    @api.constrains("subject", "body_html", "category")
    def _check_texts(self):
        """Every language is checked, whichever one was written.

        :raises ValidationError: naming template, language, line, tag and the nearest valid name
        """
        self.env["chaser.template"].flush_model(["subject", "body_html"])
        for template in self:
            subjects, bodies = template._read_texts()
            for texts, options in ((subjects, {"is_html": False}), (bodies, {"required": REQUIRED_TAGS[template.category]})):
                for code, text in texts.items():
                    template._check_text(code, text, options)

    def _check_text(self, code, text, options):
        try:
            check(text or "", **options)
        except TemplateProblem as problem:
            raise ValidationError(self.env._(
                "Template “%(name)s” (%(lang)s): %(problem)s", name=self.name, problem=self._describe_problem(problem),
                lang=self.env["res.lang"]._get_data(code=code).name or code)) from None

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._sanitize(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._sanitize(vals))

    @api.model
    def _sanitize(self, vals):
        if vals.get("body_html"):
            clean = html_sanitize(vals["body_html"], sanitize_attributes=True, sanitize_style=True, sanitize_form=True)
            return {**vals, "body_html": str(clean)}
        return vals

    def update_field_translations(self, field_name, translations, source_lang=""):
        if field_name == "body_html":
            translations = {
                lang: self._sanitize({"body_html": text})["body_html"] if isinstance(text, str) and text else text
                for lang, text in translations.items()
            }
        result = super().update_field_translations(field_name, translations, source_lang)
        self._check_texts()
        return result

    def copy_data(self, default=None):
        return [
            vals | {"name": self.env._("%s (copy)", template.name), "is_default": False}
            for template, vals in zip(self, super().copy_data(default), strict=True)
        ]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if self.env["chaser.reminder"].sudo().search_count([("template_version_id.template_id", "in", self.ids)], limit=1):
            raise UserError(self.env._("A template that was used cannot be deleted. Archive it instead."))

    # -- business

    def _get_sources(self):
        """(subject, body) by message language, from what is stored; Arabic only where both texts exist in Arabic."""
        self.ensure_one()
        subject, body = self._read_texts()
        sources = {}
        for code in sorted(set(subject) & set(body), reverse=True):
            lang = "ar" if code.startswith("ar") else "en" if code == "en_US" else None
            if lang and subject[code] and body[code]:
                sources[lang] = (subject[code], body[code])
        return sources

    def _read_texts(self):
        """Subjects and bodies as stored, by Odoo's language code; without Odoo's fallback to English."""
        rows = self.env.execute_query(SQL("SELECT subject, body_html FROM chaser_template WHERE id = %s", self.id))
        subject, body = rows[0] if rows else (None, None)
        return subject or {}, body or {}

    @api.model
    def _describe_problem(self, problem):
        """A TemplateProblem in the user's language."""
        params = {"line": "", "tag": "", "nearest": "", "detail": "", "limit": ""} | problem.params
        sentence = {
            "syntax": self.env._("line %(line)s cannot be read: %(detail)s"),
            "forbidden": self.env._("line %(line)s: “%(detail)s” is not allowed in a template; use merge tags, if and plural."),
            "unknown_filter": self.env._("line %(line)s: the filter “%(tag)s” does not exist."),
            "unknown_tag": self.env._("line %(line)s: the merge tag “%(tag)s” does not exist."),
            "missing_tag": self.env._("the merge tag “%(tag)s” is required and missing."),
            "too_long": self.env._("the text is longer than %(limit)s characters."),
            "undefined": self.env._("a value is missing: %(detail)s"),
            "failed": self.env._("it cannot be filled in: %(detail)s"),
        }[problem.code] % params
        if params["nearest"]:
            sentence += " " + self.env._("Did you mean “%s”?", params["nearest"])
        return sentence

    @api.model
    def _get_default(self, category, company):
        """The default of a category: the company's own before the shared one."""
        return self.search(
            [("category", "=", category), ("is_default", "=", True), ("company_id", "in", (company.id, False))],
            order="company_id, sequence, id", limit=1,
        )

    def _get_preview_data(self):
        """Real open items of the chosen customer, else sample data; with the current company's header."""
        company = self.env["chaser.provider"]._get_company_data(self.company_id or self.env.company)
        if self.preview_partner_id:
            data = self.env["chaser.reminder"]._get_preview_data(self.preview_partner_id, self.company_id or self.env.company)
            if data:
                return data
        today = fields.Date.context_today(self)
        items = tuple(
            render.Item(
                f"INV/{today.year}/{number:05d}", today - timedelta(days=days + 30), today - timedelta(days=days), days,
                Decimal(amount), Decimal(residual), "AED", 2, "https://example.com/",
            )
            for number, days, amount, residual in ((142, 41, "18375.00", "18375.00"), (187, 23, "6420.50", "2420.50"), (203, 9, "990", "990"))
        )
        return render.MessageData(
            company=company, customer_name=self.env._("Al Noor Trading LLC"), contact_name=self.env._("Ahmed Al Mansoori"), items=items,
            today=date(today.year, today.month, today.day), payment_reference=items[0].number,
            salesperson={"name": self.env.user.name, "email": self.env.user.email or "", "phone": ""},
            level_name={"en": self.name or "", "ar": self.name or ""},
        )

    def action_view_versions(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window", "name": self.env._("Versions"), "res_model": "chaser.template.version",
            "view_mode": "list,form", "domain": [("template_id", "=", self.id)],
        }
