from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..core.checker import ERROR, WARNING, Finding, check_filled, check_message, check_texts
from ..core.render import languages
from ..core.template_language import TemplateProblem

_CHECKED_STATES = ("draft", "scheduled", "paused")


class ChaserCampaign(models.Model):
    """The checker on a campaign: the letters it will send, with the data of its largest message per level and language."""

    _name = "chaser.campaign"
    _inherit = ["chaser.campaign", "chaser.checker.mixin"]

    findings = fields.Json(compute="_compute_findings", help="What the checker says before the campaign is sent.")
    findings_note = fields.Char(compute="_compute_findings")

    @api.depends("state", "template_id", "campaign_type", "reminder_ids.state")
    @api.depends_context("lang")
    def _compute_findings(self):
        for campaign in self:
            campaign.findings, campaign.findings_note = False, False
            if campaign.state in _CHECKED_STATES and campaign._origin:
                campaign.findings, campaign.findings_note = campaign._origin._check_letters()

    def _check_letters(self):
        """Findings as plain values, and the sentence on what was looked at. The number of queries depends on the levels alone."""
        self.ensure_one()
        samples, total = self._read_samples()
        values, texts = [], {}
        for sample in samples:
            template = self._get_sample_template(sample["level_id"])
            if template not in texts:
                texts[template] = template._get_sources() if template else {}
                values += self._prepare_findings(self._check_sources(texts[template]), template)
            values += self._prepare_findings(self._check_sample(sample, texts[template]), template)
        note = self.env._(
            "Checked on %(checked)s of %(total)s messages: the largest of each level and language.", checked=len(samples), total=total)
        return self._unite_findings(values), note if samples else False

    @api.model
    def _unite_findings(self, values):
        """Each finding once, errors first."""
        once = {(one["code"], one["template"], one["place"], one["text"]): one for one in values}
        return sorted(once.values(), key=lambda one: one["severity"] != ERROR)

    def _read_samples(self):
        """Of each level and language the waiting reminder with most items, and how many reminders wait in all."""
        self.env["chaser.reminder"].flush_model(["campaign_id", "state", "level_id", "language", "partner_id"])
        self.env["chaser.reminder.line"].flush_model()
        rows = self.env.execute_query_dict(SQL(
            """SELECT DISTINCT ON (level_id, language) *, sum(1) OVER () AS total FROM (
                 SELECT r.id, r.level_id, r.language, r.partner_id, count(l.id) AS items, array_agg(l.move_line_id) AS line_ids
                   FROM chaser_reminder r LEFT JOIN chaser_reminder_line l ON l.reminder_id = r.id AND NOT l.is_credit AND l.dropped_code IS NULL
                  WHERE r.campaign_id = %s AND r.state IN ('draft', 'queued')
                  GROUP BY r.id) waiting
                ORDER BY level_id, language, items DESC, id""", self.id))
        return rows, int(rows[0]["total"]) if rows else 0

    def _get_sample_template(self, level_id):
        level = self.env["chaser.level"].browse(level_id or ())
        return self.template_id or self.env["chaser.template"]._get_for_level(level, self.company_id, self.campaign_type)

    def _check_sources(self, sources):
        if "en" not in sources:
            return [Finding("no_template", ERROR)]
        found = check_texts(sources["en"], sources.get("ar"), self.company_id.chaser_allow_sensitive)
        # That Arabic is missing matters only where a message of the campaign wants it: see _check_sample.
        return [one for one in found if one.code != "no_arabic"]

    def _check_sample(self, sample, sources):
        """One message with its own data: tags without a value, facts in one language alone, size."""
        if "en" not in sources:
            return []
        partner = self.env["res.partner"].browse(sample["partner_id"])
        Reminder = self.env["chaser.reminder"].with_company(self.company_id)
        data = Reminder._get_preview_data(partner, self.company_id, set(sample["line_ids"]))
        if not data:
            return []
        wanted = languages(sample["language"] or "en")
        found = [] if set(wanted) <= set(sources) else [Finding("no_arabic", WARNING, "ar")]
        level = self.env["chaser.level"].browse(sample["level_id"] or ())
        names = {lang: level.with_context(lang=code).name or "" for lang, code in (("en", "en_US"), ("ar", "ar_001"))}
        data = replace(data, level_name=names, unsubscribe_url=f"{self.get_base_url()}/chaser/u/sample")
        try:
            return [*found, *check_filled(sources, data, wanted), *check_message(sources, data, sample["language"] or "en")]
        except TemplateProblem as problem:
            return [Finding("template", ERROR, params={"problem": problem})]

    # -- in the way of sending

    def _check_templates(self):
        """Errors stop a campaign; the templates' own syntax was looked at first.

        :raises UserError: naming template, place and finding
        """
        result = super()._check_templates()
        for campaign in self:
            values, _note = campaign._check_letters()
            if any(one["severity"] == ERROR for one in values):
                raise UserError(self.env._(
                    "Campaign “%(name)s” cannot be sent as long as this is open:\n%(findings)s",
                    name=campaign.name, findings=self._format_findings(values)))
        return result

    def action_confirm_send(self):
        """Send, after asking where the checker has warnings. Programs call ``action_send``, which does not ask."""
        return self._ask_or_do("action_send")

    def action_confirm_schedule(self):
        return self._ask_or_do("action_schedule")

    def _ask_or_do(self, method, then=None):
        """The method at once, or a question with the warnings first; ``then``: an action to go on with, whatever the answer."""
        self.ensure_one()
        self.check_access("write")
        values, note = self._check_letters()
        warnings = self._format_findings(values, WARNING)
        if warnings and not any(one["severity"] == ERROR for one in values):
            return {
                "type": "ir.actions.client", "tag": "chaser_ask",
                "params": {
                    "title": self.env._("Send all the same?"), "body": "\n\n".join(filter(None, (warnings, note))),
                    "model": self._name, "id": self.id, "method": method, "next": then or False,
                },
            }
        result = getattr(self, method)()
        return then or result
