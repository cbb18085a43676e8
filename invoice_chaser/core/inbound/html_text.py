"""The words of an HTML mail, in lines, and which of them are marked as quoted."""

from lxml import etree
from lxml import html as lxml_html

from . import budget
from .reply_text import QUOTE_MARK

# Elements that hold the mail answered to: Gmail, Yahoo, Apple, Thunderbird, Outlook.
_QUOTES = (
    "//blockquote[@type='cite' or @cite or contains(@class, 'gmail_quote')"
    " or contains(@class, 'cite') or contains(@id, 'mail-editor-reference')]"
    "|//*[contains(@class, 'gmail_quote')]//blockquote"
    "|//*[contains(@class, 'gmail_attr')][following-sibling::blockquote]"
    "|//*[contains(@class, 'yahoo_quoted')]|//*[contains(@class, 'moz-cite-prefix')]"
)


def html_to_text(markup: str) -> str:
    """The words of an HTML mail, in lines; quoted ones behind ``QUOTE_MARK``."""
    try:
        root = lxml_html.document_fromstring(markup or "<p></p>")
        for element in root.xpath("//head|//style|//script|//title"):
            if element.getparent() is not None:
                element.drop_tree()
        quotes = set(root.xpath(_QUOTES))
        lines = _lines_of(root, quotes)
    except Exception:  # lxml has many ways to say that this is no HTML
        lines = _strip_tags(markup).split("\n")
    lines = [
        (QUOTE_MARK if line.startswith(QUOTE_MARK) else "")
        + " ".join(line.lstrip(QUOTE_MARK).split())
        for line in "\n".join(lines).replace("\r", "\n").split("\n")
    ]
    text = "\n".join("" if line == QUOTE_MARK else line for line in lines)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip()


_BREAKS = {
    "br",
    "p",
    "div",
    "tr",
    "li",
    "h1",
    "h2",
    "h3",
    "h4",
    "table",
    "blockquote",
    "hr",
}
_OPENS_LINE = {"blockquote", "p", "div", "table", "li", "tr", "h1", "h2", "h3", "h4"}


def _lines_of(root, quotes: set) -> list[str]:
    """Each line with a mark in front when it stands inside a quote."""
    lines, current, depth = [], [], 0

    def add(text):
        if text and text.strip():
            current.append(text)
        elif text and current:
            current.append(" ")

    def close(always=False):
        if current or always:
            line = " ".join("".join(current).split())
            lines.append((QUOTE_MARK if depth else "") + line)
            current.clear()

    for event, element in etree.iterwalk(
        root, events=("start", "end", "comment", "pi")
    ):
        budget.check()
        if event == "start":
            if element.tag in _OPENS_LINE or element in quotes:
                close()
            depth += element in quotes
            add(element.text)
        elif event == "end":
            if element.tag in _BREAKS or element in quotes:
                close(always=element.tag in ("br", "hr"))
            depth -= element in quotes
            add(element.tail)
        else:
            add(element.tail)
    close()
    return lines


def _strip_tags(markup: str) -> str:
    pieces = markup.split("<")
    return pieces[0] + " ".join(
        piece.partition(">")[2] or piece for piece in pieces[1:]
    )
