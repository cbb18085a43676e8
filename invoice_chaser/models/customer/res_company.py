import secrets
from decimal import Decimal

from odoo import api, fields, models
from odoo.tools import ormcache

from ...core.hours.open_time import local_moment
from ...core.plan.holdout import Holdout
from ..common.limits import AMOUNT, COUNT, DAYS, check_numbers

# Least and most of each setting; 0 has the meaning that its help says.
_NUMBERS = {
    "chaser_contact_interval": (0, DAYS),
    "chaser_minimum_amount": (0, AMOUNT),
    "chaser_consolidation_min_invoices": (1, COUNT),
    "chaser_max_failures": (0, COUNT),
    "chaser_monthly_limit": (0, 1000 * COUNT),
    "chaser_week_limit": (0, 1000),
    "chaser_link_days": (0, DAYS),
    "chaser_minutes_per_message": (0, 1440),
    "chaser_holdout_amount": (0, AMOUNT),
    "chaser_daily_hour": (0, 23.9999),
    "chaser_attach_max_count": (0, 1000),
    "chaser_attach_max_mb": (0, 1000),
    "chaser_promise_days": (0, DAYS),
    "chaser_bounce_limit": (1, 1000),
    "chaser_bank_days": (0, DAYS),
    "chaser_thanks_hours": (0, 24 * DAYS),
    "chaser_retention_days": (0, DAYS),
}


