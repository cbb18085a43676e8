"""What Meta refuses in a message template, found before it is submitted.

A refusal takes up to a day, a template may be edited once a day, and many refusals cost
an account its standing. Limits: Meta, "Template components" and "Template review".
Pure; the words for people are made in ``chaser.whatsapp.template``.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MAX_HEADER, MAX_BODY, MAX_FOOTER, MAX_BUTTON, MAX_URL = 60, 1024, 60, 25, 2000
MAX_NAME, MAX_EMOJI = 512, 10
# Fixed words that each variable needs around it: 2 × variables + 1 (error 2388293).
_WORDS_PER_VARIABLE = 2
# Codes of languages that Meta knows, as far as our two languages go.
LANGUAGES = {
    "en": ("en", "en_US", "en_GB", "en_AE", "en_AU", "en_CA", "en_IN", "en_ZA"),
    "ar": ("ar", "ar_AE", "ar_EG", "ar_LB", "ar_MA", "ar_QA"),
}

_NAME = re.compile(r"[a-z0-9_]+")
VARIABLE = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")
_BRACES = re.compile(r"\{\{|\}\}")
_WORD = re.compile(r"[^\W_]+", re.U)
_EMOJI = re.compile(
    "[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff\U0001fc00-\U0001ffff]"
)
_MARKUP = re.compile(r"[*_~`]")
# Links to WhatsApp itself, and short links: nobody sees where they lead.
_SHORTENERS = ("wa.me", "bit.ly", "tinyurl.com", "t.co", "goo.gl", "is.gd", "ow.ly")
_LINK = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, _SHORTENERS))})\b", re.I)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{2,4}){3,8}\b")
# Phone numbers have at most ten digits without "+" or "00"; a TRN of the UAE has
# fifteen and begins with 100 (Federal Tax Authority).
_LONG_NUMBER = re.compile(
    r"(?<![\d+])(?!00|100(?:[ -]?\d){12}(?!\d))\d(?:[ -]?\d){10,}"
)
_ARABIC, _LATIN = re.compile("[\u0621-\u064a]"), re.compile("[A-Za-z]")
# Words of selling, by which Meta makes a utility template a marketing one.
_SELLING = re.compile(
    r"\b(?:special|exclusive|limited[- ]time|new) offers?\b|\bdiscounts?\b"
    r"|\b\d+ ?% off\b"
    r"|\bupgrades?\b|\bpromo(?:tion|tions|tional)?\b|\bsale\b|\bcoupons?\b|\bvouchers?\b"
    r"|\bloyalty\b|\bbuy now\b|\bcashback\b|\bfree gift\b|\brefer a friend\b"
    r"|(?<!\w)(?:عرض خاص|عروض|عروضنا|تخفيض(?:ات)?|خصم(?:ًا|ا)?|خصومات|ترقية|قسيمة|كوبون"
    r"|تنزيلات|لفترة محدودة|اشتر الآن|ولائكم|استرداد نقدي|هدية مجانية)(?!\w)",
    re.I,
)
# Merge tags that would put a bank account into the message.
_ACCOUNT_TAGS = frozenset(("iban", "bic", "account_holder", "bank_name"))

Wording = Callable[[str, str], Iterable[tuple[str, str]]]


@dataclass(frozen=True)
class Draft:
    """A template as it would be submitted. ``samples``: variable → sample value;
    ``sources``: variable → our merge tag that fills it. ``language`` is Meta's code,
    ``lang`` ours (``en`` or ``ar``). ``header_kind``: ``none``, ``text`` or
    ``document``."""

    name: str
    language: str
    lang: str
    body: str
    category: str = "utility"
    header_kind: str = "none"
    header: str = ""
    footer: str = ""
    button: str = ""
    url: str = ""
    samples: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> list[str]:
        """Those of the body, each once, in their order."""
        return list(dict.fromkeys(VARIABLE.findall(self.body)))


@dataclass(frozen=True)
class Refusal:
    """``code`` says what is wrong, ``place`` where: ``name``, ``language``, ``header``,
    ``body``, ``footer``, ``button``, ``url``; ``detail`` the words or number in
    question."""

    code: str
    place: str
    detail: str = ""


def find_refusals(
    draft: Draft, find_wording: Wording, others: Iterable[Draft] = ()
) -> list[Refusal]:
    """Everything that Meta would refuse, or make marketing of.

    :param find_wording: (text, language) → (topic, words found); the addon's own search
    for threats, interest, fees and religion
    :param others: the account's other templates, for duplicates
    """
    found = _check_name(draft)
    found += _check_body(draft)
    found += _check_header(draft)
    found += _check_footer(draft)
    found += _check_button(draft)
    found += _check_words(draft, find_wording)
    found += [
        Refusal("duplicate", "body", other.name)
        for other in others
        if (other.name, other.language) != (draft.name, draft.language)
        and _squeeze(other.body + other.footer) == _squeeze(draft.body + draft.footer)
    ]
    return list(dict.fromkeys(found))


def clean_value(value: str) -> str:
    """A value as Meta takes it for a variable: without newline and tab, and never with
    four blanks in a row (error 132018)."""
    return " ".join(str(value).split())


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables filled in, as the customer will read it."""
    return VARIABLE.sub(lambda match: values[match[1]], text)


