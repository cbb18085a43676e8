from odoo import api, fields, models
from odoo.tools import SQL, email_normalize

_BOUNCE_ACTIVITY = "invoice_chaser.mail_activity_type_address"


class ChaserReminder(models.Model):
    """What an address that fails means: for the address, the customer and the campaign. The same whether the mail server says so at
    once or in a report hours later."""

    _inherit = "chaser.reminder"

    inbound_ids = fields.One2many("chaser.inbound", "reminder_id", "Incoming Mail", readonly=True)
    inbound_count = fields.Integer("Incoming", compute="_compute_inbound_count")

    _lower_token_idx = models.Index("(lower(token))")
    _recipient_idx = models.Index("(company_id, recipient_email)")
    _recipient_others_idx = models.Index("(company_id) WHERE recipient_others IS NOT NULL")

    @api.depends("inbound_ids")
    def _compute_inbound_count(self):
        rows = self.env["chaser.inbound"]._read_group([("reminder_id", "in", self.ids)], ["reminder_id"], ["__count"])
        counts = {reminder.id: count for reminder, count in rows}
        for reminder in self:
            reminder.inbound_count = counts.get(reminder.id, 0)

    def action_view_inbound(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("invoice_chaser.chaser_inbound_action")
        return action | {"domain": [("reminder_id", "=", self.id)], "context": {}}

    # -- bounce policy

    @api.model
    def _take_bounce(self, company, partner, address, verdict, words, reminder=None, widespread=True):
        """The policy, after the event is recorded: ``hard`` stops the address after the company's number, with a task to find another;
        ``policy`` pauses the campaign; ``soft`` and ``delayed`` are counted, and the ladder comes back to the customer.

        :param widespread: a refusal that other messages would meet, too; one recipient's own rule pauses nothing
        """
        if verdict == "hard":
            if self._count_hard_bounces(company, address) >= company.chaser_bounce_limit:
                self._stop_address(company, partner, address, words, reminder)
        elif verdict == "policy" and widespread and reminder:
            reminder._pause_for_policy(words)

    @api.model
    def _count_hard_bounces(self, company, address):
        """Hard bounces of an address since it was last released; at least the one at hand."""
        self.env["chaser.event"].flush_model()
        self.env["chaser.suppression"].flush_model()
        [(count,)] = self.env.execute_query(SQL(
            """SELECT count(*) FROM chaser_event e
                WHERE e.company_id = %(company)s AND e.event_type = 'bounced' AND e.raw_data->>'recipient' = %(address)s
                  AND e.raw_data->>'bounce_class' = 'hard'
                  AND e.create_date > coalesce((SELECT max(s.released_at) FROM chaser_suppression s
                                                 WHERE s.company_id = %(company)s AND s.email = %(address)s), '-infinity')""",
            company=company.id, address=address))
        return max(count, 1)

    @api.model
    def _stop_address(self, company, partner, address, words, reminder):
        if not email_normalize(address):
            return
        Suppression = self.env["chaser.suppression"].sudo()
        known = Suppression.search_count([("company_id", "=", company.id), ("email", "=", address), ("released_at", "=", False)], limit=1)
        Suppression._suppress(company, address, "hard_bounce", source=self.env._("Mail server's answer"), reminder=reminder, note=words)
        if partner and not known:
            self._plan_new_address(company, partner.commercial_partner_id.sudo(), address, words, reminder)

    @api.model
    def _plan_new_address(self, company, partner, address, words, reminder):
        """A task to find another address, naming one where the customer has one."""
        user = self._get_responsible(company, partner, reminder)
        if not user:
            return
        other = self._find_other_contact(company, partner, address)
        proposal = self.env._("%(name)s (%(email)s) is another contact of this customer.", name=other.name, email=other.email) if other else self.env._(
            "The customer has no other contact with an e-mail address.")
        partner.activity_schedule(
            _BOUNCE_ACTIVITY, user_id=user.id, summary=self.env._("Find another address than %s", address),
            note=" ".join(filter(None, (proposal, words))))

    @api.model
    def _find_other_contact(self, company, partner, address):
        """Another contact of the customer who can be written to: its invoice contacts first. Empty when there is none."""
        people = self.env["res.partner"].sudo().search([
            ("id", "child_of", partner.commercial_partner_id.id), ("email_normalized", "!=", False), ("email_normalized", "!=", address),
            ("company_id", "in", (company.id, False))])
        stopped = self.env["chaser.campaign"]._read_stopped(people.mapped("email_normalized"), company) if people else {}
        usable = people.filtered(lambda person: person.email_normalized not in stopped)
        return usable.sorted(lambda person: (person.type != "invoice", person.type != "contact", person == partner, person.id))[:1]

    def _pause_for_policy(self, words):
        """The next messages of the campaign would fare no better. One that is through gets a note."""
        campaign = self.campaign_id
        if campaign.state in ("scheduled", "sending"):
            campaign._set_paused("policy", words)
        elif campaign and campaign.state != "paused":
            campaign.message_post(body=self._get_reason_text("policy_late", {"detail": words}))

    # -- who and whether

    @api.model
    def _get_responsible(self, company, partner, reminder=None):
        """Who is to look: the campaign's responsible, the salesperson of the invoices or the customer, else a manager of the company."""
        root = self.env.ref("base.user_root")
        candidates = self.env["res.users"].sudo()
        if reminder:
            candidates |= reminder.campaign_id.user_id.sudo() | reminder.line_ids.move_id.invoice_user_id.sudo()
        candidates |= partner.user_id.sudo() | self.env.ref("invoice_chaser.group_chaser_manager").sudo().all_user_ids
        chaser = self.env.ref("invoice_chaser.group_chaser_user")
        return candidates.filtered(
            lambda user: user.active and not user.share and user != root and company in user.company_ids and chaser in user.all_group_ids)[:1]
