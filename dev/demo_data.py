"""The demo's company: run inside ``odoo shell``. 412 overdue invoices of about 130
customers, with everything that real books contain."""

import base64
import io
import random
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from odoo.fields import Command

RANDOM = random.Random(20260301)
INVOICES = 412
EN_NAMES = (
    "Al Noor Trading",
    "Gulf Star Electronics",
    "Desert Rose Textiles",
    "Blue Palm Catering",
    "Emirates Steel Works",
    "Falcon Logistics",
    "Marina Bay Interiors",
    "Golden Dunes Foodstuff",
    "Pearl Coast Hotels",
    "Skyline Contracting",
    "Oasis Medical Supplies",
    "Red Sands Auto Parts",
)
AR_NAMES = (
    "شركة النور للتجارة",
    "مؤسسة الفجر للمقاولات",
    "شركة الواحة للأغذية",
    "مجموعة الخليج للإلكترونيات",
    "شركة الصقر للنقل",
    "مؤسسة اللؤلؤة للفنادق",
    "شركة الرمال الذهبية",
    "مؤسسة البحر الأزرق",
    "شركة المدينة للأثاث",
    "شركة الإمارات للحديد",
)
EN_PEOPLE = (
    "Ahmed Al Mansoori",
    "Priya Nair",
    "John Carter",
    "Fatima Hassan",
    "Omar Khalid",
    "Maria Santos",
)
AR_PEOPLE = ("أحمد المنصوري", "فاطمة الهاشمي", "خالد العلي", "مريم الزعابي")


def draw_logo(name="POP Trading", color="#0f766e"):
    """A mark of our own for the demo's company, as PNG: three crates and the name."""
    image = Image.new("RGBA", (720, 160), (255, 255, 255, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, 159, 159), 30, fill=color)
    for left, top in ((52, 28), (24, 86), (82, 86)):
        draw.rounded_rectangle((left, top, left + 50, top + 46), 7, fill="white")
        draw.rectangle((left + 20, top, left + 30, top + 16), fill=color)
    draw.text(
        (196, 80), name, fill="#1f2937", font=ImageFont.load_default(84), anchor="lm"
    )
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def make_company(env):
    company = env.company
    uae = env.ref("base.ae")
    company.write(
        {
            "name": "POP Trading",
            "email": "accounts@pop-trading.example",
            "phone": "+971 4 123 4567",
            "vat": "100123456700003",
            "street": "Al Maktoum Road 12",
            "city": "Dubai",
            "country_id": uae.id,
            "website": "https://pop-trading.example",
            "account_fiscal_country_id": uae.id,
            "logo": base64.b64encode(draw_logo()),
            "primary_color": "#0f766e",
            "secondary_color": "#0f766e",
            # The demo sends at whatever hour it is shown.
            "chaser_window_enabled": False,
            "email_secondary_color": "#0f766e",
        }
    )
    company.partner_id.tz = "Asia/Dubai"
    env["account.chart.template"].try_loading("ae", company, install_demo=False)
    company.chaser_minimum_amount = 50
    dollar = env.ref("base.USD")
    dollar.active = True
    # The dirham is tied to the dollar.
    env["res.currency.rate"].create(
        {
            "currency_id": dollar.id,
            "company_id": company.id,
            "rate": 1 / 3.6725,
            "name": company._get_chaser_today() - timedelta(days=400),
        }
    )
    env["res.partner.bank"].create(
        {"acc_number": "AE070331234567890123456", "partner_id": company.partner_id.id}
    )
    return company


def make_users(env, company):
    groups = [
        env.ref("invoice_chaser.group_chaser_user").id,
        env.ref("account.group_account_user").id,
        env.ref("account.group_validate_bank_account").id,
    ]
    user = (
        env["res.users"]
        .with_context(no_reset_password=True)
        .create(
            {
                "name": "Aisha Rahman",
                "login": "accountant",
                "password": "accountant",
                "email": "aisha@pop-trading.example",
                "tz": "Asia/Dubai",
                "group_ids": [Command.link(group) for group in groups],
                "company_id": company.id,
                "company_ids": [Command.set(company.ids)],
            }
        )
    )
    env.ref("base.user_admin").write(
        {"email": "admin@pop-trading.example", "tz": "Asia/Dubai"}
    )
    return user


