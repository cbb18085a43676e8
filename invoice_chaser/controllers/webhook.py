import logging

from werkzeug.exceptions import RequestEntityTooLarge

from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..core.mail.webhooks import WebhookRequest
from ..core.mail.webhooks.base import MAX_BODY
from ..core.page.pages import get_headers

_logger = logging.getLogger(__name__)


class ChaserWebhook(http.Controller):
    """Where mail services report. Takes what is proven to be theirs and responds at
    once; the rest is a scheduled job's."""

    @http.route(
        "/chaser/webhook/<service>/<token>",
        type="http",
        auth="none",
        methods=["POST"],
        save_session=False,
        csrf=False,
        readonly=False,
        # Also for a body that comes in chunks and does not say how long it is.
        max_content_length=MAX_BODY,
    )
    def receive(self, service, token, **_params):
        http_request = request.httprequest
        if http_request.method != "POST":  # OPTIONS, which Odoo lets through
            return self._answer(405)
        try:
            body = http_request.get_data()
        except RequestEntityTooLarge:
            return self._answer(413)
        headers = {name.lower(): value for name, value in http_request.headers.items()}
        return self._answer(
            self._process_report(service, token, WebhookRequest(body, headers))
        )

    def _process_report(self, service, token, webhook_request):
        """The status to respond with. On an error on our side the service is told to
        try again."""
        try:
            return request.env(user=SUPERUSER_ID)["chaser.webhook.event"]._receive(
                service, token, webhook_request
            )
        except Exception:
            _logger.info("A report of a mail service could not be taken", exc_info=True)
            request.env.cr.rollback()
            return 503

    def _answer(self, status):
        return request.make_response(
            "",
            [
                ("Content-Type", "text/plain; charset=utf-8"),
                *get_headers(),
            ],
            status=status,
        )
