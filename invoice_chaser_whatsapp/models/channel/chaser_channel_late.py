from datetime import timedelta

from odoo import api, fields, models

from odoo.addons.invoice_chaser.core.pace.throttle import retry_delay

from ...core.errors import NO_CODE, Action, GraphError
from .chaser_channel_whatsapp import AFTER_SYNC, LOOK_AGAIN, PAIR_STEPS

# What passes: tried again, as often as the mailbox says.
_PASSING = {Action.RETRY, Action.BACK_OFF, Action.WAIT_PAIR}
# What a second try may mend.
_ONCE_MORE = {Action.UPLOAD_AGAIN, Action.READ_TEMPLATE}
# What somebody has to end first; the reminder waits for it in the queue.
_WAITS = {
    Action.STOP_ACCOUNT,
    Action.REGISTER,
    Action.STOP_NUMBER,
    Action.STOP_CATEGORY,
    Action.STOP_TEMPLATE,
}
_SOON = timedelta(minutes=1)
# Of those, what another channel need not wait for.
_ELSEWHERE_FIRST = {Action.STOP_CATEGORY, Action.STOP_TEMPLATE}


class ChaserChannelWhatsapp(models.AbstractModel):
    """What Meta reports after it had taken a message: that it was not delivered. That
    is certain, so the error means what it would have meant as a response."""

    _inherit = "chaser.channel.whatsapp"  # pylint: disable=consider-merging-classes-inherited  # late failures

    @api.model
    def _process_failed(self, reminder, code, words, uid, moment):
        """Queued again by WhatsApp where a further try may help, else by the next
        channel, else it stays undelivered with its reason.

        :param code: Meta's, and ``words``; ``uid``: key of the report
        """
        error = GraphError(code, words or self.env._("no reason given"))
        self._process_late_facts(reminder, error)
        params = {"detail": str(error), "code": code}
        sentence = error.sentence if code != NO_CODE else "whatsapp_failed_late"
        facts = {
            "source": "webhook",
            "provider_event_id": uid,
            "occurred_at": moment,
            "raw_data": params | {"reason": sentence},
        }
        if error.action in _ELSEWHERE_FIRST and self._fall_back(
            reminder, sentence, params
        ):
            reminder._record_event("bounced", **facts)
            return
        until = self._get_next_try(reminder, error)
        if until and self._send_again(reminder, sentence, params, until):
            reminder._record_event("deferred", **facts)
            return
        reminder._record_event("bounced", **facts)
        if not self._fall_back(reminder, sentence, params):
            reminder.write(reminder._prepare_reason_values(sentence, params))

    @api.model
    def _process_late_facts(self, reminder, error):
        """What it says of account, customer and template."""
        reminder.provider_id._process_whatsapp_stop(error)
        self._process_person_error(reminder, error)
        if error.action == Action.STOP_CATEGORY:
            reminder.provider_id._stop_whatsapp_utility(str(error))
        elif error.action == Action.STOP_TEMPLATE:
            self._process_template_error(reminder, error)
        elif error.action == Action.READ_TEMPLATE:
            self._sync_templates(reminder.provider_id)

    @api.model
    def _get_next_try(self, reminder, error):
        """When a message that was not delivered is tried again; None: not at all."""
        now, count = fields.Datetime.now(), max(reminder.attempt_count, 1)
        if error.action in _WAITS:
            return now + (LOOK_AGAIN if error.action in _ELSEWHERE_FIRST else _SOON)
        if error.action in _ONCE_MORE:
            return now + AFTER_SYNC if count < 2 else None
        if error.action not in _PASSING or count >= reminder.provider_id.max_attempts:
            return None
        if error.action == Action.WAIT_PAIR:
            return now + timedelta(seconds=4 ** min(count, PAIR_STEPS))
        return (now + retry_delay(count)).replace(microsecond=0)
