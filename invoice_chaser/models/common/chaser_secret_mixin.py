import os

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import config

from ...core.crypto import KeyRing, KeyRingError

_KEY_OPTION, _KEY_VARIABLE = "invoice_chaser_keys", "INVOICE_CHASER_KEYS"


class ChaserSecretMixin(models.AbstractModel):
    """Sealed fields. The user writes to a computed field whose inverse calls ``_seal``;
    what is stored has ``groups=NO_ACCESS``.

    A name that ends in __ cannot be called from server actions and templates (Odoo's
    safe_eval)."""

    _name = "chaser.secret.mixin"
    _description = "Sealed secrets"

    @api.model
    def _get_key_ring__(self):
        """Keys from the environment (``INVOICE_CHASER_KEYS``) or Odoo's configuration
        file (``invoice_chaser_keys``).

        :raises KeyRingError: when there is no usable key
        """
        return KeyRing.parse(os.environ.get(_KEY_VARIABLE) or config.get(_KEY_OPTION))

    @api.model
    def _get_key_status(self):
        try:
            return self.env._("In use: key “%s”", self._get_key_ring__().newest)
        except KeyRingError as error:
            return self._describe_key_error(error)

    @api.model
    def _describe_key_error(self, error):
        return {
            "missing": self.env._(
                "No encryption key: set %(option)s in Odoo's configuration file or "
                "%(variable)s in the environment (see the README), then restart.",
                option=_KEY_OPTION,
                variable=_KEY_VARIABLE,
            ),
            "malformed": self.env._(
                "The encryption key “%s” is malformed: it must be a name, a colon and "
                "32 bytes in base64.",
                error.key_id,
            ),
            "unknown_key": self.env._(
                "The key “%s” that sealed this password is not in the key ring. Put "
                "it back, or enter the password again.",
                error.key_id,
            ),
            "tampered": self.env._(
                "The sealed password does not belong to this record or was changed. "
                "Enter it again."
            ),
        }[error.code]

    @api.model
    def _get_sealed_fields(self):
        """Names of the stored fields that hold sealed texts: by their name, so that
        none is forgotten when a new key comes."""
        return [
            name
            for name, field in self._fields.items()
            if field.store
            and field.type == "char"
            and (name == "sealed" or name.endswith("_sealed"))
        ]

    @api.model
    def _get_database_id(self):
        return self.env["ir.config_parameter"].sudo().get_param("database.uuid")

    def _get_secret_context(self, field_name):
        """Binds a sealed text to database, record and field: copied elsewhere it does
        not open."""
        self.ensure_one()
        return f"{self._get_database_id()}:{self._name}:{self.id}:{field_name}"

    def _seal(self, field_name, secret):
        """Store a secret sealed in ``field_name``; an empty one clears it.

        :raises UserError: without a usable key; nothing is stored then
        """
        for record in self:
            try:
                sealed = (
                    self._get_key_ring__().seal(
                        secret, record._get_secret_context(field_name)
                    )
                    if secret
                    else False
                )
            except KeyRingError as error:
                raise UserError(self._describe_key_error(error)) from None
            record.sudo()[field_name] = sealed

    def _open_secret__(self, field_name):
        """The secret in clear, for a transport only.

        :raises UserError: when there is none or it does not open, saying why and the
        way out
        """
        self.ensure_one()
        sealed = self.sudo()[field_name]
        if not sealed:
            raise UserError(self._describe_no_secret(field_name))
        return self._unseal__(sealed, field_name)

    def _unseal__(self, sealed, field_name):
        try:
            return self._get_key_ring__().open(
                sealed, self._get_secret_context(field_name)
            )
        except KeyRingError as error:
            raise UserError(self._describe_key_error(error)) from None

    def _describe_no_secret(self, field_name):
        return self.env._(
            "“%s” has no password yet. Enter it on the mailbox.", self.display_name
        )

    def _reseal(self):
        """Seal with the newest key what an older one sealed. What does not open stays
        as it is.

        :return: how many were sealed anew, and ``[(record, why it does not open)]``
        """
        done, lost, ring = 0, [], self._get_key_ring__()
        for record in self.sudo():
            for field_name in filter(record.__getitem__, record._get_sealed_fields()):
                sealed = record[field_name]
                try:
                    secret = record._unseal__(sealed, field_name)
                except UserError as error:
                    lost.append((record, str(error)))
                    continue
                if not ring.is_newest(sealed):
                    record._seal(field_name, secret)
                    done += 1
        return done, lost

    def _get_mailbox(self):
        """The mailbox that needs a secret; empty for one that belongs to no single
        mailbox."""
        return self.env["chaser.provider"]
