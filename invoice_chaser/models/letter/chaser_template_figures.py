from odoo import api, fields, models
from odoo.tools import SQL

_RATES = ("open", "click", "reply")


def _summarize(rows):
    """Several versions' rows as one: sent, last, opened, clicked, replied."""
    sent, opened, clicked, replied = (sum(row[key] for row in rows) for key in ("sent", "opened", "clicked", "replied"))
    values = {"usage_count": sent, "last_used_at": max((row["last"] for row in rows), default=False)}
    for rate, count in zip(_RATES, (opened, clicked, replied), strict=True):
        values[f"{rate}_rate"] = 100.0 * count / sent if sent else 0.0
    return values


class ChaserTemplateFiguresMixin(models.AbstractModel):
    """How often a template, or one version of it, was sent and what came back. Counted each time, never stored."""

    _name = "chaser.template.figures.mixin"
    _description = "Usage Figures of Templates"

    usage_count = fields.Integer("Used", compute="_compute_usage", help="Reminders sent with it.")
    last_used_at = fields.Datetime("Last Used", compute="_compute_usage")
    open_rate = fields.Float("Open Rate (%)", compute="_compute_usage", aggregator=None, help="Reminders that people, not machines, opened.")
    click_rate = fields.Float("Click Rate (%)", compute="_compute_usage", aggregator=None)
    reply_rate = fields.Float("Reply Rate (%)", compute="_compute_usage", aggregator=None)

    @api.depends_context("allowed_company_ids")
    def _compute_usage(self):
        rows = self._read_usage()
        for record in self:
            record.update(_summarize([row for row in rows if row[self._usage_key] == record._origin.id]))

    def _read_usage(self):
        """One row per version: what was sent with it in the user's companies, and how many of those people opened, clicked, answered."""
        self.env["chaser.reminder"].flush_model(["sent_at", "template_version_id", "company_id"])
        self.env["chaser.event"].flush_model(["event_type", "verdict", "reminder_id"])
        return self.env.execute_query_dict(SQL(
            """SELECT v.id AS version_id, v.template_id, count(DISTINCT r.id) AS sent, max(r.sent_at) AS last,
                      count(DISTINCT r.id) FILTER (WHERE e.event_type = 'opened') AS opened,
                      count(DISTINCT r.id) FILTER (WHERE e.event_type = 'clicked') AS clicked,
                      count(DISTINCT r.id) FILTER (WHERE e.event_type = 'replied') AS replied
                 FROM chaser_template_version v JOIN chaser_reminder r ON r.template_version_id = v.id
                 LEFT JOIN chaser_event e ON e.reminder_id = r.id AND e.event_type IN ('opened', 'clicked', 'replied')
                      AND e.verdict IS DISTINCT FROM 'machine'
                WHERE %s = ANY(%s) AND r.sent_at IS NOT NULL AND r.company_id = ANY(%s)
                GROUP BY v.id, v.template_id""",
            SQL.identifier("v", "template_id" if self._usage_key == "template_id" else "id"), list(self._origin.ids), list(self.env.companies.ids)))
