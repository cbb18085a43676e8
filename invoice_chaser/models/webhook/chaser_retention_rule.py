from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..common.limits import DAYS, check_numbers

# Rows of one kind and company in one night, so that the night ends.
_NIGHT = 20_000


class ChaserRetentionRule(models.Model):
    """How long a company keeps personal data of one kind, and what becomes of it then.
    Without a rule it is kept."""

    _name = "chaser.retention.rule"
    _description = "Retention of Personal Data"
    _inherit = ["mail.thread", "chaser.company.mixin", "chaser.label.mixin"]
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
            ("strangers", "Incoming mail of nobody known"),
            ("inbound", "Incoming mail of customers: sender and text"),
            ("messages", "What was sent: text, addresses, attached files"),
            ("files", "What was sent: attached files alone"),
            ("calls", "Calls: what was noted"),
            ("answers", "Answers on the customer's page: words and files"),
            ("history", "Imported history: past campaigns with sends and events"),
        ],
        required=True,
        tracking=True,
    )
    way = fields.Selection(
        [("keep", "Keep"), ("shorten", "Shorten"), ("delete", "Delete")],
        "Then",
        required=True,
        compute="_compute_way",
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="Keep: nothing is forgotten, and that is decided. Shorten: figures stay, "
        "the person goes. Delete: whole records.",
    )
    days = fields.Integer(
        "Keep for Days", required=True, default=730, aggregator=None, tracking=True
    )
    explanation = fields.Char(compute="_compute_explanation")
    last_run_at = fields.Datetime("Last Night", readonly=True, copy=False)
    last_count = fields.Integer(
        "Forgotten Then", readonly=True, copy=False, aggregator=None
    )
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
    def _compute_way(self):
        kinds = self.env["chaser.forget"]._get_kinds()
        for rule in self:
            ways = kinds[rule.kind].ways if rule.kind in kinds else ()
            if ways and rule.way not in ways:
                rule.way = ways[0]

    @api.constrains("kind", "way")
    def _check_way(self):
        kinds = self.env["chaser.forget"]._get_kinds()
        for rule in self:
            kind = kinds.get(rule.kind)
            if not kind or rule.way in kind.ways:
                continue
            if rule.way == "shorten":
                raise ValidationError(
                    self.env._(
                        "“%s” cannot be shortened, as nothing of it would be left: "
                        "choose Delete or Keep.",
                        rule._get_kind_label(),
                    )
                )
            raise ValidationError(rule._describe_undeletable(kind.undeletable))

    def _get_kind_label(self):
        return dict(self._fields["kind"]._description_selection(self.env))[self.kind]

    def _describe_undeletable(self, reason):
        reasons = {
            "figures": self.env._(
                "Figures are counted from them, and who opened or clicked is gone once "
                "they are shortened."
            ),
            "asked": self.env._(
                "That the customer was asked, when and for what, counts for the next "
                "reminder and is the proof of it."
            ),
            "said": self.env._(
                "Promises and disputes rest on them; who said it, and in which words, "
                "is gone once they are shortened."
            ),
        }
        return self.env._(
            "“%(kind)s” may not be deleted. %(reason)s Choose Shorten.",
            kind=self._get_kind_label(),
            reason=reasons[reason],
        )

    @api.depends("kind", "way")
    def _compute_explanation(self):
        kinds = self.env["chaser.forget"]._get_kinds()
        for rule in self:
            kind = kinds.get(rule.kind)
            parts = []
            if kind and rule.way == "keep":
                parts.append(self.env._("Nothing is forgotten."))
            elif kind:
                if rule.way == "delete":
                    parts.append(self.env._("They are deleted whole."))
                elif kind.files_alone:
                    parts.append(self.env._("The files go, the message stays."))
                else:
                    parts.append(self.env._("Figures stay, the person goes."))
                if kind.kept_because == "unpaid":
                    parts.append(
                        self.env._(
                            "Not while an invoice is unpaid or a dispute or promise is "
                            "open."
                        )
                    )
                elif kind.kept_because:
                    parts.append(self.env._("Not while a dispute or promise is open."))
            rule.explanation = " ".join(parts) or False

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
            done = forget._forget(kind, condition, rule.way, _NIGHT)
            _all, kept = (
                (0, 0)
                if rule.way == "keep"
                else forget._count(kind, condition, rule.way)
            )
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
