"""The last look at what an author's text has become, before it goes into a mail.

Texts are sanitized when they are saved, but what a statement makes of them is only
there when it is rendered."""

import lxml.etree
import lxml.html
from lxml_html_clean import Cleaner

# Scripts, handlers, forms, frames and embedded programs go; the look stays. Values are
# escaped where they are filled in, so that only the author's own markup is met here.
_CLEANER = Cleaner(
    scripts=True,
    javascript=True,
    forms=True,
    frames=True,
    embedded=True,
    meta=True,
    processing_instructions=True,
    comments=False,
    style=False,
    inline_style=False,
    links=False,
    page_structure=False,
    annoying_tags=False,
    remove_unknown_tags=False,
    safe_attrs_only=False,
    add_nofollow=False,
)


def sanitize(fragment: str) -> str:
    """The fragment without what acts; the very same text where there is nothing of it.

    What cannot be parsed at all has no markup: it is returned escaped."""
    if "<" not in fragment:
        return fragment
    try:
        root = lxml.html.fragment_fromstring(fragment, create_parent="div")
    except (lxml.etree.LxmlError, ValueError, AssertionError):
        return fragment.replace("<", "&lt;")
    before = lxml.html.tostring(root, encoding="unicode")
    _CLEANER(root)
    after = lxml.html.tostring(root, encoding="unicode")
    if after == before:
        return fragment
    return after.removeprefix("<div>").removesuffix("</div>")
