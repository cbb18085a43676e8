from odoo import api, fields, models
from odoo.exceptions import UserError


class ChaserMailboxMove(models.TransientModel):
    """Another mailbox for reminders that wait. Collects the choice;
    ``chaser.reminder._move_to`` does it."""

    _name = "chaser.mailbox.move"
    _description = "Move to Another Mailbox"
    _inherit = ["chaser.company.mixin"]
    _check_company_auto = True
    _rec_name = "company_id"

    company_id = fields.Many2one("res.company", required=True, readonly=True)
    channel = fields.Selection(
        lambda self: self.env["chaser.channel"]._get_selection(), readonly=True
    )
    reminder_ids = fields.Json(readonly=True)
    reminder_count = fields.Integer("Messages", readonly=True)
    source_names = fields.Char("From", readonly=True)
    provider_id = fields.Many2one(
        "chaser.provider",
        "To",
        check_company=True,
        domain="[('company_id', '=', company_id), ('state', '=', 'connected'), "
        "('channel', '=', channel)]",
        help="Empty: spread over the company's connected mailboxes.",
    )

    @api.model
    def _open_for(self, reminders):
        """The form for reminders of one company that did not leave yet.

        :raises UserError: when nothing waits, or for several companies at once
        """
        reminders._check_may_act()
        if not reminders:
            raise UserError(
                self.env._(
                    "Nothing waits here. What is sent or being sent cannot be moved."
                )
            )
        if len(reminders.company_id) > 1:
            raise UserError(self.env._("Choose reminders of one company."))
        channels = set(reminders.mapped("channel"))
        if len(channels) > 1:
            raise UserError(
                self.env._("Choose reminders of one channel: each has its mailboxes.")
            )
        wizard = self._create_by_program(
            {
                "company_id": reminders.company_id.id,
                "channel": channels.pop() or False,
                "reminder_ids": reminders.ids,
                "reminder_count": len(reminders),
                "source_names": ", ".join(reminders.provider_id.mapped("name")),
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Move to Another Mailbox"),
            "res_model": self._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_move(self):
        """Move what still waits, and tell how many that were.

        :raises UserError: without a connected mailbox to move to
        """
        self.ensure_one()
        reminders = self.env["chaser.reminder"].browse(self.reminder_ids or []).exists()
        reminders._check_may_act()
        waiting = reminders.filtered(
            lambda reminder: reminder.state in ("draft", "queued")
            and reminder.company_id == self.company_id
        ).sudo()
        moved = waiting._move_to(
            self._choose(
                waiting.sorted(lambda reminder: (-reminder.priority, reminder.id))
            )
        )
        for provider in moved.provider_id:
            provider.cron_id._trigger()
        return self.env["chaser.provider"]._notify(
            self.env._("Moved to another mailbox"),
            self.env._(
                "%(moved)s of %(count)s messages moved. What was sent meanwhile, or "
                "is being sent, stays.",
                moved=len(moved),
                count=len(reminders),
            ),
            "success" if len(moved) == len(reminders) else "warning",
        )

    def _choose(self, waiting):
        usable = (
            self.env["chaser.provider"]
            .sudo()
            ._get_usable(self.company_id, self.channel)
        )
        if self.provider_id and self.provider_id not in usable:
            raise UserError(
                self.env._(
                    "The mailbox “%s” is not connected; choose another one.",
                    self.provider_id.name,
                )
            )
        if not usable:
            raise UserError(
                self.env._(
                    "%s has no connected mailbox. A chaser manager connects one first.",
                    self.company_id.name,
                )
            )
        if self.provider_id:
            return dict.fromkeys(waiting.partner_id.ids, self.provider_id.id)
        numbers = {}
        for reminder in waiting:
            numbers[reminder.partner_id.id] = numbers.get(reminder.partner_id.id, 0) + 1
        return (
            self.env["chaser.provider"]
            .sudo()
            ._share_customers(self.company_id, list(numbers.items()), self.channel)
        )
