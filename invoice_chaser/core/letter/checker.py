"""What is wrong with a letter: errors block sending it, warnings make the program ask
first. Pure; words for people are made in ``chaser.checker.mixin``."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from lxml import html as lxml_html

from . import letter_text as letter
from .merge_tags import AMOUNT, BLOCKS, DATE, FACT_KINDS, KIND, LINK, NUMBER, REFERENCE
from .render import MessageData, compose, merge_values
from .template_language import TemplateProblem, tags_in
from .watched import END, MIDDLE, START, render_watched
from .wording import find_wording

ERROR, WARNING = "error", "warning"
# Gmail cuts a message at 102 kB.
MAX_BYTES = 100_000
# SpamAssassin's HTML_IMAGE_ONLY and MIME_HTML_MOSTLY look for messages that are nearly
# all markup.
_MIN_TEXT_SHARE, _MIN_LETTERS = 0.02, 150
_MAX_SUBJECT, _MAX_MARKS = 150, 3
# The table of invoices carries these itself; a letter need not repeat them in both
# languages.
_IN_TABLE = frozenset(("oldest_invoice", "invoice_numbers", "invoice_count"))
_IN_TABLE_TOO = frozenset(
    ("total_due", "oldest_due_date", "days_overdue", "credit_total")
)
# A letter that asks for payment must not leave these blank.
_NEEDED = frozenset(
    (
        "total_due",
        "iban",
        "bank_name",
        "account_holder",
        "payment_reference",
        "customer_name",
        "contact_name",
        "salutation",
        "portal_url",
        "pay_url",
        "page_url",
        "promise_url",
        "dispute_url",
        "oldest_due_date",
    )
)
_PRINTED = re.compile(f"{START}([a-z_]{{1,60}}){MIDDLE}([^{START}{END}]*){END}")
_MARKS = re.compile(f"[{START}{MIDDLE}{END}]")
_ARABIC_LETTER, _LATIN_LETTER = re.compile(r"[\u0621-\u064a]"), re.compile(r"[A-Za-z]")
_LATIN_WORD = re.compile(r"[A-Za-z]{3,}")
_SHOUTED = re.compile(r"\b[A-Z]{4,}(?:\W+[A-Z]{4,}){2,}\b")
# Text that is shown in the wrong order inside Arabic unless it is isolated: phone
# numbers, IBANs, numbers of documents.
_FRAGILE = re.compile(
    r"\+\d[\d ()-]{6,}\d|\b[A-Z]{2}\d{2}(?: "
    r"?[A-Z0-9]{3,4}){3,}\b|\b[A-Z]{2,}[/-]\d[\w/-]*|\b\d{2,4}(?:[-/]\d{2,4}){1,3}\b"
)
_ISOLATED = re.compile("[\u2066\u2067\u2068][^\u2066-\u2069]*\u2069")


@dataclass(frozen=True)
class Finding:
    """``place``: ``subject``, ``body`` or ``message``; ``paragraph`` counts from 1, 0
    where the whole is meant."""

    code: str
    severity: str
    lang: str = ""
    place: str = "message"
    paragraph: int = 0
    params: dict[str, str] = field(default_factory=dict, hash=False)


def check_letter(
    sources: dict[str, tuple[str, str]],
    data: MessageData,
    allow_sensitive: bool = False,
) -> list[Finding]:
    """Everything about a template: its texts, both languages beside each other with
    several kinds of data, and the message made of it.

    :param sources: (subject, body HTML) per language
    :param allow_sensitive: the company allows wording about interest, fees, threats and
    religion
    """
    try:
        found = (
            list(check_texts(sources["en"], sources.get("ar"), allow_sensitive))
            if "en" in sources
            else []
        )
        for variant in _variants(data):
            found.extend(check_filled(sources, variant))
        found.extend(check_message(sources, data, "both" if "ar" in sources else "en"))
    except TemplateProblem as problem:
        return [Finding("template", ERROR, params={"problem": problem})]
    return _tidy(found)


def _variants(data: MessageData) -> Iterator[MessageData]:
    """Sample data for the branches of a template: several invoices, one invoice, no
    credit."""
    yield data
    if len(data.items) > 1:
        yield replace(data, items=data.items[:1], credits=())
    if data.credits and len(data.items) > 1:
        yield replace(data, credits=())


def _tidy(found: Iterable[Finding]) -> list[Finding]:
    """Each finding once, errors first, in the order of the letter."""
    once = {
        (one.code, one.lang, one.place, one.paragraph, str(one.params)): one
        for one in found
    }
    return sorted(
        once.values(),
        key=lambda one: (
            one.severity != ERROR,
            one.place != "subject",
            one.place != "body",
            one.lang,
            one.paragraph,
        ),
    )


# -- the texts alone


@lru_cache(maxsize=256)
def check_texts(
    english: tuple[str, str], arabic: tuple[str, str] | None, allow_sensitive: bool
) -> tuple[Finding, ...]:
    """What the sources say by themselves, whatever the data."""
    sources = {"en": english} | ({"ar": arabic} if arabic else {})
    found: list[Finding] = [] if arabic else [Finding("no_arabic", WARNING, "ar")]
    for lang, (subject, body) in sources.items():
        places = [
            ("subject", 0, subject),
            *(
                ("body", number, text)
                for number, text in enumerate(letter.paragraphs(body), 1)
            ),
        ]
        for place, number, text in places:
            found.extend(_check_paragraph(lang, place, number, text, allow_sensitive))
        found.extend(_check_manners(lang, subject, body))
        found.extend(_check_links(lang, body))
    if arabic:
        found.extend(_compare_texts(sources))
    return tuple(found)


def _check_paragraph(
    lang: str, place: str, number: int, text: str, allow_sensitive: bool
) -> Iterator[Finding]:
    words = letter.words_only(text)
    if not allow_sensitive:
        for topic, phrase in find_wording(words, lang):
            yield Finding(
                f"wording_{topic}", ERROR, lang, place, number, {"words": phrase}
            )
    if lang == "ar" and (
        match := _FRAGILE.search(_ISOLATED.sub(" ", letter.western_digits(words)))
    ):
        yield Finding(
            "not_isolated",
            WARNING,
            lang,
            place,
            number,
            {"words": match.group().strip()},
        )
    if wrong := _other_language(letter.LINK.sub(" ", words), lang):
        yield Finding("other_language", WARNING, lang, place, number, {"words": wrong})
    if place == "body" and (match := _SHOUTED.search(words)):
        yield Finding(
            "shouting", WARNING, lang, place, number, {"words": match.group()[:60]}
        )


def _other_language(words: str, lang: str) -> str:
    """Words of the wrong language, where they are most of a paragraph."""
    arabic, latin = (
        len(_ARABIC_LETTER.findall(words)),
        len(_LATIN_LETTER.findall(words)),
    )
    if lang == "en":
        return (
            " ".join(re.findall(r"[\u0621-\u064a]+", words)[:4])
            if arabic > latin
            else ""
        )
    return (
        " ".join(_LATIN_WORD.findall(words)[:4])
        if latin > arabic and len(_LATIN_WORD.findall(words)) > 2
        else ""
    )


def _check_manners(lang: str, subject: str, body: str) -> Iterator[Finding]:
    words = letter.words_only(subject)
    letters = [char for char in words if char.isascii() and char.isalpha()]
    if len(letters) > 7 and sum(char.isupper() for char in letters) > 0.7 * len(
        letters
    ):
        yield Finding("subject_capitals", WARNING, lang, "subject")
    if words.count("!") > 1 or "!!" in words:
        yield Finding("exclamation", WARNING, lang, "subject")
    text = letter.words_only(" ".join(letter.paragraphs(body)))
    if text.count("!") > _MAX_MARKS or "!!" in text:
        yield Finding("exclamation", WARNING, lang, "body")


def _check_links(lang: str, body: str) -> Iterator[Finding]:
    for target, text in letter.targets(body):
        host = _host(target)
        if target.lower().startswith("http://"):
            yield Finding("insecure_link", WARNING, lang, "body", 0, {"words": target})
        shown = next(
            (_host(one) for one in letter.links_in(text) if "@" not in one), ""
        )
        if shown and host and shown != host:
            yield Finding(
                "misleading_link",
                ERROR,
                lang,
                "body",
                0,
                {"words": f"{text} → {target}"},
            )


def _host(link: str) -> str:
    match = re.match(r"(?:https?://)?(?:www\.)?([^/\s?#]+\.[^/\s?#]+)", link.lower())
    return match.group(1) if match and "{{" not in link else ""


def _compare_texts(sources: dict[str, tuple[str, str]]) -> Iterator[Finding]:
    """Figures and links that the author wrote out, and numbers named in one language
    alone."""
    texts = {
        lang: letter.figures_only(" ".join([subject, *letter.paragraphs(body)]))
        for lang, (subject, body) in sources.items()
    }
    links = {
        lang: letter.links_in(texts[lang])
        | {
            target.lower()
            for target, _text in letter.targets(body)
            if "{{" not in target
        }
        for lang, (_subject, body) in sources.items()
    }
    digits = {lang: letter.numbers_in(text) for lang, text in texts.items()}
    words = {lang: letter.number_words_in(text, lang) for lang, text in texts.items()}
    named = {
        lang: {
            tag
            for part, is_html in zip(source, (False, True), strict=True)
            for tag in tags_in(part, is_html)
        }
        for lang, source in sources.items()
    }
    for lang, other in (("en", "ar"), ("ar", "en")):
        for link in sorted(links[lang] - links[other]):
            yield Finding("link_differs", ERROR, lang, "body", 0, {"words": link})
        for number in sorted(digits[lang] - digits[other] - words[other]):
            yield Finding("number_differs", ERROR, lang, "body", 0, {"words": number})
        for number in sorted(words[lang] - words[other] - digits[other]):
            yield Finding("number_differs", WARNING, lang, "body", 0, {"words": number})
        for tag in sorted(
            tag
            for tag in named[lang] - named[other]
            if KIND.get(tag) == NUMBER and tag not in _IN_TABLE
        ):
            yield Finding("tag_differs", WARNING, lang, "body", 0, {"tag": tag})


# -- filled in with data


def check_filled(
    sources: dict[str, tuple[str, str]],
    data: MessageData,
    langs: Iterable[str] = ("en", "ar"),
) -> list[Finding]:
    """Tags printed empty, facts printed in one language alone, references that nothing
    isolates. Raises TemplateProblem."""
    found: list[Finding] = []
    printed: dict[str, set[str]] = {}
    for lang in langs:
        if lang in sources:
            printed[lang], more = _fill(sources[lang], data, lang)
            found.extend(more)
    if len(printed) == 2:
        found.extend(_compare_printed(printed))
    return found


def _fill(
    source: tuple[str, str], data: MessageData, lang: str
) -> tuple[set[str], list[Finding]]:
    values = merge_values(data, lang) | dict.fromkeys(
        BLOCKS, "block" if data.items else ""
    )
    printed, found = set(), []
    for place, text in zip(("subject", "body"), source, strict=True):
        filled = render_watched(text, values, lang, place == "body", BLOCKS)
        printed.update(tag for tag, _value in _PRINTED.findall(filled))
        found.extend(_find_empty(filled, place, lang))
        if lang == "ar":
            found.extend(_find_bare(filled, place))
    return printed, found


def _find_empty(filled: str, place: str, lang: str) -> Iterator[Finding]:
    """Tags printed without a value, with their paragraph; 0 for one inside a link's
    target."""
    pieces = letter.paragraphs(filled) if place == "body" else [filled]
    where = {
        tag: number
        for number, piece in enumerate(pieces, 1)
        for tag, _value in _PRINTED.findall(piece)
    }
    for tag, value in _PRINTED.findall(filled):
        if not letter.plain(value).strip():
            severity = ERROR if tag in _NEEDED else WARNING
            yield Finding(
                "empty_tag",
                severity,
                lang,
                place,
                where.get(tag, 0) if place == "body" else 0,
                {"tag": tag},
            )


def _find_bare(filled: str, place: str) -> Iterator[Finding]:
    """References inside Arabic text that neither isolates nor markup keep
    left-to-right."""
    if place == "body":
        root = lxml_html.fragment_fromstring(filled, create_parent="div")
        kept = [
            element
            for element in root.iter()
            if element.tag == "bdi" or element.get("dir") == "ltr"
        ]
        for element in kept:
            for part in element.iter():
                part.text = _PRINTED.sub("", part.text or "")
                if part is not element:
                    part.tail = _PRINTED.sub("", part.tail or "")
        filled = root.text_content()
    for tag, value in _PRINTED.findall(_MARKED_ISOLATE.sub("", filled)):
        if (
            KIND.get(tag) == REFERENCE
            and value.strip()
            and not value.startswith(("\u2066", "\u2068"))
        ):
            yield Finding("bare_reference", WARNING, "ar", place, 0, {"tag": tag})


_MARKED_ISOLATE = re.compile(
    f"[\u2066\u2067\u2068](?=[^\u2066-\u2069]*{START})[^\u2066-\u2069]*\u2069"
)


def _compare_printed(printed: dict[str, set[str]]) -> Iterator[Finding]:
    table = all("invoice_table" in tags for tags in printed.values())
    for lang, other in (("en", "ar"), ("ar", "en")):
        for tag in sorted(printed[lang] - printed[other]):
            kind = KIND.get(tag)
            if kind not in FACT_KINDS or table and tag in _IN_TABLE or kind == NUMBER:
                continue
            soft = (
                tag in _IN_TABLE_TOO
                and table
                or kind == REFERENCE
                and tag.startswith(("company_", "salesperson_"))
            )
            code = {
                AMOUNT: "amount_differs",
                DATE: "date_differs",
                LINK: "link_tag_differs",
            }.get(kind, "tag_differs")
            yield Finding(
                code, WARNING if soft else ERROR, lang, "body", 0, {"tag": tag}
            )


# -- the finished message


def check_message(
    sources: dict[str, tuple[str, str]], data: MessageData, language: str
) -> list[Finding]:
    """Size, share of text and length of the subject of the message as it would leave.
    Raises TemplateProblem."""
    rendered = compose(
        data, sources, language, "https://example.com/chaser/c/" + "x" * 32 + "/"
    )
    found, size = [], len(rendered.html.encode())
    if size > MAX_BYTES:
        found.append(Finding("too_large", ERROR, params={"size": str(size // 1000)}))
    letters = len("".join(rendered.text.split()))
    if letters < _MIN_LETTERS or letters < _MIN_TEXT_SHARE * size:
        found.append(Finding("little_text", WARNING))
    longest = max(len(letter.plain(part)) for part in rendered.subject.split(" · "))
    if longest > _MAX_SUBJECT:
        found.append(
            Finding(
                "long_subject", WARNING, place="subject", params={"size": str(longest)}
            )
        )
    return found
