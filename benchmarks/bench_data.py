"""The benchmark's books: 20,000 overdue invoices of 6,000 customers, copied by SQL from
one that Odoo has posted itself."""

from datetime import timedelta

import demo_data
from figures import scaled

from odoo.fields import Command
from odoo.tools import SQL

INVOICES = scaled(20_000)
# Three customers have ten invoices.
CUSTOMERS = INVOICES * 3 // 10


def copy_rows(cr, table, source_id, count, **values):
    """Copies one row ``count`` times and returns the first new id; the others follow
    without a gap.

    :param values: column → SQL of the value that differs; ``n`` counts the copies from
    0
    """
    cr.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = "
        "%s AND column_name <> 'id'",
        [table],
    )
    columns = [name for (name,) in cr.fetchall()]
    cr.execute(SQL("SELECT max(id) + 1 FROM %s", SQL.identifier(table)))
    [first] = cr.fetchone()
    picked = [
        SQL(values[name].replace("%", "%%"))
        if name in values
        else SQL.identifier("t", name)
        for name in columns
    ]
    cr.execute(
        SQL(
            """INSERT INTO %(table)s (id, %(columns)s) SELECT %(first)s + n, %(picked)s
            FROM %(table)s t, generate_series(0, %(last)s) n
            WHERE t.id = %(source)s""",
            table=SQL.identifier(table),
            columns=SQL(", ").join(map(SQL.identifier, columns)),
            picked=SQL(", ").join(picked),
            first=first,
            last=count - 1,
            source=source_id,
        )
    )
    cr.execute(
        "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, first + count]
    )
    return first


def make_customers(env, count=CUSTOMERS):
    """One third reads Arabic, every tenth both languages, as in the demo."""
    model = env["res.partner"].create(
        {
            "name": "Model customer",
            "is_company": True,
            "email": "model@bench.example",
            "customer_rank": 1,
            "country_id": env.ref("base.ae").id,
            "chaser_language": False,
        }
    )
    env.flush_all()
    return model, copy_rows(
        env.cr,
        "res_partner",
        model.id,
        count,
        name="'Customer ' || n",
        complete_name="'Customer ' || n",
        commercial_company_name="'Customer ' || n",
        email="'accounts@customer' || n || '.example'",
        email_normalized="'accounts@customer' || n || '.example'",
        commercial_partner_id="(SELECT max(id) + 1 FROM res_partner) + n",
        lang="CASE WHEN n % 3 = 1 THEN 'ar_001' ELSE 'en_US' END",
        chaser_language="CASE WHEN n % 10 = 4 THEN 'both' END",
    )


def make_invoices(
    env, company, user, model, first_partner, count=INVOICES, name="BENCH"
):
    """So many overdue invoices, ten to every three customers."""
    today = company._get_chaser_today()
    invoice = env["account.move"].create(
        {
            "move_type": "out_invoice",
            "partner_id": model.id,
            "invoice_date": today - timedelta(days=30),
            "invoice_user_id": user.id,
            "invoice_date_due": today - timedelta(days=20),
            "invoice_payment_term_id": False,
            "invoice_line_ids": [
                Command.create(
                    {
                        "name": "Goods",
                        "quantity": 1,
                        "price_unit": 1250,
                        "tax_ids": [Command.clear()],
                    }
                )
            ],
        }
    )
    invoice.action_post()
    env.flush_all()
    partner = f"{first_partner} + n * 3 / 10"
    due = f"DATE '{today}' - (5 + n % 90)"
    number = f"'INV/{name}/' || lpad(n::text, 5, '0')"
    first_move = copy_rows(
        env.cr,
        "account_move",
        invoice.id,
        count,
        name=number,
        payment_reference=number,
        sequence_prefix=f"'INV/{name}/'",
        sequence_number="n",
        partner_id=partner,
        commercial_partner_id=partner,
        partner_shipping_id=partner,
        access_token="NULL",
        invoice_partner_display_name="'Customer ' || n * 3 / 10",
        invoice_date=f"{due} - 15",
        date=f"{due} - 15",
        invoice_date_due=due,
    )
    for line in invoice.line_ids:
        copy_rows(
            env.cr,
            "account_move_line",
            line.id,
            count,
            move_id=f"{first_move} + n",
            move_name=number,
            partner_id=partner,
            invoice_date=f"{due} - 15",
            date=f"{due} - 15",
            date_maturity=due if line.date_maturity else "NULL",
        )


def run(env):
    """Also a connected mailbox without pace; the part that sends gives it a port."""
    company = demo_data.make_company(env)
    user = demo_data.make_users(env, company)
    model, first_partner = make_customers(env)
    make_invoices(env, company, user, model, first_partner)
    provider = demo_data.make_mailbox(env, company, 1)
    provider.write({"batch_pause": 0, "batch_size": 50, "daily_quota": 0})
    provider._set_state("connected")
    env.cr.execute("ANALYZE")
    env.cr.commit()
