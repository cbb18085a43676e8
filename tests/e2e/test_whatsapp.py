"""Reminders by WhatsApp and e-mail, mixed, in a real database, against the strict
stand-in of Meta's Cloud API: killed processes, reports that settle, and uninstalled
again."""

import json
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from support.whatsapp_server import WhatsappServer

SETUP = """
from datetime import timedelta
from odoo import fields
env["ir.config_parameter"].set_param("web.base.url", "https://pay.pop.example")
company = env.company
company.country_id = env.ref("base.ae")
company.chaser_window_enabled = False
account = env["chaser.provider"].create({{"name": "WhatsApp", "kind": "whatsapp",
    "whatsapp_waba_id": "102290129340398", "whatsapp_phone_id": "106540352242922",
    "whatsapp_app_id": "670843887433847", "whatsapp_token": {token!r},
    "whatsapp_app_secret": "app-secret", "whatsapp_verify_token": "some words",
    "batch_pause": {pause}, "batch_size": 5, "jitter_min": 0, "jitter_max": 0,
    "per_minute": 0, "per_domain_minute": 0}})
account.action_test_connection()
assert account.state == "connected", account.last_error
templates = env["chaser.whatsapp.template"]._create_shipped(account)
templates.header_kind = {header!r}
templates.action_submit()
env["chaser.level"].search([]).write({{"channel": "whatsapp", "channel_fallback": "email"}})
env["chaser.whatsapp.person"].create([{{"company_id": company.id, "partner_id": partner.id,
    "phone_e164": "+97150%07d" % number, "opt_in_source": "form",
    "opt_in_date": fields.Datetime.now() - timedelta(days=9), "opt_in_text": "We agree to messages of POP Trading."}}
    for number, partner in enumerate(env["res.partner"].search([("name", "like", "Customer %")], order="id")) if number % 4])
env.cr.commit()
"""  # noqa: E501

SYNC = """
account = env["chaser.provider"].search([("kind", "=", "whatsapp")])
templates = env["chaser.whatsapp.template"]._sync(account)
assert set(templates.mapped("state")) == {"approved"}, templates.mapped("state")
env.cr.commit()
"""

# Prices, and evidence of a consent: what is in the database before anything is sent.
MORE = """
import base64
env["chaser.whatsapp.price"].create({"market": "UAE", "amount": 0.06, "company_id": env.company.id})
person = env["chaser.whatsapp.person"].search([], limit=1)
person.opt_in_evidence, person.opt_in_evidence_name = base64.b64encode(b"signed"), "form.pdf"
env.company.chaser_contact_interval = 0
env.cr.commit()
"""  # noqa: E501
# An answer of ours, a further campaign that waits, and what a person may have set.
UNINSTALL = """
from datetime import timedelta
from odoo.fields import Command
inbound = env["chaser.inbound"].search([("kind", "=", "whatsapp"), ("state", "=", "matched")])
action = inbound.action_whatsapp_answer()
wizard = env[action["res_model"]].browse(action["res_id"])
wizard.text = "Thank you"
wizard.action_send()
today = env.company._get_chaser_today()
partners = env["res.partner"].search([("name", "like", "Customer %")], order="id")
partners[1].chaser_channel = "whatsapp"
moves = env["account.move"].create([{"move_type": "out_invoice", "partner_id": partner.id, "invoice_date": today - timedelta(days=30),
    "invoice_date_due": today - timedelta(days=20), "invoice_line_ids": [Command.create({"name": "More", "quantity": 1, "price_unit": 50, "tax_ids": [Command.clear()]})]}
    for partner in partners])
moves.action_post()
env["chaser.campaign"].create_for_invoices(moves.ids).action_send()
env["ir.config_parameter"].set_param("invoice_chaser_whatsapp.graph_version", "v25.0")
env.cr.commit()
env["ir.module.module"].search([("name", "=", "invoice_chaser_whatsapp")]).button_immediate_uninstall()
"""  # noqa: E501
# Where the word may still stand: what people have said and done, as the chatter, the
# reminders and the list of incoming messages keep it, and the names of addons.
HISTORY = {
    "chaser_event",
    "chaser_inbound",
    "chaser_provider",
    "chaser_reminder",
    "ir_module_module",
    "mail_mail",
    "mail_message",
    "mail_tracking_value",
}