def _squeeze(text: str) -> str:
    return " ".join(text.split()).casefold()


def _check_name(draft: Draft) -> list[Refusal]:
    found = []
    if not _NAME.fullmatch(draft.name) or len(draft.name) > MAX_NAME:
        found.append(Refusal("bad_name", "name", draft.name))
    if draft.language not in LANGUAGES.get(draft.lang, ()):
        found.append(Refusal("unknown_language", "language", draft.language))
    return found


def _check_length(text: str, limit: int, place: str) -> list[Refusal]:
    if len(text) > limit:
        return [Refusal("too_long", place, f"{len(text)} / {limit}")]
    return []


def _check_braces(text: str, place: str) -> list[Refusal]:
    """Braces that are no variable: {{1}}, {{ name }}, {{Name}}, {{name}."""
    rest = VARIABLE.sub("", text)
    if _BRACES.search(rest) or "{" in rest or "}" in rest:
        return [Refusal("bad_variable", place, _show_brace(rest))]
    return []


def _show_brace(rest: str) -> str:
    at = min(rest.find(one) for one in "{}" if one in rest)
    return rest[at : at + 30]


def _check_body(draft: Draft) -> list[Refusal]:
    text = draft.body
    if not text.strip():
        return [Refusal("empty", "body")]
    found = _check_length(text, MAX_BODY, "body") + _check_braces(text, "body")
    if "\n\n\n" in text.replace("\r", ""):
        found.append(Refusal("many_newlines", "body"))
    if "\t" in text or "    " in text:
        found.append(Refusal("many_blanks", "body"))
    if len(_EMOJI.findall(text)) > MAX_EMOJI:
        found.append(Refusal("many_emoji", "body", str(MAX_EMOJI)))
    return found + _check_variables(draft)


def _check_variables(draft: Draft) -> list[Refusal]:
    text, found = draft.body.strip(), []
    pieces = VARIABLE.split(text)
    # Of the pieces, each second one is the name of a variable.
    fixed, names = pieces[::2], pieces[1::2]
    if not names:
        return []
    # Only punctuation before the first or after the last counts as the edge, too.
    for at, code in ((0, "first"), (-1, "last")):
        if not _WORD.search(fixed[at]):
            found.append(Refusal(f"variable_{code}", "body", names[at]))
    for left, right, between in zip(names, names[1:], fixed[1:-1], strict=False):
        if not between.strip():
            found.append(Refusal("variables_adjacent", "body", f"{left}, {right}"))
    words = sum(len(_WORD.findall(piece)) for piece in fixed)
    needed = _WORDS_PER_VARIABLE * len(names) + 1
    if words < needed:
        found.append(Refusal("few_words", "body", f"{words} / {needed}"))
    for name in draft.variables:
        sample = draft.samples.get(name, "")
        if not sample.strip():
            found.append(Refusal("no_sample", "body", name))
        elif sample != clean_value(sample):
            found.append(Refusal("bad_sample", "body", name))
        if name not in draft.sources:
            found.append(Refusal("no_source", "body", name))
        elif draft.sources[name] in _ACCOUNT_TAGS:
            found.append(Refusal("account_number", "body", name))
    return found


