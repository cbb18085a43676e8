from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...core.mail.oauth import App
from ...core.mail.oauth_microsoft import valid_tenant


class ResCompany(models.Model):
    """How this Odoo is registered at Google and Microsoft: per company; a branch
    without one of its own uses its parent's."""

    _name = "res.company"
    _inherit = ["res.company", "chaser.secret.mixin"]  # pylint: disable=consider-merging-classes-inherited  # mailboxes by consent

    chaser_google_client_id = fields.Char("Google Client ID")
    chaser_google_client_secret = fields.Char(
        compute="_compute_chaser_client_secrets",
        inverse="_inverse_chaser_google_client_secret",
        store=False,
        copy=False,
        exportable=False,
    )
    chaser_google_client_secret_sealed = fields.Char(
        groups=fields.NO_ACCESS, copy=False, exportable=False
    )
    chaser_has_google_secret = fields.Boolean(
        compute="_compute_chaser_has_secrets", compute_sudo=True
    )
    chaser_microsoft_client_id = fields.Char("Microsoft Client ID")
    chaser_microsoft_client_secret = fields.Char(
        compute="_compute_chaser_client_secrets",
        inverse="_inverse_chaser_microsoft_client_secret",
        store=False,
        copy=False,
        exportable=False,
    )
    chaser_microsoft_client_secret_sealed = fields.Char(
        groups=fields.NO_ACCESS, copy=False, exportable=False
    )
    chaser_has_microsoft_secret = fields.Boolean(
        compute="_compute_chaser_has_secrets", compute_sudo=True
    )
    chaser_microsoft_tenant = fields.Char("Microsoft Directory", default="common")

    def _compute_chaser_client_secrets(self):
        self.chaser_google_client_secret = self.chaser_microsoft_client_secret = False

    @api.depends(
        "chaser_google_client_secret_sealed", "chaser_microsoft_client_secret_sealed"
    )
    def _compute_chaser_has_secrets(self):
        for company in self:
            company.chaser_has_google_secret = bool(
                company.chaser_google_client_secret_sealed
            )
            company.chaser_has_microsoft_secret = bool(
                company.chaser_microsoft_client_secret_sealed
            )

    def _inverse_chaser_google_client_secret(self):
        self._seal_chaser_secret("chaser_google_client_secret")

    def _inverse_chaser_microsoft_client_secret(self):
        self._seal_chaser_secret("chaser_microsoft_client_secret")

    def _seal_chaser_secret(self, field_name):
        for company in self.filtered(field_name):
            company._seal(f"{field_name}_sealed", company[field_name].strip())
        self.invalidate_recordset([field_name])

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
