import logging

import psycopg2

from odoo import api, models
from odoo.tools import email_split

from ...core.inbound import inbound

_logger = logging.getLogger(__name__)


class MailThread(models.AbstractModel):
    """Odoo's mail gateway: replies to reminders, and reports that one did not arrive,
    are handled here."""

    _inherit = "mail.thread"

    @api.model
    def message_route(
        self, message, message_dict, model=None, thread_id=None, custom_values=None
    ):
        """An answer to a reminder goes the way of ``chaser.inbound``, not also into the
        chatter by Odoo; other addressees of the mail (the alias of a help desk in copy)
        get it as always."""
        if message_dict.get("is_bounce"):
            return super().message_route(
                message, message_dict, model, thread_id, custom_values
            )
        recipients = [
            address.lower()
            for address in email_split(message_dict.get("recipients") or "")
        ]
        has_alias = bool(
            self.env["mail.alias"]
            .sudo()
            .search_count([("alias_full_name", "in", recipients)], limit=1)
        )
        has_way = has_alias or bool(message_dict.get("parent_id"))
        taken = self.env["chaser.inbound"]._process_gateway_mail(
            message, only_certain=has_way
        )
        if taken and not has_alias:
            self._routing_reset_bounce(message, message_dict)
            return []
        routes = super().message_route(
            message, message_dict, model, thread_id, custom_values
        )
        return [route for route in routes if not taken or self._is_alias_route(route)]

    @api.model
    def _is_alias_route(self, route):
        """Whether a route comes from an alias of its own, and not from the message that
        is answered."""
        _model, thread_id, _values, _user_id, alias = route
        return bool(alias) and (thread_id or 0) == alias.sudo().alias_force_thread_id

    @api.model
    def _routing_handle_bounce(self, email_message, message_dict):
        result = super()._routing_handle_bounce(email_message, message_dict)
        self.env["chaser.inbound"]._process_gateway_mail(email_message)
        return result


class ChaserInbound(models.Model):
    _inherit = "chaser.inbound"  # pylint: disable=consider-merging-classes-inherited  # mail that comes in

    @api.model
    def _process_gateway_mail(self, mail, only_certain=False):
        """Whether a mail that Odoo received concerns a reminder; it is taken in then.
        Never stops the gateway.

        :param only_certain: Odoo knows a way for the mail, so that nothing but our own
        reference or token makes it ours
        """
        self.env.cr.flush()  # errors of what the gateway has written are the gateway's
        try:
            with self.env.cr.savepoint():
                return self.sudo()._sort_gateway_mail(inbound.read(mail), only_certain)
        except psycopg2.OperationalError:
            raise  # a conflict: whoever called repeats the whole mail
        except Exception:
            _logger.exception(
                "A mail of the gateway could not be taken in; Odoo goes on with it"
            )
            return False

    @api.model
    def _sort_gateway_mail(self, found, only_certain):
        matcher = self.env["chaser.inbound.matcher"]
        reminder = matcher._match_references(
            None, found.references
        ) or matcher._match_tokens(None, found.tokens)
        company = reminder.company_id or (
            self.env["res.company"]
            if only_certain
            else self._get_gateway_company(found)
        )
        if not company:
            return False
        if self._is_known(company, found.key) or self._receive(company, found):
            return True
        # A receipt and its like ends here. Our own mail goes Odoo's way.
        return bool(reminder) and not matcher._is_own(company, found, reminder)

    @api.model
    def _get_gateway_company(self, found):
        """The company of a mail that names no reminder: the one it was sent to that has
        written to its sender. One address may serve several companies; where two have
        written to the sender, only an invoice number decides, and nothing is
        guessed."""
        people = [
            found.sender,
            *(address for failure in found.failures for address in failure.addresses),
        ]
        matcher = self.env["chaser.inbound.matcher"]
        companies = self._get_addressed_companies(found.recipients).filtered(
            lambda company: matcher._is_written_to(company, people)
        )
        if len(companies) > 1:
            companies = companies.filtered(
                lambda company: matcher._match(company, found)[0]
            )
        return companies if len(companies) == 1 else companies.browse()

    @api.model
    def _get_addressed_companies(self, recipients):
        """Those with an address among the recipients: catchall, bounce address, or a
        mailbox that reminders leave from."""
        recipients = set(recipients)
        providers = self.env["chaser.provider"].sudo().search([])  # pylint: disable=no-search-all  # they are few
        named = providers.filtered(
            lambda provider: recipients
            & {(provider.email or "").lower(), (provider.reply_to or "").lower()}
        ).company_id
        return named | self.env["res.company"].sudo().search([]).filtered(  # pylint: disable=no-search-all  # they are few
            lambda company: recipients
            & (
                {
                    (company.catchall_email or "").lower(),
                    (company.bounce_email or "").lower(),
                }
                - {""}
            )
        )
