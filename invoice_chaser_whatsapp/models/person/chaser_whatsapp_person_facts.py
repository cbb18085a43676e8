from datetime import timedelta

from odoo import api, fields, models

from ...core.phone import is_user_id, to_wa_id
from .chaser_whatsapp_person import BLOCK_REASONS

# How often WhatsApp must say that it does not deliver before we believe it: it says so
# now and then of accounts that are well (error 131026).
_UNDELIVERABLE = 2
# So long nothing is tried after WhatsApp has kept a message from somebody (errors
# 131049, 130472): Meta asks for 24 hours at least.
_REST = timedelta(hours=24)


class ChaserWhatsappPerson(models.Model):
    """What WhatsApp and the customer tell of an account: how it is spelled, that it has
    changed, that it wants no more messages, that it cannot be reached."""

    _inherit = "chaser.whatsapp.person"  # pylint: disable=consider-merging-classes-inherited  # facts from outside

    @api.model
    def _learn(self, company, value):
        """Keeps what a webhook tells about accounts: how WhatsApp spells a number,
        which user it is, and that a number or user id has changed. As superuser.

        :param value: ``value`` of a change of field ``messages``, as it came
        """
        for contact in _get_dicts(value, "contacts"):
            self._learn_contact(company, contact)
        for message in _get_dicts(value, "messages"):
            if message.get("type") == "system" and isinstance(
                message.get("system"), dict
            ):
                self._learn_change(company, message)

    @api.model
    def _learn_contact(self, company, contact):
        user_id = _get_text(contact, "user_id")
        people = self._find(
            company,
            wa_id=_get_text(contact, "wa_id"),
            user_id=user_id,
            phone=_get_text(contact, "input"),
        )
        profile = contact.get("profile")
        username = _get_text(profile, "username") if isinstance(profile, dict) else ""
        known = {
            "sent_to": _get_text(contact, "input"),
            "wa_id": to_wa_id(_get_text(contact, "wa_id")),
            "user_id": user_id if is_user_id(user_id) else "",
            "username": username,
        }
        for person in people:
            new = {
                name: value
                for name, value in known.items()
                if value and person[name] != value
            }
            # The number is known by a record of its own already.
            if new.get("user_id") and people.filtered(
                lambda one, new=new, person=person: one != person
                and one.partner_id == person.partner_id
                and one.user_id == new["user_id"]
            ):
                del new["user_id"]
            if new:
                person.write(new)

    @api.model
    def _learn_change(self, company, message):
        """``user_changed_number`` and ``user_changed_user_id``: the same person, so the
        consent stays; the change is noted for colleagues to see."""
        system = message["system"]
        people = self._find(
            company,
            wa_id=_get_text(message, "from"),
            user_id=_get_text(message, "from_user_id"),
        )
        number = to_wa_id(_get_text(system, "new_wa_id") or _get_text(system, "wa_id"))
        user_id = _get_text(system, "new_user_id") or _get_text(system, "user_id")
        for person in people:
            values = {}
            if number and not person._is_taken("phone_e164", f"+{number}"):
                values |= {"wa_id": number, "phone_e164": f"+{number}"}
            if is_user_id(user_id) and not person._is_taken("user_id", user_id):
                values["user_id"] = user_id
            if not values:
                continue
            before = person._get_address()
            person._write_as_reported(values)
            person._adopt_stop()
            person.partner_id._for_chaser(person.company_id)._message_log(
                body=self.env._(
                    "The WhatsApp account %(before)s is now %(after)s, as WhatsApp "
                    "reports.",
                    before=before,
                    after=person._get_address(),
                )
            )

    def _is_taken(self, name, value):
        return bool(
            self.search_count(
                [
                    ("id", "!=", self.id),
                    ("company_id", "=", self.company_id.id),
                    ("partner_id", "=", self.partner_id.id),
                    (name, "=", value),
                ],
                limit=1,
            )
        )

    def _stop(self, source, words, moment=None):
        """They want no more messages: for every customer whose number it is. Once; the
        first words stay. As superuser.

        :param source: where the wish came from, in the user's language
        :param words: what they wrote :param moment: UTC
        :return: the records that were not stopped yet
        """
        everyone = self.browse()
        for person in self:
            everyone |= person._get_twins()
        new = everyone.filtered(lambda person: person.state != "opted_out")
        new._by_program().write(
            {
                "opt_out_date": moment or fields.Datetime.now(),
                "opt_out_source": source,
                "opt_out_text": words,
            }
        )
        return new

    def _note_undeliverable(self, code):
        """WhatsApp says that it does not deliver to the account; after the second time
        in a row nothing more is tried. As superuser.

        :param code: Meta's error code, for the note
        """
        for person in self:
            person.undeliverable_count += 1
            if person.undeliverable_count >= _UNDELIVERABLE and not person.blocked_at:
                person._block("undeliverable", self.env._("Error %s", code))

    def _rest(self):
        """WhatsApp keeps messages from them for now; the number is not to blame."""
        self._by_program().write({"rests_until": fields.Datetime.now() + _REST})

    def _note_delivered(self):
        self.filtered(
            lambda person: person.undeliverable_count or person.rests_until
        )._by_program().write({"undeliverable_count": 0, "rests_until": False})

    def _block(self, reason, words=""):
        self._by_program().write(
            {"blocked_at": fields.Datetime.now(), "reason": reason}
        )
        for person in self:
            sentence = dict(BLOCK_REASONS)[reason]
            labels = dict(self._fields["reason"]._description_selection(self.env))
            person._message_log(
                body=": ".join(filter(None, (labels.get(reason, sentence), words)))
            )


def _get_dicts(value, name):
    """The dictionaries in a list of a webhook; whatever else is there is left out."""
    rows = value.get(name) if isinstance(value, dict) else None
    rows = rows if isinstance(rows, list) else []
    return [row for row in rows if isinstance(row, dict)]


def _get_text(row, name):
    value = row.get(name)
    return value if isinstance(value, str) else ""
