"""Install, update, uninstall: quiet logs, nothing left behind."""

import re

import pytest

JOBS = (
    "SELECT cron_name FROM ir_cron WHERE cron_name LIKE 'Invoice Chaser%%' ORDER BY 1"
)
# A database of an earlier version: an extension of ours that looks for what the form
# behind it does not have any more, and a customer's own view that hangs on it.
EARLIER = """
form = env.ref("invoice_chaser.chaser_provider_view_form")
former = env["ir.ui.view"].create({
    "name": "chaser.provider.form.oauth", "model": "chaser.provider", "inherit_id": form.id,
    "arch": "<xpath expr=\\"//field[@name='email']\\" position=\\"after\\"/>"})
env["ir.model.data"].create({
    "module": "invoice_chaser", "name": "chaser_provider_view_form_inherit_oauth", "model": "ir.ui.view", "res_id": former.id})
env["ir.ui.view"].create({
    "name": "own", "model": "chaser.provider", "inherit_id": former.id,
    "arch": "<field name=\\"email\\" position=\\"attributes\\"><attribute name=\\"string\\">Own</attribute></field>"})
stale = "<xpath expr=\\"//field[@name='gone']\\" position=\\"after\\"/>"
env.flush_all()
env.cr.execute("UPDATE ir_ui_view SET arch_db = jsonb_build_object('en_US', %s::text) WHERE id = %s", [stale, former.id])
# Two jobs were not noupdate in it; an administrator has set their intervals.
jobs = env.ref("invoice_chaser.ir_cron_thanks") + env.ref("invoice_chaser.ir_cron_process_webhooks")
jobs.interval_number = 7
env.flush_all()
env.cr.execute("UPDATE ir_model_data SET noupdate = false WHERE module = 'invoice_chaser' AND name ~ '^ir_cron_(thanks|process_webhooks)'")
env.cr.execute("UPDATE ir_module_module SET latest_version = '19.0.1.1.0' WHERE name = 'invoice_chaser'")
env.cr.commit()
"""  # noqa: E501
INTERVALS = (
    "SELECT c.interval_number FROM ir_cron c JOIN ir_model_data d"
    " ON d.model = 'ir.cron' AND d.res_id = c.id WHERE d.module = 'invoice_chaser'"
    " AND d.name IN ('ir_cron_thanks', 'ir_cron_process_webhooks')"
)
LOOSE_JOBS = (
    "SELECT name FROM ir_model_data WHERE module = 'invoice_chaser'"
    " AND name LIKE 'ir_cron_%%' AND NOT noupdate"
)
OWN_VIEW = """
arch = env["chaser.provider"].get_view(env.ref("invoice_chaser.chaser_provider_view_form").id, "form")["arch"]
print("own view holds" if 'string="Own"' in arch else arch)
"""  # noqa: E501
UPDATE = ["-u", "invoice_chaser", "--stop-after-init", "--no-http", "--log-level=warn"]
UNINSTALL = """
module = env["ir.module.module"].search([("name", "=", "invoice_chaser")])
module.button_immediate_uninstall()
"""


def _loud(output):
    return [
        line
        for line in output.splitlines()
        if re.search(r" (WARNING|ERROR|CRITICAL) ", line)
    ]


@pytest.mark.parametrize("options", [[], ["--plain"]], ids=["arabic", "without_arabic"])
def test_update_and_uninstall(world, options):
    world.run(["dev/db", world.name, *options])
    world.shell(
        'env["chaser.provider"].create({"email": "a@x.example", "kind": '
        '"odoo"}); env["chaser.level"].create({"name": "Own", "template_id": '
        'env.ref("invoice_chaser.chaser_template_polite").id}); env.cr.commit()'
    )
    jobs = world.query(JOBS)
    assert (
        "Invoice Chaser: send from mailbox 1" in {name for (name,) in jobs}
        and len(jobs) > 2
    )
    world.shell(EARLIER)
    assert not _loud(world.run(["dev/odoo", "-d", world.name, *UPDATE]))
    assert world.query(JOBS) == jobs, "an update neither doubles nor loses a job"
    assert world.query(INTERVALS) == [(7,), (7,)], "what an administrator set stays"
    assert world.query(LOOSE_JOBS) == [], "as in a fresh database"
    assert "own view holds" in world.shell(OWN_VIEW)
    output = world.shell(UNINSTALL)
    assert not _loud(output), _loud(output)
    assert world.query(JOBS) == []
    assert world.query(
        "SELECT count(*) FROM ir_act_server WHERE name::text LIKE '%%Invoice Chaser%%'"
    ) == [(0,)]
    assert (
        world.query(
            "SELECT model, name FROM ir_model_data WHERE module = 'invoice_chaser'"
        )
        == []
    )
    assert (
        world.query(
            "SELECT table_name, column_name FROM information_schema.columns WHERE "
            "table_schema = 'public'"
            " AND (table_name LIKE 'chaser%%' OR column_name LIKE 'chaser%%')"
        )
        == []
    )
    assert world.query(
        "SELECT count(*) FROM ir_model WHERE model LIKE 'chaser.%%'"
    ) == [(0,)]
