from odoo import fields, models

from ..core.documents import pdf


class ResCompany(models.Model):
    _inherit = "res.company"

    chaser_attach_max_count = fields.Integer(
        "Attachments per Message", default=10, help="What is beyond stays a link. 0: no limit."
    )
    chaser_attach_max_mb = fields.Integer(
        "Size of Attachments (MB)", default=5, help="In all, per message. What is beyond stays a link. 0: no limit."
    )
    _chaser_attach_positive = models.Constraint(
        "CHECK(chaser_attach_max_count >= 0 AND chaser_attach_max_mb >= 0)", "A limit on attachments cannot be negative; 0 means no limit."
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    chaser_attach_max_count = fields.Integer(related="company_id.chaser_attach_max_count", readonly=False)
    chaser_attach_max_mb = fields.Integer(related="company_id.chaser_attach_max_mb", readonly=False)
    chaser_has_pdf_engine = fields.Boolean(compute="_compute_chaser_has_pdf_engine")

    def _compute_chaser_has_pdf_engine(self):
        self.chaser_has_pdf_engine = pdf.is_available()
