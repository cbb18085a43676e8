import logging
from datetime import timedelta
from hashlib import sha256

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError

from odoo.addons.invoice_chaser.core.status.tracking import valid_token
from odoo.addons.invoice_chaser.models.common.conflicts import CONFLICTS

from ...core import webhook
from ...core.errors import NO_CODE
from ...core.status import Step, judge, normalize

_logger = logging.getLogger(__name__)
_SERVICE = "whatsapp"
# A report may come before our own record of the message is committed; it is looked at
# again, and given up when the message is nowhere after so long.
_PATIENCE = timedelta(days=1)
_LOOK_AGAIN = timedelta(seconds=20)
_LATER = timedelta(minutes=10)
# How a status of Meta's stands among our events.
_EVENTS = {"delivered": "delivered", "read": "opened"}
# Restrictions of an account under which nothing of ours may leave; and those under
# which no utility template may.
_STOPPING = ("RESTRICTED_BIZ_INITIATED_MESSAGING",)
_STOPPING_UTILITY = (
    "RESTRICTED_UTILITY_TEMPLATES",
    "RATE_LIMITED_UTILITY_TEMPLATE_MESSAGING",
    "RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES",
)
_GONE = ("ACCOUNT_DELETED", "ACCOUNT_DISCONNECTED", "ACCOUNT_OFFBOARDED")
_RESTORED = ("ACCOUNT_RECONNECTED", "REINSTATE")
_LIFTED = ("_UNBAN", "_RECOVERY")
_UTILITY = "UTILITY_TEMPLATE_ABUSE"
# What the route reads of a mailbox: Meta waits for it, and a mailbox has many columns.
_PROOF = (
    "company_id",
    "whatsapp_app_id",
    "whatsapp_app_secret_sealed",
    "whatsapp_verify_token_sealed",
)


