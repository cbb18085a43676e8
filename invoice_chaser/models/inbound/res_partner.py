from odoo import fields, models
from odoo.tools import SQL, email_normalize_all


class ResPartner(models.Model):
    _inherit = "res.partner"  # pylint: disable=consider-merging-classes-inherited  # mail that comes in

    chaser_inbound_count = fields.Integer(
        compute="_compute_chaser_inbound_count",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_soft_bounce_count = fields.Integer(
        "Failed Deliveries",
        compute="_compute_chaser_soft_bounce_count",
        groups="invoice_chaser.group_chaser_user",
        help="Reminders of the last 90 days that did not arrive although the address "
        "may exist: mailbox full, server down.",
    )

    def _compute_chaser_inbound_count(self):
        rows = self.env["chaser.inbound"]._read_group(
            [("partner_id", "in", self.commercial_partner_id.ids)],
            ["partner_id"],
            ["__count"],
        )
        counts = {partner.id: count for partner, count in rows}
        for partner in self:
            partner.chaser_inbound_count = counts.get(
                partner.commercial_partner_id.id, 0
            )

    def _compute_chaser_soft_bounce_count(self):
        self.env["chaser.event"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT partner_id, count(DISTINCT reminder_id) FROM chaser_event
                WHERE partner_id = ANY(%s) AND company_id = ANY(%s)
                AND event_type = 'bounced' AND raw_data->>'bounce_class' = 'soft'
                AND occurred_at > %s
                GROUP BY partner_id""",
                self.commercial_partner_id.ids,
                self.env.companies.ids,
                fields.Datetime.subtract(fields.Datetime.now(), days=90),
            )
        )
        counts = dict(rows)
        for partner in self:
            partner.chaser_soft_bounce_count = counts.get(
                partner.commercial_partner_id.id, 0
            )

    def action_view_chaser_inbound(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_inbound_action"
        )
        return action | {
            "domain": [("partner_id", "=", self.commercial_partner_id.id)],
            "context": {},
        }

    # -- a message in the chatter releases the hold

    def _message_post_after_hook(self, message, msg_values):
        result = super()._message_post_after_hook(message, msg_values)
        if len(self) == 1:
            self._on_answered(message)
        return result

    def _on_answered(self, message, company=None):
        """A colleague has written to the customer, in the chatter or by mail (a note
        does not count): the hold of the customer's answer is released."""
        author = (
            message.author_id.sudo()
            .with_context(active_test=False)
            .user_ids.filtered(lambda user: not user.share)[:1]
        )
        if (
            message.message_type not in ("comment", "email", "email_outgoing")
            or message.is_internal
            or message.subtype_id.internal
            or not author
        ):
            return
        customer = self.commercial_partner_id
        companies = company or (
            author.company_ids
            if message.message_type == "email"
            else self.env.companies
        )
        holds = (
            self.env["chaser.hold"]
            .sudo()
            .search(
                [
                    ("partner_id", "=", customer.id),
                    ("company_id", "in", companies.ids),
                    ("code", "=", "reply"),
                    ("released_at", "=", False),
                ]
            )
        )
        if holds and self._is_addressed(message, customer):
            holds.with_user(author).sudo().action_release()

    def _is_addressed(self, message, customer):
        """Whether a message in the chatter reaches the customer: one of its contacts,
        or a follower of the document."""
        addresses = set(email_normalize_all(message.outgoing_email_to or ""))
        document = self.env[message.model].browse(message.res_id)
        readers = (
            message.partner_ids | document.sudo().message_follower_ids.partner_id
        ).commercial_partner_id
        return customer in readers or bool(
            addresses
            & set(
                customer.sudo()
                .search([("id", "child_of", customer.id)])
                .mapped("email_normalized")
            )
        )


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited  # mail that comes in

    def _message_post_after_hook(self, message, msg_values):
        result = super()._message_post_after_hook(message, msg_values)
        if (
            len(self) == 1
            and self.is_sale_document(include_receipts=True)
            and self.commercial_partner_id
        ):
            self.commercial_partner_id._on_answered(message, self.company_id)
        return result
