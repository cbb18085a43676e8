from datetime import date, datetime

from odoo import api, models
from odoo.tools import format_date, format_datetime

_MINUTES = 60


class ChaserReasonMixin(models.AbstractModel):
    """The words of send windows."""

    _inherit = "chaser.reason.mixin"

    @api.model
    def _get_reasons(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return super()._get_reasons() | {
            "window": _("%(shifts)s: goes on %(local)s."),
            "window_never": _("The working hours “%(detail)s” are never open: a manager sets hours for them."),
        }

    @api.model
    def _localize_reason_params(self, params):
        params = {"shifts": "", "local": ""} | params
        if isinstance(params["shifts"], list):
            params = params | {"shifts": "; ".join(self._describe_shift(shift) for shift in params["shifts"])}
            if params.get("until"):
                params["local"] = self._describe_local(params["until"], params.get("tz") or "UTC")
        return super()._localize_reason_params(params)

    @api.model
    def _describe_local(self, until, tz):
        """Weekday, date and time at the customer's place: his clock is the one that counts."""
        moment = format_datetime(self.env, datetime.fromisoformat(until), tz=tz, dt_format="EEEE d MMM, HH:mm")
        return self.env._("%(moment)s (%(place)s time)", moment=moment, place=tz.rpartition("/")[2].replace("_", " "))

    @api.model
    def _describe_shift(self, shift):
        """One cause of a shift (``core.send_window.Shift``) in the reader's language."""
        values = {"day": self._describe_days(shift["first"], shift["last"]), "name": self._choose_name(shift.get("names") or {})}
        if shift.get("time") is not None:
            values["time"] = f"{shift['time'] // _MINUTES:02d}:{shift['time'] % _MINUTES:02d}"
        # pylint: disable=translation-positional-used  # one table of whole sentences
        sentences = {
            "day": "%(day)s",
            "before": self.env._("%(day)s before %(time)s"),
            "after": self.env._("%(day)s after %(time)s"),
            "break": self.env._("Break until %(time)s"),
            "holiday": self.env._("%(name)s (%(day)s)"),
            "estimated": self.env._("%(name)s (estimated ± 1 day, not confirmed yet: %(day)s)"),
            "ramadan": self.env._("Working hours of Ramadan (%(day)s)"),
            "ramadan_estimated": self.env._("Working hours of Ramadan (estimated ± 1 day, not confirmed yet: %(day)s)"),
            "closure": self.env._("%(name)s, time off (%(day)s)"),
        }
        return sentences[shift["code"]] % ({"time": ""} | values)

    @api.model
    def _describe_days(self, first, last):
        days = [format_date(self.env, date.fromisoformat(day), date_format="EEEE d MMM") for day in dict.fromkeys((first, last))]
        return " – ".join(days)

    @api.model
    def _choose_name(self, names):
        """The name in the reader's language (by its first letters), else in English, else any."""
        lang = (self.env.lang or "en_US")[:2]
        own = next((name for code, name in names.items() if code[:2] == lang), "")
        return own or names.get("en_US") or next(iter(names.values()), "")
