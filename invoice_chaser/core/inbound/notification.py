"""Amazon SES' notifications where SNS sends them by e-mail: JSON in the text of a mail.

Source: "Amazon SNS notification contents for Amazon SES" (developer guide)."""

import json
from email.message import Message

from ..mail import verdict
from . import mime
from .status_block import Failure

_SENDER = "no-reply@sns.amazonaws.com"


def read_notification(mail: Message) -> tuple[str, list[Failure], list[str]] | None:
    """Kind (``bounce``, ``complaint``, ``notice``), failures and Message-IDs; None
    where the mail is no such notification."""
    if mime.sender(mail)[1] != _SENDER:
        return None
    text = mime.body(mail).lstrip()
    try:
        data, _end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    kind = str(data.get("notificationType") or data.get("eventType") or "").lower()
    ids = [
        mime.clean(str(header.get("value")), one_line=True)
        for header in _rows(_part(data, "mail"), "headers")
        if str(header.get("name")).lower() == "message-id"
    ]
    if kind == "bounce":
        rows = _rows(_part(data, "bounce"), "bouncedRecipients")
        return "bounce", [_read_row(row) for row in rows[:200]], ids
    if kind == "complaint":
        rows = _rows(_part(data, "complaint"), "complainedRecipients")
        failures = [
            Failure(address, "complained", verdict="complaint")
            for address in map(_address, rows[:200])
        ]
        return "complaint", failures, ids
    return ("notice", [], ids) if kind else None


def _read_row(row: dict) -> Failure:
    words = mime.clean(str(row.get("diagnosticCode") or ""), one_line=True)[:500]
    words = words.removeprefix("smtp; ")
    found = verdict.judge(
        str(row.get("action") or "failed"), str(row.get("status") or ""), words
    )
    return Failure(
        _address(row),
        "failed",
        found.status,
        words,
        found.verdict,
        found.widespread,
        key=found.key,
    )


def _address(row: dict) -> str:
    return next(iter(mime.find_addresses(str(row.get("emailAddress")))), "")


def _part(data: dict, name: str) -> dict:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _rows(data: dict, name: str) -> list[dict]:
    value = data.get(name)
    return (
        [row for row in value if isinstance(row, dict)]
        if isinstance(value, list)
        else []
    )
