from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError

from ...core.mail.errors import AuthenticationFailed, PolicyRefused, RateLimited, TransportError, Unreachable
from ...core.pace.throttle import retry_delay


class ChaserProvider(models.Model):
    """What the mail service's answers mean for a mailbox and its whole queue."""

    _inherit = "chaser.provider"

    def _open_transport(self):
        """The connected transport; None after writing down why not and until when nothing is tried."""
        try:
            transport = self._get_transport()
            transport.open()
        except UserError as error:
            self._fresh()
            self._set_state("expired", str(error))
        except TransportError as error:
            self._fresh()
            self._take_error(error)
        else:
            if self.unreachable_count or self.hold_until:
                self.write({"unreachable_count": 0, "hold_until": False, **self._prepare_reason_values(False)})
                self._commit_now()
            return transport
        self._commit()
        return None

    def _take_error(self, error):
        """What an error of the mailbox (not of one message) means for its whole queue. Returns whether it was one."""
        now = fields.Datetime.now()
        if isinstance(error, AuthenticationFailed):
            self._set_state("expired", str(error))
            self._hold_queue(None, "provider_expired", str(error))
        elif isinstance(error, RateLimited):
            self._take_rate_limit(error, now)
        elif isinstance(error, PolicyRefused):
            for campaign in self._get_running_campaigns():
                campaign._set_paused("policy", str(error))
            self.last_error = str(error)
        elif isinstance(error, Unreachable):
            self.unreachable_count += 1
            self._hold_queue(now + min(retry_delay(self.unreachable_count), timedelta(minutes=20)), "unreachable", str(error))
        else:
            return False
        return True

    def _take_rate_limit(self, error, now):
        """The mailbox rests as long as the service told, else longer each time the answer comes again."""
        self.rate_limit_count += 1
        scope = "day" if error.is_told and error.retry_after >= timedelta(hours=24) else error.scope
        code = {"day": "limit_service_day", "connections": "limit_service_connections", "storage": "mailbox_full"}.get(scope, "rate_limited")
        if error.scope == "storage":
            self._tell_manager(self.env._("Mailbox full"), str(error))
        self._hold_queue(now + error.get_rest(self.rate_limit_count), code, str(error))

    def _get_running_campaigns(self):
        waiting = [("provider_id", "=", self.id), ("state", "=", "queued")]
        return self.env["chaser.campaign"].search([("state", "=", "sending"), ("reminder_ids", "any", waiting)])

    def _hold_queue(self, until, code, detail=""):
        """Rest until ``until`` (UTC); every waiting reminder shows why. Nothing fails by a hold."""
        if until:
            until = until.replace(microsecond=0) + timedelta(seconds=1)
        self._set_hold(until, code, detail)
        params = {"until": until.isoformat(), "detail": detail} if until else {"detail": detail}
        waiting = self.env["chaser.reminder"].search([("provider_id", "=", self.id), ("state", "=", "queued"), ("campaign_id.state", "=", "sending")])
        waiting.try_lock_for_update(allow_referencing=True).write(self._prepare_reason_values(code, params))
