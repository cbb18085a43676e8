"""What the parts that run inside Odoo share: choosing invoices, a campaign to send, a
transaction that leaves no trace."""

import contextlib

from odoo import api


@contextlib.contextmanager
def rolled_back(env, login="accountant"):
    """An environment of a user in a transaction of its own, undone at the end, as one
    HTTP request would have it."""
    uid = env["res.users"].search([("login", "=", login)]).id
    with env.registry.cursor() as cr:
        yield api.Environment(cr, uid, {})
        cr.rollback()


def choose_invoices(env, limit):
    """The first overdue invoices: ten of every three customers."""
    return (
        env["account.move"]
        .search([("name", "=like", "INV/BENCH/%")], order="id", limit=limit)
        .ids
    )


def choose_three_each(env, customers, skip=0):
    """Three invoices each of so many customers, after the first ``skip`` customers."""
    env.cr.execute(
        """SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY partner_id
        ORDER BY id) AS place FROM account_move
                            WHERE name LIKE 'INV/BENCH/%%') m WHERE place <= 3
                            ORDER BY id LIMIT %s OFFSET %s""",
        [customers * 3, skip * 3],
    )
    return [row[0] for row in env.cr.fetchall()]


def queue_campaign(env, customers, skip=0):
    """A queued, committed campaign of three invoices each; returns it and the ids of
    its reminders."""
    uid = env["res.users"].search([("login", "=", "accountant")]).id
    campaign = (
        env["chaser.campaign"]
        .with_user(uid)
        .create_for_invoices(choose_three_each(env, customers, skip))
    )
    campaign.action_send()
    env.cr.commit()
    domain = [("campaign_id", "=", campaign.id), ("state", "=", "queued")]
    return campaign, env["chaser.reminder"].search(
        domain, order="priority desc, id"
    ).ids
