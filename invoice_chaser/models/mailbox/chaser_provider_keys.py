from odoo import api, models
from odoo.exceptions import AccessError, UserError

from ...core.crypto import KeyRingError


class ChaserProvider(models.Model):
    _inherit = "chaser.provider"  # pylint: disable=consider-merging-classes-inherited  # sealing anew with the newest key

    def _get_mailbox(self):
        return self

    @api.model
    def action_reseal(self):
        """Seal every secret of the database with the newest key, so that the older ones
        can be taken away. What cannot be opened any more is told per mailbox, with the
        way out; mailboxes of companies that the user does not work in are only
        counted."""
        if not self.env.su and not self.env.user.has_groups(
            "invoice_chaser.group_chaser_manager,base.group_system"
        ):
            raise AccessError(
                self.env._("Only a manager of Invoice Chaser may do this.")
            )
        try:
            newest = self._get_key_ring__().newest
        except KeyRingError as error:
            raise UserError(self._describe_key_error(error)) from None
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
                "Sealed anew with the key “%(key)s”: %(count)s.", key=newest, count=done
            ),
            *self._describe_lost(lost),
        ]
        title = (
            self.env._("Some secrets cannot be opened")
            if lost
            else self.env._("Everything is sealed with the newest key")
        )
        return self._notify(title, "\n".join(lines), "danger" if lost else "success")

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
