import hashlib
import json
import secrets
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, consteq
from odoo.tools.misc import hash_sign, verify_hash_signed

from ...core.mail.oauth import ConsentProblem

_SCOPE = "invoice_chaser_oauth"
LIFETIME = timedelta(minutes=15)


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
        "chaser.provider", required=True, readonly=True, index=True, ondelete="cascade"
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