def make_customers(env):
    values = []
    for number in range(132):
        arabic = number % 3 == 1
        name = (AR_NAMES if arabic else EN_NAMES)[
            number % (10 if arabic else 12)
        ] + f" {number // 4 + 1}"
        values.append(
            {
                "name": name,
                "is_company": True,
                "lang": "ar_001" if arabic else "en_US",
                "country_id": env.ref("base.ae").id,
                "email": f"accounts@customer{number:03d}.example",
                "customer_rank": 1,
                "chaser_language": "both" if number % 10 == 4 else False,
            }
        )
    customers = env["res.partner"].create(values)
    env["res.partner"].create(
        [
            {
                "name": RANDOM.choice(
                    AR_PEOPLE if customer.lang == "ar_001" else EN_PEOPLE
                ),
                "parent_id": customer.id,
                "type": "invoice",
                "email": f"finance@customer{index:03d}.example",
                "lang": customer.lang,
            }
            for index, customer in enumerate(customers)
            if index % 4 == 0
        ]
    )
    return customers


def make_special_customers(env, company, customers):
    """Those that must be left out, each for its own reason."""
    today = company._get_chaser_today()
    customers[1:5].write({"email": False})
    customers[5:8].write(
        {
            "chaser_paused_until": today + timedelta(days=20),
            "chaser_pause_reason": "New payment plan agreed",
        }
    )
    env["chaser.suppression"].create(
        [
            {"email": partner.email, "company_id": company.id, "reason": "unsubscribed"}
            for partner in customers[9:12]
        ]
    )
    customers[13].email = "Accounts <ap@customer013.example>; cfo@customer013.example"
    customers[14].consolidation_preference = "disabled"
    customers[15].write({"consolidation_preference": "disabled"})


def make_invoices(env, company, customers, user):
    today = company._get_chaser_today()
    product = env["product.product"].create(
        {"name": "Goods", "list_price": 100, "taxes_id": [Command.clear()]}
    )
    instalments = env["account.payment.term"].create(
        {
            "name": "50 % in 15 days, 50 % in 90 days",
            "line_ids": [
                Command.create({"value": "percent", "value_amount": 50, "nb_days": 15}),
                Command.create({"value": "percent", "value_amount": 50, "nb_days": 90}),
            ],
        }
    )
    plain = env["account.payment.term"].create(
        {
            "name": "15 days",
            "line_ids": [
                Command.create({"value": "percent", "value_amount": 100, "nb_days": 15})
            ],
        }
    )
    values = []
    for number in range(INVOICES):
        # Every customer gets one, the first ones several.
        customer = (
            customers[number]
            if number < len(customers)
            else customers[int(len(customers) * RANDOM.random() ** 1.7)]
        )
        age = RANDOM.choice((4, 9, 12, 18, 22, 27, 33, 41, 55, 70, 95))
        values.append(
            {
                "move_type": "out_invoice",
                "partner_id": customer.id,
                "invoice_date": today - timedelta(days=age + 15),
                "invoice_payment_term_id": (
                    instalments if number % 23 == 7 else plain
                ).id,
                "invoice_user_id": user.id,
                "currency_id": env.ref("base.USD").id
                if number % 17 == 5
                else company.currency_id.id,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": product.id,
                            "quantity": 1,
                            "price_unit": round(RANDOM.uniform(150, 24000), 2),
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
            }
        )
    moves = (
        env["account.move"]
        .with_context(tracking_disable=True, mail_create_nosubscribe=True)
        .create(values)
    )
    moves.action_post()
    return moves


def make_movements(env, company, customers, moves):
    """Credit notes, a part payment, an unallocated payment, disputes, a promise, a
    do-not-follow-up."""
    today = company._get_chaser_today()
    by_customer = moves.grouped("partner_id")
    credits = env["account.move"]
    for partner, factor in (
        (customers[20], 0.5),
        (customers[21], 30),
        (customers[22], 0.2),
    ):
        invoice = by_customer[partner][0]
        credits |= env["account.move"].create(
            {
                "move_type": "out_refund",
                "partner_id": partner.id,
                "invoice_date": today - timedelta(days=3),
                "currency_id": invoice.currency_id.id,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Returned goods",
                            "quantity": 1,
                            "price_unit": round(invoice.amount_total * factor, 2),
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
            }
        )
    credits.action_post()
    invoice = by_customer[customers[30]][0]
    pay(env, invoice, round(invoice.amount_total / 3, 2))
    disputed = by_customer[customers[40]][0]
    disputed.chaser_dispute_reason = "Two pallets arrived damaged"
    by_customer[customers[41]][0].action_toggle_block_payment()
    by_customer[customers[42]][0].chaser_promise_date = today + timedelta(days=5)
    by_customer[customers[43]][0].line_ids.filtered(
        lambda line: line.display_type == "payment_term"
    ).no_followup = True


def pay(env, invoice, amount=None):
    wizard = (
        env["account.payment.register"]
        .with_context(active_model="account.move", active_ids=invoice.ids)
        .create({"amount": amount} if amount else {})
    )
    wizard.action_create_payments()


