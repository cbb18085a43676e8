from datetime import date, timedelta

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..planning.open_items import MONEY_JOURNALS

# Days overdue of a bucket, the first and the last one.
_BUCKET_DAYS = {
    "not_due": (None, 0),
    "days_1_30": (1, 30),
    "days_31_60": (31, 60),
    "days_61_90": (61, 90),
    "days_over_90": (91, None),
    "overdue": (1, None),
    "over_60": (61, None),
    "open": (None, None),
}


class ChaserOverviewLink(models.AbstractModel):
    """Where a figure of the overview leads: to the records that it counts."""

    _name = "chaser.overview.link"
    _description = "Links of the Overview"

    @api.model
    @api.readonly
    def open_figure(self, name, key=None, filters=None):
        """An action that shows the records behind a figure; None where there is none.

        :param name: which figure
        :param key: which part of it: a bucket, a day, an id
        :param filters: as ``chaser.overview.read_overview`` has them
        """
        Overview = self.env["chaser.overview"]
        Overview._check_rights()
        scope = Overview._make_scope(filters)
        method = getattr(self, f"_open_{name}", None) if isinstance(name, str) else None
        return method and method(scope, key)

    # -- receivables

    @api.model
    def _open_items(self, scope, key):
        """Open items of a bucket of today; or of a pair of bucket and currency."""
        key, currency_id = key if isinstance(key, list) and len(key) == 2 else (key, 0)
        if not isinstance(key, str) or not isinstance(currency_id, int):
            return None
        if key in ("credit", "all"):
            amount = Domain("amount_residual", "<" if key == "credit" else "!=", 0)
        elif key in _BUCKET_DAYS:
            amount = Domain("amount_residual", ">", 0)
        else:
            return None
        if currency_id:
            amount &= Domain("currency_id", "=", currency_id)
        titles = {
            "not_due": self.env._("Not due yet"),
            "days_1_30": self.env._("1 to 30 days overdue"),
            "days_31_60": self.env._("31 to 60 days overdue"),
            "days_61_90": self.env._("61 to 90 days overdue"),
            "days_over_90": self.env._("More than 90 days overdue"),
            "overdue": self.env._("Overdue items"),
            "over_60": self.env._("More than 60 days overdue"),
            "open": self.env._("Open items"),
            "credit": self.env._("Open credits"),
            "all": self.env._("Open items and credits"),
        }
        days = Domain.OR(
            Domain("company_id", "=", company_id)
            & self._get_due_domain(today, *_BUCKET_DAYS.get(key, (None, None)))
            for company_id, today in scope.today.items()
        )
        domain = (
            Domain("parent_state", "=", "posted")
            & Domain("account_id.account_type", "=", "asset_receivable")
            & Domain("reconciled", "=", False)
            & amount
            & days
            & self._get_customer_domain(scope, "partner_id.commercial_partner_id.")
        )
        return self._show("account.move.line", titles[key], domain)

    @api.model
    def _get_due_domain(self, today, first, last):
        """Items so many days overdue; those without a due date by their own date."""
        bounds = []
        if first is not None:
            bounds.append(("<=", today - timedelta(days=first)))
        if last is not None:
            bounds.append((">=", today - timedelta(days=last)))
        if not bounds:
            return Domain.TRUE
        due = Domain.AND(Domain("date_maturity", *bound) for bound in bounds)
        own = Domain.AND(Domain("date", *bound) for bound in bounds)
        return due | (Domain("date_maturity", "=", False) & own)

    @api.model
    def _open_month_items(self, scope, key):
        """What each customer owed at the end of a closed month."""
        day = self._parse_day(key)
        if not day:
            return None
        domain = (
            Domain("company_id", "in", scope.company_ids)
            & Domain("date", "=", day)
            & self._get_customer_domain(scope, "partner_id.")
        )
        return self._show(
            "chaser.receivable.report",
            self.env._("Receivables of the month"),
            domain,
            ("list", "pivot", "graph"),
        )

    @api.model
    def _open_month(self, scope, key):
        """Invoices and credit notes of a month, which are its sales."""
        day = self._parse_day(key)
        if not day:
            return None
        domain = (
            Domain("company_id", "in", scope.company_ids)
            & Domain("state", "=", "posted")
            & Domain("move_type", "in", ("out_invoice", "out_receipt", "out_refund"))
            & Domain("date", ">=", day.replace(day=1))
            & Domain("date", "<=", day)
            & self._get_customer_domain(scope, "commercial_partner_id.")
        )
        return self._show("account.move", self.env._("Invoices of the month"), domain)

    @api.model
    def _open_payments(self, scope, _key):
        """Money that has settled something in the period."""
        return self._show_settled(scope, scope.first_day, scope.day, "paid")

    @api.model
    def _open_month_paid(self, scope, key):
        """Money that has settled something in a month, up to the day that is its
        key."""
        return self._show_settled_of_month(scope, key, "paid")

    @api.model
    def _open_month_credited(self, scope, key):
        return self._show_settled_of_month(scope, key, "credited")

    @api.model
    def _open_month_written_off(self, scope, key):
        return self._show_settled_of_month(scope, key, "written_off")

    @api.model
    def _show_settled_of_month(self, scope, key, kind):
        day = self._parse_day(key)
        return day and self._show_settled(scope, day.replace(day=1), day, kind)

    @api.model
    def _show_settled(self, scope, first, last, kind):
        """Items on the credit side that were matched from one day to another, by which
        the figures count (``chaser.receivables._get_matched_sql``)."""
        money = Domain("journal_id.type", "in", MONEY_JOURNALS)
        credit = Domain("move_id.move_type", "=", "out_refund")
        title, which = {
            "paid": (self.env._("Payments received"), money),
            "credited": (self.env._("Credit notes set off"), credit),
            "written_off": (
                self.env._("Written off or netted"),
                ~money & ~credit & Domain("amount_currency", "!=", 0),
            ),
        }[kind]
        matched = Domain("max_date", ">=", first) & Domain("max_date", "<=", last)
        domain = (
            Domain("company_id", "in", scope.company_ids)
            & Domain("parent_state", "=", "posted")
            & Domain("account_id.account_type", "=", "asset_receivable")
            & Domain("balance", "<", 0)
            & Domain("matched_debit_ids", "any", matched)
            & which
            & self._get_customer_domain(scope, "partner_id.commercial_partner_id.")
        )
        return self._show("account.move.line", title, domain)

    # -- what waits, what runs

    @api.model
    def _open_need(self, scope, key):
        """What waits for a person, by the conditions by which it is counted
        (``chaser.overview.today``)."""
        Today, where = self.env["chaser.overview.today"], self._get_need_domains(scope)
        if key == "stopped":
            rows = self.env.execute_query(Today._get_stopped_sql(scope))
            return self._show(
                "res.partner",
                self.env._("Every address is stopped"),
                Domain("id", "in", [row[0] for row in rows]),
            )
        if key not in where:
            return None
        action, domain = where[key]
        shown = self.env["ir.actions.act_window"]._for_xml_id(
            f"invoice_chaser.{action}"
        )
        domain &= Domain("company_id", "in", scope.company_ids)
        return shown | {"domain": list(domain), "context": {}, "target": "current"}

    @api.model
    def _get_need_domains(self, scope):
        """Kind → the action that shows it, and the records that are counted."""
        customer = self._get_customer_domain(scope, "partner_id.")
        since = self.env["chaser.overview.today"]._get_broken_since()
        return {
            "undecided": (
                "chaser_reminder_action",
                Domain("is_undecided", "=", True) & customer,
            ),
            "mailboxes": ("chaser_provider_action", Domain("state", "=", "expired")),
            "answers": (
                "chaser_hold_action",
                Domain("released_at", "=", False)
                & Domain("code", "in", ("reply", "says_paid", "wrong_contact"))
                & (
                    Domain("date_until", "=", False)
                    | Domain("date_until", ">=", scope.day)
                )
                & customer,
            ),
            "unmatched": ("chaser_inbound_action", Domain("state", "=", "unmatched")),
            "maybe_paid": (
                "chaser_maybe_paid_action",
                Domain("state", "=", "open") & customer,
            ),
            "broken": (
                "chaser_promise_action",
                Domain("state", "=", "broken")
                & Domain("settled_at", ">=", since)
                & customer,
            ),
            "approvals": ("chaser_campaign_action", Domain("state", "=", "draft")),
        }

    @api.model
    def _open_campaign(self, scope, key):
        return self._open_record("chaser.campaign", scope, key)

    @api.model
    def _open_mailbox(self, scope, key):
        return self._open_record("chaser.provider", scope, key)

    @api.model
    def _open_record(self, model, scope, key):
        """The form of a record of the companies asked about."""
        if not isinstance(key, int) or isinstance(key, bool):
            return None
        record = self.env[model].search(
            [("id", "=", key), ("company_id", "in", scope.company_ids)]
        )
        return record and {
            "type": "ir.actions.act_window",
            "res_model": model,
            "res_id": record.id,
            "views": [(False, "form")],
        }

    # -- reminders

    @api.model
    def _open_reminders(self, scope, key):
        """Reminders sent in the period; ``key``: a level's id, a language, None."""
        domain = (
            Domain("company_id", "in", scope.company_ids)
            & Domain("purpose", "=", "reminder")
            & Domain("state", "=", "sent")
            & Domain("sent_at", ">=", scope.start)
            & self._get_customer_domain(scope, "partner_id.")
        )
        if isinstance(key, int) and not isinstance(key, bool):
            domain &= Domain("level_id", "=", key)
        elif key in ("en", "ar", "both"):
            domain &= Domain("language", "=", key)
        elif key is False:
            domain &= Domain("level_id", "=", False)
        return self._show("chaser.reminder", self.env._("Reminders sent"), domain)

    @api.model
    def _open_channel(self, scope, key):
        """Reminders sent in the period by a channel; the oldest name none."""
        action = self._open_reminders(scope, None)
        names = [key, False] if key == "email" else [key]
        domain = Domain(action["domain"]) & Domain("channel", "in", names)
        return action | {"domain": list(domain)}

    @api.model
    def _open_drawn(self, scope, _key):
        """The reminders by which the effect is measured; for managers."""
        Effect = self.env["chaser.effect"]
        if not Effect._may_see():
            return None
        rows = self.env.execute_query(
            SQL(
                "WITH company(id, today) AS (VALUES %s) SELECT id FROM (%s) drawn",
                self.env["chaser.receivables"]._get_days_sql(scope),
                Effect._get_drawn_sql(),
            )
        )
        return self._show(
            "chaser.reminder",
            self.env._("Reminders drawn for the measurement"),
            Domain("id", "in", [row[0] for row in rows]),
            context={"group_by": "holdout_arm"},
        )

    @api.model
    def _open_events(self, scope, key):
        """Events of people of one kind in the period."""
        if key not in ("opened", "clicked", "replied", "bounced"):
            return None
        domain = (
            Domain("company_id", "in", scope.company_ids)
            & Domain("event_type", "=", key)
            & Domain("occurred_at", ">=", scope.start)
            & self._get_customer_domain(scope, "partner_id.")
        )
        if key in ("opened", "clicked"):
            domain &= Domain("verdict", "!=", "machine")
        return self._show("chaser.event", self.env._("Events"), domain)

    @api.model
    def _open_promises(self, scope, key):
        if key == "open":
            state = Domain("state", "=", "open")
        elif key in ("kept", "partly", "broken"):
            state = Domain("state", "=", key) & Domain("settled_at", ">=", scope.start)
        else:
            return None
        domain = (
            Domain("company_id", "in", scope.company_ids)
            & state
            & self._get_customer_domain(scope, "partner_id.")
        )
        return self._show("chaser.promise", self.env._("Promises"), domain)

    @api.model
    def _open_disputes(self, scope, key):
        state = Domain("state", "=", "open")
        if key == "new":
            state = Domain("disputed_at", ">=", scope.start)
        domain = (
            Domain("company_id", "in", scope.company_ids)
            & state
            & self._get_customer_domain(scope, "partner_id.")
        )
        return self._show("chaser.dispute", self.env._("Disputes"), domain)

    # -- pieces

    @api.model
    def _parse_day(self, key):
        try:
            return date.fromisoformat(key)
        except (TypeError, ValueError):
            return None

    @api.model
    def _get_customer_domain(self, scope, path):
        domain = Domain.TRUE
        if scope.user_id:
            domain &= Domain(f"{path}user_id", "=", scope.user_id)
        if scope.tag_id:
            domain &= Domain(f"{path}category_id", "in", [scope.tag_id])
        return domain

    @api.model
    def _show(self, model, name, domain, views=("list", "form"), context=None):
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "views": [(False, kind) for kind in views],
            "domain": list(domain),
            "context": {"create": False, **(context or {})},
        }
