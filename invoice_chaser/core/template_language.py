"""Merge tags and the small part of Jinja2 that a reminder's template may use."""

import difflib
import html
import re
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError, nodes, pass_context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .localize import plural

# Everything a template may name. Values are plain text, numbers, or ready-made safe HTML (the blocks).
MERGE_TAGS = (
    "company_name", "company_address", "company_trn", "company_phone", "company_email", "company_website",
    "customer_name", "contact_name", "salesperson_name", "salesperson_email", "salesperson_phone",
    "invoice_count", "invoice_numbers", "oldest_invoice", "oldest_due_date", "days_overdue", "total_due", "credit_total",
    "payment_reference", "bank_name", "iban", "level_name", "today", "invoice_table", "pay_button",
)
# HTML made by the addon; an edit of the template cannot break them.
BLOCKS = ("invoice_table", "pay_button")
REQUIRED_TAGS = {
    "invoice_reminder": ("invoice_table",), "payment_follow_up": ("invoice_table",), "overdue_notice": ("invoice_table",),
    "welcome": (), "system": (),
}
_FILTERS = ("plural", "upper", "lower", "title", "capitalize", "trim", "default", "length", "int", "round", "abs")
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Filter, nodes.Keyword, nodes.If,
    nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Add, nodes.Sub, nodes.Concat,
)
_STATEMENT = re.compile(r"({{.*?}}|{%.*?%})", re.S)
_DELIMITER = re.compile(r"{[{%#]|[}%#]}")
_MAX_SOURCE = 50_000
# Python itself gives up on code that is nested deeper than about 100.
_MAX_DEPTH = 50
_MAX_PLACES, _MAX_COUNT = 6, 10**12


class TemplateProblem(Exception):
    """``code`` names the problem, ``params`` its details (``tag``, ``nearest``, ``line``, ``detail``)."""

    def __init__(self, code: str, **params: object):
        super().__init__(code, params)
        self.code = code
        self.params = params


@pass_context
def _plural_filter(context, count: int, **forms: str) -> str:
    if "other" not in forms or not all(isinstance(form, str) for form in forms.values()):
        raise TemplateError("plural: other=")
    if abs(int(count)) > _MAX_COUNT:
        raise TemplateError("plural: number too large")
    return plural(int(count), context["lang_code"], forms)


def _round_filter(value: float, precision: int = 0) -> float:
    # Jinja's own computes 10**precision, which a template could use to keep the server busy for ever.
    if not 0 <= precision <= _MAX_PLACES:
        raise TemplateError("round: precision")
    return round(value, precision) if precision else round(value)


def _environment(autoescape: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(autoescape=autoescape, undefined=StrictUndefined, keep_trailing_newline=False)
    environment.filters = {name: environment.filters[name] for name in _FILTERS if name != "plural"}
    environment.filters |= {"plural": _plural_filter, "round": _round_filter}
    environment.tests = {}
    environment.globals = {}
    return environment


_HTML, _TEXT = _environment(True), _environment(False)


def unescape_statements(source: str) -> str:
    """An HTML editor writes ``&gt;`` and non-breaking spaces inside ``{{ … }}`` too; the template language wants the signs."""

    def clean(match: re.Match) -> str:
        statement = match.group(1)
        inner = html.unescape(statement[2:-2]).replace("\u00a0", " ")
        # An escaped delimiter would end the statement early and let sanitized HTML out of its quotes.
        return statement if _DELIMITER.search(inner) else statement[:2] + inner + statement[-2:]

    return _STATEMENT.sub(clean, source)


def _parse(source: str, environment: ImmutableSandboxedEnvironment) -> nodes.Template:
    if len(source) > _MAX_SOURCE:
        raise TemplateProblem("too_long", limit=_MAX_SOURCE)
    try:
        return environment.parse(source)
    except TemplateSyntaxError as error:
        raise TemplateProblem("syntax", line=error.lineno, detail=error.message or "") from None
    except RecursionError:
        raise TemplateProblem("syntax", line=1, detail="nested too deeply") from None
    except ValueError as error:
        raise TemplateProblem("syntax", line=1, detail=str(error)) from None


def _check_depth(tree: nodes.Template) -> None:
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > _MAX_DEPTH or any(len(node.elif_) > _MAX_DEPTH for node in level if isinstance(node, nodes.If)):
            raise TemplateProblem("syntax", line=level[0].lineno, detail="nested too deeply")
        level = [child for node in level for child in node.iter_child_nodes()]


def check(source: str, required: tuple[str, ...] = (), is_html: bool = True) -> None:
    """Raises the first TemplateProblem: syntax, forbidden construct, unknown tag (with the nearest name), missing tag."""
    source = unescape_statements(source) if is_html else source
    tree = _parse(source, _HTML if is_html else _TEXT)
    _check_depth(tree)
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            raise TemplateProblem("forbidden", line=node.lineno, detail=type(node).__name__)
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            raise TemplateProblem("unknown_filter", line=node.lineno, tag=node.name, nearest=nearest(node.name, _FILTERS))
    # Not meta.find_undeclared_variables(), which passes over ``self``; nothing here can declare a name.
    names = {node.name for node in tree.find_all(nodes.Name)}
    for name in sorted(names - set(MERGE_TAGS)):
        raise TemplateProblem("unknown_tag", line=_line_of(tree, name), tag=name, nearest=nearest(name, MERGE_TAGS))
    for name in required:
        if name not in names:
            raise TemplateProblem("missing_tag", tag=name)


def nearest(name: str, names: tuple[str, ...]) -> str:
    found = difflib.get_close_matches(name, names, 1, 0.5)
    return found[0] if found else ""


def _line_of(tree: nodes.Template, name: str) -> int:
    return next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), 1)


@lru_cache(maxsize=256)
def _compile(source: str, is_html: bool) -> Template:
    check(source, is_html=is_html)
    environment = _HTML if is_html else _TEXT
    return environment.from_string(unescape_statements(source) if is_html else source)


def render_source(source: str, values: dict, lang: str, is_html: bool = True) -> str:
    """The filled-in template. Raises TemplateProblem, also for an undefined name or a filter that fails on its value."""
    try:
        return _compile(source, is_html).render(values, lang_code=lang)
    except UndefinedError as error:
        raise TemplateProblem("undefined", detail=error.message or "") from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
        raise TemplateProblem("failed", detail=str(error)) from None
