from odoo import api, fields, models


class ResourceCalendar(models.Model):
    _inherit = "resource.calendar"

    chaser_country_ids = fields.Many2many(
        "res.country",
        "chaser_calendar_country_rel",
        string="Customers in Countries",
        help="Reminders to customers there leave within these hours.",
    )
    chaser_state_ids = fields.Many2many(
        "res.country.state",
        "chaser_calendar_state_rel",
        string="Customers in States",
        help="As the countries, for single states or emirates.",
    )
    chaser_ramadan_calendar_id = fields.Many2one(
        "resource.calendar",
        "Hours in Ramadan",
        index="btree_not_null",
        help="Empty: Ramadan changes nothing.",
    )

    def write(self, vals):
        result = super().write(vals)
        self.env["chaser.window"]._recheck()
        return result


class ResourceCalendarAttendance(models.Model):
    _inherit = "resource.calendar.attendance"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        self.env["chaser.window"]._recheck()
        return records

    def write(self, vals):
        result = super().write(vals)
        self.env["chaser.window"]._recheck()
        return result

    def unlink(self):
        result = super().unlink()
        self.env["chaser.window"]._recheck()
        return result


class ResourceCalendarLeaves(models.Model):
    _inherit = "resource.calendar.leaves"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._recheck_chaser_windows()
        return records

    def write(self, vals):
        result = super().write(vals)
        self._recheck_chaser_windows()
        return result

    def unlink(self):
        self._recheck_chaser_windows()
        return super().unlink()

    def _recheck_chaser_windows(self):
        """The time off of a single employee does not matter here."""
        if any(not leave.resource_id for leave in self):
            self.env["chaser.window"]._recheck()
