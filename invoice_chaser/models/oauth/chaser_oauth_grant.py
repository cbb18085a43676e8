from datetime import datetime, timezone

import psycopg2.errors

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...core.mail.errors import AuthenticationFailed, Unreachable
from ...core.mail.oauth import API, Grant

_ATTEMPTS = 5


class ChaserOauthGrant(models.Model):
    """What a consent gave us for one mailbox: sealed tokens. No user has rights on this
    model; the mailbox's methods use it as superuser.

    A table of its own, so that a row lock on it never waits for other transactions that
    write to the mailbox."""

    _name = "chaser.oauth.grant"
    _description = "Consent for a Mailbox"
    _inherit = ["chaser.secret.mixin"]
    _allow_sudo_commands = False

    provider_id = fields.Many2one(
        "chaser.provider", "Mailbox", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="provider_id.company_id", store=True, index=True
    )
    database_id = fields.Char(
        readonly=True, help="The database in which the consent was given."
    )
    scopes = fields.Char(readonly=True)
    expires_at = fields.Datetime(readonly=True, help="When the access token ends.")
    sealed = fields.Char(groups=fields.NO_ACCESS, copy=False, exportable=False)

    _provider_uniq = models.UniqueIndex(
        "(provider_id)", "The mailbox is connected already."
    )

    def _describe_no_secret(self, field_name):
        return self.env._(
            "The mailbox “%s” is not connected yet. Press Connect.",
            self.provider_id.name,
        )

    @api.model
    def _describe_key_error(self, error):
        return {
            "unknown_key": self.env._(
                "The key “%s” that sealed the connection is not in the key ring. Put "
                "it back, or press Connect again.",
                error.key_id,
            ),
            "tampered": self.env._(
                "The sealed connection does not belong to this database or was "
                "changed. Press Connect again."
            ),
        }.get(error.code) or super()._describe_key_error(error)

    # -- keeping

    @api.model
    def _keep(self, provider, grant):
        """Store a fresh consent; it replaces an older one."""
        record = self.search([("provider_id", "=", provider.id)]) or self.create(
            {"provider_id": provider.id}
        )
        record.database_id = self._get_database_id()
        record._store(grant)
        return record

    def _store(self, grant):
        self._seal("sealed", grant.dump())
        self.write(
            {
                "scopes": " ".join(grant.scopes),
                "expires_at": datetime.fromtimestamp(
                    grant.expires_at, timezone.utc
                ).replace(tzinfo=None, microsecond=0),
            }
        )

    def _load__(self):
        """The tokens in clear.

        :raises UserError: when they do not open, or this is a copy of the database in
        which they were got
        """
        self.ensure_one()
        if self.database_id != self._get_database_id():
            raise UserError(
                self.env._(
                    "This is a copy of the database in which the mailbox was "
                    "connected. Press Connect to use it from here."
                )
            )
        return Grant.load(self._open_secret__("sealed"))

    # -- lending

    @api.model
    def _lend__(self, provider, resource=API, rejected=""):
        """A usable access token. Two workers never refresh at the same time: the second
        waits for the row and finds the fresh token. Works in a transaction of its own,
        so that a refreshed (and rotated) token is committed before it is used.

        :raises AuthenticationFailed: when a person must act
        :raises Unreachable, RateLimited: when it may work later
        """
        for _attempt in range(_ATTEMPTS):
            try:
                with self.env.registry.cursor() as cr:
                    grants = api.Environment(cr, SUPERUSER_ID, dict(self.env.context))[
                        self._name
                    ]
                    return grants._lend_locked__(provider.id, resource, rejected)
            except UserError as error:
                raise AuthenticationFailed(str(error)) from None
            except (
                psycopg2.errors.SerializationFailure,
                psycopg2.errors.DeadlockDetected,
            ):
                continue  # another process has just refreshed it: read again
            except psycopg2.errors.LockNotAvailable:
                break
        raise Unreachable(
            self.env._(
                "The connection of the mailbox is being renewed by another process."
            )
        )

    @api.model
    def _lend_locked__(self, provider_id, resource, rejected):
        self.env.cr.execute(SQL("SET LOCAL lock_timeout = '90s'"))
        self.env.cr.execute(
            SQL(
                "SELECT id FROM chaser_oauth_grant WHERE provider_id = %s FOR NO KEY "
                "UPDATE",
                provider_id,
            ),
            log_exceptions=False,
        )
        record = self.browse([row[0] for row in self.env.cr.fetchall()])
        if not record:
            raise UserError(
                self.env["chaser.provider"]
                .browse(provider_id)
                ._describe_not_connected()
            )
        grant = record._load__()
        token, changed = record.provider_id._get_oauth_service__().get_token(
            grant, resource, rejected
        )
        if changed:
            record._store(grant)
            self.env.flush_all()
        return token

    def _get_mailbox(self):
        return self.provider_id
