"""What a person wrote himself, without the mail he answers to: English and Arabic habits."""

import re

from mailparser_reply import EmailReplyParser

_MAX = 20_000
_WIDTH = 400
_JOINT = "\u2060"  # word joiner: where a long line was cut, put together again afterwards

# «في الأحد، 3 مايو 2026 في 10:15 ص كتب … :» (Gmail, Apple) in one line or wrapped over two.
_ARABIC_WROTE = re.compile(
    r"^[>\s\u200e\u200f\u202a-\u202e\u2066-\u2069]*(?:في|بتاريخ|يوم)\s[^\n]{3,200}(?:\n[^\n]{0,200})?(?:كتب|كتبت|كتبه)[^\n]{0,200}:?\s*$",
    re.M)
# «من: … تم الإرسال: … إلى: … الموضوع: …» (Outlook): two of them in neighbouring lines.
_ARABIC_FROM = re.compile(
    r"^[>*\s\u200e\u200f]*(?:من|المرسل)\s?:[^\n]*\n+[>*\s\u200e\u200f]*(?:تم الإرسال|أُرسلت|التاريخ|إلى|تاريخ الإرسال)\s?:", re.M)
_ARABIC_ORIGINAL = re.compile(r"^[\s>_-]*(?:الرسالة الأصلية|رسالة أصلية|رسالة معاد توجيهها)[\s_-]*$", re.M)
# The same of our own mail, should a program quote without a word of its own.
_RULE = re.compile(r"^_{10,}\s*$|^-{2,}\s*Original Message\s*-{2,}\s*$", re.M | re.I)


def strip_quote(text: str) -> str:
    """The reply alone; the whole text where nothing would remain (a person may write below or inside the quote).

    :param text: plain text of a mail, any line ends; only the first 20,000 characters are looked at
    """
    text = text[:_MAX].strip()
    short = text
    for pattern in (_ARABIC_WROTE, _ARABIC_FROM, _ARABIC_ORIGINAL, _RULE):
        found = pattern.search(short)
        if found:
            short = short[: found.start()].rstrip()
    if short:
        short = _unwrap(EmailReplyParser(languages=["en"]).parse_reply(_wrap(short)) or "")
    own = _drop_quoted(short)
    return own or _drop_quoted(text) or text


def _drop_quoted(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(">")).strip()


def _wrap(text: str) -> str:
    """Lines of bounded length: the library's patterns take time with the square of a line."""
    lines = []
    for line in text.split("\n"):
        while len(line) > _WIDTH:
            lines.append(line[:_WIDTH] + _JOINT)
            line = line[_WIDTH:]
        lines.append(line)
    return "\n".join(lines)


def _unwrap(text: str) -> str:
    return text.replace(_JOINT + "\n", "").replace(_JOINT, "")
