import tempfile

from odoo import http
from odoo.http import content_disposition, request

_CHUNK = 1 << 16


class ChaserMoveOut(http.Controller):
    @http.route(
        "/invoice_chaser/export.zip",
        type="http",
        auth="user",
        methods=["GET"],
        readonly=True,
    )
    def export(self, **_params):
        """Everything of the current company, for a chaser manager; read from a file on
        the disk, so that memory does not grow with the number of records."""
        if not request.env.user.has_group("invoice_chaser.group_chaser_manager"):
            raise request.not_found()
        company = request.env.company
        stream = tempfile.TemporaryFile()
        request.env["chaser.export"]._write(company, stream)
        size = stream.tell()
        stream.seek(0)
        return request.make_response(
            iter(lambda: stream.read(_CHUNK), b""),
            [
                ("Content-Type", "application/zip"),
                ("Content-Length", str(size)),
                (
                    "Content-Disposition",
                    content_disposition(f"invoice-chaser-{company.name}.zip"),
                ),
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
            ],
        )