def make_mailbox(env, company, port):
    provider = env["chaser.provider"].create(
        {
            "company_id": company.id,
            "kind": "smtp",
            "email": "accounts@pop-trading.example",
            "sender_name": "POP Trading Accounts",
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "smtp_encryption": "none",
            "smtp_user": "accounts",
            "smtp_password": "demo-password",
            "per_domain_minute": 0,
            "per_minute": 0,
            "jitter_min": 0,
            "jitter_max": 0,
        }
    )
    return provider


def make_whatsapp(env, company, customers, base_url, hook_file):
    """A WhatsApp number with approved templates, and customers who have agreed to
    messages; the levels go by WhatsApp first, then by mail."""
    params = env["ir.config_parameter"]
    params.set_param("web.base.url", "https://odoo.pop-trading.example")
    account = env["chaser.provider"].create(
        {
            "company_id": company.id,
            "name": "WhatsApp",
            "kind": "whatsapp",
            "whatsapp_waba_id": "102290129340398",
            "whatsapp_phone_id": "106540352242922",
            "whatsapp_app_id": "670843887433847",
            "whatsapp_token": "EAAtoken0000000000000000",
            "whatsapp_app_secret": "app-secret",
            "whatsapp_verify_token": "demo words",
            "batch_pause": 0,
            "per_minute": 0,
            "per_domain_minute": 0,
            "jitter_min": 0,
            "jitter_max": 0,
        }
    )
    account.action_test_connection()
    if account.state != "connected":
        raise SystemExit(f"The demo's number does not connect: {account.last_error}")
    templates = env["chaser.whatsapp.template"]._create_shipped(account)
    templates.action_submit()
    params.set_param("web.base.url", base_url)
    templates.invalidate_recordset()
    for template in templates:
        # Meta takes public addresses only; the demo's own is none.
        template.version_id.content = template._make_content()
    if set(templates.mapped("state")) != {"approved"}:
        raise SystemExit("The demo's templates were not approved")
    # The daily look would find that the text at Meta has another address.
    job = env.ref("invoice_chaser_whatsapp.ir_cron_poll_accounts")
    job.nextcall = datetime.now() + timedelta(days=1)
    today = company._get_chaser_today()
    env["chaser.whatsapp.person"].create(
        [
            {
                "company_id": company.id,
                "partner_id": customer.id,
                "phone_e164": f"+97150{1234000 + index}",
                "opt_in_date": today - timedelta(days=60 + index),
                "opt_in_source": "form" if index % 2 else "email",
                "opt_in_text": f"We agree that {company.name} sends us messages about "
                "our account by WhatsApp.",
            }
            for index, customer in enumerate(customers)
            if index % 2 == 0
        ]
    )
    env["chaser.whatsapp.price"].create(
        {
            "company_id": company.id,
            "market": "United Arab Emirates",
            "country_ids": env.ref("base.ae").ids,
            "category": "utility",
            "date_from": today - timedelta(days=90),
            "currency_id": env.ref("base.AED").id,
            "amount": 0.06,
            "source": "Made up for the demo",
        }
    )
    env["chaser.level"]._get_ladder(company).write(
        {"channel": "whatsapp", "channel_fallback": "email"}
    )
    path = account.whatsapp_callback_url.split("/", 3)[3]
    Path(hook_file).write_text(f"{base_url}/{path}")


def make_demo(env, smtp_port, base_url, fast=False, key_file=None, hook_file=None):
    company = make_company(env)
    user = make_users(env, company)
    customers = make_customers(env)
    moves = make_invoices(env, company, customers, user)
    make_special_customers(env, company, customers)
    make_movements(env, company, customers, moves)
    provider = make_mailbox(env, company, smtp_port)
    if fast:
        provider.write({"batch_pause": 0, "batch_size": 50})
    provider.action_test_connection()
    if provider.state != "connected":
        raise SystemExit(f"The demo's mailbox does not connect: {provider.last_error}")
    if hook_file:
        make_whatsapp(env, company, customers, base_url, hook_file)
    env["ir.config_parameter"].set_param("web.base.url", base_url)
    env["ir.config_parameter"].set_param("web.base.url.freeze", "True")
    env["ir.config_parameter"].set_param(
        "account_payment.enable_portal_payment", "False"
    )
    env.ref("base.user_admin").write({"password": "admin"})
    if key_file:
        key = (
            env["res.users.apikeys"]
            .with_user(user)
            ._generate("rpc", "demo", datetime.now() + timedelta(days=1))
        )
        Path(key_file).touch(0o600)
        Path(key_file).write_text(key)
    env.cr.commit()
    return moves
