"""Merge tags and the small part of Jinja2 that a reminder's template may use."""

import difflib
import html
import re
from collections.abc import Iterator
from functools import lru_cache

from jinja2 import (
    StrictUndefined,
    Template,
    TemplateError,
    TemplateSyntaxError,
    UndefinedError,
    nodes,
    pass_context,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .localize import plural
from .merge_tags import BLOCKS, MERGE_TAGS, REQUIRED_TAGS

__all__ = [
    "BLOCKS",
    "MERGE_TAGS",
    "REQUIRED_TAGS",
    "TemplateProblem",
    "check",
    "find_problems",
    "nearest",
    "render_source",
    "repair_links",
    "tags_in",
    "unescape_statements",
]
_FILTERS = (
    "plural",
    "upper",
    "lower",
    "title",
    "capitalize",
    "trim",
    "default",
    "length",
    "int",
    "round",
    "abs",
)
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Filter,
    nodes.Keyword,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Add,
    nodes.Sub,
    nodes.Concat,
)
# Candidates for statements; Jinja's lexer decides. A candidate ends where another one
# begins, so that the time grows with the text alone.
_STATEMENT = re.compile(
    r"{{(?:[^{}]|{(?![{%#])|}(?!}))*}}|{%(?:[^{%]|{(?![{%#])|%(?!}))*%}"
)
_DELIMITER = re.compile(r"{[{%#]|[}%#]}")
# What a number that is too large becomes.
_ENDLESS = (float("inf"), float("-inf"))
_BEGINS = ("variable_begin", "block_begin")
_ENDS = ("variable_end", "block_end")
_MAX_SOURCE = 50_000
# Each tag may stand for a table of 60 invoices, so that their number and the text they
# make are bounded, too.
_MAX_NAMES, _MAX_OUTPUT = 300, 1_000_000
# What an HTML editor and the sanitizer make of href="{{ page_url }}".
_LINK_TAG = re.compile(
    r"""((?:href|src)\s*=\s*["'])(?:https?://)?(?:\{|%7B){2}(?:%20|\s)*([a-z_]+)(?:%20|\s)*(?:\}|%7D){2}""",
    re.I,
)
# What Jinja's parser and lexer say (jinja2/parser.py, jinja2/lexer.py).
_SYNTAX = (
    (
        "open_print",
        re.compile(
            r"expected token 'end of print statement', got 'end of template'|end of "
            r"template, expected 'end of print"
        ),
    ),
    ("open_print", re.compile(r"^unexpected '}'$")),
    (
        "open_if",
        re.compile(
            r"Unexpected end of template.{0,500}'(?:elif' or 'else' or 'endif|endif)'",
            re.S,
        ),
    ),
    (
        "open_statement",
        re.compile(r"unexpected end of template|got 'end of template'", re.I),
    ),
    ("stray_end", re.compile(r"unknown tag '(endif|else|elif)'")),
    ("unknown_statement", re.compile(r"unknown tag '([^']*)'")),
    ("unexpected", re.compile(r"got '([^']*)'")),
    ("unexpected", re.compile(r"unexpected (?:char )?'([^']*)'")),
)
# Python itself gives up on code that is nested deeper than about 100.
_MAX_DEPTH = 50
_MAX_PLACES, _MAX_COUNT = 6, 10**12


class TemplateProblem(Exception):
    """``code`` names the problem, ``params`` its details (``tag``, ``nearest``,
    ``line``, ``detail``)."""

    def __init__(self, code: str, **params: object):
        super().__init__(code, params)
        self.code = code
        self.params = params


@pass_context
def _plural_filter(context, count: int, **forms: str) -> str:
    if "other" not in forms or not all(
        isinstance(form, str) for form in forms.values()
    ):
        raise TemplateError("plural: other=")
    if abs(int(count)) > _MAX_COUNT:
        raise TemplateError("plural: number too large")
    return plural(int(count), context["lang_code"], forms)


