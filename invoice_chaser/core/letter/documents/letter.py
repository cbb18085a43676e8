"""The formal letter on the company's letterhead, with the same figures as the message
that it goes with."""

from markupsafe import Markup

from ...letter import localize
from ..html_layout import LAYOUT, get_colors
from ..message_data import MessageData
from ..render import (
    bank_rows,
    languages,
    merge_values,
    other_credits_text,
    row_texts,
    totals_rows,
)
from ..template_language import render_source
from ..texts import DOCUMENT_TEXTS, TEXTS


def letter_html(
    data: MessageData,
    sources: dict[str, tuple[str, str]],
    preference: str,
    customer: dict[str, str],
    logo: str = "",
) -> str:
    """The letter, one section per language, each beginning on a page of its own.

    :param sources: (subject, text as HTML) per language, with the merge tags of a
    template
    :param customer: ``name``, ``address`` and ``trn`` of the addressee
    :param logo: a ``data:`` URL, or empty
    :raises TemplateProblem: when the text does not render
    """
    langs = (
        tuple(lang for lang in languages(preference) if lang in sources)
        or tuple(sources)[:1]
    )
    sections = [
        _section(data, sources[lang], lang)
        | {"customer_address": localize.address_in(customer, lang)}
        for lang in langs
    ]
    return LAYOUT.get_template("documents/letter.html.jinja").render(
        sections=sections,
        company=data.company,
        customer=customer,
        logo=logo,
        langs=langs,
        title=sections[0]["subject"],
        reference=data.payment_reference,
        **get_colors(data.company.get("color", "")),
    )


def _section(
    data: MessageData, source: tuple[str, str], lang: str
) -> dict[str, object]:
    values, texts = merge_values(data, lang), TEXTS[lang]
    shared = {"texts": texts, "lang": lang}
    blocks = {
        "invoice_table": _block(
            "rows",
            rows=[row_texts(item, lang) for item in data.items + data.credits],
            totals=totals_rows(data, lang),
            other_credit=other_credits_text(data, lang),
            **shared,
        ),
        "pay_button": _block("bank", bank=bank_rows(data, lang), **shared),
    }
    words = values | {"invoice_table": values["invoice_numbers"], "pay_button": ""}
    return {
        **shared,
        "words": DOCUMENT_TEXTS[lang],
        "today": localize.format_day(data.today, lang),
        "company_address": localize.address_line(data.company, lang),
        "subject": " ".join(
            render_source(source[0], words, lang, is_html=False).split()
        ),
        "body": Markup(render_source(source[1], values | blocks, lang)),  # noqa: S704 (sanitized when saved, values are escaped)
    }


def _block(name: str, **values) -> Markup:
    return Markup(LAYOUT.get_template(f"documents/{name}.html.jinja").render(values))  # noqa: S704 (own autoescaped layout)
