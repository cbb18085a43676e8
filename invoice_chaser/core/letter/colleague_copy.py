"""The copy of a sent message for somebody who is not its recipient: the same words and
figures, but nothing in it stands for the customer. What its reader opens, clicks or
stops is their own doing."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from .localize import isolate
from .texts import TEXTS

_SHEET = re.compile(r'<table[^<>]{0,500}class="sheet"[^<>]{0,500}>\s{0,50}<tbody>')


@dataclass(frozen=True)
class Original:
    """What the customer was sent.

    :param token: in its pixel, tracked links and stop link
    :param page_url: the customer's own page; empty without one
    :param targets: where the tracked links lead, by position from 1
    :param recipients: whom it went to
    """

    subject: str
    html: str
    text: str
    token: str
    page_url: str
    targets: tuple[str, ...]
    recipients: tuple[str, ...]
    langs: tuple[str, ...]


def make_copy(original: Original, stop_url: str, home_url: str) -> tuple[str, str, str]:
    """Subject, HTML and text of a copy.

    :param stop_url: stops messages to the reader of the copy alone
    :param home_url: where links lead that have no other target. Those to the
        customer's page lead to the first invoice that the message links to, else there
    """
    langs = original.langs
    words = [_get_words(original.recipients, lang) for lang in langs]
    rows = "".join(
        f'<tr><td class="foot" align="{TEXTS[lang]["align"]}" lang="{lang}" '
        f'dir="{TEXTS[lang]["dir"]}" style="padding:12px 24px;font-weight:bold">'
        f"{escape(line)}</td></tr>"
        for lang, line in zip(langs, words, strict=True)
    )
    html = _replace_links(original.html, original, stop_url, home_url, escape)
    text = _replace_links(original.text, original, stop_url, home_url, str)
    return (
        TEXTS[langs[0]]["copy_subject"].format(subject=original.subject),
        _SHEET.sub(lambda found: found[0] + rows, html, count=1),
        "\n".join(words) + "\n\n" + text,
    )


def _replace_links(
    part: str, original: Original, stop_url: str, home_url: str, encode: Callable
) -> str:
    mine, targets = re.escape(original.token), original.targets
    invoice = next((url for url in targets if "/my/invoices/" in url), home_url)
    part = re.sub(rf'<img\b[^>]*/chaser/o/{mine}\.gif"[^>]*>', "", part)
    part = re.sub(rf'<a\b[^>]*/chaser/c/{mine}/0"[^>]*>\s*</a>', "", part)
    part = re.sub(
        rf"[^\s\"'<>]*/chaser/c/{mine}/(\d+)",
        lambda found: encode(_get_target(targets, int(found[1]), home_url)),
        part,
    )
    part = re.sub(
        rf"[^\s\"'<>]*/chaser/u/{mine}", lambda _found: encode(stop_url), part
    )
    if original.page_url:
        page = re.escape(encode(original.page_url)) + r"(?:#\w+)?"
        part = re.sub(page, lambda _found: encode(invoice), part)
    return part


def _get_target(targets: tuple[str, ...], position: int, home_url: str) -> str:
    return targets[position - 1] if 1 <= position <= len(targets) else home_url


def _get_words(recipients: tuple[str, ...], lang: str) -> str:
    to = ", ".join(isolate(address, lang) for address in recipients)
    return TEXTS[lang]["copy_note"].format(to=to)
