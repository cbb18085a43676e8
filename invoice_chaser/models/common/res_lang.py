from odoo import api, models


class ResLang(models.Model):
    _inherit = "res.lang"

    @api.model
    def _get_chaser_arabic_codes(self):
        """Codes of the installed kinds of Arabic, in an order that stays; the first one
        is the one that letters and names are written in."""
        return sorted(
            code
            for code, _name in self.get_installed()
            if code.partition("_")[0] == "ar"
        )

    @api.model
    def _get_chaser_arabic(self):
        """Odoo's code of the Arabic that is written here; False where none is
        installed."""
        return next(iter(self._get_chaser_arabic_codes()), False)

    @api.model
    def _get_chaser_codes(self):
        """Message language → Odoo's code for a name: English for both where there is no
        Arabic."""
        return {"en": "en_US", "ar": self._get_chaser_arabic() or "en_US"}
