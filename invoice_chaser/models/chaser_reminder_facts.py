from datetime import timedelta

import pytz

from odoo import api, fields, models
from odoo.tools import SQL, email_normalize, email_normalize_all

from ..core.gates import Hold, Skip


class ChaserReminder(models.Model):
    """What is known of the customer at the moment of sending, and whether he may still be written to."""

    _inherit = "chaser.reminder"

    def _step_facts(self, job):
        """One query for all that the next steps ask: customer, stopped addresses, what is held, last contact, former messages."""
        addresses = _get_addresses(job.row)
        job.facts = self._read_facts(job, addresses)
        job.held = self.env["chaser.hold"]._make_held(job.facts["held"])
        job.facts["addresses"] = addresses
        job.facts["recipients"] = [email for email in addresses if email not in job.facts["stopped"]]

    def _read_facts(self, job, addresses):
        own, today = job.row, job.run.settings["today"]
        company = self.env["res.company"].browse(own["company_id"])
        [row] = job.run.ask(SQL(
            """SELECT p.name, p.ref, p.vat, p.chaser_escalation_partner_id AS escalation_id,
                      (p.chaser_paused_until->>%(key)s)::date AS paused_until, p.chaser_pause_reason->>%(key)s AS pause_reason,
                      (p.preferred_contact_interval->>%(key)s)::int AS interval,
                      (SELECT max(o.sent_at) FROM chaser_reminder o WHERE o.company_id = %(company)s AND o.partner_id = p.id
                          AND o.state = 'sent' AND o.campaign_id IS DISTINCT FROM %(campaign)s AND o.purpose = 'reminder') AS last_contact,
                      ARRAY(SELECT f.message_id FROM chaser_reminder f WHERE f.company_id = %(company)s AND f.partner_id = p.id AND f.state = 'sent'
                               AND f.id <> %(id)s AND f.recipient_email = %(email)s AND f.message_id IS NOT NULL
                             ORDER BY f.sent_at DESC LIMIT 5) AS former,
                      (SELECT json_agg(s) FROM (%(stopped)s) s) AS stopped, (SELECT json_agg(h) FROM (%(held)s) h) AS held
                 FROM res_partner p WHERE p.id = %(partner)s""",
            key=str(company.id), company=company.id, campaign=own["campaign_id"], partner=own["partner_id"], id=self.id, email=own["recipient_email"],
            stopped=self.env["chaser.campaign"]._get_stopped_sql(addresses, company),
            held=self.env["chaser.hold"]._get_held_sql(company, [own["partner_id"]], today)))
        row["stopped"] = {stop["email"]: stop["reason"] for stop in reversed(row["stopped"] or ())}
        row["held"] = [tuple(held.values()) for held in row["held"] or ()]
        return row

    def _step_gates(self, job):
        """Still allowed? Stopped addresses, pause, interval, and the limit of the recipient's domain."""
        facts, today = job.facts, job.run.settings["today"]
        if not facts["addresses"]:
            return Skip("no_email")
        if not facts["recipients"]:
            return self._get_stopped_skip(facts)
        if held := job.held.customers.get(job.row["partner_id"]):
            return held
        if facts["paused_until"] and facts["paused_until"] >= today:
            return Skip("paused", {"date": facts["paused_until"].isoformat(), "detail": facts["pause_reason"] or ""})
        interval = facts["interval"] or job.run.settings["interval"]
        last = facts["last_contact"] and _get_local_date(facts["last_contact"], job.run.settings["tz"])
        if last and (today - last).days < interval:
            return Skip("recent_contact", {"date": last.isoformat(), "detail": str(interval)})
        return self._get_domain_stop(job)

    @api.model
    def _get_stopped_skip(self, facts):
        first = facts["addresses"][0]
        return Skip(facts["stopped"][first], {"detail": first})

    def _get_domain_stop(self, job):
        """A hold where the recipient's domain has had enough for this minute."""
        domain = job.facts["recipients"][0].rpartition("@")[2]
        until = job.run.get_domain_hold(domain)
        return Hold("limit_domain", {"detail": domain}, until) if until else None

    @api.model
    def _hold_a_minute(self, reason):
        return Hold(reason, until=fields.Datetime.now() + timedelta(minutes=1))


def _get_local_date(moment, tz):
    return pytz.utc.localize(moment).astimezone(pytz.timezone(tz)).date()


def _get_addresses(row):
    others = email_normalize_all(row["recipient_others"] or "")
    return list(dict.fromkeys(filter(None, [email_normalize(row["recipient_email"] or ""), *others])))
