"""The second message of a level that goes by two channels, by processes that are killed
(SIGKILL) at each of its steps. Runs in ``odoo shell`` on a database of its own; each
process is a fork with its own connection, so that a death costs no start of Odoo.

Half of the customers have got an e-mail eight days ago, and the level wants WhatsApp as
well (``both``); the other half have clicked in a message by WhatsApp, and their next
level goes by the channel that they react to (``reaction``)."""

import json
import os
import signal

from odoo import SUPERUSER_ID, api, fields, sql_db

from odoo.addons.invoice_chaser.models.send.batches import Batches
from odoo.addons.invoice_chaser_whatsapp.core.client import Client

PICKS = ("both", "reaction")
DAYS = 8
# A lock ends with the connection of the process, which may be a moment after it.
_ATTEMPTS = 12
_STEPS = (
    "maybe_paid",
    "lock",
    "facts",
    "refresh",
    "gates",
    "window",
    "documents",
    "render",
    "mark",
    "send",
    "record",
)
# (what, method, when): on the way of one reminder. After a step is before the next one.
POINTS = [
    *(("chaser.sender", f"_step_{name}", "before") for name in _STEPS),
    (Client, "send_message", "before"),
    (Client, "send_message", "after"),
    ("chaser.sender", "_step_record", "after"),
    (Batches, "write_notes", "before"),
]
# Before there is a reminder, and where one goes on by the next channel.
PLANNING = [
    ("chaser.daily.run", "_plan_batch", "before"),
    ("chaser.daily.run", "_plan_batch", "after"),
    ("chaser.daily.run", "_finish", "before"),
    ("chaser.daily.run", "_finish", "after"),
]
FALLING = [
    ("chaser.channel.whatsapp", "_fall_back", "before"),
    ("chaser.channel.whatsapp", "_fall_back", "after"),
]
# Those that wait, so that a process meets what it shall die at.
WAIT = """
UPDATE chaser_reminder r SET scheduled_at = now() AT TIME ZONE 'UTC'
    + CASE WHEN l.channel_pick = ANY(%s) AND NOT r.whatsapp_to = ANY(%s)
           THEN interval '-1 minute' ELSE interval '1 day' END
  FROM chaser_level l WHERE l.id = r.level_id AND r.state = 'queued'
"""
SHIFT = """
UPDATE chaser_daily_run SET date = date - {days};
UPDATE account_move SET invoice_date_due = invoice_date_due - {days};
UPDATE account_move_line SET date_maturity = date_maturity - {days};
UPDATE chaser_event SET occurred_at = occurred_at - interval '{days} days',
    create_date = create_date - interval '{days} days';
UPDATE chaser_reminder SET sent_at = sent_at - interval '{days} days',
    attempted_at = attempted_at - interval '{days} days',
    create_date = create_date - interval '{days} days';
"""


