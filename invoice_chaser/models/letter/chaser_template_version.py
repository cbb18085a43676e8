import hashlib
import json

from psycopg2.extras import Json

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

_RATES = ("open", "click", "reply")


def _summarize(rows):
    """Several versions' rows as one: sent, last, opened, clicked, replied."""
    sent, opened, clicked, replied = (
        sum(row[key] for row in rows)
        for key in ("sent", "opened", "clicked", "replied")
    )
    values = {
        "usage_count": sent,
        "last_used_at": max((row["last"] for row in rows), default=False),
    }
    for rate, count in zip(_RATES, (opened, clicked, replied), strict=True):
        values[f"{rate}_rate"] = 100.0 * count / sent if sent else 0.0
    return values


class ChaserTemplateFiguresMixin(models.AbstractModel):
    """How often a template, or one version of it, was sent, opened, clicked and
    answered."""

    _name = "chaser.template.figures.mixin"
    _description = "Usage Figures of Templates"

    usage_count = fields.Integer(
        "Used", compute="_compute_usage", help="Reminders sent with it."
    )
    last_used_at = fields.Datetime("Last Used", compute="_compute_usage")
    open_rate = fields.Float(
        "Open Rate (%)",
        compute="_compute_usage",
        aggregator=None,
        help="Reminders that people, not machines, opened.",
    )
    click_rate = fields.Float(
        "Click Rate (%)", compute="_compute_usage", aggregator=None
    )
    reply_rate = fields.Float(
        "Reply Rate (%)", compute="_compute_usage", aggregator=None
    )

    @api.depends_context("allowed_company_ids")
    def _compute_usage(self):
        rows = self._read_usage()
        for record in self:
            record.update(
                _summarize(
                    [row for row in rows if row[self._usage_key] == record._origin.id]
                )
            )

    def _read_usage(self):
        """One row per version: what was sent with it in the user's companies, and how
        many of those people opened, clicked, answered."""
        self.env["chaser.reminder"].flush_model(
            ["sent_at", "template_version_id", "company_id"]
        )
        companies = list(self.env.companies.ids)
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT v.id AS version_id, v.template_id, count(*) AS sent,
                      max(r.sent_at) AS last
                 FROM chaser_template_version v JOIN chaser_reminder r ON
                      r.template_version_id = v.id
                WHERE %s = ANY(%s) AND r.sent_at IS NOT NULL AND r.company_id = ANY(%s)
                GROUP BY v.id, v.template_id""",
                SQL.identifier(
                    "v", "template_id" if self._usage_key == "template_id" else "id"
                ),
                list(self._origin.ids),
                companies,
            )
        )
        counts = (
            self.env["chaser.event.kept"]
            .sudo()
            ._read_versions([row["version_id"] for row in rows], companies)
        )
        for row in rows:
            for event_type in ("opened", "clicked", "replied"):
                key = (row["version_id"], event_type, True)
                row[event_type] = min(counts.get(key, 0), row["sent"])
        return rows


class ChaserTemplateVersion(models.Model):
    """The texts of a template as they were when reminders were made from it. Never
    changed afterwards."""

    _name = "chaser.template.version"
    _description = "Template Version"
    _inherit = ["chaser.template.figures.mixin"]
    _order = "template_id, number desc"

    _usage_key = "version_id"  # see the mixin

    template_id = fields.Many2one(
        "chaser.template", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", readonly=True, index=True)
    number = fields.Integer(required=True, readonly=True, aggregator=None)
    content = fields.Json(
        required=True, readonly=True, help="Subject and body per language."
    )
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
            version.summary = "\n\n".join(
                f"[{lang}] {subject}\n{body}"
                for lang, (subject, body) in (version.content or {}).items()
            )

    @api.model
    def _ensure_for(self, template):
        """The version that holds the template's present texts; made when they have
        changed since the last one."""
        content = {lang: list(texts) for lang, texts in template._get_sources().items()}
        checksum = hashlib.sha256(
            json.dumps(content, sort_keys=True).encode()
        ).hexdigest()
        latest = self.sudo().search([("template_id", "=", template.id)], limit=1)
        if latest.checksum == checksum:
            return latest
        # Two mailboxes may come here at once. With REPEATABLE READ the later one gets a
        # SerializationFailure from ON CONFLICT, after which the sender and Odoo's
        # request handling try again; an ORM create would fail with a constraint error.
        self.env.cr.execute(
            SQL(
                """INSERT INTO chaser_template_version (template_id, company_id, number,
                content, checksum, create_uid, write_uid, create_date, write_date)
               VALUES (%s, %s, %s, %s, %s, %s, %s, now() AT TIME ZONE 'UTC',
               now() AT TIME ZONE 'UTC') ON CONFLICT DO NOTHING RETURNING id""",
                template.id,
                template.company_id.id or None,
                latest.number + 1,
                Json(content),
                checksum,
                self.env.uid,
                self.env.uid,
            ),
            log_exceptions=False,
        )
        [version_id] = self.env.cr.fetchone()
        template.invalidate_recordset(["version_ids"])
        return self.sudo().browse(version_id)

    def action_compare(self):
        """Two versions of one template, or one with the text as it is now."""
        versions = self.sorted("number")
        if not 1 <= len(versions) <= 2 or len(versions.template_id) != 1:
            raise UserError(self.env._("Select two versions of one template."))
        return self.env["chaser.template.compare"]._open(
            versions.template_id, versions[0], versions[1:]
        )
