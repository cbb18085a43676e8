"""The JSON of a message, as ``POST /{phone_id}/messages`` takes it.

Source: Meta, "Send messages" (template, text) and "Business-scoped user ids"."""

import re
from collections.abc import Iterable

# What Meta repeats in each report about a message.
CALLBACK_LIMIT = 512
# Business-scoped user id: the country, and letters and digits. Never reduced to
# digits.
USER_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
_BREAKS = re.compile(r"[\n\r\t\u2028\u2029]+| {4,}")


def is_user_id(value: str) -> bool:
    return bool(USER_ID.fullmatch(value or ""))


def clean_value(text: str) -> str:
    """A value of a template's variable: Meta refuses line breaks, tabs and more than
    three blanks in a row, and an empty value."""
    return _BREAKS.sub(" ", text or "").strip() or "-"


def make_recipient(address: str) -> dict:
    """``to`` for a number in E.164, ``recipient`` for somebody of whom only the user
    id is known.

    :raises ValueError: for neither
    """
    if is_user_id(address):
        return {"recipient": address}
    if not re.fullmatch(r"\+[1-9]\d{6,14}", address or ""):
        raise ValueError(f"neither a number nor a user id: {address!r}")
    return {"to": address}


def _make_message(address, kind, callback):
    message = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **make_recipient(address),
        "type": kind,
    }
    if callback:
        if len(callback) > CALLBACK_LIMIT:
            raise ValueError("the callback data is too long")
        message["biz_opaque_callback_data"] = callback
    return message


def make_template(
    address: str, name: str, language: str, components: Iterable, callback: str = ""
) -> dict:
    """A template message. ``language``: exactly the code that was approved (``en`` is
    not ``en_US``)."""
    template = {
        "name": name,
        "language": {"policy": "deterministic", "code": language},
        "components": list(components),
    }
    return _make_message(address, "template", callback) | {"template": template}


def make_text(address: str, text: str, reply_to: str = "", callback: str = "") -> dict:
    """Free text, which Meta takes for 24 hours after the person's last message.
    ``reply_to``: the wamid that it answers."""
    context = {"context": {"message_id": reply_to}} if reply_to else {}
    return (
        _make_message(address, "text", callback)
        | context
        | {"text": {"preview_url": False, "body": text}}
    )


def make_document_header(media_id: str, filename: str) -> dict:
    """The header component that carries a PDF."""
    document = {"id": media_id, "filename": filename}
    return {
        "type": "header",
        "parameters": [{"type": "document", "document": document}],
    }


def make_body(values: dict[str, str]) -> dict:
    """The body component: named variables with their values."""
    return {
        "type": "body",
        "parameters": [
            {"type": "text", "parameter_name": name, "text": clean_value(value)}
            for name, value in values.items()
        ],
    }


def make_url_button(suffix: str, index: int = 0) -> dict:
    """The button whose address ends in ``suffix``."""
    return {
        "type": "button",
        "sub_type": "url",
        "index": str(index),
        "parameters": [{"type": "text", "text": suffix}],
    }


def set_media(components: Iterable[dict], media_id: str, filename: str) -> list[dict]:
    """The components with the uploaded file in their header of kind document; the
    given ones are not changed."""
    header = make_document_header(media_id, filename)
    return [
        header,
        *(one for one in components if one.get("type") != "header"),
    ]