def get_halves(env):
    partners = env["res.partner"].search([("name", "like", "Customer %")], order="id")
    return partners[: len(partners) // 2], partners[len(partners) // 2 :]


def send_first(env):
    """The first messages, eight days ago; half of the customers have clicked."""
    company, Level = env.company, env["chaser.level"]
    company.write({"chaser_daily": True, "chaser_daily_approval": False})
    company.chaser_daily_hour = 0
    by_mail, by_whatsapp = get_halves(env)
    known = env["chaser.whatsapp.person"].search([]).partner_id
    env["chaser.whatsapp.person"].create(
        [
            {
                "partner_id": partner.id,
                "phone_e164": f"+97155{partner.id:07d}",
                "opt_in_source": "form",
                "opt_in_date": fields.Datetime.now(),
                "opt_in_text": "We agree to messages of POP Trading.",
            }
            for partner in by_mail + by_whatsapp - known
        ]
    )
    two = {"channel": "email", "channel_fallback": "whatsapp"}
    firm = Level.search([("code", "=", "firm")])
    firm.write(two | {"channel_pick": "both", "channel_days": DAYS - 1})
    Level.search([("code", "=", "urgent")]).write(two | {"channel_pick": "reaction"})
    # Old enough that in eight days their next level is due.
    moves = env["account.move"].search([("partner_id", "in", by_whatsapp.ids)])
    moves.line_ids.filtered("date_maturity").date_maturity = fields.Date.subtract(
        company._get_chaser_today(), days=24
    )
    by_whatsapp.chaser_channel = "whatsapp"
    env.cr.commit()
    work(env)
    by_whatsapp.chaser_channel = False
    reminders = env["chaser.reminder"].search([("state", "=", "sent")])
    for reminder in reminders.filtered(lambda one: one.channel == "whatsapp"):
        reminder._record_event("clicked", "pixel", verdict="human")
    env.flush_all()
    env.cr.execute(SHIFT.format(days=DAYS))
    env.cr.commit()
    env.invalidate_all()
    return sorted(reminders.mapped("channel"))


def work(env):
    """What the scheduler does: the daily run, then each mailbox."""
    env["chaser.daily.run"]._cron_run()
    providers = env["chaser.provider"].search([("state", "=", "connected")])
    for provider in providers.sorted("kind", reverse=True):
        provider._cron_send()
        env.invalidate_all()


def plan(env):
    env["chaser.daily.run"]._cron_run()


# -- processes that die


def kill_at_each_step(env, refused):
    """Names of the points at which no process has died.

    :param refused: numbers that WhatsApp does not take
    """
    registry = env.registry
    env.cr.commit()
    env.cr.close()
    sql_db.close_all()
    missed = [
        ("", *point) for point in PLANNING if not die_at(registry, plan, "", *point)
    ]
    run_in_a_fork(registry, plan)
    for pick, points, waiting in (
        ("both", POINTS, []),
        ("reaction", POINTS, refused),
        ("reaction", FALLING, []),
    ):
        make_due(registry, [pick], waiting)
        missed += [
            (pick, *point)
            for point in points
            if not die_at(registry, work, pick, *point)
        ]
    make_due(registry, list(PICKS), [])
    return [f"{pick} {when} {method}" for pick, _owner, method, when in missed]


def make_due(registry, picks, waiting):
    with registry.cursor() as cr:
        cr.execute(WAIT, [picks, waiting])
    sql_db.close_all()


def die_at(registry, do, *point):
    """Whether a process has died there."""
    return any(run_in_a_fork(registry, do, *point) for _attempt in range(_ATTEMPTS))


def run_in_a_fork(registry, do, pick="", owner=None, method="", when=""):
    """Whether the process was killed at this point; else it ended by itself."""
    pid = os.fork()
    if not pid:
        try:
            if owner:
                current = watch_levels(registry["chaser.sender"])
                place = registry[owner] if isinstance(owner, str) else owner
                set_trap(
                    place, method, when, lambda: not pick or current.get("") == pick
                )
            with registry.cursor() as cr:
                do(api.Environment(cr, SUPERUSER_ID, {}))
        finally:
            os._exit(0)
    _pid, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def watch_levels(sender):
    """How the level of the reminder that is sent now uses its channels."""
    original, current = sender._send, {}

    def send(self, reminder, run):
        is_second = reminder.level_id.channel_pick in PICKS
        current[""] = is_second and reminder.level_id.channel_pick
        return original(self, reminder, run)

    sender._send = send
    return current


def set_trap(place, method, when, is_here):
    original = getattr(place, method)

    def trapped(self, *args, **options):
        if when == "before" and is_here():
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(self, *args, **options)
        if when == "after" and is_here():
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(place, method, trapped)


def rage(env, refused):
    """Says in one line what was sent first, and which points were missed; the shell's
    own transaction is over then."""
    first = send_first(env)
    missed = kill_at_each_step(env, refused)
    print("KILLS " + json.dumps({"first": first, "missed": missed}), flush=True)
    os._exit(0)


def settle_by_hand(env):
    """A person has looked: what is undecided did not arrive. Then it goes, and on the
    next days nothing more does."""
    undecided = env["chaser.reminder"].search([("is_undecided", "=", True)])
    undecided._set_not_sent()
    env.cr.commit()
    work(env)
    for _day in range(2):
        env.cr.execute(SHIFT.format(days=1))
        env.cr.commit()
        env.invalidate_all()
        work(env)
