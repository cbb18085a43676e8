import logging

from odoo import http
from odoo.exceptions import AccessError
from odoo.http import request

from ..core.mail.oauth import CALLBACK, ConsentProblem
from ..core.page.pages import get_headers
from ..core.status.tracking import mask_tokens
from .tracking import MAX_SMALL

_HEADERS = get_headers("frame-ancestors 'none'")
_MAILBOXES = "/odoo/action-invoice_chaser.chaser_provider_action"
_logger = logging.getLogger(__name__)


class _NoSecrets(logging.Filter):
    """Takes code and state, and the tokens of links, out of the access log of Odoo's
    own server. A proxy before it has a log of its own (docs/mailboxes.md)."""

    def filter(self, record):
        message = record.getMessage()
        if CALLBACK in message:
            record.msg, record.args = f"GET {CALLBACK} (query not logged)", None
        elif (masked := mask_tokens(message)) != message:
            record.msg, record.args = masked, None
        return True


logging.getLogger("werkzeug").addFilter(_NoSecrets())


class ChaserOauth(http.Controller):
    """Where Google and Microsoft send the person back to. Not ``auth="user"``: a
    redirect to the login page would carry the code in its address."""

    @http.route(
        CALLBACK,
        type="http",
        auth="public",
        methods=["GET"],
        readonly=False,
        save_session=False,
        sitemap=False,
        max_content_length=MAX_SMALL,
    )
    def callback(self, **params):
        pending = None
        try:
            pending = self._find(params)
            provider = (
                pending.provider_id.with_user(request.env.user)
                .with_company(pending.company_id)
                .sudo(False)
            )
            provider = provider.with_context(allowed_company_ids=pending.company_id.ids)
            self._check_rights(provider, pending)
            provider._finish_consent(
                pending, {name: str(value) for name, value in params.items()}
            )
        except ConsentProblem as problem:
            _logger.info("A consent was not taken: %s", problem.code)
            return self._answer(problem, pending)
        response = request.redirect(self._get_form_url(provider))
        response.headers.extend(_HEADERS)
        return response

    def _find(self, params):
        if request.env.user._is_public():
            raise ConsentProblem("not_signed_in")
        Request = request.env["chaser.oauth.request"]
        pending = Request._read_state(params.get("state"))
        pending._check_asker(
            request.env.user, request.env["chaser.provider"]._get_session_key()
        )
        return pending

    def _check_rights(self, provider, pending):
        """Checks the rights of now, not those when Connect was pressed."""
        try:
            if pending.company_id not in request.env.user.company_ids:
                raise ConsentProblem("no_access")
            provider.check_access("write")
        except AccessError:
            raise ConsentProblem("no_access") from None

    def _answer(self, problem, pending):
        words = request.env["chaser.provider"].sudo()._describe_consent_problem(problem)
        outside = problem.code in ("no_access", "not_signed_in")
        back = (
            "/odoo"
            if outside
            else self._get_form_url(pending.provider_id)
            if pending
            else _MAILBOXES
        )
        lang = request.env["res.lang"]._get_data(code=request.env.lang or "en_US")
        page = {
            "lang": (lang.iso_code or "en").replace("_", "-"),
            "dir": lang.direction or "ltr",
            "back": back,
            "outside": outside,
            **words,
        }
        response = request.render("invoice_chaser.chaser_oauth_page", page, status=400)
        response.headers.extend(_HEADERS)
        return response

    def _get_form_url(self, provider):
        return f"{_MAILBOXES}/{provider.id}"
