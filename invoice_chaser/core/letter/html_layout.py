"""The fixed HTML around a template's text. Its CSS is inlined once per process, not
once per message."""

import re
from functools import lru_cache
from pathlib import Path

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

FOLDER = Path(__file__).parent / "layout"
# Pages and documents, which keep their style sheets.
LAYOUT = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# In the parts of a message the statements are HTML comments, so that the inliner's HTML
# parser leaves them where they are.
_PARTS = Environment(
    autoescape=True,
    undefined=StrictUndefined,
    block_start_string="<!--%",
    block_end_string="%-->",
    comment_start_string="<!--#",
    comment_end_string="#-->",
    trim_blocks=True,
    lstrip_blocks=True,
)
_CSS = (FOLDER / "message.css").read_text()
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False)
# Stand for values while the CSS is parsed: the company's colours, and what differs from
# row to row.
_STAND_INS = {
    "#b0b0b1": "{{ brand }}",
    "#b0b0b2": "{{ on_brand }}",
    ' data-row=""': "{{ row.attributes }}",
}
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
DEFAULT_COLOR = "#714B67"
_INK, _PAPER = "#000000", "#ffffff"


@lru_cache(maxsize=8)
def get_part(name: str) -> Template:
    """A part of the layout (``message``, ``invoice_table``, ``pay_button``) as a
    template with its CSS inlined."""
    source = (FOLDER / f"{name}.html.jinja").read_text()
    if source.startswith("<!DOCTYPE"):
        html = _INLINER.inline(source.replace("<!--CSS-->", f"<style>{_CSS}</style>"))
    else:
        html = css_inline.inline_fragment(source, _CSS)
    html = re.sub(r"(?<=>)\n+", "\n", html)
    for stand_in, value in _STAND_INS.items():
        html = html.replace(stand_in, value)
    return _PARTS.from_string(html)


def inline_text(fragment: str) -> str:
    """A template's filled-in text (paragraphs, lists, links) with the CSS of the
    message inlined."""
    return css_inline.inline_fragment(fragment, _CSS)


@lru_cache(maxsize=64)
def get_colors(color: str) -> dict[str, str]:
    """The company's colour, and black or white for text on it: whichever contrasts more
    (always at least 4.5:1, WCAG 2 AA)."""
    brand = color if _HEX.fullmatch(color or "") else DEFAULT_COLOR
    return {
        "brand": brand,
        "on_brand": max((_PAPER, _INK), key=lambda text: contrast(text, brand)),
    }


def contrast(one: str, other: str) -> float:
    """The contrast of two colours ``#rrggbb``, 1 to 21 (WCAG 2, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    shares = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (
        share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4
        for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
