import hashlib
import json
import secrets
from datetime import datetime, timedelta, timezone

import psycopg2.errors

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, consteq
from odoo.tools.misc import hash_sign, verify_hash_signed

from ...core.mail.errors import AuthenticationFailed, Unreachable
from ...core.mail.oauth import API, ConsentProblem, Grant

_SCOPE = "invoice_chaser_oauth"
LIFETIME = timedelta(minutes=15)
_ATTEMPTS = 5


class ChaserOauthRequest(models.Model):
    """A requested consent: valid once, for 15 minutes, for one person in one session,
    for one mailbox. The ``state`` in the address names the row and is signed with the
    database's secret; the PKCE verifier must not leave the server and is kept here,
    sealed. No user has rights on this model."""

    _name = "chaser.oauth.request"
    _description = "Asked Consent"
    _inherit = ["chaser.secret.mixin"]
    _allow_sudo_commands = False

    provider_id = fields.Many2one(
        "chaser.provider",
        "Mailbox",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="provider_id.company_id", store=True, index=True
    )
    user_id = fields.Many2one(
        "res.users", required=True, readonly=True, ondelete="cascade"
    )
    session_digest = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    nonce = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    asked_at = fields.Datetime(readonly=True, default=fields.Datetime.now)
    used_at = fields.Datetime(readonly=True)
    memory_sealed = fields.Char(groups=fields.NO_ACCESS, copy=False, exportable=False)

    @api.model
    def _open_for(self, provider, user, session_key):
        return self.create(
            {
                "provider_id": provider.id,
                "user_id": user.id,
                "session_digest": _digest(session_key),
                "nonce": secrets.token_urlsafe(16),
            }
        )

    def _make_state(self):
        self.ensure_one()
        return hash_sign(
            self.env(su=True),
            _SCOPE,
            [
                self._get_database_id(),
                self.id,
                self.nonce,
                self.provider_id.id,
                self.user_id.id,
            ],
        )

    def _remember(self, memory):
        self._seal("memory_sealed", json.dumps(memory))

    @api.model
    def _read_state(self, state):
        """The row that a state names; ConsentProblem for one that we did not sign, or
        whose row does not exist any more."""
        try:
            facts = verify_hash_signed(self.env(su=True), _SCOPE, state or "")
        except ValueError:
            facts = None
        if not facts or facts[0] != self._get_database_id():
            raise ConsentProblem("bad_state")
        request = self.sudo().browse(facts[1]).exists()
        if (
            not request
            or [request.nonce, request.provider_id.id, request.user_id.id] != facts[2:]
        ):
            raise ConsentProblem("used")
        return request

    def _check_asker(self, user, session_key):
        """Only the user who pressed Connect may go on, in the same session, and in
        time."""
        self.ensure_one()
        if self.used_at:
            raise ConsentProblem("used")
        if self.asked_at < fields.Datetime.now() - LIFETIME:
            raise ConsentProblem("expired")
        if self.user_id != user:
            raise ConsentProblem("other_user", self.user_id.name)
        if not consteq(self.session_digest, _digest(session_key)):
            raise ConsentProblem("other_session")

    def _use_up__(self):
        """The stored half of the flow. It is given out once, even to simultaneous
        requests.

        :raises ConsentProblem: when it was used
        """
        self.ensure_one()
        with self.env.registry.cursor() as cr:
            cr.execute(
                SQL(
                    """UPDATE chaser_oauth_request r SET used_at = now() AT TIME ZONE
                    'UTC', memory_sealed = NULL
                     FROM (SELECT id, memory_sealed FROM chaser_oauth_request
                     WHERE id = %s AND used_at IS NULL FOR UPDATE SKIP LOCKED) o
                    WHERE r.id = o.id RETURNING o.memory_sealed""",
                    self.id,
                )
            )
            row = cr.fetchone()
        if not row or not row[0]:
            raise ConsentProblem("used")
        self.invalidate_recordset()
        try:
            return json.loads(self._unseal__(row[0], "memory_sealed"))
        except UserError as error:
            raise ConsentProblem("no_key", str(error)) from None

    @api.autovacuum
    def _gc_requests(self):
        self.search(
            [("asked_at", "<", fields.Datetime.now() - timedelta(days=1))]
        ).unlink()


def _digest(session_key):
    return hashlib.sha256(session_key.encode()).hexdigest()


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