def _round_filter(value: float, precision: int = 0) -> float:
    # Jinja's own computes 10**precision, which a template could use to block the
    # server.
    if not 0 <= precision <= _MAX_PLACES:
        raise TemplateError("round: precision")
    return round(value, precision) if precision else round(value)


def _environment(autoescape: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=autoescape, undefined=StrictUndefined, keep_trailing_newline=False
    )
    environment.filters = {
        name: environment.filters[name] for name in _FILTERS if name != "plural"
    }
    environment.filters |= {"plural": _plural_filter, "round": _round_filter}
    environment.tests = {}
    environment.globals = {}
    return environment


_HTML, _TEXT = _environment(True), _environment(False)


def unescape_statements(source: str) -> str:
    """An HTML editor writes ``&gt;`` and non-breaking spaces inside ``{{ … }}`` too;
    the template language needs the plain characters.

    What is not a statement to Jinja stays escaped, whatever it looks like: inside of
    ``{% raw %}`` and of comments, and behind an escaped delimiter."""
    if len(source) > _MAX_SOURCE:
        return source
    written = []

    def clean(match: re.Match) -> str:
        statement = match.group()
        inner = html.unescape(statement[2:-2]).replace("\u00a0", " ")
        if _DELIMITER.search(inner):
            written.append(statement)
        else:
            written.append(statement[:2] + inner + statement[-2:])
        return written[-1]

    plain = _STATEMENT.sub(clean, source)
    if plain == source or written == _find_statements(plain):
        return plain
    return source


def _find_statements(source: str) -> list[str]:
    """The statements as Jinja's lexer sees them; empty where it cannot."""
    found, begun = [], None
    try:
        for _line, kind, value in _HTML.lexer.tokeniter(source, None):
            if kind in _BEGINS:
                begun = [value]
            elif begun is not None:
                begun.append(value)
                if kind in _ENDS:
                    found.append("".join(begun))
                    begun = None
    except TemplateSyntaxError:
        return []
    # Jinja counts blanks around a statement to it, where it takes them away.
    return [one.strip() for one in found]


def repair_links(source: str) -> str:
    """Merge tags as targets of links, written the way they were meant: ``href="{{
    page_url }}"``."""
    return _LINK_TAG.sub(r"\1{{ \2 }}", source)


def _classify(message: str) -> tuple[str, str]:
    """Turns Jinja's English sentence into a kind and the word it is about, so that
    readers get it in their own language."""
    for kind, pattern in _SYNTAX:
        if match := pattern.search(message):
            return kind, match.group(1) if match.groups() else ""
    return "other", ""


def _parse(source: str, environment: ImmutableSandboxedEnvironment) -> nodes.Template:
    if len(source) > _MAX_SOURCE:
        raise TemplateProblem("too_long", limit=_MAX_SOURCE)
    try:
        return environment.parse(source)
    except TemplateSyntaxError as error:
        kind, tag = _classify((error.message or "")[:500])
        raise TemplateProblem(
            "syntax", line=error.lineno, detail=error.message or "", kind=kind, tag=tag
        ) from None
    except RecursionError:
        raise TemplateProblem("syntax", line=1, detail="nested too deeply") from None
    except (ValueError, ArithmeticError) as error:
        raise TemplateProblem("syntax", line=1, detail=str(error)) from None


def _check_depth(tree: nodes.Template) -> None:
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > _MAX_DEPTH or any(
            len(node.elif_) > _MAX_DEPTH for node in level if isinstance(node, nodes.If)
        ):
            raise TemplateProblem(
                "syntax", line=level[0].lineno, detail="nested too deeply"
            )
        level = [child for node in level for child in node.iter_child_nodes()]


def check(source: str, required: tuple[str, ...] = (), is_html: bool = True) -> None:
    """Raises the first TemplateProblem: syntax, forbidden construct, unknown tag (with
    the nearest name), missing tag."""
    for problem in find_problems(source, required, is_html):
        raise problem


