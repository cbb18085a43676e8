"""Writes the messages and documents of the demo's customers as files: run inside ``odoo
shell`` by dev/evidence."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import demo_data

from odoo.fields import Command
from odoo.tools.image import image_data_uri

from odoo.addons.invoice_chaser.core.page.customer_answers import Answer

LEVELS = ("polite", "firm", "urgent", "final", "thanks", "statement")
LANGUAGES = ("en", "ar", "both")


def make_books(env):
    """The demo's books, without its mailbox. Returns a customer with several invoices,
    instalments or credits among them."""
    company = demo_data.make_company(env)
    user = demo_data.make_users(env, company)
    customers = demo_data.make_customers(env)
    moves = demo_data.make_invoices(env, company, customers, user)
    demo_data.make_special_customers(env, company, customers)
    demo_data.make_movements(env, company, customers, moves)
    env["ir.config_parameter"].set_param(
        "web.base.url", "https://odoo.pop-trading.example"
    )
    by_customer = moves.grouped("partner_id")
    several = [
        customer
        for customer in customers
        if 4 <= len(by_customer.get(customer, ())) <= 6
    ]
    with_instalments = [
        customer
        for customer in several
        if len(
            by_customer[customer].line_ids.filtered(
                lambda line: line.display_type == "payment_term"
            )
        )
        > len(by_customer[customer])
    ]
    most = max(customers, key=lambda customer: len(by_customer.get(customer, ())))
    return (with_instalments or several)[0], most


def make_long_account(env, customer):
    """A customer with 64 more invoices in two currencies and a credit note: statements
    over several pages."""
    today, seller = (
        env.company._get_chaser_today(),
        env["res.users"].search([("login", "=", "accountant")]),
    )
    values = [
        {
            "move_type": "out_refund" if number == 9 else "out_invoice",
            "partner_id": customer.id,
            "invoice_user_id": seller.id,
            "invoice_date": today - timedelta(days=130 - 2 * number),
            "invoice_date_due": today - timedelta(days=115 - 2 * number),
            "currency_id": (
                env.ref("base.USD") if number % 7 == 3 else env.company.currency_id
            ).id,
            "invoice_line_ids": [
                Command.create(
                    {
                        "name": "Goods",
                        "quantity": 1,
                        "price_unit": 310.4 + 97.35 * number,
                        "tax_ids": [Command.clear()],
                    }
                )
            ],
        }
        for number in range(65)
    ]
    moves = (
        env["account.move"]
        .with_context(tracking_disable=True, mail_create_nosubscribe=True)
        .create(values)
    )
    moves.action_post()
    return customer


def show_logo(env, html):
    """The logo of the message is on a server that the screenshot cannot reach, so it is
    embedded in the page."""
    return html.replace(
        env["chaser.composer"]._get_logo_url(env.company).replace("&", "&amp;"),
        image_data_uri(env.company.logo_web),
    )


def write_messages(env, customer, folder, codes=LEVELS, suffix="", languages=LANGUAGES):
    from odoo.addons.invoice_chaser.core.letter import render

    composer = env["chaser.composer"]
    for code in codes:
        template = env.ref(f"invoice_chaser.chaser_template_{code}")
        data = composer._get_preview_data(customer, env.company)
        for language in languages:
            rendered = render.compose(data, template._get_sources(), language)
            (folder / f"{code}{suffix}-{language}.html").write_text(
                show_logo(env, rendered.html)
            )
            (folder / f"{code}{suffix}-{language}.txt").write_text(
                f"{rendered.subject}\n\n{rendered.text}"
            )


def write_documents(env, customer, name, folder, kinds=("statement", "letter")):
    """Statement (PDF and spreadsheet) and letter of a customer. ``name`` ``plain``: of
    a company without logo, colour and bank account."""
    from odoo.addons.invoice_chaser.core.letter.documents import letter, pdf, statement
    from odoo.addons.invoice_chaser.core.letter.render import languages
    from odoo.addons.invoice_chaser.models.send.chaser_composer import Shared

    composer, company, cache = env["chaser.composer"], env.company, Shared()
    data = composer._get_preview_data(customer, company)
    shared = {
        "customer": composer._get_customer_data(customer.id),
        "logo": image_data_uri(company.logo_web),
    }
    if name == "plain":
        data, shared["logo"] = (
            replace(data, bank={}, company=data.company | {"color": ""}),
            "",
        )
    today = company._get_chaser_today()
    rows = env["chaser.documents"]._read_statement_rows(customer.id, company.id)
    items = tuple(composer._make_item(row, cache, today, "") for row in rows)
    source = statement.Statement(
        company=data.company,
        items=items,
        today=today,
        bank=data.bank,
        payment_reference=data.payment_reference,
        **shared,
    )
    texts = env.ref("invoice_chaser.chaser_template_letter")._get_sources()
    for language in LANGUAGES:
        if "statement" in kinds:
            (folder / f"statement-{name}-{language}.pdf").write_bytes(
                pdf.make_pdf(statement.statement_html(source, languages(language)))
            )
            (folder / f"statement-{name}-{language}.xlsx").write_bytes(
                statement.statement_xlsx(source, languages(language))
            )
        if "letter" in kinds:
            (folder / f"letter-{name}-{language}.pdf").write_bytes(
                pdf.make_pdf(letter.letter_html(data, texts, language, **shared))
            )


def write_page(folder, name, make):
    for lang in ("en", "ar"):
        (folder / f"page{name}-{lang}.html").write_text(make(lang))


def write_pages(env, customer, folder):
    """The customer's page of a reminder that counts as sent, in its states."""
    from odoo.addons.invoice_chaser.core.page.customer_page import render_page

    demo_data.make_mailbox(env, env.company, 25)
    invoices = env["account.move"].search(
        [("commercial_partner_id", "=", customer.id), ("move_type", "=", "out_invoice")]
    )
    reminder = (
        env["chaser.campaign"]
        .create_for_invoices(invoices.ids, {})
        .reminder_ids.filtered("line_ids")
        .sudo()[:1]
    )
    reminder.write(
        {"state": "sent", "sent_at": env.cr.now(), "attempted_at": env.cr.now()}
    )
    for move in invoices:
        move._portal_ensure_token()

    def write(name, **shown):
        write_page(
            folder,
            name,
            lambda lang: render_page(reminder._get_page_data(lang, **shown))[0],
        )

    write("")
    write("-open", problem="day_missing", problem_action="promise")
    in_six_days = env.company._get_chaser_today() + timedelta(days=6)
    for answer in (
        Answer("dispute", text="Two pallets arrived damaged", invoices=(1,)),
        Answer("promise", day=in_six_days),
    ):
        taken = reminder._process_answer(
            answer,
            reminder._make_form_key(answer.action),
            {"ip": "192.0.2.1", "user_agent": ""},
        )
        write(f"-{answer.action}", done=taken.id)
    demo_data.pay(env, invoices)
    write("-settled")


