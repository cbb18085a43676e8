from odoo import api, models
from odoo.models import MAGIC_COLUMNS
from odoo.tools import SQL

from ...core.plan.netting import OpenCredit
from ...core.plan.priority import compute_priority
from ...core.plan.reach import DEFAULT_CHANNEL
from ...core.status.tracking import new_token

_LINE_COLUMNS = (
    *("reminder_id", "company_id", "level_id", "move_line_id", "move_id", "number"),
    *("label", "is_credit", "currency_id", "amount", "amount_residual"),
    *("amount_company", "invoice_date", "date_maturity", "days_overdue"),
)


class ChaserPlanWriter(models.AbstractModel):
    """Writes the reminders and lines of a campaign from a plan."""

    _name = "chaser.plan.writer"
    _description = "Writer of Planned Reminders"

    @api.model
    def _create_reminders(self, campaign, plan):
        """All reminders, then all lines: two batches, as superuser (their values
        come from the plan alone).

        By SQL and not by the ORM, in which planning and writing 20,000 items take twice
        as long. The amounts are already rounded in the books."""
        campaign.ensure_one()
        split = self._get_split_partners(plan)
        facts = {customer.partner_id: customer for customer in plan.customers}
        self.env.flush_all()
        campaign._touch()
        reminders = self._insert_reminders(
            [
                self._prepare_reminder_values(
                    campaign, plan, message, split, facts[message.partner_id]
                )
                for message in plan.messages
            ]
        )
        rows = [
            row
            for reminder, message in zip(reminders, plan.messages, strict=True)
            for row in self._prepare_line_rows(plan, reminder, message)
        ]
        self._insert_rows("chaser.reminder.line", _LINE_COLUMNS, rows)
        self.env["chaser.reminder.line"].invalidate_model()
        reminders.invalidate_recordset(["line_ids"])
        campaign.invalidate_recordset(["reminder_ids"])
        if campaign.provider_mode == "spread":
            campaign._assign_mailboxes()

    @api.model
    def _insert_reminders(self, values_list):
        """The reminders in the order of their values, which have the same keys;
        defaults are added, those of later addons too."""
        Reminder = self.env["chaser.reminder"].sudo()
        if not values_list:
            return Reminder
        given = list(values_list[0])
        columns = {
            name: field
            for name, field in Reminder._fields.items()
            if field.store and field.column_type and name not in MAGIC_COLUMNS
        }
        defaults = [
            name
            for name, field in columns.items()
            if field.default and name not in given
        ]
        names = [*given, *defaults]
        rows = [
            [
                columns[name].convert_to_column(values.get(name), Reminder)
                for name in names
            ]
            for values in self._complete_values(values_list, defaults)
        ]
        found = self._insert_rows("chaser.reminder", names, rows, "RETURNING token, id")
        ids = dict(found)
        reminders = Reminder.browse(ids[values["token"]] for values in values_list)
        Reminder.invalidate_model(flush=False)
        for name, field in columns.items():
            if field.compute and name not in names:
                self.env.add_to_compute(field, reminders)
        return reminders

    @api.model
    def _insert(self, model, rows):
        """Many records of one model past the ORM, which takes several times as long:
        for a model whose records come from the planner alone, and on whose fields
        nothing stored depends.

        :param rows: dictionaries with the same keys
        """
        if not rows:
            return
        records, names = self.env[model], list(rows[0])
        columns = [records._fields[name] for name in names]
        self._insert_rows(
            model,
            names,
            [
                tuple(
                    column.convert_to_column_insert(row[column.name], records)
                    for column in columns
                )
                for row in rows
            ],
        )
        records.invalidate_model()

    @api.model
    def _insert_rows(self, model, names, rows, returning=""):
        """Rows of values for these columns, in their order. One array per column:
        making a text of each row takes twice as long.

        :return: what ``returning`` asks for, as tuples
        """
        if not rows:
            return []
        records = self.env[model]
        arrays = [
            SQL(f"%s::{records._fields[name].column_type[0]}[]", list(column))
            for name, column in zip(names, zip(*rows, strict=True), strict=True)
        ]
        self.env.cr.execute(
            SQL(
                """INSERT INTO %s (%s, create_uid, write_uid, create_date, write_date)
                SELECT v.*, u.id, u.id, now() AT TIME ZONE 'UTC',
                now() AT TIME ZONE 'UTC'
                FROM unnest(%s) v CROSS JOIN (SELECT %s AS id) u %s""",
                SQL.identifier(records._table),
                SQL(", ").join(map(SQL.identifier, names)),
                SQL(", ").join(arrays),
                self.env.uid,
                SQL(returning),
            )
        )
        return self.env.cr.fetchall() if returning else []

    @api.model
    def _complete_values(self, values_list, defaults):
        """With the defaults of the fields named."""
        Reminder = self.env["chaser.reminder"].sudo()
        for values in values_list:
            yield Reminder.default_get(defaults) | values

    @api.model
    def _describe_nothing(self, plan):
        """Why a plan holds no message at all, in words."""
        return "\n".join(
            [
                self.env._("None of these can be chased:"),
                *(plan.left_out or [self.env._("nothing was selected.")]),
            ]
        )

    @api.model
    def _get_split_partners(self, plan):
        """Customers who get several messages in this campaign."""
        seen, split = set(), set()
        for message in plan.going:
            (split if message.partner_id in seen else seen).add(message.partner_id)
        return split

    @api.model
    def _prepare_reminder_values(self, campaign, plan, message, split, facts):
        skip, choice = message.skip, message.choice
        priority = compute_priority(
            float(message.company_net),
            plan.load_receivables(self.env),
            message.days_overdue,
            facts.trust,
            facts.record,
        )
        return {
            "campaign_id": campaign.id,
            "company_id": campaign.company_id.id,
            "partner_id": message.partner_id,
            "contact_id": message.site or False,
            "provider_id": self._get_mailbox_id(campaign, message.route.channel, plan),
            "level_id": message.level_id,
            "level_code": choice.code if choice and choice.level else False,
            "level_params": choice.params if choice and choice.level else False,
            **self.env["chaser.channel"]._prepare_route_values(message.route),
            "language": plan.languages[message.partner_id],
            "token": new_token(),
            "split_move_id": message.items[0].move_id
            if message.partner_id in split
            else False,
            "holdout_arm": message.arm or False,
            "priority": priority.score,
            "priority_amount": priority.amount,
            "priority_age": priority.age,
            "priority_relation": priority.relation,
            "state": "skipped" if skip else "draft",
            **campaign._prepare_reason_values(
                skip.reason if skip else False, skip.params if skip else None
            ),
        }

    @api.model
    def _get_mailbox_id(self, campaign, channel, plan):
        """The campaign's own mailbox for what it carries, else the company's for the
        channel."""
        if channel not in plan.mailboxes:
            provider = campaign.provider_id
            if provider.channel != channel and channel != DEFAULT_CHANNEL:
                provider = provider._get_default(campaign.company_id, channel)
            plan.mailboxes[channel] = provider.id
        return plan.mailboxes[channel]

    @api.model
    def _prepare_line_rows(self, plan, reminder, message):
        """One tuple per item and credit, in the order of ``_LINE_COLUMNS``."""
        for item in message.items + message.credits:
            row, is_credit = plan.rows[item.id], isinstance(item, OpenCredit)
            # Of a credit, only what no open debit takes up.
            sign = -1 if is_credit else 1
            yield (
                reminder.id,
                plan.company.id,
                message.item_levels.get(item.id),
                item.id,
                row["move_id"],
                row["number"],
                row.get("label"),
                is_credit,
                row["currency_id"],
                row["amount"],
                sign * item.residual,
                sign * item.company_residual,
                row["invoice_date"],
                row["date_due"],
                getattr(item, "days_overdue", 0),
            )
