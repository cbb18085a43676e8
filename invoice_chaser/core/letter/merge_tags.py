"""The documented merge tags: what a template may name, of which kind each value is, and
which a category needs.

``docs/merge-tags.md`` explains them to people, ``chaser.template._get_merge_tag_words``
in the user's language.
"""

from dataclasses import dataclass

# Kinds. ``reference``: digits and Latin letters that keep their direction inside Arabic
# (numbers of invoices, IBAN, phone).
TEXT, NUMBER, AMOUNT, DATE, REFERENCE, LINK, BLOCK = (
    "text",
    "number",
    "amount",
    "date",
    "reference",
    "link",
    "block",
)
# What both languages of a letter must contain. Names and addresses may be in one of
# them only.
FACT_KINDS = (NUMBER, AMOUNT, DATE, REFERENCE, LINK, BLOCK)


@dataclass(frozen=True)
class MergeTag:
    """``group`` is the heading under which the picker shows it; ``sample`` stands in
    previews without a customer."""

    name: str
    kind: str
    group: str
    sample: str = ""


TAGS = (
    MergeTag("company_name", TEXT, "company", "POP Trading LLC"),
    MergeTag("company_address", TEXT, "company", "Office 1204, Deira, Dubai"),
    MergeTag("company_trn", REFERENCE, "company", "100123456700003"),
    MergeTag("company_phone", REFERENCE, "company", "+971 4 555 0100"),
    MergeTag("company_email", REFERENCE, "company", "accounts@pop.example"),
    MergeTag("company_website", REFERENCE, "company", "https://pop.example"),
    MergeTag("customer_name", TEXT, "customer", "Al Noor Trading LLC"),
    MergeTag("customer_reference", REFERENCE, "customer", "C-1042"),
    MergeTag("customer_trn", REFERENCE, "customer", "100987654300003"),
    MergeTag("contact_name", TEXT, "customer", "Ahmed Al Mansoori"),
    MergeTag("salutation", TEXT, "customer"),
    MergeTag("salesperson_name", TEXT, "salesperson", "Sara Khan"),
    MergeTag("salesperson_email", REFERENCE, "salesperson", "sara@pop.example"),
    MergeTag("salesperson_phone", REFERENCE, "salesperson", "+971 50 555 0101"),
    MergeTag("invoice_table", BLOCK, "items"),
    MergeTag("invoice_count", NUMBER, "items"),
    MergeTag("invoice_numbers", REFERENCE, "items"),
    MergeTag("oldest_invoice", REFERENCE, "items"),
    MergeTag("oldest_due_date", DATE, "items"),
    MergeTag("days_overdue", NUMBER, "items"),
    MergeTag("total_due", AMOUNT, "amounts"),
    MergeTag("credit_total", AMOUNT, "amounts"),
    MergeTag("payment_reference", REFERENCE, "payment", "RF42123456"),
    MergeTag("bank_name", TEXT, "payment", "Emirates Gulf Bank"),
    MergeTag("account_holder", TEXT, "payment", "POP Trading LLC"),
    MergeTag("iban", REFERENCE, "payment", "AE07 0331 2345 6789 0123 456"),
    MergeTag("bic", REFERENCE, "payment", "EGBKAEAD"),
    MergeTag("pay_button", BLOCK, "links"),
    MergeTag("portal_url", LINK, "links"),
    MergeTag("pay_url", LINK, "links"),
    MergeTag("page_url", LINK, "links"),
    MergeTag("promise_url", LINK, "links"),
    MergeTag("dispute_url", LINK, "links"),
    MergeTag("level_name", TEXT, "message"),
    MergeTag("today", DATE, "message"),
)
GROUPS = tuple(dict.fromkeys(tag.group for tag in TAGS))
MERGE_TAGS = tuple(tag.name for tag in TAGS)
KIND = {tag.name: tag.kind for tag in TAGS}
SAMPLE = {tag.name: tag.sample for tag in TAGS}
# HTML made by the addon; an edit of the template cannot break them.
BLOCKS = tuple(tag.name for tag in TAGS if tag.kind == BLOCK)
REQUIRED_TAGS = {
    "invoice_reminder": ("invoice_table",),
    "payment_follow_up": ("invoice_table",),
    "overdue_notice": ("invoice_table",),
    "welcome": (),
    "system": (),
}


def page_links(page_url: str) -> dict[str, str]:
    """The customer's page and its two answers; all empty without a page."""
    return {
        "page_url": page_url,
        "promise_url": f"{page_url}#promise" if page_url else "",
        "dispute_url": f"{page_url}#dispute" if page_url else "",
    }


def portal_links(portal_url: str) -> dict[str, str]:
    """An invoice in Odoo's portal, and the same with its payment dialog opened (as
    ``account_payment`` links to it)."""
    query = "&" if "?" in portal_url else "?"
    return {
        "portal_url": portal_url,
        "pay_url": f"{portal_url}{query}payment=True#portal_pay" if portal_url else "",
    }
