from odoo import api, fields, models


class ChaserTemplate(models.Model):
    """What goes with the messages of a template."""

    _inherit = "chaser.template"

    attach_invoices = fields.Selection(
        [("none", "No"), ("link", "As Links"), ("pdf", "As PDF")], "Invoices", default="link", required=True, tracking=True,
        help="As links: each invoice number leads to the invoice. As PDF: the invoices are attached too, up to the company's limits.",
    )
    attach_statement = fields.Selection(
        [("none", "No"), ("pdf", "As PDF"), ("xlsx", "As Spreadsheet")], "Statement of Account", default="none", required=True, tracking=True,
        help="Everything that is open on the customer's account, not only what is overdue.",
    )
    attach_letter = fields.Boolean("Formal Letter", tracking=True, help="A letter on the company's letterhead, as PDF, with the same figures.")
    letter_template_id = fields.Many2one(
        "chaser.template", "Text of the Letter", check_company=True, domain="[('category', '=', 'system')]", ondelete="restrict",
        index="btree_not_null", help="Empty: the shipped letter.",
    )

    def _get_document_options(self, company):
        """What the messages of this template need, as plain values; ``letter``: texts of the letter by language."""
        self.ensure_one()
        return {
            "invoices": self.attach_invoices, "statement": self.attach_statement, "letter": self._get_letter_sources() if self.attach_letter else {},
            "max_count": company.chaser_attach_max_count, "max_bytes": company.chaser_attach_max_mb * 1_000_000,
            "makes": self.attach_invoices == "pdf" or self.attach_statement != "none" or self.attach_letter,
        }

    @api.model
    def _get_no_document_options(self):
        """For a message without a template of its own."""
        return {"invoices": "link", "statement": "none", "letter": {}, "max_count": 0, "max_bytes": 0, "makes": False}

    def _get_letter_sources(self):
        letter = self.letter_template_id or self.env.ref("invoice_chaser.chaser_template_letter", raise_if_not_found=False)
        return letter._get_sources() if letter else {}