class ChaserWebhookEvent(models.Model):
    """Reports of Meta: kept as they came when their origin is proven, and processed by
    the same job as those of mail services. Each update counts once, in any order."""

    _inherit = "chaser.webhook.event"

    whatsapp_unknown = fields.Json(
        "Not Understood",
        readonly=True,
        help="Fields and words of Meta's that this version does not know, with how "
        "often.",
    )
    whatsapp_waiting = fields.Integer(
        "Waiting",
        readonly=True,
        aggregator=None,
        help="Facts about messages of ours whose record was not there yet.",
    )

    @api.model
    def _get_service_selection(self):
        return [*super()._get_service_selection(), (_SERVICE, "WhatsApp")]

    # -- taking in, for the public route

    @api.model
    def _find_whatsapp(self, token):
        """The mailbox of an address, archived ones too: reports about what it sent
        still come."""
        Provider = self.env["chaser.provider"].sudo().with_context(active_test=False)
        if not valid_token(token):
            return Provider.browse()
        return Provider.search_fetch(
            [("webhook_token", "=", token), ("kind", "=", "whatsapp")], _PROOF, limit=1
        )

    @api.model
    def _answer_challenge(self, token, params):
        """What to respond to Meta's check of the address; None: nothing of ours."""
        provider = self._find_whatsapp(token)
        try:
            verify_token = (
                provider._open_secret__("whatsapp_verify_token_sealed")
                if provider
                else ""
            )
        except UserError:
            return None
        return webhook.get_challenge(params, verify_token)

    @api.model
    def _receive_whatsapp(self, token, body, signature):
        """Keeps a request as it came, once its signature over exactly these bytes is
        right; nothing of it is read before.

        One app may serve several numbers, and Meta sends all their reports to one
        address. Each mailbox whose own app secret proves the same bytes gets them; it
        will read what is about itself.

        :return: the HTTP status to respond with
        """
        provider = self._find_whatsapp(token)
        if not provider:
            return 404
        if not self._is_proven(provider, body, signature):
            return 403
        others = self.env["chaser.provider"].sudo()
        if provider.whatsapp_app_id:
            others = others.search_fetch(
                [
                    ("kind", "=", "whatsapp"),
                    ("whatsapp_app_id", "=", provider.whatsapp_app_id),
                    ("id", "!=", provider.id),
                ],
                _PROOF,
            )
        key = sha256(body).hexdigest()
        for one in provider + others:
            if one == provider or self._is_proven(one, body, signature):
                self._store(one, _SERVICE, key, body)
        return 200

    @api.model
    def _is_proven(self, provider, body, signature):
        try:
            secret = provider._open_secret__("whatsapp_app_secret_sealed")
        except UserError as error:
            _logger.info(
                "A report for mailbox %s cannot be proven: %s", provider.id, error
            )
            return False
        return webhook.is_signed(secret, body, signature)

    # -- working off

    def _process_whatsapp(self):
        """Every update for itself, so that one that fails keeps no other back."""
        try:
            report = webhook.parse(self.payload or "")
        except webhook.Malformed as error:
            self._set_processed(
                error=self.env._("It cannot be read: %s", error), report_count=0
            )
            return
        account, unknown = self.provider_id, dict(report.unknown)
        matched, waiting, problems = 0, 0, []
        for handle, update in self._iterate_updates(report):
            try:
                with self.env.cr.savepoint():
                    found = handle(account, update)
            except (*CONFLICTS, LockError, psycopg2.InterfaceError):
                # The whole report again, with fresh data: what counted already does
                # not count twice.
                raise
            except Exception as error:
                _logger.exception("An update of report %s failed", self.id)
                problems.append(f"{type(error).__name__}: {error}"[:100])
                continue
            if found == "waiting":
                waiting += 1
            elif isinstance(found, str):
                unknown[found] = unknown.get(found, 0) + 1
            else:
                matched += bool(found)
        self._finish_whatsapp(report, matched, waiting, problems, unknown)

    def _iterate_updates(self, report):
        for status in report.statuses:
            yield self._process_status, status
        for message in report.messages:
            yield self._process_message, message
        for change in report.changes:
            yield self._process_change, change

    def _finish_whatsapp(self, report, matched, waiting, problems, unknown):
        now = fields.Datetime.now()
        values = {
            "report_count": report.count,
            "matched_count": self.matched_count + matched,
            "whatsapp_waiting": waiting,
            "whatsapp_unknown": unknown or False,
        }
        if problems:
            self.write(values)
            self._set_error("; ".join(problems)[:300])
        elif waiting and self.received_at > now - _PATIENCE:
            self.write(values)
            soon = self.received_at > now - timedelta(minutes=5)
            self.env.ref("invoice_chaser.ir_cron_process_webhooks").sudo()._trigger(
                at=now + (_LOOK_AGAIN if soon else _LATER)
            )
        else:
            self._set_processed(**values)

    # -- what became of a message

    def _process_status(self, account, status):
        """Returns True for a new fact, False for nothing new, ``waiting`` while the
        message's record is not there yet, and an unknown word as it is."""
        if status.phone_id and status.phone_id != account.whatsapp_phone_id:
            return False
        if status.callback.startswith("answer:"):
            return self.env["chaser.inbound"]._process_whatsapp_status(account, status)
        reminder, is_own = self._find_reminder(account, status)
        if not reminder:
            # Somebody else's message by the same number, or one whose mark is not
            # committed yet.
            return "waiting" if _is_our_callback(status.callback) else False
        if reminder.state == "sending":
            # The sender is at it, or its process has died: the next run says which.
            return "waiting"
        uid = f"whatsapp:{status.wamid}:{normalize(status.status)}"
        known = self._read_known(reminder, status.wamid)
        step = judge(status.status, known)
        if step is Step.UNKNOWN:
            return f"status {status.status}"[:60]
        if step is Step.BEHIND:
            return False
        if status.pricing:
            self.env["chaser.whatsapp.price"]._record_actual(
                reminder, status.pricing, status.moment or self.received_at
            )
        self._learn_recipient(account, reminder, status)
        if is_own and not self._is_current(reminder):
            self._take_back(account, reminder, status)
        if not is_own or not self._is_current(reminder):
            return self._note_late(reminder, status, uid)
        self._settle_by_report(reminder, status)
        return self._record_status(reminder, status, step, uid)

    @api.model
    def _find_reminder(self, account, status):
        """The reminder that a report is about, and whether it is about its last
        attempt. By what we sent along; else by Meta's key."""
        Reminder = self.env["chaser.reminder"].sudo()
        own = [("company_id", "=", account.company_id.id)]
        if _is_our_callback(status.callback):
            reminder = Reminder.search(
                [*own, ("whatsapp_key", "=", status.callback)], limit=1
            )
            if reminder:
                return reminder, True
            message_id = status.callback.partition("|")[0]
            return Reminder.search(
                [*own, ("message_id", "=", message_id)], limit=1
            ), False
        reminder = Reminder.search(
            [*own, ("internet_message_id", "=", status.wamid)], limit=1
        )
        return reminder, True

    @api.model
    def _is_current(self, reminder):
        return self.env["chaser.channel.whatsapp"]._is_current(reminder)

    @api.model
    def _read_known(self, reminder, wamid):
        """The statuses of this message that are recorded."""
        prefix = f"whatsapp:{wamid}:"
        events = (
            self.env["chaser.event"]
            .sudo()
            .search(
                [
                    ("reminder_id", "=", reminder.id),
                    ("provider_event_id", "=like", f"{_escape(prefix)}%"),
                ]
            )
        )
        return {
            uid.removeprefix(prefix)
            for uid in events.mapped("provider_event_id")
            if uid.startswith(prefix)
        }

    @api.model
    def _settle_by_report(self, reminder, status):
        """What a crash or a timeout left unknown, Meta's report settles; with it the
        message's key at Meta is known."""
        if reminder.state == "queued" and normalize(status.status) != "failed":
            # It was to be sent again, and now Meta says that it had arrived: it must
            # not leave twice. What is known of that attempt counts again.
            since = reminder.channel_passed and reminder.channel_since
            reminder._set_state("failed", is_undecided=True, channel_since=since)
        if reminder.is_undecided:
            reminder._settle_found(self.env._("WhatsApp reports about it"))
        values = {}
        if not reminder.internet_message_id:
            values |= {
                "internet_message_id": status.wamid,
                "provider_message_id": status.wamid,
            }
        if reminder.state == "sent" and not reminder.sent_at:
            values["sent_at"] = status.moment or self.received_at
        if values:
            reminder.write(values)

    @api.model
    def _take_back(self, account, reminder, status):
        """Meta says "failed" and then "delivered" of one message now and then. What
        went on by another channel and has not left yet stays: the customer has it."""
        came = normalize(status.status) in _EVENTS
        if not came or reminder.state != "queued":
            return
        channel = self.env["chaser.channel.whatsapp"]
        address = f"+{status.recipient}" if status.recipient else status.user_id
        reminder._set_state(
            "sent",
            "whatsapp_arrived",
            channel="whatsapp",
            channel_rest=False,
            provider_id=account.id,
            sent_at=status.moment or self.received_at,
            internet_message_id=status.wamid,
            provider_message_id=status.wamid,
            **channel._prepare_all_recipients("whatsapp", [address] if address else ()),
        )

    def _record_status(self, reminder, status, step, uid):
        moment = min(status.moment or self.received_at, fields.Datetime.now())
        channel = self.env["chaser.channel.whatsapp"]
        if step is Step.NOTE:
            return self._note_late(reminder, status, uid)
        if step is Step.FAILED:
            code, words = status.errors[0] if status.errors else (NO_CODE, "")
            channel._process_failed(reminder, code, words, uid, moment)
            return True
        if event_type := _EVENTS.get(normalize(status.status)):
            channel._find_people(reminder)._note_delivered()
            verdict = {"verdict": "human"} if event_type == "opened" else {}
            reminder._record_event(
                event_type,
                "webhook",
                provider_event_id=uid,
                occurred_at=moment,
                **verdict,
            )
            return True
        # "sent" says what our own record says already.
        return False

    @api.model
    def _note_late(self, reminder, status, uid):
        """A report that changes nothing: about an earlier attempt, about a message that
        went on by another channel, or "failed" after "delivered". People see it, once.
        """
        key, name = f"{uid}:late", normalize(status.status)
        if name == "sent":
            return False
        Event = self.env["chaser.event"].sudo()
        if Event.search_count([("provider_event_id", "=", key)], limit=1):
            return False
        words = {
            "delivered": self.env._("delivered"),
            "read": self.env._("read"),
            "failed": self.env._("not delivered"),
        }[name]
        reminder._record_event(
            "deferred",
            "webhook",
            provider_event_id=key,
            raw_data={"late": name, "wamid": status.wamid},
        )
        reminder.partner_id._for_chaser(reminder.company_id)._message_log(
            body=self.env._(
                "WhatsApp reports about an earlier state of “%(subject)s”: "
                "%(words)s. Nothing changes.",
                subject=reminder.display_name,
                words=words,
            )
        )
        return True

    @api.model
    def _learn_recipient(self, account, reminder, status):
        if status.recipient or status.user_id:
            self.env["chaser.whatsapp.person"].sudo()._learn(
                account.company_id,
                {
                    "contacts": [
                        {
                            "input": reminder.whatsapp_to or "",
                            "wa_id": status.recipient,
                            "user_id": status.user_id,
                        }
                    ]
                },
            )

    # -- what customers write

    def _process_message(self, account, update):
        if update.phone_id and update.phone_id != account.whatsapp_phone_id:
            return False
        return bool(
            self.env["chaser.whatsapp.inbound"]
            .sudo()
            ._process_message(account, update.contact, update.message)
        )

    # -- templates, account, persons

    def _process_change(self, account, change):
        if change.waba_id not in ("", "0", account.whatsapp_waba_id):
            return False
        if change.field in webhook.TEMPLATE_FIELDS:
            return bool(
                self.env["chaser.whatsapp.template"]
                .sudo()
                ._process_event(account, change.field, change.value)
            )
        if change.field in webhook.PERSON_FIELDS:
            return self._process_person(account, change)
        return getattr(self, f"_process_{change.field}", self._process_other)(
            account, change.value
        )

    def _process_person(self, account, change):
        """``user_preferences`` speaks of marketing only; for us it is a wish to be left
        alone."""
        Person = self.env["chaser.whatsapp.person"].sudo()
        done = False
        for row in _rows(change.value, "user_preferences") or [change.value]:
            if row.get("value") == "stop":
                people = Person._find(
                    account.company_id,
                    wa_id=_text(row.get("wa_id")),
                    user_id=_text(row.get("user_id")),
                )
                words = self.env._("Switched off messages of businesses in WhatsApp")
                done |= bool(people._stop(self.env._("Reported by WhatsApp"), words))
        if change.field == "user_id_update":
            Person._learn(account.company_id, change.value)
        return done

    def _process_other(self, account, value):
        """Alerts, reviews, names: shown to a manager as Meta says it."""
        info = value.get("alert_info")
        info = info if isinstance(info, dict) else value
        words = ", ".join(
            f"{name}: {_text(text)}" for name, text in info.items() if _text(text)
        )
        account._message_log(body=self.env._("Meta reports: %s", words[:1000]))
        return True

    def _process_phone_number_quality_update(self, account, value):
        """The number's limit has changed; other numbers of the account are not
        meant."""
        if not _is_number_of(account, value):
            return False
        return self._keep_limit(account, value)

    def _process_business_capability_update(self, account, value):
        return self._keep_limit(account, value)

    @api.model
    def _keep_limit(self, account, value):
        told = value.get("max_daily_conversations_per_business")
        if told is None:
            told = value.get("max_daily_conversation_per_phone")
        limit = webhook.read_limit(told)
        if limit is None:
            return False
        same = account
        if account.whatsapp_portfolio_id:
            same |= account.search(
                [
                    ("whatsapp_portfolio_id", "=", account.whatsapp_portfolio_id),
                    ("company_id", "=", account.company_id.id),
                ]
            )
        same.write({"whatsapp_limit": limit, "whatsapp_limit_known": True})
        return True

    def _process_account_update(self, account, value):
        """What stops the account stops it here; what is lifted is told to a manager,
        who tests the connection."""
        event = _text(value.get("event")).upper()
        ban = value.get("ban_info")
        ban = _text(ban.get("waba_ban_state")) if isinstance(ban, dict) else ""
        restrictions = [
            (_text(one.get("restriction_type")), one.get("expiration"))
            for one in _rows(value, "restriction_info")
        ]
        violation = value.get("violation_info")
        violation = violation if isinstance(violation, dict) else {}
        kind = _text(violation.get("violation_type")).upper()
        if event in _RESTORED or ban in _RESTORED or kind.endswith(_LIFTED):
            if kind.startswith(_UTILITY):
                account._lift_whatsapp_utility()
            account._tell_manager(
                lambda one: one.env._("WhatsApp account restored"),
                lambda one: one.env._(
                    "Meta has lifted a restriction: test the connection."
                ),
            )
            return True
        stopping = [one for one in restrictions if one[0] in _STOPPING]
        if event in _GONE or ban == "DISABLE" or stopping:
            words = ", ".join(
                filter(None, (event, ban, kind, *(name for name, _end in stopping)))
            )
            ends = [webhook.read_end(end) for _name, end in stopping]
            account._stop_whatsapp(words, max(filter(None, ends), default=None))
            return True
        utility = [one for one in restrictions if one[0] in _STOPPING_UTILITY]
        if utility:
            words = ", ".join(filter(None, (kind, *(name for name, _end in utility))))
            ends = [webhook.read_end(end) for _name, end in utility]
            account._stop_whatsapp_utility(
                words, max(filter(None, ends), default=None) if all(ends) else None
            )
            return True
        account._tell_manager(
            lambda one: one.env._("Meta warns about the WhatsApp account"),
            ", ".join(filter(None, (event, ban, kind))),
        )
        return True


def _is_our_callback(callback):
    return callback.startswith("<chaser.") and "|" in callback


def _escape(text):
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _rows(value, name):
    """The dictionaries of a list."""
    rows = value.get(name)
    rows = rows if isinstance(rows, list) else []
    return [row for row in rows if isinstance(row, dict)]


def _text(value):
    return str(value) if isinstance(value, (str, int)) else ""


def _is_number_of(account, value):
    """Reports name the number as people write it."""
    told = "".join(filter(str.isdigit, _text(value.get("display_phone_number"))))
    own = "".join(filter(str.isdigit, account.whatsapp_number or ""))
    return not told or not own or told == own
