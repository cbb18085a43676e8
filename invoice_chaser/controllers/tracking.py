import base64
import logging

from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..core.page import pages
from ..core.page.pages import PLAIN_POLICY, get_headers
from ..core.status.tracking import valid_token

_logger = logging.getLogger(__name__)
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
# Nothing that these routes take is larger.
MAX_SMALL = 1 << 16
_QUIET = {
    "auth": "none",
    "save_session": False,
    "csrf": False,
    "readonly": False,
    "max_content_length": MAX_SMALL,
}


class ChaserTracking(http.Controller):
    """Public routes of the mails. They respond to every request, set no cookie, and
    lead only to links of the mail itself."""

    @http.route(
        ["/chaser/o/<name>", "/chaser/o/<path:name>"],
        type="http",
        methods=["GET", "HEAD"],
        **_QUIET,
    )
    def open_pixel(self, name, **_params):
        token = name.removesuffix(".gif")
        if valid_token(token):
            self._note(token, "opened")
        return request.make_response(
            PIXEL, [("Content-Type", "image/gif"), *get_headers()]
        )

    @http.route(
        "/chaser/c/<token>/<int:position>",
        type="http",
        methods=["GET", "HEAD"],
        **_QUIET,
    )
    def click(self, token, position, **_params):
        target = (
            self._note(token, "clicked", position)
            if valid_token(token) and position < 10_000
            else None
        )
        if not target:
            return self._page(pages.invalid_page())
        response = request.redirect(target, code=302, local=False)
        for name, value in get_headers():
            response.headers[name] = value
        return response

    @http.route("/chaser/u/<token>", type="http", methods=["GET", "HEAD"], **_QUIET)
    def unsubscribe_page(self, token, **_params):
        facts = (
            self._ask(lambda hits: hits._get_unsubscribe_facts(token))
            if valid_token(token)
            else None
        )
        if not facts:
            return self._page(pages.invalid_page())
        return self._page(
            pages.confirm_page(
                facts["lang"],
                facts["email"],
                f"/chaser/u/{token}",
                facts["company"],
                facts["color"],
            )
        )

    @http.route("/chaser/u/<token>", type="http", methods=["POST"], **_QUIET)
    def unsubscribe(self, token, **_params):
        """RFC 8058: the mail program posts ``List-Unsubscribe=One-Click``; the page's
        own button posts nothing. Both count."""
        if request.httprequest.method != "POST":  # OPTIONS, which Odoo lets through
            return self.unsubscribe_page(token)
        facts = (
            self._ask(lambda hits: hits._unsubscribe(token, self._describe_request()))
            if valid_token(token)
            else None
        )
        if not facts:
            return self._page(pages.invalid_page())
        return self._page(
            pages.done_page(
                facts["lang"], facts["email"], facts["company"], facts["color"]
            )
        )

    @http.route(["/chaser", "/chaser/<path:rest>"], type="http", **_QUIET)
    def anything_else(self, rest="", **_params):
        return self._page(pages.invalid_page())

    # -- helpers

    def _note(self, token, event_type, position=None):
        return self._ask(
            lambda hits: hits._register_hit(
                token, event_type, self._describe_request(), position
            )
        )

    def _ask(self, call):
        """On any error the caller gets None and still responds."""
        try:
            return call(request.env(user=SUPERUSER_ID)["chaser.event"])
        except Exception:
            _logger.info("A public link could not be served", exc_info=True)
            request.env.cr.rollback()
            return None

    def _describe_request(self):
        http_request = request.httprequest
        return {
            "method": http_request.method,
            "user_agent": (http_request.user_agent.string or "").replace("\0", "")[
                :500
            ],
            "ip": http_request.remote_addr or "",
            "country": request.geoip.country_code or "",
            "city": request.geoip.city.name or "",
            "time_zone": request.geoip.location.time_zone or "",
        }

    def _page(self, html):
        return make_page(html)


def make_page(html, policy=PLAIN_POLICY, status=200):
    """The response of every public page."""
    return request.make_response(
        html,
        [("Content-Type", "text/html; charset=utf-8"), *get_headers(policy)],
        status=status,
    )
