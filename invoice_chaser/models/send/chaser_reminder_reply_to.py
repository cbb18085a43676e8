from dataclasses import replace

from odoo import models


class ChaserProvider(models.Model):
    _inherit = "chaser.provider"

    def _prepare_run_settings(self):
        company = self.company_id
        domain = company.alias_domain_id.name if company.chaser_reply_token and not self.reply_to else ""
        return super()._prepare_run_settings() | {"reply_token_domain": domain or ""}


class ChaserReminder(models.Model):
    _inherit = "chaser.reminder"

    def _prepare_message(self, job, level):
        """Where the company wants it, answers go to an address that names the reminder, for mail programs that lose the references."""
        message, domain = super()._prepare_message(job, level), job.run.settings.get("reply_token_domain")
        return replace(message, reply_to=f"chaser+{job.row['token']}@{domain}") if domain and not job.row["reply_to"] else message
