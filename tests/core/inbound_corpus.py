"""Mail as real systems write it, invented, with the right answer beside each: what the
understanding of incoming mail is measured by (``benchmarks/run understanding``).

Three parts: :mod:`corpus_reports`, :mod:`corpus_replies`, :mod:`corpus_machines`. The
forms follow the systems' own (their texts, headers and layouts); addresses, names and
amounts are invented.
"""

import base64
from collections import Counter
from dataclasses import dataclass, field
from email.header import Header

OUR_ID = "<chaser.00112233445566778899aabbccddeeff@pop.example>"
US = "accounts@pop.example"
SUBJECT = "Payment reminder: INV/2026/00012"
LINE = "Our records show 3 invoices over AED 48,200.00 that are 12 days overdue."


@dataclass(frozen=True)
class Sample:
    """``kind``: what ``core.inbound`` must call it. Of a report: ``failures``, a
    verdict for each recipient. Of a person's mail: ``own``, lines that must be shown,
    and ``quoted``, lines of ours that need not."""

    name: str
    raw: bytes
    kind: str
    failures: dict[str, str] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    quoted: tuple[str, ...] = ()
    # It contains our Message-ID, so that the reminder is known.
    is_referring: bool = True


def encode(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8", maxlinelen=900).encode()


def mail(headers: dict[str, str], body: str, charset: str = "utf-8") -> bytes:
    """A mail of one part, or of the parts that the body already holds."""
    head = "".join(f"{name}: {encode(value)}\r\n" for name, value in headers.items())
    if "Content-Type" not in headers:
        head += f"Content-Type: text/plain; charset={charset}\r\n"
    return (
        head.encode() + b"\r\n" + body.replace("\n", "\r\n").encode(charset, "replace")
    )


def part(kind: str, text: str, more: str = "") -> str:
    return f"Content-Type: {kind}\n{more}\n{text}\n"


def base64_part(kind: str, text: str) -> str:
    data = base64.encodebytes(text.encode()).decode()
    return part(kind, data, "Content-Transfer-Encoding: base64\n")


def multipart(kind: str, *parts: str, boundary: str = "b1") -> tuple[str, str]:
    """The value of the header Content-Type, and the body."""
    body = "".join(f"--{boundary}\n{entry}" for entry in parts) + f"--{boundary}--\n"
    return f'multipart/{kind}; boundary="{boundary}"', body


def original(to: str, message_id: str = OUR_ID) -> str:
    """Our message as a report returns it."""
    return (
        f"Return-Path: <{US}>\nReceived: by mx.pop.example with ESMTP id 4Zx1\n"
        f"From: POP Trading <{US}>\nTo: {to}\nSubject: {SUBJECT}\n"
        f"Message-ID: {message_id}\nDate: Sun, 03 May 2026 10:15:00 +0400\n\n{LINE}\n"
    )


# -- how well it is understood


def count_reports(read, samples) -> Counter:
    """Of failed recipients: (right verdict, verdict found) → how many; ``missing``
    where the recipient was not found. ``lost``: reports with our Message-ID whose
    reminder is not known."""
    counts = Counter()
    for sample in samples:
        found = read(sample.raw)
        said = {
            address: failure.verdict
            for failure in found.failures
            for address in failure.addresses
        }
        for address, right in sample.failures.items():
            counts[right, said.get(address, "missing")] += 1
        for address in said.keys() - sample.failures.keys():
            counts["nobody", said[address]] += 1
        if sample.is_referring and OUR_ID not in found.references:
            counts["lost", "lost"] += 1
    return counts


def count_kinds(read, samples) -> Counter:
    """(right kind, kind found) → how many."""
    return Counter((sample.kind, read(sample.raw).kind) for sample in samples)


def find_lost_words(read, samples) -> dict[str, list[str]]:
    """Sample → lines of their own that are not shown."""
    return _find(read, samples, lambda sample, text: _missing(sample.own, text))


def find_shown_quotes(read, samples) -> dict[str, list[str]]:
    """Sample → lines of ours that are shown as if they were theirs."""

    def shown(sample, text):
        return [line for line in sample.quoted if line not in _missing([line], text)]

    return _find(read, samples, shown)


def _find(read, samples, look) -> dict[str, list[str]]:
    found = {sample.name: look(sample, read(sample.raw).text) for sample in samples}
    return {name: lines for name, lines in found.items() if lines}


def _missing(lines, text: str) -> list[str]:
    words = " ".join(text.split())
    return [line for line in lines if " ".join(line.split()) not in words]
