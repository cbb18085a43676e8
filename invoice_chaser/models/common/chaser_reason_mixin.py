from datetime import date, datetime, timedelta

from babel.dates import format_timedelta

from odoo import api, fields, models
from odoo.exceptions import MissingError
from odoo.tools import format_date, format_datetime
from odoo.tools.misc import babel_locale_parse

from ...core.letter.localize import isolate_name

_MINUTES = 60


def isolate_for(env, text):
    """A text that keeps its direction inside a sentence of the reader's language, where
    it is written in the other script."""
    return isolate_name(text, "ar" if (env.lang or "").startswith("ar") else "en")


class ChaserReasonMixin(models.AbstractModel):
    """Why something waits, was skipped or failed: stored as a key with its values, read
    in the reader's own language."""

    _name = "chaser.reason.mixin"
    _description = "Reason in words"

    reason_code = fields.Char(readonly=True, copy=False)
    reason_params = fields.Json(readonly=True, copy=False)
    reason = fields.Char(
        compute="_compute_reason", help="Why this waits, was skipped or failed."
    )

    @api.depends("reason_code", "reason_params")
    @api.depends_context("lang", "tz")
    def _compute_reason(self):
        shown = self._read_shown_reasons()
        for record in self:
            record.reason = self._get_reason_text(
                *shown.get(record, (record.reason_code, record.reason_params))
            )

    def _read_shown_reasons(self):
        """Record → (key, values) that are shown in place of the stored ones. A model
        whose records wait says what is true of them now."""
        return {}

    @api.model
    def _get_reason_text(self, code, params=None):
        """The sentence for a key of the catalogue, in the language of the environment;
        empty without a key."""
        if not code:
            return False
        sentence = self._get_reasons().get(code, code)
        text = (sentence % self._localize_reason_params(params or {})).strip()
        if code.startswith("hold_") and (params or {}).get("date"):
            text += " " + self.env._(
                "On hold until %s (inclusive).", format_date(self.env, params["date"])
            )
        return text

    @api.model
    def _localize_reason_params(self, params):
        """Dates and datetimes (UTC, ISO form, keys ``date…`` and ``until``) as the
        reader writes them; a detail in the other script keeps its direction."""
        values = {"until": "", "detail": "", "date": ""}
        values |= self._localize_window_params(params)
        if isinstance(values["detail"], str):
            values["detail"] = isolate_for(self.env, values["detail"])
        if values["date"]:
            values["date"] = format_date(self.env, values["date"])
        if values["until"]:
            until = datetime.fromisoformat(values["until"])
            values["until"] = format_datetime(self.env, until, dt_format="short")
        return self._localize_level_params(values)

    @api.model
    def _get_reasons(self):
        """Key → sentence, all of them. A later addon extends the dictionary."""
        return (
            self._get_planning_reasons()
            | self._get_identity_reasons()
            | self._get_address_reasons()
            | self._get_level_reasons()
            | self._get_hold_reasons()
            | self._get_window_reasons()
            | self._get_mailbox_reasons()
            | self._get_waiting_reasons()
            | self._get_machine_reasons()
            | self._get_failing_reasons()
            | self._get_report_reasons()
        )

    @api.model
    def _get_address_reasons(self):
        """Why an address (``core.mail.addresses``) or a channel is not used."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "address_form": _(
                "“%(detail)s” is no e-mail address. Correct it on the customer."
            ),
            "address_domain": _(
                "“%(detail)s” cannot be written to: what stands behind the @ is no "
                "name of a domain. Correct it on the customer."
            ),
            "address_local": _(
                "“%(detail)s” cannot be written to: before the @, mail servers take "
                "Latin letters only."
            ),
            "address_quoted": _(
                "“%(detail)s” cannot be written to: quotation marks and spaces before "
                "the @ are not supported. Enter another address."
            ),
            "channel_gone": _("The channel is not installed any more. %(detail)s"),
            "channel_first": _("the first reminder went by it on %(date)s"),
            "channel_reacts": _("they reacted to another one last, on %(date)s"),
        }

    @api.model
    def _get_planning_reasons(self):
        """Why a customer or an item is left out."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "no_email": _(
                "No usable e-mail address: add one to the customer or to its invoice "
                "contact."
            ),
            "no_mailbox": _("No mailbox for it is connected."),
            "suppressed": _(
                "Reminders to %(detail)s are stopped: see Stopped Addresses."
            ),
            "blacklisted": _("%(detail)s is on Odoo's e-mail blacklist."),
            "paused": _("Customer paused until %(date)s. %(detail)s"),
            "recent_contact": _(
                "Contacted on %(date)s, and the interval between contacts is "
                "%(detail)s days."
            ),
            "week_limit": _(
                "%(detail)s messages within a week is the most that a customer gets; "
                "the next one may go on %(date)s."
            ),
            "below_minimum": _(
                "The customer's total is below the company's minimum amount."
            ),
            "holdout": _(
                "Drawn to wait until %(date)s, to measure what reminders cause."
            ),
            "holdout_wait": _("Waits until %(date)s, to measure what reminders cause."),
            "live_reminder": _(
                "Another reminder is on its way since %(date)s: %(detail)s."
            ),
            "covered_by_credit": _("The customer's open credits cover what is due."),
            "no_followup": _("The invoice is marked as not to be followed up."),
            "disputed": _("The invoice is disputed. %(detail)s"),
            "promised": _("Payment is promised for %(date)s."),
            "paid": _("Found paid before sending."),
            "not_open": _("The invoice is no longer posted and open."),
            "not_due": _("No longer overdue."),
            "dropped": _("Left out by %(detail)s."),
            "no_level": _("No reminder level applies yet."),
            "below_first_level": _(
                "No reminder level applies yet: the oldest item is %(detail)s days "
                "overdue."
            ),
        }

    @api.model
    def _get_identity_reasons(self):
        """Why something is not asked of this customer, or not now."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "foreign_customer": _(
                "The customer belongs to another company: share the contact with this "
                "one, or make the invoices out to another contact."
            ),
            "own_company": _(
                "The customer is your own company %(detail)s: settle it between the "
                "companies, or let own companies be chased, in the settings."
            ),
            "customer_archived": _(
                "The customer is archived: restore the contact, or settle the invoices."
            ),
            "net_zero": _(
                "What we owe the customer on open bills covers what they owe us: "
                "settle one against the other first."
            ),
            "joined": _(
                "The customer became part of %(detail)s, who has a reminder on its way "
                "already."
            ),
            "other_customer": _("The invoice belongs to another customer now."),
            "deleted": _("The invoice was deleted."),
            "reacted": _("They have reacted to the first reminder of %(date)s."),
            "account_in_credit": _(
                "All in all, in the company's currency, the customer owes nothing: "
                "allocate the open credits first."
            ),
        }

    @api.model
    def _get_waiting_reasons(self):
        """Why a reminder waits."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "limit_minute": _(
                "Mailbox limit per minute reached; goes on at %(until)s."
            ),
            "limit_day": _("Mailbox limit per 24 hours reached; goes on at %(until)s."),
            "limit_month": _(
                "The company's monthly limit is reached; goes on at %(until)s."
            ),
            "limit_domain": _(
                "Limit per minute for %(detail)s reached; goes on at %(until)s."
            ),
            "rate_limited": _(
                "The mail service asks to slow down; goes on at %(until)s. It said: "
                "%(detail)s"
            ),
            "unreachable": _(
                "The mail server cannot be reached; next try at %(until)s. %(detail)s"
            ),
            "retry": _(
                "Temporary problem; next try at %(until)s. The mail service said: "
                "%(detail)s"
            ),
            "campaign_paused": _("The campaign is paused: somebody has to resume it."),
            "campaign_later": _("The campaign starts at %(until)s."),
            "spread": _("Spread over the hours of its campaign; goes on at %(until)s."),
            "in_turn": _(
                "Waits for its turn: the most important customers come first, at the "
                "mailbox's pace."
            ),
            "fell_back": _(
                "It did not reach the customer by the channel before: it goes by the "
                "next one."
            ),
            "busy": _("The invoice is being changed right now; next try at %(until)s."),
            "provider_expired": _(
                "The mailbox is not authorised: a manager must reconnect it. It said: "
                "%(detail)s"
            ),
            "policy": _(
                "Refused as spam or against policy; the campaign was paused. The mail "
                "service said: %(detail)s"
            ),
        }

    @api.model
    def _get_machine_reasons(self):
        """Why a reminder waits for Odoo's own machine."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "daily_failed": _(
                "The daily run could not be planned and is tried again. %(detail)s"
            ),
            "disk": _(
                "The server's disk is full or cannot be written to; next try at "
                "%(until)s. %(detail)s"
            ),
            "restored": _(
                "The database was restored from a backup that is older than what was "
                "sent; a manager has to decide at the mailbox."
            ),
            "stood_still": _(
                "Odoo stood still while the message was to be handed over, so it was "
                "not; it is tried again."
            ),
        }

    @api.model
    def _get_failing_reasons(self):
        """Why a reminder has failed, and why a campaign has paused."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "recipient_refused": _("The address is refused for good: %(detail)s"),
            "gave_up": _(
                "Given up after several attempts. The mail service said: %(detail)s"
            ),
            "message_refused": _(
                "The mail service does not accept this message: %(detail)s"
            ),
            "template": _("The template cannot be used: %(detail)s"),
            "undecided": _(
                "Interrupted while sending: it may or may not have arrived. Look into "
                "the mailbox, then settle it."
            ),
            "undecided_absent": _(
                "Interrupted while sending. The mailbox was asked on %(date)s and "
                "holds no such message: look yourself, then settle it as not sent."
            ),
            "undecided_unseen": _(
                "Interrupted while sending. The mailbox was asked on %(date)s and "
                "knows no such message, but not every server keeps what was sent: "
                "look yourself, then settle it."
            ),
            "line_broke": _(
                "The line broke after the message was handed over: it may or may not "
                "have arrived. %(detail)s"
            ),
            "unexpected": _("An unexpected error stopped this reminder: %(detail)s"),
            "failures_in_row": _("%(detail)s failures in a row."),
            "neutralized": _(
                "This is a copy of the database, from which nothing is sent."
            ),
            "paused_by": _("Paused by %(detail)s."),
            "settled_not_sent": _("Settled by %(detail)s: it was not sent."),
        }

    @api.model
    def _get_level_reasons(self):
        """Why a level was chosen."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "level_first": _(
                "%(level)s: oldest item %(days)s overdue, nothing sent about it yet"
            ),
            "level_first_not_last": _(
                "%(level)s: oldest item %(days)s overdue, but nothing sent about it "
                "yet, so not the last level"
            ),
            "level_before_due": _("%(level)s: due in %(due_in)s"),
            "level_next": _(
                "%(level)s: oldest item %(days)s overdue, “%(last)s” sent %(ago)s"
            ),
            "level_stays": _(
                "%(level)s again: oldest item %(days)s overdue, last sent %(ago)s; "
                "the next level is not due yet"
            ),
            "level_repeat": _(
                "%(level)s again: oldest item %(days)s overdue, last sent %(ago)s; "
                "its repetition is due"
            ),
            "level_second": _(
                "%(level)s by its second channel: oldest item %(days)s overdue, no "
                "reaction to the reminder sent %(ago)s"
            ),
            "level_joined": _(
                "%(level)s: oldest item %(days)s overdue, last sent %(ago)s; further "
                "items have come due (%(count)s)"
            ),
            "level_broken": _(
                "%(level)s: a promise was found broken on %(date)s, so one level "
                "stricter; oldest item %(days)s overdue"
            ),
            "level_fixed": _(
                "%(level)s: chosen by a person for the whole campaign; oldest item "
                "%(days)s overdue"
            ),
            "level_wait": _(
                "Waits: %(level)s was sent %(ago)s about everything that is overdue. "
                "Next look: %(date)s"
            ),
            "daily_not_sent": _("Planned, but not sent by itself. %(detail)s"),
            "overdue_now": _(
                "Fallen due meanwhile: the notice comes too late, the next reminder "
                "is the first level."
            ),
        }

    @api.model
    def _get_mailbox_reasons(self):
        """Why a mailbox keeps its queue waiting."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "limit_pace": _(
                "The mailbox rests between two batches; goes on at %(until)s."
            ),
            "limit_connections": _(
                "Another mailbox uses the same account right now; goes on at %(until)s."
            ),
            "limit_service_day": _(
                "The mail service's own daily limit is reached; goes on at %(until)s. "
                "It said: %(detail)s"
            ),
            "limit_service_connections": _(
                "The mail service has too many connections of this mailbox; goes on "
                "at %(until)s. It said: %(detail)s"
            ),
            "mailbox_full": _(
                "The sending mailbox itself is full: empty its Sent Items or Deleted "
                "Items. Next try at %(until)s. The mail service said: %(detail)s"
            ),
            "provider_closed": _(
                "The mailbox is not connected: a manager tests it, or the message is "
                "moved to another mailbox. %(detail)s"
            ),
        }

    @api.model
    def _get_window_reasons(self):
        """Why a reminder waits for working hours."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "window": _("%(shifts)s: goes on %(local)s."),
            "window_never": _(
                "The working hours “%(detail)s” are never open: a manager sets hours "
                "for them."
            ),
        }

    @api.model
    def _get_hold_reasons(self):
        """Why a person or an answer keeps a customer from being chased."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "customer_promised": _(
                "The customer has promised to pay everything by %(date)s."
            ),
            "customer_disputes": _("The customer disputes the balance. %(detail)s"),
            "hold_manual": _("Put on hold by a person. %(detail)s"),
            "hold_reply": _(
                "The customer has answered; a person must read it and release the "
                "hold. %(detail)s"
            ),
            "hold_wrong_contact": _(
                "The customer says that this is the wrong contact. %(detail)s"
            ),
            "hold_maybe_paid": _(
                "Probably paid already; a person must look. %(detail)s"
            ),
            "hold_says_paid": _(
                "The customer says that it is paid; a person must look. %(detail)s"
            ),
            "hold_bank_data": _(
                "No recent bank data, so it is unknown what is paid; checked again at "
                "%(until)s. %(detail)s"
            ),
        }

    @api.model
    def _get_report_reasons(self):
        """What came back, and what it led to."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "found_sent": _("It was sent: %(detail)s."),
            "documents": _(
                "The PDFs of its invoices are being made; next try at %(until)s."
            ),
            "account_changing": _(
                "The customer's account is being changed right now; next try at "
                "%(until)s."
            ),
            "doc_no_engine": _(
                "“%(detail)s” was left out: the PDF library WeasyPrint is not "
                "installed on the server."
            ),
            "doc_failed": _("“%(detail)s” could not be made: %(error)s"),
            "doc_no_pdf": _(
                "There is no PDF of %(detail)s; the message links to the invoice "
                "instead. %(error)s"
            ),
            "doc_cap": _(
                "Not attached because of the company's limit on attachments: %(detail)s"
            ),
            "copy_left": _("The user is archived, or does not work in this company."),
            "copy_archived": _("The contact is archived."),
            "thanks_taken_back": _(
                "The payment was taken back before the thank-you went: %(detail)s"
            ),
            "policy_late": _(
                "A message of this campaign was refused as spam or against policy. "
                "The mail server said: %(detail)s"
            ),
        }

    @api.model
    def _prepare_reason_values(self, code, params=None):
        return {"reason_code": code or False, "reason_params": params or False}

    # -- values of sentences, as the reader writes them

    @api.model
    def _localize_level_params(self, values):
        """Levels by name, numbers of days with their noun, in the plural form that the
        language wants."""
        values = {"level": "", "last": "", "days": "", "ago": "", "count": ""} | values
        for name in ("level", "last"):
            if values[name] and isinstance(values[name], int):
                values[name] = self._get_level_name(values[name])
        if isinstance(values["days"], int):
            values["due_in"] = self._format_days(-values["days"])
            values["days"] = self._format_days(values["days"])
        if isinstance(values["ago"], int):
            values["ago"] = self._format_ago(values["ago"])
        return values

    @api.model
    def _get_level_name(self, level_id):
        """From the cache where possible, because a list of customers needs the same few
        names many times."""
        try:
            return self.env["chaser.level"].sudo().browse(level_id).name
        except MissingError:
            return self.env._("a deleted level")

    @api.model
    def _format_days(self, days, direction=False):
        """``23 days``, or ``23 days ago``: CLDR's plural forms, so that Arabic numbers
        agree with their noun."""
        return format_timedelta(
            timedelta(days=-days if direction else days),
            granularity="day",
            threshold=10**9,
            add_direction=direction,
            locale=babel_locale_parse(self.env.lang),
        )

    @api.model
    def _format_ago(self, days):
        return self._format_days(days, direction=True) if days else self.env._("today")

    @api.model
    def _localize_window_params(self, params):
        """The causes of a shift, and the moment at the customer's place."""
        params = {"shifts": "", "local": ""} | params
        if isinstance(params["shifts"], list):
            params = params | {
                "shifts": "; ".join(
                    self._describe_shift(shift) for shift in params["shifts"]
                )
            }
            if params.get("until"):
                params["local"] = self._describe_local(
                    params["until"], params.get("tz") or "UTC"
                )
        return params

    @api.model
    def _describe_local(self, until, tz):
        """Weekday, date and time in the customer's time zone, which is the one that
        counts."""
        moment = format_datetime(
            self.env,
            datetime.fromisoformat(until),
            tz=tz,
            dt_format="EEEE d MMM, HH:mm",
        )
        return self.env._(
            "%(moment)s (%(place)s time)",
            moment=moment,
            place=tz.rpartition("/")[2].replace("_", " "),
        )

    @api.model
    def _describe_shift(self, shift):
        """One cause of a shift (``core.hours.send_window.Shift``) in the reader's
        language."""
        values = {
            "day": self._describe_days(shift["first"], shift["last"]),
            "name": self._choose_name(shift.get("names") or {}),
        }
        if shift.get("time") is not None:
            values["time"] = (
                f"{shift['time'] // _MINUTES:02d}:{shift['time'] % _MINUTES:02d}"
            )
        # pylint: disable=translation-positional-used  # one table of whole sentences
        sentences = {
            "day": "%(day)s",
            "before": self.env._("%(day)s before %(time)s"),
            "after": self.env._("%(day)s after %(time)s"),
            "break": self.env._("Break until %(time)s"),
            "holiday": self.env._("%(name)s (%(day)s)"),
            "estimated": self.env._(
                "%(name)s (estimated ± 1 day, not confirmed yet: %(day)s)"
            ),
            "ramadan": self.env._("Working hours of Ramadan (%(day)s)"),
            "ramadan_estimated": self.env._(
                "Working hours of Ramadan (estimated ± 1 day, not confirmed yet: "
                "%(day)s)"
            ),
            "closure": self.env._("%(name)s, time off (%(day)s)"),
        }
        return sentences[shift["code"]] % ({"time": ""} | values)

    @api.model
    def _describe_days(self, first, last):
        days = [
            format_date(self.env, date.fromisoformat(day), date_format="EEEE d MMM")
            for day in dict.fromkeys((first, last))
        ]
        return " – ".join(days)

    @api.model
    def _choose_name(self, names):
        """The name in the reader's language (by its first letters), else in English,
        else any."""
        lang = (self.env.lang or "en_US")[:2]
        own = next((name for code, name in names.items() if code[:2] == lang), "")
        return own or names.get("en_US") or next(iter(names.values()), "")
