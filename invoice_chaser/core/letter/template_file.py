"""Templates as one file, to be kept, passed on and read again. The form is described in
``docs/template-file.md``."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from .merge_tags import REQUIRED_TAGS
from .template_language import TemplateProblem, find_problems, nearest

FORMAT, VERSION = "invoice_chaser.templates", 1
MAX_BYTES, MAX_TEMPLATES = 5_000_000, 500
LANGUAGES = ("en", "ar")
_KEYS = (
    "key",
    "name",
    "category",
    "level",
    "is_default",
    "sequence",
    "description",
    "item_fit",
    "item_limit",
    "attach_invoices",
    "attach_statement",
    "attach_letter",
    "letter_template",
    "subject",
    "body_html",
)
# Keys that say one of a few words; what a file does not say is as for a new template.
CHOICES = {
    "item_fit": ("any", "one", "several", "most"),
    "attach_invoices": ("none", "link", "pdf"),
    "attach_statement": ("none", "pdf", "xlsx"),
}
_DEFAULTS = {
    "item_fit": "any",
    "attach_invoices": "link",
    "attach_statement": "none",
}


class TemplateFileProblem(Exception):
    """The file as a whole cannot be read. ``code`` names why, ``params`` the
    details."""

    def __init__(self, code: str, **params: object):
        super().__init__(code, params)
        self.code, self.params = code, params


@dataclass
class Entry:
    """One template. ``problems``: (code, params) of what stands against importing it;
    empty for a good one."""

    key: str = ""
    name: dict[str, str] = field(default_factory=dict)
    category: str = ""
    level: str = ""
    is_default: bool = False
    sequence: int = 10
    subject: dict[str, str] = field(default_factory=dict)
    body_html: dict[str, str] = field(default_factory=dict)
    description: str = ""
    item_fit: str = "any"
    item_limit: int = 1
    attach_invoices: str = "link"
    attach_statement: str = "none"
    attach_letter: bool = False
    # The key of the letter's text; empty: the shipped one.
    letter_template: str = ""
    problems: list[tuple[str, dict]] = field(default_factory=list)


def dump(entries: Iterable[Entry]) -> str:
    """The file. The same templates make the same file, so that it can be kept under
    version control."""
    templates = [{key: getattr(entry, key) for key in _KEYS} for entry in entries]
    return (
        json.dumps(
            {"format": FORMAT, "version": VERSION, "templates": templates},
            ensure_ascii=False,
            indent=2,
        )
        + "\n"
    )


def load(raw: bytes) -> list[Entry]:
    """The templates of a file, each with its problems. Raises TemplateFileProblem for a
    file that is none of ours."""
    content = _read(raw)
    entries, seen = [], set()
    for values in content["templates"]:
        entry = _load_entry(values)
        if entry.key and entry.key in seen:
            entry.problems.append(("twice", {"detail": entry.key}))
        seen.add(entry.key)
        entries.append(entry)
    return entries


def _read(raw: bytes) -> dict:
    if len(raw) > MAX_BYTES:
        raise TemplateFileProblem("too_large", limit=MAX_BYTES // 1_000_000)
    try:
        content = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise TemplateFileProblem("not_text") from None
    except json.JSONDecodeError as error:
        raise TemplateFileProblem(
            "not_json", line=error.lineno, detail=error.msg
        ) from None
    except (RecursionError, ValueError):
        raise TemplateFileProblem("not_json", line=1, detail="") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise TemplateFileProblem("other_format", detail=FORMAT)
    if content.get("version") != VERSION:
        raise TemplateFileProblem(
            "other_version", detail=str(content.get("version"))[:20], limit=VERSION
        )
    templates = content.get("templates")
    if not isinstance(templates, list) or not templates:
        raise TemplateFileProblem("empty")
    if len(templates) > MAX_TEMPLATES:
        raise TemplateFileProblem("too_many", limit=MAX_TEMPLATES)
    return content


def _load_entry(values: object) -> Entry:
    if not isinstance(values, dict):
        return Entry(problems=[("not_object", {})])
    entry = Entry()
    for key in sorted(set(values) - set(_KEYS)):
        entry.problems.append(
            (
                "unknown_key",
                {"detail": str(key)[:60], "nearest": nearest(str(key), _KEYS)},
            )
        )
    for key in ("key", "category", "level", "description", "letter_template"):
        setattr(entry, key, _read_value(entry, values, key, str, ""))
    _read_choices(entry, values)
    entry.is_default = _read_value(entry, values, "is_default", bool, False)
    entry.sequence = _read_value(entry, values, "sequence", int, 10)
    for key in ("name", "subject", "body_html"):
        setattr(entry, key, _read_texts(entry, values, key))
    if entry.category and entry.category not in REQUIRED_TAGS:
        entry.problems.append(
            (
                "category",
                {
                    "detail": entry.category,
                    "nearest": nearest(entry.category, tuple(REQUIRED_TAGS)),
                },
            )
        )
    _add_text_problems(entry)
    return entry


def _read_choices(entry: Entry, values: dict) -> None:
    """What goes along, and for how many invoices; all of it optional, so that files of
    before are read as they were."""
    for key, words in CHOICES.items():
        word = _read_value(entry, values, key, str, _DEFAULTS[key])
        if word not in words:
            entry.problems.append(
                ("choice", {"detail": f"{key}: {word}"[:80], "words": ", ".join(words)})
            )
            word = _DEFAULTS[key]
        setattr(entry, key, word)
    entry.attach_letter = _read_value(entry, values, "attach_letter", bool, False)
    entry.item_limit = _read_value(entry, values, "item_limit", int, 1)
    if not 1 <= entry.item_limit <= 1000:
        entry.problems.append(
            ("choice", {"detail": f"item_limit: {entry.item_limit}", "words": "1…1000"})
        )


def _read_value(
    entry: Entry, values: dict, key: str, kind: type, default: object
) -> object:
    value = values.get(key, default)
    if not isinstance(value, kind) or kind is int and isinstance(value, bool):
        entry.problems.append(("type", {"detail": key}))
        return default
    if key in ("key", "category") and not value:
        entry.problems.append(("missing", {"detail": key}))
    return value


def _read_texts(entry: Entry, values: dict, key: str) -> dict[str, str]:
    texts = values.get(key)
    if not isinstance(texts, dict) or not all(
        isinstance(text, str) for text in texts.values()
    ):
        entry.problems.append(("type", {"detail": key}))
        return {}
    for lang in sorted(set(texts) - set(LANGUAGES)):
        entry.problems.append(("language", {"detail": f"{key}.{lang}"[:60]}))
    if not (texts.get("en") or "").strip():
        entry.problems.append(("missing", {"detail": f"{key}.en"}))
    return {lang: texts[lang] for lang in LANGUAGES if (texts.get(lang) or "").strip()}


def _add_text_problems(entry: Entry) -> None:
    if ("ar" in entry.subject) != ("ar" in entry.body_html):
        entry.problems.append(
            (
                "missing",
                {"detail": "subject.ar" if "ar" in entry.body_html else "body_html.ar"},
            )
        )
    required = REQUIRED_TAGS.get(entry.category, ())
    for key, texts in (("subject", entry.subject), ("body_html", entry.body_html)):
        for lang, text in texts.items():
            found: list[TemplateProblem] = find_problems(
                text, required if key == "body_html" else (), key == "body_html"
            )
            entry.problems += [
                ("text", {"detail": f"{key}.{lang}", "problem": problem})
                for problem in found
            ]
