import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core.errors import ConnectFailed, GraphError
from .chaser_whatsapp_template_meta import CATEGORIES, STATES, describe

_logger = logging.getLogger(__name__)
# What is older is asked for again before a campaign: somebody may have edited a
# template in Meta's own manager.
_FRESH = timedelta(hours=1)


class ChaserWhatsappTemplate(models.Model):
    """What Meta says about a template after it was submitted: by its reports, and when
    it is asked."""

    _inherit = "chaser.whatsapp.template"  # pylint: disable=consider-merging-classes-inherited  # what Meta reports

    def _take_category(self, category, coming=False):
        """Meta decides the category. One that is not utility stops the template until a
        manager allows it."""
        category = _read_category(category)
        if not category:
            return
        before = self.meta_category
        self.sudo().write(
            {"meta_category": category, "coming_category": _read_category(coming)}
        )
        if category != "utility" and before != category:
            self.sudo().is_marketing_allowed = False
            self._tell_manager(
                lambda one: one.env._("WhatsApp template counted as marketing"),
                lambda one: one.env._(
                    "Meta counts “%s” as marketing, which costs several times as much "
                    "as a utility message. Nothing is sent with it until a manager "
                    "allows it on the template.",
                    self.display_name,
                ),
            )

    @api.model
    def _read_quality(self, score):
        """A score of Meta's; False for what is none that we know."""
        word = str(score or "").upper()
        return word if word in dict(self._fields["quality"].selection) else False

    def _take_state(self, status, reason="", words=""):
        state = STATES.get(status.upper())
        if not state:
            return  # a state that did not exist when this was written
        changed = state != self.state
        self.sudo().write(
            {
                "state": state,
                "rejected_reason": (reason or "").upper()
                if state in ("rejected", "disabled", "flagged")
                else False,
                "meta_words": words or False,
            }
        )
        if changed and state in ("rejected", "paused", "disabled", "flagged"):
            self._tell_manager(
                lambda one: one.env._(
                    "WhatsApp template: %s",
                    dict(self._fields["state"]._description_selection(one.env))[state],
                ),
                lambda one: "\n".join(
                    filter(
                        None,
                        (
                            self.display_name,
                            self.with_env(one.env).state_words,
                            words,
                        ),
                    )
                ),
            )

    def _tell_manager(self, summary, note):
        """An activity on the account, where a manager sees it."""
        self.provider_id.sudo()._tell_manager(summary, note)

    @api.model
    def _process_event(self, account, field, value):
        """One change of the webhook about a template. As superuser; returns the
        template, empty when it is none of ours.

        :param field: ``message_template_status_update`` and the like
        :param value: as it came
        """
        template = self._find(account, value)
        if not template:
            return template
        if field == "message_template_status_update":
            template._take_state(
                str(value.get("event") or ""),
                str(value.get("reason") or ""),
                _read_words(value),
            )
            template._take_category(str(value.get("message_template_category") or ""))
        elif field == "message_template_quality_update":
            template.quality = template._read_quality(value.get("new_quality_score"))
        elif field == "template_category_update":
            # Announced: ``new_category`` is the present one (Meta's own naming).
            template._take_category(
                str(value.get("new_category") or ""),
                str(value.get("correct_category") or ""),
            )
        elif field == "message_template_components_update":
            template.synced_at = False
        return template

    @api.model
    def _find(self, account, value):
        """By Meta's id, else by name and language, which webhooks spell ``en-US``."""
        own = [("provider_id", "=", account.id)]
        meta_id = str(value.get("message_template_id") or "")
        found = self.with_context(active_test=False)
        template = meta_id and found.search([*own, ("meta_id", "=", meta_id)], limit=1)
        return template or found.search(
            [
                *own,
                ("name", "=", str(value.get("message_template_name") or "")),
                (
                    "language",
                    "=",
                    str(value.get("message_template_language") or "").replace("-", "_"),
                ),
            ],
            limit=1,
        )

    # -- synchronising

    @api.model
    def _sync(self, account):
        """Reads the account's templates at Meta: states, categories, and whether their
        texts are still ours.

        :raises UserError: when Meta cannot be asked
        """
        try:
            with account._get_whatsapp_client__() as client:
                rows = list(client.list_templates())
        except GraphError as error:
            raise UserError(
                self.env["chaser.reason.mixin"]._get_reason_text(
                    error.sentence, {"detail": error.details}
                )
                or error.details
            ) from None
        except ConnectFailed as error:
            raise UserError(
                self.env._("Meta could not be reached: %s", error)
            ) from None
        by_key = {
            (str(row.get("name")), str(row.get("language")).replace("-", "_")): row
            for row in rows
        }
        templates = self.with_context(active_test=False).search(
            [("provider_id", "=", account.id)]
        )
        for template in templates:
            template._take_row(by_key.get((template.name, template.language)))
        return templates

    def _take_row(self, row):
        """What a list of Meta's says about this template; None: it is not in it."""
        if row is None:
            self.sudo().synced_at = fields.Datetime.now()
            if self.meta_id and self.state != "deleted":
                self._take_state("DELETED")
            return
        components = row.get("components")
        theirs = describe(components if isinstance(components, list) else [])
        ours = self.version_id and describe(
            self._make_components(self.version_id.content)
        )
        quality = row.get("quality_score")
        self.sudo().write(
            {
                "meta_id": str(row.get("id") or "") or self.meta_id,
                "meta_content": theirs,
                "differs": bool(ours) and ours != theirs,
                "quality": self._read_quality(
                    quality.get("score") if isinstance(quality, dict) else None
                ),
                "synced_at": fields.Datetime.now(),
            }
        )
        if not self.version_id:
            # It was made at Meta under this name: ours is a draft of an edit.
            self.sudo().differs = True
        self._take_state(
            str(row.get("status") or ""), str(row.get("rejected_reason") or "")
        )
        self._take_category(
            str(row.get("category") or ""),
            ""
            if str(row.get("correct_category") or "").upper()
            in ("", str(row.get("category") or "").upper())
            else str(row["correct_category"]),
        )

    @api.model
    def _ensure_fresh(self, account):
        """Before a campaign: what was read longer than an hour ago is read again. When
        Meta cannot be asked, what is known counts."""
        oldest = fields.Datetime.now() - _FRESH
        submitted = self.search(
            [("provider_id", "=", account.id), ("state", "!=", "draft")]
        )
        if all(one.synced_at and one.synced_at > oldest for one in submitted):
            return
        try:
            self._sync(account)
        except UserError as error:
            _logger.info("WhatsApp templates could not be read: %s", error)


def _read_category(word):
    """Our key of one of Meta's categories; False without a word."""
    key = (word or "").lower()
    return key and (key if key in dict(CATEGORIES) else "other") or False


def _read_words(value):
    """What Meta adds in its own words to a change of state."""
    words = []
    for name in ("rejection_info", "other_info", "disable_info"):
        info = value.get(name)
        if isinstance(info, dict):
            words += [str(text) for text in info.values() if isinstance(text, str)]
    return "\n".join(words)[:1000]
