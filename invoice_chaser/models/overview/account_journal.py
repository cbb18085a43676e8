from odoo import models
from odoo.fields import Domain

from .chaser_overview import USER_GROUP


class AccountJournal(models.Model):
    """Invoicing's dashboard says how many customers wait to be chased, and how many
    answers to be read. Customers are chased for the whole company, so the card of its
    first sales journal says it."""

    _inherit = "account.journal"

    def _fill_sale_purchase_dashboard_data(self, dashboard_data):
        super()._fill_sale_purchase_dashboard_data(dashboard_data)
        if not self.env.user.has_group(USER_GROUP):
            return
        cards = {}
        for journal in self.filtered(lambda journal: journal.type == "sale"):
            cards.setdefault(journal.company_id, journal)
        if not cards:
            return
        where = Domain("company_id", "in", [company.id for company in cards])
        Worklist = self.env["chaser.worklist"]
        waiting = {
            name: dict(
                self.env[model]._read_group(domain & where, ["company_id"], ["__count"])
            )
            for name, model, domain in (
                ("chaser_customers", Worklist._name, Worklist._get_todo_domain()),
                ("chaser_answers", "chaser.hold", self._get_chaser_answers_domain()),
            )
        }
        for company, journal in cards.items():
            dashboard_data[journal.id] |= {
                name: counts.get(company, 0) for name, counts in waiting.items()
            }

    def _get_chaser_answers_domain(self):
        """The same as on the overview."""
        scope = self.env["chaser.overview"]._make_scope(None)
        _action, domain = self.env["chaser.overview.link"]._get_need_domains(scope)[
            "answers"
        ]
        return domain

    def action_chaser_worklist(self):
        return self._open_chaser("chaser_worklist_action", {"search_default_todo": 1})

    def action_chaser_answers(self):
        return self._open_chaser("chaser_hold_action", {}) | {
            "name": self.env._("Answers to Read"),
            "domain": list(
                self._get_chaser_answers_domain()
                & Domain("company_id", "=", self.company_id.id)
            ),
        }

    def _open_chaser(self, action, context):
        self.ensure_one()
        return self.env["ir.actions.act_window"]._for_xml_id(
            f"invoice_chaser.{action}"
        ) | {
            "context": context,
            "domain": [("company_id", "=", self.company_id.id)],
        }
