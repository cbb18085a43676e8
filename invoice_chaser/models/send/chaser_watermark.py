import logging
from datetime import timedelta
from pathlib import Path

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, config, format_datetime

from ...core.mail.errors import TransportError
from ...core.status import attempts

_logger = logging.getLogger(__name__)
# A counter of Odoo per mailbox: the attempts that this database knows of.
_CODE = "invoice_chaser.attempts.%s"


class ChaserWatermark(models.AbstractModel):
    """How far sending had come, kept outside of the database (``core.status.attempts``,
    in Odoo's data folder, by the database's uuid). A database that is older than that
    was restored from a backup: it would send again what left since. Every mailbox
    waits then, until a manager has decided."""

    _name = "chaser.watermark"
    _description = "What Was Sent, Kept outside of the Database"

    @api.model
    def _get_folder(self):
        uuid = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        return Path(config["data_dir"]) / "invoice_chaser_attempts" / str(uuid)

    # -- the counters of this database

    @api.model
    def _ensure(self, provider):
        """The mailbox's counter: one row that only its sender writes, in the
        transaction that writes the intent. (A sequence of PostgreSQL would not do: a
        backup does not read it at the moment at which it reads the tables.)"""
        code = _CODE % provider.id
        Sequence = self.env["ir.sequence"].sudo()
        if not Sequence.search_count([("code", "=", code)], limit=1):
            Sequence.create(
                {
                    "name": f"Invoice Chaser: attempts of mailbox {provider.id}",
                    "code": code,
                    "implementation": "no_gap",
                    "company_id": provider.company_id.id,
                }
            )

    @api.model
    def _get_count_sql(self, provider_id):
        """Counts one more attempt, as part of the statement that writes the intent."""
        return SQL(
            "UPDATE ir_sequence SET number_next = number_next + 1 WHERE code = %s "
            "RETURNING number_next",
            _CODE % provider_id,
        )

    @api.model
    def _read_counters(self):
        """Mailbox id → its last attempt, as this database knows it."""
        self.env["ir.sequence"].flush_model(["code", "number_next"])
        prefix = _CODE % ""
        rows = self.env.execute_query(
            SQL(
                "SELECT substr(code, %s)::int, number_next FROM ir_sequence WHERE code "
                "LIKE %s",
                len(prefix) + 1,
                prefix + "%",
            )
        )
        return dict(rows)

    @api.model
    def _drop(self, provider_ids):
        codes = [_CODE % provider_id for provider_id in provider_ids]
        self.env["ir.sequence"].sudo().search([("code", "in", codes)]).unlink()

    # -- what is kept outside

    @api.model
    def _note(self, job, number):
        """Keeps that a message is about to leave. OSError when the disk does not take
        it; then it must not leave."""
        attempts.note(
            job.run.get("attempts", self._get_folder),
            job.run.provider.id,
            {
                "n": number,
                "id": job.reminder.id,
                "proof": attempts.make_proof(job.row["token"] or ""),
                "mid": job.message.message_id,
                "partner": job.row["partner_id"],
                "at": fields.Datetime.to_string(fields.Datetime.now()),
            },
        )

    @api.model
    def _check(self):
        """Finds out whether this database is older than what was sent from it; all its
        mailboxes wait then. Called by each run of a mailbox's job."""
        outside, known = attempts.read_last(self._get_folder()), self._read_counters()
        behind = {
            mailbox: number - known.get(mailbox, 0)
            for mailbox, number in outside.items()
            if number > known.get(mailbox, 0)
        }
        if not behind:
            return
        _logger.info("The database is older than what was sent: %s", behind)
        Provider = self.env["chaser.provider"].sudo().with_context(active_test=False)
        # pylint: disable-next=no-search-all  # they are few
        for provider in Provider.search([]):
            self._ensure(provider)
            if not provider.restored_at:
                provider._set_restored(
                    known.get(provider.id, 0), behind.get(provider.id, 0)
                )
        self.env.flush_all()
        # From now on the mailboxes' own mark says that they wait; another backup that
        # is restored later is found again.
        for mailbox in behind:
            self._raise_counter(mailbox, outside[mailbox])

    @api.model
    def _raise_counter(self, mailbox, number):
        code = _CODE % mailbox
        counter = self.env["ir.sequence"].sudo().search([("code", "=", code)], limit=1)
        if not counter:
            counter = counter.create(
                {
                    "name": f"Invoice Chaser: attempts of mailbox {mailbox}",
                    "code": code,
                    "implementation": "no_gap",
                    "company_id": False,
                }
            )
        counter.number_next = number

    # -- a manager looks

    @api.model
    def _take_over(self, provider):
        """What left since the backup is written down: a reminder that this database
        still wants to send is undecided, until the mailbox or a person says that it
        left; a customer whose message this database knows nothing of is paused for the
        contact interval. Returns (reminders, customers)."""
        entries = attempts.read_since(
            self._get_folder(), provider.id, provider.restored_number
        )
        Reminder = self.env["chaser.reminder"].sudo()
        known, foreign = Reminder.browse(), []
        for entry in entries:
            reminder = Reminder.browse(entry.get("id")).exists()
            if not reminder or attempts.make_proof(reminder.token or "") != entry.get(
                "proof"
            ):
                foreign.append(entry)
            elif reminder.state != "sent" and not reminder.is_undecided:
                self._set_undecided(reminder, entry)
                known |= reminder
        return known, self._pause(provider.company_id, foreign)

    @api.model
    def _set_undecided(self, reminder, entry):
        reminder.write(
            {
                "message_id": entry.get("mid"),
                "attempted_at": fields.Datetime.to_datetime(entry.get("at")),
            }
        )
        reminder._set_undecided("undecided")

    @api.model
    def _pause(self, company, entries):
        """Customers who got a message that this database knows nothing of are not
        written to for the usual interval. Returns them."""
        found = self.env["res.partner"].sudo().with_company(company)
        for entry in entries:
            partner = found.browse(entry.get("partner")).exists()
            at = fields.Datetime.to_datetime(entry.get("at"))
            if not partner or not at:
                continue
            until = at.date() + timedelta(days=max(company.chaser_contact_interval, 1))
            if not partner.chaser_paused_until or partner.chaser_paused_until < until:
                partner.write(
                    {
                        "chaser_paused_until": until,
                        "chaser_pause_reason": self.env._(
                            "Got a message on %s that was sent before this database "
                            "was restored from a backup.",
                            format_datetime(self.env, at),
                        ),
                    }
                )
            found |= partner
        return found

    @api.model
    def _ask_mailbox(self, provider, reminders):
        """Asks the mailbox for each message, where it can be asked. Returns what the
        problem was, in words."""
        try:
            box = provider._get_sent_box__()
            if not box:
                return self.env._("This mailbox cannot be asked.")
            with box:
                for reminder in reminders:
                    reminder._settle_by_mailbox(box.find_sent(reminder.message_id))
        except (TransportError, UserError) as error:
            return str(error)
        return ""
