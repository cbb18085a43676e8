from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..common.limits import DAYS, check_numbers

# Rows of one kind and company in one night, so that the night ends.
_NIGHT = 20_000


class ChaserRetentionRule(models.Model):
    """How long a company keeps personal data of one kind. Without a rule it is kept."""

    _name = "chaser.retention.rule"
    _description = "Retention of Personal Data"
    _inherit = ["mail.thread", "chaser.company.mixin"]
    _order = "company_id, kind"
    _rec_name = "kind"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
        tracking=True,
    )
    kind = fields.Selection(
        [
            ("events", "Opens, clicks and other events: addresses and programs"),
            ("reports", "Reports of mail services, as they came in"),
            ("strangers", "Incoming mail of nobody known: deleted"),
            ("inbound", "Incoming mail of customers: sender and text"),
            ("messages", "What was sent: text, addresses, attached files"),
            ("calls", "Calls: what was noted"),
            ("answers", "Answers on the customer's page: words and files"),
        ],
        required=True,
        tracking=True,
    )
    days = fields.Integer(
        "Keep for Days", required=True, default=730, aggregator=None, tracking=True
    )
    explanation = fields.Char(compute="_compute_explanation")
    last_run_at = fields.Datetime("Last Night", readonly=True, copy=False)
    last_count = fields.Integer("Then", readonly=True, copy=False, aggregator=None)
    total_count = fields.Integer("In All", readonly=True, copy=False)
    kept_count = fields.Integer(
        "Kept as Evidence",
        readonly=True,
        copy=False,
        help="Older ones that an unpaid invoice, an open dispute or an open promise "
        "still needs.",
    )

    _kind_uniq = models.UniqueIndex(
        "(company_id, kind)", "There is a rule for this kind already."
    )

    @api.constrains("days")
    def _check_days(self):
        check_numbers(self, {"days": (1, DAYS)})

    @api.depends("kind")
    def _compute_explanation(self):
        kinds = self.env["chaser.forget"]._get_kinds()
        for rule in self:
            kind = kinds.get(rule.kind)
            if not kind:
                rule.explanation = False
            elif kind.deletes:
                rule.explanation = self.env._("They are deleted whole.")
            elif kind.kept_because:
                rule.explanation = self.env._(
                    "Figures stay, the person goes; not while an invoice is unpaid or "
                    "a dispute or promise is open."
                )
            else:
                rule.explanation = self.env._("Figures stay, the person goes.")

    @api.autovacuum
    def _gc_by_rules(self):
        """Each night, each rule, up to so many rows; what is left comes the next
        night."""
        forget = self.env["chaser.forget"].sudo()
        kinds, most = forget._get_kinds(), 0
        # pylint: disable-next=no-search-all  # some for each company
        for rule in self.sudo().search([], order="last_run_at NULLS FIRST, id"):
            kind = kinds.get(rule.kind)
            if not kind:
                continue
            condition = SQL(
                "t.company_id = %s AND %s < %s",
                rule.company_id.id,
                SQL.identifier("t", kind.moment),
                fields.Datetime.now() - timedelta(days=rule.days),
            )
            done = forget._forget(kind, condition, _NIGHT)
            _all, kept = forget._count(kind, condition)
            rule.write(
                {
                    "last_run_at": fields.Datetime.now(),
                    "last_count": done,
                    "total_count": rule.total_count + done,
                    "kept_count": kept,
                }
            )
            most = max(most, done)
        return most, most if most >= _NIGHT else 0
