from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, html_sanitize

from ...core.letter.merge_tags import BLOCK, REQUIRED_TAGS, SAMPLE, TAGS
from ...core.letter.template_language import repair_links

_TEXT_FIELDS = {"subject", "body_html"}


class ChaserTemplate(models.Model):
    """A letter in English and Arabic. Its checks, preview, figures and files are in
    files of their own beside this one."""

    _name = "chaser.template"
    _description = "Reminder Template"
    _inherit = [
        "mail.thread",
        "chaser.company.mixin",
        "chaser.template.choice.mixin",
        "chaser.template.figures.mixin",
        "chaser.template.preview.mixin",
    ]
    _usage_key = "template_id"
    _order = "category, sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    sequence = fields.Integer(default=10, tracking=True, aggregator=None)
    company_id = fields.Many2one(
        "res.company",
        index=True,
        default=lambda self: self.env.company,
        tracking=True,
        help="Empty: shared by all companies.",
    )
    category = fields.Selection(
        [
            ("invoice_reminder", "Invoice Reminder"),
            ("payment_follow_up", "Payment Follow-up"),
            ("overdue_notice", "Overdue Notice"),
            ("welcome", "Welcome"),
            ("system", "System"),
        ],
        required=True,
        default="invoice_reminder",
        tracking=True,
    )
    is_default = fields.Boolean(
        "Default",
        tracking=True,
        help="Used where nothing else is chosen: for its category, or for one level "
        "of it.",
    )
    level_id = fields.Many2one(
        "chaser.level",
        "Default for Level",
        check_company=True,
        tracking=True,
        index="btree_not_null",
        ondelete="restrict",
        help="A default with a level goes before the template that the level itself "
        "names; a company's own goes before a shared one.",
    )
    subject = fields.Char(required=True, translate=True)
    # Translated as a whole, so that each language is a letter of its own; sanitized
    # when saved (see _sanitize).
    body_html = fields.Html("Body", required=True, translate=True, sanitize=False)
    file_key = fields.Char(
        readonly=True,
        copy=False,
        help="The name of this template in the file that it was imported from.",
    )
    version_count = fields.Integer(compute="_compute_version_count")
    version_ids = fields.One2many("chaser.template.version", "template_id")

    _default_uniq = models.UniqueIndex(
        "(category, COALESCE(level_id, 0), COALESCE(company_id, 0)) WHERE "
        "is_default AND active",
        "This category (and level) has a default template already.",
    )
    merge_tags = fields.Json(
        compute="_compute_merge_tags",
        help="What the picker offers: groups of tags, in the user's language.",
    )
    attach_invoices = fields.Selection(
        [("none", "No"), ("link", "As Links"), ("pdf", "As PDF")],
        "Invoices",
        default="link",
        required=True,
        tracking=True,
        help="As links: each invoice number leads to the invoice. As PDF: the "
        "invoices are attached too, up to the company's limits.",
    )
    attach_statement = fields.Selection(
        [("none", "No"), ("pdf", "As PDF"), ("xlsx", "As Spreadsheet")],
        "Statement of Account",
        default="none",
        required=True,
        tracking=True,
        help="Everything that is open on the customer's account, not only what is "
        "overdue.",
    )
    attach_letter = fields.Boolean(
        "Formal Letter",
        tracking=True,
        help="A letter on the company's letterhead, as PDF, with the same figures.",
    )
    letter_template_id = fields.Many2one(
        "chaser.template",
        "Text of the Letter",
        check_company=True,
        tracking=True,
        domain="[('category', '=', 'system')]",
        ondelete="restrict",
        index="btree_not_null",
        help="Empty: the shipped letter.",
    )

    # -- constraints and CRUD

    @api.constrains("active")
    def _check_archive(self):
        """A level without a usable template would stop its reminders."""
        archived = self.filtered(lambda template: not template.active)
        level = (
            self.env["chaser.level"]
            .sudo()
            .search([("template_id", "in", archived.ids)], limit=1)
            if archived
            else None
        )
        if level:
            raise ValidationError(
                self.env._(
                    "Template “%(name)s” is the template of level “%(level)s”. Choose "
                    "another one there, then archive it.",
                    name=level.template_id.name,
                    level=level.name,
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._sanitize(vals) for vals in vals_list])

    def write(self, vals):
        texts = self._read_all_texts() if _TEXT_FIELDS & set(vals) else None
        result = super().write(self._sanitize(vals))
        if texts is not None:
            self._make_next_version()
            self._forget_other_texts()
            self._tell_texts(texts)
        return result

    def _read_all_texts(self):
        """(template, field) → its stored texts by Odoo's language code."""
        self.flush_recordset(_TEXT_FIELDS)
        return {
            (template, name): texts
            for template in self
            for name, texts in zip(
                ("subject", "body_html"), template._read_texts(), strict=True
            )
        }

    def _tell_texts(self, before):
        """A note on each template whose texts were changed: in which language, and by
        whom. The versions keep the texts themselves."""
        after = self._read_all_texts()
        labels = {
            "subject": self.env._("Subject"),
            "body_html": self.env._("Body"),
        }
        for template in self:
            changed = [
                f"{labels[name]} ({lang})"
                for name in labels
                for lang in after[template, name]
                if before[template, name].get(lang) != after[template, name][lang]
            ]
            if changed:
                template._message_log(
                    body=self.env._("The text was changed: %s.", ", ".join(changed))
                )

    def _make_next_version(self):
        """A change of a template that was used makes a new version; before the first
        use no version is needed."""
        self.flush_recordset(_TEXT_FIELDS)
        for template in self.filtered("version_ids"):
            self.env["chaser.template.version"]._ensure_for(template)

    @api.model
    def _sanitize(self, vals):
        if vals.get("body_html"):
            clean = html_sanitize(
                repair_links(str(vals["body_html"])),
                sanitize_attributes=True,
                sanitize_style=True,
                sanitize_form=True,
            )
            return {**vals, "body_html": repair_links(str(clean))}
        return vals

    def update_field_translations(self, field_name, translations, source_lang=""):
        if field_name == "body_html":
            translations = {
                lang: self._sanitize({"body_html": text})["body_html"]
                if isinstance(text, str) and text
                else text
                for lang, text in translations.items()
            }
        texts = self._read_all_texts()
        result = super().update_field_translations(
            field_name, translations, source_lang
        )
        if field_name in _TEXT_FIELDS:
            self._check_texts()
            self._make_next_version()
            self._check_default_texts()
            self._forget_other_texts()
            self._tell_texts(texts)
        return result

    def copy_data(self, default=None):
        return [
            vals
            | {"is_default": False}
            | (
                {}
                if default and "name" in default
                else {"name": self.env._("%s (copy)", template.name)}
            )
            for template, vals in zip(self, super().copy_data(default), strict=True)
        ]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if (
            self.env["chaser.reminder"]
            .sudo()
            .search_count(
                [("template_version_id.template_id", "in", self.ids)], limit=1
            )
        ):
            raise UserError(
                self.env._(
                    "A template that was used cannot be deleted. Archive it instead."
                )
            )

    # -- business

    def _get_sources(self):
        """(subject, body) by message language, from what is stored; Arabic only where
        it is installed and both texts exist in it."""
        self.ensure_one()
        subject, body = self._read_texts()
        sources = {}
        arabic = self.env["res.lang"]._get_chaser_arabic_codes()
        for lang, code in (("en", "en_US"), *(("ar", code) for code in arabic)):
            if lang not in sources and subject.get(code) and body.get(code):
                sources[lang] = (subject[code], body[code])
        return sources

    def _read_texts(self):
        """Subjects and bodies as stored, by Odoo's language code; without Odoo's
        fallback to English."""
        rows = self.env.execute_query(
            SQL("SELECT subject, body_html FROM chaser_template WHERE id = %s", self.id)
        )
        subject, body = rows[0] if rows else (None, None)
        return subject or {}, body or {}

    # -- views

    def action_view_versions(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Versions"),
            "res_model": "chaser.template.version",
            "view_mode": "list,form",
            "domain": [("template_id", "=", self.id)],
        }

    def action_compare(self):
        """The last two versions; with one alone, that one and the text as it is now."""
        self.ensure_one()
        self.check_access("read")
        versions = self.env["chaser.template.version"].search(
            [("template_id", "=", self.id)], limit=2
        )
        if not versions:
            raise UserError(
                self.env._(
                    "This template has not been used yet, so there is no version to "
                    "compare."
                )
            )
        newer = versions[0] if len(versions) > 1 else versions.browse()
        return self.env["chaser.template.compare"]._open(self, versions[-1], newer)

    def action_export(self):
        """Download these templates as one file."""
        self.check_access("read")
        if not self:
            raise UserError(self.env._("Select the templates to export."))
        return {
            "type": "ir.actions.act_url",
            "url": f"/invoice_chaser/templates.json?ids={','.join(map(str, self.ids))}",
            "target": "download",
        }

    def action_view_reminders(self):
        """What was sent with it, in whichever version."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "chaser.reminder",
            "view_mode": "list,form",
            "domain": [
                ("template_version_id.template_id", "=", self.id),
                ("sent_at", "!=", False),
            ],
            "name": self.env._("Reminders"),
        }

    # -- What a template may say: the merge tags in words, and the check of each
    # language when it is saved

    @api.depends("category")
    @api.depends_context("lang")
    def _compute_merge_tags(self):
        words, groups = self._get_merge_tag_words(), self._get_merge_tag_groups()
        for template in self:
            required = REQUIRED_TAGS.get(template.category or "", ())
            template.merge_tags = [
                {
                    "name": words_of_group,
                    "tags": [
                        {
                            "name": tag.name,
                            "label": words[tag.name],
                            "kind": tag.kind,
                            "required": tag.name in required,
                            "sample": SAMPLE[tag.name],
                            "block": tag.kind == BLOCK,
                        }
                        for tag in TAGS
                        if tag.group == group
                    ],
                }
                for group, words_of_group in groups.items()
            ]

    @api.model
    def _get_merge_tag_groups(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "items": _("Invoices"),
            "amounts": _("Amounts"),
            "links": _("Buttons and links"),
            "customer": _("Customer"),
            "payment": _("Payment"),
            "company": _("Company"),
            "salesperson": _("Salesperson"),
            "message": _("Message"),
        }

    @api.model
    def _get_merge_tag_words(self):
        """Tag → what it stands for."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "company_name": _("Your company's name"),
            "company_address": _("Your company's address"),
            "company_trn": _("Your tax number"),
            "company_phone": _("Your company's phone"),
            "company_email": _("Your company's e-mail"),
            "company_website": _("Your website"),
            "customer_name": _("Customer"),
            "customer_reference": _("Your number for the customer"),
            "customer_trn": _("Customer's tax number"),
            "contact_name": _("Contact person, else the customer"),
            "salutation": _("Salutation with the contact's name"),
            "salesperson_name": _("Salesperson"),
            "salesperson_email": _("Salesperson's e-mail"),
            "salesperson_phone": _("Salesperson's phone"),
            "invoice_table": _("Table of the invoices (a block)"),
            "invoice_count": _("Number of invoices and instalments"),
            "invoice_numbers": _("Invoice numbers, up to ten"),
            "oldest_invoice": _("Number of the oldest invoice"),
            "oldest_due_date": _("Due date of the oldest invoice"),
            "days_overdue": _("Days overdue of the oldest invoice"),
            "total_due": _("Total due, per currency"),
            "credit_total": _("Open credits taken off, per currency"),
            "payment_reference": _("Payment reference"),
            "bank_name": _("Bank"),
            "account_holder": _("Account holder"),
            "iban": _("Account number or IBAN"),
            "bic": _("BIC (SWIFT)"),
            "pay_button": _("Button to view and pay (a block)"),
            "portal_url": _("Link: the oldest invoice in the portal"),
            "pay_url": _("Link: pay the oldest invoice"),
            "page_url": _("Link: the customer's page"),
            "promise_url": _("Link: “I will pay on …”"),
            "dispute_url": _("Link: “I dispute this invoice”"),
            "level_name": _("Name of the level"),
            "today": _("Today's date"),
        }

    # -- What goes with the messages of a template

    def _get_document_options(self, company):
        """What the messages of this template need, as plain values; ``letter``: texts
        of the letter by language."""
        self.ensure_one()
        return {
            "invoices": self.attach_invoices,
            "statement": self.attach_statement,
            "letter": self._get_letter_sources() if self.attach_letter else {},
            "max_count": company.chaser_attach_max_count,
            "max_bytes": company.chaser_attach_max_mb * 1_000_000,
            "makes": self.attach_invoices == "pdf"
            or self.attach_statement != "none"
            or self.attach_letter,
        }

    def _describe_documents(self):
        """What goes along, in words; empty without a template."""
        names = []
        if self.attach_letter:
            names.append(self.env._("Letter"))
        if self.attach_statement == "pdf":
            names.append(self.env._("Statement (PDF)"))
        elif self.attach_statement == "xlsx":
            names.append(self.env._("Statement (spreadsheet)"))
        if self.attach_invoices == "pdf":
            names.append(self.env._("Invoices (PDF)"))
        return ", ".join(names)

    @api.model
    def _get_no_document_options(self):
        """For a message without a template of its own."""
        return {
            "invoices": "link",
            "statement": "none",
            "letter": {},
            "max_count": 0,
            "max_bytes": 0,
            "makes": False,
        }

    def _get_letter_sources(self):
        letter = self.letter_template_id or self.env.ref(
            "invoice_chaser.chaser_template_letter", raise_if_not_found=False
        )
        return letter._get_sources() if letter else {}

    @api.depends("version_ids")
    def _compute_version_count(self):
        rows = self.env["chaser.template.version"]._read_group(
            [("template_id", "in", self.ids)], ["template_id"], ["__count"]
        )
        counts = {template.id: count for template, count in rows}
        for template in self:
            template.version_count = counts.get(template._origin.id, 0)

    # -- The text in the other of the two languages, on the same form: an English user
    # writes the Arabic letter as one, not as HTML in a translation dialog. Nothing is
    # stored twice: these fields show and set the translation of the two texts.

    other_lang = fields.Char(
        compute="_compute_other_lang",
        help="Odoo's code of the other language; empty where Arabic is not installed.",
    )
    other_subject = fields.Char(
        "Subject (Other Language)",
        compute="_compute_other_texts",
        inverse="_inverse_other_texts",
    )
    other_body_html = fields.Html(
        "Body (Other Language)",
        compute="_compute_other_texts",
        inverse="_inverse_other_texts",
        sanitize=False,
        help="Sanitized when saved, as the text itself.",
    )

    @api.depends_context("lang")
    def _compute_other_lang(self):
        self.other_lang = self._get_other_lang()

    # The texts that they show are not among the dependencies: else a form in which one
    # language is edited would discard what was typed in the other. Writing the texts
    # invalidates these fields (see write).
    @api.depends_context("lang")
    def _compute_other_texts(self):
        lang = self._get_other_lang()
        for template in self:
            template.other_subject, template.other_body_html = (
                template._origin._read_language(lang)
            )

    def _inverse_other_texts(self):
        lang = self._get_other_lang()
        for template in self:
            texts = (template.other_subject or False, template.other_body_html or False)
            if lang and texts != template._read_language(lang):
                template._write_language(lang, *texts)

    @api.model
    def _get_other_lang(self):
        return (
            "en_US"
            if (self.env.lang or "").startswith("ar")
            else self.env["res.lang"]._get_chaser_arabic()
        )

    def _read_language(self, lang):
        """(subject, body) of one language as stored, False for what is missing: without
        Odoo's fallback to English."""
        if not self:
            return False, False
        self.env["chaser.template"].flush_model(["subject", "body_html"])
        return tuple(texts.get(lang) or False for texts in self._read_texts())

    def _write_language(self, lang, subject, body):
        """Both texts at once, so that they make one version. An emptied language is
        removed; English has to stay. Checked here, so that problems are reported in the
        user's language, not in that of the text."""
        if lang == "en_US" and not (subject and body):
            raise ValidationError(
                self.env._("“%s” needs a subject and a text in English.", self.name)
            )
        if subject and body:
            self._refuse_problems(
                self._find_text_problems({lang: subject}, {lang: body})
            )
            self._refuse_sensitive_default(
                {"en" if lang == "en_US" else "ar": (subject, str(body))}
            )
            self.with_context(lang=lang).write({"subject": subject, "body_html": body})
            return
        for name, text in (("subject", subject), ("body_html", body)):
            self.update_field_translations(name, {lang: text})

    def _forget_other_texts(self):
        """The texts were written, so these fields are invalidated."""
        self.invalidate_recordset(["other_subject", "other_body_html"], flush=False)
