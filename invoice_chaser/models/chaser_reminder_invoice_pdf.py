import logging
from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from ..core.documents.choice import Document
from ..core.gates import Hold

_logger = logging.getLogger(__name__)
# How long a message waits for the PDFs of its invoices before it goes without them.
_PATIENCE, _LOOK_AGAIN = timedelta(minutes=20), timedelta(minutes=1)


class ChaserReminder(models.Model):
    """The PDFs of invoices. Odoo's own is taken where there is one; a missing one takes Odoo's report engine seconds, so a job of its
    own makes it before the message is due, and never the sender."""

    _inherit = "chaser.reminder"

    documents_until = fields.Datetime("Waits for PDFs Until", readonly=True, help="In the past: the job has done what it could.")

    @api.model
    def _read_invoice_pdfs(self, move_ids):
        """Invoice → its PDF as a document, of those that have one."""
        if not move_ids:
            return {}
        files = self.env["ir.attachment"].sudo().search([
            ("res_model", "=", "account.move"), ("res_field", "=", "invoice_pdf_report_file"), ("res_id", "in", move_ids)], order="id")
        numbers = {move.id: move.name for move in self.env["account.move"].sudo().browse(files.mapped("res_id"))}
        return {file.res_id: Document("invoice", file.name, file.raw, file.mimetype or "application/pdf", numbers[file.res_id]) for file in files if file.raw}

    def _wait_for_pdfs(self, job, missing):
        """A hold while the job makes the PDFs; once it is done, or takes too long, a note for each that is missing."""
        if not missing:
            return None
        now = fields.Datetime.now()
        if not self.documents_until or self.documents_until > now:
            self.documents_until = self.documents_until or now + _PATIENCE
            self._wake_pdf_job()
            return Hold("documents", until=now + _LOOK_AGAIN)
        # What the job could not make, in its own words.
        told = {params.get("move_id"): params for code, params in self.document_notes or [] if code == "doc_no_pdf"}
        numbers = {row["move_id"]: row["number"] for row in job.items}
        job.document_notes += [
            ["doc_no_pdf", told.get(move_id) or {"move_id": move_id, "detail": numbers[move_id], "error": ""}] for move_id in missing]
        return None

    @api.model
    def _wake_pdf_job(self):
        self.env.ref("invoice_chaser.ir_cron_make_invoice_pdfs").sudo()._trigger()

    @api.model
    def _cron_make_invoice_pdfs(self):
        """Makes the missing PDFs of invoices whose reminders wait in the queue, one at a time, the most important customer first."""
        tried = []
        while waiting := self._find_without_pdfs(tried):
            if self.env["ir.cron"]._commit_progress(0, remaining=len(waiting)) <= 0:
                return
            tried.append(waiting[0])
            try:
                self.browse(waiting[0])._make_invoice_pdfs()
            except psycopg2.errors.SerializationFailure:
                # Somebody changed the invoice or the reminder meanwhile: the next run takes it.
                self.env.cr.rollback()
            self.env["ir.cron"]._commit_progress(1)

    @api.model
    def _find_without_pdfs(self, tried):
        """Ids of queued reminders whose template attaches the invoices and whose invoices were not looked at yet."""
        self.env.flush_all()
        rows = self.env.execute_query(SQL(
            """SELECT r.id, c.template_id, r.level_id, r.company_id, c.campaign_type FROM chaser_reminder r JOIN chaser_campaign c ON c.id = r.campaign_id
                WHERE r.state = 'queued' AND c.state IN ('scheduled', 'sending') AND NOT r.id = ANY(%s)
                  AND (r.documents_until IS NULL OR r.documents_until > %s) ORDER BY r.priority DESC, r.id""", tried, fields.Datetime.now()))
        kinds = {key: self._attaches_pdfs(*key) for key in {row[1:] for row in rows}}
        return [row[0] for row in rows if kinds[row[1:]]]

    @api.model
    def _attaches_pdfs(self, template_id, level_id, company_id, campaign_type):
        template = self.env["chaser.template"].browse(template_id)
        if not template_id:
            level, company = self.env["chaser.level"].browse(level_id), self.env["res.company"].browse(company_id)
            template = template._get_for_level(level, company, campaign_type)
        return template.attach_invoices == "pdf"

    def _make_invoice_pdfs(self):
        """The missing PDFs of one reminder, within the company's limit; each is kept at once."""
        moves = self._get_live_lines().sorted("date_maturity").move_id
        have = self._read_invoice_pdfs(moves.ids)
        notes = []
        for move in moves[: self.company_id.chaser_attach_max_count or None]:
            if move.id not in have:
                error = self._make_invoice_pdf(move)
                if error:
                    notes.append(["doc_no_pdf", {"move_id": move.id, "detail": move.name, "error": error}])
                self.env["ir.cron"]._commit_progress(0)
        self._set_pdfs_tried(notes)

    def _set_pdfs_tried(self, notes):
        """Tells the sender that there is nothing more to wait for, unless it holds the reminder right now: then it does not wait."""
        locked = self.try_lock_for_update(allow_referencing=True)
        if locked.state == "queued":
            locked.write({"documents_until": fields.Datetime.now() - timedelta(seconds=1), "document_notes": notes or False})
            if locked.reason_code == "documents":
                locked.write({"scheduled_at": fields.Datetime.now()})
                locked.campaign_id._trigger_sending()

    @api.model
    def _make_invoice_pdf(self, move):
        """Odoo's own PDF of an invoice, as *Print & Send* makes and keeps it. Returns the error in words, or nothing."""
        try:
            with self.env.cr.savepoint():
                self.env["account.move.send"].with_company(move.company_id)._generate_and_send_invoices(move, sending_methods=[])
        except (psycopg2.errors.SerializationFailure, psycopg2.InterfaceError):
            raise
        except Exception as error:
            _logger.info("The PDF of %s could not be made: %s", move.name, error)
            return str(error)[:300]
        return "" if move.invoice_pdf_report_id else self.env._("The report engine gave no PDF.")


class ChaserCampaign(models.Model):
    _inherit = "chaser.campaign"

    def _trigger_sending(self, moment=None):
        """The PDFs are made while the first messages leave, or long before where the campaign is scheduled."""
        result = super()._trigger_sending(moment)
        if self.env["chaser.template"].sudo().search_count([("attach_invoices", "=", "pdf")], limit=1):
            self.env["chaser.reminder"]._wake_pdf_job()
        return result
