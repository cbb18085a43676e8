import hashlib
import logging
import re
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
from ...core.plan.gates import Hold
from ..planning.open_items import get_due_date, get_label, is_open
from .chaser_composer import Shared

_logger = logging.getLogger(__name__)
_NOT_IN_A_NAME = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')
# How long a message waits for the PDFs of its invoices before it goes without them.
_PATIENCE, _LOOK_AGAIN = timedelta(minutes=20), timedelta(minutes=1)


class ChaserDocuments(models.AbstractModel):
    """What goes with a message: statement, letter, invoices. A document that cannot be
    made is left out and noted; it never stops the message."""

    _name = "chaser.documents"
    _description = "Documents of Messages"

    # -- for the sender's step ``documents``

    @api.model
    def _choose_documents(self, job, options, documents):
        job.documents, left = choose(
            documents, options["max_count"], options["max_bytes"]
        )
        if left:
            job.document_notes.append(
                ["doc_cap", {"detail": ", ".join(document.name for document in left)}]
            )

    def _get_options(self, job):
        """The documents that the template asks for."""
        template_id = self.env["chaser.composer"]._get_template_id(job)
        return job.run.get(
            ("documents", job.row["company_id"], template_id),
            lambda: self._read_options(template_id, job.row["company_id"]),
        )

    def _read_options(self, template_id, company_id):
        template = self.env["chaser.template"].browse(template_id or ())
        company = self.env["res.company"].browse(company_id)
        return (
            template._get_document_options(company)
            if template_id
            else template._get_no_document_options()
        )

    def _plan_drawings(self, job, options):
        """Letter and statement, where the template wants them, as plain values of
        now."""
        composer = self.env["chaser.composer"]
        company = self.env["res.company"].browse(job.row["company_id"])
        shared = {
            "customer": composer._get_customer_data(job.row["partner_id"]),
            "logo": job.run.get(("logo", company.id), lambda: self._get_logo(company)),
        }
        data = composer._prepare_message_data(job)
        drawings, preference = [], composer._get_preference(job)
        if options["letter"]:
            drawings.append(
                Drawing(
                    self._get_file_name(job, "letter", "pdf"),
                    Letter(data, options["letter"], **shared),
                    preference,
                )
            )
        if options["statement"] != "none":
            name = self._get_file_name(job, "statement", options["statement"])
            drawings.append(
                Drawing(
                    name,
                    self._make_statement(job, data, shared),
                    preference,
                    options["statement"],
                )
            )
        return drawings

    @api.model
    def _get_file_name(self, job, kind, form):
        preference = self.env["chaser.composer"]._get_preference(job)
        lang, settings = render.languages(preference)[0], job.settings
        name = (
            f"{DOCUMENT_TEXTS[lang][f'file_{kind}']} {settings['company']['name']} "
            f"{settings['today'].isoformat()}.{form}"
        )
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
            # An error of a library must not stop the message.
            _logger.warning(
                "The document %s could not be made", drawing.name, exc_info=True
            )
            error = str(problem)[:200]
        return Drawn(
            drawing, note=["doc_failed", {"detail": drawing.name, "error": error}]
        )

    def _make_statement(self, job, data, shared):
        """Everything open on the customer's account in the company."""
        rows = self._read_statement_rows(job.row["partner_id"], job.row["company_id"])
        today, composer = job.settings["today"], self.env["chaser.composer"]
        items = tuple(composer._make_item(row, job.run, today, "") for row in rows)
        return statement.Statement(
            company=data.company,
            items=items,
            today=today,
            bank=data.bank,
            banks=data.banks,
            payment_reference=data.payment_reference,
            asked=data.totals,
            **shared,
        )

    @api.model
    def _read_statement_rows(self, partner_id, company_id):
        """The whole account in the legal entity: what a message sets off may have come
        in at the head office."""
        company = self.env["res.company"].browse(company_id)
        return self.env.execute_query_dict(
            SQL(
                """SELECT l.id, l.move_id, l.currency_id,
                l.amount_residual_currency AS residual, l.amount_currency AS amount,
                      coalesce(m.name, m.ref, '') AS number,
                      CASE WHEN l.amount_residual_currency > 0 THEN %s END AS label,
                      coalesce(m.invoice_date, l.date) AS invoice_date, i.part, i.parts,
                      CASE WHEN l.amount_residual_currency > 0
                      THEN %s END AS date_due
                 FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                 JOIN res_partner p ON p.id = l.partner_id CROSS JOIN LATERAL %s i
                WHERE p.commercial_partner_id = %s AND l.company_id = ANY(%s) AND %s
                  AND l.amount_residual_currency <> 0
                ORDER BY coalesce(m.invoice_date, l.date), l.id""",
                get_label(),
                get_due_date(),
                self.env["chaser.composer"]._get_instalment_sql("l"),
                partner_id,
                list(company._get_chaser_entity().ids),
                is_open(),
            )
        )

    # -- for the customer's page

    @api.model
    def _has_engine(self):
        return pdf.is_available()

    @api.model
    def _draw_account(self, reminder, lang):
        """The statement of the customer's account as it is now, in the language of
        their page; None where it cannot be made."""
        company, partner = reminder.company_id, reminder.partner_id
        composer, shared = self.env["chaser.composer"], Shared()
        today = company._get_chaser_today()
        rows = self._read_statement_rows(partner.id, company.id)
        account = statement.Statement(
            company=composer._get_company_data(company),
            customer=composer._get_customer_data(partner.id),
            items=tuple(composer._make_item(row, shared, today, "") for row in rows),
            today=today,
            payment_reference=reminder.payment_reference or "",
            logo=self._get_logo(company),
            **composer._get_page_banks(
                reminder._get_page_lines().filtered(lambda line: not line.is_credit)
            ),
        )
        name = (
            f"{DOCUMENT_TEXTS[lang]['file_statement']} {company.name} "
            f"{today.isoformat()}.pdf"
        )
        return self._draw(
            Drawing(_NOT_IN_A_NAME.sub("-", name), account, lang)
        ).document

    @api.model
    def _get_logo(self, company):
        return "" if company.uses_default_logo else image_data_uri(company.logo_web)

    # -- for the sender's step ``mark``

    def _keep(self, job):
        """Keeps the exact files on the reminder, whose readers may read them, and says
        what went with this attempt."""
        if not job.documents and not job.document_notes:
            return {}
        owner = {"res_model": "chaser.reminder", "res_id": job.reminder.id}
        kept = self.env["ir.attachment"].search(
            [(name, "=", value) for name, value in owner.items()]
        )
        have = {(file.name, file.checksum) for file in kept}
        self.env["ir.attachment"].create(
            [
                {
                    "name": document.name,
                    "raw": document.content,
                    "mimetype": document.mimetype,
                    "company_id": job.row["company_id"],
                    **owner,
                }
                for document in job.documents
                if (document.name, _odoo_checksum(document.content)) not in have
            ]
        )
        return {
            "attached_files": [document.as_record() for document in job.documents],
            "document_notes": job.document_notes or False,
        }

    # -- The PDFs of invoices. Odoo's own is taken where there is one; a missing one
    # takes Odoo's report engine seconds, so a job of its own makes it before the
    # message is due, and never the sender

    @api.model
    def _read_invoice_pdfs(self, move_ids):
        """Invoice → its PDF as a document, of those that have one."""
        if not move_ids:
            return {}
        files = (
            self.env["ir.attachment"]
            .sudo()
            .search(
                [
                    ("res_model", "=", "account.move"),
                    ("res_field", "=", "invoice_pdf_report_file"),
                    ("res_id", "in", move_ids),
                ],
                order="id",
            )
        )
        numbers = {
            move.id: move.name
            for move in self.env["account.move"].sudo().browse(files.mapped("res_id"))
        }
        return {
            file.res_id: Document(
                "invoice",
                file.name,
                file.raw,
                file.mimetype or "application/pdf",
                numbers[file.res_id],
            )
            for file in files
            if file.raw
        }

    @api.model
    def _wait_for_pdfs(self, job, missing):
        """A hold while the job makes the PDFs; once it is done, or takes too long, a
        note for each that is missing."""
        if not missing:
            return None
        now = fields.Datetime.now()
        reminder = job.reminder
        if not reminder.documents_until or reminder.documents_until > now:
            reminder.documents_until = reminder.documents_until or now + _PATIENCE
            self._wake_pdf_job()
            return Hold("documents", until=now + _LOOK_AGAIN)
        # What the job reported about PDFs that it could not make.
        told = {
            params.get("move_id"): params
            for code, params in reminder.document_notes or []
            if code == "doc_no_pdf"
        }
        numbers = {row["move_id"]: row["number"] for row in job.items}
        job.document_notes += [
            [
                "doc_no_pdf",
                told.get(move_id)
                or {"move_id": move_id, "detail": numbers[move_id], "error": ""},
            ]
            for move_id in missing
        ]
        return None

    @api.model
    def _wake_pdf_job(self):
        self.env.ref("invoice_chaser.ir_cron_make_invoice_pdfs").sudo()._trigger()

    @api.model
    def _make_waiting_pdfs(self):
        """The job that makes the missing PDFs of invoices whose reminders wait in the
        queue, one at a time, the most important customer first."""
        tried = []
        while waiting := self._find_without_pdfs(tried):
            if self.env["ir.cron"]._commit_progress(0, remaining=len(waiting)) <= 0:
                return
            tried.append(waiting[0])
            try:
                self._make_invoice_pdfs(self.env["chaser.reminder"].browse(waiting[0]))
            except psycopg2.errors.SerializationFailure:
                # Another process changed the invoice or the reminder meanwhile: the
                # next run tries it again.
                self.env.cr.rollback()
            self.env["ir.cron"]._commit_progress(1)

    @api.model
    def _find_without_pdfs(self, tried):
        """Ids of queued reminders whose template attaches the invoices and whose
        invoices were not looked at yet."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """SELECT r.id, c.template_id, r.level_id, r.company_id,
                c.campaign_type, (SELECT count(*) FROM chaser_reminder_line l
                    WHERE l.reminder_id = r.id AND NOT l.is_credit
                    AND l.dropped_code IS NULL) AS items
                FROM chaser_reminder r JOIN chaser_campaign c ON c.id = r.campaign_id
                WHERE r.state = 'queued' AND c.state IN ('scheduled', 'sending')
                AND NOT r.id = ANY(%s)
                  AND (r.documents_until IS NULL OR r.documents_until > %s)
                  ORDER BY r.priority DESC, r.id""",
                tried,
                fields.Datetime.now(),
            )
        )
        kinds = {key: self._attaches_pdfs(*key) for key in {row[1:] for row in rows}}
        return [row[0] for row in rows if kinds[row[1:]]]

    @api.model
    def _attaches_pdfs(self, template_id, level_id, company_id, campaign_type, items):
        templates = self.env["chaser.template"]
        return (
            templates._choose(
                templates.browse(template_id or ()),
                self.env["chaser.level"].browse(level_id),
                self.env["res.company"].browse(company_id),
                campaign_type,
                items,
            ).attach_invoices
            == "pdf"
        )

    @api.model
    def _make_invoice_pdfs(self, reminder):
        """The missing PDFs of one reminder, within the company's limit; each is kept at
        once."""
        moves = reminder._get_live_lines().sorted("date_maturity").move_id
        moves = moves.filtered(lambda move: move.is_invoice(include_receipts=True))
        have = self._read_invoice_pdfs(moves.ids)
        notes = []
        for move in moves[: reminder.company_id.chaser_attach_max_count or None]:
            if move.id not in have:
                error = self._make_invoice_pdf(move)
                if error:
                    notes.append(
                        [
                            "doc_no_pdf",
                            {"move_id": move.id, "detail": move.name, "error": error},
                        ]
                    )
                self.env["ir.cron"]._commit_progress(0)
        self._set_pdfs_tried(reminder, notes)

    @api.model
    def _set_pdfs_tried(self, reminder, notes):
        """Ends the wait of the reminder, unless the sender has it locked: then it does
        not wait any more."""
        locked = reminder.try_lock_for_update(allow_referencing=True)
        if locked.state == "queued":
            locked.write(
                {
                    "documents_until": fields.Datetime.now() - timedelta(seconds=1),
                    "document_notes": notes or False,
                }
            )
            if locked.reason_code == "documents":
                locked.write({"scheduled_at": fields.Datetime.now()})
                locked.campaign_id._trigger_sending()

    @api.model
    def _make_invoice_pdf(self, move):
        """Odoo's own PDF of an invoice, as *Print & Send* makes and keeps it. Returns
        the error in words, or nothing."""
        self.env.cr.flush()  # a conflict about something else is no fault of this PDF
        try:
            with self.env.cr.savepoint():
                self.env["account.move.send"].with_company(
                    move.company_id
                )._generate_and_send_invoices(move, sending_methods=[])
        except (psycopg2.errors.SerializationFailure, psycopg2.InterfaceError):
            raise
        except Exception as error:
            _logger.info("The PDF of %s could not be made: %s", move.name, error)
            return str(error)[:300]
        return (
            ""
            if move.invoice_pdf_report_id
            else self.env._("The report engine gave no PDF.")
        )


def _odoo_checksum(content):
    """As ``ir.attachment`` computes it; it is only used to find equal files, not for
    security."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