@pytest.fixture
def meta():
    made = WhatsappServer(delay=0.02)
    yield made
    made.stop()


@pytest.fixture
def whatsapp(world, meta, tmp_path):
    """A world with the second addon, whose Meta is the stand-in."""
    conf = tmp_path / "odoo.conf"
    conf.write_text(
        Path(world.settings["conf"]).read_text()
        + f"\ninvoice_chaser_detour = {meta.url}\n"
    )
    world.options, world.db_options = ["-c", str(conf)], ["--whatsapp"]
    return world


def set_up(world, meta, customers, pause=0, header="document"):
    world.build(customers=customers)
    world.shell(SETUP.format(token=meta.token, pause=pause, header=header))
    for template in meta.templates.values():
        template["status"] = "APPROVED"
    world.shell(SYNC)
    [[token]] = world.query(
        "SELECT webhook_token FROM chaser_provider WHERE kind = 'whatsapp'"
    )
    meta.webhook = f"{world.url}/chaser/whatsapp/{token}"


def wake_mailboxes(world):
    world.query(
        "UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC' - interval '1 "
        "minute' WHERE cron_name LIKE '%%send from mailbox%%' "
        "OR cron_name LIKE '%%delivery reports of mail services%%'"
    )


def get_recipients(world, meta):
    """How many messages each got: by number (without those that Meta reported as
    undelivered), by address."""
    numbers = Counter(message["to"] for message in meta.messages)
    lost = {number: numbers.pop(number, 0) for number in meta.undeliverable}
    addresses = Counter(
        recipient for message in world.received() for recipient in message.recipients
    )
    return numbers, lost, addresses


def read_rows(world):
    return world.query(
        "SELECT channel, state, is_undecided, whatsapp_to, recipient_email, "
        "reason_code FROM chaser_reminder"
    )


def test_killed_again_and_again_nobody_gets_two(whatsapp, meta):
    """SIGKILL in between, responses that are lost, numbers that do not take it: each
    customer gets one message, or is flagged for a person."""
    world = whatsapp
    # Two are refused at once, two are reported as undelivered later.
    meta.undeliverable = {f"+97150{5:07d}": 131026, f"+97150{6:07d}": 131026}
    for number in (9, 10):
        meta.fail(131026, to=f"+97150{number:07d}", times=99)
    set_up(world, meta, customers=32, pause=0.05)
    meta.break_line("take", times=1)
    world.queue()
    dice, kills = random.Random(11), 0
    for _ in range(3):
        before = len(meta.messages)
        server = world.start()
        wake_mailboxes(world)
        world.wait_until(
            lambda before=before: len(meta.messages) > before + dice.randint(1, 4)
            or not world.states().get("queued")
        )
        time.sleep(dice.random() / 20)
        world.kill(server, signal.SIGKILL)
        kills += 1
    world.start()
    wake_mailboxes(world)

    def is_over():
        states = world.states()
        return not states.get("queued") and not states.get("sending")

    world.wait_until(is_over)
    # Every report came in, and was processed; a fall-back may follow from it.
    world.wait_until(
        lambda: len(meta.reports) >= 2 * len(meta.messages) - 2
        and is_over()
        and not world.query("SELECT 1 FROM chaser_webhook_event WHERE NOT is_processed")
    )
    numbers, lost, addresses = get_recipients(world, meta)
    assert not meta.problems, meta.problems
    assert max(numbers.values()) == max(addresses.values()) == 1, "somebody got two"
    assert max(lost.values()) == 1
    rows = read_rows(world)
    assert len(rows) == 32
    undecided = [row for row in rows if row[2]]
    # What Meta had taken is settled by its reports, the lost response, too.
    assert not [row for row in undecided if numbers[row[3]]]
    assert len(undecided) <= kills
    for channel, state, _undecided, number, address, _reason in rows:
        assert bool(number) != bool(address), "one address, of its own channel"
        if state == "sent":
            assert {"whatsapp": numbers, "email": addresses}[channel][
                number or address
            ] == 1
    by_mail = [row for row in rows if row[0] == "email"]
    # Eight have no number; of four WhatsApp does not take it.
    assert len(by_mail) + len(undecided) >= 12 >= len(by_mail)
    reached = sum(numbers.values()) + sum(addresses.values())
    assert reached >= 32 - len(undecided)
    assert " ERROR " not in world.logs(), world.logs()[-3000:]


