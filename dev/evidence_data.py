"""Writes the messages and documents of the demo's customers as files: run inside ``odoo shell`` by dev/evidence."""

from pathlib import Path

import demo_data

LEVELS = ("polite", "firm", "urgent", "final", "thanks", "statement")
LANGUAGES = ("en", "ar", "both")


def make_books(env):
    """The demo's books, without its mailbox. Returns a customer with several invoices, instalments or credits among them."""
    company = demo_data.make_company(env)
    user = demo_data.make_users(env, company)
    customers = demo_data.make_customers(env)
    moves = demo_data.make_invoices(env, company, customers, user)
    demo_data.make_special_customers(env, company, customers)
    demo_data.make_movements(env, company, customers, moves)
    env["ir.config_parameter"].set_param("web.base.url", "https://odoo.pop-trading.example")
    by_customer = moves.grouped("partner_id")
    several = [customer for customer in customers if 4 <= len(by_customer.get(customer, ())) <= 6]
    with_instalments = [customer for customer in several if len(by_customer[customer].line_ids.filtered(
        lambda line: line.display_type == "payment_term")) > len(by_customer[customer])]
    most = max(customers, key=lambda customer: len(by_customer.get(customer, ())))
    return (with_instalments or several)[0], most


def write_messages(env, customer, folder):
    from odoo.addons.invoice_chaser.core import render

    reminder = env["chaser.reminder"]
    for code in LEVELS:
        template = env.ref(f"invoice_chaser.chaser_template_{code}")
        data = reminder._get_preview_data(customer, env.company)
        for language in LANGUAGES:
            rendered = render.compose(data, template._get_sources(), language)
            (folder / f"{code}-{language}.html").write_text(rendered.html)
            (folder / f"{code}-{language}.txt").write_text(f"{rendered.subject}\n\n{rendered.text}")


def write_documents(env, customer, name, folder):
    from odoo.addons.invoice_chaser.core.documents import letter, pdf, statement
    from odoo.addons.invoice_chaser.core.render import languages
    from odoo.addons.invoice_chaser.models.chaser_reminder_message import PreviewRun

    reminder, company, cache = env["chaser.reminder"], env.company, PreviewRun()
    data = reminder._get_preview_data(customer, company)
    shared = {"customer": reminder._get_customer_data(customer.id)}
    today = company._get_chaser_today()
    rows = reminder._read_statement_rows(customer.id, company.id)
    items = tuple(reminder._make_render_item(row | {"access_token": None}, today, "", cache) for row in rows)
    source = statement.Statement(
        company=data.company, items=items, today=today, bank=data.bank, payment_reference=data.payment_reference, **shared)
    texts = env.ref("invoice_chaser.chaser_template_letter")._get_sources()
    for language in LANGUAGES:
        (folder / f"statement-{name}-{language}.pdf").write_bytes(pdf.make_pdf(statement.statement_html(source, languages(language))))
        (folder / f"letter-{name}-{language}.pdf").write_bytes(pdf.make_pdf(letter.letter_html(data, texts, language, **shared)))


def write_page(env, customer, folder):
    """The customer's page of a reminder that counts as sent."""
    from odoo.addons.invoice_chaser.core.customer_page import render_page

    demo_data.make_mailbox(env, env.company, 25)
    invoices = env["account.move"].search([("commercial_partner_id", "=", customer.id), ("move_type", "=", "out_invoice")])
    reminder = env["chaser.campaign"].create_for_invoices(invoices.ids, {}).reminder_ids.filtered("line_ids").sudo()[:1]
    reminder.write({"state": "sent", "sent_at": env.cr.now(), "attempted_at": env.cr.now()})
    for lang in ("en", "ar"):
        (folder / f"page-{lang}.html").write_text(render_page(reminder._get_page_data(lang))[0])


def write_all(env, folder):
    env["res.lang"]._activate_lang("ar_001")
    env["ir.module.module"]._load_module_terms(["invoice_chaser"], ["ar_001"])
    several, most = make_books(env)
    write_messages(env, several, Path(folder))
    write_documents(env, several, "several", Path(folder))
    write_documents(env, most, "many", Path(folder))
    write_page(env, several, Path(folder))
