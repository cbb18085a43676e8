import logging
import mimetypes
import re

import psycopg2.errors

from odoo import api, fields, models

from odoo.addons.invoice_chaser.core.inbound.inbound import (
    MAX_ATTACHMENT_BYTES,
    find_numbers,
)

from ...core.errors import ConnectFailed, GraphError, TooLarge
from ...core.phone import is_user_id, to_wa_id
from ...core.webhook import read_moment

_logger = logging.getLogger(__name__)
# How far back a number's reminders are looked for.
_MATCH_DAYS = 365
_MAX_TEXT, _SNIPPET = 10_000, 200
_FILES = ("image", "document", "audio", "video", "sticker")
# What a webhook carries besides what people say.
_NO_ANSWERS = ("system", "reaction", "ephemeral", "request_welcome")
_NOT_IN_A_NAME = re.compile(
    r'[\\/:*?"<>|\x00-\x1f\u200e\u200f\u202a-\u202e\u2066-\u2069]'
)


class ChaserWhatsappInbound(models.AbstractModel):
    """Takes in what customers write: finds the customer and the reminder, keeps words
    and files, and hands it to the list of incoming messages, where the same rules hold
    as for mail."""

    _name = "chaser.whatsapp.inbound"
    _description = "Incoming WhatsApp Messages"

    @api.model
    def _process_message(self, account, contact, message):
        """One message of a webhook. As superuser; a message that was taken in before
        changes nothing.

        :param account: the ``chaser.provider`` :param contact: Meta's value for the
            sender; may be empty :param message: Meta's value
        :return: the ``chaser.inbound``; empty where there is none
        """
        company = account.company_id
        Person = self.env["chaser.whatsapp.person"].with_company(company)
        Person._learn(company, {"contacts": [contact], "messages": [message]})
        Inbound = self.env["chaser.inbound"].sudo().with_company(company)
        wamid = _text(message, "id")
        if not wamid or message.get("type") in _NO_ANSWERS:
            self._note_reaction(company, message)
            return Inbound.browse()
        if Inbound._is_known(company, wamid):
            return Inbound.browse()
        sender = self._read_sender(contact, message)
        people = Person._find(company, wa_id=sender["wa_id"], user_id=sender["user_id"])
        text = _read_text(message)
        reminder, matched_by = self._match(company, people, message, text)
        partner = reminder.partner_id or self._match_partner(company, people, sender)
        values = self._prepare_values(account, message, sender, text) | {
            "state": "matched" if partner else "unmatched",
            "matched_by": matched_by or (partner and "number"),
            "reminder_id": reminder.id,
            "partner_id": partner.id,
        }
        content, missing = self._download(account, message)
        record = self._create_once(Inbound, values, content, missing)
        if record and partner:
            record._apply()
        return record

    # -- who, and about what

    @api.model
    def _read_sender(self, contact, message):
        """``wa_id``, ``user_id`` and ``name``; either of the first two may be empty."""
        profile = contact.get("profile")
        profile = profile if isinstance(profile, dict) else {}
        user_id = _text(message, "from_user_id") or _text(contact, "user_id")
        return {
            "wa_id": to_wa_id(_text(message, "from") or _text(contact, "wa_id")),
            "user_id": user_id if is_user_id(user_id) else "",
            "name": (_text(profile, "name") or _text(profile, "username"))[:100],
        }

    @api.model
    def _match(self, company, people, message, text):
        """The reminder: that whose message they answered, else by the invoices that
        they name, else the last one to the sender."""
        context = message.get("context")
        wamid = _text(context, "id") if isinstance(context, dict) else ""
        reminder = wamid and self._find_by_wamid(company, wamid)
        if reminder:
            return reminder, "reference"
        reminders = (
            self.env["chaser.reminder"]
            .sudo()
            .search(
                [
                    ("company_id", "=", company.id),
                    ("partner_id", "in", people.partner_id.ids),
                    ("state", "=", "sent"),
                    (
                        "sent_at",
                        ">",
                        fields.Datetime.subtract(
                            fields.Datetime.now(), days=_MATCH_DAYS
                        ),
                    ),
                ],
                order="sent_at desc, id desc",
                limit=100,
            )
        )
        for one in reminders:
            numbers = one.line_ids.filtered(lambda line: not line.is_credit)
            if find_numbers(text, [n for n in numbers.mapped("number") if n]):
                return one, "number"
        # One number may belong to several customers: without an invoice's number the
        # one with something open that was written to last.
        by_whatsapp = reminders.filtered(lambda one: one.channel == "whatsapp")
        return (by_whatsapp or reminders)[:1], bool(reminders) and "number"

    @api.model
    def _find_by_wamid(self, company, wamid):
        """Our reminder, or the answer of theirs that they go on with."""
        own = [("company_id", "=", company.id)]
        reminder = (
            self.env["chaser.reminder"]
            .sudo()
            .search(
                [*own, ("internet_message_id", "=", wamid)], order="id desc", limit=1
            )
        )
        inbound = self.env["chaser.inbound"].sudo()
        return reminder or inbound.search([*own, ("mail_key", "=", wamid)]).reminder_id

    @api.model
    def _match_partner(self, company, people, sender):
        """The customer of a sender who got no reminder: by our numbers, else by the
        only customer whose phone number it is, one with open invoices first."""
        partners = people.partner_id
        if not partners and sender["wa_id"]:
            found = (
                self.env["res.partner"]
                .sudo()
                .search(
                    [
                        ("phone_sanitized", "=", f"+{sender['wa_id']}"),
                        ("company_id", "in", (False, company.id)),
                    ],
                    limit=20,
                )
            )
            partners = found.commercial_partner_id
        if len(partners) > 1:
            account = self.env["chaser.account"]
            partners = partners.filtered(lambda one: account._has_open_items(one.id))
        return partners if len(partners) == 1 else partners.browse()

    # -- what is kept

    @api.model
    def _prepare_values(self, account, message, sender, text):
        words = " ".join(text.split())
        moment = read_moment(message.get("timestamp"))
        now = fields.Datetime.now()
        return {
            "company_id": account.company_id.id,
            "provider_id": account.id,
            "mail_key": _text(message, "id"),
            "kind": "whatsapp",
            "sender_name": sender["name"],
            "whatsapp_from": f"+{sender['wa_id']}" if sender["wa_id"] else False,
            "whatsapp_user_id": sender["user_id"] or False,
            "subject": self.env._("WhatsApp message"),
            "received_at": min(moment, now) if moment else now,
            "body_text": text[:_MAX_TEXT],
            "is_cut": len(text) > _MAX_TEXT,
            "snippet": words
            if len(words) <= _SNIPPET
            else words[: _SNIPPET - 1].rstrip() + "…",
        }

    @api.model
    def _download(self, account, message):
        """The file of a message as (name, bytes) or None, and the name of one that is
        not kept."""
        kind = message.get("type")
        info = message.get(kind) if kind in _FILES else None
        if not isinstance(info, dict) or not info.get("id"):
            return None, ""
        name = _make_file_name(kind, info)
        try:
            with account._get_whatsapp_client__() as client:
                media = client.get_media(_text(info, "id"))
                size = media.get("file_size")
                if isinstance(size, int) and size > MAX_ATTACHMENT_BYTES:
                    return None, name
                content = client.download_media(
                    str(media.get("url") or ""), MAX_ATTACHMENT_BYTES
                )
        except TooLarge:
            return None, name
        except (ConnectFailed, GraphError) as error:
            _logger.info("A file of a WhatsApp message could not be read: %s", error)
            return None, name
        return (name, content), ""

    @api.model
    def _create_once(self, Inbound, values, content, missing):
        try:
            with self.env.cr.savepoint():
                record = Inbound.create(values | {"left_out": missing or False})
        except psycopg2.errors.UniqueViolation:
            _logger.info("The same message was taken in by another process")
            return Inbound.browse()
        if content:
            # It belongs to the record: who may not read that may not read it.
            self.env["ir.attachment"].sudo().create(
                {
                    "name": content[0],
                    "raw": content[1],
                    "res_model": record._name,
                    "res_id": record.id,
                }
            )
        return record

    @api.model
    def _note_reaction(self, company, message):
        """A thumb up is no answer, but the accountant may want to know."""
        reaction = message.get("reaction")
        if message.get("type") != "reaction" or not isinstance(reaction, dict):
            return
        reminder = self._find_by_wamid(company, _text(reaction, "message_id"))
        emoji = _text(reaction, "emoji")[:10]
        if reminder and emoji:
            reminder.partner_id._for_chaser(company)._message_log(
                body=self.env._("Reaction to our WhatsApp message: %s", emoji)
            )


