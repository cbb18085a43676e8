"""In which language a customer is written to, and why."""


def choose_language(
    own: str | None, contact: str | None, company: str
) -> tuple[str, str]:
    """(language, reason) from what is chosen on the customer, the contact's language in
    Odoo, and the company's setting.

    :param own: ``en``, ``ar``, ``both`` or nothing
    :param contact: Odoo's code, such as ``ar_001``, ``fr_FR``; Odoo gives every contact
    ``en_US`` unless somebody chooses, so that English says nothing
    :param company: ``en``, ``ar`` or ``both``
    :return: the reason is ``own``, ``contact``, ``other`` (reminders are not written in
    the contact's language) or ``company``
    """
    if own:
        return own, "own"
    if (contact or "").startswith("ar"):
        return ("both" if company == "both" else "ar"), "contact"
    if contact and not contact.startswith("en"):
        # Customers who read neither language are more likely to read English than
        # Arabic.
        return ("both" if company == "both" else "en"), "other"
    return company, "company"
