from odoo import api, fields, models

from ...core.letter.render import Rendered, languages
from ...core.plan.gates import Skip
from ...core.status.tracking import new_token


class ChaserCampaign(models.Model):
    _inherit = "chaser.campaign"

    is_copies = fields.Boolean("Copies on Request", readonly=True, copy=False, help="Takes the copies that customers ask for on their page.")

    @api.model
    def _get_copy_campaign(self, reminder):
        """The running collection of copies of a company and mailbox; the mailbox that wrote, else the company's. As superuser."""
        provider = reminder.provider_id
        if provider.state != "connected" or not provider.active:
            provider = self.env["chaser.provider"]._get_default(reminder.company_id)
        campaign = self.search([
            ("is_copies", "=", True), ("company_id", "=", reminder.company_id.id), ("provider_id", "=", provider.id),
            ("state", "in", ("sending", "paused", "completed", "failed"))], limit=1)
        campaign = campaign or self.create({
            "name": self.env._("Copies on request"), "is_copies": True, "company_id": reminder.company_id.id, "provider_id": provider.id,
            "user_id": reminder.campaign_id.user_id.id, "tz": reminder.company_id._get_chaser_tz(),
        })
        if campaign.state not in ("paused", "sending"):
            campaign.write({"state": "sending", "completed_at": False, "started_at": campaign.started_at or fields.Datetime.now()})
        return campaign


class ChaserReminder(models.Model):
    """A copy that the customer asked for passes the same steps and limits, but what only spares him (interval, pause, promise) does not
    stop it: he wants it. What is paid, and a stopped address, do."""

    _inherit = "chaser.reminder"

    purpose = fields.Selection(selection_add=[("copy", "Copy on Request")], ondelete={"copy": "cascade"})
    copy_of_id = fields.Many2one("chaser.reminder", readonly=True, index="btree_not_null", ondelete="cascade")

    @api.model
    def _new_token(self):
        return new_token()

    def _get_drop_reason(self, row, job):
        code, params = super()._get_drop_reason(row, job)
        if job.row["purpose"] == "copy" and code not in ("paid", "not_open"):
            return None, None
        return code, params

    def _step_gates(self, job):
        if job.row["purpose"] != "copy":
            return super()._step_gates(job)
        if not job.facts["recipients"]:
            return self._get_stopped_skip(job.facts) if job.facts["addresses"] else Skip("no_email")
        return self._get_domain_stop(job)

    def _step_render(self, job):
        """Word for word while the balances are those of the message; else written anew, like any other."""
        stop = super()._step_render(job)
        original = self.browse(job.row["copy_of_id"] or 0)
        if stop or not original or not original.body_html or not self._says_the_same(job, original):
            return stop
        job.rendered = Rendered(
            original.subject or "", original.body_html, original.body_text or "", (), languages(original.language or "en"))
        job.version_id = original.template_version_id.id
        level = job.run.get(("level", job.row["level_id"]), lambda: self._prepare_level_values(job.row["level_id"]))
        job.message = self._prepare_message(job, level)
        return None

    def _says_the_same(self, job, original):
        then = {line.move_line_id.id: line.amount_residual for line in original._get_page_lines()}
        return then == {row["id"]: float(row["residual"]) for row in job.items + job.credits}

    def _get_copies(self, job, level):
        """A copy goes to the addresses of the message alone."""
        return [] if job.row["purpose"] == "copy" else super()._get_copies(job, level)
