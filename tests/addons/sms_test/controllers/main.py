import hmac
import json

from odoo.http import Controller, request, route


class SmsTest(Controller):
    @route(
        "/sms_test/<int:provider_id>",
        type="http",
        readonly=False,
        auth="none",
        methods=["POST"],
        csrf=False,
        save_session=False,
    )
    def receive(self, provider_id, **_values):
        """The gateway's responses: signed with the key, so that nobody else can say
        what became of a message."""
        env = request.env(su=True)
        provider = env["chaser.provider"].browse(provider_id).exists()
        body = request.httprequest.get_data(cache=False)
        signature = request.httprequest.headers.get("X-Signature", "")
        if not provider.sms_test_key_sealed or not hmac.compare_digest(
            hmac.new(
                provider._open_secret__("sms_test_key_sealed").encode(), body, "sha256"
            ).hexdigest(),
            signature,
        ):
            return request.make_response("", status=403)
        response = json.loads(body)
        reminder = env["chaser.reminder"].search(
            [
                ("message_id", "=", response["ref"]),
                ("company_id", "=", provider.company_id.id),
            ],
            limit=1,
        )
        if reminder:
            env["chaser.channel.sms_test"]._process_response(reminder, response)
        return request.make_response("", status=204)
