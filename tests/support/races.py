"""Two transactions that decide about the same campaign at the same time, by real
connections. Runs in ``odoo shell`` on a database of its own (``run_pairs(env)``).

Each pair of deciding methods runs in both orders: the first works and waits before its
commit; the second, whose view of the data is as old, works until it waits for a lock or
for its own commit; then the first commits, then the second. Whoever meets a conflict
looks again, as Odoo does for a request and ``_run_stage`` for the job."""

import threading
import time
from datetime import timedelta
from itertools import product
from unittest.mock import patch

import psycopg2.errors

from odoo import api, fields
from odoo.exceptions import UserError

CONFLICTS = (
    psycopg2.errors.SerializationFailure,
    psycopg2.errors.DeadlockDetected,
    psycopg2.errors.LockNotAvailable,
)
_now = threading.local()


class Side(threading.Thread):
    """One of the two, in its own thread with its own connection."""

    def __init__(self, env, work):
        super().__init__(daemon=True)
        self.registry, self.uid, self.work = env.registry, env.uid, work
        self.began, self.go, self.ready, self.may_commit = (
            threading.Event() for _ in range(4)
        )
        self.pid, self.error, self.rounds = 0, None, 0

    def run(self):
        _now.side = self
        try:
            while not self.try_once() and self.rounds < 8:
                pass
        except UserError as error:
            self.error = f"refused: {error}"
        except Exception as error:  # told in the result
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self.began.set()
            self.ready.set()

    def try_once(self):
        self.rounds += 1
        with self.registry.cursor() as cr:
            cr.execute("SELECT pg_backend_pid(), count(*) FROM chaser_campaign")
            self.pid = cr.fetchone()[0]
            self.began.set()
            self.go.wait()
            try:
                env = api.Environment(cr, self.uid, {})
                self.work(env)
                env.cr.flush()
                self.pause()
                cr.commit()
                return True
            except CONFLICTS:
                cr.rollback()
                return False

    def pause(self):
        """Before a commit, the first time."""
        self.ready.set()
        self.may_commit.wait()

    def is_stuck(self, env):
        """It waits for a lock that another transaction holds."""
        env.cr.execute("SELECT pg_blocking_pids(%s)", [self.pid])
        return bool(env.cr.fetchone()[0])


def race(env, first, second):
    """Runs both; returns what went wrong in either."""
    sides = [Side(env, first), Side(env, second)]
    for side in sides:
        side.start()
        side.began.wait()
    one, two = sides
    one.go.set()
    one.ready.wait()
    two.go.set()
    end = time.monotonic() + 30
    while not two.ready.is_set() and not two.is_stuck(env):
        assert time.monotonic() < end, "neither ready nor waiting"
        time.sleep(0.01)
    env.cr.rollback()
    one.may_commit.set()
    one.join(30)
    two.may_commit.set()
    two.join(30)
    assert not one.is_alive() and not two.is_alive(), "a side hangs"
    return [side.error for side in sides if side.error]


class Job:
    """A stage of the mailbox's job, as ``_run_stage`` runs it."""

    def __init__(self, name):
        self.name = name

    def __call__(self, env, world):
        from odoo.addons.invoice_chaser.models.send.run import MailboxRun

        provider = env["chaser.provider"].browse(world.provider)
        run = MailboxRun(provider)
        run._run_stage(getattr(run, self.name))


def _settle_not_sent(env, world):
    env["chaser.reminder"].browse(world.undecided).action_settle_not_sent()


def _settle_sent(env, world):
    env["chaser.reminder"].browse(world.undecided).action_settle_sent()


def _retry(env, world):
    env["chaser.reminder"].browse(world.failed).action_retry()


def _requeue(env, world):
    env["chaser.reminder"].browse(world.skipped).sudo()._requeue()


def _copy(env, world):
    env["chaser.reminder"].browse(world.sent).sudo()._queue_copy()


def _cancel_copies(env, world):
    env["chaser.campaign"].search([("is_copies", "=", True)]).action_cancel()


def _campaign(name, *args):
    def work(env, world):
        getattr(env["chaser.campaign"].browse(world.campaign), name)(*args)

    work.__name__ = name
    return work


def _spread(env, world):
    campaign = env["chaser.campaign"].browse(world.campaign)
    campaign.provider_mode = "fixed" if campaign.provider_mode == "spread" else "spread"


def _drop(env, world):
    found = env["chaser.reminder"].browse(world.drafts)
    found.filtered(lambda one: one.state in ("draft", "queued")).action_drop()


def _plan_more(env, world):
    """A batch of the daily run."""
    run = env["chaser.daily.run"].browse(world.run)
    campaign = run._ensure_campaign(True)
    plan = env["chaser.planner"]._plan_open(
        run.company_id, limit=1, after=world.partner - 1
    )
    assert [one.partner_id for one in plan.customers] == [world.partner]
    campaign.env["chaser.plan.writer"]._create_reminders(campaign, plan)


def _supersede(env, world):
    env["chaser.daily.run"]._supersede(env.company)


