from dataclasses import replace
from datetime import datetime, time

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import email_normalize

from ...core.letter import render
from ...core.letter.checker import ERROR, check_letter
from ...core.letter.merge_tags import REQUIRED_TAGS
from ...core.letter.sample import mark_as_sample, sample_data
from ...core.letter.template_language import TemplateProblem, find_problems
from ...core.mail.errors import TransportError
from ...core.mail.message import OutgoingMessage

LANGUAGES = ("en", "ar", "both")


class ChaserTemplatePreviewMixin(models.AbstractModel):
    """A template as a customer would read it, with sample data or a customer's own, the
    way to one's own mailbox, and what the checker says about it."""

    _name = "chaser.template.preview.mixin"
    _description = "Preview and Checks of a Template"
    _inherit = ["chaser.checker.mixin"]

    preview_partner_id = fields.Many2one(
        "res.partner",
        "Preview with",
        store=False,
        help="A customer with open invoices; empty: sample data.",
    )
    preview = fields.Json(
        compute="_compute_preview",
        help="Per language: subject, html, text and headers; or a note why there is "
        "none.",
    )

    @api.depends(
        "subject",
        "body_html",
        "other_subject",
        "other_body_html",
        "preview_partner_id",
        "company_id",
    )
    @api.depends_context("lang", "company", "uid")
    def _compute_preview(self):
        for template in self:
            data, note = template._get_preview_data(template.preview_partner_id)
            sources = template._get_edited_sources()
            template.preview = {
                "note": note,
                "partner_id": template.preview_partner_id.id,
                "languages": {
                    lang: template._render_preview(data, sources, lang)
                    for lang in LANGUAGES
                },
            }

    def _render_preview(self, data, sources, language):
        """The message in one of the languages as plain values, or ``{"note": …}``."""
        langs = render.languages(language)
        if any(lang not in sources for lang in langs):
            return {
                "note": self.env._(
                    "There is no Arabic text. Load the Arabic language in the "
                    "settings, then translate the template."
                )
            }
        try:
            rendered = render.compose(
                data, {lang: sources[lang] for lang in langs}, language
            )
        except TemplateProblem as problem:
            return {"note": self._describe_problem(problem)}
        message = self._prepare_preview_message(data, rendered)
        return {
            "subject": rendered.subject,
            "html": rendered.html,
            "text": rendered.text,
            "headers": self._get_header_lines(message),
        }

    def _get_header_lines(self, message):
        """The headers as a reader's program understands them, in their order."""
        return [
            [name, str(value)]
            for name, value in message.to_email().items()
            if not name.lower().startswith(("mime-", "content-t"))
        ]

    def _prepare_preview_message(self, data, rendered):
        """As the sender would make it; addresses that are not known yet are the user's
        own."""
        company = self.company_id or self.env.company
        provider = self.env["chaser.provider"]._get_default(company)
        own = email_normalize(self.env.user.email or "") or "me@example.com"
        sender = email_normalize(provider.email or company.email or "") or own
        emails = self.preview_partner_id._get_chaser_emails()
        to = next((email for found in emails.values() for email in found), own)
        return OutgoingMessage(
            message_id=f"<sample@{sender.partition('@')[2]}>",
            date=datetime.combine(data.today, time(9)),
            sender=sender,
            sender_name=provider.sender_name or company.name or "",
            recipients=(to,),
            subject=rendered.subject,
            html=rendered.html,
            text=rendered.text,
            reply_to=email_normalize(provider.reply_to or "") or "",
            headers=self.env["chaser.channel.email"]._prepare_headers(
                data.unsubscribe_url, rendered.langs
            ),
        )

    def _get_edited_sources(self):
        """Sources with what is being typed in the form put in place of what is
        stored."""
        self.ensure_one()
        key, other = (
            ("ar", "en") if (self.env.lang or "").startswith("ar") else ("en", "ar")
        )
        sources = self._origin._get_sources() if self._origin else {}
        sources[key] = (self.subject or "", str(self.body_html or ""))
        if self.other_subject and self.other_body_html:
            sources[other] = (self.other_subject, str(self.other_body_html))
        else:
            sources.pop(other, None)
        return sources

    def _get_preview_data(self, partner, fill=True):
        """Message data and a note: a customer's own open items as of today, or samples
        where there is no customer or nothing open."""
        company = self.company_id or self.env.company
        partner = partner.commercial_partner_id
        if partner:
            data = (
                self.env["chaser.composer"]
                .with_company(company)
                ._get_preview_data(partner, company)
            )
            if data:
                names = self._get_level_names()
                return replace(
                    data,
                    level_name=names,
                    unsubscribe_url=f"{self.get_base_url()}/chaser/u/sample",
                ), False
        note = (
            self.env._("%s has nothing overdue: this is sample data.", partner.name)
            if partner
            else False
        )
        levels = self._get_level_names()
        currency = company.currency_id
        return sample_data(
            company._get_chaser_today(),
            self.env["chaser.composer"]._get_company_data(company),
            levels,
            self.get_base_url(),
            currency.name,
            currency.decimal_places,
            fill,
        ), note

    def _get_level_names(self):
        return {
            lang: self._get_level_name(code)
            for lang, code in self.env["res.lang"]._get_chaser_codes().items()
        }

    def _get_level_name(self, lang):
        level = self.level_id or self.env["chaser.level"].search(
            [("template_id", "=", self._origin.id)], limit=1
        )
        return (
            level.with_context(lang=lang).name
            if level
            else self.with_context(lang=lang).name
        ) or ""

    # -- send me this

    def action_send_me(self, partner_id=False, language="en"):
        """Send the message to the user's own address: marked as a sample, not tracked,
        no reminder recorded.

        :param int partner_id: a customer whose open items fill it; nothing: sample data
        :param str language: ``en``, ``ar`` or ``both``
        :raises UserError: without an address, a mailbox or a usable text
        """
        self.ensure_one()
        self.check_access("read")
        address = email_normalize(self.env.user.email or "")
        if not address:
            raise UserError(self.env._("Your own user has no e-mail address."))
        partner = self.env["res.partner"].browse(partner_id or 0).exists()
        partner.check_access("read")
        data, _note = self._get_preview_data(partner)
        message = self._make_sample_message(
            replace(data, unsubscribe_url="", pixel_url=""), language, address
        )
        return self._send_sample_message(message)

    def _make_sample_message(self, data, language, address):
        sources = self._get_sources()
        langs = render.languages(language if language in LANGUAGES else "en")
        if any(lang not in sources for lang in langs):
            raise UserError(
                self.env._(
                    "There is no Arabic text. Load the Arabic language in the "
                    "settings, then translate the template."
                )
            )
        try:
            rendered = render.compose(data, sources, language)
        except TemplateProblem as problem:
            raise UserError(self._describe_problem(problem)) from None
        rendered = mark_as_sample(
            rendered,
            self.env._("Sample"),
            self.env._(
                "Sample of “%s”, sent to yourself. No customer has received it.",
                self.name,
            ),
        )
        message = self._prepare_preview_message(data, rendered)
        return replace(
            message,
            message_id=self.env["chaser.provider"]._make_message_id(message.sender),
            date=None,
            recipients=(address,),
            headers={
                "Auto-Submitted": "auto-generated",
                "Content-Language": ", ".join(rendered.langs),
            },
        )

    def _send_sample_message(self, message):
        company = self.company_id or self.env.company
        provider = self.env["chaser.provider"]._get_default(company)
        if provider.state != "connected":
            raise UserError(
                self.env._("%s has no connected mailbox to send from.", company.name)
            )
        try:
            with provider.sudo()._get_transport__() as transport:
                transport.send(message)
        except TransportError as error:
            raise UserError(
                self.env._(
                    "The mailbox “%(name)s” did not take it: %(error)s",
                    name=provider.name,
                    error=error,
                )
            ) from error
        return provider._notify(
            self.env._("Sample sent"), message.recipients[0], "success"
        )

    # -- What the checker says: shown on the form, and in the way of making a default

    findings = fields.Json(
        compute="_compute_findings",
        help="What the checker says about the texts as they stand in the form.",
    )

    @api.depends(
        "subject",
        "body_html",
        "other_subject",
        "other_body_html",
        "category",
        "company_id",
        "level_id",
    )
    @api.depends_context("lang", "company")
    def _compute_findings(self):
        for template in self:
            template.findings = template._prepare_findings(
                template._check_letter(template._get_edited_sources())
            )

    def _check_letter(self, sources):
        company = self.company_id or self.env.company
        data, _note = self._get_preview_data(self.env["res.partner"], fill=False)
        return check_letter(sources, data, company.chaser_allow_sensitive)

    @api.constrains("is_default", "active")
    def _check_default(self):
        """A default is sent without anybody looking at it, so it must have no
        errors."""
        self.filtered(
            lambda template: template.is_default and template.active
        )._refuse_errors()

    @api.constrains("subject", "body_html")
    def _check_default_texts(self):
        """A default's text must be fit to be sent. That its languages differ does not
        stop the saving, for they are saved one after the other; it is shown, and stops
        a campaign."""
        self._refuse_sensitive_default()

    def _refuse_sensitive_default(self, edited=None):
        defaults = self.filtered(
            lambda template: template.is_default and template.active
        )
        defaults._refuse_errors(lambda one: not one.code.endswith("_differs"), edited)

    def _refuse_errors(self, counts=lambda _finding: True, edited=None):
        """:param dict edited: texts by message language that stand in place of the
        stored ones"""
        for template in self:
            # What cannot be read at all is reported by _check_texts, with its line.
            found = [
                one
                for one in template._check_letter(
                    template._get_sources() | (edited or {})
                )
                if one.code != "template" and counts(one)
            ]
            values = self._prepare_findings(found, template)
            if any(one["severity"] == ERROR for one in values):
                raise ValidationError(
                    self.env._(
                        "“%(name)s” cannot be a default as long as this is "
                        "open:\n%(findings)s",
                        name=template.name,
                        findings=self._format_findings(values),
                    )
                )

    # -- check when saved

    @api.constrains("subject", "body_html", "category")
    def _check_texts(self):
        """Every language is checked, whichever one was written.

        :raises ValidationError: naming template, language, line, tag and the nearest
        valid name
        """
        self.env["chaser.template"].flush_model(["subject", "body_html"])
        self._refuse_problems(
            [
                sentence
                for template in self
                for sentence in template._find_text_problems(*template._read_texts())
            ]
        )

    @api.model
    def _refuse_problems(self, sentences):
        if sentences:
            raise ValidationError("\n".join(sentences))

    def _find_text_problems(self, subjects, bodies):
        """Sentences about what is wrong in subjects and bodies, given by Odoo's
        language code."""
        required = REQUIRED_TAGS[self.category]
        problems = [
            (code, self.env._("subject"), problem)
            for code, text in subjects.items()
            for problem in find_problems(text or "", is_html=False)
        ]
        problems += [
            (code, self.env._("text"), problem)
            for code, text in bodies.items()
            for problem in find_problems(text or "", required)
        ]
        return [
            self.env._(
                "Template “%(name)s” (%(lang)s, %(place)s): %(problem)s",
                name=self.name,
                problem=self._describe_problem(problem),
                place=place,
                lang=self.env["res.lang"]._get_data(code=code).name or code,
            )
            for code, place, problem in problems
        ]
