from odoo import fields, models
from odoo.tools import SQL

from ..core.errors import MessageRefused, OutcomeUnknown, PolicyRefused, RecipientRefused, Unreachable
from ..core.throttle import retry_delay


class ChaserReminder(models.Model):
    """What the mail service's refusals, and interruptions, mean for a reminder."""

    _inherit = "chaser.reminder"

    # -- when it does not go

    def _take_transport_error(self, error, run):
        """The service's answer decides: about this message, this customer, or the whole mailbox."""
        provider = run.provider
        provider._fresh()
        if isinstance(error, OutcomeUnknown):
            self.internet_message_id = error.internet_message_id or False
            self._set_undecided("line_broke", {"detail": str(error)})
        elif isinstance(error, RecipientRefused) and error.permanent:
            address = self.recipient_email
            self._set_failed("recipient_refused", {"detail": str(error), "recipient": address, "bounce_class": "hard"}, event_type="bounced")
            self._take_bounce(self.company_id, self.partner_id, address, "hard", str(error), reminder=self)
        elif isinstance(error, MessageRefused):
            self._set_failed("message_refused", {"detail": str(error)})
        elif isinstance(error, (RecipientRefused, Unreachable)):
            self._set_retry(error)
        else:
            # The mailbox's trouble, not this message's: the attempt does not count.
            self._set_state("queued", attempt_count=max(self.attempt_count - 1, 0), attempted_at=False)
            self.env.flush_all()
            if isinstance(error, PolicyRefused):
                self._set_state("queued", "policy", {"detail": str(error)})
                self.campaign_id._set_paused("policy", str(error))
            else:
                provider._take_error(error)

    def _set_retry(self, error):
        if self.attempt_count >= self.provider_id.max_attempts:
            self._set_failed("gave_up", {"detail": str(error)})
            return
        until = (fields.Datetime.now() + retry_delay(self.attempt_count)).replace(microsecond=0)
        self._set_state("queued", "retry", {"detail": str(error), "until": until.isoformat()}, scheduled_at=until)
        self._record_event("deferred", source="api", raw_data={"response": str(error)})

    def _set_failed(self, code, params=None, event_type="failed"):
        self._set_state("failed", code, params)
        self._record_event(event_type, source="api", raw_data={"reason": code, **(params or {})})
        self._pause_after_failures()

    def _set_undecided(self, code, params=None):
        """Nobody knows whether it went out: shown to a person, never sent again by itself."""
        self._set_state("failed", code, params, is_undecided=True)
        self._record_event("failed", source="api", raw_data={"reason": code, **(params or {})})

    def _set_broken(self, error):
        """An error nobody foresaw. After the mark it is open whether the message went out; before, it did not."""
        if self.state == "sending":
            self._set_undecided("undecided")
        elif self.state == "queued":
            self._set_failed("unexpected", {"detail": f"{type(error).__name__}: {error}"[:300]})

    def _pause_after_failures(self):
        """The campaign pauses itself after the company's number of failures in a row (0: never)."""
        limit = self.company_id.chaser_max_failures
        if not limit or self.campaign_id.state != "sending":
            return
        self.flush_recordset()
        rows = self.env.execute_query(SQL(
            """SELECT r.state FROM chaser_reminder r JOIN chaser_event e ON e.reminder_id = r.id AND e.event_type IN ('sent', 'failed', 'bounced')
                WHERE r.campaign_id = %s AND r.state IN ('sent', 'failed') ORDER BY e.id DESC LIMIT %s""", self.campaign_id.id, limit))
        if len(rows) == limit and all(state == "failed" for (state,) in rows):
            self.campaign_id._set_paused("failures_in_row", str(limit))
