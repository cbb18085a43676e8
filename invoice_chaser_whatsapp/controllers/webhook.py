import logging

from werkzeug.exceptions import RequestEntityTooLarge

from odoo import SUPERUSER_ID, http
from odoo.http import request

from odoo.addons.invoice_chaser.core.page.pages import get_headers

from ..core.webhook import MAX_BODY, SIGNATURE

_logger = logging.getLogger(__name__)


class WhatsappWebhook(http.Controller):
    """Where Meta reports. What is proven to be Meta's is kept as it came and responded
    to at once (Meta wants 250 ms); the rest is a scheduled job's."""

    @http.route(
        "/chaser/whatsapp/<token>",
        type="http",
        auth="none",
        methods=["GET", "POST"],
        save_session=False,
        csrf=False,
        readonly=False,
        # Also for a body that comes in chunks and does not say how long it is.
        max_content_length=MAX_BODY,
    )
    def receive(self, token, **params):
        http_request = request.httprequest
        if http_request.method == "GET":
            return self._answer_challenge(token, params)
        if http_request.method != "POST":  # OPTIONS, which Odoo lets through
            return self._respond(405)
        try:
            body = http_request.get_data(cache=False)
        except RequestEntityTooLarge:
            return self._respond(413)
        return self._respond(
            self._receive(token, body, http_request.headers.get(SIGNATURE))
        )

    def _answer_challenge(self, token, params):
        event = request.env(user=SUPERUSER_ID)["chaser.webhook.event"]
        challenge = event._answer_challenge(token, params)
        if challenge is None:
            return self._respond(403)
        return self._respond(200, challenge)

    def _receive(self, token, body, signature):
        """The status to respond with. On an error on our side Meta tries again, for
        seven days."""
        event = request.env(user=SUPERUSER_ID)["chaser.webhook.event"]
        try:
            return event._receive_whatsapp(token, body, signature)
        except Exception:
            _logger.info("A report of WhatsApp could not be taken", exc_info=True)
            request.env.cr.rollback()
            return 503

    def _respond(self, status, text=""):
        return request.make_response(
            text,
            [
                ("Content-Type", "text/plain; charset=utf-8"),
                *get_headers(),
            ],
            status=status,
        )
