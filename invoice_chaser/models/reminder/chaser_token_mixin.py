from odoo import fields, models

from ...core.status.tracking import new_token, restore_tokens


class ChaserTokenMixin(models.AbstractModel):
    """The tokens in the links of a message. One token, one power: what opens by one
    link cannot be done with another one. Messages that left before these were apart
    have the same one in image, links, way out and address for answers; it goes on
    working for each of these."""

    _name = "chaser.token.mixin"
    _description = "Tokens of a Message"

    token = fields.Char(
        readonly=True, copy=False, groups=fields.NO_ACCESS, help="Of the links."
    )
    pixel_token = fields.Char(
        readonly=True,
        copy=False,
        groups=fields.NO_ACCESS,
        default=lambda self: new_token(),
        help="Of the image: tells that it was loaded, and opens nothing.",
    )
    stop_token = fields.Char(
        readonly=True,
        copy=False,
        groups=fields.NO_ACCESS,
        default=lambda self: new_token(),
        help="Stops reminders to the addresses of the message.",
    )
    reply_token = fields.Char(
        readonly=True,
        copy=False,
        groups=fields.NO_ACCESS,
        default=lambda self: new_token(),
        help="Of the address that answers go to: names the reminder, and opens "
        "nothing.",
    )

    _token_uniq = models.UniqueIndex("(token)")
    _pixel_token_uniq = models.UniqueIndex("(pixel_token)")
    _stop_token_uniq = models.UniqueIndex("(stop_token)")
    # A mail server may have lost the capitals of an address.
    _lower_token_idx = models.Index("(lower(token))")
    _lower_stop_token_idx = models.Index("(lower(stop_token))")
    _lower_reply_token_idx = models.Index("(lower(reply_token))")

    def _restore_tokens(self, text, **others):
        """What is kept of a message, with the secret part of its links again. For what
        leaves, never for what a user reads.

        :param others: tokens in place of the own ones, by the letter in the path
        """
        reminder = self.sudo()
        tokens = {
            "c": reminder.token,
            "o": reminder.pixel_token,
            "u": reminder.stop_token,
            "p": reminder.page_token,
            **others,
        }
        moves = reminder.line_ids.move_id
        return restore_tokens(
            text, tokens, {move.id: move.access_token for move in moves}
        )
