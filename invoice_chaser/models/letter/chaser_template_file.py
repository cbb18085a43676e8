import hashlib

from odoo import api, models

from ...core.letter.template_file import Entry, dump

# Values of a template that a file carries as they are.
_TEXTS = ("description",)
_VALUES = (
    "item_fit",
    "item_limit",
    "attach_invoices",
    "attach_statement",
    "attach_letter",
)


class ChaserTemplateFile(models.AbstractModel):
    """Export of templates as one file, and how an entry of a file is matched with its
    template."""

    _name = "chaser.template.file"
    _description = "File of Templates"

    @api.model
    def _export(self, templates):
        """The text of the file (JSON, UTF-8)."""
        return dump(map(self._prepare_entry, templates))

    @api.model
    def _prepare_entry(self, template):
        subject, body = (
            {
                lang: texts[index]
                for lang, texts in sorted(template._get_sources().items(), reverse=True)
            }
            for index in (0, 1)
        )
        names = {"en": template.with_context(lang="en_US").name or ""}
        if "ar" in subject:
            arabic = self.env["res.lang"]._get_chaser_arabic()
            names["ar"] = template.with_context(lang=arabic).name or names["en"]
        return Entry(
            key=self._get_key(template),
            name=names,
            category=template.category,
            level=template.level_id.code or "",
            is_default=template.is_default,
            sequence=template.sequence,
            **{name: template[name] or "" for name in _TEXTS},
            **{name: template[name] for name in _VALUES},
            letter_template=self._get_key(template.letter_template_id)
            if template.letter_template_id
            else "",
            subject=subject,
            body_html=body,
        )

    @api.model
    def _get_key(self, template):
        """A key that does not change: that of the shipped template, that of the
        imported file, else one made from this database."""
        template.ensure_one()
        shipped = template.get_external_id().get(template.id, "")
        if shipped.startswith("invoice_chaser."):
            return shipped
        database = (
            self.env["ir.config_parameter"].sudo().get_param("database.uuid") or ""
        )
        return (
            template.file_key
            or f"{hashlib.sha256(f'{database} templates'.encode()).hexdigest()[:12]}-{template.id}"  # noqa: E501
        )

    @api.model
    def _find_by_keys(self, company):
        """Key → template among those of a company (or the shared ones), archived ones
        included."""
        templates = (
            self.env["chaser.template"]
            .with_context(active_test=False)
            .search([("company_id", "=", company.id)])
        )
        return {self._get_key(template): template for template in templates}

    # -- one entry of a file

    @api.model
    def _is_like(self, template, entry, arabic):
        """Whether the template has the same texts and values as the entry. What the
        file does not contain is not compared."""
        sources = template._get_sources()
        for lang in entry.subject:
            if lang == "ar" and not arabic:
                continue
            clean = template._sanitize({"body_html": entry.body_html[lang]})[
                "body_html"
            ]
            if sources.get(lang) != (entry.subject[lang], clean):
                return False
        known = self._prepare_values(entry, template.company_id)
        if any(
            (template[name].id if name == "letter_template_id" else template[name])
            != value
            and (template[name] or value)
            for name, value in known.items()
        ):
            return False
        return (
            template.category == entry.category
            and template.with_context(lang="en_US").name == entry.name["en"]
        )

    @api.model
    def _prepare_values(self, entry, company):
        """Values beside texts and category; the text of the letter only where it is
        known here (``_find_letter``)."""
        values = {name: getattr(entry, name) or False for name in _TEXTS}
        values |= {name: getattr(entry, name) for name in _VALUES}
        letter = self._find_letter(entry, company)
        if letter or not entry.letter_template:
            values["letter_template_id"] = letter.id
        return values

    @api.model
    def _find_letter(self, entry, company):
        """The template of the letter that an entry names, among those of the company
        and the shared ones; empty when it is not here."""
        found = self.env["chaser.template"]
        if not entry.letter_template:
            return found
        for owner in (company, company.browse()):
            known = self._find_by_keys(owner).get(entry.letter_template, found)
            if known.category == "system":
                return known
        return found

    @api.model
    def _create_template(self, entry, company, arabic, key):
        Template = self.env["chaser.template"]
        template = Template.with_context(lang="en_US")._create_by_program(
            {
                "name": entry.name["en"],
                "subject": entry.subject["en"],
                "body_html": entry.body_html["en"],
                "category": entry.category,
                "sequence": entry.sequence,
                "company_id": company.id,
                "file_key": key,
                **self._prepare_values(entry, company),
            }
        )
        self._translate(template, entry, arabic)
        return template.with_env(self.env)

    @api.model
    def _update_template(self, template, entry, arabic):
        """Writes the entry's texts to the template; a template that was used gets a new
        version by that."""
        template.with_context(lang="en_US").write(
            {
                "name": entry.name["en"],
                "subject": entry.subject["en"],
                "body_html": entry.body_html["en"],
                "category": entry.category,
                **self._prepare_values(entry, template.company_id),
            }
        )
        self._translate(template, entry, arabic)

    @api.model
    def _translate(self, template, entry, arabic):
        if arabic and "ar" in entry.subject:
            template.update_field_translations(
                "name", {arabic: entry.name.get("ar") or entry.name["en"]}
            )
            template.update_field_translations("subject", {arabic: entry.subject["ar"]})
            template.update_field_translations(
                "body_html", {arabic: entry.body_html["ar"]}
            )
