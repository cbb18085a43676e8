from dataclasses import replace
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...core.letter.checker import (
    ERROR,
    WARNING,
    Finding,
    check_filled,
    check_message,
    check_texts,
)
from ...core.letter.render import languages
from ...core.letter.template_language import REQUIRED_TAGS, TemplateProblem, check

_CHECKED_STATES = ("draft", "scheduled", "paused")
# Whoever was written to about the same items within this time is asked about first.
_RECENT = timedelta(hours=1)
_NAMED = 5


class ChaserCampaignLettersMixin(models.AbstractModel):
    """The letters that a campaign will send: what the checker says about them, with the
    data of its largest message per level and language."""

    _name = "chaser.campaign.letters.mixin"
    _description = "Checks of a Campaign's Letters"
    _inherit = ["chaser.checker.mixin"]

    findings = fields.Json(
        compute="_compute_findings",
        help="What the checker says before the campaign is sent.",
    )
    findings_note = fields.Char(compute="_compute_findings")

    @api.depends("state", "template_id", "campaign_type", "reminder_ids.state")
    @api.depends_context("lang")
    def _compute_findings(self):
        for campaign in self:
            campaign.findings, campaign.findings_note = False, False
            if campaign.state in _CHECKED_STATES and campaign._origin:
                campaign.findings, campaign.findings_note = (
                    campaign._origin._check_letters()
                )

    def _check_letters(self):
        """Findings as plain values, and the sentence on what was looked at. The number
        of queries depends on the levels alone."""
        self.ensure_one()
        samples, total = self._read_samples()
        templates = {
            level_id: self._get_sample_template(level_id)
            for level_id in {sample["level_id"] for sample in samples}
        }
        composer, Partner = (
            self.env["chaser.composer"].with_company(self.company_id),
            self.env["res.partner"],
        )
        partners = Partner.browse(sample["partner_id"] for sample in samples)
        previews = (
            composer._get_previews(
                [
                    (partner, set(sample["line_ids"]), None)
                    for partner, sample in zip(partners, samples, strict=True)
                ],
                self.company_id,
            )
            if samples
            else []
        )
        values, texts = [], {}
        for sample, data in zip(samples, previews, strict=True):
            template = templates[sample["level_id"]]
            if template not in texts:
                texts[template] = template._get_sources() if template else {}
                values += self._prepare_findings(
                    self._check_sources(texts[template]), template
                )
            values += self._prepare_findings(
                self._check_sample(sample, data, texts[template]), template
            )
        note = self.env._(
            "Checked on %(checked)s of %(total)s messages: the largest of each level "
            "and language.",
            checked=len(samples),
            total=total,
        )
        return self._unite_findings(values), note if samples else False

    @api.model
    def _unite_findings(self, values):
        """Each finding once, errors first."""
        once = {
            (one["code"], one["template"], one["place"], one["text"]): one
            for one in values
        }
        return sorted(once.values(), key=lambda one: one["severity"] != ERROR)

    def _read_samples(self):
        """Of each level and language the waiting reminder with most items, and how many
        reminders wait in all."""
        self.env["chaser.reminder"].flush_model(
            ["campaign_id", "state", "level_id", "language", "partner_id"]
        )
        self.env["chaser.reminder.line"].flush_model()
        waiting = self.env.execute_query_dict(
            SQL(
                "SELECT id, level_id, language, partner_id FROM chaser_reminder WHERE "
                "campaign_id = %s AND state IN ('draft', 'queued') ORDER BY id",
                self.id,
            )
        )
        # By their ids and not by a join: the lines have just been written, PostgreSQL
        # does not know yet how many they are, and a join that it plans for a few took
        # half a minute for 20,000.
        counts = dict(
            self.env.execute_query(
                SQL(
                    "SELECT reminder_id, count(*) %s GROUP BY reminder_id",
                    self._get_live_lines_sql(row["id"] for row in waiting),
                )
            )
        )
        largest = {}
        for row in sorted(
            waiting, key=lambda row: (-counts.get(row["id"], 0), row["id"])
        ):
            largest.setdefault((row["level_id"] or 0, row["language"] or ""), row)
        samples = [largest[key] for key in sorted(largest)]
        line_ids = dict(
            self.env.execute_query(
                SQL(
                    "SELECT reminder_id, array_agg(move_line_id) %s GROUP BY "
                    "reminder_id",
                    self._get_live_lines_sql(row["id"] for row in samples),
                )
            )
        )
        return [
            row
            | {
                "items": counts.get(row["id"], 0),
                "line_ids": line_ids.get(row["id"], ()),
            }
            for row in samples
        ], len(waiting)

    @api.model
    def _get_live_lines_sql(self, reminder_ids):
        return SQL(
            "FROM chaser_reminder_line WHERE reminder_id = ANY(%s) AND NOT is_credit "
            "AND dropped_code IS NULL",
            list(reminder_ids),
        )

    def _get_sample_template(self, level_id):
        level = self.env["chaser.level"].browse(level_id or ())
        return self.template_id or self.env["chaser.template"]._get_for_level(
            level, self.company_id, self.campaign_type
        )

    def _check_sources(self, sources):
        if "en" not in sources:
            return [Finding("no_template", ERROR)]
        found = check_texts(
            sources["en"], sources.get("ar"), self.company_id.chaser_allow_sensitive
        )
        # That Arabic is missing matters only where a message of the campaign wants it:
        # see _check_sample.
        return [one for one in found if one.code != "no_arabic"]

    def _check_sample(self, sample, data, sources):
        """One message with its own data: tags without a value, facts in one language
        alone, size."""
        if "en" not in sources or not data:
            return []
        wanted = languages(sample["language"] or "en")
        found = (
            [] if set(wanted) <= set(sources) else [Finding("no_arabic", WARNING, "ar")]
        )
        level = self.env["chaser.level"].browse(sample["level_id"] or ())
        names = {
            lang: level.with_context(lang=code).name or ""
            for lang, code in self.env["res.lang"]._get_chaser_codes().items()
        }
        data = replace(
            data,
            level_name=names,
            unsubscribe_url=f"{self.get_base_url()}/chaser/u/sample",
        )
        try:
            return [
                *found,
                *check_filled(sources, data, wanted),
                *check_message(sources, data, sample["language"] or "en"),
            ]
        except TemplateProblem as problem:
            return [Finding("template", ERROR, params={"problem": problem})]

    # -- in the way of sending

    def _check_templates(self):
        for template in self._get_templates():
            try:
                for subject, body in template._get_sources().values():
                    check(subject, is_html=False)
                    check(body, REQUIRED_TAGS[template.category])
            except TemplateProblem as problem:
                raise UserError(
                    self.env._(
                        "Template “%(name)s”: %(problem)s",
                        name=template.name,
                        problem=template._describe_problem(problem),
                    )
                ) from None
        self._check_findings()

    def _get_templates(self):
        Template = self.env["chaser.template"]
        levels = Template.env["chaser.level"].union(
            *(
                level
                for (level,) in self.env["chaser.reminder"]._read_group(
                    [("campaign_id", "in", self.ids)], ["level_id"]
                )
            )
        )
        chosen = [
            Template._get_for_level(level, self.company_id, self.campaign_type)
            for level in levels or [levels]
        ]
        found = self.template_id or Template.union(*chosen) | levels.trial_template_id
        return found.union(
            *(
                Template._find_fitting(template, self.company_id)
                for template in found
                if template.item_fit != "any"
            )
        )

    def _check_findings(self):
        """Errors of the checker stop a campaign; the templates' own syntax was looked
        at first.

        :raises UserError: naming template, place and finding
        """
        for campaign in self:
            values, _note = campaign._check_letters()
            if any(one["severity"] == ERROR for one in values):
                raise UserError(
                    self.env._(
                        "Campaign “%(name)s” cannot be sent as long as this is "
                        "open:\n%(findings)s",
                        name=campaign.name,
                        findings=self._format_findings(values),
                    )
                )

    def action_confirm_send(self):
        """Send, after asking where the checker has warnings. Programs call
        ``action_send``, which does not ask."""
        return self._ask_or_do("action_send")

    def action_confirm_schedule(self):
        return self._ask_or_do("action_schedule")

    def _ask_or_do(self, method, then=None):
        """The method at once, or first a question: with the checker's warnings, and
        where customers were written to about the same items a short while ago.

        :param then: an action to go on with, whatever is decided
        :raises RedirectWarning: where a mailbox is missing and the user may set one up
        :raises UserError: where somebody else has to
        """
        self.ensure_one()
        self.check_access("write")
        self._lead_to_mailbox()
        values, note = self._check_letters()
        questions = [self._describe_recent(method)]
        if warnings := self._format_findings(values, WARNING):
            questions += [warnings, note]
        if any(questions) and not any(one["severity"] == ERROR for one in values):
            return {
                "type": "ir.actions.client",
                "tag": "chaser_ask",
                "params": {
                    "title": self.env._("Send all the same?"),
                    "body": "\n\n".join(filter(None, questions)),
                    "model": self._name,
                    "id": self.id,
                    "method": method,
                    "next": then or False,
                },
            }
        result = getattr(self, method)()
        return then or result

    def _lead_to_mailbox(self):
        try:
            self._ensure_mailboxes()
        except UserError as error:
            raise self.env["chaser.provider"]._explain_missing(
                self.company_id, self.provider_id, str(error)
            ) from None

    def _describe_recent(self, method):
        """Which customers were written to about the same items within the hour before
        this campaign leaves; the days between two reminders do not matter here."""
        self.env.flush_all()
        moment = self.scheduled_at if method == "action_schedule" else None
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT r.partner_id FROM chaser_reminder r
                     JOIN chaser_reminder_line l ON l.reminder_id = r.id
                     JOIN chaser_reminder_line o ON o.move_line_id = l.move_line_id
                     JOIN chaser_reminder s ON s.id = o.reminder_id AND s.id <> r.id
                    WHERE r.campaign_id = %s AND r.state IN ('draft', 'queued')
                      AND l.dropped_code IS NULL AND l.is_credit IS NOT TRUE
                      AND o.dropped_code IS NULL AND s.purpose = 'reminder'
                      AND s.state = 'sent' AND s.sent_at > %s""",
                self.id,
                (moment or fields.Datetime.now()) - _RECENT,
            )
        )
        if not rows:
            return ""
        partners = self.env["res.partner"].browse(row[0] for row in rows)
        return self.env._(
            "Within the last hour %(count)s of these customers were written to about "
            "the same invoices: %(names)s.",
            count=len(partners),
            names=", ".join(partners[:_NAMED].mapped("display_name"))
            + (" …" if len(partners) > _NAMED else ""),
        )
