from odoo import api, fields, models


class ChaserProvider(models.Model):
    _inherit = "chaser.provider"  # pylint: disable=consider-merging-classes-inherited  # the templates of an account

    whatsapp_template_ids = fields.One2many(
        "chaser.whatsapp.template", "provider_id", "WhatsApp Templates"
    )
    whatsapp_template_count = fields.Integer(
        "Templates", compute="_compute_whatsapp_template_count"
    )
    whatsapp_approved_count = fields.Integer(
        "Approved", compute="_compute_whatsapp_template_count"
    )

    @api.depends("whatsapp_template_ids.state")
    def _compute_whatsapp_template_count(self):
        for provider in self:
            templates = provider.whatsapp_template_ids
            provider.whatsapp_template_count = len(templates)
            provider.whatsapp_approved_count = len(
                templates.filtered(lambda one: one.state == "approved")
            )

    def action_whatsapp_templates(self):
        """The account's templates; those that come with the addon are made at the first
        look."""
        self.ensure_one()
        Template = self.env["chaser.whatsapp.template"]
        known = Template.with_context(active_test=False).search_count(
            [("provider_id", "=", self.id)], limit=1
        )
        if not known and Template.has_access("create"):
            Template._create_shipped(self)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("WhatsApp Templates"),
            "res_model": "chaser.whatsapp.template",
            "view_mode": "list,form",
            "domain": [("provider_id", "=", self.id)],
            "context": {"default_provider_id": self.id},
        }

    def action_whatsapp_add_shipped(self):
        """Add the templates that come with the addon and are missing."""
        self.ensure_one()
        self.env["chaser.whatsapp.template"]._create_shipped(self)
        return self.action_whatsapp_templates()

    def action_whatsapp_sync_templates(self):
        """Ask Meta for the state of the account's templates."""
        self.ensure_one()
        self.env["chaser.whatsapp.template"].check_access("write")
        self.env["chaser.whatsapp.template"]._sync(self)
        return self.action_whatsapp_templates()
