import os

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import config

from ...core.crypto import KeyRing, KeyRingError

_KEY_OPTION, _KEY_VARIABLE = "invoice_chaser_keys", "INVOICE_CHASER_KEYS"


def secret_fields(name, label=None, *, told_by, strip=True, entered="", **attrs):
    """The three fields of a secret, for a model with ``chaser.secret.mixin``::

        pin, pin_sealed, has_pin = secret_fields("pin", "PIN", told_by="has_pin")

    What the user writes to and always reads as empty; what is stored, sealed, and
    nobody may read; and whether there is a secret.

    :param name: of the first field; the second one is ``<name>_sealed``
    :param told_by: name of the third field
    :param strip: take off blanks around what was entered
    :param entered: method to call on each record for which one was entered
    :param attrs: of the first field
    """
    sealed = f"{name}_sealed"

    def show_nothing(records):
        records[name] = False

    def seal(records):
        for record in records.filtered(name):
            secret = record[name]
            record._seal(sealed, secret.strip() if strip else secret)
            record._tell_secret(name, True)
            if entered:
                getattr(record, entered)()
        records.invalidate_recordset([name])

    @api.depends(sealed)
    def tell(records):
        for record in records:
            record[told_by] = bool(record[sealed])

    if label:
        attrs["string"] = label
    return (
        fields.Char(
            compute=show_nothing,
            inverse=seal,
            store=False,
            copy=False,
            exportable=False,
            **attrs,
        ),
        fields.Char(groups=fields.NO_ACCESS, copy=False, exportable=False),
        fields.Boolean(compute=tell, compute_sudo=True),
    )


class ChaserSecretMixin(models.AbstractModel):
    """Sealed fields, see ``secret_fields``.

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
        """Names of the stored fields that hold sealed texts, found by their name, so
        that none is forgotten when a key is added."""
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
        """Binds a sealed text to database, record and field: a copy elsewhere cannot be
        opened."""
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

    def _forget_secret(self, field_name):
        """What the button *Forget* does."""
        self.check_access("write")
        self._seal(field_name, False)
        self._tell_secret(field_name.removesuffix("_sealed"), False)

    def _tell_secret(self, name, is_entered):
        """A note that somebody entered or removed a secret; never what it is."""
        for record in self:
            owner = record._get_mailbox() or record
            if not isinstance(owner, self.env.registry["mail.thread"]):
                continue
            label = record._fields[name]._description_string(self.env)
            owner._message_log(
                author_id=self.env.user.partner_id.id,
                body=self.env._("“%s” was entered anew.", label)
                if is_entered
                else self.env._("“%s” was removed.", label),
            )

    def _open_secret__(self, field_name):
        """The secret in clear, for a transport only.

        :raises UserError: when there is none or it does not open, saying why and what
        to do"""
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
            "“%s” has no password. Enter it on the mailbox; after a change of the "
            "server it has to be entered again, because it goes only to the one that "
            "it was entered for.",
            self.display_name,
        )

    def _reseal(self):
        """Seal with the newest key what an older one sealed. What cannot be opened is
        not changed.

        :return: how many were sealed again, and ``[(record, why it cannot be
        opened)]``"""
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


class ChaserReseal(models.AbstractModel):
    """A new key: everything is sealed with it, so that the older ones can be taken
    away."""

    _name = "chaser.reseal"
    _description = "Change of the Encryption Key"

    @api.model
    def action_reseal(self):
        """Seal every secret of the database with the newest key, so that the older keys
        can be removed. Secrets that cannot be opened any more are reported per mailbox,
        with what to do; mailboxes of companies that the user does not work in are only
        counted."""
        if not self.env.su and not self.env.user.has_groups(
            "invoice_chaser.group_chaser_manager,base.group_system"
        ):
            raise AccessError(
                self.env._("Only a manager of Invoice Chaser may do this.")
            )
        Secret = self.env["chaser.secret.mixin"]
        try:
            newest = Secret._get_key_ring__().newest
        except KeyRingError as error:
            raise UserError(Secret._describe_key_error(error)) from None
        done, lost = 0, []
        for records in self._get_sealed_records():
            count, problems = records._reseal()
            done, lost = done + count, lost + problems
        for record, words in lost:
            record._get_mailbox().filtered(
                lambda box: box.state == "connected"
            )._set_state("expired", words)
        lines = [
            self.env._(
                "Sealed again with the key “%(key)s”: %(count)s.",
                key=newest,
                count=done,
            ),
            *self._describe_lost(lost),
        ]
        title = (
            self.env._("Some secrets cannot be opened")
            if lost
            else self.env._("Everything is sealed with the newest key")
        )
        return self.env["chaser.provider"]._notify(
            title, "\n".join(lines), "danger" if lost else "success"
        )

    @api.model
    def _describe_lost(self, lost):
        mine = [
            (record, words)
            for record, words in lost
            if self._get_owner(record) in self.env.user.company_ids
        ]
        lines = [
            f"{(record._get_mailbox() or record).display_name}: {words}"
            for record, words in mine
        ]
        if len(mine) < len(lost):
            lines.append(self.env._("In other companies: %s.", len(lost) - len(mine)))
        return lines

    @api.model
    def _get_owner(self, record):
        return record if record._name == "res.company" else record.company_id

    @api.model
    def _get_sealed_records(self):
        """The records of every model with sealed fields, archived ones, too."""
        for name in sorted(self.env.registry):
            records = self.env[name].sudo().with_context(active_test=False)
            if (
                isinstance(records, self.env.registry["chaser.secret.mixin"])
                and not records._abstract
                and records._get_sealed_fields()
            ):
                yield records.search([])  # pylint: disable=no-search-all  # each is sealed anew
