import hashlib
import logging
import re
from dataclasses import replace
from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.image import image_data_uri

from ...core.letter import render
from ...core.letter.documents import pdf, statement
from ...core.letter.documents.choice import Document, choose
from ...core.letter.documents.drawing import Drawing, Drawn, Letter
from ...core.letter.template_language import TemplateProblem
from ...core.letter.texts import DOCUMENT_TEXTS
from ...core.plan.gates import Hold, Release

_logger = logging.getLogger(__name__)
# So often a message's documents are drawn before it waits for a customer whose figures do not keep still.
_DRAWINGS = 3
_NOT_IN_A_NAME = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')
# How long a message waits for the PDFs of its invoices before it goes without them.
_PATIENCE, _LOOK_AGAIN = timedelta(minutes=20), timedelta(minutes=1)


class ChaserReminder(models.Model):
    """What goes with a message: statement, letter, invoices. A document that cannot be made is told and left out; it never stops
    the message."""

    _inherit = "chaser.reminder"

    document_ids = fields.Many2many("ir.attachment", string="Attachments", compute="_compute_document_ids", help="The exact files that were sent.")
    attached_files = fields.Json(readonly=True, help="Name, size and SHA-256 of what went with the last attempt.")
    document_notes = fields.Json(readonly=True)
    document_note = fields.Text("About the Attachments", compute="_compute_document_note")
    documents_until = fields.Datetime("Waits for PDFs Until", readonly=True, help="In the past: the job has done what it could.")

    def _compute_document_ids(self):
        found = self.env["ir.attachment"].search([("res_model", "=", self._name), ("res_id", "in", self.ids)]).grouped("res_id")
        for reminder in self:
            reminder.document_ids = found.get(reminder.id, self.env["ir.attachment"])

    @api.depends("document_notes")
    @api.depends_context("lang", "tz")
    def _compute_document_note(self):
        for reminder in self:
            reminder.document_note = "\n".join(self._get_reason_text(code, params) for code, params in reminder.document_notes or []) or False

    @api.model
    def _get_reasons(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return super()._get_reasons() | {
            "documents": _("The PDFs of its invoices are being made; next try at %(until)s."),
            "account_changing": _("The customer's account is being changed right now; next try at %(until)s."),
            "doc_no_engine": _("“%(detail)s” was left out: the PDF library WeasyPrint is not installed on the server."),
            "doc_failed": _("“%(detail)s” could not be made: %(error)s"),
            "doc_no_pdf": _("There is no PDF of %(detail)s; the message links to the invoice instead. %(error)s"),
            "doc_cap": _("Not attached because of the company's limit on attachments: %(detail)s"),
        }

    # -- step documents

    def _step_documents(self, job):
        """The files that go with the message, from the same figures. Waits a little for invoice PDFs that are being made; asks for the release
        of all locks where something has to be drawn, and takes what was drawn only if it says the same as the figures of now."""
        options = self._get_document_options(job)
        job.link_invoices = options["invoices"] != "none"
        if not options["makes"]:
            return None
        moves = list(dict.fromkeys(row["move_id"] for row in job.items)) if options["invoices"] == "pdf" else []
        files = self._read_invoice_pdfs(moves)
        wait = self._wait_for_pdfs(job, [move_id for move_id in moves[: options["max_count"] or None] if move_id not in files])
        if wait:
            return wait
        drawings = self._plan_drawings(job, options)
        drawn = [next((done for done in job.drawn if done.drawing == drawing), None) for drawing in drawings]
        if None in drawn:
            return self._release_to_draw(job, drawings)
        self._take_documents(job, options, [done.document for done in drawn if done.document] + [files[move_id] for move_id in moves if move_id in files])
        job.document_notes += [done.note for done in drawn if done.note]
        job.left_out = len(moves) - sum(document.kind == "invoice" for document in job.documents)
        return None

    def _release_to_draw(self, job, drawings):
        """Drawing takes long: not while invoices are locked, nor in a transaction. Bounded, so that nobody is kept from sending."""
        if job.rounds >= _DRAWINGS:
            return self._hold_a_minute("account_changing")
        return Release(lambda: job.drawn.extend(self._draw(drawing) for drawing in drawings if all(drawing != done.drawing for done in job.drawn)))

    @api.model
    def _take_documents(self, job, options, documents):
        job.documents, left = choose(documents, options["max_count"], options["max_bytes"])
        if left:
            job.document_notes.append(["doc_cap", {"detail": ", ".join(document.name for document in left)}])

    def _get_document_options(self, job):
        template_id = self._get_template_id(job)
        company = self.env["res.company"].browse(job.row["company_id"])
        Template = self.env["chaser.template"]
        return job.run.get(("documents", template_id), lambda: (
            Template.browse(template_id)._get_document_options(company) if template_id else Template._get_no_document_options()))

    def _plan_drawings(self, job, options):
        """Letter and statement, where the template wants them, as plain values of now."""
        company = self.env["res.company"].browse(job.row["company_id"])
        shared = {
            "customer": self._get_customer_data(job.row["partner_id"]),
            "logo": job.run.get(("logo", company.id), lambda: "" if company.uses_default_logo else image_data_uri(company.logo_web)),
        }
        level = job.run.get(("level", job.row["level_id"]), lambda: self._prepare_level_values(job.row["level_id"]))
        data = self._prepare_message_data(job, level)
        drawings, preference = [], job.row["language"] or "en"
        if options["letter"]:
            drawings.append(Drawing(self._get_file_name(job, "letter", "pdf"), Letter(data, options["letter"], **shared), preference))
        if options["statement"] != "none":
            name = self._get_file_name(job, "statement", options["statement"])
            drawings.append(Drawing(name, self._prepare_statement(job, data, shared), preference, options["statement"]))
        return drawings

    @api.model
    def _get_file_name(self, job, kind, form):
        lang, settings = render.languages(job.row["language"] or "en")[0], job.run.settings
        name = f"{DOCUMENT_TEXTS[lang][f'file_{kind}']} {settings['company']['name']} {settings['today'].isoformat()}.{form}"
        return _NOT_IN_A_NAME.sub("-", name)

    @api.model
    def _draw(self, drawing):
        """The document, or a note on why there is none; touches no database."""
        try:
            return Drawn(drawing, drawing.draw())
        except pdf.NoEngine:
            return Drawn(drawing, note=["doc_no_engine", {"detail": drawing.name}])
        except TemplateProblem as problem:
            error = self.env["chaser.template"]._describe_problem(problem)
        except Exception as problem:
            # Whatever a library does not like must not stop the message.
            _logger.warning("The document %s could not be made", drawing.name, exc_info=True)
            error = str(problem)[:200]
        return Drawn(drawing, note=["doc_failed", {"detail": drawing.name, "error": error}])

    def _prepare_statement(self, job, data, shared):
        """Everything open on the customer's account in the company."""
        rows = self._read_statement_rows(job.row["partner_id"], job.row["company_id"])
        today = job.run.settings["today"]
        items = tuple(self._make_render_item(row | {"access_token": None}, today, "", job.run) for row in rows)
        return statement.Statement(
            company=data.company, items=items, today=today, bank=data.bank, payment_reference=data.payment_reference, **shared)

    @api.model
    def _read_statement_rows(self, partner_id, company_id):
        return self.env.execute_query_dict(SQL(
            """SELECT l.id, l.move_id, l.currency_id, l.amount_residual_currency AS residual, l.amount_currency AS amount,
                      coalesce(m.name, m.ref, '') AS number, coalesce(m.invoice_date, l.date) AS invoice_date, i.part, i.parts,
                      CASE WHEN l.amount_residual_currency > 0 THEN coalesce(l.date_maturity, m.invoice_date_due, m.invoice_date, l.date) END AS date_due
                 FROM account_move_line l JOIN account_move m ON m.id = l.move_id JOIN account_account a ON a.id = l.account_id
                 JOIN res_partner p ON p.id = l.partner_id CROSS JOIN LATERAL %s i
                WHERE p.commercial_partner_id = %s AND l.company_id = %s AND l.parent_state = 'posted' AND NOT coalesce(l.reconciled, false)
                  AND a.account_type = 'asset_receivable' AND l.amount_residual_currency <> 0
                ORDER BY coalesce(m.invoice_date, l.date), l.id""", self._get_instalment_sql("l"), partner_id, company_id))

    @api.model
    def _get_customer_data(self, partner_id):
        partner = self.env["res.partner"].browse(partner_id).sudo()
        return {"name": partner.name or "", "trn": partner.vat or "", **self.env["chaser.provider"]._get_address_data(partner)}

    # -- steps render and mark

    def _add_documents(self, job, data):
        """The message's data with what it says about its documents."""
        data = replace(
            data, attached=tuple((document.kind, document.number) for document in job.documents), left_out=job.left_out)
        if not job.link_invoices:
            data = replace(data, items=tuple(replace(item, url="") for item in data.items))
        return data

    def _keep_documents(self, job):
        """Keeps the exact files on the reminder, whose readers may read them, and says what went with this attempt."""
        if not job.documents and not job.document_notes:
            return {}
        have = {(file.name, file.checksum) for file in self.env["ir.attachment"].search([("res_model", "=", self._name), ("res_id", "=", self.id)])}
        self.env["ir.attachment"].create([
            {"name": document.name, "raw": document.content, "mimetype": document.mimetype, "res_model": self._name, "res_id": self.id,
             "company_id": job.row["company_id"]}
            for document in job.documents if (document.name, _odoo_checksum(document.content)) not in have])
        return {"attached_files": [document.as_record() for document in job.documents], "document_notes": job.document_notes or False}

    # -- The PDFs of invoices. Odoo's own is taken where there is one; a missing one takes Odoo's report engine seconds, so a job of its own
    # makes it before the message is due, and never the sender

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


def _odoo_checksum(content):
    """As ``ir.attachment`` computes it; it only tells equal files apart, it protects nothing."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


class ChaserCampaign(models.Model):
    _inherit = "chaser.campaign"

    def _trigger_sending(self, moment=None):
        """The PDFs are made while the first messages leave, or long before where the campaign is scheduled."""
        result = super()._trigger_sending(moment)
        if self.env["chaser.template"].sudo().search_count([("attach_invoices", "=", "pdf")], limit=1):
            self.env["chaser.reminder"]._wake_pdf_job()
        return result
