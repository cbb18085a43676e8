from odoo import models
from odoo.tools import SQL


class ChaserReminder(models.Model):
    """Another mailbox for what has not left yet."""

    _inherit = "chaser.reminder"

    def _move_to(self, mailboxes):
        """Gives waiting reminders another mailbox; called as superuser. What is marked as being sent, or is in the sender's hands right
        now, stays where it is: it may be on its way already.

        :param dict mailboxes: commercial partner id → mailbox id; who is not in it keeps his
        :return: those that have the mailbox that they should have
        """
        self.flush_recordset(["provider_id", "state", "partner_id"])
        rows = self.env.execute_query(SQL(
            """SELECT r.id FROM chaser_reminder r JOIN chaser_provider p ON p.company_id = r.company_id
                 JOIN unnest(%s::int[], %s::int[]) AS v(partner_id, provider_id) ON v.partner_id = r.partner_id AND v.provider_id = p.id
                WHERE r.id = ANY(%s) AND r.state IN ('draft', 'queued') FOR NO KEY UPDATE OF r SKIP LOCKED""",
            list(mailboxes), list(mailboxes.values()), self.ids))
        free = self.browse(row[0] for row in rows)
        free.invalidate_recordset(["provider_id", "state"])
        for provider_id, reminders in free.grouped(lambda reminder: mailboxes[reminder.partner_id.id]).items():
            moving = reminders.filtered(lambda reminder, new=provider_id: reminder.provider_id.id != new)
            if moving:
                moving.write({"provider_id": provider_id, **self._prepare_reason_values(False)})
        return free

    def action_move_mailbox(self):
        """Opens the choice of another mailbox for these reminders."""
        self._check_may_act()
        return self.env["chaser.mailbox.move"]._open_for(self.filtered(lambda reminder: reminder.state in ("draft", "queued")))

    def _set_waiting_reason(self, code, detail=""):
        """Why these wait, for as long as nobody does something; called as superuser."""
        self.write(self._prepare_reason_values(code, {"detail": detail}))


class ChaserProvider(models.Model):
    _inherit = "chaser.provider"

    def _set_state(self, state, error=False):
        """A mailbox that is not connected says so at each reminder that waits for it."""
        result = super()._set_state(state, error)
        for provider in self.sudo():
            waiting = self.env["chaser.reminder"].sudo().search([("provider_id", "=", provider.id), ("state", "=", "queued")])
            waiting = waiting.try_lock_for_update(allow_referencing=True)
            if state == "connected":
                waiting.filtered(lambda reminder: reminder.reason_code in ("provider_expired", "provider_closed")).write(self._prepare_reason_values(False))
            else:
                waiting._set_waiting_reason("provider_expired" if state == "expired" else "provider_closed", error or "")
        return result

    def action_move_waiting(self):
        """Opens the choice of another mailbox for all that waits in this one."""
        self.check_access("read")
        return self.env["chaser.mailbox.move"]._open_for(
            self.env["chaser.reminder"].search([("provider_id", "in", self.ids), ("state", "in", ("draft", "queued"))]))
