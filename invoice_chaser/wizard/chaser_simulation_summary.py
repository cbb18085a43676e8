from odoo import api, fields, models
from odoo.tools import format_date


class ChaserSimulation(models.TransientModel):
    """What a person wants to know of a simulation at a glance: mailboxes, limits that bind, approvals."""

    _inherit = "chaser.simulation"  # pylint: disable=consider-merging-classes-inherited  # the result in words

    message_line_ids = fields.One2many(
        "chaser.simulation.line", "simulation_id", readonly=True, domain=[("kind", "!=", "held"), ("scenario", "=", "present")])
    changed_line_ids = fields.One2many(
        "chaser.simulation.line", "simulation_id", readonly=True, domain=[("kind", "!=", "held"), ("scenario", "=", "changed")])
    held_line_ids = fields.One2many(
        "chaser.simulation.line", "simulation_id", readonly=True, domain=[("kind", "=", "held"), ("scenario", "=", "present")])
    waiting_count = fields.Integer("Still Waiting", compute="_compute_summary")
    mailbox_summary = fields.Text("Mailboxes", compute="_compute_summary")
    approval_summary = fields.Char("Approvals", compute="_compute_summary")
    warning = fields.Text(compute="_compute_summary")

    @api.depends("line_ids")
    @api.depends_context("lang")
    def _compute_summary(self):
        Line = self.env["chaser.simulation.line"]
        for simulation in self:
            mine = [("simulation_id", "=", simulation._origin.id), ("scenario", "=", "present"), ("kind", "!=", "held")]
            simulation.waiting_count = Line.search_count([*mine, ("kind", "=", "waiting")])
            simulation.mailbox_summary = "\n".join(simulation._describe_mailboxes(mine)) or False
            simulation.approval_summary = simulation._describe_approvals(mine)
            simulation.warning = simulation._get_warning()

    def _describe_mailboxes(self, domain):
        """One line per mailbox: its messages, and how many of them each limit delays."""
        rows = self.env["chaser.simulation.line"]._read_group(domain, ["provider_id", "delayed_by"], ["__count"])
        names = dict(self.env["chaser.simulation.line"]._fields["delayed_by"]._description_selection(self.env))
        for provider in self.env["chaser.provider"].sudo().union(*(row[0] for row in rows)).sorted(lambda one: (one.sequence, one.id)):
            counts = {limit: count for own, limit, count in rows if own.id == provider.id}
            text = self.env._("%(mailbox)s: %(count)s messages", mailbox=provider.name, count=sum(counts.values()))
            delayed = [self.env._("%(count)s delayed (%(limit)s)", count=count, limit=names[limit]) for limit, count in counts.items() if limit]
            yield "; ".join([text, *delayed])

    def _describe_approvals(self, domain):
        rows = self.env["chaser.simulation.line"]._read_group(
            [*domain, ("needs_approval", "=", True)], ["planned_on:day"], ["__count"], order="planned_on:day")
        if not rows:
            return False
        day, count = rows[0]
        return self.env._(
            "On %(days)s days something waits for approval; first on %(date)s: %(count)s messages.",
            days=len(rows), date=format_date(self.env, day), count=count)

    def _get_warning(self):
        """What makes the simulation more hopeful than the real run would be."""
        provider = self.env["chaser.provider"].sudo()._get_default(self.company_id)
        if not provider:
            return self.env._("%s has no mailbox yet: calculated with the usual limits of one.", self.company_id.name)
        if provider.state != "connected":
            return self.env._("The mailbox “%s” is not connected: calculated as if it were. Nothing leaves until a manager has connected it.", provider.name)
        if not self.company_id.chaser_daily:
            return self.env._("The daily run of %s is switched off: this is what it would do.", self.company_id.name)
        return False
