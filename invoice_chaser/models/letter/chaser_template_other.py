from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ChaserTemplate(models.Model):
    """The text in the other of the two languages, on the same form: an English user writes the Arabic letter as one, not as HTML in a
    translation dialog. Nothing is stored twice: these fields show and set the translation of ``subject`` and ``body_html``."""

    _inherit = "chaser.template"  # pylint: disable=consider-merging-classes-inherited  # the text in the other language

    other_lang = fields.Char(compute="_compute_other_lang", help="Odoo's code of the other language; empty where Arabic is not installed.")
    other_subject = fields.Char("Subject (Other Language)", compute="_compute_other_texts", inverse="_inverse_other_texts")
    other_body_html = fields.Html(
        "Body (Other Language)", compute="_compute_other_texts", inverse="_inverse_other_texts", sanitize=False,
        help="Sanitized when saved, as the text itself.",
    )

    @api.depends_context("lang")
    def _compute_other_lang(self):
        self.other_lang = self._get_other_lang()

    # Without the texts they show among the dependencies: a form in which one language is edited would throw away what was typed in the
    # other. What is written to the texts forgets these fields (see write).
    @api.depends_context("lang")
    def _compute_other_texts(self):
        lang = self._get_other_lang()
        for template in self:
            template.other_subject, template.other_body_html = template._origin._read_language(lang)

    def _inverse_other_texts(self):
        lang = self._get_other_lang()
        for template in self:
            texts = (template.other_subject or False, template.other_body_html or False)
            if lang and texts != template._read_language(lang):
                template._write_language(lang, *texts)

    @api.model
    def _get_other_lang(self):
        return "en_US" if (self.env.lang or "").startswith("ar") else self._get_arabic_code()

    def _read_language(self, lang):
        """(subject, body) of one language as stored, False for what is missing: without Odoo's fallback to English."""
        if not self:
            return False, False
        self.env["chaser.template"].flush_model(["subject", "body_html"])
        return tuple(texts.get(lang) or False for texts in self._read_texts())

    def _write_language(self, lang, subject, body):
        """Both texts at once, so that they make one version. Emptied, a language falls away; English has to stay.

        Checked here already: what is wrong is told in the user's language, not in that of the text.
        """
        if lang == "en_US" and not (subject and body):
            raise ValidationError(self.env._("“%s” needs a subject and a text in English.", self.name))
        if subject and body:
            self._refuse_problems(self._find_text_problems({lang: subject}, {lang: body}))
            self._refuse_sensitive_default({"en" if lang == "en_US" else "ar": (subject, str(body))})
            self.with_context(lang=lang).write({"subject": subject, "body_html": body})
            return
        for name, text in (("subject", subject), ("body_html", body)):
            self.update_field_translations(name, {lang: text})

    def _forget_other_texts(self):
        """The texts were written: what these fields show is read anew."""
        self.invalidate_recordset(["other_subject", "other_body_html"], flush=False)
