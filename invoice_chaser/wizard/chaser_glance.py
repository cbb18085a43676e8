from collections import Counter

from odoo import api, fields, models
from odoo.tools import format_datetime

from ..core.letter.localize import FSI, PDI

# Within a week the weekday alone says which day is meant.
_WEEK = 6


class ChaserPreviewGlanceMixin(models.AbstractModel):
    """What a person has to see at a glance before a campaign leaves: how many get which
    level by which channel, and which hour it is where the customers are."""

    _name = "chaser.preview.glance.mixin"
    _description = "Chase: What Leaves, and When"

    level_totals = fields.Char("By Level", compute="_compute_totals")
    channel_totals = fields.Char("By Channel", compute="_compute_totals")
    hour_warning = fields.Text(
        compute="_compute_hour",
        help="Night, weekend or a day off at the customers' place.",
    )
    hour_note = fields.Text(
        compute="_compute_hour",
        help="As the warning, where messages wait for working hours by themselves.",
    )
    later_at = fields.Datetime(compute="_compute_hour")
    later_display = fields.Char(compute="_compute_hour")

    @api.depends("message_ids.included", "message_ids.level_id", "level_id")
    @api.depends_context("lang")
    def _compute_totals(self):
        Channel = self.env["chaser.channel"]
        for preview in self:
            going = preview.message_ids.filtered("included")
            levels = Counter(preview.level_id or message.level_id for message in going)
            preview.level_totals = self._format_counts(
                (level.name or self.env._("No level"), levels[level])
                for level in sorted(levels, key=lambda one: (-one.sequence, one.id))
            )
            preview.channel_totals = self._format_counts(
                (Channel._get_name(code), count)
                for code, count in Counter(going.mapped("channel")).most_common()
            )

    @api.model
    def _format_counts(self, counts):
        """Each is isolated, because a name in the other script would move figures."""
        return "  ·  ".join(
            f"{FSI}{count} × {FSI}{name}{PDI}{PDI}" for name, count in counts
        )

    @api.depends("message_ids.included", "scheduled_at")
    @api.depends_context("lang")
    def _compute_hour(self):
        Window = self.env["chaser.window"]
        for preview in self:
            preview.hour_warning = preview.hour_note = False
            preview.later_at = preview.later_display = False
            now = fields.Datetime.now()
            moment = max(preview.scheduled_at or now, now)
            partners = preview.message_ids.filtered("included").partner_id
            count, opening, later = Window._look_at_hour(
                preview.company_id, partners, moment
            )
            if not count:
                continue
            text = preview._describe_hour(moment, count, len(partners), opening)
            if preview.company_id.chaser_window_enabled:
                preview.hour_note = text
                continue
            preview.hour_warning = text
            if later and not preview.scheduled_at:
                preview.later_at = later
                preview.later_display = self.env._(
                    "Send on %s", preview._describe_moment(later)
                )

    def _describe_hour(self, moment, count, total, opening):
        """One paragraph: which hour it is there, for how many, why that is no working
        time, and what follows from it."""
        Reason = self.env["chaser.reason.mixin"]
        values = {
            "count": count,
            "total": total,
            "hour": Reason._describe_local(moment.isoformat(), opening.tz),
            "why": "; ".join(
                Reason._describe_shift(shift.as_params()) for shift in opening.shifts
            ),
        }
        if not self.company_id.chaser_window_enabled:
            return self.env._(
                "Outside working hours for %(count)s of %(total)s customers: it is "
                "%(hour)s there (%(why)s). What is sent now reaches them at that hour.",
                **values,
            )
        if not opening.at:
            return self.env._(
                "Outside working hours for %(count)s of %(total)s customers: it is "
                "%(hour)s there. Their calendar never opens, so their messages wait "
                "until it is corrected.",
                **values,
            )
        return self.env._(
            "Outside working hours for %(count)s of %(total)s customers: it is "
            "%(hour)s there (%(why)s). Their messages wait and leave from %(opening)s "
            "on.",
            opening=Reason._describe_local(opening.at.isoformat(), opening.tz),
            **values,
        )

    def _describe_moment(self, moment):
        """A moment by the company's clock, as it is said: with the date only where the
        weekday alone would not do."""
        near = (moment - fields.Datetime.now()).days < _WEEK
        return format_datetime(
            self.env,
            moment,
            tz=self.company_id._get_chaser_tz(),
            dt_format="EEEE H:mm" if near else "EEEE d MMM, H:mm",
        )
