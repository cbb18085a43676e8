from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.invoice_chaser.core.letter.merge_tags import (
    AMOUNT,
    DATE,
    NUMBER,
    REFERENCE,
    TAGS,
    TEXT,
)
from odoo.addons.invoice_chaser.core.letter.wording import find_wording

from ...core import shipped
from ...core.template_rules import LANGUAGES, VARIABLE, Draft, find_refusals

# What only a message by WhatsApp has: phrases with their plural, and a name with the
# words of respect that Arabic wants.
OWN_SOURCES = ("addressee", "invoice_items", "overdue_days")
# Account numbers do not belong into a chat (Meta's policy); links are the button's.
_NO_SOURCES = frozenset(("iban", "bic", "bank_name", "account_holder", "salutation"))
_SOURCE_KINDS = (TEXT, NUMBER, AMOUNT, DATE, REFERENCE)
TEXT_FIELDS = {
    "header_kind",
    "header_text",
    "body",
    "footer",
    "button_text",
    "category",
    "variable_ids",
    "language",
    "name",
}


class ChaserWhatsappTemplate(models.Model):
    """A message template as Meta approves it, one record per name and language of an
    account. What is edited here is a draft; what leaves is the version that was
    submitted and approved."""

    _name = "chaser.whatsapp.template"
    _description = "WhatsApp Template"
    _inherit = ["mail.thread", "chaser.company.mixin"]
    _order = "provider_id, sequence, name, language"
    _check_company_auto = True

    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    provider_id = fields.Many2one(
        "chaser.provider",
        "Account",
        required=True,
        index=True,
        ondelete="cascade",
        check_company=True,
        domain="[('kind', '=', 'whatsapp')]",
        default=lambda self: self._get_only_account(),
    )
    company_id = fields.Many2one(
        related="provider_id.company_id", store=True, index=True
    )
    name = fields.Char(
        "Name at Meta",
        required=True,
        tracking=True,
        help="Small letters, digits and underscores. One name has one record per "
        "language.",
    )
    language = fields.Selection(
        "_get_languages",
        required=True,
        default="en",
        tracking=True,
        help="As Meta knows it; it is sent exactly as it was approved.",
    )
    lang = fields.Selection(
        [("en", "English"), ("ar", "Arabic")], compute="_compute_lang", store=True
    )
    tone = fields.Selection(
        lambda self: self.env["chaser.level"]
        ._fields["tone"]
        ._description_selection(self.env),
        "For Tone",
        tracking=True,
        help="Used for reminders of levels with this tone.",
    )
    level_id = fields.Many2one(
        "chaser.level",
        "For Level",
        check_company=True,
        tracking=True,
        ondelete="set null",
        index="btree_not_null",
        help="Used for this level alone, before the template of its tone.",
    )
    category = fields.Selection(
        [("utility", "Utility"), ("marketing", "Marketing")],
        required=True,
        default="utility",
        tracking=True,
        help="Reminders about a customer's own account are utility messages. Marketing "
        "costs several times as much, and Meta limits it.",
    )
    header_kind = fields.Selection(
        [("none", "None"), ("text", "Text"), ("document", "Statement as PDF")],
        "Header",
        required=True,
        default="document",
        tracking=True,
    )
    header_text = fields.Char()
    body = fields.Text(required=True, tracking=True)
    footer = fields.Char(tracking=True)
    button_text = fields.Char(
        "Button",
        tracking=True,
        help="Leads to the customer's page, on which they promise, pay or object.",
    )
    variable_ids = fields.One2many(
        "chaser.whatsapp.variable", "template_id", "Variables", copy=True
    )
    version_ids = fields.One2many("chaser.whatsapp.template.version", "template_id")
    version_id = fields.Many2one(
        "chaser.whatsapp.template.version",
        "Submitted Version",
        readonly=True,
        copy=False,
        ondelete="restrict",
        help="The texts that Meta has, and that leave.",
    )
    is_changed = fields.Boolean(
        "Changed Since",
        compute="_compute_is_changed",
        help="The texts here are not those that Meta has. Submit them again.",
    )
    findings = fields.Json(
        compute="_compute_findings", help="What Meta would refuse, in words."
    )
    url = fields.Char("Address of the Button", compute="_compute_url")

    _name_uniq = models.UniqueIndex(
        "(provider_id, name, language)",
        "This account has a template of this name and language already.",
    )

    @api.model
    def _get_only_account(self):
        accounts = self.env["chaser.provider"].search(
            [("kind", "=", "whatsapp"), ("company_id", "in", self.env.companies.ids)],
            limit=2,
        )
        return accounts if len(accounts) == 1 else False

    @api.model
    def _get_languages(self):
        names = {"en": self.env._("English"), "ar": self.env._("Arabic")}
        countries = {
            country.code: country.name
            for country in self.env["res.country"].search(
                [
                    (
                        "code",
                        "in",
                        [
                            code.partition("_")[2]
                            for codes in LANGUAGES.values()
                            for code in codes
                        ],
                    )
                ]
            )
        }
        return [
            (
                code,
                f"{names[lang]} ({countries.get(code.partition('_')[2], code)})"
                if "_" in code
                else names[lang],
            )
            for lang, codes in LANGUAGES.items()
            for code in codes
        ]

    @api.depends("name", "language")
    def _compute_display_name(self):
        for template in self:
            template.display_name = f"{template.name or ''} ({template.language or ''})"

    @api.depends("language")
    def _compute_lang(self):
        for template in self:
            template.lang = "ar" if (template.language or "").startswith("ar") else "en"

    def _compute_url(self):
        for template in self:
            template.url = f"{template.get_base_url()}/chaser/p/{{{{1}}}}"

    @api.depends(*TEXT_FIELDS, "variable_ids.name", "variable_ids.source", "version_id")
    def _compute_is_changed(self):
        for template in self:
            template.is_changed = bool(
                template.version_id
                and template.version_id.content != template._make_content()
            )

    # -- constraints and CRUD

    @api.constrains("level_id", "language", "provider_id", "active")
    def _check_level(self):
        """One template per level, account and language, so that the choice is clear."""
        for template in self.filtered("level_id"):
            twin = self.search(
                [
                    ("id", "!=", template.id),
                    ("provider_id", "=", template.provider_id.id),
                    ("level_id", "=", template.level_id.id),
                    ("lang", "=", template.lang),
                ],
                limit=1,
            )
            if twin:
                raise ValidationError(
                    self.env._(
                        "Level “%(level)s” has the template “%(name)s” in this "
                        "language already. Take the level out there first.",
                        level=template.level_id.name,
                        name=twin.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        templates = super().create(vals_list)
        templates._fit_variables()
        return templates

    def write(self, vals):
        self._check_may_write(vals)
        result = super().write(vals)
        if "body" in vals:
            self._fit_variables()
        return result

    def _check_may_write(self, vals):
        """Meta keeps name and language of what was submitted for ever."""
        if not {"name", "language", "provider_id"} & set(vals):
            return
        for template in self.filtered("version_id"):
            if any(
                name in vals
                and vals[name]
                != template._fields[name].convert_to_write(template[name], template)
                for name in ("name", "language", "provider_id")
            ):
                raise UserError(
                    self.env._(
                        "“%s” was submitted to Meta; its name, language and account "
                        "stay. Duplicate it instead.",
                        template.display_name,
                    )
                )

    def copy_data(self, default=None):
        return [
            vals
            if (default or {}).get("name")
            else vals | {"name": template._get_free_name()}
            for template, vals in zip(self, super().copy_data(default), strict=True)
        ]

    def _get_free_name(self):
        """The name with a number that this account does not have."""
        names = set(
            self.with_context(active_test=False)
            .search([("provider_id", "=", self.provider_id.id)])
            .mapped("name")
        )
        number = 2
        while f"{self.name}_{number}" in names:
            number += 1
        return f"{self.name}_{number}"

    def _fit_variables(self):
        """A record for each variable of the body, none for others; what is known of a
        name stays."""
        known = set(self._get_sources())
        for template in self:
            wanted = list(dict.fromkeys(VARIABLE.findall(template.body or "")))
            have = template.variable_ids.grouped("name")
            template.variable_ids.filtered(
                lambda variable, wanted=wanted: variable.name not in wanted
            ).unlink()
            self.env["chaser.whatsapp.variable"]._create_by_program(
                [
                    {
                        "template_id": template.id,
                        "name": name,
                        "source": next(
                            (
                                source
                                for source in (shipped.SOURCES.get(name), name)
                                if source in known
                            ),
                            False,
                        ),
                    }
                    for name in wanted
                    if name not in have
                ]
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_at_meta(self):
        for template in self:
            if template.meta_id and template.state != "deleted":
                raise UserError(
                    self.env._(
                        "Meta has the template “%s”. Delete it there first, by the "
                        "button Delete at Meta, or archive it.",
                        template.display_name,
                    )
                )

    # -- what the variables may stand for

    @api.model
    def _get_sources(self):
        """Name → words, of what a variable may be filled with."""
        words = self.env["chaser.template"]._get_merge_tag_words()
        return {
            "addressee": self.env._("Customer, with the words of respect in Arabic"),
            "invoice_items": self.env._(
                "How many invoices, in words: “3 invoices are”"
            ),
            "overdue_days": self.env._("Days overdue, in words: “23 days”"),
        } | {
            tag.name: words.get(tag.name, tag.name)
            for tag in TAGS
            if tag.kind in _SOURCE_KINDS and tag.name not in _NO_SOURCES
        }

    # -- the draft, and what is wrong with it

    def _make_content(self):
        """The texts as plain values, as a version keeps them."""
        self.ensure_one()
        return {
            "category": self.category or "",
            "header_kind": self.header_kind or "none",
            "header": self.header_text or "" if self.header_kind == "text" else "",
            "body": self.body or "",
            "footer": self.footer or "",
            "button": self.button_text or "",
            "url": self.url if self.button_text else "",
            "sources": {
                variable.name: variable.source
                for variable in self.variable_ids.sorted("name")
                if variable.source
            },
        }

    def _make_draft(self):
        content = self._make_content()
        samples = self._make_values(self._get_sample_data(), content["sources"])
        return Draft(
            name=self.name or "",
            language=self.language or "",
            lang=self.lang or "en",
            samples=samples,
            **content,
        )

    def _get_refusals(self):
        self.ensure_one()
        others = self.search([("provider_id", "=", self.provider_id.id)]) - self._origin
        return find_refusals(
            self._make_draft(), find_wording, [one._make_draft() for one in others]
        )

    @api.depends(*TEXT_FIELDS, "variable_ids.source")
    @api.depends_context("lang")
    def _compute_findings(self):
        """For the widget that shows what a checker found."""
        for template in self:
            template.findings = [
                {
                    "severity": "error",
                    "code": one.code,
                    "place": template._get_place_words().get(one.place, ""),
                    "text": template._get_refusal_words(one),
                    "template": False,
                }
                for one in template._get_refusals()
            ]

    @api.model
    def _get_place_words(self):
        return {
            "name": self.env._("name"),
            "language": self.env._("language"),
            "header": self.env._("header"),
            "body": self.env._("text"),
            "footer": self.env._("footer"),
            "button": self.env._("button"),
            "url": self.env._("address of the button"),
        }

    @api.model
    def _get_refusal_words(self, refusal):
        sentence = self._get_refusal_sentences().get(refusal.code, refusal.code)
        return sentence % {"detail": refusal.detail}

    @api.model
    def _get_refusal_sentences(self):
        """Code of ``template_rules`` → sentence."""
        return self._get_text_sentences() | self._get_variable_sentences()

    @api.model
    def _get_text_sentences(self):
        return {
            "bad_name": self.env._(
                "Only small letters, digits and underscores: “%(detail)s”."
            ),
            "unknown_language": self.env._("Meta does not know this language."),
            "empty": self.env._("There is no text."),
            "too_long": self.env._("It is too long: %(detail)s characters."),
            "many_newlines": self.env._("No more than one empty line in a row."),
            "many_blanks": self.env._("No tabs, and no four blanks in a row."),
            "many_emoji": self.env._("No more than %(detail)s emoji."),
            "newline_here": self.env._("It must be one line."),
            "formatting_here": self.env._("No emoji and no formatting marks here."),
            "bad_url": self.env._(
                "Meta takes public addresses with https:// only: “%(detail)s”. A "
                "manager sets Odoo's address (web.base.url)."
            ),
            "url_variable": self.env._("The only variable stands at the very end."),
            "short_link": self.env._(
                "“%(detail)s” is a short link; write the full address."
            ),
            "duplicate": self.env._(
                "“%(detail)s” has the same text and footer; Meta takes each once."
            ),
            "account_number": self.env._(
                "No account numbers in a chat: “%(detail)s”. The customer's page and "
                "the statement have them."
            ),
            "selling": self.env._(
                "“%(detail)s” sells something: Meta would make it a marketing message."
            ),
            "threat": self.env._("“%(detail)s” is a threat, which Meta refuses."),
            "interest": self.env._(
                "“%(detail)s” speaks of interest; leave that to a letter."
            ),
            "fee": self.env._("“%(detail)s” speaks of fees; leave that to a letter."),
            "religion": self.env._("“%(detail)s” speaks of religion."),
            "other_language": self.env._(
                "The text is not in the language that it is submitted for."
            ),
        }

    @api.model
    def _get_variable_sentences(self):
        return {
            "bad_variable": self.env._(
                "“%(detail)s” is no variable. Write {{name}}, in small letters and "
                "without blanks."
            ),
            "variable_here": self.env._("No variables here: “%(detail)s”."),
            "variable_first": self.env._("Words must stand before {{%(detail)s}}."),
            "variable_last": self.env._("Words must stand after {{%(detail)s}}."),
            "variables_adjacent": self.env._(
                "Words must stand between these variables: %(detail)s."
            ),
            "few_words": self.env._("Too few words for so many variables: %(detail)s."),
            "no_sample": self.env._("There is no sample value for {{%(detail)s}}."),
            "bad_sample": self.env._(
                "The sample value of {{%(detail)s}} has more than one line."
            ),
            "no_source": self.env._("Choose below what {{%(detail)s}} is filled with."),
        }

    # -- the templates that come with the addon

    @api.model
    def _create_shipped(self, account):
        """The four tones in both languages, for an account that does not have them."""
        have = {
            (template.name, template.lang)
            for template in self.with_context(active_test=False).search(
                [("provider_id", "=", account.id)]
            )
        }
        return self.create(
            [
                {
                    "provider_id": account.id,
                    "sequence": 10 * (place + 1),
                    "name": name,
                    "language": lang,
                    "tone": tone,
                    "body": body,
                    "footer": shipped.FOOTERS[lang],
                    "button_text": shipped.BUTTONS[lang],
                }
                for place, (tone, (name, bodies)) in enumerate(
                    shipped.TEMPLATES.items()
                )
                for lang, body in bodies.items()
                if (name, lang) not in have
            ]
        )


class ChaserWhatsappVariable(models.Model):
    """A variable of a template's text, and what fills it."""

    _name = "chaser.whatsapp.variable"
    _description = "Variable of a WhatsApp Template"
    _inherit = ["chaser.company.mixin"]
    _order = "id"

    template_id = fields.Many2one(
        "chaser.whatsapp.template", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="template_id.company_id", store=True, index=True
    )
    name = fields.Char(required=True, readonly=True)
    source = fields.Selection(
        lambda self: list(self.env["chaser.whatsapp.template"]._get_sources().items()),
        "Filled With",
    )
    sample = fields.Char(compute="_compute_sample", help="As Meta's reviewers see it.")

    _name_uniq = models.UniqueIndex("(template_id, name)")

    @api.depends("source", "template_id.language")
    def _compute_sample(self):
        for template, variables in self.grouped("template_id").items():
            values = template._make_values(
                template._get_sample_data(),
                {one.name: one.source for one in variables if one.source},
            )
            for variable in variables:
                variable.sample = values.get(variable.name, False)