class World:
    """A campaign in mid-way, or one of a daily run, made anew for each pair."""

    def __init__(self, env):
        env.cr.execute("DELETE FROM chaser_reminder; DELETE FROM chaser_campaign")
        env.cr.execute("DELETE FROM chaser_daily_run")
        env.invalidate_all()
        moves = env["account.move"].search([("move_type", "=", "out_invoice")])
        partners = moves.partner_id.sorted("id")
        *most, last = partners
        self.partner = last.id
        mine = moves.filtered(lambda move: move.partner_id != last)
        campaign = env["chaser.campaign"].create_for_invoices(mine.ids)
        ids = campaign.reminder_ids.sorted("id").ids
        self.sent, self.undecided, self.failed, self.skipped, *self.drafts = ids
        self.campaign, self.provider = campaign.id, campaign.provider_id.id
        self.run = (
            env["chaser.daily.run"]
            .create(
                {
                    "name": "Race",
                    "company_id": env.company.id,
                    "date": fields.Date.today() - timedelta(days=1),
                }
            )
            .id
        )
        self.before = max(campaign.reminder_ids.ids)
        env.cr.commit()

    def reset(self, env, kind):
        cr = env.cr
        cr.execute("DELETE FROM chaser_reminder WHERE id > %s", [self.before])
        cr.execute("DELETE FROM chaser_campaign WHERE id <> %s", [self.campaign])
        daily = kind == "draft"
        state = "draft" if daily else "sending"
        cr.execute(
            "UPDATE chaser_campaign SET state = %s, completed_at = NULL, daily_run_id "
            "= %s, daily_kind = %s WHERE id = %s",
            [
                state,
                self.run if daily else None,
                "approval" if daily else None,
                self.campaign,
            ],
        )
        for reminder, value, undecided in (
            (self.sent, "sent", False),
            (self.undecided, "failed", True),
            (self.failed, "failed", False),
            (self.skipped, "skipped", False),
        ):
            cr.execute(
                "UPDATE chaser_reminder SET state = %s, is_undecided = %s, sent_at = "
                "now() - interval '2 days', attempted_at = now() - interval '2 days', "
                "reason_code = NULL WHERE id = %s",
                [value, undecided, reminder],
            )
        cr.execute(
            "UPDATE chaser_reminder SET state = %s WHERE id = ANY(%s)",
            ["draft" if daily else "sent", self.drafts],
        )
        if kind == "copies":
            env.invalidate_all()
            env["chaser.thanks"]._open_copy_campaign(
                env["chaser.reminder"].browse(self.sent)
            )
        cr.commit()
        env.invalidate_all()

    def bind(self, method):
        return lambda env: method(env, self)

    def find_lost(self, env):
        """Reminders that nothing would ever take."""
        env.cr.execute(
            "SELECT r.id, r.state, c.state FROM chaser_reminder r JOIN chaser_campaign "
            "c ON c.id = r.campaign_id WHERE r.state = 'queued' AND c.state IN "
            "('draft', 'completed', 'failed', 'cancelled') OR r.state = 'draft' AND "
            "c.state <> 'draft'"
        )
        return env.cr.fetchall()


finish, sweep = Job("_finish_campaigns"), Job("_sweep_campaigns")
RUNNING = {
    "settle_not_sent": _settle_not_sent,
    "settle_sent": _settle_sent,
    "retry": _retry,
    "requeue": _requeue,
    "cancel": _campaign("action_cancel"),
    "pause": _campaign("action_pause"),
    "spread": _spread,
    "finish": finish,
    "sweep": sweep,
}
COPIES = {"copy": _copy, "cancel_copies": _cancel_copies, "finish": finish}
DRAFT = {
    "send": _campaign("action_send"),
    "cancel": _campaign("action_cancel"),
    "plan_more": _plan_more,
    "supersede": _supersede,
    "drop": _drop,
    "schedule": _campaign(
        "action_schedule",
        fields.Datetime.to_string(fields.Datetime.now() + timedelta(1)),
    ),
}


KINDS = {"running": RUNNING, "copies": COPIES, "draft": DRAFT}


def _commit(provider):
    """In the place of the job's own commits: the side pauses before the first."""
    side = getattr(_now, "side", None)
    if side and side.is_alive():
        side.pause()
    provider.env.cr.commit()


def run_pairs(env, pairs=None):
    """Yields (kind, first, second, reminders that are lost, errors)."""
    from odoo.addons.invoice_chaser.models.send.chaser_provider import ChaserProvider

    world = World(env)
    pairs = pairs or [
        (kind, *pair)
        for kind, methods in KINDS.items()
        for pair in product(methods, repeat=2)
    ]
    with patch.object(ChaserProvider, "_commit_now", _commit):
        for kind, first, second in pairs:
            methods = KINDS[kind]
            world.reset(env, kind)
            errors = race(env, world.bind(methods[first]), world.bind(methods[second]))
            yield kind, first, second, world.find_lost(env), errors
            env.cr.rollback()


def run_without_touch(env, pairs):
    """The same without the write that lets the two meet: shows that a loss is seen."""
    from odoo.addons.invoice_chaser.models.campaign import chaser_campaign_row

    row = chaser_campaign_row.ChaserCampaignRowMixin
    with patch.object(row, "_touch", lambda _self: None):
        yield from run_pairs(env, pairs)
