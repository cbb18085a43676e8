"""Past campaigns with what was sent in them and what became of it, for reading. They
are ordinary campaigns, reminders and events, so that levels, intervals and figures
count them; ``import_id`` marks them, and by it they can be taken out again whole."""

from collections import defaultdict

from odoo import fields
from odoo.tools import email_normalize, html_sanitize

from ...core.move_in.convert import Record
from ...core.move_in.words import translate
from .changes import NEW, SAME, Change, refuse

_TYPES = ("invoice_reminder", "payment_follow_up", "overdue_notice", "bulk_reminder")
_TIMES = {
    "delivered": "delivered_at",
    "opened": "opened_at",
    "clicked": "clicked_at",
    "bounced": "bounced_at",
    "replied": "replied_at",
}
_DEVICES = ("desktop", "phone", "tablet", "other")


class CampaignWriter:
    def __init__(self, table):
        self.table, self.env, self.company = table, table.env, table.company

    def identities(self, record):
        return [record.key]

    def name(self, record):
        return record.values.get("name") or record.key

    def plan(self, records):
        keys = self.table.xml_ids.read(
            "chaser.campaign", "campaign", [record.key for record in records]
        )
        return [
            Change(record, SAME) if record.key in keys else self._plan_one(record)
            for record in records
        ]

    def _plan_one(self, record):
        told = record.values
        state = translate("campaign", told.get("state", ""))
        if told.get("state") and not state:
            return refuse(record, "status", column="state", detail=told["state"])
        started = told.get("started_at") or told.get("completed_at")
        if not started or state == "cancelled":
            return refuse(record, "not_sent")
        if started > fields.Datetime.now():
            return refuse(record, "future", detail=str(started))
        kind = told.get("campaign_type", "")
        values = {
            "name": told["name"],
            "description": told.get("description") or told.get("subject") or False,
            "campaign_type": kind if kind in _TYPES else _TYPES[0],
            "state": "completed",
            "scheduled_at": told.get("scheduled_at") or started,
            "started_at": started,
            "completed_at": told.get("completed_at") or started,
        }
        shown = {"started_at": ("", started)}
        return Change(record, NEW, values=values, difference=shown)

    def apply(self, changes):
        campaigns = make_campaigns(
            self.env, self.table.imp, [change.values for change in changes]
        )
        self.table.xml_ids.write(
            "campaign",
            [
                (change.record.key, campaign)
                for change, campaign in zip(changes, campaigns, strict=True)
            ],
        )


def make_campaigns(env, imp, vals_list):
    return (
        env["chaser.campaign"]
        .with_context(tracking_disable=True, mail_create_nolog=True)
        ._create_by_program(
            [
                {"company_id": imp.company_id.id, "import_id": imp.id, **vals}
                for vals in vals_list
            ]
        )
        .with_env(env)
    )


