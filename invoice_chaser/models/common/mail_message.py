from odoo import api, fields, models

# In the context: the company whose dealings with a customer are noted.
COMPANY_KEY = "chaser_note_company_id"


class ChaserDealingMixin(models.AbstractModel):
    """Notes and tasks about one company's dealings with a customer whom several
    companies share are for those who work with Invoice Chaser in that company: a record
    rule on each of the two models hides what has a company here."""

    _name = "chaser.dealing.mixin"
    _description = "Is About One Company's Dealings"

    chaser_company_id = fields.Many2one(
        "res.company",
        "Dealings of",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="cascade",
    )

    @api.model_create_multi
    def create(self, vals_list):
        company_id = self.env.context.get(COMPANY_KEY)
        if isinstance(company_id, int) and company_id:
            for vals in vals_list:
                if vals.get("model", "res.partner") == "res.partner":
                    vals.setdefault("chaser_company_id", company_id)
        return super().create(vals_list)


class MailMessage(models.Model):
    _name = "mail.message"
    _inherit = ["mail.message", "chaser.dealing.mixin"]


class MailActivity(models.Model):
    _name = "mail.activity"
    _inherit = ["mail.activity", "chaser.dealing.mixin"]

    def _action_done(self, feedback=False, attachment_ids=None):
        """What is written down about a task is as much about the company's dealings as
        the task itself."""
        messages, others = self.env["mail.message"], self.env["mail.activity"]
        for company, activities in self.grouped("chaser_company_id").items():
            if company:
                activities = activities.with_context(**{COMPANY_KEY: company.id})
            told, after = super(MailActivity, activities)._action_done(
                feedback=feedback, attachment_ids=attachment_ids
            )
            messages |= told
            others |= after
        return messages, others
