"""Addresses as people enter them, checked and cleaned once, before anything is planned.

A field may hold several, with names, and characters that nobody sees: Arabic text
brings marks of direction, copied tables bring spaces of no width. A domain in other
letters is written in ASCII (RFC 5891); other letters before the @ would need SMTPUTF8
(RFC 6531), which few servers take. Lengths: RFC 5321 §4.5.3.1.
"""

import re
import unicodedata
from dataclasses import dataclass

import idna

_MAX_FIELD = 5000
_MAX_ADDRESSES = 50
# Letters of RFC 5322 (atext), with the dot.
_LOCAL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_LOOKALIKES = str.maketrans(
    {
        "＠": "@",
        "﹫": "@",
        "．": ".",
        "。": ".",
        "｡": ".",
        "،": ",",
        "；": ";",
        "؛": ";",
    }
)


@dataclass(frozen=True)
class Address:
    """``address``: as it is written to, lower case; empty where it cannot be.
    ``problem``: then why: ``form``, ``local``, ``domain`` or ``quoted``."""

    text: str
    address: str = ""
    problem: str = ""


def read_addresses(field: str) -> list[Address]:
    """Every address of a field, each for itself, in order, each once."""
    found = {}
    for text in _split(_clean(field[:_MAX_FIELD]))[:_MAX_ADDRESSES]:
        address = _read(text)
        found.setdefault(address.address or address.text, address)
    return list(found.values())


def clean_addresses(field: str) -> list[str]:
    """Those of a field that can be written to."""
    return [found.address for found in read_addresses(field) if found.address]


def clean_address(field: str) -> str:
    """The only address of a field; empty where there is none, or more than one."""
    found = read_addresses(field)
    return found[0].address if len(found) == 1 else ""


def _clean(field: str) -> str:
    """Without what nobody sees."""
    field = field.translate(_LOOKALIKES)
    return "".join(
        " " if unicodedata.category(char) in ("Zs", "Zl", "Zp", "Cc") else char
        for char in field
        if unicodedata.category(char) != "Cf"
    )


def _split(field: str) -> list[str]:
    """At commas, semicolons and spaces between addresses, not inside quotes."""
    pieces, current, is_quoted = [], "", False
    for char in field:
        is_quoted ^= char == '"'
        if char in ",;" and not is_quoted:
            pieces.append(current)
            current = ""
        else:
            current += char
    pieces.append(current)
    return [text for piece in pieces for text in _split_piece(piece.strip()) if text]


def _split_piece(piece: str) -> list[str]:
    """One address with or without a name; several with only spaces between them."""
    bracketed = re.findall(r"<([^<>]*)>", piece)
    if bracketed:
        return [text.strip() for text in bracketed]
    if '"' in piece or piece.count("@") < 2:
        words = piece.split()
        # A name without brackets: "Ali a@b.example".
        named = [word for word in words if "@" in word]
        return named if len(named) == 1 and '"' not in piece else [piece]
    return piece.split()


def _read(text: str) -> Address:
    plain = text.strip("'()[]").removeprefix("mailto:").strip()
    local, at, domain = plain.rpartition("@")
    if not at or not local or not domain:
        return Address(text, problem="form")
    if local.startswith('"') and local.endswith('"') and _LOCAL.fullmatch(local[1:-1]):
        local = local[1:-1]  # quoted for no reason
    if '"' in local:
        return Address(text, problem="quoted")
    if not local.isascii():
        return Address(text, problem="local")
    if not _LOCAL.fullmatch(local) or len(local) > 64:
        return Address(text, problem="form")
    domain = _read_domain(domain)
    if not domain:
        return Address(text, problem="domain")
    return Address(text, f"{local.lower()}@{domain}")


def _read_domain(domain: str) -> str:
    """In ASCII, lower case, without the dot of the root; empty when it is none."""
    domain = domain.strip().rstrip(".").lower()
    if len(domain) > 253:
        return ""
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return ""
    labels = domain.split(".")
    is_name = len(domain) <= 253 and all(map(_LABEL.fullmatch, labels))
    return domain if is_name and not labels[-1].isdigit() else ""


def hint_address(email: str) -> str:
    """Enough for its owner to know it again: first letter and domain; of another
    channel's address (a number) its end."""
    local, at, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}" if at else f"…{email[-3:]}"
