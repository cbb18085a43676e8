from datetime import timedelta

from babel.dates import format_timedelta

from odoo import api, models
from odoo.exceptions import MissingError
from odoo.tools.misc import babel_locale_parse


class ChaserReasonMixin(models.AbstractModel):
    """Why a level: sentences like those for holds, made when read, in the reader's language."""

    _inherit = "chaser.reason.mixin"

    @api.model
    def _get_reasons(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return super()._get_reasons() | {
            "level_first": _("%(level)s: oldest item %(days)s overdue, nothing sent about it yet"),
            "level_first_not_last": _("%(level)s: oldest item %(days)s overdue, but nothing sent about it yet, so not the last level"),
            "level_before_due": _("%(level)s: due in %(due_in)s"),
            "level_next": _("%(level)s: oldest item %(days)s overdue, “%(last)s” sent %(ago)s"),
            "level_stays": _("%(level)s again: oldest item %(days)s overdue, last sent %(ago)s; the next level is not due yet"),
            "level_repeat": _("%(level)s again: oldest item %(days)s overdue, last sent %(ago)s; its repetition is due"),
            "level_joined": _("%(level)s: oldest item %(days)s overdue, last sent %(ago)s; further items have come due (%(count)s)"),
            "level_broken": _("%(level)s: a promise was found broken on %(date)s, so one level harder; oldest item %(days)s overdue"),
            "level_fixed": _("%(level)s: chosen by a person for the whole campaign; oldest item %(days)s overdue"),
            "level_wait": _("Waits: %(level)s was sent %(ago)s about everything that is overdue. Next look: %(date)s"),
            "daily_failed": _("The daily run could not be planned and is tried again. %(detail)s"),
            "daily_not_sent": _("Planned, but not sent by itself. %(detail)s"),
            "overdue_now": _("Fallen due meanwhile: the notice comes too late, the next reminder is the first level."),
        }

    @api.model
    def _localize_reason_params(self, params):
        """Levels by name, numbers of days with their noun, in the plural form that the language wants."""
        values = super()._localize_reason_params({"level": "", "last": "", "days": "", "ago": "", "count": ""} | params)
        for name in ("level", "last"):
            if values[name] and isinstance(values[name], int):
                values[name] = self._get_level_name(values[name])
        if isinstance(values["days"], int):
            values["due_in"] = self._format_days(-values["days"])
            values["days"] = self._format_days(values["days"])
        if isinstance(values["ago"], int):
            values["ago"] = self._format_ago(values["ago"])
        return values

    @api.model
    def _get_level_name(self, level_id):
        """From the cache where it is: a list of customers asks for the same few names over and over."""
        try:
            return self.env["chaser.level"].sudo().browse(level_id).name
        except MissingError:
            return self.env._("a deleted level")

    @api.model
    def _format_days(self, days, direction=False):
        """``23 days``, or ``23 days ago``: CLDR's plural forms, so that Arabic numbers agree with their noun."""
        return format_timedelta(
            timedelta(days=-days if direction else days), granularity="day", threshold=10**9, add_direction=direction,
            locale=babel_locale_parse(self.env.lang))

    @api.model
    def _format_ago(self, days):
        return self._format_days(days, direction=True) if days else self.env._("today")
