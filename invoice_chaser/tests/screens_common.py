"""What the tests of screens share: which fields of our forms explain themselves."""

from lxml import etree

# Fields whose label says all there is to say, by the reason.
SELF_EVIDENT = {
    "the record is about it, or is called so": (
        "company_id partner_id partner_ids currency_id name number user_id reminder_id "
        "campaign_id campaign_ids template_id level_id level_ids attachment_id "
        "attachment_ids file file_ids inbound_id call_ids dispute_ids promise_ids "
        "reminder_ids move_ids",
    ),
    "everybody writes letters and invoices": (
        "subject email phone description note amount invoice_date date_maturity "
        "date_from date_to days_overdue ip_address",
    ),
    "who did it, and when": (
        "answered_at called_at disputed_at promised_at sent_at received_at "
        "processed_at started_at finished_at completed_at create_date submitted_at "
        "submitted_by_id closed_at closed_by_id released_at released_by_id decided_at "
        "decided_by_id confirmed_at confirmed_by_id settled_by_id",
    ),
}
_NAMES = {
    name
    for groups in SELF_EVIDENT.values()
    for group in groups
    for name in group.split()
}


def find_without_help(env, module):
    """(view, field) of the fields of ours that a form shows with a label, and that say
    nothing more about themselves: neither the field nor the view has a help text.
    Figures on buttons lead to what they count, and a field without a label is a
    sentence or a list that shows itself. Self-evident ones are not among them."""
    ids = env["ir.model.data"].search(
        [("module", "=", module), ("model", "=", "ir.ui.view")]
    )
    found = []
    for view in env["ir.ui.view"].browse(ids.mapped("res_id")):
        if view.type != "form" or view.model not in env:
            continue
        arch = etree.fromstring(view.arch_db)
        for node in arch.iter("field"):
            field = env[view.model]._fields.get(node.get("name"))
            if (
                field is not None
                and _is_ours(view.model, field)
                and _has_label(arch, node)
                and not (field.help or node.get("help"))
                and field.name not in _NAMES
            ):
                found.append((view.xml_id, field.name))
    return found


def _is_ours(model, field):
    return model.startswith("chaser.") or field._module.startswith("invoice_chaser")


def _has_label(arch, node):
    above = list(node.iterancestors())
    if (
        node.get("position")
        or node.get("invisible") in ("1", "True")
        or any(one.tag in ("button", "field") for one in above)
        or any(one.tag == "setting" and one.get("help") for one in above)
    ):
        return False
    parent = above[0]
    return bool(
        (parent.tag == "group" and not (node.get("nolabel") or parent.get("nolabel")))
        or parent.tag == "xpath"
        or arch.xpath("//label[@for=$name]", name=node.get("name"))
    )
