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
    def _read(self, column, ids, since=None):
        """Figures by the value of a column of ``chaser.reminder`` (``provider_id``,
        a template's version), in one query; of what was attempted since a moment (UTC),
        or of all.

        ``confirmed``, ``presumed``, ``accepted`` and ``bounced`` are messages, each in
        one of them; ``opened``, ``replied`` and ``complained`` those with such an event
        (by people); ``last_used`` the last attempt.
        """
        return {row["id"]: row for row in self._select(column, ids, since=since)}

    @api.model
    def _read_campaigns(self, ids):
        """The delivery of campaigns, who may have more events than a page can wait for:
        campaign id → ``sent``, ``confirmed``, ``presumed``, ``accepted``, ``bounced``,
        ``last_used`` as above, and ``channels``, how many there are. The events that
        decide are found by the index of a campaign's events alone.
        """
        self.env["chaser.reminder"].flush_model()
        self.env["chaser.event"].flush_model()
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT r.campaign_id AS id, %(counts)s,
                count(DISTINCT coalesce(r.channel, 'email')) AS channels,
                max(r.attempted_at) AS last_used
                 FROM chaser_reminder r LEFT JOIN (
                    SELECT reminder_id, bool_or(event_type = 'delivered') AS delivered,
                           bool_or(event_type = 'bounced') AS bounced
                      FROM chaser_event
                     WHERE campaign_id = ANY(%(ids)s)
                       AND event_type IN ('delivered', 'bounced')
                     GROUP BY 1) e ON e.reminder_id = r.id
                WHERE r.campaign_id = ANY(%(ids)s) AND r.state IN ('sent', 'failed')
                GROUP BY 1""",
                counts=self._get_counts_sql(),
                ids=list(ids),
            )
        )
        return {row["id"]: row for row in rows}

    @api.model
    def _get_counts_sql(self):
        """Of reminders ``r`` beside what is known of each, ``e`` (or nothing)."""
        return SQL(
            """count(*) FILTER (WHERE r.state = 'sent') AS sent,
                count(*) FILTER (WHERE e.delivered AND e.bounced IS NOT TRUE)
                    AS confirmed,
                count(*) FILTER (WHERE r.state = 'sent' AND e.delivered IS NOT TRUE
                    AND e.bounced IS NOT TRUE AND r.sent_at <= %(quiet)s) AS presumed,
                count(*) FILTER (WHERE r.state = 'sent' AND e.delivered IS NOT TRUE
                    AND e.bounced IS NOT TRUE AND r.sent_at > %(quiet)s) AS accepted,
                count(*) FILTER (WHERE e.bounced) AS bounced""",
            quiet=fields.Datetime.now() - QUIET,
        )

    @api.model
    def _read_channels(self, column, ids):
        """The same by channel: (value of the column, code of the channel) → figures."""
        rows = self._select(column, ids, SQL("coalesce(r.channel, 'email')"))
        return {(row["id"], row["part"]): row for row in rows}

    @api.model
    def _select(self, column, ids, part=None, since=None):
        """:param part: SQL of what the rows of a value are parted by"""
        self.env["chaser.reminder"].flush_model()
        self.env["chaser.event"].flush_model()
        return self.env.execute_query_dict(
            SQL(
                """SELECT r.%(column)s AS id, %(part)s AS part, %(counts)s,
                count(*) FILTER (WHERE e.opened) AS opened,
                count(*) FILTER (WHERE e.replied) AS replied,
                count(*) FILTER (WHERE e.complained) AS complained,
                max(r.attempted_at) AS last_used
                 FROM chaser_reminder r CROSS JOIN LATERAL (
                    SELECT bool_or(event_type = 'delivered') AS delivered,
                           bool_or(event_type = 'bounced') AS bounced,
                           bool_or(event_type IN ('opened', 'clicked') AND
                               verdict IS DISTINCT FROM 'machine') AS opened,
                           bool_or(event_type = 'replied') AS replied,
                           bool_or(event_type = 'complained') AS complained
                      FROM chaser_event WHERE reminder_id = r.id) e
                WHERE r.%(column)s = ANY(%(ids)s) AND r.state IN ('sent', 'failed')
                  AND %(recent)s
                GROUP BY 1, 2""",
                column=SQL.identifier(column),
                part=part or SQL("NULL"),
                recent=SQL("r.attempted_at >= %s", since) if since else SQL("true"),
                counts=self._get_counts_sql(),
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
