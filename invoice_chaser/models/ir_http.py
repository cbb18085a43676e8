from odoo import models
from odoo.http import request


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _dispatch(cls, endpoint):
        # Odoo hands every parameter of the query to the route by name; one called "self" would break it with an error page.
        if request.httprequest.path.startswith("/chaser/"):
            request.params.pop("self", None)
        return super()._dispatch(endpoint)
