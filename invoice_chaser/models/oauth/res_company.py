from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...core.mail.oauth import App
from ...core.mail.oauth_microsoft import valid_tenant
from ..common.chaser_secret_mixin import secret_fields


class ResCompany(models.Model):
    """How this Odoo is registered at Google and Microsoft: per company; a branch
    without one of its own uses its parent's."""

    _name = "res.company"
    _inherit = ["res.company", "chaser.secret.mixin"]  # pylint: disable=consider-merging-classes-inherited  # mailboxes by consent

    chaser_google_client_id = fields.Char("Google Client ID", tracking=True)
    (
        chaser_google_client_secret,
        chaser_google_client_secret_sealed,
        chaser_has_google_secret,
    ) = secret_fields("chaser_google_client_secret", told_by="chaser_has_google_secret")
    chaser_microsoft_client_id = fields.Char("Microsoft Client ID", tracking=True)
    (
        chaser_microsoft_client_secret,
        chaser_microsoft_client_secret_sealed,
        chaser_has_microsoft_secret,
    ) = secret_fields(
        "chaser_microsoft_client_secret", told_by="chaser_has_microsoft_secret"
    )
    chaser_microsoft_tenant = fields.Char(
        "Microsoft Directory", default="common", tracking=True
    )

    @api.constrains("chaser_microsoft_tenant")
    def _check_chaser_microsoft_tenant(self):
        for company in self.filtered("chaser_microsoft_tenant"):
            if not valid_tenant(company.chaser_microsoft_tenant):
                raise ValidationError(
                    self.env._(
                        "“%s” is no Microsoft directory: enter its id or domain, or "
                        "common.",
                        company.chaser_microsoft_tenant,
                    )
                )

    def _get_chaser_app__(self, service):
        """The registration at a service (``google``, ``microsoft``).

        :raises UserError: when there is none, saying where to enter it
        """
        self.ensure_one()
        for company in self.sudo().parent_ids.sorted(lambda one: -len(one.parent_ids)):
            client_id = company[f"chaser_{service}_client_id"]
            if client_id and company[f"chaser_{service}_client_secret_sealed"]:
                secret = company._open_secret__(
                    f"chaser_{service}_client_secret_sealed"
                )
                return App(
                    client_id.strip(),
                    secret,
                    (company.chaser_microsoft_tenant or "common").strip(),
                )
        raise UserError(
            self.env._(
                "%(service)s does not know this Odoo yet: an administrator enters "
                "client ID and client secret of “%(company)s” in the settings "
                "(Accounting, Invoice Chaser). The guide beside them says how to get "
                "them.",
                service=service.capitalize(),
                company=self.name,
            )
        )
