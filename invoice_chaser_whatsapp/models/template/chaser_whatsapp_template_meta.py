from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.invoice_chaser.core.letter.documents import pdf
from odoo.addons.invoice_chaser.core.letter.documents.statement import (
    Statement,
    statement_html,
)

from ...core.errors import ConnectFailed, GraphError, UnknownOutcome
from ...core.template_rules import VARIABLE

# Meta's words for a state, of events and of lists, and ours.
STATES = {
    "APPROVED": "approved",
    "REINSTATED": "approved",
    "UNARCHIVED": "approved",
    "FLAGGED": "flagged",
    "PENDING": "pending",
    "IN_REVIEW": "pending",
    "IN_APPEAL": "appeal",
    "REJECTED": "rejected",
    "PAUSED": "paused",
    "LIMIT_EXCEEDED": "limit",
    "DISABLED": "disabled",
    "ARCHIVED": "archived",
    "DELETED": "deleted",
    "PENDING_DELETION": "deleted",
}
# As Meta names categories; what is new there is another one.
CATEGORIES = [
    ("utility", "Utility"),
    ("marketing", "Marketing"),
    ("authentication", "Authentication"),
    ("other", "Another category"),
]
_SENDABLE = ("approved", "flagged")
_BLOCKS = {
    "draft": "whatsapp_not_submitted",
    "pending": "whatsapp_not_approved",
    "appeal": "whatsapp_not_approved",
    "limit": "whatsapp_not_approved",
    "rejected": "whatsapp_rejected",
    "paused": "whatsapp_paused",
}