def _check_header(draft: Draft) -> list[Refusal]:
    if draft.header_kind != "text":
        return []
    text = draft.header
    if not text.strip():
        return [Refusal("empty", "header")]
    found = _check_length(text, MAX_HEADER, "header")
    if "{" in text or "}" in text:
        found.append(Refusal("variable_here", "header", _show_brace(text)))
    if "\n" in text or "\t" in text:
        found.append(Refusal("newline_here", "header"))
    if _EMOJI.search(text) or _MARKUP.search(text):
        found.append(Refusal("formatting_here", "header"))
    return found


def _check_footer(draft: Draft) -> list[Refusal]:
    text = draft.footer
    found = _check_length(text, MAX_FOOTER, "footer")
    if "{" in text or "}" in text:
        found.append(Refusal("variable_here", "footer", _show_brace(text)))
    if "\n" in text or "\t" in text:
        found.append(Refusal("newline_here", "footer"))
    if _EMOJI.search(text):
        found.append(Refusal("formatting_here", "footer"))
    return found


def _check_button(draft: Draft) -> list[Refusal]:
    if not draft.button and not draft.url:
        return []
    if not draft.button.strip():
        return [Refusal("empty", "button")]
    found = _check_length(draft.button, MAX_BUTTON, "button")
    if "{" in draft.button or "\n" in draft.button:
        found.append(Refusal("variable_here", "button", draft.button))
    if _EMOJI.search(draft.button):
        found.append(Refusal("formatting_here", "button"))
    return found + _check_url(draft.url)


def _check_url(url: str) -> list[Refusal]:
    """One variable, at the very end; a public HTTPS address that is no short link."""
    found = _check_length(url, MAX_URL, "url")
    fixed = url.removesuffix("{{1}}")
    try:
        parts = urlsplit(fixed)
        host = parts.hostname or ""
    except ValueError:
        return [Refusal("bad_url", "url", url)]
    if parts.scheme != "https" or "." not in host or " " in url:
        found.append(Refusal("bad_url", "url", url))
    if "{" in fixed or "}" in fixed:
        found.append(Refusal("url_variable", "url", url))
    if host in _SHORTENERS:
        found.append(Refusal("short_link", "url", host))
    return found


def _check_words(draft: Draft, find_wording: Wording) -> list[Refusal]:
    found = []
    for place in ("header", "body", "footer"):
        text = getattr(draft, place)
        if place == "header" and draft.header_kind != "text":
            continue
        if match := _IBAN.search(text) or _LONG_NUMBER.search(text):
            found.append(Refusal("account_number", place, match.group().strip()))
        if match := _LINK.search(text):
            found.append(Refusal("short_link", place, match.group()))
        if draft.category == "utility" and (match := _SELLING.search(text)):
            found.append(Refusal("selling", place, match.group()))
        found += [
            Refusal(topic, place, words)
            for topic, words in find_wording(VARIABLE.sub("…", text), draft.lang)
        ]
        found += _check_script(draft, place, VARIABLE.sub("", text))
    return found


def _check_script(draft: Draft, place: str, text: str) -> list[Refusal]:
    """Meta refuses a text in another language than it was submitted for
    (``TAG_CONTENT_MISMATCH``)."""
    arabic, latin = len(_ARABIC.findall(text)), len(_LATIN.findall(text))
    wrong = latin > arabic if draft.lang == "ar" else arabic > latin
    return [Refusal("other_language", place)] if wrong else []
