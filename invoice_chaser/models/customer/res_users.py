from odoo import models
from odoo.fields import Domain


class ResUsers(models.Model):
    _inherit = "res.users"

    def action_archive(self):
        """Tasks about customers go on to somebody else: Odoo deletes those of a user
        who leaves."""
        self._hand_chaser_tasks_over()
        return super().action_archive()

    def _hand_chaser_tasks_over(self):
        """Each task to whoever is responsible then, by the rule for all
        (``res.company._get_chaser_responsible``); without anybody it stays."""
        types = self.env["ir.model.data"].sudo()
        types = types.search(
            [("module", "=", "invoice_chaser"), ("model", "=", "mail.activity.type")]
        ).mapped("res_id")
        levels = self.env["chaser.level"].sudo().with_context(active_test=False)
        # pylint: disable-next=no-search-all  # they are few
        types += levels.search([]).activity_type_id.ids
        tasks = (
            self.env["mail.activity"]
            .sudo()
            .search(
                Domain("user_id", "in", self.ids)
                & (
                    Domain("res_model", "=like", "chaser.%")
                    | Domain("activity_type_id", "in", types)
                    & Domain("res_model", "in", ("res.partner", "account.move"))
                )
            )
        )
        for task in tasks:
            record = self.env[task.res_model].sudo().browse(task.res_id).exists()
            company = (
                "company_id" in record and record.company_id or task.user_id.company_id
            )
            heir = company._get_chaser_responsible(
                record if record._name == "res.partner" else None, without=self
            )
            if heir:
                task.user_id = heir

    def _say_chaser(self, record, words):
        """What a job or a customer's answer leaves for this user to read, in their
        language and not in that of whoever ran it.

        :param words: a text, or a function that makes it of ``record`` in the user's
            language
        """
        if not callable(words):
            return words
        return words(record.with_context(lang=self.lang or record.env.lang))
