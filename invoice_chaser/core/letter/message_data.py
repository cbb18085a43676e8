"""What a message is made from: plain values, no recordset."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Item:
    """One open journal item as of today. Amounts in major units of ``currency`` (ISO
    code); credits are negative.

    ``part`` of ``parts``: which instalment of its invoice it is; ``parts`` 1 or 0: the
    invoice is due at once.
    """

    number: str
    invoice_date: date | None
    date_due: date | None
    days_overdue: int
    amount: Decimal
    residual: Decimal
    currency: str
    decimals: int = 2
    url: str = ""
    part: int = 0
    parts: int = 0
    # Of an item that is no invoice: what it is, in the words of the books.
    label: str = ""


@dataclass(frozen=True)
class MessageData:
    """Plain values of one message. Texts that differ by language are dicts ``{"en": …,
    "ar": …}``.

    ``page_url`` is the customer's own page; its ``#promise`` and ``#dispute`` are the
    forms for the customer's answers. ``attached`` names what goes with the message, as
    (kind, number): ``("statement", "")``, ``("letter", "")``, ``("invoice", "INV/1")``;
    ``left_out`` counts the invoice documents that were asked for and are not
    attached."""

    company: dict[str, str]
    customer_name: str
    contact_name: str
    items: tuple[Item, ...]
    today: date
    credits: tuple[Item, ...] = ()
    # In currencies in which nothing is asked for: told, and not taken off.
    other_credits: tuple[Item, ...] = ()
    # What we owe the customer on open bills, per (currency, decimals): told as well.
    payables: dict[tuple[str, int], Decimal] = field(default_factory=dict)
    salesperson: dict[str, str] = field(default_factory=dict)
    bank: dict[str, str] = field(default_factory=dict)
    # Where the items are to be paid to different accounts: what each is for (currency,
    # or currency and invoices), and the account. Else empty: ``bank`` is for all.
    banks: tuple[tuple[str, dict[str, str]], ...] = ()
    payment_reference: str = ""
    level_name: dict[str, str] = field(default_factory=dict)
    unsubscribe_url: str = ""
    pixel_url: str = ""
    page_url: str = ""
    attached: tuple[tuple[str, str], ...] = ()
    left_out: int = 0
    # What else a template may say about the customer: ``reference`` (our number for the
    # customer), ``trn``.
    customer: dict[str, str] = field(default_factory=dict)
    # Whether ``contact_name`` is a company's name and not a person's.
    is_company: bool = False
    # How the addresses of the portal begin in a language: ``{"ar": "/ar"}``.
    portal_prefixes: Mapping[str, str] = field(default_factory=dict)

    def in_language(self, lang: str) -> "MessageData":
        """With links to the portal's pages in this language."""
        prefix = self.portal_prefixes.get(lang)
        if not prefix:
            return self
        return replace(
            self,
            items=tuple(
                replace(item, url=item.url.replace("/my/", f"{prefix}/my/", 1))
                for item in self.items
            ),
        )

    @property
    def totals(self) -> dict[tuple[str, int], Decimal]:
        """What is due per (currency, decimals), credits taken off; never over
        currencies."""
        totals: dict[tuple[str, int], Decimal] = {}
        for item in self.items + self.credits:
            key = (item.currency, item.decimals)
            totals[key] = totals.get(key, Decimal(0)) + item.residual
        return totals

    @property
    def oldest(self) -> Item | None:
        return min(
            self.items, key=lambda item: item.date_due or self.today, default=None
        )

    @property
    def button_url(self) -> str:
        """Where the main button leads: the customer's page, else the oldest invoice
        that has a page of its own."""
        if self.page_url:
            return self.page_url
        return self.portal_url

    @property
    def portal_url(self) -> str:
        """The oldest invoice that has a page in the portal."""
        dated = [item for item in self.items if item.url]
        return (
            min(dated, key=lambda item: item.date_due or self.today).url
            if dated
            else ""
        )
