from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import hash_sign, verify_hash_signed

from ..core.customer_answers import ACTIONS, Frame
from ..core.customer_page import PageData, PageItem, Said
from ..core.tracking import new_token, valid_token
from .chaser_campaign_plan import PAID_STATES

_FORM_HOURS = 24
_SCOPE = "invoice_chaser.customer_page"


class ChaserReminder(models.Model):
    """The customer's page of a reminder: its address, what it shows, and the signed keys of its forms. Reading changes nothing.

    The page has a token of its own. The one of pixel and links is in every image address and goes through image proxies and link
    scanners; with it nobody can act.
    """

    _inherit = "chaser.reminder"

    page_token = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS, default=lambda self: new_token())

    _page_token_uniq = models.UniqueIndex("(page_token) WHERE page_token IS NOT NULL")

    @api.model
    def _get_page_path(self, page_token):
        return f"/chaser/p/{page_token}"

    def _get_page_url(self, base_url=None, page_token=None):
        """Address of the customer's page: of this reminder, or of the one whose ``page_token`` is given."""
        if not page_token:
            self.ensure_one()
            reminder = self.sudo()
            if not reminder.page_token:
                reminder.page_token = new_token()
            page_token = reminder.page_token
        return f"{self.get_base_url() if base_url is None else base_url}{self._get_page_path(page_token)}"

    # -- reading; as superuser, with a token from an address

    @api.model
    def _find_by_page_token(self, page_token):
        """The reminder behind a page; empty for an unknown, expired or unsent one."""
        if not valid_token(page_token):
            return self.browse()
        reminder = self.search([("page_token", "=", page_token), ("state", "in", ("sending", "sent", "failed"))], limit=1)
        sent = reminder.sent_at or reminder.attempted_at
        days = reminder.company_id.chaser_link_days
        if not sent or (days and sent + timedelta(days=days) < fields.Datetime.now()):
            return self.browse()
        return reminder.with_company(reminder.company_id)

    def _get_page_lang(self, wanted=""):
        self.ensure_one()
        return wanted if wanted in ("en", "ar") else "ar" if self.language in ("ar", "both") else "en"

    def _get_page_data(self, lang, done=0, **shown):
        """Everything that the page shows.

        :param done: id of the answer that was just given; foreign ones are ignored
        :param shown: further values of ``PageData`` (``problem``, ``problem_action``, ``entered``, ``ticked``)
        """
        self.ensure_one()
        answers = self.env["chaser.answer"].search([("reminder_id", "=", self.id)], order="id")
        company, token = self.company_id, self.page_token
        return PageData(
            path=self._get_page_path(token), lang=lang, company=self.env["chaser.provider"]._get_company_data(company),
            customer_name=self.partner_id.name or "", sent_on=self._get_local_day(self.sent_at or self.attempted_at),
            today=company._get_chaser_today(), items=tuple(self._get_page_items()), promise_days=company.chaser_promise_days,
            forms={action: self._make_form_key(action) for action in ACTIONS}, said=tuple(self._describe_answer(answer) for answer in answers),
            done=answers.filtered(lambda answer: answer.id == done).action or "", **shown)

    def _get_local_day(self, moment):
        return fields.Datetime.context_timestamp(self.with_context(tz=self.company_id._get_chaser_tz()), moment).date()

    def _describe_answer(self, answer):
        text = answer.proposed_email if answer.action == "contact" else (answer.text or "")
        return Said(
            answer.action, self._get_local_day(answer.answered_at), text, answer.date_promised or None, Decimal(str(answer.amount)),
            answer.currency_id.name or "", answer.currency_id.decimal_places or 0)

    def _get_page_lines(self):
        """The lines of the message, items before credits, whatever became of them since; without what was left out of it."""
        return self.line_ids.filtered(lambda line: line.move_line_id and not line.dropped_code)

    def _get_page_moves(self):
        """The invoices by position from 1, as the page numbers them."""
        return self._get_page_lines().filtered(lambda line: not line.is_credit).move_id

    def _get_page_items(self):
        lines = self._get_page_lines()
        moves, online = self._get_page_moves().ids, self._can_pay_online()
        for line in lines:
            item, move = line.move_line_id, line.move_id
            if line.is_credit and item.reconciled:
                continue
            yield PageItem(
                line.number or move.name or "", 0 if line.is_credit else moves.index(move.id) + 1, line.date_maturity or None,
                Decimal(str(item.amount_residual_currency)), line.currency_id.name, line.currency_id.decimal_places,
                "open" if line.is_credit else self._get_item_state(item), move.chaser_promise_date or None, line.is_credit,
                **self._get_page_links(move, online and not line.is_credit))

    def _get_item_state(self, item):
        move = item.move_id
        if item.parent_state != "posted" or item.reconciled or item.amount_residual_currency <= 0 or move.payment_state in PAID_STATES:
            return "paid"
        if move.chaser_dispute_reason or move.payment_state == "blocked":
            return "review"
        promised = move.chaser_promise_date
        return "promised" if promised and promised >= self.company_id._get_chaser_today() else "open"

    def _get_page_links(self, move, online):
        """Odoo's own pages of an invoice, with its own token, which the message contained, too. None is made here: reading changes nothing."""
        if not move.access_token or move.state != "posted":
            return {}
        url = f"/my/invoices/{move.id}?access_token={move.access_token}"
        payable = online and move._has_to_be_paid()
        return {"view_url": url, "pdf_url": f"{url}&report_type=pdf&download=true", "pay_url": f"{url}&payment=1" if payable else ""}

    def _can_pay_online(self):
        """Whether online payment is installed and a payment service is on for the company."""
        if "payment.provider" not in self.env or not hasattr(self.env["account.move"], "_has_to_be_paid"):
            return False
        company = self.company_id
        return bool(self.env["payment.provider"].search_count(
            [("state", "in", ("enabled", "test")), ("company_id", "parent_of", company.id)], limit=1))

    def _get_page_frame(self):
        """What an answer is checked against."""
        totals = {}
        for item in self._get_page_items():
            if item.state != "paid":
                totals[item.currency] = totals.get(item.currency, Decimal(0)) + item.residual
        return Frame(
            len(self._get_page_moves()), {name: amount for name, amount in totals.items() if amount > 0},
            self.company_id._get_chaser_today(), self.company_id.chaser_promise_days)

    def _get_open_page_moves(self):
        return self._get_page_lines().filtered(
            lambda line: not line.is_credit and self._get_item_state(line.move_line_id) != "paid").move_id

    # -- the key of a form: signed, for one action of one page, for a day, good once

    def _make_form_key(self, action):
        return hash_sign(self.env, _SCOPE, [self.id, action, new_token()], expiration_hours=_FORM_HOURS)

    def _check_form_key(self, action, key):
        """Whether the key is ours, for this page and action, and not expired."""
        try:
            payload = verify_hash_signed(self.env, _SCOPE, (key or "")[:400])
        except Exception:  # whatever somebody made up: no base64, no UTF-8, no JSON, too short
            return False
        return isinstance(payload, list) and payload[:2] == [self.id, action]

    @api.model
    def _set_patience(self, lock, statement):
        """How long a public request waits for the database (milliseconds)."""
        self.env.cr.execute(SQL("SET LOCAL lock_timeout = %s; SET LOCAL statement_timeout = %s", lock, statement))
