from odoo import api, fields, models


class ChaserKeptMessageMixin(models.AbstractModel):
    """A message as it was sent: what was written, from what, and where its links
    lead."""

    _name = "chaser.kept.message.mixin"
    _description = "Message As It Was Sent"

    subject = fields.Char(readonly=True)
    body_html = fields.Html(
        "Message",
        readonly=True,
        sanitize=False,
        help="The message as it was sent, without the secret part of its links.",
    )
    body_text = fields.Text("Message as Text", readonly=True)
    text_values = fields.Json(
        "Values of the Text",
        readonly=True,
        help="What the merge tags stood for when it was written, by language.",
    )
    text_values_note = fields.Text("Values", compute="_compute_text_values_note")
    link_targets = fields.Json(
        readonly=True,
        groups=fields.NO_ACCESS,
        help="Where the links of the message lead, by position.",
    )

    @api.depends("text_values")
    def _compute_text_values_note(self):
        for reminder in self:
            reminder.text_values_note = (
                "\n\n".join(
                    "\n".join(
                        f"{{{{ {name} }}}}  {value}"
                        for name, value in sorted(values.items())
                    )
                    for values in (reminder.text_values or {}).values()
                )
                or False
            )
