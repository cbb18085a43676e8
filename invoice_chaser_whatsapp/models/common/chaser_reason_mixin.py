from odoo import api, models


class ChaserReasonMixin(models.AbstractModel):
    """What WhatsApp adds to the catalogue of reasons: the sentences of Meta's errors
    (``core/errors.py``), and why a customer is not written to by WhatsApp."""

    _inherit = "chaser.reason.mixin"

    @api.model
    def _get_reasons(self):
        return (
            super()._get_reasons()
            | self._get_whatsapp_account_reasons()
            | self._get_whatsapp_number_reasons()
            | self._get_whatsapp_check_reasons()
            | self._get_whatsapp_health_reasons()
            | self._get_whatsapp_well_reasons()
            | self._get_whatsapp_request_reasons()
            | self._get_whatsapp_message_reasons()
            | self._get_whatsapp_template_reasons()
            | self._get_whatsapp_person_reasons()
            | self._get_whatsapp_choice_reasons()
        )

    @api.model
    def _get_whatsapp_account_reasons(self):
        """What stops the account or the number."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "whatsapp_token": _(
                "Meta does not accept the token: make a new one for the system user "
                "and enter it on the mailbox. Meta said: %(detail)s"
            ),
            "whatsapp_permission": _(
                "The token lacks a right. The system user needs "
                "business_management, whatsapp_business_management and "
                "whatsapp_business_messaging. Meta said: %(detail)s"
            ),
            "whatsapp_locked": _(
                "Meta has blocked the WhatsApp account. Look at the account quality "
                "in the WhatsApp Manager and ask for a review there. Meta said: "
                "%(detail)s"
            ),
            "whatsapp_country": _(
                "Meta does not let this account write to the customer's country. "
                "Meta said: %(detail)s"
            ),
            "whatsapp_billing": _(
                "Meta asks for a valid means of payment: check the billing of the "
                "WhatsApp account. Meta said: %(detail)s"
            ),
            "whatsapp_display_name": _(
                "The number's display name is not approved yet. Meta said: %(detail)s"
            ),
        }

    @api.model
    def _get_whatsapp_number_reasons(self):
        """What stops the number, or keeps it from being changed."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "whatsapp_register": _(
                "The number is not registered: press Register on the mailbox. Meta "
                "said: %(detail)s"
            ),
            "whatsapp_spam": _(
                "Meta has stopped the number, because too many people blocked or "
                "reported it. Look at its quality in the WhatsApp Manager before "
                "anything more is sent. Meta said: %(detail)s"
            ),
            "whatsapp_utility_misuse": _(
                "Meta limits utility templates of this account, because it took some "
                "of them for advertising. Meta said: %(detail)s"
            ),
            "whatsapp_marketing_off": _(
                "Marketing messages are switched off for this account. Meta said: "
                "%(detail)s"
            ),
            "whatsapp_slower": _("Meta asks to slow down. It said: %(detail)s"),
            "whatsapp_number": _(
                "Meta does not accept the change of the number. It said: %(detail)s"
            ),
            "whatsapp_pin": _(
                "The PIN is wrong: it is the one of the number's two-step "
                "verification. Meta said: %(detail)s"
            ),
            "whatsapp_pin_guesses": _(
                "The PIN was wrong too often or too fast; wait before the next try. "
                "Meta said: %(detail)s"
            ),
            "whatsapp_wait_minutes": _(
                "The number was changed just now; try again in five minutes. Meta "
                "said: %(detail)s"
            ),
            "whatsapp_too_many_tries": _(
                "The number was registered too often within 72 hours; try again when "
                "they are over. Meta said: %(detail)s"
            ),
        }

    @api.model
    def _get_whatsapp_check_reasons(self):
        """What *Test Connection* and the daily look find (``core/health.py``)."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "whatsapp_check_token_invalid": _(
                "The token is not valid any more: make a new one for the system user "
                "and enter it."
            ),
            "whatsapp_check_scopes": _("The token lacks these rights: %(detail)s"),
            "whatsapp_check_other_app": _(
                "The token belongs to another app, with the ID %(detail)s: enter that "
                "ID, or a token of this app."
            ),
            "whatsapp_check_token_ends": _(
                "The token ends on %(date)s. A system user's token can be made without "
                "an end."
            ),
            "whatsapp_check_register": _(
                "The number is not registered for the Cloud API (Meta: %(detail)s): "
                "press Register."
            ),
            "whatsapp_check_verify": _(
                "The number is not verified (Meta: %(detail)s): verify it in the "
                "WhatsApp Manager."
            ),
            "whatsapp_check_flagged": _(
                "Meta has flagged the number (%(detail)s): its quality is low, and "
                "its limit may fall."
            ),
            "whatsapp_check_restricted": _(
                "Meta restricts the number (%(detail)s): it has reached its limit or "
                "its quality is low. See the WhatsApp Manager."
            ),
            "whatsapp_check_banned": _("Meta has banned the number (%(detail)s)."),
            "whatsapp_check_gone": _(
                "The number is not in this account any more (%(detail)s)."
            ),
            "whatsapp_check_status": _("The number cannot send: Meta says %(detail)s."),
        }

    @api.model
    def _get_whatsapp_health_reasons(self):
        """What *Test Connection* finds about quality, health and reports."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "whatsapp_check_name": _(
                "The display name is not approved (%(detail)s). Customers see the "
                "number alone, and Meta may stop it."
            ),
            "whatsapp_check_quality_yellow": _(
                "The quality is medium: some customers blocked or reported the number "
                "lately."
            ),
            "whatsapp_check_quality_red": _(
                "The quality is low: many customers blocked or reported the number "
                "lately. Send to those only who expect it, before Meta lowers the "
                "limit or stops templates."
            ),
            "whatsapp_check_limit_unknown": _(
                "Meta does not say how many people the number may write to; 250 in 24 "
                "hours are assumed."
            ),
            "whatsapp_check_account": _(
                "The WhatsApp Business account cannot be read; check its ID and the "
                "token's rights. Meta said: %(detail)s"
            ),
            "whatsapp_check_other_account": _(
                "The phone number ID is none of this WhatsApp Business account: enter "
                "both as Meta shows them together under WhatsApp ▸ API Setup."
            ),
            "whatsapp_check_health_number": _(
                "About the number, Meta says: %(detail)s"
            ),
            "whatsapp_check_health_account": _(
                "About the WhatsApp Business account, Meta says: %(detail)s"
            ),
            "whatsapp_check_health_business": _(
                "About the business portfolio, Meta says: %(detail)s"
            ),
            "whatsapp_check_health_app": _("About the app, Meta says: %(detail)s"),
            "whatsapp_check_health_other": _("Meta says: %(detail)s"),
            "whatsapp_check_not_subscribed": _(
                "Meta does not send its reports to this app yet: press Subscribe "
                "Reports. Without them nobody learns what was delivered."
            ),
            "whatsapp_check_no_proof": _(
                "App secret and verify token are missing: without them reports of "
                "Meta are refused."
            ),
        }

    @api.model
    def _get_whatsapp_well_reasons(self):
        """What *Test Connection* finds in order."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "whatsapp_check_ok_number": _(
                "The number %(detail)s is connected; customers see the name “%(name)s”."
            ),
            "whatsapp_check_ok_quality": _(
                "The quality is high: customers do not mind the messages."
            ),
            "whatsapp_check_ok_limit": _(
                "All numbers of the business portfolio together may write to "
                "%(detail)s people in 24 hours."
            ),
            "whatsapp_check_ok_no_limit": _(
                "There is no limit to how many people the number may write to."
            ),
            "whatsapp_check_ok_health": _(
                "Number, account, business and app are ready to send."
            ),
            "whatsapp_check_ok_token": _(
                "The token has all rights that are needed, and it does not end."
            ),
            "whatsapp_check_ok_token_until": _(
                "The token has all rights that are needed, and it ends on %(date)s."
            ),
            "whatsapp_check_ok_reports": _(
                "Meta sends its reports to this app, and they can be proven."
            ),
        }

    @api.model
    def _get_whatsapp_message_reasons(self):
        """What stops one message."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "whatsapp_pair": _(
                "Too many messages to this customer in a short time; goes on by "
                "itself. Meta said: %(detail)s"
            ),
            "whatsapp_not_now": _(
                "WhatsApp keeps this message from the customer for now, to protect "
                "them from too many messages of businesses; not before tomorrow "
                "again. Meta said: %(detail)s"
            ),
            "whatsapp_person_stopped": _(
                "The customer wants no messages of this kind by WhatsApp. Meta said: "
                "%(detail)s"
            ),
            "whatsapp_undeliverable": _(
                "WhatsApp cannot deliver to this number: it has no WhatsApp, an old "
                "app, or belongs to a business that takes no messages. Meta said: "
                "%(detail)s"
            ),
            "whatsapp_window_closed": _(
                "The customer wrote last more than 24 hours ago: only a template may "
                "be sent. Meta said: %(detail)s"
            ),
            "whatsapp_own_number": _(
                "The customer's number is the number that sends. Correct it on the "
                "customer. Meta said: %(detail)s"
            ),
            "whatsapp_test_list": _(
                "This is Meta's test number, which sends to the numbers on its list "
                "only. Add the customer's number there, or use a number of your own. "
                "Meta said: %(detail)s"
            ),
            "whatsapp_user_id_refused": _(
                "Meta does not take this customer's user id here; enter their phone "
                "number. Meta said: %(detail)s"
            ),
        }

    @api.model
    def _get_whatsapp_request_reasons(self):
        """What is wrong with a message itself."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "whatsapp_message_type": _(
                "Meta does not take this kind of message. It said: %(detail)s"
            ),
            "whatsapp_file": _(
                "Meta could not take the statement's PDF, not at the second try "
                "either. It said: %(detail)s"
            ),
            "whatsapp_temporary": _("Meta has a problem right now: %(detail)s"),
            "whatsapp_request": _(
                "Meta refuses the message as it was made. It said: %(detail)s"
            ),
            "whatsapp_configure": _(
                "Meta refuses the message because of a setting. It said: %(detail)s"
            ),
            "whatsapp_unknown": _(
                "Meta refuses the message with an error that Invoice Chaser does not "
                "know. It said: %(detail)s"
            ),
            "whatsapp_empty": _(
                "The WhatsApp template has variables without a value for this "
                "customer: %(detail)s"
            ),
            "whatsapp_too_long": _(
                "With this customer's values the text is longer than WhatsApp allows: "
                "template %(detail)s"
            ),
            "whatsapp_no_statement": _(
                "The WhatsApp template %(detail)s wants the statement as a PDF, which "
                "could not be made. Without a PDF engine use a template whose header "
                "is a text, or none."
            ),
            "whatsapp_arrived": _(
                "WhatsApp reported that it was not delivered, and then that it was: "
                "it does not go by another channel."
            ),
            "whatsapp_failed_late": _(
                "WhatsApp reports that the message was not delivered: %(detail)s"
            ),
        }

    @api.model
    def _get_whatsapp_template_reasons(self):
        """What stops a template, and so each message that uses it."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "whatsapp_template_changed": _(
                "The template was changed at Meta and has other variables now; "
                "synchronise the templates. Meta said: %(detail)s"
            ),
            "whatsapp_template_long": _(
                "The text with this customer's values is too long for the template. "
                "Meta said: %(detail)s"
            ),
            "whatsapp_template_missing": _(
                "Meta does not know the template in this language, or has not "
                "approved it; synchronise the templates. Meta said: %(detail)s"
            ),
            "whatsapp_template_policy": _(
                "Meta refuses the template's text. It said: %(detail)s"
            ),
            "whatsapp_template_paused": _(
                "Meta has paused the template, because customers gave it bad marks; "
                "it goes on when Meta approves it again. Meta said: %(detail)s"
            ),
            "whatsapp_template_disabled": _(
                "Meta has disabled the template for good: make another one. Meta "
                "said: %(detail)s"
            ),
            "whatsapp_template_form": _(
                "Meta does not take the template as it was entered: %(detail)s"
            ),
        }

    @api.model
    def _get_whatsapp_person_reasons(self):
        """Why somebody cannot be written to by WhatsApp."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "whatsapp_no_number": _(
                "No WhatsApp number. Enter one on the customer's page Chasing."
            ),
            "whatsapp_no_opt_in": _(
                "No consent to messages by WhatsApp. Enter it on the customer's page "
                "Chasing, with its date and words."
            ),
            "whatsapp_opted_out": _("Wants no messages by WhatsApp. %(detail)s"),
            "whatsapp_resting": _(
                "WhatsApp keeps messages from this customer for now, to protect them "
                "from too many; nothing is tried for a day."
            ),
            "whatsapp_blocked": _("The WhatsApp number is blocked. %(detail)s"),
        }

    @api.model
    def _get_whatsapp_choice_reasons(self):
        """Why no template can be used."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "whatsapp_no_account": _("No WhatsApp number of the company is connected."),
            "whatsapp_no_template": _(
                "There is no WhatsApp template for this level and language."
            ),
            "whatsapp_not_submitted": _(
                "The WhatsApp template was not submitted to Meta yet."
            ),
            "whatsapp_not_approved": _(
                "Meta has not approved the WhatsApp template yet."
            ),
            "whatsapp_rejected": _("Meta has rejected the WhatsApp template."),
            "whatsapp_paused": _(
                "Meta has paused the WhatsApp template because customers gave it bad "
                "marks."
            ),
            "whatsapp_disabled": _(
                "Meta has disabled the WhatsApp template, or has it no more."
            ),
            "whatsapp_marketing": _(
                "Meta counts the WhatsApp template as marketing, which costs several "
                "times as much. A manager can allow it on the template."
            ),
            "whatsapp_utility_stopped": _(
                "Meta has stopped utility templates of the account: see the mailbox, "
                "under What Meta Says."
            ),
            "whatsapp_differs": _(
                "The text of the WhatsApp template was changed at Meta. Take it over "
                "on the template, or submit ours again."
            ),
        }
