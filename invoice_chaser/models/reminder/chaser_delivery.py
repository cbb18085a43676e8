from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

# Mail servers give a message up after some days; most say so within three.
QUIET = timedelta(hours=72)


class ChaserDelivery(models.AbstractModel):
    """What is known of the delivery of messages, with three things kept apart: a report
    that says *delivered*; no bounce within 72 hours; and merely accepted by the mail
    service. Nothing is stored, so no figure drifts."""

    _name = "chaser.delivery"
    _description = "Delivery of Messages"

    @api.model
    def _read(self, column, ids):
        """Figures by the value of a column of ``chaser.reminder`` (``campaign_id``,
        ``provider_id``), in one query.

        ``confirmed``, ``presumed``, ``accepted`` and ``bounced`` are messages, each in
        one of them; ``opened``, ``replied`` and ``complained`` those with such an event
        (by people); ``last_used`` the last attempt, ``last_activity`` the last of
        anything.
        """
        return {row["id"]: row for row in self._select(column, ids)}

    @api.model
    def _read_channels(self, column, ids):
        """The same by channel: (value of the column, code of the channel) → figures."""
        rows = self._select(column, ids, SQL("coalesce(r.channel, 'email')"))
        return {(row["id"], row["part"]): row for row in rows}

    @api.model
    def _select(self, column, ids, part=SQL("NULL")):  # noqa: B008  # never changed
        """:param part: what the rows of a value are parted by"""
        self.env["chaser.reminder"].flush_model()
        self.env["chaser.event"].flush_model()
        return self.env.execute_query_dict(
            SQL(
                """SELECT r.%(column)s AS id, %(part)s AS part,
                count(*) FILTER (WHERE r.state = 'sent') AS sent,
                count(*) FILTER (WHERE e.delivered AND NOT e.bounced) AS confirmed,
                count(*) FILTER (WHERE r.state = 'sent' AND NOT e.delivered
                    AND NOT e.bounced AND r.sent_at <= %(quiet)s) AS presumed,
                count(*) FILTER (WHERE r.state = 'sent' AND NOT e.delivered
                    AND NOT e.bounced AND r.sent_at > %(quiet)s) AS accepted,
                count(*) FILTER (WHERE e.bounced) AS bounced,
                count(*) FILTER (WHERE e.opened) AS opened,
                count(*) FILTER (WHERE e.replied) AS replied,
                count(*) FILTER (WHERE e.complained) AS complained,
                max(r.attempted_at) AS last_used,
                max(greatest(r.attempted_at, e.last)) AS last_activity
                 FROM chaser_reminder r CROSS JOIN LATERAL (
                    SELECT coalesce(bool_or(event_type = 'delivered'), false)
                               AS delivered,
                           coalesce(bool_or(event_type = 'bounced'), false) AS bounced,
                           bool_or(event_type IN ('opened', 'clicked') AND
                               verdict IS DISTINCT FROM 'machine') AS opened,
                           bool_or(event_type = 'replied') AS replied,
                           bool_or(event_type = 'complained') AS complained,
                           max(occurred_at) AS last
                      FROM chaser_event WHERE reminder_id = r.id) e
                WHERE r.%(column)s = ANY(%(ids)s) AND r.state IN ('sent', 'failed')
                GROUP BY 1, 2""",
                column=SQL.identifier(column),
                part=part,
                quiet=fields.Datetime.now() - QUIET,
                ids=list(ids),
            )
        )

    @api.model
    def _describe_channel(self, channel, row):
        """One line of what went by a channel, and what became of it."""
        return self.env._(
            "%(channel)s: %(sent)s sent, %(delivered)s confirmed as delivered, "
            "%(opened)s opened, %(replied)s answered, %(bounced)s not delivered",
            channel=self.env["chaser.channel"]._get_name(channel),
            sent=row["sent"],
            delivered=row["confirmed"],
            opened=row["opened"],
            replied=row["replied"],
            bounced=row["bounced"],
        )

    @api.model
    def _get_rate(self, row):
        """Which part was delivered, in percent: confirmed, or quiet for 72 hours, of
        all whose fate is known by now. None while that is nothing."""
        good = row["confirmed"] + row["presumed"]
        known = good + row["bounced"]
        return 100.0 * good / known if known else None

    @api.model
    def _describe(self, row):
        """The three kept apart, in words."""
        if not row or not row["sent"] + row["bounced"]:
            return False
        rate = self._get_rate(row)
        parts = [
            self.env._("%s confirmed", row["confirmed"]) if row["confirmed"] else "",
            self.env._("%s without a bounce after 72 hours", row["presumed"])
            if row["presumed"]
            else "",
            self.env._("%s accepted so far", row["accepted"])
            if row["accepted"]
            else "",
            self.env._("%s bounced", row["bounced"]) if row["bounced"] else "",
        ]
        words = ", ".join(filter(None, parts))
        return f"{rate:.1f} % ({words})" if rate is not None else words
