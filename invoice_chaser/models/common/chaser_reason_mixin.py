from datetime import datetime

from odoo import api, fields, models
from odoo.tools import format_date, format_datetime

from ...core.letter.localize import isolate_name


def isolate_for(env, text):
    """A text that keeps its direction inside a sentence of the reader's language, where it is written in the other script."""
    return isolate_name(text, "ar" if (env.lang or "").startswith("ar") else "en")


class ChaserReasonMixin(models.AbstractModel):
    """Why something is held, skipped or failed: stored as a key with its values, read in the reader's own language."""

    _name = "chaser.reason.mixin"
    _description = "Reason in words"

    reason_code = fields.Char(readonly=True, copy=False)
    reason_params = fields.Json(readonly=True, copy=False)
    reason = fields.Char(compute="_compute_reason", help="Why this is held, skipped or failed.")

    @api.depends("reason_code", "reason_params")
    @api.depends_context("lang", "tz")
    def _compute_reason(self):
        for record in self:
            record.reason = self._get_reason_text(record.reason_code, record.reason_params)

    @api.model
    def _get_reason_text(self, code, params=None):
        """The sentence for a key of the catalogue, in the language of the environment; empty without a key."""
        if not code:
            return False
        sentence = self._get_reasons().get(code, code)
        return (sentence % self._localize_reason_params(params or {})).strip()

    @api.model
    def _localize_reason_params(self, params):
        """Dates and datetimes (UTC, ISO form, keys ``date…`` and ``until``) as the reader writes them; a detail in the other script keeps
        its direction."""
        values = {"until": "", "detail": "", "date": ""} | params
        if isinstance(values["detail"], str):
            values["detail"] = isolate_for(self.env, values["detail"])
        if values["date"]:
            values["date"] = format_date(self.env, values["date"])
        if values["until"]:
            values["until"] = format_datetime(self.env, datetime.fromisoformat(values["until"]), dt_format="short")
        return values

    @api.model
    def _get_reasons(self):
        """Key → sentence. A later addon extends the dictionary."""
        return self._get_planning_reasons() | self._get_sending_reasons()

    @api.model
    def _get_planning_reasons(self):
        """Why a customer or an item is left out."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "no_email": _("No usable e-mail address: add one to the customer or to its invoice contact."),
            "suppressed": _("Reminders to %(detail)s are stopped: see Stopped Addresses."),
            "blacklisted": _("%(detail)s is on Odoo's e-mail blacklist."),
            "paused": _("Customer paused until %(date)s. %(detail)s"),
            "recent_contact": _("Contacted on %(date)s, and the interval between contacts is %(detail)s days."),
            "below_minimum": _("The customer's total is below the company's minimum amount."),
            "live_reminder": _("Another reminder is on its way: %(detail)s."),
            "covered_by_credit": _("The customer's open credits cover what is due."),
            "no_followup": _("The invoice is marked as not to be followed up."),
            "disputed": _("The invoice is disputed. %(detail)s"),
            "promised": _("Payment is promised for %(date)s."),
            "paid": _("Found paid before sending."),
            "not_open": _("The invoice is no longer posted and open."),
            "not_due": _("No longer overdue."),
            "dropped": _("Left out by %(detail)s."),
            "no_level": _("No reminder level applies yet."),
            "below_first_level": _("No reminder level applies yet: the oldest item is %(detail)s days overdue."),
        }

    @api.model
    def _get_sending_reasons(self):
        """Why a reminder waits or has failed, and why a campaign has paused."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            # holding
            "limit_minute": _("Mailbox limit per minute reached; goes on at %(until)s."),
            "limit_day": _("Mailbox limit per 24 hours reached; goes on at %(until)s."),
            "limit_month": _("The company's monthly limit is reached; goes on at %(until)s."),
            "limit_domain": _("Enough messages to %(detail)s for this minute; goes on at %(until)s."),
            "rate_limited": _("The mail service asks to slow down; goes on at %(until)s. It said: %(detail)s"),
            "unreachable": _("The mail server cannot be reached; next try at %(until)s. %(detail)s"),
            "retry": _("Temporary problem; next try at %(until)s. The mail service said: %(detail)s"),
            "busy": _("The invoice is being changed right now; next try at %(until)s."),
            "provider_expired": _("The mailbox is not authorised: a manager must reconnect it. It said: %(detail)s"),
            "policy": _("Refused as spam or against policy; the campaign was paused. The mail service said: %(detail)s"),
            # failing
            "recipient_refused": _("The address is refused for good: %(detail)s"),
            "gave_up": _("Given up after several attempts. The mail service said: %(detail)s"),
            "message_refused": _("The mail service does not accept this message: %(detail)s"),
            "template": _("The template cannot be used: %(detail)s"),
            "undecided": _("Interrupted while sending: it may or may not have arrived. Look into the mailbox, then settle it."),
            "undecided_absent": _(
                "Interrupted while sending. The mailbox was asked on %(date)s and holds no such message: look yourself, then settle it as not sent."),
            "undecided_unseen": _(
                "Interrupted while sending. The mailbox was asked on %(date)s and knows no such message, but not every server keeps what was sent: "
                "look yourself, then settle it."),
            "line_broke": _("The line broke after the message was handed over: it may or may not have arrived. %(detail)s"),
            "unexpected": _("An unexpected error stopped this reminder: %(detail)s"),
            # campaigns
            "failures_in_row": _("%(detail)s failures in a row."),
            "paused_by": _("Paused by %(detail)s."),
            "settled_not_sent": _("Settled by %(detail)s: it was not sent."),
        }

    @api.model
    def _prepare_reason_values(self, code, params=None):
        return {"reason_code": code or False, "reason_params": params or False}