def find_problems(
    source: str, required: tuple[str, ...] = (), is_html: bool = True
) -> list[TemplateProblem]:
    """Everything that is wrong with a source; if it cannot be parsed at all, only
    that."""
    source = unescape_statements(source) if is_html else source
    try:
        tree = _parse(source, _HTML if is_html else _TEXT)
        _check_depth(tree)
    except TemplateProblem as problem:
        return [problem]
    return [*_find_forbidden(tree), *_find_wrong_names(tree, required)]


def _find_forbidden(tree: nodes.Template) -> Iterator[TemplateProblem]:
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            yield TemplateProblem(
                "forbidden", line=node.lineno, detail=type(node).__name__
            )
        elif isinstance(node, nodes.Const) and node.value in _ENDLESS:
            yield TemplateProblem("forbidden", line=node.lineno, detail="Number")
        elif isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            yield TemplateProblem(
                "unknown_filter",
                line=node.lineno,
                tag=node.name,
                nearest=nearest(node.name, _FILTERS),
            )


def _find_wrong_names(
    tree: nodes.Template, required: tuple[str, ...]
) -> Iterator[TemplateProblem]:
    # Not meta.find_undeclared_variables(), which passes over ``self``; nothing here can
    # declare a name.
    found = [node.name for node in tree.find_all(nodes.Name)]
    if len(found) > _MAX_NAMES:
        yield TemplateProblem("too_many_tags", limit=_MAX_NAMES)
    names = set(found)
    for name in sorted(
        names - set(MERGE_TAGS), key=lambda name: (_line_of(tree, name), name)
    ):
        yield TemplateProblem(
            "unknown_tag",
            line=_line_of(tree, name),
            tag=name,
            nearest=nearest(name, MERGE_TAGS),
        )
    for name in required:
        if name not in names:
            yield TemplateProblem("missing_tag", tag=name)


def tags_in(source: str, is_html: bool = True) -> frozenset[str]:
    """The merge tags that a source names, whether they are printed or only asked about.
    Raises TemplateProblem."""
    source = unescape_statements(source) if is_html else source
    return frozenset(
        node.name
        for node in _parse(source, _HTML if is_html else _TEXT).find_all(nodes.Name)
    )


def nearest(name: str, names: tuple[str, ...]) -> str:
    found = difflib.get_close_matches(name, names, 1, 0.5)
    return found[0] if found else ""


def _line_of(tree: nodes.Template, name: str) -> int:
    return next(
        (node.lineno for node in tree.find_all(nodes.Name) if node.name == name), 1
    )


@lru_cache(maxsize=256)
def _compile(source: str, is_html: bool) -> Template:
    check(source, is_html=is_html)
    environment = _HTML if is_html else _TEXT
    return environment.from_string(unescape_statements(source) if is_html else source)


def render_source(source: str, values: dict, lang: str, is_html: bool = True) -> str:
    """The filled-in template. Raises TemplateProblem, also for an undefined name or a
    filter that fails on its value."""
    try:
        return _bounded(_compile(source, is_html).generate(values, lang_code=lang))
    except UndefinedError as error:
        raise TemplateProblem(
            "undefined",
            detail=(error.message or "").removesuffix(" is undefined").strip("'"),
        ) from None
    except (
        TemplateError,
        TypeError,
        ValueError,
        ArithmeticError,
        AttributeError,
        LookupError,
        NameError,
    ) as error:
        raise TemplateProblem("failed", detail=str(error)) from None


def _bounded(pieces: Iterator[str]) -> str:
    """Joins the pieces; raises as soon as they are longer than any letter."""
    kept, length = [], 0
    for piece in pieces:
        kept.append(piece)
        length += len(piece)
        if length > _MAX_OUTPUT:
            raise TemplateError(f"longer than {_MAX_OUTPUT} characters")
    return "".join(kept)
