from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.safe_eval import safe_eval

from .filter_names import make_filter_names

# As many customers as a note names.
_NAMES = 10


class ChaserTag(models.Model):
    _name = "chaser.tag"
    _description = "Chaser Tag"
    _inherit = ["chaser.company.mixin"]
    _order = "name"

    name = fields.Char(required=True, translate=True)
    color = fields.Integer()
    company_id = fields.Many2one(
        "res.company", index=True, default=lambda self: self.env.company
    )

    _name_uniq = models.UniqueIndex(
        "(COALESCE(company_id, 0), (name->>'en_US'))", "This tag exists already."
    )


class ChaserSegment(models.Model):
    """A group of customers: picked by hand, by a saved filter, or both. A customer may
    be in many."""

    _name = "chaser.segment"
    _description = "Customer Segment"
    _inherit = ["mail.thread", "chaser.company.mixin"]
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    description = fields.Text(tracking=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
        tracking=True,
    )
    partner_ids = fields.Many2many(
        "res.partner",
        "chaser_segment_partner_rel",
        "segment_id",
        "partner_id",
        "Picked Customers",
        check_company=True,
        domain="[('chaser_is_customer', '=', True)]",
    )
    domain = fields.Char(
        "Filter",
        default="[]",
        tracking=True,
        help="Customers that the filter finds now belong to it as well. Empty: only "
        "the picked ones.",
    )
    uses_filter = fields.Boolean(
        "Also by Filter",
        compute="_compute_uses_filter",
        readonly=False,
        help="Also every customer whom a filter finds.",
    )
    customer_count = fields.Integer("Customers", compute="_compute_customer_count")
    campaign_count = fields.Integer(compute="_compute_campaign_count")

    _name_uniq = models.UniqueIndex(
        "(company_id, (name->>'en_US')) WHERE active",
        "There is a segment of this name already.",
    )

    @api.depends("domain")
    def _compute_uses_filter(self):
        for segment in self:
            segment.uses_filter = (segment.domain or "[]").strip() != "[]"

    @api.onchange("uses_filter")
    def _onchange_uses_filter(self):
        if not self.uses_filter:
            self.domain = "[]"

    @api.depends("partner_ids", "domain", "company_id")
    def _compute_customer_count(self):
        for segment in self:
            segment.customer_count = self.env["res.partner"].search_count(
                segment._get_domain()
            )

    def _compute_campaign_count(self):
        rows = self.env["chaser.campaign"]._read_group(
            [("segment_ids", "in", self.ids)], ["segment_ids"], ["__count"]
        )
        counts = {segment.id: count for segment, count in rows}
        for segment in self:
            segment.campaign_count = counts.get(segment._origin.id, 0)

    @api.constrains("domain")
    def _check_domain(self):
        for segment in self:
            domain = segment._parse_domain()
            try:
                Domain(domain).validate(self.env["res.partner"])
                self.env["res.partner"].search_count(domain, limit=1)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise ValidationError(segment._describe_filter(error)) from None

    # -- the picked ones

    def write(self, vals):
        """Who came and who went is told in a note of a few names: Odoo's tracking would
        write all names of before and after, of a segment of thousands at each change.
        """
        if "partner_ids" not in vals or self.env.context.get("tracking_disable"):
            return super().write(vals)
        before = {segment: segment.partner_ids for segment in self}
        result = super().write(vals)
        for segment, partners in before.items():
            segment._tell_change(
                segment.partner_ids - partners, partners - segment.partner_ids
            )
        return result

    def _tell_change(self, came, went):
        words = []
        if came:
            words.append(
                self.env._("Customers put in: %s", self._describe_customers(came))
            )
        if went:
            words.append(
                self.env._("Customers taken out: %s", self._describe_customers(went))
            )
        if words:
            self._message_log(
                body=Markup("<br/>").join(words),
                author_id=self.env.user.partner_id.id,
            )

    def _describe_customers(self, partners):
        names = ", ".join(partners[:_NAMES].mapped("display_name"))
        if len(partners) <= _NAMES:
            return names
        return self.env._(
            "%(names)s and %(count)s more",
            names=names,
            count=len(partners) - _NAMES,
        )

    def _put_in(self, customers):
        """Adds customers to the picked ones, in a time and memory that depend on how
        many come, not on how many are in: a write by the ORM reads them all and checks
        each one's company again, which a file of 100,000 rows asks for 200 times.
        The caller says so to whom it concerns.

        :raises UserError: for a customer who is private to another company
        """
        self.ensure_one()
        self.check_access("write")
        customers.check_access("read")
        allowed = self.sudo().company_id.parent_ids
        strangers = customers.sudo().filtered(
            lambda partner: partner.company_id and partner.company_id not in allowed
        )
        if strangers:
            raise UserError(
                self.env._(
                    "%(customers)s belong to another company than the segment "
                    "“%(segment)s”.",
                    customers=self._describe_customers(strangers),
                    segment=self.name,
                )
            )
        field = self._fields["partner_ids"]
        self.flush_recordset(["partner_ids"])
        self.env.cr.execute(
            SQL(
                "INSERT INTO %s (%s, %s) SELECT %s, unnest(%s::integer[]) "
                "ON CONFLICT DO NOTHING",
                SQL.identifier(field.relation),
                SQL.identifier(field.column1),
                SQL.identifier(field.column2),
                self.id,
                customers.ids,
            )
        )
        self.invalidate_recordset(["partner_ids"])

    def _parse_domain(self):
        """The filter as a list, as Odoo's own editor writes it: with ``uid``,
        ``context_today()`` and relative dates, in the user's time zone.

        It is evaluated by Odoo's own sandbox for saved filters (``safe_eval``), which
        knows these names only.

        :raises ValidationError: in words, when it cannot be read
        """
        self.ensure_one()
        try:
            domain = safe_eval(
                self.domain or "[]", make_filter_names(self.env), mode="eval"
            )
            if not isinstance(domain, list | tuple):
                raise TypeError(type(domain).__name__)
        except (ValueError, SyntaxError, TypeError, NameError) as error:
            raise ValidationError(self._describe_filter(error)) from None
        return list(domain)

    def _describe_filter(self, error):
        return self.env._(
            "The filter of “%(name)s” cannot be used. Choose it anew with the editor; "
            "by hand, only fields of a contact, uid, context_today() and dates may "
            "stand in it. (%(error)s)",
            name=self.name,
            error=str(error).splitlines()[0][:200] if str(error) else "",
        )

    def _get_domain(self):
        """Commercial partners of these segments in each one's company, as the user may
        see them. A subsidiary with a parent is a customer of its own; a contact whom
        the filter finds is none."""
        domains = [Domain.FALSE]
        for segment in self:
            found = Domain("id", "in", segment.partner_ids.ids)
            filters = segment._parse_domain()
            if filters:
                found |= Domain(filters)
            domains.append(
                found & Domain("company_id", "in", (False, segment.company_id.id))
            )
        return Domain.OR(domains) & Domain("chaser_is_customer", "=", True)

    def _get_customers(self):
        return self.env["res.partner"].search(self._get_domain())

    # -- actions

    def action_chase(self):
        """The preview of a campaign for everything overdue of the customers of these
        segments.

        :raises UserError: when the segments are of several companies, or nothing is
        overdue
        """
        self.check_access("read")
        if len(self.company_id) > 1:
            raise UserError(
                self.env._(
                    "One campaign belongs to one company: choose segments of one "
                    "company."
                )
            )
        customers = self._get_customers()
        if not customers:
            raise UserError(
                self.env._(
                    "There is no customer in %s.", ", ".join(self.mapped("name"))
                )
            )
        action = self.env["account.move"]._chase_customers(customers, self.company_id)
        preview = self.env["chaser.preview"].browse(action["res_id"])
        preview._by_program().segment_ids = self
        return action

    def action_view_customers(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account.res_partner_action_customer"
        )
        return action | {"domain": list(self._get_domain()), "context": {}}

    def action_view_campaigns(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_campaign_action"
        )
        return action | {"domain": [("segment_ids", "in", self.ids)], "context": {}}
