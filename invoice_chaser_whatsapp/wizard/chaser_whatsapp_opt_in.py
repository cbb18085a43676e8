from odoo import api, fields, models
from odoo.exceptions import UserError


class ChaserWhatsappOptIn(models.TransientModel):
    """The consent of one or many customers: collects date, source, words and evidence,
    and which number of each customer it is about."""

    _name = "chaser.whatsapp.opt.in"
    _description = "Enter Consent to WhatsApp"
    _inherit = ["chaser.company.mixin"]
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, readonly=True)
    opt_in_date = fields.Datetime(
        "Consent On", required=True, default=fields.Datetime.now
    )
    opt_in_source = fields.Selection(
        lambda self: self.env["chaser.whatsapp.person"]
        ._fields["opt_in_source"]
        ._description_selection(self.env),
        "Consent By",
        required=True,
        default="form",
    )
    opt_in_text = fields.Text("Words of the Consent", required=True)
    opt_in_evidence = fields.Binary("Evidence", attachment=False)
    opt_in_evidence_name = fields.Char()
    line_ids = fields.One2many("chaser.whatsapp.opt.in.line", "wizard_id")
    left_out_count = fields.Integer(compute="_compute_left_out_count")

    @api.depends("line_ids.problem", "line_ids.included")
    def _compute_left_out_count(self):
        for wizard in self:
            wizard.left_out_count = len(
                wizard.line_ids.filtered(lambda line: line.problem)
            )

    @api.model
    def _open(self, partners, company, people=None):
        """The dialog for customers, or for numbers that are known already.

        :param people: records of ``chaser.whatsapp.person`` or None
        """
        self.env["chaser.whatsapp.person"].check_access("create")
        customers = partners.commercial_partner_id
        wizard = self._create_by_program(
            {
                "company_id": company.id,
                "opt_in_text": self.env._(
                    "We agree that %s sends us messages about our account by WhatsApp.",
                    company.name,
                ),
                "line_ids": [
                    fields.Command.create(values)
                    for values in self._prepare_lines(customers, company, people)
                ],
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Consent to WhatsApp"),
            "res_model": self._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
        }

    @api.model
    def _prepare_lines(self, customers, company, people):
        Person = self.env["chaser.whatsapp.person"].with_company(company)
        if people:
            return [
                {"partner_id": person.partner_id.id, "number": person._get_address()}
                for person in people
            ]
        known = Person.search(
            [("company_id", "=", company.id), ("partner_id", "in", customers.ids)]
        ).grouped("partner_id")
        return [
            {
                "partner_id": customer.id,
                "number": known[customer][:1]._get_address()
                if customer in known
                else self._find_number(customer),
            }
            for customer in customers
        ]

    @api.model
    def _find_number(self, customer):
        """An invoice contact's number, else the customer's own, else a contact's."""
        contacts = customer.child_ids.filtered("phone")
        invoice = contacts.filtered(lambda contact: contact.type == "invoice")
        for partner in (*invoice, customer, *contacts):
            if partner.phone:
                return partner.phone
        return False

    def action_confirm(self):
        """Writes the consent on the numbers; those with a problem stay in the dialog.

        :raises UserError: when none of the numbers can be used
        """
        self.ensure_one()
        lines = self.line_ids.filtered(lambda line: line.included and not line.problem)
        if not lines:
            raise UserError(
                self.env._(
                    "None of these customers has a number that can be used. Correct "
                    "the numbers, or enter them on the customers."
                )
            )
        for line in lines:
            line._write_consent()
        lines.unlink()
        left = self.line_ids.filtered("included")
        if not left:
            return {"type": "ir.actions.act_window_close"}
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Not entered: numbers to correct"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }


class ChaserWhatsappOptInLine(models.TransientModel):
    _name = "chaser.whatsapp.opt.in.line"
    _description = "Consent of One Customer"
    _inherit = ["chaser.company.mixin"]

    wizard_id = fields.Many2one(
        "chaser.whatsapp.opt.in", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="wizard_id.company_id", store=True)
    included = fields.Boolean("Include", default=True)
    partner_id = fields.Many2one("res.partner", "Customer", required=True)
    number = fields.Char()
    problem = fields.Char(compute="_compute_problem")

    @api.depends("number", "partner_id")
    def _compute_problem(self):
        for line in self:
            Person = self.env["chaser.whatsapp.person"].with_company(
                line.wizard_id.company_id
            )
            if not line.number:
                line.problem = self.env._("No number")
            elif line._find_person() or Person._format_number(
                line.number, line.partner_id
            ):
                line.problem = False
            else:
                line.problem = self.env._("No phone number: %s", line.number)

    def _find_person(self):
        company = self.wizard_id.company_id
        Person = self.env["chaser.whatsapp.person"].with_company(company)
        number = Person._format_number(self.number, self.partner_id)
        return Person.search(
            [
                ("company_id", "=", company.id),
                ("partner_id", "=", self.partner_id.commercial_partner_id.id),
                "|",
                ("phone_e164", "=", number or "-"),
                ("user_id", "=", self.number),
            ],
            limit=1,
        )

    def _write_consent(self):
        wizard = self.wizard_id
        values = {
            "opt_in_date": wizard.opt_in_date,
            "opt_in_source": wizard.opt_in_source,
            "opt_in_text": wizard.opt_in_text,
            "opt_in_evidence": wizard.opt_in_evidence,
            "opt_in_evidence_name": wizard.opt_in_evidence_name,
        }
        person = self._find_person()
        if person:
            person.write(values)
            return
        self.env["chaser.whatsapp.person"].with_company(wizard.company_id).create(
            {
                "company_id": wizard.company_id.id,
                "partner_id": self.partner_id.commercial_partner_id.id,
                "phone_e164": self.number,
                **values,
            }
        )