class ChaserWhatsappTemplate(models.Model):
    """The template at Meta: its state in words, whether it may be sent, and what a
    person does with it there."""

    _inherit = "chaser.whatsapp.template"  # pylint: disable=consider-merging-classes-inherited  # the side of Meta

    state = fields.Selection(
        [
            ("draft", "Not Submitted"),
            ("pending", "In Review"),
            ("approved", "Approved"),
            ("flagged", "Flagged"),
            ("rejected", "Rejected"),
            ("appeal", "In Appeal"),
            ("paused", "Paused"),
            ("limit", "Too Many Templates"),
            ("disabled", "Disabled"),
            ("archived", "Archived at Meta"),
            ("deleted", "Deleted at Meta"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )
    meta_id = fields.Char("Id at Meta", readonly=True, copy=False, index=True)
    meta_category = fields.Selection(
        CATEGORIES,
        "Category at Meta",
        readonly=True,
        copy=False,
        tracking=True,
        help="Meta decides it, and may change it later. The price follows it.",
    )
    coming_category = fields.Selection(
        CATEGORIES,
        "Category to Come",
        readonly=True,
        copy=False,
        tracking=True,
        help="Meta has announced that it will change the category.",
    )
    quality = fields.Selection(
        [
            ("GREEN", "High"),
            ("YELLOW", "Medium"),
            ("RED", "Low"),
            ("UNKNOWN", "Not rated yet"),
        ],
        readonly=True,
        copy=False,
        tracking=True,
        help="How customers took the messages with it in the last days.",
    )
    rejected_reason = fields.Char(readonly=True, copy=False)
    meta_words = fields.Text(
        "What Meta Says", readonly=True, copy=False, help="In Meta's own words."
    )
    meta_content = fields.Json(readonly=True, copy=False)
    differs = fields.Boolean(
        "Changed at Meta", readonly=True, copy=False, tracking=True
    )
    synced_at = fields.Datetime("Read at Meta", readonly=True, copy=False)
    is_marketing_allowed = fields.Boolean(
        "Marketing Allowed",
        readonly=True,
        copy=False,
        tracking=True,
        help="A manager lets it be sent although Meta counts it as marketing.",
    )
    can_send = fields.Boolean(compute="_compute_send_block")
    send_block = fields.Char("Why It Cannot Be Sent", compute="_compute_send_block")
    state_words = fields.Text("What It Means", compute="_compute_state_words")

    # -- may it be sent

    def _get_send_block(self):
        """Key of the reason why it cannot be sent now; None when it can."""
        self.ensure_one()
        if self.state not in _SENDABLE:
            return _BLOCKS.get(self.state, "whatsapp_disabled")
        if self.differs:
            return "whatsapp_differs"
        if not self._is_expected_category() and not self.is_marketing_allowed:
            return "whatsapp_marketing"
        stopped = self.provider_id.sudo()._is_whatsapp_utility_stopped()
        if stopped and self._is_expected_category():
            return "whatsapp_utility_stopped"
        return None

    def _is_expected_category(self):
        """A template that was submitted as marketing was meant to be that, too; but it
        costs the same, so that a manager allows it as well."""
        return self._get_billed_category() == "utility"

    def _get_billed_category(self):
        """Empty template: reminders are utility messages."""
        return self.meta_category or self.category or "utility"

    @api.depends(
        "state",
        "differs",
        "category",
        "meta_category",
        "is_marketing_allowed",
        "provider_id.whatsapp_utility_stop",
        "provider_id.whatsapp_utility_until",
    )
    @api.depends_context("lang")
    def _compute_send_block(self):
        reasons = self.env["chaser.reason.mixin"]
        for template in self:
            code = template._get_send_block()
            template.can_send = not code
            template.send_block = code and reasons._get_reason_text(code)

    @api.depends("state", "rejected_reason", "coming_category")
    @api.depends_context("lang")
    def _compute_state_words(self):
        states, reasons = self._get_state_sentences(), self._get_rejection_sentences()
        names = dict(self._fields["coming_category"]._description_selection(self.env))
        for template in self:
            words = [states.get(template.state)]
            if template.state in ("rejected", "disabled", "flagged"):
                words.append(reasons.get(template.rejected_reason or ""))
            if template.coming_category:
                words.append(
                    self.env._(
                        "Meta will count it as %s soon; ask for a review in the "
                        "WhatsApp Manager if that is wrong.",
                        names[template.coming_category],
                    )
                )
            template.state_words = "\n".join(filter(None, words)) or False

    @api.model
    def _get_state_sentences(self):
        return {
            "draft": self.env._("Only here so far. Submit it, and Meta reviews it."),
            "pending": self.env._("Meta reviews it; that takes up to a day."),
            "flagged": self.env._(
                "Its quality is low. It can be sent, but Meta disables it unless it "
                "gets better within some days."
            ),
            "rejected": self.env._("Correct the text, then submit it again."),
            "paused": self.env._(
                "Customers gave it bad marks. Meta lets it go on after three hours, "
                "the next time after six, then never."
            ),
            "limit": self.env._(
                "The account has as many templates as Meta allows. Delete some."
            ),
            "disabled": self.env._(
                "It cannot be used any more. Duplicate it and change the text."
            ),
            "archived": self.env._(
                "Meta deletes it 28 days after it was archived. Restore it in the "
                "WhatsApp Manager."
            ),
            "deleted": self.env._(
                "Meta does not have it. Its name can be used again after 30 days; "
                "duplicate it under another one."
            ),
        }

    @api.model
    def _get_rejection_sentences(self):
        """Meta's reasons (``rejected_reason``) in words."""
        return {
            "ABUSIVE_CONTENT": self.env._(
                "Meta sees a threat or abuse in it. Say it in a friendlier way."
            ),
            "INCORRECT_CATEGORY": self.env._(
                "Meta says that it is in the wrong category. Leave out whatever sells "
                "something, or submit it as marketing."
            ),
            "INVALID_FORMAT": self.env._(
                "The form is wrong: a variable at the edge, braces that do not match, "
                "or a sample that does not fit."
            ),
            "PROMOTIONAL": self.env._("Meta sees advertising in it."),
            "SCAM": self.env._(
                "Meta takes it for fraud. Leave out account numbers and words that "
                "press for money, and name your company."
            ),
            "TAG_CONTENT_MISMATCH": self.env._(
                "The text is not in the language that it was submitted for."
            ),
        }

    # -- submitting

    def action_submit(self):
        """Hand it to Meta: a new one is created, one that Meta has is edited.

        :raises UserError: naming what Meta would refuse, or what it said
        """
        for template in self:
            template.check_access("write")
            template._check_may_submit()
            template._submit()
        return True

    def _check_may_submit(self):
        refusals = self._get_refusals()
        if refusals:
            places = self._get_place_words()
            raise UserError(
                self.env._(
                    "Meta would refuse “%(name)s”:\n%(problems)s",
                    name=self.display_name,
                    problems="\n".join(
                        f"• {places.get(one.place, '')}: {self._get_refusal_words(one)}"
                        for one in refusals
                    ),
                )
            )
        if self.state in ("deleted", "disabled", "archived"):
            raise UserError(
                self.env._(
                    "“%s” cannot be submitted again. Duplicate it under another name.",
                    self.display_name,
                )
            )
        if self.state in ("approved", "pending") and not (
            self.is_changed or self.differs
        ):
            raise UserError(self.env._("Meta has “%s” as it is.", self.display_name))

    def _submit(self):
        content = self._make_content()
        with self.provider_id._get_whatsapp_client__() as client:
            try:
                components = self._make_components(content, client)
                if self.meta_id:
                    answer = client.edit_template(
                        self.meta_id,
                        {"category": self.category.upper(), "components": components},
                    )
                else:
                    answer = client.create_template(
                        {
                            "name": self.name,
                            "language": self.language,
                            "category": self.category.upper(),
                            "parameter_format": "NAMED",
                            "components": components,
                        }
                    )
            except GraphError as error:
                raise self._explain(error) from None
            except (ConnectFailed, UnknownOutcome) as error:
                raise UserError(
                    self.env._(
                        "Meta could not be reached. Try again, or synchronise the "
                        "templates to see whether it arrived. (%s)",
                        error,
                    )
                ) from None
        self._keep_submitted(content, answer)

    def _keep_submitted(self, content, answer):
        version = self.env["chaser.whatsapp.template.version"]._ensure_for(
            self, content
        )
        status = str(answer.get("status") or "PENDING").upper()
        self.sudo().write(
            {
                "version_id": version.id,
                "meta_id": str(answer.get("id") or self.meta_id or "") or False,
                "meta_content": describe(self._make_components(content)),
                "differs": False,
                "state": STATES.get(status, "pending"),
                "rejected_reason": False,
                "meta_words": False,
                "synced_at": fields.Datetime.now(),
            }
        )
        self._take_category(str(answer.get("category") or ""))

    def _explain(self, error):
        """Meta's refusal as a sentence."""
        words = self.env["chaser.reason.mixin"]._get_reason_text(
            error.sentence, {"detail": error.details}
        )
        return UserError(
            self.env._(
                "Meta did not take “%(name)s”. %(words)s",
                name=self.display_name,
                words=words or error.details,
            )
        )

    def _make_components(self, content, client=None):
        """The components of a create or edit request. With a client the sample of the
        header is uploaded."""
        components = []
        if content["header_kind"] == "text":
            components.append(
                {"type": "HEADER", "format": "TEXT", "text": content["header"]}
            )
        elif content["header_kind"] == "document":
            header = {"type": "HEADER", "format": "DOCUMENT"}
            if client is not None:
                handle = client.upload_sample(self._make_sample_pdf(), "Statement.pdf")
                header["example"] = {"header_handle": [handle]}
            components.append(header)
        samples = self._make_values(self._get_sample_data(), content["sources"])
        body = {"type": "BODY", "text": content["body"]}
        names = list(dict.fromkeys(VARIABLE.findall(content["body"])))
        if names:
            body["example"] = {
                "body_text_named_params": [
                    {"param_name": name, "example": samples[name]} for name in names
                ]
            }
        components.append(body)
        if content["footer"]:
            components.append({"type": "FOOTER", "text": content["footer"]})
        if content["button"]:
            example = content["url"].replace("{{1}}", "AbCdEfGhIjKlMnOpQrStUv")
            components.append(
                {
                    "type": "BUTTONS",
                    "buttons": [
                        {
                            "type": "URL",
                            "text": content["button"],
                            "url": content["url"],
                            "example": [example],
                        }
                    ],
                }
            )
        return components

    def _make_sample_pdf(self):
        """A statement of account with sample figures, for Meta's reviewers."""
        data = self._get_sample_data()
        statement = Statement(
            company=data.company,
            customer={"name": data.customer_name},
            items=(*data.items, *data.credits),
            today=data.today,
            payment_reference=data.payment_reference,
        )
        try:
            return pdf.make_pdf(statement_html(statement, (self.lang,)))
        except pdf.NoEngine:
            raise UserError(
                self.env._(
                    "The sample of the statement cannot be drawn without WeasyPrint. "
                    "Install it, or choose a header without a document."
                )
            ) from None

    # -- buttons

    def action_sync(self):
        """Ask Meta for the state of the templates of these accounts."""
        self.check_access("write")
        for account in self.provider_id:
            self._sync(account)
        return True

    def action_take_over(self):
        """The text that Meta has becomes ours."""
        for template in self.filtered("differs"):
            template.check_access("write")
            theirs = template.meta_content or {}
            template.write(
                {
                    "header_kind": theirs.get("header_kind") or "none",
                    "header_text": theirs.get("header") or False,
                    "body": theirs.get("body") or template.body,
                    "footer": theirs.get("footer") or False,
                    "button_text": theirs.get("button") or False,
                }
            )
            template._check_sources()
            version = self.env["chaser.whatsapp.template.version"]._ensure_for(
                template, template._make_content()
            )
            template.sudo().write({"version_id": version.id, "differs": False})
        return True

    def _check_sources(self):
        missing = self.variable_ids.filtered(lambda variable: not variable.source)
        if missing:
            raise UserError(
                self.env._(
                    "Choose what these variables of “%(name)s” are filled with, then "
                    "take it over: %(variables)s",
                    name=self.display_name,
                    variables=", ".join(missing.mapped("name")),
                )
            )

    def action_allow_marketing(self):
        """A manager lets it be sent as marketing."""
        self._check_manager()
        self.sudo().is_marketing_allowed = True

    def action_forbid_marketing(self):
        self._check_manager()
        self.sudo().is_marketing_allowed = False

    def _check_manager(self):
        self.check_access("write")
        if not self.env.user.has_group("invoice_chaser.group_chaser_manager"):
            raise UserError(self.env._("Only a manager decides on marketing messages."))

    def action_unpause(self):
        """Ask Meta to let a paused template go on."""
        self.ensure_one()
        self.check_access("write")
        try:
            with self.provider_id._get_whatsapp_client__() as client:
                client.unpause_template(self.meta_id)
        except GraphError as error:
            raise self._explain(error) from None
        except ConnectFailed as error:
            raise UserError(
                self.env._("Meta could not be reached: %s", error)
            ) from None
        self._sync(self.provider_id)

    def action_delete_at_meta(self):
        """Meta keeps the name blocked for 30 days."""
        self.ensure_one()
        self.check_access("unlink")
        try:
            with self.provider_id._get_whatsapp_client__() as client:
                client.delete_template(self.name, self.meta_id)
        except GraphError as error:
            raise self._explain(error) from None
        except ConnectFailed as error:
            raise UserError(
                self.env._("Meta could not be reached: %s", error)
            ) from None
        self._take_state("DELETED")


def describe(components):
    """What a customer sees of components, as plain values to compare: Meta returns them
    in another order and with further keys."""
    found = {
        "header_kind": "none",
        "header": "",
        "body": "",
        "footer": "",
        "button": "",
        "url": "",
    }
    for one in components:
        if not isinstance(one, dict):
            continue
        kind = str(one.get("type") or "").upper()
        text = str(one.get("text") or "")
        if kind == "HEADER":
            found["header_kind"] = str(one.get("format") or "").lower()
            found["header"] = text
        elif kind in ("BODY", "FOOTER"):
            found[kind.lower()] = text
        elif kind == "BUTTONS":
            buttons = one.get("buttons")
            first = buttons[0] if isinstance(buttons, list) and buttons else {}
            first = first if isinstance(first, dict) else {}
            found["button"] = str(first.get("text") or "")
            found["url"] = str(first.get("url") or "")
    return found
