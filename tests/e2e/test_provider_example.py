"""The example of docs/adding-a-provider.md in a real database: built from the page,
installed beside the addon, used, neutralized and uninstalled again."""

import re

from conftest import ROOT
from support.docs_example import build

USE = """
import os
os.environ.setdefault("INVOICE_CHASER_KEYS", "test:dGVzdC1rZXktdGVzdC1rZXktdGVzdC1rZXktMzIhISE=")
box = env["chaser.provider"].create({"kind": "postbox", "email": "a@postbox.example", "postbox_token": "tok-en"})
print("LIMITS", box.daily_quota, box.per_minute, box.limits_profile)
print("TOKEN", box.postbox_token, box.has_postbox_token, "tok-en" in (box.sudo().postbox_token_sealed or ""))
print("ADAPTER", type(box._get_transport__()).__name__)
form = env["chaser.provider"].get_view(env.ref("invoice_chaser.chaser_provider_view_form").id, "form")["arch"]
print("FORM", "postbox_token" in form)
box.postbox_region = "eu"
print("STATE", box.state)
env.cr.commit()
"""  # noqa: E501
UNINSTALL = """
env["ir.module.module"].search([("name", "=", "invoice_chaser_postbox")]).button_immediate_uninstall()
"""  # noqa: E501


def test_the_example_as_the_page_shows_it(world, tmp_path):
    build(tmp_path)
    odoo = world.run(["bash", "-c", ". dev/lib.sh; odoo_package"]).strip()
    world.options = ["--addons-path", f"{odoo}/addons,{ROOT},{tmp_path}"]
    world.run(["dev/db", world.name])
    output = world.run(
        [
            *("dev/odoo", "-d", world.name, *world.options),
            *("-i", "invoice_chaser_postbox", "--stop-after-init", "--no-http"),
            "--log-level=warn",
        ]
    )
    assert not re.search(r" (WARNING|ERROR|CRITICAL) ", output), output
    told = world.shell(USE)
    for words in (
        "LIMITS 10000 60 postbox",
        "TOKEN False True False",
        "ADAPTER PostboxTransport",
        "FORM True",
        "STATE draft",
    ):
        assert words in told, told
    world.query(
        (tmp_path / "invoice_chaser_postbox/data/neutralize.sql").read_text()
        + "; SELECT 1"
    )
    assert world.query(
        "SELECT count(*) FROM chaser_provider WHERE postbox_token_sealed IS NOT NULL"
    ) == [(0,)]
    world.shell(UNINSTALL)
    assert world.query(
        "SELECT kind FROM chaser_provider WHERE email = 'a@postbox.example'"
    ) == [("odoo",)]
