from werkzeug.exceptions import RequestEntityTooLarge

from odoo import models
from odoo.http import request

from ...core.page.customer_page import render_notice
from ...core.page.pages import PLAIN_POLICY, get_headers, invalid_page


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _is_of_chaser(cls):
        return f"{request.httprequest.path}/".startswith("/chaser/")

    @classmethod
    def _dispatch(cls, endpoint):
        # Odoo passes every parameter of the query to the route by name; one called
        # "self" would cause an error page.
        if cls._is_of_chaser():
            request.params.pop("self", None)
        return super()._dispatch(endpoint)

    def session_info(self):
        if self.env.user._is_internal():
            self.env["chaser.watch"]._look_from_request()
        return super().session_info()

    @classmethod
    def _handle_error(cls, exception):
        # A request that is too large to be read never reaches its controller.
        if isinstance(exception, RequestEntityTooLarge) and cls._is_of_chaser():
            return cls._answer_too_large()
        return super()._handle_error(exception)

    @classmethod
    def _answer_too_large(cls):
        path = request.httprequest.path
        if path.startswith(("/chaser/webhook/", "/chaser/whatsapp/")):
            return request.make_response("", get_headers(), status=413)
        html, policy = invalid_page(), PLAIN_POLICY
        if path.startswith("/chaser/p/"):
            accepted = request.httprequest.headers.get("Accept-Language", "")
            lang = "ar" if accepted.startswith("ar") else "en"
            html, policy = render_notice(lang, path, "file_large")
        return request.make_response(
            html,
            [("Content-Type", "text/html; charset=utf-8"), *get_headers(policy)],
            status=413,
        )
