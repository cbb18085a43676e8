from odoo import api, models

from .chaser_overview import MANAGER_GROUP

# In the order in which they are shown.
_STEPS = ("mailbox", "sample", "arabic", "hours", "levels", "campaign")


class ChaserSetup(models.AbstractModel):
    """The first steps of a company: what is done, what is next, and where each is
    done. Nothing is ticked off by hand: each step looks at what there is."""

    _name = "chaser.setup"
    _description = "First Steps"

    @api.model
    def read_steps(self):
        """The steps in their order, for the user's company.

        :return: ``steps``: dictionaries of ``code``, ``title``, ``help``, ``done`` and
            ``button`` (False: the user may not do it), ``ask``: whom to ask then,
            ``is_hidden``: whether the overview leaves them out
        """
        self.env["chaser.overview"]._check_rights()
        company = self.env.company
        done = self._read_done(company)
        is_manager = self.env.user.has_group(MANAGER_GROUP)
        return {
            "steps": [
                {
                    "code": code,
                    "title": title,
                    "help": help_text,
                    "done": done[code],
                    "button": button if is_manager or code == "campaign" else False,
                }
                for code, title, help_text, button in self._get_steps()
            ],
            "ask": ""
            if is_manager
            else ", ".join(company._get_chaser_people("manager").mapped("name")[:3]),
            "is_hidden": company.chaser_setup_hidden or all(done.values()),
        }

    @api.model
    def _get_steps(self):
        """(code, title, why, what the button says)"""
        texts = [
            (
                self.env._("A mailbox works"),
                self.env._(
                    "Reminders leave from your own mailbox, and answers come there."
                ),
                self.env._("Set Up"),
            ),
            (
                self.env._("A sample has arrived"),
                self.env._("Press Send Me a Sample on the mailbox, and look at it."),
                self.env._("Send"),
            ),
            (
                self.env._("Arabic is there"),
                self.env._("Customers who read Arabic get their messages in it."),
                self.env._("Load"),
            ),
            (
                self.env._("Messages keep to working hours"),
                self.env._(
                    "Nobody is written to at night, on weekends or on holidays."
                ),
                self.env._("Switch On"),
            ),
            (
                self.env._("The levels are looked at"),
                self.env._(
                    "From which day on customers get a polite, firm or urgent message."
                ),
                self.env._("Look"),
            ),
            (
                self.env._("The first campaign is sent"),
                self.env._(
                    "Choose customers, press Chase, and see who would get what."
                ),
                self.env._("Begin"),
            ),
        ]
        return [(code, *words) for code, words in zip(_STEPS, texts, strict=True)]

    @api.model
    def _read_done(self, company):
        mailboxes = self.env["chaser.provider"].search(
            [("company_id", "=", company.id)]
        )
        return {
            "mailbox": "connected" in mailboxes.mapped("state"),
            "sample": any(mailboxes.mapped("sampled_at")),
            "arabic": bool(self.env["res.lang"]._get_chaser_arabic()),
            "hours": company.chaser_window_enabled,
            "levels": company.chaser_levels_seen,
            "campaign": bool(
                self.env["chaser.campaign"]
                .with_context(active_test=False)
                .search_count(
                    [
                        ("company_id", "=", company.id),
                        ("started_at", "!=", False),
                        ("import_id", "=", False),
                    ],
                    limit=1,
                )
            ),
        }

    @api.model
    def open_step(self, code):
        """Where a step is done."""
        self.env["chaser.overview"]._check_rights()
        company = self.env.company
        if code in ("mailbox", "sample"):
            mailbox = self.env["chaser.provider"]._get_default(company)
            return {
                "type": "ir.actions.act_window",
                "res_model": "chaser.provider",
                "res_id": mailbox.id,
                "views": [(False, "form")],
                "context": {"default_company_id": company.id},
            }
        if code == "levels" and self.env.user.has_group(MANAGER_GROUP):
            company.sudo().chaser_levels_seen = True
        action = {
            "levels": "invoice_chaser.chaser_policy_action",
            "campaign": "invoice_chaser.chaser_worklist_action",
        }.get(code, "account.action_account_config")
        return self.env["ir.actions.act_window"]._for_xml_id(action)

    @api.model
    def hide_steps(self):
        """Not on the overview any more; the menu still has them."""
        self.env["chaser.overview"]._check_rights()
        if self.env.user.has_group(MANAGER_GROUP):
            self.env.company.sudo().chaser_setup_hidden = True
