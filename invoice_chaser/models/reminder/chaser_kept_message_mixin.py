from odoo import api, fields, models
from odoo.fields import Domain

from ...core.match.reference import find_references, normalize_reference


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

    payment_reference = fields.Char(
        readonly=True,
        copy=False,
        search="_search_payment_reference",
        help="Stands for exactly the items of this message; a bank line that quotes it "
        "is found.",
    )

    def _search_payment_reference(self, operator, value):
        """Also of what is typed from a letter or the phone: with blanks or dashes, in
        Arabic digits, in small letters, with words around it, or a part of it. What is
        written as it is stored comes back unchanged, and is searched as such."""
        if operator == "in":
            typed = [one and normalize_reference(one) for one in value]
            return Domain("payment_reference", "in", typed)
        if operator in ("ilike", "like") and isinstance(value, str):
            numbers = find_references(value)
            if numbers:
                return Domain("id", "in", numbers) & Domain(
                    "payment_reference", "!=", False
                )
            # An empty text finds whatever has a reference, as everywhere.
            return Domain("payment_reference", operator, normalize_reference(value))
        if operator in ("=like", "=ilike", "any", "any!", "<", "<=", ">", ">="):
            return Domain("payment_reference", operator, value)
        return NotImplemented

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