class SendWriter:
    def __init__(self, table):
        self.table, self.env, self.company = table, table.env, table.company
        self.levels = None
        self.now = fields.Datetime.now()

    def identities(self, record):
        return [record.key]

    def name(self, record):
        values = record.values
        who = values.get("email") or values.get("customer_ref") or record.key
        return f"{who}: {values.get('subject', '')}".strip(": ")

    def plan(self, records):
        self.table.finder.prefetch(records)
        self.keys = self.table.xml_ids.read(
            "chaser.reminder", "send", [record.key for record in records]
        )
        self._read_invoices(records)
        return [self._plan_one(record) for record in records]

    def _plan_one(self, record):
        told = record.values
        if record.key in self.keys:
            return Change(record, SAME, target=self.keys[record.key])
        if told["sent_at"] > self.now:
            return refuse(record, "future", detail=str(told["sent_at"]))
        match = self.table.find(record)
        if isinstance(match, Change):
            return match
        if not match.partner and not match.planned:
            return refuse(record, "no_customer", detail=self.name(record))
        lines, missing = self._prepare_lines(told)
        return Change(
            record,
            NEW,
            self.name(record),
            {"lines": lines},
            {"sent_at": ("", told["sent_at"])},
            ("no_invoice", {"detail": ", ".join(missing)[:200]}) if missing else None,
            partner_id=match.partner.commercial_partner_id.id,
        )

    # -- invoices and levels

    def _read_invoices(self, records):
        numbers = {
            number for record in records for number in record.values.get("invoices", ())
        }
        moves = self.env["account.move"]
        if numbers:
            moves = moves.sudo().search(
                [
                    ("company_id", "=", self.company.id),
                    ("name", "in", list(numbers)),
                    ("move_type", "in", ("out_invoice", "out_receipt")),
                    ("state", "=", "posted"),
                ]
            )
        self.moves = {move.name: move for move in moves}

    def _prepare_lines(self, told):
        """Lines of the invoices that are here and were there when it was sent; the
        others by their number. Amounts are those of the invoice: what was open then
        nobody knows."""
        found, missing = [], []
        day = told["sent_at"].date()
        level = self._find_level(told.get("level", ""))
        for number in told.get("invoices", ()):
            move = self.moves.get(number)
            if not move or (move.invoice_date and move.invoice_date > day):
                missing.append(number)
                continue
            for item in move.line_ids.filtered(
                lambda line: line.account_id.account_type == "asset_receivable"
            ):
                found.append(
                    {
                        "company_id": self.company.id,
                        "move_line_id": item.id,
                        "move_id": move.id,
                        "number": number,
                        "is_credit": False,
                        "currency_id": item.currency_id.id,
                        "amount": item.amount_currency,
                        "amount_residual": item.amount_currency,
                        "amount_company": item.balance,
                        "invoice_date": move.invoice_date,
                        "date_maturity": item.date_maturity,
                        "days_overdue": (day - item.date_maturity).days
                        if item.date_maturity
                        else 0,
                        "level_id": level,
                    }
                )
        return found, missing

    def _find_level(self, text):
        if self.levels is None:
            rows = (
                self.env["chaser.level"]
                .sudo()
                .with_context(lang="en_US")
                .search(
                    [("company_id", "in", (False, self.company.id))], order="id desc"
                )
            )
            self.levels = {row.name.casefold(): row.id for row in rows}
            self.levels |= {row.code: row.id for row in rows if row.code}
        return self.levels.get(text.strip().casefold(), False)

    # -- doing it

    def apply(self, changes):
        self._find_campaigns(changes)
        Reminder = self.env["chaser.reminder"].sudo()
        reminders = Reminder.create(
            [self._prepare_reminder(change) for change in changes]
        )
        events = []
        for change, reminder in zip(changes, reminders, strict=True):
            change.target = reminder.id
            events += self._prepare_events(change, reminder)
        self.env["chaser.event"].sudo().create(events)
        self.table.xml_ids.write(
            "send",
            [
                (change.record.key, reminder)
                for change, reminder in zip(changes, reminders, strict=True)
            ],
        )

    def _prepare_reminder(self, change):
        told = change.record.values
        partner = self.env["res.partner"].browse(change.partner_id)
        email = told.get("email") or partner.email or ""
        return {
            "campaign_id": self.campaigns[told.get("campaign") or ""].id,
            "company_id": self.company.id,
            "partner_id": partner.id,
            "purpose": "reminder",
            "is_undecided": False,
            "state": told["state"],
            "sent_at": told["sent_at"] if told["state"] == "sent" else False,
            "attempted_at": told["sent_at"],
            "attempt_count": 1,
            "recipient_email": email_normalize(email) or email,
            "subject": told.get("subject") or False,
            "body_html": html_sanitize(told["body_html"])
            if told.get("body_html")
            else False,
            "body_text": told.get("body_text") or False,
            "message_id": told.get("message_id") or False,
            "language": translate("language", told.get("language", "")) or "en",
            "level_id": self._find_level(told.get("level", "")),
            "token": False,
            "pixel_token": False,
            "stop_token": False,
            "reply_token": False,
            "page_token": False,
            "line_ids": [(0, 0, line) for line in change.values["lines"]],
        }

    def _find_campaigns(self, changes):
        """Each campaign that a message names: the one that came in with that id or
        name, else a new one that says where its messages come from."""
        names = {change.record.values.get("campaign") or "" for change in changes}
        keys = self.table.xml_ids.read("chaser.campaign", "campaign", names)
        Campaign = self.env["chaser.campaign"]
        known = Campaign.search(
            [
                ("company_id", "=", self.company.id),
                ("import_id", "!=", False),
                ("name", "in", list(names)),
            ]
        )
        by_name = {campaign.name: campaign for campaign in reversed(known)}
        self.campaigns = {}
        for name in sorted(names):
            campaign = Campaign.browse(keys.get(name) or ()) or by_name.get(name)
            self.campaigns[name] = campaign or self._make_campaign(name, changes)

    def _make_campaign(self, name, changes):
        key = name or f"of {self.table.file.name}"
        [known] = [self.table.xml_ids.read("chaser.campaign", "campaign", [key])]
        if known:
            return self.env["chaser.campaign"].browse(known[key])
        moments = [change.record.values["sent_at"] for change in changes]
        [campaign] = make_campaigns(
            self.env,
            self.table.imp,
            [
                {
                    "name": name or self.env._("Messages of %s", self.table.file.name),
                    "state": "completed",
                    "started_at": min(moments),
                    "completed_at": max(moments),
                }
            ],
        )
        self.table.xml_ids.write("campaign", [(key, campaign)])
        return campaign

    def _prepare_events(self, change, reminder):
        told = change.record.values
        times = {told["state"]: told["sent_at"]}
        if told.get("told_event") and told["told_event"] not in times:
            times[told["told_event"]] = told["sent_at"]
        for event_type, name in _TIMES.items():
            if told.get(name):
                times[event_type] = told[name]
        return [
            prepare_event(
                self.table, reminder, event_type, at, f"send:{change.record.key}"
            )
            for event_type, at in times.items()
        ]