class ResCompany(models.Model):
    _name = "res.company"
    _inherit = ["res.company", "chaser.links.mixin"]

    chaser_contact_interval = fields.Integer(
        "Days Between Contacts",
        default=7,
        help="A customer is not written to again before so many days have passed. 0: "
        "as soon as a level is due.",
        tracking=True,
    )
    chaser_week_limit = fields.Integer(
        "Messages a Week",
        help="A customer gets no more reminders within seven days, by whatever "
        "channel. 0: any number.",
        tracking=True,
    )
    chaser_minimum_amount = fields.Monetary(
        "Minimum Amount to Chase",
        default=1,
        help="Customers whose total is below it are left out.",
        tracking=True,
    )
    chaser_site_contacts = fields.Boolean(
        "Invoices by Site",
        help="Invoices that are made out to an invoice contact are asked for from that "
        "contact alone, in a message of their own. Off: all invoice contacts of a "
        "customer get everything.",
        tracking=True,
    )
    chaser_show_payables = fields.Boolean(
        "Show What We Owe",
        help="The letter tells of the customer's open bills to us, which are not taken "
        "off. Who owes nothing once they are counted waits for a look.",
        tracking=True,
    )
    chaser_own_companies = fields.Boolean(
        "Chase Own Companies",
        help="Companies of this database are chased like other customers. Off: they "
        "are left out, with the reason.",
        tracking=True,
    )
    chaser_dns = fields.Boolean(
        "Ask DNS about the Sender's Domain",
        help="The dialog that explains the records of a mailbox's domain may look them "
        "up. Only the domain's name leaves this server, to its name server. Off: they "
        "are pasted.",
        tracking=True,
    )
    chaser_open_debits = fields.Boolean(
        "Chase Other Open Debits",
        help="Open debits that are no invoices (opening balances, journal entries, "
        "returned payments) are asked for as well, each with its label and date. Off: "
        "they only take up credits.",
        tracking=True,
    )
    chaser_consolidation_min_invoices = fields.Integer(
        "Consolidate from",
        default=2,
        help="From how many items a customer gets one message instead of one per "
        "invoice.",
        tracking=True,
    )
    chaser_language = fields.Selection(
        [("en", "English"), ("ar", "Arabic"), ("both", "Arabic and English")],
        "Reminder Language",
        default="en",
        required=True,
        help="For customers without a language of their own.",
        tracking=True,
    )
    chaser_allow_sensitive = fields.Boolean(
        "Allow Sensitive Wording",
        help="Letters may speak of interest, fees, legal steps and religion. Off: the "
        "checker refuses them.",
        tracking=True,
    )
    chaser_tracking = fields.Boolean(
        "Track Opens and Clicks", default=True, tracking=True
    )
    chaser_max_failures = fields.Integer(
        "Failures in a Row",
        default=5,
        help="A campaign pauses itself after so many failures in a row. 0: never.",
        tracking=True,
    )
    chaser_monthly_limit = fields.Integer(
        "Messages per Month",
        default=0,
        help="Over all mailboxes of the company. 0: no limit.",
        tracking=True,
    )
    chaser_provider_mode = fields.Selection(
        [("fixed", "One mailbox"), ("spread", "Spread over the company's mailboxes")],
        "Campaigns Sent From",
        default="fixed",
        required=True,
        help="What new campaigns start with.",
        tracking=True,
    )
    chaser_link_days = fields.Integer(
        "Links Valid for Days",
        default=365,
        help="How long the links in a reminder work. 0: for ever.",
        tracking=True,
    )

    chaser_policy_id = fields.Many2one(
        "chaser.policy",
        "Default Follow-up Policy",
        domain="[('company_id', 'in', (False, id))]",
        help="For customers without a policy by name or tag. Empty: the company's own "
        "levels, else the shipped policy.",
        tracking=True,
    )

    chaser_minutes_per_message = fields.Float(
        "Minutes per Message",
        default=1.0,
        help="What a reminder takes by hand, for the hours saved on the overview: the "
        "invoices that were reminded times these minutes.",
        tracking=True,
    )

    chaser_holdout = fields.Boolean(
        "Measure the Effect",
        help="A tenth of the reminders that are due, drawn by chance, waits three "
        "days. The overview compares both parts and says what reminders cause. Never "
        "the last level.",
        tracking=True,
    )
    chaser_holdout_amount = fields.Monetary(
        "Never Wait above",
        default=10000,
        help="A reminder about more than this never waits.",
        tracking=True,
    )
    chaser_holdout_key = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS)

    _chaser_week_limit_check = models.Constraint(
        "CHECK(chaser_week_limit >= 0)",
        "The number of messages a week cannot be negative.",
    )
    _chaser_minutes_check = models.Constraint(
        "CHECK(chaser_minutes_per_message >= 0)",
        "The minutes per message cannot be negative.",
    )

    chaser_daily = fields.Boolean(
        "Daily Run", help="Plans the reminders of the day by itself.", tracking=True
    )
    chaser_daily_hour = fields.Float(
        "Daily Run at", default=8.0, help="In the company's time zone.", tracking=True
    )
    chaser_daily_approval = fields.Boolean(
        "Wait for Approval",
        default=True,
        help="The campaign of the day waits until somebody presses Approve and Send. "
        "Off: it is sent at once.",
        tracking=True,
    )
    chaser_daily_user_id = fields.Many2one(
        "res.users",
        "Responsible for the Daily Run",
        domain="[('share', '=', False), ('company_ids', 'in', id)]",
        help="Gets the campaign of the day to approve, and the digest.",
        tracking=True,
    )
    chaser_daily_digest = fields.Boolean(
        "Send a Digest",
        default=True,
        help="The responsible person gets a message on what the daily run did.",
        tracking=True,
    )

    _chaser_daily_hour_check = models.Constraint(
        "CHECK(chaser_daily_hour >= 0 AND chaser_daily_hour < 24)",
        "The hour of the daily run lies between 0:00 and 23:59.",
    )
    chaser_attach_max_count = fields.Integer(
        "Attachments per Message",
        default=10,
        help="What is beyond stays a link. 0: no limit.",
        tracking=True,
    )
    chaser_attach_max_mb = fields.Integer(
        "Size of Attachments (MB)",
        default=5,
        help="In all, per message. What is beyond stays a link. 0: no limit.",
        tracking=True,
    )

    _chaser_attach_positive = models.Constraint(
        "CHECK(chaser_attach_max_count >= 0 AND chaser_attach_max_mb >= 0)",
        "A limit on attachments cannot be negative; 0 means no limit.",
    )
    chaser_promise_days = fields.Integer(
        "Customers May Promise up to",
        default=30,
        help="Days ahead that can be chosen on the customer's page. Users may agree "
        "on any date.",
        tracking=True,
    )

    _chaser_promise_days_check = models.Constraint(
        "CHECK(chaser_promise_days >= 0)",
        "The days that a customer may promise ahead cannot be negative.",
    )
    chaser_bounce_limit = fields.Integer(
        "Stop an Address after",
        default=1,
        help="So many times must a mail server say that an address does not exist "
        "before it gets no more reminders.",
        tracking=True,
    )
    chaser_reply_token = fields.Boolean(
        "Reply Address per Reminder",
        help="Answers go to chaser+…@ the alias domain, an address that names the "
        "reminder. The mail server of that domain must deliver it to Odoo.",
        tracking=True,
    )

    _chaser_bounce_limit_check = models.Constraint(
        "CHECK(chaser_bounce_limit > 0)",
        "An address is stopped after at least one failure.",
    )

    chaser_maybe_paid = fields.Boolean(
        "Look for Payments First",
        default=True,
        help="Bank lines and payments that are not allocated yet and fit what a "
        "customer owes hold the reminder until somebody has looked.",
        tracking=True,
    )
    chaser_bank_days = fields.Integer(
        "Bank Data of the Last Days",
        default=0,
        help="Nothing is sent when no bank line came in for so many days. 0: never "
        "mind.",
        tracking=True,
    )

    chaser_levels_seen = fields.Boolean(
        "Levels Looked at", help="A manager has opened them from the first steps."
    )
    chaser_setup_hidden = fields.Boolean(
        "First Steps Hidden", help="The overview does not show them any more."
    )

    _chaser_bank_days_check = models.Constraint(
        "CHECK(chaser_bank_days >= 0)", "Days cannot be negative."
    )

    chaser_thanks = fields.Boolean(
        "Thank for Payments",
        help="A customer who pays after a reminder gets a short thank-you, once.",
        tracking=True,
    )
    chaser_thanks_hours = fields.Integer(
        "Thank-You After Hours",
        default=24,
        help="What is paid within this time after the first payment is thanked for in "
        "one message.",
        tracking=True,
    )
    chaser_thanks_template_id = fields.Many2one(
        "chaser.template",
        "Thank-You Text",
        domain="[('category', '=', 'system'), ('company_id', 'in', (id, False))]",
        help="Empty: the text shipped with the addon.",
        tracking=True,
    )
    chaser_thanks_since = fields.Datetime(
        compute="_compute_chaser_thanks_since",
        store=True,
        help="Payments before it are not thanked for.",
    )

    _thanks_hours_check = models.Constraint(
        "CHECK(chaser_thanks_hours >= 0)",
        "The hours before a thank-you cannot be negative.",
    )
    chaser_retention_days = fields.Integer(
        "Keep Raw Data for Days",
        default=180,
        help="After so many days, reports of mail services are deleted, and "
        "addresses, programs and raw data of opens, clicks and answers are forgotten; "
        "the fact itself stays. 0: keep them.",
        tracking=True,
    )

    @api.constrains(*_NUMBERS)
    def _check_chaser_numbers(self):
        check_numbers(self, _NUMBERS)

    @api.depends("chaser_thanks")
    def _compute_chaser_thanks_since(self):
        """When it was switched on."""
        for company in self:
            since = company.chaser_thanks_since or fields.Datetime.now()
            company.chaser_thanks_since = since if company.chaser_thanks else False

    @api.model
    def _has_field_access(self, field, operation):
        """How a company chases is not for its customers, who may read its name."""
        if (
            field.name.startswith("chaser_")
            and not self.env.su
            and not self.env.user._is_internal()
        ):
            return False
        return super()._has_field_access(field, operation)

    def write(self, vals):
        effects = self._prepare_chaser_effects(vals)
        result = super().write(vals)
        if vals.get("chaser_holdout"):
            for company in self.sudo().filtered(lambda one: not one.chaser_holdout_key):
                company.chaser_holdout_key = secrets.token_hex(16)
        for effect in effects:
            effect()
        return result

    def _prepare_chaser_effects(self, vals):
        """What has to follow a change of settings, as functions that are called when it
        is written.

        Hook: hours adds its own.
        """
        effects = []
        if "chaser_maybe_paid" in vals:
            effects += [
                lambda company=company: self.env["chaser.maybe.paid"]._refresh(company)
                for company in self
            ]
        if "chaser_monthly_limit" in vals:
            effects.append(lambda: self.env["chaser.waiting"]._follow_companies(self))
        if "chaser_bank_days" in vals:
            effects.append(lambda: self.env["chaser.bank.data"]._recheck(self))
        return effects

    def _get_chaser_holdout(self):
        """What the draws of the hold-out need; None where it is off."""
        self.ensure_one()
        if not self.chaser_holdout:
            return None
        return Holdout(
            self.sudo().chaser_holdout_key or "",
            Decimal(str(self.chaser_holdout_amount)),
        )

    def _get_chaser_daily_moment(self, day):
        """When the run of a day is due (naive UTC)."""
        self.ensure_one()
        return local_moment(day, self.chaser_daily_hour, self._get_chaser_tz())

    def _get_chaser_tz(self):
        """The company's time zone; Dubai where none is set on its partner."""
        self.ensure_one()
        return self.partner_id.tz or "Asia/Dubai"

    def _get_chaser_today(self):
        """Today in the company's time zone, as a date."""
        self.ensure_one()
        return fields.Date.context_today(self.with_context(tz=self._get_chaser_tz()))

    # -- who looks after things

    def _get_chaser_people(self, group="user"):
        """Who works with the addon in this company, by the group ``user`` (managers
        included) or ``manager``. Never Odoo's own robot."""
        self.ensure_one()
        people = self.env.ref(f"invoice_chaser.group_chaser_{group}").sudo()
        return people.all_user_ids.filtered(
            lambda user: user.active and not user.share and self in user.company_ids
        ) - self.env.ref("base.user_root")

    def _get_chaser_responsible(
        self, partner=None, reminder=None, wanted=None, without=None
    ):
        """Who is to look after something in this company: the first of these who works
        with the addon here. May be empty.

        :param wanted: users, who come first; then
        :param reminder: who sent its campaign, and the salesperson of its invoices;
        :param partner: the salesperson of the customer;

        then a manager, then anybody.

        :param without: users who are about to leave
        """
        people = self._get_chaser_people() - (without or self.env["res.users"])
        candidates = self.env["res.users"].sudo()
        if wanted:
            candidates |= wanted.sudo()
        if reminder:
            candidates |= reminder.sudo().campaign_id.user_id
            candidates |= reminder.sudo().line_ids.move_id.invoice_user_id
        if partner:
            candidates |= partner.sudo().user_id
        candidates |= self._get_chaser_people("manager") | people.sorted("id")
        return (candidates & people)[:1]

    def _get_chaser_daily_user(self, unset=True):
        """Who approves the daily run and is told: the user of the settings while they
        work here, else whoever is responsible.

        :param unset: also where the settings name nobody
        """
        wanted = self.chaser_daily_user_id
        return (
            self._get_chaser_responsible(wanted=wanted) if wanted or unset else wanted
        )

    # -- one legal entity

    def _get_chaser_entity(self):
        """The company with its head office and all branches: one legal entity, and so
        one creditor."""
        self.ensure_one()
        return self.sudo().browse(self._read_chaser_entity_ids())

    def _get_chaser_chain(self):
        """The company, then those above it: what a branch has not settled for itself,
        its head office has settled for it."""
        self.ensure_one()
        return self.sudo().parent_ids[::-1]

    def _read_chaser_own_companies(self):
        """Customer → name of the company of this database that they are, where those
        are not to be chased. One query."""
        self.ensure_one()
        if self.chaser_own_companies:
            return {}
        companies = self.sudo().search([])  # pylint: disable=no-search-all  # they are few
        return {
            company.partner_id.commercial_partner_id.id: company.name
            for company in companies
        }

    def _get_chaser_served(self):
        """The company and its branches: those that its mailboxes may write for."""
        self.ensure_one()
        return self._get_chaser_entity().filtered(
            lambda one: self in one.sudo().parent_ids
        )

    # Odoo forgets it when a company is made or archived; a parent never changes.
    @ormcache("self.id")
    def _read_chaser_entity_ids(self):
        return tuple(self.sudo().search([("id", "child_of", self.root_id.id)]).ids)
