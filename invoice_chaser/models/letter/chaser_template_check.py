from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...core.letter.checker import ERROR, check_letter


class ChaserTemplate(models.Model):
    """What the checker says about a template: shown on its form, and in the way of making it a default."""

    _name = "chaser.template"
    _inherit = ["chaser.template", "chaser.checker.mixin"]  # pylint: disable=consider-merging-classes-inherited  # what the checker says of it

    findings = fields.Json(compute="_compute_findings", help="What the checker says about the texts as they stand in the form.")

    @api.depends("subject", "body_html", "other_subject", "other_body_html", "category", "company_id", "level_id")
    @api.depends_context("lang", "company")
    def _compute_findings(self):
        for template in self:
            template.findings = template._prepare_findings(template._check_letter(template._get_edited_sources()))

    def _check_letter(self, sources):
        company = self.company_id or self.env.company
        data, _note = self._get_preview_data(self.env["res.partner"], fill=False)
        return check_letter(sources, data, company.chaser_allow_sensitive)

    @api.constrains("is_default", "active")
    def _check_default(self):
        """A default goes out without anybody looking at it, so nothing may speak against making it one."""
        self.filtered(lambda template: template.is_default and template.active)._refuse_errors()

    @api.constrains("subject", "body_html")
    def _check_default_texts(self):
        """A default's text must be fit to be sent. That its languages differ does not stop the saving, for they are saved one after the
        other; it is shown, and stops a campaign."""
        self._refuse_sensitive_default()

    def _refuse_sensitive_default(self, edited=None):
        defaults = self.filtered(lambda template: template.is_default and template.active)
        defaults._refuse_errors(lambda one: not one.code.endswith("_differs"), edited)

    def _refuse_errors(self, counts=lambda _finding: True, edited=None):
        """:param dict edited: texts by message language that stand in place of the stored ones"""
        for template in self:
            # What cannot be read at all is reported by _check_texts, with its line.
            found = [one for one in template._check_letter(template._get_sources() | (edited or {})) if one.code != "template" and counts(one)]
            values = self._prepare_findings(found, template)
            if any(one["severity"] == ERROR for one in values):
                raise ValidationError(self.env._(
                    "“%(name)s” cannot be a default as long as this is open:\n%(findings)s", name=template.name,
                    findings=self._format_findings(values)))
