{
    "name": "Invoice Chaser: short patience (for tests)",
    "summary": "Makes the storm's minutes out of a day's; not for customers.",
    "version": "19.0.1.0.0",
    "license": "LGPL-3",
    "author": "Invoice Chaser",
    "depends": ["invoice_chaser"],
    "installable": True,
}
