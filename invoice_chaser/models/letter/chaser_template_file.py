import hashlib

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core.letter.template_file import Entry, dump


class ChaserTemplate(models.Model):
    """Templates as one file: what goes out, and how an entry of a file finds its
    template again."""

    _inherit = "chaser.template"  # pylint: disable=consider-merging-classes-inherited  # templates as files

    file_key = fields.Char(
        readonly=True,
        copy=False,
        help="The name of this template in the file that it was imported from.",
    )

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

    def _export_file(self):
        """The text of the file (JSON, UTF-8)."""
        return dump(template._prepare_entry() for template in self)

    def _prepare_entry(self):
        subject, body = (
            {
                lang: texts[index]
                for lang, texts in sorted(self._get_sources().items(), reverse=True)
            }
            for index in (0, 1)
        )
        names = {"en": self.with_context(lang="en_US").name or ""}
        if "ar" in subject:
            names["ar"] = (
                self.with_context(lang=self._get_arabic_code()).name or names["en"]
            )
        return Entry(
            key=self._get_file_key(),
            name=names,
            category=self.category,
            level=self.level_id.code or "",
            is_default=self.is_default,
            sequence=self.sequence,
            subject=subject,
            body_html=body,
        )

    @api.model
    def _get_arabic_code(self):
        """Odoo's code of the installed Arabic; False where there is none."""
        return next(
            (
                code
                for code, _name in self.env["res.lang"].get_installed()
                if code.startswith("ar")
            ),
            False,
        )

    @api.model
    def _get_name_codes(self):
        """Message language to Odoo's code for a name: English for both where there is
        no Arabic."""
        return {"en": "en_US", "ar": self._get_arabic_code() or "en_US"}

    def _get_file_key(self):
        """A name that stays: the shipped one, that of the file it came from, else one
        of this database."""
        self.ensure_one()
        shipped = self.get_external_id().get(self.id, "")
        if shipped.startswith("invoice_chaser."):
            return shipped
        database = (
            self.env["ir.config_parameter"].sudo().get_param("database.uuid") or ""
        )
        return (
            self.file_key
            or f"{hashlib.sha256(f'{database} templates'.encode()).hexdigest()[:12]}-{self.id}"  # noqa: E501
        )

    @api.model
    def _find_by_file_keys(self, company):
        """Key → template among those of a company (or the shared ones), archived ones
        included."""
        templates = self.with_context(active_test=False).search(
            [("company_id", "=", company.id)]
        )
        return {template._get_file_key(): template for template in templates}

    # -- one entry of a file

    def _is_like(self, entry, arabic):
        """Does the template say what the entry says? What the file does not have is not
        compared."""
        self.ensure_one()
        sources = self._get_sources()
        for lang in entry.subject:
            if lang == "ar" and not arabic:
                continue
            clean = self._sanitize({"body_html": entry.body_html[lang]})["body_html"]
            if sources.get(lang) != (entry.subject[lang], clean):
                return False
        return (
            self.category == entry.category
            and self.with_context(lang="en_US").name == entry.name["en"]
        )

    @api.model
    def _create_from_entry(self, entry, company, arabic, key):
        template = self.with_context(lang="en_US").create(
            {
                "name": entry.name["en"],
                "subject": entry.subject["en"],
                "body_html": entry.body_html["en"],
                "category": entry.category,
                "sequence": entry.sequence,
                "company_id": company.id,
                "file_key": key,
            }
        )
        template._translate_from_entry(entry, arabic)
        return template.with_env(self.env)

    def _update_from_entry(self, entry, arabic):
        """The entry's texts in place of the template's; a used template gets its next
        version by that."""
        self.with_context(lang="en_US").write(
            {
                "name": entry.name["en"],
                "subject": entry.subject["en"],
                "body_html": entry.body_html["en"],
                "category": entry.category,
            }
        )
        self._translate_from_entry(entry, arabic)

    def _translate_from_entry(self, entry, arabic):
        if arabic and "ar" in entry.subject:
            self.update_field_translations(
                "name", {arabic: entry.name.get("ar") or entry.name["en"]}
            )
            self.update_field_translations("subject", {arabic: entry.subject["ar"]})
            self.update_field_translations("body_html", {arabic: entry.body_html["ar"]})