def prepare_event(table, reminder, event_type, at, key, **values):
    return {
        "reminder_id": reminder.id,
        "campaign_id": reminder.campaign_id.id,
        "company_id": table.company.id,
        "partner_id": reminder.partner_id.id,
        "event_type": event_type,
        "occurred_at": at,
        "source": "import",
        "provider_event_id": get_event_id(table, event_type, key),
        "verdict": "unknown" if event_type in ("opened", "clicked") else False,
        **values,
    }


def get_event_id(table, event_type, key):
    """One of its own per company: the index over all of them is unique."""
    return f"{table.xml_ids.prefix}:{key}:{event_type}"


class EventWriter:
    """Opens, clicks and so on, each with its message. Where a tool exports events alone
    (Brevo's log, Mailchimp's activity), they say by themselves that there was one."""

    def __init__(self, table):
        self.table, self.env, self.company = table, table.env, table.company
        self.sends = SendWriter(table)
        self.now = fields.Datetime.now()

    def identities(self, record):
        return [record.key]

    def name(self, record):
        values = record.values
        what = values.get("event_type", "")
        who = values.get("email") or values.get("send") or values.get("message_id")
        return f"{what}: {who or record.key}"

    def plan(self, records):
        known = self._read_known(records)
        self._read_sends(records)
        implied = self._plan_implied(records)
        return [self._plan_one(record, known, implied) for record in records]

    def _event_id(self, record):
        return get_event_id(self.table, record.values["event_type"], record.key)

    def _read_known(self, records):
        rows = (
            self.env["chaser.event"]
            .sudo()
            .search_fetch(
                [
                    ("source", "=", "import"),
                    ("provider_event_id", "in", list(map(self._event_id, records))),
                ],
                ["provider_event_id"],
            )
        )
        return set(rows.mapped("provider_event_id"))

    def _read_sends(self, records):
        self.by_key = self.table.xml_ids.read(
            "chaser.reminder",
            "send",
            {record.values.get("send") or "" for record in records}
            | {self._implied_key(record) for record in records},
        )
        ids = {record.values.get("message_id") for record in records} - {None}
        rows = (
            self.env["chaser.reminder"]
            .sudo()
            .search_fetch(
                [
                    ("company_id", "=", self.company.id),
                    ("message_id", "in", list(ids)),
                    ("campaign_id.import_id", "!=", False),
                ],
                ["message_id"],
            )
        )
        self.by_message = {row.message_id: row.id for row in rows}
        self.planned = set()
        if self.table.dry:
            lines = (
                self.env["chaser.import.line"]
                .sudo()
                .search_fetch(
                    [
                        ("import_id", "=", self.table.imp.id),
                        ("step", "=", "send"),
                        ("action", "=", "new"),
                        ("key", "in", [r.values.get("send") for r in records]),
                    ],
                    ["key"],
                )
            )
            self.planned = set(lines.mapped("key"))

    def _implied_key(self, record):
        told = record.values
        if told.get("message_id"):
            return f"m:{told['message_id']}"
        email = (told.get("email") or "").lower()
        return f"c:{told.get('campaign', '')}:{email}" if email else ""

    def _find(self, record):
        told = record.values
        return (
            self.by_key.get(told.get("send") or "")
            or self.by_message.get(told.get("message_id"))
            or self.by_key.get(self._implied_key(record))
        )

    def _plan_implied(self, records):
        """Key → what becomes of the message that events speak of and no table had."""
        groups = defaultdict(list)
        for record in records:
            if not record.values.get("send") and not self._find(record):
                if record.values.get("email"):
                    groups[self._implied_key(record)].append(record)
        made = []
        for key, events in groups.items():
            first = min(events, key=lambda event: event.values["occurred_at"])
            told = {
                name: value
                for name, value in first.values.items()
                if name in ("email", "emails", "campaign", "message_id", "subject")
            }
            moment = self._find_start(told) or first.values["occurred_at"]
            told |= {
                "sent_at": min(moment, first.values["occurred_at"]),
                "state": "sent",
                "told_event": "",
            }
            made.append(Record("send", first.row, key, told))
        plans = self.sends.plan(made) if made else []
        return {change.record.key: change for change in plans}

    def _find_start(self, told):
        if not told.get("campaign"):
            return None
        keys = self.table.xml_ids.read(
            "chaser.campaign", "campaign", [told["campaign"]]
        )
        campaign = self.env["chaser.campaign"].browse(list(keys.values()))
        return campaign.started_at if campaign else None

    def _plan_one(self, record, known, implied):
        told = record.values
        if self._event_id(record) in known:
            return Change(record, SAME)
        if told["occurred_at"] > self.now:
            return refuse(record, "future", detail=str(told["occurred_at"]))
        reminder = self._find(record)
        if reminder and told["event_type"] == "sent":
            return Change(record, SAME)  # it came in with the message
        send = implied.get(self._implied_key(record))
        if not reminder and send and send.action not in (NEW, SAME):
            change = refuse(record, *send.reason[:1], **send.reason[1])
            change.action, change.candidates = send.action, send.candidates
            return change
        if not reminder and not send and told.get("send") not in self.planned:
            return refuse(record, "no_send")
        shown = {"occurred_at": ("", told["occurred_at"])}
        return Change(
            record, NEW, self.name(record), {"send": send}, shown, target=reminder
        )

    def apply(self, changes):
        sends = {
            change.values["send"].record.key: change.values["send"]
            for change in changes
            if change.values["send"] and not change.target
        }
        # One that was made by a try before this one is not there any more.
        self.sends.apply([send for send in sends.values() if send.action == NEW])
        Reminder = self.env["chaser.reminder"].sudo()
        values = []
        for change in changes:
            reminder = Reminder.browse(change.target or change.values["send"].target)
            values += self._prepare(change, reminder)
        self.env["chaser.event"].sudo().create(values)

    def _prepare(self, change, reminder):
        told = change.record.values
        if told["event_type"] == "sent":
            return []  # it came in with the message
        device = told.get("device", "").lower()
        return [
            prepare_event(
                self.table,
                reminder,
                told["event_type"],
                told["occurred_at"],
                change.record.key,
                link_url=told.get("link") if told.get("link") != "NA" else False,
                user_agent=told.get("user_agent") or False,
                ip_address=told.get("ip") or False,
                mail_client=told.get("mail_client") or False,
                device_type=device if device in _DEVICES else False,
                country_code=told.get("country") or False,
                raw_data={"detail": told["detail"][:1000]}
                if told.get("detail")
                else False,
            )
        ]
