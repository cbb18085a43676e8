"""Meta for the demo: the strict stand-in of the tests, with customers who read and
answer. ``python dev/demo_meta.py PORT HOOKFILE``; HOOKFILE gets the address to report
to as soon as it is known."""

import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.whatsapp_server import WhatsappServer  # noqa: E402

ANSWERS = (
    "We pay on Sunday, thank you",
    "سنسدد يوم الخميس بإذن الله",
    "Please stop sending messages to this number",
    "Invoice received, it is with our manager",
)


class DemoMeta(WhatsappServer):
    """Approves what its rules let pass. Every third customer does not read, every
    eleventh has no WhatsApp, every ninth answers."""

    number_of_messages = 0

    def _create_template(self, *args):
        status, answer = super()._create_template(*args)
        for template in self.templates.values():
            template["status"] = "APPROVED"
        return status, answer | {"status": "APPROVED"}

    def _report_message(self, payload, wamid):
        self.number_of_messages += 1
        number = self.number_of_messages
        if number % 11 == 0:
            self.send_report([self.make_status(payload, wamid, "failed", 131026)])
            return
        wanted = ["sent", "delivered"] + ["read"] * (number % 3 > 0)
        for status in wanted:
            time.sleep(0.5)
            self.send_report([self.make_status(payload, wamid, status)])
        if number % 9 == 0:
            text = ANSWERS[number // 9 % len(ANSWERS)]
            self.send_inbound(
                payload["to"],
                {"type": "text", "text": {"body": text}, "context": {"id": wamid}},
            )


def main():
    server, hook = DemoMeta(port=int(sys.argv[1])), Path(sys.argv[2])
    print(server.url, flush=True)
    while not hook.exists() or not hook.read_text().strip():
        time.sleep(0.2)
    server.webhook = hook.read_text().strip()
    threading.Event().wait()


if __name__ == "__main__":
    main()
