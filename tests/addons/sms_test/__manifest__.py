{
    "name": "Invoice Chaser: short messages (example)",
    "summary": "The example of docs/adding-a-channel.md; not for customers.",
    "version": "19.0.1.0.0",
    "license": "LGPL-3",
    "author": "Invoice Chaser",
    "depends": ["invoice_chaser"],
    "data": ["security/ir.model.access.csv"],
    "installable": True,
}
