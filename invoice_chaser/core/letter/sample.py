"""What a preview shows without a customer, and how a message is marked that goes to
ourselves."""

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from markupsafe import escape

from .merge_tags import SAMPLE
from .render import Item, MessageData, Rendered

_BODY = re.compile(r"<body[^<>]{0,2000}>", re.I)
_ITEMS = (
    (142, 41, "18375.00", "18375.00"),
    (187, 23, "6420.50", "2420.50"),
    (203, 9, "990.00", "990.00"),
)
_BANNER = (
    "margin:0;padding:8px "
    "14px;background-color:#fef3c7;color:#78350f;font-family:Tahoma,Arial,sans-serif;font-size:13px;text-align:center"
)
_BANK = {
    "name": SAMPLE["bank_name"],
    "holder": SAMPLE["account_holder"],
    "iban": SAMPLE["iban"],
    "bic": SAMPLE["bic"],
}


def _make_items(
    today: date, base_url: str, currency: str, decimals: int
) -> tuple[Item, ...]:
    return tuple(
        Item(
            f"INV/{today.year}/{number:05d}",
            today - timedelta(days=days + 30),
            today - timedelta(days=days),
            days,
            Decimal(amount),
            Decimal(residual),
            currency,
            decimals,
            f"{base_url}/my/invoices/{number}?access_token=sample",
        )
        for number, days, amount, residual in _ITEMS
    )


def sample_data(
    today: date,
    company: dict[str, str],
    level_name: dict[str, str],
    base_url: str = "",
    currency: str = "AED",
    decimals: int = 2,
    fill: bool = True,
) -> MessageData:
    """Three invoices of a customer that does not exist. ``fill``: what the company does
    not have is filled with samples."""
    items = _make_items(today, base_url, currency, decimals)
    credit = Item(
        "RINV/00012",
        today - timedelta(days=15),
        None,
        0,
        Decimal("-500.00"),
        Decimal("-500.00"),
        currency,
        decimals,
    )
    own = {
        key: company.get(key) or (SAMPLE[f"company_{key}"] if fill else "")
        for key in ("name", "address", "trn", "phone", "email", "website")
    }
    return MessageData(
        company=company | own,
        customer_name=SAMPLE["customer_name"],
        contact_name=SAMPLE["contact_name"],
        items=items,
        credits=(credit,),
        today=today,
        payment_reference="RF42123456",
        level_name=level_name,
        page_url=f"{base_url}/chaser/p/sample",
        unsubscribe_url=f"{base_url}/chaser/u/sample",
        salesperson={
            key: SAMPLE[f"salesperson_{key}"] for key in ("name", "email", "phone")
        },
        bank=dict(_BANK),
        customer={
            "reference": SAMPLE["customer_reference"],
            "trn": SAMPLE["customer_trn"],
        },
    )


def mark_as_sample(rendered: Rendered, label: str, note: str) -> Rendered:
    """``[label] subject``, and ``note`` above the message: so that nobody takes it for
    a reminder."""
    banner = f'<div style="{_BANNER}"><bdi>{escape(note)}</bdi></div>'
    html = _BODY.sub(lambda match: match.group(0) + banner, rendered.html, count=1)
    return replace(
        rendered,
        subject=f"[{label}] {rendered.subject}",
        html=html,
        text=f"{note}\n\n{rendered.text}",
    )
