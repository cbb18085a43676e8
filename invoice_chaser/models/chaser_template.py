from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, html_sanitize

from ..core.template_language import repair_links

_TEXT_FIELDS = {"subject", "body_html"}


class ChaserTemplate(models.Model):
    """A letter in English and Arabic. Its checks, preview, figures and files are in files of their own beside this one."""

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
    is_default = fields.Boolean("Default", tracking=True, help="Used where nothing else is chosen: for its category, or for one level of it.")
    level_id = fields.Many2one(
        "chaser.level", "Default for Level", check_company=True, tracking=True, index="btree_not_null", ondelete="restrict",
        help="A default with a level goes before the template that the level itself names; a company's own goes before a shared one.",
    )
    subject = fields.Char(required=True, translate=True)
    # Translated as a whole, so that each language is a letter of its own; sanitized when saved (see _sanitize).
    body_html = fields.Html("Body", required=True, translate=True, sanitize=False)
    version_ids = fields.One2many("chaser.template.version", "template_id")

    _default_uniq = models.UniqueIndex(
        "(category, COALESCE(level_id, 0), COALESCE(company_id, 0)) WHERE is_default AND active",
        "This category (and level) has a default template already.",
    )

    # -- constraints and CRUD

    @api.constrains("active")
    def _check_archive(self):
        """A level without a usable template would stop its reminders."""
        archived = self.filtered(lambda template: not template.active)
        level = self.env["chaser.level"].sudo().search([("template_id", "in", archived.ids)], limit=1) if archived else None
        if level:
            raise ValidationError(self.env._(
                "Template “%(name)s” is the template of level “%(level)s”. Choose another one there, then archive it.",
                name=level.template_id.name, level=level.name))

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._sanitize(vals) for vals in vals_list])

    def write(self, vals):
        result = super().write(self._sanitize(vals))
        if _TEXT_FIELDS & set(vals):
            self._make_next_version()
        return result

    def _make_next_version(self):
        """The edit of a template that was used makes its next version; before its first use there is nothing to keep."""
        self.flush_recordset(_TEXT_FIELDS)
        for template in self.filtered("version_ids"):
            self.env["chaser.template.version"]._get_for(template)

    @api.model
    def _sanitize(self, vals):
        if vals.get("body_html"):
            clean = html_sanitize(repair_links(str(vals["body_html"])), sanitize_attributes=True, sanitize_style=True, sanitize_form=True)
            return {**vals, "body_html": repair_links(str(clean))}
        return vals

    def update_field_translations(self, field_name, translations, source_lang=""):
        if field_name == "body_html":
            translations = {
                lang: self._sanitize({"body_html": text})["body_html"] if isinstance(text, str) and text else text
                for lang, text in translations.items()
            }
        result = super().update_field_translations(field_name, translations, source_lang)
        if field_name in _TEXT_FIELDS:
            self._check_texts()
            self._make_next_version()
        return result

    def copy_data(self, default=None):
        return [
            vals | {"is_default": False} | ({} if default and "name" in default else {"name": self.env._("%s (copy)", template.name)})
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
    def _get_default(self, category, company):
        """The default of a category: the company's own before the shared one."""
        return self.search(
            [("category", "=", category), ("is_default", "=", True), ("level_id", "=", False), ("company_id", "in", (company.id, False))],
            order="company_id, sequence, id", limit=1,
        )

    @api.model
    def _get_for_level(self, level, company, campaign_type="invoice_reminder"):
        """The template of a level for a kind of campaign: the default made for both, else the level's own, else the category's default.

        A default of the level counts in the campaign's category first, then in that of the level's own template.
        """
        categories = [campaign_type, level.template_id.category]
        candidates = self.search([
            ("is_default", "=", True), ("level_id", "=", level.id), ("company_id", "in", (company.id, False)), ("category", "in", categories),
        ]) if level else self
        best = candidates.sorted(lambda template: (not template.company_id, categories.index(template.category)))[:1]
        return best or level.template_id or self._get_default(campaign_type, company) or self._get_default("invoice_reminder", company)

    # -- views

    def action_view_versions(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window", "name": self.env._("Versions"), "res_model": "chaser.template.version",
            "view_mode": "list,form", "domain": [("template_id", "=", self.id)],
        }

    def action_view_reminders(self):
        """What was sent with it, in whichever version."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window", "res_model": "chaser.reminder", "view_mode": "list,form",
            "domain": [("template_version_id.template_id", "=", self.id), ("sent_at", "!=", False)], "name": self.env._("Reminders"),
        }
