from odoo import api, fields, models

from odoo.addons.invoice_chaser.core.move_in.targets import make_targets, norm

# What a file of contacts may say about WhatsApp (Move In).
_TARGETS = make_targets(
    "whatsapp_number text whatsapp whatsapp_phone whatsapp_mobile whatsapp_no "
    "wa_number واتساب رقم_واتساب رقم_الواتساب",
    "whatsapp_consent truth whatsapp_opt_in whatsapp_optin whatsapp_opted_in "
    "whatsapp_consent_given الموافقة_على_واتساب",
    "whatsapp_consent_at moment whatsapp_opt_in_date whatsapp_optin_date "
    "whatsapp_consent_date whatsapp_opt_in_at whatsapp_optin_time",
    "whatsapp_consent_by text whatsapp_opt_in_source whatsapp_consent_source",
    "whatsapp_consent_text text whatsapp_opt_in_text whatsapp_consent_words "
    "whatsapp_consent_proof",
    "whatsapp_stopped truth whatsapp_opt_out whatsapp_optout whatsapp_opted_out "
    "whatsapp_unsubscribed whatsapp_blacklisted",
)
_CONSENT = ("opt_in_date", "opt_in_source", "opt_in_text")


class ChaserChannelWhatsapp(models.AbstractModel):
    """Numbers and consents in files of contacts."""

    _inherit = "chaser.channel.whatsapp"  # pylint: disable=consider-merging-classes-inherited  # what Move In asks

    @api.model
    def _get_import_targets(self):
        return _TARGETS

    @api.model
    def _plan_contact(self, partner, told, values):
        """The number of the column, else that of the contact, with the consent where
        the row has all of it: nothing of a consent is made up. A consent that is not
        newer, and whatever stops a number here, stay."""
        Person = self.env["chaser.whatsapp.person"]
        given = told.get("whatsapp_number") or values.get("mobile")
        given = given or values.get("phone") or partner.phone
        if not given:
            return {}, {}, ("whatsapp_no_number_told", {})
        number = Person._format_number(given, partner)
        if not number:
            return {}, {}, ("whatsapp_bad_number", {"detail": str(given)[:60]})
        company = partner.env.company if partner else self.env.company
        person = self._find_person(company, partner, number)
        consent, reason = self._read_consent(told)
        if consent and person.opt_in_date and person.opt_in_date >= consent[0]:
            consent = None
        changed = {}
        if not person:
            changed["phone_e164"] = number
        if consent:
            changed |= dict(zip(_CONSENT, consent, strict=True))
        if told.get("whatsapp_stopped") and person.state != "opted_out":
            changed["stopped"] = True
        difference = self._describe_contact(person, changed)
        if changed:
            changed |= {"number": number, "company_id": company.id}
        elif person:
            reason = None
        return changed, difference, reason

    @api.model
    def _find_person(self, company, partner, number):
        return self.env["chaser.whatsapp.person"].search(
            [
                ("company_id", "=", company.id),
                ("partner_id", "=", partner.commercial_partner_id.id or 0),
                ("phone_e164", "=", number),
            ],
            limit=1,
        )

    @api.model
    def _read_consent(self, told):
        """((date, source, words), None), or (None, why it does not count). A day is the
        start of that day in the company's zone, as everywhere in Move In."""
        moment = told.get("whatsapp_consent_at")
        if told.get("whatsapp_stopped") or told.get("whatsapp_consent") is False:
            return None, None
        if not (told.get("whatsapp_consent") or moment):
            return None, None
        words = (told.get("whatsapp_consent_text") or "").strip()
        if not moment or not words:
            return None, ("whatsapp_half_consent", {})
        if moment > fields.Datetime.now():
            return None, ("whatsapp_future_consent", {"date": str(moment.date())})
        return (moment, self._find_source(told), words), None

    @api.model
    def _find_source(self, told):
        """By its key or its name in the user's language; else it came by the file."""
        field = self.env["chaser.whatsapp.person"]._fields["opt_in_source"]
        known = {}
        for key, label in field._description_selection(self.env):
            known |= {norm(key): key, norm(label): key}
        return known.get(norm(told.get("whatsapp_consent_by") or ""), "import")

    @api.model
    def _describe_contact(self, person, changed):
        words = self.env["chaser.import.words"]._get_target_words()
        names = {
            "phone_e164": "whatsapp_number",
            "opt_in_date": "whatsapp_consent_at",
            "opt_in_text": "whatsapp_consent_text",
            "stopped": "whatsapp_stopped",
        }
        return {
            words[target]: (
                person[name] if person and name in person._fields else "",
                changed[name],
            )
            for name, target in names.items()
            if name in changed
        }

    @api.model
    def _write_contact(self, partner, values):
        Person = self.env["chaser.whatsapp.person"]
        company = self.env["res.company"].browse(values["company_id"])
        person = self._find_person(company, partner, values["number"])
        facts = {name: values[name] for name in _CONSENT if name in values}
        if person:
            person.write(facts)
        else:
            person = Person.with_company(company).create(
                {
                    "company_id": company.id,
                    "partner_id": partner.id,
                    "phone_e164": values["number"],
                    **facts,
                }
            )
        if values.get("stopped"):
            person.sudo()._stop(self.env._("Import"), False)


class ChaserImportWords(models.AbstractModel):
    _inherit = "chaser.import.words"

    @api.model
    def _get_target_words(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return super()._get_target_words() | {
            "whatsapp_number": _("WhatsApp Number"),
            "whatsapp_consent": _("Consent to WhatsApp"),
            "whatsapp_consent_at": _("Consent to WhatsApp Given On"),
            "whatsapp_consent_by": _("Consent to WhatsApp Given By"),
            "whatsapp_consent_text": _("Words of the Consent to WhatsApp"),
            "whatsapp_stopped": _("Wants No Messages by WhatsApp"),
        }

    @api.model
    def _get_record_words(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return super()._get_record_words() | {
            "whatsapp_no_number_told": _(
                "The row has neither a WhatsApp number nor a phone number."
            ),
            "whatsapp_bad_number": _(
                "“%(detail)s” is no phone number. Write it with its country's code, "
                "for example +971 50 123 4567."
            ),
            "whatsapp_half_consent": _(
                "The consent to WhatsApp does not count: a consent needs the moment at "
                "which it was given, and its words."
            ),
            "whatsapp_future_consent": _(
                "The consent to WhatsApp does not count: %(date)s is in the future."
            ),
        }


class ChaserExport(models.AbstractModel):
    """Its own tables in the company's export (Move Out), and in again."""

    _inherit = "chaser.export"

    @api.model
    def _get_more_models(self):
        return super()._get_more_models() | {
            "chaser.whatsapp.template": ("provider_id", "name", "language"),
            "chaser.whatsapp.variable": ("template_id", "name"),
            "chaser.whatsapp.template.version": ("template_id", "number"),
            "chaser.whatsapp.person": ("partner_id", "phone_e164"),
            "chaser.whatsapp.price": ("market", "category", "date_from"),
            "chaser.whatsapp.charge": ("key",),
        }
