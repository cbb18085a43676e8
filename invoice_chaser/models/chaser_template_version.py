import hashlib
import json

from odoo import api, fields, models


class ChaserTemplateVersion(models.Model):
    """The texts of a template as they were when reminders were made from it. Never changed afterwards."""

    _name = "chaser.template.version"
    _description = "Template Version"
    _order = "template_id, number desc"

    template_id = fields.Many2one("chaser.template", required=True, readonly=True, index=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", readonly=True, index=True)
    number = fields.Integer(required=True, readonly=True, aggregator=None)
    content = fields.Json(required=True, readonly=True, help="Subject and body per language.")
    checksum = fields.Char(required=True, readonly=True)
    summary = fields.Text("Texts", compute="_compute_summary")
    reminder_ids = fields.One2many("chaser.reminder", "template_version_id")

    _number_uniq = models.UniqueIndex("(template_id, number)")

    @api.depends("template_id.name", "number")
    def _compute_display_name(self):
        for version in self:
            version.display_name = f"{version.template_id.name} v{version.number}"

    @api.depends("content")
    def _compute_summary(self):
        for version in self:
            version.summary = "\n\n".join(f"[{lang}] {subject}\n{body}" for lang, (subject, body) in (version.content or {}).items())

    @api.model
    def _get_for(self, template):
        """The version that holds the template's present texts; made when they have changed since the last one."""
        content = {lang: list(texts) for lang, texts in template._get_sources().items()}
        checksum = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        latest = self.sudo().search([("template_id", "=", template.id)], limit=1)
        if latest.checksum == checksum:
            return latest
        return self.sudo().create({
            "template_id": template.id, "company_id": template.company_id.id, "number": latest.number + 1,
            "content": content, "checksum": checksum,
        })
