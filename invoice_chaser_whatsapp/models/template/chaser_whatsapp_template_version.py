import hashlib
import json

from odoo import api, fields, models

_RATES = (
    ("read_rate", "opened"),
    ("reply_rate", "replied"),
    ("failed_rate", "bounced"),
)


def summarize(rows):
    """The figures of some versions (``chaser.delivery``) as one."""
    sent = sum(row["sent"] for row in rows)
    return {"sent_count": sent} | {
        name: 100.0 * sum(row[key] for row in rows) / sent if sent else 0.0
        for name, key in _RATES
    }


class ChaserWhatsappTemplateVersion(models.Model):
    """The texts of a template as they were submitted to Meta. Never changed."""

    _name = "chaser.whatsapp.template.version"
    _description = "WhatsApp Template Version"
    _order = "template_id, number desc"

    template_id = fields.Many2one(
        "chaser.whatsapp.template",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one("res.company", readonly=True, index=True)
    number = fields.Integer(required=True, readonly=True, aggregator=None)
    content = fields.Json(required=True, readonly=True)
    checksum = fields.Char(required=True, readonly=True)
    submitted_at = fields.Datetime(readonly=True, default=fields.Datetime.now)
    submitted_by_id = fields.Many2one(
        "res.users", readonly=True, default=lambda self: self.env.user
    )
    body = fields.Text(compute="_compute_body")
    preview = fields.Html(compute="_compute_preview", sanitize=False)
    sent_count = fields.Integer("Sent", compute="_compute_figures")
    read_rate = fields.Float(
        "Read (%)",
        compute="_compute_figures",
        aggregator=None,
        help="Read on the phone, or opened by the button.",
    )
    reply_rate = fields.Float(
        "Answered (%)", compute="_compute_figures", aggregator=None
    )
    failed_rate = fields.Float(
        "Not Delivered (%)", compute="_compute_figures", aggregator=None
    )

    _number_uniq = models.UniqueIndex("(template_id, number)")

    @api.depends("template_id.name", "number")
    def _compute_display_name(self):
        for version in self:
            version.display_name = (
                f"{version.template_id.display_name} v{version.number}"
            )

    @api.depends("content")
    def _compute_body(self):
        for version in self:
            version.body = (version.content or {}).get("body", "")

    @api.depends("content")
    def _compute_preview(self):
        """As on a phone, with sample data."""
        for version in self:
            template = version.template_id
            data = template._get_sample_data()
            rendered = template._render_content(version.content, data)
            version.preview = template._draw_phone(rendered, data)

    def _compute_figures(self):
        rows = self.env["chaser.delivery"].sudo()._read("whatsapp_version_id", self.ids)
        for version in self:
            version.update(summarize([rows[version.id]] if version.id in rows else []))

    def action_use_again(self):
        """Its texts become the template's draft, which may then be submitted."""
        self.ensure_one()
        template, content = self.template_id, self.content
        template.write(
            {
                "category": content["category"],
                "header_kind": content["header_kind"],
                "header_text": content["header"] or False,
                "body": content["body"],
                "footer": content["footer"] or False,
                "button_text": content["button"] or False,
            }
        )
        for variable in template.variable_ids:
            variable.source = content["sources"].get(variable.name, variable.source)
        return {
            "type": "ir.actions.act_window",
            "res_model": template._name,
            "res_id": template.id,
            "view_mode": "form",
        }

    @api.model
    def _ensure_for(self, template, content):
        """The version with these texts; made when they differ from the last one's."""
        checksum = hashlib.sha256(
            json.dumps(content, sort_keys=True).encode()
        ).hexdigest()
        latest = self.sudo().search([("template_id", "=", template.id)], limit=1)
        if latest.checksum == checksum:
            return latest
        return self.sudo().create(
            {
                "template_id": template.id,
                "company_id": template.company_id.id,
                "number": latest.number + 1,
                "content": content,
                "checksum": checksum,
                "submitted_by_id": self.env.uid,
            }
        )
