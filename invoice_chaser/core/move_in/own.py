"""The export of this addon itself: a CSV per model, with a manifest of hashes."""

import hashlib
import json
import re
from email import message_from_bytes
from email.policy import SMTP

from .problems import FileProblem

FORMAT, VERSION = "invoice_chaser.export", 1
MANIFEST = "manifest.json"
# The first column of each table: the name of the record within the export.
KEY = "chaser.key"
# In the order in which they come in again: what stops addresses first, then each model
# after those that it refers to. What refers to something later is linked afterwards.
OWN_MODELS = (
    "chaser.suppression",
    "res.company",
    "res.partner",
    "chaser.tag",
    "chaser.policy",
    "chaser.template",
    "chaser.level",
    "chaser.template.version",
    "chaser.provider",
    "chaser.holiday",
    "chaser.retention.rule",
    "chaser.segment",
    "chaser.campaign",
    "chaser.reminder",
    "chaser.reminder.line",
    "chaser.event",
    "chaser.hold",
    "chaser.promise",
    "chaser.dispute",
    "chaser.call",
    "chaser.answer",
    "chaser.inbound",
    "ir.attachment",
    "mail.message",
)
# Files of records, and messages as mails: no tables, and as many as there are.
FILES, MESSAGES = "files/", "messages/"
# Whoever has a link of a message can answer for its customer, or sees the invoice.
_LINKS = re.compile(r"(/chaser/[a-z]/|access_token(?:=|%3D))[\w-]+")
_RISKY = ("=", "+", "-", "@", "\t", "\r", "'")


def guard(text: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(text)
    return f"'{text}" if text.startswith(_RISKY) else text


def unguard(text: object) -> str:
    text = "" if text is None else str(text)
    return text[1:] if text[:1] == "'" else text


def read_manifest(raw: bytes) -> dict | None:
    """The manifest; None where it is another tool's.

    :raises FileProblem: for a version that is newer than this program
    """
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return None
    if content.get("version") != VERSION or not isinstance(content.get("files"), dict):
        raise FileProblem(
            "other_version", detail=str(content.get("version"))[:20], limit=VERSION
        )
    return content


def check_hash(manifest: dict, name: str, raw: bytes) -> None:
    """:raises FileProblem: where a table is not the one that was exported"""
    told = manifest["files"].get(name)
    if told != hashlib.sha256(raw).hexdigest():
        raise FileProblem("changed_since", detail=name)


def mask_links(text: str) -> str:
    """A text without what its links give the right to."""
    return _LINKS.sub(r"\1removed", text)


def mask_mail(raw: bytes) -> bytes:
    """A mail whose text quotes our message, without the rights of its links; any other
    byte for byte as it is."""
    mail = message_from_bytes(raw, policy=SMTP)
    is_changed = False
    for part in mail.walk():
        if part.get_content_maintype() != "text" or part.is_multipart():
            continue
        try:
            text = part.get_content()
        except (LookupError, ValueError):
            continue
        masked = mask_links(text)
        if masked != text:
            part.set_content(masked, subtype=part.get_content_subtype())
            is_changed = True
    return mail.as_bytes() if is_changed else raw
