import hashlib
import json

from psycopg2.extras import Json

from odoo import api, fields, models
from odoo.tools import SQL


class ChaserTemplateVersion(models.Model):
    """The texts of a template as they were when reminders were made from it. Never changed afterwards."""

    _name = "chaser.template.version"
    _description = "Template Version"
    _inherit = ["chaser.template.figures.mixin"]
    _order = "template_id, number desc"

    _usage_key = "version_id"  # see the mixin

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
        # Two mailboxes may come here at once. With REPEATABLE READ the later one gets a SerializationFailure from ON CONFLICT, which
        # the sender and Odoo's request handling answer by doing it again; an ORM create would fail with a broken constraint.
        self.env.cr.execute(SQL(
            """INSERT INTO chaser_template_version (template_id, company_id, number, content, checksum, create_uid, write_uid, create_date, write_date)
               VALUES (%s, %s, %s, %s, %s, %s, %s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC') ON CONFLICT DO NOTHING RETURNING id""",
            template.id, template.company_id.id or None, latest.number + 1, Json(content), checksum, self.env.uid, self.env.uid), log_exceptions=False)
        [version_id] = self.env.cr.fetchone()
        template.invalidate_recordset(["version_ids"])
        return self.sudo().browse(version_id)
