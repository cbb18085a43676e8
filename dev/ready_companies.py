"""Companies with a chart of accounts, prepared for the tests: run inside ``odoo shell``
by dev/test.

Loading a chart takes seconds in a database with all modules, and each test class needs
a company of its own. They are archived, so that a test sees only the one that it has
taken (``ChaserCase._create_company``); what a test does to it is undone with the
test."""

NAME = "Ready for a test"
COUNT = 3


def make_companies(env):
    env = (
        env["base"]
        .with_context(
            tracking_disable=True,
            mail_create_nolog=True,
            mail_create_nosubscribe=True,
            mail_notrack=True,
        )
        .env
    )
    charts = env["account.chart.template"]
    for number in range(COUNT):
        company = env["res.company"].create({"name": f"{NAME} {number + 1}"})
        # As Odoo's own test class does it.
        charts.try_loading(
            charts._guess_chart_template(company.country_id),
            company=company,
            install_demo=False,
        )
        if not company.account_fiscal_country_id:
            company.account_fiscal_country_id = env.ref("base.us")
        env.user.company_ids -= company
        company.partner_id.active = False
        company.active = False
    env.cr.commit()
