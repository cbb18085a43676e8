"""What may stand in a saved filter beside fields and values: the names that Odoo's own
editor of filters writes (``web/static/src/core/domain.js`` evaluates them in the
browser; here they mean the same)."""

import datetime
import time

import pytz
from dateutil.relativedelta import relativedelta

from odoo import fields


def make_filter_names(env):
    """The names for ``safe_eval``: ``uid``, ``context_today()`` in the user's time
    zone, and dates to reckon with. Nothing of them reaches a record or a module."""
    zone = pytz.timezone(env.user.tz or "UTC")

    class Moment(datetime.datetime):
        """A moment on the user's clock; ``to_utc()`` is the same one as Odoo stores
        it."""

        def to_utc(self):
            local = zone.localize(self.replace(tzinfo=None))
            return datetime.datetime.fromtimestamp(
                local.timestamp(), datetime.timezone.utc
            ).replace(tzinfo=None)

    class Names:
        """In place of the module ``datetime``."""

        date = datetime.date
        time = datetime.time
        timedelta = datetime.timedelta

    Names.datetime = Moment

    class Clock:
        """In place of the module ``time``."""

        strftime = staticmethod(time.strftime)

    return {
        "uid": env.uid,
        "context_today": lambda: fields.Date.context_today(env.user),
        "current_date": fields.Date.context_today(env.user).isoformat(),
        "datetime": Names,
        "time": Clock,
        "relativedelta": relativedelta,
    }
