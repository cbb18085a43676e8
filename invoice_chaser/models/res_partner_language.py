from odoo import api, fields, models

from ..core.language_rule import choose_language


class ResPartner(models.Model):
    """In which language a customer gets reminders, and the reason in words."""

    _inherit = "res.partner"

    chaser_language_reason = fields.Char(
        "Gets Reminders In", compute="_compute_chaser_language_reason", groups="invoice_chaser.group_chaser_user",
        help="The language that reminders of the current company will have, and why.",
    )

    def _get_chaser_language(self, company):
        """``en``, ``ar`` or ``both`` for reminders of a company."""
        self.ensure_one()
        return choose_language(self.chaser_language, self.lang, company.chaser_language)[0]

    @api.depends("chaser_language", "lang")
    @api.depends_context("company", "lang")
    def _compute_chaser_language_reason(self):
        installed = self.env["res.lang"].get_installed()
        arabic = any(code.startswith("ar") for code, _name in installed)
        names, company = dict(installed), self.env.company
        languages = dict(self.env["res.company"]._fields["chaser_language"]._description_selection(self.env))
        for partner in self:
            language, reason = choose_language(partner.chaser_language, partner.lang, company.chaser_language)
            if language != "en" and not arabic:
                language, reason = "en", "no_arabic"
            partner.chaser_language_reason = self._get_language_reasons()[reason] % {
                "language": languages[language], "own": names.get(partner.lang, partner.lang or ""), "company": company.name,
            }

    @api.model
    def _get_language_reasons(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "own": _("%(language)s, because it is chosen here."),
            "contact": _("%(language)s, because the contact's language is %(own)s."),
            "other": _("%(language)s, because reminders are written in English and Arabic, not in %(own)s."),
            "company": _("%(language)s, because that is the setting of %(company)s."),
            "no_arabic": _("%(language)s, because Arabic is not installed in this database."),
        }
