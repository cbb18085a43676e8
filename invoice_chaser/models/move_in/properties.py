"""A tool's own fields, as Odoo's properties on the contact: the ones that Odoo's
contact form shows and lets a user rename, so that no field has to be made for them."""

import hashlib


class CustomFields:
    def __init__(self, env):
        self.env, self._names = env, None

    def _get_definition(self):
        """The record that holds the definitions of all contacts (Odoo has one for all
        companies)."""
        Base = self.env["properties.base.definition"].sudo()
        return Base._get_definition_for_property_field("res.partner", "properties")

    @property
    def names(self):
        """Label in small letters → name of the property."""
        if self._names is None:
            self._names = {
                (one.get("string") or "").casefold(): one["name"]
                for one in self._get_definition().properties_definition or []
                if one.get("type") in ("char", "text")
            }
        return self._names

    def _make(self, labels):
        missing = [label for label in labels if label.casefold() not in self.names]
        if not missing:
            return
        definition = self._get_definition()
        known = list(definition.properties_definition or [])
        for label in missing:
            name = (
                "chaser_" + hashlib.sha256(label.casefold().encode()).hexdigest()[:12]
            )
            known.append({"name": name, "string": label, "type": "char"})
            self._names[label.casefold()] = name
        definition.properties_definition = known

    def _read(self, partner):
        """Name → value."""
        return dict(partner.properties._values or {}) if partner else {}

    def compare(self, partner, told, replace):
        """Of what a file says: what is empty here, or differs and shall be replaced."""
        if not told:
            return {}
        here = self._read(partner)
        changed = {}
        for label, value in told.items():
            known = here.get(self.names.get(label.casefold(), ""))
            if str(known or "") != value and (replace or not known):
                changed[label] = value
        return changed

    def prepare(self, partner, told):
        """The value of ``properties`` with these in it."""
        self._make(told)
        here = {name: value for name, value in self._read(partner).items() if value}
        return here | {
            self.names[label.casefold()]: value for label, value in told.items()
        }
