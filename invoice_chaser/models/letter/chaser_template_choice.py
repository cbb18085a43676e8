from odoo import api, fields, models

from ..common.limits import check_numbers


class ChaserTemplateChoiceMixin(models.AbstractModel):
    """What a template is for, and which one a message gets."""

    _name = "chaser.template.choice.mixin"
    _description = "Choice of a Template"

    description = fields.Text(
        tracking=True, help="What it is for, in your own words. Customers never see it."
    )
    item_fit = fields.Selection(
        [
            ("any", "Any number"),
            ("one", "One"),
            ("several", "Several"),
            ("most", "At most"),
        ],
        "For Invoices",
        default="any",
        required=True,
        tracking=True,
        help="For how many invoices in one message it is written. A message with "
        "another number gets the next template that fits, as the preview says.",
    )
    item_limit = fields.Integer(
        "Number of Invoices", default=1, tracking=True, aggregator=None
    )
    origin = fields.Char(
        compute="_compute_origin", help="Where the template came from."
    )

    @api.constrains("item_fit", "item_limit")
    def _check_item_limit(self):
        check_numbers(self, {"item_limit": (1, 1000)})

    @api.depends("file_key")
    def _compute_origin(self):
        external = self.get_external_id() if self.ids else {}
        for template in self:
            if external.get(template._origin.id, "").startswith("invoice_chaser."):
                template.origin = self.env._("Shipped with Invoice Chaser")
            elif template.file_key:
                template.origin = self.env._(
                    "Imported from a file, as “%s”", template.file_key
                )
            else:
                template.origin = self.env._(
                    "Written here by %s",
                    template.sudo().create_uid.name or self.env.user.name,
                )

    def _is_fit_for(self, items):
        """Whether it is written for so many invoices; None: for any number."""
        self.ensure_one()
        return (
            items is None
            or {
                "any": True,
                "one": items == 1,
                "several": items > 1,
                "most": items <= self.item_limit,
            }[self.item_fit]
        )

    @api.model
    def _choose(self, wanted, level, company, campaign_type, items=None):
        """The template of a message: the wanted one (the campaign's) where it is
        written for so many items, else the one for the level. Where none fits, the
        wanted one after all: a message is never lost because of its text.

        :param items: how many invoices the message names; None: not known
        """
        if wanted and wanted._is_fit_for(items):
            return wanted
        found = self._get_for_level(level, company, campaign_type, items)
        if wanted and not (found and found._is_fit_for(items)):
            return wanted
        return found

    @api.model
    def _get_for_level(
        self, level, company, campaign_type="invoice_reminder", items=None
    ):
        """The template of a level for a kind of campaign: the default made for both,
        else the level's own, else the category's default. One that is not written for
        so many items is passed over; then a template of the same category that is comes
        before the category's default.

        A default of the level counts in the campaign's category first, then in that of
        the level's own template.
        """
        categories = [campaign_type, level.template_id.category]
        candidates = (
            self.search(
                [
                    ("is_default", "=", True),
                    ("level_id", "=", level.id),
                    ("company_id", "in", (company.id, False)),
                    ("category", "in", categories),
                ]
            )
            if level
            else self
        ).sorted(
            lambda template: (
                not template.company_id,
                categories.index(template.category),
            )
        )
        first = (
            candidates[:1]
            or level.template_id
            or self._get_default(campaign_type, company)
            or self._get_default("invoice_reminder", company)
        )
        if not first or first._is_fit_for(items):
            return first
        others = candidates | level.template_id | self._find_fitting(first, company)
        others |= self._get_default(campaign_type, company)
        return others.filtered(lambda one: one._is_fit_for(items))[:1] or first

    @api.model
    def _find_fitting(self, template, company):
        """Further templates of its category that are written for a number of
        invoices, the company's own first."""
        found = self.search(
            [
                ("category", "=", template.category),
                ("item_fit", "!=", "any"),
                ("company_id", "in", (company.id, False)),
                ("level_id", "in", (template.level_id.id, False)),
            ]
        )
        return found.sorted(lambda one: (not one.company_id, one.sequence, one.id))

    @api.model
    def _get_default(self, category, company):
        """The default of a category: the company's own before the shared one."""
        return self.search(
            [
                ("category", "=", category),
                ("is_default", "=", True),
                ("level_id", "=", False),
                ("company_id", "in", (company.id, False)),
            ],
            order="company_id, sequence, id",
            limit=1,
        )

    @api.model
    def _choose_said(self, wanted, level, campaign, items):
        """The template of a message, and in words why it is not the wanted one; empty
        where it is.

        :param campaign: with company and kind, also one that is only planned
        """
        company, kind = campaign.company_id, campaign.campaign_type
        template = self._choose(wanted, level, company, kind, items or None)
        wanted = wanted or self._get_for_level(level, company, kind)
        if not wanted or template == wanted:
            return template, ""
        return template, self.env._(
            "“%(wanted)s” is not written for %(count)s invoices, so this message gets "
            "“%(name)s”.",
            wanted=wanted.name,
            count=items,
            name=template.name,
        )
