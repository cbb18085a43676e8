from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..core.merge_tags import BLOCK, REQUIRED_TAGS, SAMPLE, TAGS
from ..core.template_language import find_problems


class ChaserTemplate(models.Model):
    """What a template may say: the merge tags in words, and the check of each language when it is saved."""

    _inherit = "chaser.template"

    merge_tags = fields.Json(compute="_compute_merge_tags", help="What the picker offers: groups of tags, in the user's language.")

    @api.depends("category")
    @api.depends_context("lang")
    def _compute_merge_tags(self):
        words, groups = self._get_merge_tag_words(), self._get_merge_tag_groups()
        for template in self:
            required = REQUIRED_TAGS.get(template.category or "", ())
            template.merge_tags = [
                {"name": words_of_group, "tags": [
                    {"name": tag.name, "label": words[tag.name], "kind": tag.kind, "required": tag.name in required,
                     "sample": SAMPLE[tag.name], "block": tag.kind == BLOCK}
                    for tag in TAGS if tag.group == group
                ]}
                for group, words_of_group in groups.items()
            ]

    @api.model
    def _get_merge_tag_groups(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "items": _("Invoices"), "amounts": _("Amounts"), "links": _("Buttons and links"), "customer": _("Customer"),
            "payment": _("Payment"), "company": _("Company"), "salesperson": _("Salesperson"), "message": _("Message"),
        }

    @api.model
    def _get_merge_tag_words(self):
        """Tag → what it stands for."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "company_name": _("Your company's name"), "company_address": _("Your company's address"), "company_trn": _("Your tax number"),
            "company_phone": _("Your company's phone"), "company_email": _("Your company's e-mail"), "company_website": _("Your website"),
            "customer_name": _("Customer"), "customer_reference": _("Your number for the customer"),
            "customer_trn": _("Customer's tax number"), "contact_name": _("Contact person, else the customer"),
            "salesperson_name": _("Salesperson"), "salesperson_email": _("Salesperson's e-mail"), "salesperson_phone": _("Salesperson's phone"),
            "invoice_table": _("Table of the invoices (a block)"), "invoice_count": _("Number of invoices and instalments"),
            "invoice_numbers": _("Invoice numbers, up to ten"), "oldest_invoice": _("Number of the oldest invoice"),
            "oldest_due_date": _("Due date of the oldest invoice"), "days_overdue": _("Days overdue of the oldest invoice"),
            "total_due": _("Total due, per currency"), "credit_total": _("Open credits taken off, per currency"),
            "payment_reference": _("Payment reference"), "bank_name": _("Bank"), "account_holder": _("Account holder"),
            "iban": _("Account number or IBAN"), "bic": _("BIC (SWIFT)"),
            "pay_button": _("Button to view and pay (a block)"), "portal_url": _("Link: the oldest invoice in the portal"),
            "pay_url": _("Link: pay the oldest invoice"), "page_url": _("Link: the customer's page"),
            "promise_url": _("Link: “I will pay on …”"), "dispute_url": _("Link: “I dispute this invoice”"),
            "level_name": _("Name of the level"), "today": _("Today's date"),
        }

    # -- check when saved

    @api.constrains("subject", "body_html", "category")
    def _check_texts(self):
        """Every language is checked, whichever one was written.

        :raises ValidationError: naming template, language, line, tag and the nearest valid name
        """
        self.env["chaser.template"].flush_model(["subject", "body_html"])
        self._refuse_problems([sentence for template in self for sentence in template._find_text_problems(*template._read_texts())])

    @api.model
    def _refuse_problems(self, sentences):
        if sentences:
            raise ValidationError("\n".join(sentences))

    def _find_text_problems(self, subjects, bodies):
        """Sentences about what is wrong in subjects and bodies, given by Odoo's language code."""
        required = REQUIRED_TAGS[self.category]
        problems = [(code, self.env._("subject"), problem) for code, text in subjects.items() for problem in find_problems(text or "", is_html=False)]
        problems += [(code, self.env._("text"), problem) for code, text in bodies.items() for problem in find_problems(text or "", required)]
        return [
            self.env._(
                "Template “%(name)s” (%(lang)s, %(place)s): %(problem)s", name=self.name, problem=self._describe_problem(problem), place=place,
                lang=self.env["res.lang"]._get_data(code=code).name or code)
            for code, place, problem in problems
        ]

    @api.model
    def _describe_problem(self, problem):
        """A TemplateProblem in the user's language."""
        params = {"line": "", "tag": "", "nearest": "", "detail": "", "limit": ""} | problem.params
        sentence = {
            "syntax": self._get_syntax_words().get(params.get("kind", "other")),
            "forbidden": self.env._("line %(line)s: “%(detail)s” is not allowed in a template; use merge tags, if and plural."),
            "unknown_filter": self.env._("line %(line)s: the filter “%(tag)s” does not exist."),
            "unknown_tag": self.env._("line %(line)s: the merge tag “%(tag)s” does not exist."),
            "missing_tag": self.env._("the merge tag “%(tag)s” is required and missing."),
            "too_long": self.env._("the text is longer than %(limit)s characters."),
            "too_many_tags": self.env._("it names more than %(limit)s merge tags."),
            "undefined": self.env._("the merge tag “%(detail)s” has no value."),
            "failed": self.env._("it cannot be filled in: %(detail)s"),
        }[problem.code] % params
        if params["nearest"]:
            sentence += " " + self.env._("Did you mean “%s”?", params["nearest"])
        return sentence

    @api.model
    def _get_syntax_words(self):
        """Kind of a syntax error (``core.template_language``) → sentence."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "open_print": _("line %(line)s: “{{” is not closed by “}}”."),
            "open_if": _("line %(line)s: an “{%% if %%}” is not closed by “{%% endif %%}”."),
            "open_statement": _("line %(line)s: a statement is not closed by “}}” or “%%}”."),
            "stray_end": _("line %(line)s: “%(tag)s” without an “if” before it."),
            "unknown_statement": _("line %(line)s: the statement “%(tag)s” does not exist; there are if, elif, else and endif."),
            "unexpected": _("line %(line)s cannot be read at “%(tag)s”."),
            "other": _("line %(line)s cannot be read: %(detail)s"),
        }
