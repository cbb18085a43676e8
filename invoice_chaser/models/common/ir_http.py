from werkzeug.exceptions import RequestEntityTooLarge

from odoo import models
from odoo.http import request

from ...core.page.customer_page import render_notice


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _dispatch(cls, endpoint):
        # Odoo passes every parameter of the query to the route by name; one called
        # "self" would cause an error page.
        if request.httprequest.path.startswith("/chaser/"):
            request.params.pop("self", None)
        return super()._dispatch(endpoint)

    @classmethod
    def _handle_error(cls, exception):
        # A request that is too large to be read never reaches the page's controller.
        path = request.httprequest.path
        if isinstance(exception, RequestEntityTooLarge) and path.startswith(
            "/chaser/p/"
        ):
            accepted = request.httprequest.headers.get("Accept-Language", "")
            html, policy = render_notice(
                "ar" if accepted.startswith("ar") else "en", path, "file_large"
            )
            return request.make_response(
                html,
                [
                    ("Content-Type", "text/html; charset=utf-8"),
                    ("Content-Security-Policy", policy),
                    ("Cache-Control", "no-store"),
                    ("X-Robots-Tag", "noindex"),
                    ("Referrer-Policy", "no-referrer"),
                ],
                status=413,
            )
        return super()._handle_error(exception)
