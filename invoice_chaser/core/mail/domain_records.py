"""What the records of a sender's domain say to the servers that take its mail: SPF (RFC
7208), DKIM (RFC 6376) and DMARC (RFC 7489), read from the text that a person pastes.
Pure; no name is looked up."""

import base64
import binascii
import re
from dataclasses import dataclass, field

GOOD, WARNING, ERROR = "good", "warning", "error"
# RFC 7208 §4.6.4: terms that make the receiver ask again, ten at most.
_LOOKUPS = re.compile(r"^[+?~-]?(?:include:|a(?:[:/]|$)|mx(?:[:/]|$)|ptr|exists:)")
_MOST_LOOKUPS = 10
# What has to be in the record for mail of a service, by its server's name.
_SERVICES = (
    (re.compile(r"gmail|google", re.I), "_spf.google.com"),
    (re.compile(r"office365|outlook", re.I), "spf.protection.outlook.com"),
    (re.compile(r"amazonaws|amazonses", re.I), "amazonses.com"),
    (re.compile(r"zoho", re.I), "zoho"),
)
# Bytes of an RSA key of 1024 and of 2048 bits in the form of the record, roughly.
_SHORT_KEY, _GOOD_KEY = 150, 270


@dataclass(frozen=True)
class Finding:
    """``record``: ``spf``, ``dkim`` or ``dmarc``; ``code`` is the key of a sentence."""

    record: str
    severity: str
    code: str
    params: dict = field(default_factory=dict)


def read_records(text: str, start: str) -> list[str]:
    """The records of one kind in a pasted text: with or without quotes, host names and
    types before them, one value cut into several quoted pieces."""
    joined = re.sub(r'"\s+"', "", text.replace("\r", ""))
    found = []
    for line in joined.replace('"', "\n").split("\n"):
        at = line.lower().find(start)
        if at >= 0:
            found.append(" ".join(line[at:].split()))
    return found


def explain(spf: str, dkim: str, dmarc: str, host: str = "") -> list[Finding]:
    """Findings on all three, in this order.

    :param host: the server that the mailbox sends through; what its service needs in
        the SPF record is looked for
    """
    return [*explain_spf(spf, host), *explain_dkim(dkim), *explain_dmarc(dmarc)]


def explain_spf(text: str, host: str = "") -> list[Finding]:
    records = [
        one
        for one in read_records(text, "v=spf1")
        if re.match(r"v=spf1( |$)", one, re.I)
    ]
    if len(records) != 1:
        code = "spf_many" if records else "spf_missing"
        return [Finding("spf", ERROR, code, {"count": len(records)})]
    terms = records[0].lower().split()[1:]
    found = []
    lookups = sum(
        bool(_LOOKUPS.match(term)) or term.startswith("redirect=") for term in terms
    )
    if lookups > _MOST_LOOKUPS:
        found.append(Finding("spf", ERROR, "spf_lookups", {"count": lookups}))
    needed = next((name for pattern, name in _SERVICES if pattern.search(host)), "")
    if needed and not any(needed in term for term in terms):
        found.append(Finding("spf", ERROR, "spf_service", {"name": needed}))
    end = next((term for term in terms if term.lstrip("+?~-") == "all"), "")
    if end in ("all", "+all"):
        found.append(Finding("spf", ERROR, "spf_everybody"))
    elif end == "?all" or (
        not end and not any(term.startswith("redirect=") for term in terms)
    ):
        found.append(Finding("spf", WARNING, "spf_open"))
    return found or [Finding("spf", GOOD, "spf_good")]


def explain_dkim(text: str) -> list[Finding]:
    tags = _read_tags(_first(read_records(text, "v=dkim1")) or _bare_key(text))
    if "p" not in tags:
        return [Finding("dkim", ERROR, "dkim_missing")]
    if not tags["p"]:
        return [Finding("dkim", ERROR, "dkim_revoked")]
    try:
        key = base64.b64decode(re.sub(r"\s", "", tags["p"]), validate=True)
    except (binascii.Error, ValueError):
        return [Finding("dkim", ERROR, "dkim_broken")]
    found = []
    if tags.get("k", "rsa").lower() == "rsa":
        if len(key) < _SHORT_KEY:
            found.append(Finding("dkim", ERROR, "dkim_short"))
        elif len(key) < _GOOD_KEY:
            found.append(Finding("dkim", WARNING, "dkim_old"))
    if "y" in tags.get("t", "").lower().split(":"):
        found.append(Finding("dkim", WARNING, "dkim_test"))
    return found or [Finding("dkim", GOOD, "dkim_good")]


def explain_dmarc(text: str) -> list[Finding]:
    records = read_records(text, "v=dmarc1")
    if len(records) != 1:
        code = "dmarc_many" if records else "dmarc_missing"
        return [Finding("dmarc", ERROR, code, {"count": len(records)})]
    tags = _read_tags(records[0])
    policy = tags.get("p", "").lower()
    if policy not in ("none", "quarantine", "reject"):
        return [Finding("dmarc", ERROR, "dmarc_broken")]
    found = []
    if policy == "none":
        found.append(Finding("dmarc", WARNING, "dmarc_none"))
    if "rua" not in tags:
        found.append(Finding("dmarc", WARNING, "dmarc_silent"))
    return found or [Finding("dmarc", GOOD, "dmarc_good", {"policy": policy})]


def _first(records: list[str]) -> str:
    return records[0] if records else ""


def _bare_key(text: str) -> str:
    """A record may leave out its version (RFC 6376 §3.6.1)."""
    return _first([one for one in read_records(text, "k=rsa")])


def _read_tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, sign, value in pairs if sign}
