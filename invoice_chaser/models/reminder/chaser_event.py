import logging
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, config

from ...core.mail.addresses import hint_address
from ...core.status import spool
from ...core.status.tracking import (
    BURST_LINKS,
    BURST_WINDOW,
    HIDDEN_POSITION,
    describe_agent,
    judge,
    mask_tokens,
    read_link_texts,
)
from .hit_writer import HitWriter

EVENT_TYPES = [
    ("sent", "Sent"),
    ("delivered", "Delivered"),
    ("opened", "Opened"),
    ("clicked", "Clicked"),
    ("replied", "Answered"),
    ("bounced", "Bounced"),
    ("complained", "Complained"),
    ("unsubscribed", "Unsubscribed"),
    ("failed", "Failed"),
    ("deferred", "Deferred"),
]
# Only the verdict and personal data that is deleted may change afterwards.
_CHANGEABLE = {"verdict", "verdict_reason", "user_agent", "ip_address", "raw_data"}
_logger = logging.getLogger(__name__)
# How long a public route waits for the database (milliseconds).
_PATIENCE = 1500
_BOUND = "SET LOCAL lock_timeout = %s; SET LOCAL statement_timeout = %s"
# What a hit needs of its reminder.
_FACTS = """SELECT r.id, r.campaign_id, r.partner_id, r.company_id, r.sent_at,
    r.link_targets, r.token, r.pixel_token, c.chaser_link_days
    FROM chaser_reminder r JOIN res_company c ON c.id = r.company_id
    WHERE r.state IN ('sending', 'sent', 'failed') AND r.purpose <> 'colleague'"""
# Whose token a hit has to carry.
_TOKEN_OF_HIT = {"opened": "pixel_token", "clicked": "token"}
# Hits that are stored in one insert.
_BATCH = 500
_WRITER = HitWriter()
_HIT_KEYS = {
    "uid",
    "token",
    "event_type",
    "position",
    "at",
    "method",
    "user_agent",
    "ip",
    "country",
}


