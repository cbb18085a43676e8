from odoo import http
from odoo.http import content_disposition, request


class ChaserTemplateFile(http.Controller):
    @http.route(
        "/invoice_chaser/templates.json",
        type="http",
        auth="user",
        methods=["GET"],
        readonly=True,
    )
    def export(self, ids="", **_params):
        """The templates with these ids that the user may read, as one file."""
        wanted = [
            int(part)
            for part in ids.split(",")
            if part.isascii() and part.isdigit() and len(part) < 10
        ]
        templates = request.env["chaser.template"]
        if not templates.has_access("read"):
            raise request.not_found()
        templates = templates.with_context(active_test=False).search(
            [("id", "in", wanted)]
        )
        if not templates:
            raise request.not_found()
        return request.make_response(
            request.env["chaser.template.file"]._export(templates),
            [
                ("Content-Type", "application/json; charset=utf-8"),
                ("Content-Disposition", content_disposition("reminder-templates.json")),
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
            ],
        )