def _text(row, name):
    value = row.get(name) if isinstance(row, dict) else None
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value).replace("\0", "")
    return ""


def _read_text(message):
    """What somebody wrote, whatever kind of message it came in."""
    kind = message.get("type")
    part = message.get(kind) if isinstance(message.get(kind), dict) else {}
    if kind == "text":
        return _text(part, "body")
    if kind == "button":
        return _text(part, "text")
    if kind == "interactive":
        inner = part.get(_text(part, "type"))
        return _text(inner, "title") or _text(inner, "body")
    if kind == "location":
        return ", ".join(
            filter(
                None,
                (_text(part, "name"), _text(part, "address"), _read_point(part)),
            )
        )
    return _text(part, "caption")


def _read_point(part):
    numbers = [part.get("latitude"), part.get("longitude")]
    if all(isinstance(one, (int, float)) for one in numbers):
        return f"{numbers[0]}, {numbers[1]}"
    return ""


def _make_file_name(kind, info):
    """A name for the file; what a customer calls it may hold anything."""
    name = _NOT_IN_A_NAME.sub("", _text(info, "filename")).strip(". ")[:100]
    if name:
        return name
    mimetype = _text(info, "mime_type").partition(";")[0].strip()
    return f"{kind}{mimetypes.guess_extension(mimetype) or ''}"