class ChaserEvent(models.Model):
    _name = "chaser.event"
    _description = "Reminder Event"
    _inherit = "chaser.label.mixin"
    _order = "occurred_at desc, id desc"
    _rec_name = "event_type"

    reminder_id = fields.Many2one(
        "chaser.reminder", required=True, readonly=True, ondelete="cascade"
    )
    campaign_id = fields.Many2one("chaser.campaign", readonly=True, ondelete="cascade")
    partner_id = fields.Many2one(
        "res.partner", "Customer", readonly=True, index="btree_not_null"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    event_type = fields.Selection(EVENT_TYPES, required=True, readonly=True)
    occurred_at = fields.Datetime(
        "Time", required=True, readonly=True, default=fields.Datetime.now
    )
    source = fields.Selection(
        [
            ("pixel", "Image or link"),
            ("webhook", "Webhook"),
            ("gateway", "Incoming mail"),
            ("api", "Mail service"),
            ("manual", "Person"),
            ("import", "Imported"),
        ],
        required=True,
        readonly=True,
    )
    provider_event_id = fields.Char(
        "Event ID of the Mail Service",
        readonly=True,
        help="The service's own id, so that a repeated report counts once.",
    )
    raw_data = fields.Json(readonly=True)
    user_agent = fields.Char(readonly=True)
    ip_address = fields.Char("IP Address", readonly=True)
    device_type = fields.Selection(
        [
            ("desktop", "Desktop"),
            ("phone", "Phone"),
            ("tablet", "Tablet"),
            ("other", "Other"),
        ],
        readonly=True,
    )
    mail_client = fields.Char(readonly=True)
    link_url = fields.Char("Link", readonly=True)
    link_position = fields.Integer(readonly=True, aggregator=None)
    link_text = fields.Char(
        readonly=True, help="What the person read on the link that they followed."
    )
    country_code = fields.Char("Country", readonly=True)
    city = fields.Char(readonly=True)
    time_zone = fields.Char(readonly=True)
    bounce_class = fields.Selection(
        [
            ("hard", "Address does not exist"),
            ("soft", "For now"),
            ("policy", "Spam or policy"),
            ("delayed", "Delayed"),
        ],
        "Kind of Bounce",
        compute="_compute_bounce",
        store=True,
        precompute=True,
    )
    bounce_reason = fields.Char(
        "Words of the Mail Server",
        compute="_compute_bounce",
        store=True,
        precompute=True,
    )
    verdict = fields.Selection(
        [("human", "Person"), ("machine", "Machine"), ("unknown", "Unknown")],
        readonly=True,
    )
    verdict_reason = fields.Selection(
        [
            ("head", "Only the headers were asked for"),
            ("hidden_link", "Followed a link that no person can see"),
            ("known_agent", "A known scanner or robot"),
            ("no_agent", "Names no program"),
            ("prefetch", "Fetched ahead by the mail service"),
            ("too_soon", "Too soon after sending"),
            ("burst", "Several links within seconds"),
            ("proxy", "Opened through the mail service's image proxy"),
            ("privacy_proxy", "Hidden by a privacy proxy"),
        ],
        readonly=True,
    )

    _reminder_idx = models.Index("(reminder_id, event_type)")
    _campaign_idx = models.Index(
        "(campaign_id, event_type, verdict) INCLUDE (reminder_id) WHERE "
        "campaign_id IS NOT NULL"
    )
    _company_time_idx = models.Index("(company_id, occurred_at)")
    # What the retention still has to forget (``chaser.retention``).
    _forget_idx = models.Index(
        "(company_id, occurred_at) WHERE ip_address IS NOT NULL OR user_agent IS NOT "
        "NULL OR (raw_data IS NOT NULL AND event_type <> 'bounced')"
    )
    _provider_event_uniq = models.UniqueIndex(
        "(source, provider_event_id) WHERE provider_event_id IS NOT NULL"
    )

    @api.depends("raw_data")
    def _compute_bounce(self):
        """Columns of what a report says, for lists, filters and pivots."""
        kinds = dict(self._fields["bounce_class"].selection)
        for event in self:
            told = event.raw_data if isinstance(event.raw_data, dict) else {}
            is_bounce = event.event_type in ("bounced", "deferred")
            kind = told.get("bounce_class") or told.get("verdict")
            event.bounce_class = is_bounce and kind in kinds and kind
            words = told.get("words") or told.get("detail") or told.get("response")
            event.bounce_reason = is_bounce and words and str(words)[:500]

    def write(self, vals):
        if not self.env.su or set(vals) - _CHANGEABLE:
            raise UserError(self.env._("Events are facts and cannot be changed."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("Events are facts and cannot be deleted."))

    def action_view_reminder(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "chaser.reminder",
            "res_id": self.reminder_id.id,
            "view_mode": "form",
        }

    # -- Hits from outside: opens, clicks, unsubscriptions. Called by public routes as
    # superuser, with a token from a link. Opens and clicks wait in a file, and a writer
    # stores them together a second later, so that no response waits for the database.

    @api.model
    def _register_hit(self, token, event_type, hit, position=None):
        """Keep an open or click; never raises for a busy database. Only a click asks
        the database, for where it leads.

        :param dict hit: ``method``, ``user_agent``, ``ip``, ``country`` of the request
        :return: for a click the stored target, or None when there is none (or the link
            has expired, or the database does not respond; then the hit is kept)
        """
        hit = self._prepare_hit(token, event_type, hit, position)
        target = None
        if event_type == "clicked":
            try:
                with self.env.cr.savepoint(flush=False):
                    fact = self._find_reminder(token, event_type, _PATIENCE)
                target = self._get_target(fact, position) if fact else None
                if not target:
                    return None
            except psycopg2.Error:
                _logger.info("A click leads nowhere now: the database does not respond")
        if not self._keep_hit(hit):
            self._store_at_once(hit)
        return target

    @api.model
    def _prepare_hit(self, token, event_type, hit, position=None):
        return hit | {
            "uid": uuid.uuid4().hex,
            "token": token,
            "event_type": event_type,
            "position": position,
            "at": fields.Datetime.to_string(fields.Datetime.now()),
        }

    @api.model
    def _keep_hit(self, hit):
        """Write a hit to a file, and see to it that it is stored. Returns whether the
        disk could take it."""
        try:
            spool.append(self._get_spool_folder(), hit)
        except OSError as error:
            _logger.info("A hit cannot be kept in a file: %s", error.strerror)
            return False
        _WRITER.wake(self.env.cr.dbname)
        return True

    @api.model
    def _store_at_once(self, hit):
        """The disk does not take it, so that the response waits for the database."""
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(_BOUND, [_PATIENCE, _PATIENCE])
                self._store_hits([hit])
        except psycopg2.Error as error:
            _logger.warning(
                "Neither the folder %s nor the database (%s) takes a hit: it is lost",
                self._get_spool_folder(),
                type(error).__name__,
            )

    @api.model
    def _get_spool_folder(self):
        return Path(config["data_dir"]) / "invoice_chaser_spool" / self.env.cr.dbname

    @api.model
    def _find_reminder(self, token, event_type, patience):
        """The facts about the reminder that a hit needs, or None. ``patience`` in
        milliseconds bounds every statement of the transaction.

        One round trip for all of it, because a scanner follows thousands of links at
        once."""
        self.env.cr.execute(
            SQL(
                _BOUND + "; " + _FACTS + " AND %s = %s",
                patience,
                patience,
                SQL.identifier("r", _TOKEN_OF_HIT[event_type]),
                token,
            )
        )
        fact = self.env.cr.dictfetchone()
        if not fact or self._is_expired(fact, fields.Datetime.now()):
            return None
        return fact

    @api.model
    def _is_expired(self, fact, moment):
        """Whether a link leads nowhere any more at a moment (UTC)."""
        days, sent_at = fact["chaser_link_days"], fact["sent_at"]
        return bool(sent_at and days and sent_at + timedelta(days=days) < moment)

    @api.model
    def _get_target(self, fact, position):
        """Only a link of the message itself; the hidden link has the target of the
        first one."""
        targets = fact["link_targets"] or []
        index = 0 if position == HIDDEN_POSITION else position - 1
        return targets[index] if 0 <= index < len(targets) else None

    # -- storing what was kept

    @api.model
    def _cron_collect_spool(self):
        """For what no writer has come to: a process was killed, or the database was
        away."""
        self._collect_hits()

    @api.model
    def _collect_hits(self):
        """Store the hits that wait in files. A file is deleted only after its hits are
        committed; a hit that is stored twice counts once. Returns False when another
        process is at it in the same folder."""
        folder = self._get_spool_folder()
        with spool.collecting(folder) as mine:
            if not mine:
                return False
            for path, hits in spool.take(folder):
                for start in range(0, len(hits), _BATCH):
                    batch = hits[start : start + _BATCH]
                    self._store_hits(batch)
                    self.env["ir.cron"]._commit_progress(len(batch), remaining=0)
                path.unlink()
        return True

    @api.model
    def _store_hits(self, hits):
        """Opens and clicks in one insert; unsubscriptions that waited one by one. What
        belongs to no reminder, or is a torn line, is passed over."""
        hits = [hit for hit in hits if _is_hit(hit)]
        facts = self._read_facts_of_hits({hit["token"] for hit in hits})
        texts = self._read_link_texts(hits, facts)
        rows, clicks = [], []
        for hit in hits:
            if hit["event_type"] == "unsubscribed":
                self._stop_reminders(hit["token"], hit)
                continue
            fact = facts.get((hit["event_type"], hit["token"]))
            at = datetime.fromisoformat(hit["at"])
            if not fact or self._is_expired(fact, at):
                continue
            target = None
            if hit["event_type"] == "clicked":
                target = self._get_target(fact, hit["position"])
                if not target:
                    continue
                clicks.append((fact, hit, at))
            text = target and texts.get(fact["id"], {}).get(str(hit["position"]))
            rows.append(self._prepare_hit_row(fact, hit, at, target, text))
        if rows:
            self.env.cr.execute(
                SQL(
                    """INSERT INTO chaser_event (reminder_id, campaign_id, partner_id,
                    company_id, event_type, occurred_at, source, user_agent,
                    ip_address, device_type, mail_client, link_url, link_position,
                    link_text, country_code, city, time_zone, verdict, verdict_reason,
                    provider_event_id, create_uid, write_uid, create_date, write_date)
                    VALUES %s ON CONFLICT DO NOTHING""",
                    SQL(", ").join(rows),
                )
            )
        for fact, hit, at in clicks:
            self._relabel_machines(fact, hit, at)

    @api.model
    def _read_facts_of_hits(self, tokens):
        """(kind of hit, token) → facts, in one query."""
        if not tokens:
            return {}
        tokens = list(tokens)
        rows = self.env.execute_query_dict(
            SQL(
                _FACTS + " AND (r.pixel_token = ANY(%s) OR r.token = ANY(%s))",
                tokens,
                tokens,
            )
        )
        return {
            (event_type, row[column]): row
            for row in rows
            for event_type, column in _TOKEN_OF_HIT.items()
        }

    @api.model
    def _read_link_texts(self, hits, facts):
        """Reminder id → position → the words of the link, of those that were clicked:
        out of the message as it is kept."""
        ids = {
            fact["id"]
            for hit in hits
            if hit["event_type"] == "clicked"
            and (fact := facts.get(("clicked", hit["token"])))
        }
        if not ids:
            return {}
        rows = self.env.execute_query(
            SQL(
                "SELECT id, body_html FROM chaser_reminder WHERE id = ANY(%s)",
                list(ids),
            )
        )
        return {reminder_id: read_link_texts(body) for reminder_id, body in rows}

    @api.model
    def _prepare_hit_row(self, fact, hit, at, target, text):
        verdict, reason = judge(
            hit["event_type"],
            hit["method"],
            hit["user_agent"],
            at - fact["sent_at"] if fact["sent_at"] else None,
            hit["position"],
        )
        device, client = describe_agent(hit["user_agent"])
        return SQL(
            """(%s, %s, %s, %s, %s, %s, 'pixel', %s, %s, %s, %s, %s, %s, %s, %s, %s,
            %s, %s, %s, %s, 1, 1, now() AT TIME ZONE 'UTC',
            now() AT TIME ZONE 'UTC')""",
            fact["id"],
            fact["campaign_id"],
            fact["partner_id"],
            fact["company_id"],
            hit["event_type"],
            at,
            hit["user_agent"] or None,
            hit["ip"] or None,
            device,
            client or None,
            # Users read where a click led; the token in it would let them act.
            target and mask_tokens(target),
            hit["position"],
            text or None,
            hit["country"] or None,
            hit.get("city") or None,
            hit.get("time_zone") or None,
            verdict,
            reason or None,
            hit["uid"],
        )

    @api.model
    def _relabel_machines(self, fact, hit, at):
        """A scanner is recognised only after several links: its earlier hits of the
        same moment are machine hits, too."""
        if hit["position"] == HIDDEN_POSITION:
            self.env.cr.execute(
                SQL(
                    """UPDATE chaser_event SET verdict = 'machine',
                    verdict_reason = 'hidden_link'
                    WHERE reminder_id = %s AND ip_address = %s AND verdict <> 'machine'
                    AND occurred_at BETWEEN %s AND %s""",
                    fact["id"],
                    hit["ip"] or None,
                    at - timedelta(minutes=1),
                    at + timedelta(minutes=1),
                )
            )
        if len(set(fact["link_targets"] or ())) < BURST_LINKS:
            return
        self.env.cr.execute(
            SQL(
                """UPDATE chaser_event SET verdict = 'machine', verdict_reason = 'burst'
                WHERE reminder_id = %(id)s AND event_type = 'clicked'
                AND verdict <> 'machine' AND occurred_at > %(since)s
                  AND (SELECT count(DISTINCT link_url) FROM chaser_event
                  WHERE reminder_id = %(id)s AND event_type = 'clicked'
                          AND occurred_at > %(since)s) >= %(links)s""",
                id=fact["id"],
                since=at - BURST_WINDOW,
                links=BURST_LINKS,
            )
        )

    # -- unsubscribe

    @api.model
    def _get_unsubscribe_facts(self, token):
        """What the page shows; None for an unknown token. Works for as long as the
        reminder exists, expired links included."""
        reminder = self.env["chaser.reminder"].search(
            [("stop_token", "=", token)], limit=1
        )
        company = reminder.company_id
        addresses = reminder and reminder._get_channel()._get_addresses(reminder)
        if not addresses:
            return None
        return {
            "lang": "ar" if reminder.language in ("ar", "both") else "en",
            # Whoever sees the link may know less than the reader of the mail.
            "email": ", ".join(map(hint_address, addresses)),
            "company": company.name,
            "color": company.email_secondary_color or "",
            "reminder": reminder,
            "addresses": addresses,
        }

    @api.model
    def _unsubscribe(self, token, hit):
        """Stop reminders of the company to the address; while the database is busy, the
        request waits in a file."""
        self.env.cr.flush()
        try:
            with self.env.cr.savepoint():
                self.env.cr.execute(
                    SQL(
                        "SET LOCAL lock_timeout = %s; SET LOCAL statement_timeout = %s",
                        _PATIENCE,
                        _PATIENCE,
                    )
                )
                return self._stop_reminders(token, hit)
        except psycopg2.Error:
            kept = self._keep_hit(self._prepare_hit(token, "unsubscribed", hit))
            if not kept:
                _logger.warning(
                    "The folder %s cannot be written; an unsubscription is lost",
                    self._get_spool_folder(),
                )
            return self._get_unsubscribe_facts(token) if kept else None

    @api.model
    def _stop_reminders(self, token, hit):
        """Once, however often it is asked."""
        facts = self._get_unsubscribe_facts(token)
        if not facts:
            return None
        reminder = facts["reminder"]
        # All recipients got the same message with the same link: which of them followed
        # it is not known.
        new = reminder._get_channel()._stop_addresses(
            reminder,
            facts["addresses"],
            "unsubscribed",
            self.env._("Link in the reminder"),
        )
        if new and reminder.purpose == "colleague":
            # It was not the customer who has stopped something.
            reminder.partner_id._message_log(
                body=self.env._(
                    "%s asked to get no more copies of reminders.", ", ".join(new)
                )
            )
        elif new:
            reminder._record_event(
                "unsubscribed",
                source="pixel",
                user_agent=hit["user_agent"],
                ip_address=hit["ip"],
                verdict="human",
            )
            reminder.partner_id._for_chaser(reminder.company_id)._message_log(
                body=self.env._(
                    "%s asked to get no more payment reminders.", ", ".join(new)
                )
            )
        return facts


def _is_hit(hit):
    """Whether a line of a file is one of ours, whole."""
    if not isinstance(hit, dict) or not hit.keys() >= _HIT_KEYS:
        return False
    try:
        datetime.fromisoformat(hit["at"])
    except (TypeError, ValueError):
        return False
    return isinstance(hit["token"], str)