RAGE = """
import sys
sys.path.insert(0, {tests!r})
from support import second_kills
second_kills.{what}
"""


def test_killed_at_each_step_of_the_second_message(whatsapp, meta):
    """Levels that go by both channels, days apart, and by the one that customers react
    to: SIGKILL at each step of the second message. Nobody gets two, nobody none."""
    world, half = whatsapp, 8
    # Without the statement, whose drawing takes more than all else.
    set_up(world, meta, customers=2 * half, header="none")
    # Two who react to WhatsApp, which does not take their second message.
    late = (13, 14)
    refused = [f"+97150{number:07d}" for number in late]
    for number in refused:
        meta.fail(131026, to=number, times=99, skip=1)
    tests = str(world.tests)
    output = world.shell(RAGE.format(tests=tests, what=f"rage(env, {refused})"))
    [told] = [line for line in output.splitlines() if line.startswith("KILLS ")]
    assert json.loads(told[6:]) == {
        "first": ["email"] * half + ["whatsapp"] * half,
        "missed": [],
    }
    # Meta's reports settle what it had taken.
    server = world.start()
    wake_mailboxes(world)
    world.wait_until(
        lambda: len(meta.reports) == 2 * len(meta.messages)
        and not {"queued", "sending"} & set(world.states())
        and not world.query("SELECT 1 FROM chaser_webhook_event WHERE NOT is_processed")
    )
    world.kill(server, signal.SIGTERM)
    taken = {message["biz_opaque_callback_data"] for message in meta.messages}
    undecided = world.query(
        "SELECT whatsapp_key, whatsapp_to FROM chaser_reminder WHERE is_undecided"
    )
    assert undecided and not [key for key, _number in undecided if key in taken]
    world.shell(RAGE.format(tests=tests, what="settle_by_hand(env)"))
    rows = world.query(
        "SELECT p.name, r.channel, r.state, coalesce(r.is_undecided, false), "
        "r.level_code FROM chaser_reminder r JOIN res_partner p ON p.id = r.partner_id "
        "ORDER BY p.id, r.id"
    )
    assert {row[2:4] for row in rows} == {("sent", False)}, rows
    way = {}
    for name, channel, _state, _undecided, code in rows:
        way.setdefault(int(name.split()[1]), []).append((channel, code))
    for number in range(half):
        assert way[number] == [("email", "level_first"), ("whatsapp", "level_second")]
    for number in range(half, 2 * half):
        second = "email" if number in late else "whatsapp"
        assert [channel for channel, _code in way[number]] == ["whatsapp", second]
    sent = Counter(message["to"] for message in meta.messages)
    addresses = get_recipients(world, meta)[2]
    assert len(addresses) == half + 2 and set(addresses.values()) == {1}
    assert sorted(sent.values()) == [1] * (half + 2) + [2] * (half - 2)
    assert not meta.problems, meta.problems
    # Odoo's own mails to colleagues find no mail server here.
    errors = [line for line in world.logs().splitlines() if " ERROR " in line]
    assert not [line for line in errors if "mail_mail" not in line], errors


