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

    whatsapp_utility_stop = fields.Char(
        "Utility Templates Stopped",
        readonly=True,
        copy=False,
        tracking=True,
        help="Meta's words. It limits utility templates when it takes some of them for "
        "advertising; the number itself goes on.",
    )
    whatsapp_utility_until = fields.Datetime(
        "Stopped Until", readonly=True, copy=False, help="Where Meta says so."
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

    # -- utility templates, which Meta may stop apart from number and account

    def _get_whatsapp_siblings(self):
        """The numbers of the same WhatsApp Business account, whose templates they
        share."""
        self.ensure_one()
        return self.search(
            [
                ("kind", "=", "whatsapp"),
                ("company_id", "=", self.company_id.id),
                ("whatsapp_waba_id", "=", self.whatsapp_waba_id),
            ]
        )

    def _is_whatsapp_utility_stopped(self):
        self.ensure_one()
        if not self.whatsapp_utility_stop:
            return False
        until = self.whatsapp_utility_until
        return not until or until > fields.Datetime.now()

    def _stop_whatsapp_utility(self, words, end=None):
        """No utility template leaves until Meta or a manager allows it; a template that
        a manager has allowed as marketing does. ``end``: until when (UTC), where Meta
        says so."""
        self.ensure_one()
        if self._is_whatsapp_utility_stopped() and self.whatsapp_utility_stop == words:
            return
        self._get_whatsapp_siblings()._by_program().write(
            {"whatsapp_utility_stop": words, "whatsapp_utility_until": end}
        )
        self._tell_manager(
            lambda one: one.env._("Utility templates stopped"),
            lambda one: one._get_reason_text(
                "whatsapp_utility_misuse", {"detail": words}
            ),
        )

    def _lift_whatsapp_utility(self):
        self._get_whatsapp_siblings()._by_program().write(
            {"whatsapp_utility_stop": False, "whatsapp_utility_until": False}
        )

    def action_whatsapp_allow_utility(self):
        """A manager has looked into it at Meta."""
        self.check_access("write")
        for provider in self:
            provider._lift_whatsapp_utility()
