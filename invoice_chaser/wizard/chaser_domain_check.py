from odoo import api, fields, models
from odoo.exceptions import UserError

from ..core.mail import domain_lookup
from ..core.mail.domain_records import ERROR, GOOD, explain

SIGNS = {GOOD: "✓", ERROR: "✗"}


class ChaserDomainCheck(models.TransientModel):
    """What the records of the sender's domain say to the servers that take its mail,
    explained from what a person pastes; from what DNS says only where the company's
    settings allow to ask it, and only when the button is pressed."""

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
    can_look_up = fields.Boolean(related="company_id.chaser_dns")
    selector = fields.Char(
        "Name of the DKIM Key",
        help="The part before ._domainkey, as your mail service names it. Empty: the "
        "names that the common services use.",
    )
    dmarc = fields.Text("DMARC", help="The TXT record of _dmarc before your domain.")
    looked_up = fields.Boolean(readonly=True)
    result = fields.Text("What They Say", compute="_compute_result")

    @api.depends("provider_id")
    def _compute_domain(self):
        for check in self:
            check.domain = (check.provider_id.email or "").rpartition("@")[2]

    @api.depends("spf", "dkim", "dmarc", "provider_id", "looked_up")
    @api.depends_context("lang")
    def _compute_result(self):
        for check in self:
            # Nothing pasted says nothing; nothing found says that there is none.
            if not (check.spf or check.dkim or check.dmarc or check.looked_up):
                check.result = False
                continue
            found = explain(
                check.spf or "",
                check.dkim or "",
                check.dmarc or "",
                check._get_service(),
            )
            words = check._get_words()
            # pylint: disable=translation-positional-used  # one table of sentences
            check.result = "\n".join(
                f"{SIGNS.get(one.severity, '!')} {one.record.upper()}: "
                f"{words[one.code] % one.params}"
                for one in found
            )

    def _get_service(self):
        """What tells which service sends: the server, else the kind of mailbox."""
        self.ensure_one()
        return self.provider_id.smtp_host or self.provider_id.kind or ""

    def action_look_up(self):
        """Fill in what DNS says.

        :raises UserError: the settings do not allow it, or DNS cannot be asked
        """
        self.ensure_one()
        self.check_access("write")
        if not self.company_id.chaser_dns:
            raise UserError(
                self.env._(
                    "The settings do not allow to ask DNS. Paste the records, or "
                    "switch it on in the settings of Invoicing, under From Where."
                )
            )
        try:
            found = domain_lookup.look_up(
                self.domain or "",
                domain_lookup.make_resolver(),
                self._get_service(),
                self.selector or "",
            )
        except (
            domain_lookup.NoLibrary,
            domain_lookup.NoAnswer,
            domain_lookup.WrongName,
        ) as error:
            raise UserError(self._explain_no_answer(error)) from None
        self._by_program().write(
            {
                "spf": found.spf,
                "dkim": found.dkim,
                "dmarc": found.dmarc,
                "selector": found.selector or self.selector,
                "looked_up": True,
            }
        )
        return self.provider_id._open_domain_check(self)

    def _explain_no_answer(self, error):
        if isinstance(error, domain_lookup.NoLibrary):
            return self.env._(
                "The library dnspython is not installed on the server. Paste the "
                "records instead."
            )
        if isinstance(error, domain_lookup.WrongName):
            return self.env._(
                "“%s” is no name that DNS knows. Check the mailbox's address, and the "
                "name of the DKIM key.",
                error,
            )
        return self.env._(
            "DNS did not answer for “%s”. Try again in a minute, or paste the records.",
            self.domain,
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
