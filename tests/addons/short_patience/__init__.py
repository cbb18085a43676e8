"""A message must have begun to leave two seconds after the intent, and what a dead
process was sending may be sent again after six. The proportion is what counts."""

from datetime import timedelta

from odoo.addons.invoice_chaser.core.mail.transports import base
from odoo.addons.invoice_chaser.models.reminder import chaser_reminder_actions

base.FRESH = 2.0
chaser_reminder_actions._SENDING = timedelta(seconds=6)