def test_statuses_come_in_while_it_sends(whatsapp, meta):
    """Delivered and read, in one run, with reports that are quicker than our commit."""
    world = whatsapp
    meta.delay = 0.3  # the report is there before the response
    meta.statuses = ["read", "delivered", "sent"]
    set_up(world, meta, customers=8)
    world.queue()
    world.start()
    wake_mailboxes(world)
    world.wait_until(lambda: world.states() == {"sent": 8})

    def read_events():
        return dict(
            world.query(
                "SELECT e.event_type, count(*) FROM chaser_event e "
                "JOIN chaser_reminder r ON r.id = e.reminder_id "
                "WHERE r.channel = 'whatsapp' GROUP BY 1"
            )
        )

    world.wait_until(
        lambda: read_events().get("opened") == 6
        and not world.query("SELECT 1 FROM chaser_webhook_event WHERE NOT is_processed")
    )
    assert read_events() == {"sent": 6, "opened": 6}
    numbers, _lost, addresses = get_recipients(world, meta)
    assert sorted(numbers.values()) == [1] * 6 and sorted(addresses.values()) == [1] * 2
    [[pdfs]] = world.query(
        "SELECT count(*) FROM ir_attachment a JOIN chaser_reminder r "
        "ON r.id = a.res_id AND r.channel = 'whatsapp' "
        "WHERE a.res_model = 'chaser.reminder' AND a.mimetype = 'application/pdf'"
    )
    assert pdfs == 6 and not meta.problems, meta.problems
    assert " ERROR " not in world.logs(), world.logs()[-3000:]


# Odoo's own icon of WhatsApp in its views, and its record of the addon.
NOT_OURS = (
    "(t::text LIKE '%%base/views/%%' OR t::text LIKE '%%web/views/%%' "
    "OR t::text LIKE '%%,module_invoice_chaser_whatsapp,base,%%')"
)


def sweep(world, word):
    """Tables in which a word stands in any column."""
    tables = world.query(
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    return {
        table
        for (table,) in tables
        if world.query(
            f'SELECT 1 FROM "{table}" t WHERE t::text ILIKE %s AND NOT {NOT_OURS} '
            "LIMIT 1",
            f"%{word}%",
        )
    }


def test_uninstalled_after_use_nothing_of_it_is_left(whatsapp, meta):
    """Sent, reported, answered, billed; then the addon goes."""
    world = whatsapp
    set_up(world, meta, customers=8, header="none")
    world.shell(MORE)
    world.queue()
    server = world.start()
    wake_mailboxes(world)
    world.wait_until(
        lambda: world.states() == {"sent": 8}
        and len(meta.reports) >= 2 * len(meta.messages)
    )
    first = meta.messages[0]
    text = {"type": "text", "text": {"body": "We pay on Sunday"}}
    meta.send_inbound(first["to"], text | {"context": {"id": first["wamid"]}})
    meta.send_inbound("+971559998877", text)
    meta.send_inbound("+971559998876", {"type": "text", "text": {"body": "stop"}})
    world.wait_until(
        lambda: not world.query(
            "SELECT 1 FROM chaser_webhook_event WHERE NOT is_processed"
        )
        and world.query("SELECT count(*) FROM chaser_inbound") == [(3,)]
    )
    assert world.query("SELECT count(*) FROM chaser_whatsapp_charge") == [(6,)]
    world.kill(server, signal.SIGTERM)
    world.shell(UNINSTALL)
    assert len(meta.messages) == 7 and meta.messages[-1]["type"] == "text"
    # What waited goes by mail; what was sent stays.
    assert Counter(
        world.query("SELECT channel, state FROM chaser_reminder WHERE state <> 'sent'")
    ) == {("email", "queued"): 8}
    assert set(world.query("SELECT channel, channel_fallback FROM chaser_level")) == {
        ("email", None)
    }
    assert not world.query(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE column_name LIKE '%%whatsapp%%' OR table_name LIKE '%%whatsapp%%'"
    )
    assert sweep(world, "whatsapp") <= HISTORY, sweep(world, "whatsapp") - HISTORY
    for word in ("+9715000", "EAAtoken", "app-secret"):
        found = sweep(world, word) - {"chaser_inbound", "mail_mail", "mail_message"}
        assert not found, (word, found)
    assert set(world.query("SELECT kind FROM chaser_inbound")) == {("reply",), ("own",)}
    assert set(world.query("SELECT kind, active FROM chaser_provider")) == {
        ("smtp", True),
        ("odoo", False),
    }
    world.options, world.db_options = [], []
    world.start()
    wake_mailboxes(world)
    before = len(world.received())
    world.wait_until(lambda: world.states() == {"sent": 16})
    assert len(world.received()) - before == 8
    assert len(meta.messages) == 7
    assert " ERROR " not in world.logs(), world.logs()[-3000:]