def write_notices(env, folder):
    """The small pages: stop the reminders, a link that is no longer valid, the database
    busy."""
    from odoo.addons.invoice_chaser.core.page import pages
    from odoo.addons.invoice_chaser.core.page.customer_page import render_busy

    email, company, color = (
        "accounts@customer.example",
        env.company.name,
        env.company.email_secondary_color,
    )
    write_page(
        folder,
        "-stop",
        lambda lang: pages.confirm_page(
            lang, email, "/chaser/u/sample", company, color
        ),
    )
    write_page(
        folder, "-stopped", lambda lang: pages.done_page(lang, email, company, color)
    )
    write_page(
        folder,
        "-busy",
        lambda lang: render_busy(lang, "/chaser/p/sample", {"action": "copy"})[0],
    )
    (folder / "page-invalid-both.html").write_text(pages.invalid_page())


def write_all(env, folder):
    folder = Path(folder)
    env["res.lang"]._activate_lang("ar_001")
    env["ir.module.module"].search([("state", "=", "installed")])._update_translations(
        ["ar_001"]
    )
    several, most = make_books(env)
    write_messages(env, several, folder)
    write_documents(env, several, "several", folder)
    write_documents(env, several, "plain", folder, ("statement",))
    write_documents(env, most, "many", folder)
    write_messages(
        env, make_long_account(env, most), folder, ("urgent",), "-long", ("ar",)
    )
    write_documents(env, most, "long", folder, ("statement",))
    write_pages(env, several, folder)
    write_notices(env, folder)
