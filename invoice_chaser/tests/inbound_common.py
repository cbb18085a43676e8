from ..core.inbound import inbound
from .common import ChaserCase


class InboundCase(ChaserCase):
    """A reminder that was sent, and mail as customers and mail servers write it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contact = cls.env["res.partner"].create(
            {
                "name": "Fatima",
                "email": "fatima@alnoor.example",
                "parent_id": cls.customer.id,
                "type": "contact",
            }
        )

    def _sent_reminder(self, partner=None, **values):
        invoice = self._make_invoice(partner or self.customer, **values)
        return self._sent_campaign(invoice).reminder_ids

    def _mail(
        self,
        text="We will pay on Thursday.",
        sender="Finance <finance@alnoor.example>",
        subject="Re: overdue",
        reference=None,
        message_id=None,
        more="",
    ):
        """A plain mail as bytes."""
        self.mail_number = getattr(self, "mail_number", 0) + 1
        reference = f"In-Reply-To: {reference}\r\n" if reference else ""
        message_id = (
            message_id
            or f"<in-{self.id().rpartition('.')[2]}-{self.mail_number}@alnoor.example>"
        )
        return (
            f"From: {sender}\r\nTo: accounts@pop.example\r\nSubject: "
            f"{subject}\r\nMessage-ID: {message_id}\r\n{reference}{more}"
            "Date: Mon, 04 May 2026 12:15:00 +0400\r\nContent-Type: text/plain; "
            f"charset=utf-8\r\n\r\n{text}\r\n"
        ).encode()

    def _report(self, reminder, *blocks, message_id=None):
        """A delivery report: blocks of (address, action, status, words)."""
        self.mail_number = getattr(self, "mail_number", 0) + 1
        text = "\r\n".join(
            f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: "
            f"{status}\r\nDiagnostic-Code: smtp; {words}\r\n"
            for address, action, status, words in blocks
        )
        message_id = (
            message_id
            or f"<dsn-{self.id().rpartition('.')[2]}-{self.mail_number}@mx.example>"
        )
        original = reminder if isinstance(reminder, str) else reminder.message_id
        return (
            "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: "
            "accounts@pop.example\r\nSubject: Undelivered\r\nMessage-ID: "
            f"{message_id}\r\n"
            "Content-Type: multipart/report; report-type=delivery-status; "
            "boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n"
            "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; "
            f"mx.example\r\n\r\n{text}\r\n"
            "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: "
            f"{original}\r\nSubject: x\r\n\r\n--b--\r\n"
        ).encode()

    def _receive(self, raw, company=None, provider=None):
        record = (
            self.env["chaser.inbound"]
            .sudo()
            ._receive(company or self.company, inbound.read(raw), provider)
        )
        self.env.invalidate_all()
        return record

    def _gateway(self, raw):
        result = self.env["mail.thread"].message_process(False, raw)
        self.env.invalidate_all()
        return result

    def _holds(self, partner=None, company=None):
        return self.env["chaser.hold"].search(
            [
                ("partner_id", "=", (partner or self.customer).id),
                ("company_id", "=", (company or self.company).id),
                ("released_at", "=", False),
            ]
        )

    def _activities(self, partner=None):
        return self.env["mail.activity"].search(
            [
                ("res_model", "=", "res.partner"),
                ("res_id", "=", (partner or self.customer).id),
            ]
        )

    def _stopped(self, email):
        return self.env["chaser.suppression"].search(
            [("email", "=", email), ("released_at", "=", False)]
        )
