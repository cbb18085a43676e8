"""No text of a message looks hidden to a spam filter: in no colour that is near its
background, in no tiny size, and nothing hidden but by ``display: none``.

SpamAssassin's HTML_FONT_LOW_CONTRAST, HTML_FONT_TINY and their like count text whatever
stands around it, a hidden line included.
"""

import re

import pytest
from core.letter.html_layout import contrast
from core.letter.render import compose
from test_render import COMPANY, SOURCES, data, tree

PAPER = "#ffffff"
_STYLE = re.compile(r"([\w-]+)\s*:\s*([^;]+)")


def read_style(element):
    style = dict(_STYLE.findall(element.get("style") or ""))
    if element.get("bgcolor"):
        style.setdefault("background-color", element.get("bgcolor"))
    return {name: value.strip() for name, value in style.items()}


def walk(element, color="#000000", background=PAPER, size=16.0, is_hidden=False):
    """(text, colour, background, pixels, hidden) of every text of a message."""
    style = read_style(element)
    color = style.get("color", color)
    background = style.get("background-color", background)
    if style.get("font-size", "").endswith("px"):
        size = float(style["font-size"][:-2])
    is_hidden = is_hidden or style.get("display") == "none"
    if isinstance(element.tag, str) and element.tag not in ("head", "style", "title"):
        yield element.text or "", color, background, size, is_hidden
        for child in element:
            yield from walk(child, color, background, size, is_hidden)
            yield child.tail or "", color, background, size, is_hidden


def texts(rendered):
    return [
        entry
        for entry in walk(tree(rendered).find("body"))
        if entry[0].replace("\xa0", " ").strip()
    ]


@pytest.mark.parametrize("lang", ["en", "ar", "both"])
@pytest.mark.parametrize(
    "brand", ["#0b5cad", "#ffffff", "#000000", "#ffff00", "#7f7f7f"]
)
@pytest.mark.parametrize("count", [1, 40])
def test_no_text_is_near_its_background(lang, brand, count):
    values = data(count, company=COMPANY | {"color": brand})
    found = texts(compose(values, SOURCES, lang))
    assert len(found) > 20
    for text, color, background, _size, _hidden in found:
        assert contrast(color, background) >= 4.5, (text, color, background)


@pytest.mark.parametrize("lang", ["en", "ar", "both"])
def test_no_text_is_tiny(lang):
    for text, _color, _background, size, _hidden in texts(
        compose(data(), SOURCES, lang)
    ):
        assert size >= 11, text


@pytest.mark.parametrize("lang", ["en", "ar", "both"])
def test_hidden_is_the_preview_line_alone(lang):
    rendered = compose(data(), SOURCES, lang)
    hidden = [text for text, *_rest, is_hidden in texts(rendered) if is_hidden]
    (preheader,) = tree(rendered).xpath("//div[@class='preheader']")
    assert hidden == [preheader.text]
    style = preheader.get("style").lower()
    for name in ("opacity", "visibility", "text-indent", "position", "font-size"):
        assert name not in style
    for element in tree(rendered).iter():
        style = (element.get("style") or "") if isinstance(element.tag, str) else ""
        assert "visibility" not in style and "opacity" not in style
        assert not re.search(
            r"(?<!line-)(?<!max-)(?:font-size|height)\s*:\s*[01](?:px)?\s*(?:;|$)",
            style,
        )


def test_the_walk_sees_what_is_near():
    """The test itself: text in the colour of its background is found."""
    from lxml import html

    body = html.document_fromstring(
        '<body style="background-color:#f3f4f6"><p style="color:#f3f4f6">x</p></body>'
    ).find("body")
    [(text, color, background, _size, _hidden)] = [
        entry for entry in walk(body) if entry[0].strip()
    ]
    assert text == "x" and contrast(color, background) < 1.1
