from odoo import api, models

from ..core.planning import OpenCredit
from ..core.priority import compute_priority
from ..core.tracking import new_token


class ChaserCampaign(models.Model):
    """From a plan to the campaign's reminders and lines."""

    _inherit = "chaser.campaign"

    def _create_reminders(self, plan):
        """All reminders, then all lines: two batches, as superuser (their values come from the plan alone)."""
        self.ensure_one()
        split = self._get_split_partners(plan)
        facts = {customer.partner_id: customer for customer in plan.customers}
        Reminder = self.env["chaser.reminder"].sudo()
        reminders = Reminder.create([
            self._prepare_reminder_values(plan, message, split, facts[message.partner_id]) for message in plan.messages])
        rows = [
            row for reminder, message in zip(reminders, plan.messages, strict=True)
            for row in self._prepare_line_rows(plan, reminder.id, message)
        ]
        # Not through the ORM: for 20,000 items it takes half of the whole campaign's time. The amounts come rounded from the books.
        self.env.flush_all()
        self.env.cr.execute_values(
            """INSERT INTO chaser_reminder_line (reminder_id, company_id, level_id, move_line_id, move_id, number, is_credit, currency_id,
                      amount, amount_residual, amount_company, invoice_date, date_maturity, days_overdue, create_uid, write_uid,
                      create_date, write_date) VALUES %s""",
            rows, template=f"({', '.join(['%s'] * 14)}, {self.env.uid:d}, {self.env.uid:d}, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')",
            page_size=1000)
        self.env["chaser.reminder.line"].invalidate_model()
        reminders.invalidate_recordset(["line_ids"])
        if self.provider_mode == "spread":
            self._assign_mailboxes()

    @api.model
    def _get_split_partners(self, plan):
        """Customers who get several messages in this campaign."""
        seen, split = set(), set()
        for message in plan.going:
            (split if message.partner_id in seen else seen).add(message.partner_id)
        return split

    def _prepare_reminder_values(self, plan, message, split, facts):
        skip, choice = message.skip, message.choice
        priority = compute_priority(float(message.company_net), plan.get_receivables(self.env), message.days_overdue, facts.trust, facts.record)
        emails = plan.emails.get(message.partner_id, [])
        return {
            "campaign_id": self.id, "company_id": self.company_id.id, "partner_id": message.partner_id,
            "provider_id": self.provider_id.id, "level_id": message.level_id,
            "level_code": choice.code if choice and choice.level else False, "level_params": choice.params if choice and choice.level else False,
            "recipient_email": emails[0] if emails else False, "recipient_others": ", ".join(emails[1:]) or False,
            "language": plan.languages[message.partner_id], "token": new_token(),
            "split_move_id": message.items[0].move_id if message.partner_id in split else False,
            "priority": priority.score, "priority_amount": priority.amount, "priority_age": priority.age,
            "priority_relation": priority.relation, "state": "skipped" if skip else "draft",
            **self._prepare_reason_values(skip.reason if skip else False, skip.params if skip else None),
        }

    def _prepare_line_rows(self, plan, reminder_id, message):
        """One tuple per item and credit, in the order of the insertion's columns."""
        for item in message.items + message.credits:
            row = plan.rows[item.id]
            yield (
                reminder_id, self.company_id.id, message.item_levels.get(item.id), item.id, row["move_id"], row["number"], isinstance(item, OpenCredit),
                row["currency_id"], row["amount"], row["residual"], row["company_residual"], row["invoice_date"], row["date_due"],
                getattr(item, "days_overdue", 0),
            )
