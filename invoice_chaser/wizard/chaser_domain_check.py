from odoo import api, fields, models

from ..core.mail.domain_records import ERROR, GOOD, explain

SIGNS = {GOOD: "✓", ERROR: "✗"}


class ChaserDomainCheck(models.TransientModel):
    """What the records of the sender's domain say to the servers that take its mail,
    explained from what a person pastes. Nothing is looked up."""

    _name = "chaser.domain.check"
    _description = "Records of the Sender's Domain"
    _inherit = ["chaser.company.mixin"]
    _check_company_auto = True
    _rec_name = "provider_id"

    company_id = fields.Many2one("res.company", required=True, readonly=True)
    provider_id = fields.Many2one(
        "chaser.provider",
        "Mailbox",
        required=True,
        readonly=True,
        ondelete="cascade",
        check_company=True,
    )
    domain = fields.Char(compute="_compute_domain")
    spf = fields.Text(
        "SPF",
        help="The TXT record of the domain itself; it begins with v=spf1.",
    )
    dkim = fields.Text(
        "DKIM",
        help="The TXT record that your mail service names, such as "
        "google._domainkey or selector1._domainkey.",
    )
    dmarc = fields.Text("DMARC", help="The TXT record of _dmarc before your domain.")
    result = fields.Text("What They Say", compute="_compute_result")

    @api.depends("provider_id")
    def _compute_domain(self):
        for check in self:
            check.domain = (check.provider_id.email or "").rpartition("@")[2]

    @api.depends("spf", "dkim", "dmarc", "provider_id")
    @api.depends_context("lang")
    def _compute_result(self):
        for check in self:
            if not (check.spf or check.dkim or check.dmarc):
                check.result = False
                continue
            found = explain(
                check.spf or "",
                check.dkim or "",
                check.dmarc or "",
                check.provider_id.smtp_host or check.provider_id.kind or "",
            )
            words = check._get_words()
            # pylint: disable=translation-positional-used  # one table of sentences
            check.result = "\n".join(
                f"{SIGNS.get(one.severity, '!')} {one.record.upper()}: "
                f"{words[one.code] % one.params}"
                for one in found
            )

    def _get_words(self):
        """Code of ``core.mail.domain_records`` → what it means and what to do."""
        return self._get_spf_words() | self._get_dkim_words() | self._get_dmarc_words()

    def _get_spf_words(self):
        return {
            "spf_good": self.env._("The record says who may send for the domain."),
            "spf_missing": self.env._(
                "There is none. Many servers treat the mail as unwanted: add the "
                "record that your mail service gives."
            ),
            "spf_many": self.env._(
                "There are %(count)s records, and only one is allowed: none of them "
                "counts. Join them into one."
            ),
            "spf_lookups": self.env._(
                "It asks receivers to look up %(count)s names, and ten are allowed. "
                "Take out services that you do not use."
            ),
            "spf_service": self.env._(
                "It does not name the service that this mailbox sends through. Add "
                "include:%(name)s."
            ),
            "spf_everybody": self.env._(
                "It allows everybody to send for the domain. End it with ~all or -all."
            ),
            "spf_open": self.env._(
                "It does not say what becomes of others' mail. End it with ~all or "
                "-all."
            ),
        }

    def _get_dkim_words(self):
        return {
            "dkim_good": self.env._(
                "The key with which receivers check signatures is there."
            ),
            "dkim_missing": self.env._(
                "No key was found. Switch DKIM on in your mail service, and add the "
                "record that it gives."
            ),
            "dkim_revoked": self.env._(
                "The key was withdrawn. Add the record of the key that is in use."
            ),
            "dkim_broken": self.env._(
                "The key cannot be read. Copy the whole record again, in one piece."
            ),
            "dkim_short": self.env._(
                "The key is too short, and receivers do not accept it. Make one of "
                "2048 bits."
            ),
            "dkim_old": self.env._("The key has 1024 bits; 2048 are usual today."),
            "dkim_test": self.env._(
                "It says that it is only a test (t=y). Take that out when all works."
            ),
        }

    def _get_dmarc_words(self):
        return {
            "dmarc_good": self.env._(
                "Receivers know what to do with mail that is not yours: %(policy)s."
            ),
            "dmarc_missing": self.env._(
                "There is none. Gmail and Outlook ask for one; begin with "
                "v=DMARC1; p=none; and an address for reports."
            ),
            "dmarc_many": self.env._(
                "There are %(count)s records, and only one is allowed: none of them "
                "counts."
            ),
            "dmarc_broken": self.env._(
                "The policy cannot be read: p has to be none, quarantine or reject."
            ),
            "dmarc_none": self.env._(
                "It only watches (p=none). When the reports show nothing foreign, go "
                "on to quarantine."
            ),
            "dmarc_silent": self.env._(
                "Nobody gets the reports. Add rua=mailto: and an address."
            ),
        }
