"""One run over the files of an import: each step over each table, batch by batch. A
check plans and writes nothing; an import plans the same and does it."""

import logging
from itertools import islice

import psycopg2

from odoo.exceptions import AccessError, UserError, ValidationError

from ...core.move_in.convert import STEPS
from ...core.move_in.problems import FileProblem
from .changes import CHANGED, DOUBTFUL, NEW, REFUSED, SAME, refuse
from .finder import Finder, XmlIds
from .own_chatter import ChatterWriter, FileWriter
from .write_channel import ChannelWriter
from .write_contacts import ContactWriter, HoldWriter, MemberWriter, SegmentWriter
from .write_history import CampaignWriter, EventWriter, SendWriter
from .write_records import LinkWriter, RecordWriter
from .write_statements import NoteWriter, PromiseWriter
from .write_stopped import StoppedWriter
from .write_templates import TemplateWriter

_logger = logging.getLogger(__name__)
BATCH = 500
WRITERS = {
    "stopped": StoppedWriter,
    "contact": ContactWriter,
    "channel": ChannelWriter,
    "hold": HoldWriter,
    "segment": SegmentWriter,
    "member": MemberWriter,
    "template": TemplateWriter,
    "campaign": CampaignWriter,
    "send": SendWriter,
    "event": EventWriter,
    "promise": PromiseWriter,
    "note": NoteWriter,
    "record": RecordWriter,
    "link": LinkWriter,
}
# Tables of our own export that are read in their own way.
OWN_WRITERS = {"ir.attachment": FileWriter, "mail.message": ChatterWriter}
# What a record may be refused for by the models themselves.
REFUSALS = (
    UserError,
    ValidationError,
    AccessError,
    psycopg2.IntegrityError,
    ValueError,
)


class Stopped(Exception):
    """The run cannot go on; in words, and where the import stands then."""

    def __init__(self, words):
        super().__init__(words)
        self.words = words


class Run:
    def __init__(self, imp):
        self.imp, self.env = imp, imp.env
        self.company, self.dry = imp.company_id, imp.is_dry

    def go(self, go_on=None):
        """Each step of each table in turn. Without ``go_on`` a step of a table comes in
        whole or not at all; with it, batch by batch, since each is committed: what is
        in then stays, the import says how far it is, and goes on from there.

        :param go_on: called after each batch with the number of rows; False stops
            here, to go on another time
        """
        plan = [
            (step, file)
            for step in STEPS
            for file in self.imp.file_ids.sorted(lambda file: file._get_order())
            if step in file._get_steps()
        ]
        while self.imp.cursor_step < len(plan):
            step, file = plan[self.imp.cursor_step]
            self.env.cr.flush()
            try:
                if go_on:
                    ended = self._take(step, file, go_on)
                else:
                    with self.env.cr.savepoint():
                        ended = self._take(step, file)
            except Stopped as stopped:
                self.env.invalidate_all()
                self.imp._set_failed(stopped.words)
                return
            if not ended:
                return
            self.imp._by_program().write(
                {"cursor_step": self.imp.cursor_step + 1, "cursor_row": 0}
            )
        self.imp._set_finished()

    def _take(self, step, file, go_on=None):
        """The rest of one step of one table; False where it was interrupted.

        :raises Stopped: where it cannot go on
        """
        tool = TableRun(self, step, file)
        rows = islice(file._get_reader().records(step), self.imp.cursor_row, None)
        while True:
            try:
                batch = list(islice(rows, BATCH))
            except FileProblem as problem:
                words = self.imp._describe_problem(problem.code, problem.params)
                raise Stopped(f"{file.name}: {words}") from None
            if not batch:
                return True
            self._take_batch(tool, batch, whole=not go_on)
            if go_on and not go_on(len(batch)):
                return False

    def _take_batch(self, tool, batch, whole):
        self.env.cr.flush()
        try:
            with self.env.cr.savepoint():
                tool.take([record for record in batch if record])
                self.imp._by_program().write(
                    {
                        "cursor_row": self.imp.cursor_row + len(batch),
                        "rows_done": self.imp.rows_done + len(batch),
                    }
                )
        except psycopg2.OperationalError:
            raise  # Odoo tries the transaction again
        except Exception as error:
            _logger.info("Import %s stopped", self.imp.id, exc_info=True)
            self.env.invalidate_all()
            raise Stopped(self._describe_stop(tool, batch, error, whole)) from error

    def _describe_stop(self, tool, batch, error, whole):
        """Where it stopped, why, what is in by now, and how it goes on."""
        rows = [record.row for record in batch if record] or [0]
        told = {
            "table": tool.file.name,
            "step": self.imp._get_step_words()[tool.step],
            "first": rows[0],
            "last": rows[-1],
            "error": str(error)[:300],
            "done": 0 if whole else self.imp.cursor_row,
            "total": tool.file.row_count,
        }
        if whole:
            return self.env._(
                "%(table)s (%(step)s), rows %(first)s to %(last)s: %(error)s Nothing "
                "of this step has come in; the steps before it have. Press Import to "
                "go on with it: nothing comes in twice.",
                **told,
            )
        return self.env._(
            "%(table)s (%(step)s), rows %(first)s to %(last)s: %(error)s Of %(total)s "
            "rows of this step %(done)s have come in, of these rows nothing. Press "
            "Import to go on with row %(first)s: nothing comes in twice.",
            **told,
        )


class TableRun:
    """One step of one table."""

    def __init__(self, run, step, file):
        self.run, self.step, self.file = run, step, file
        self.env, self.imp, self.company = run.env, run.imp, run.company
        self.dry = run.dry
        self.xml_ids = XmlIds(self.env, self.company, file.tool)
        self.finder = Finder(self.env, self.company, self.xml_ids, self.imp)
        self.replace = self.imp.on_existing == "replace"
        own = OWN_WRITERS.get((file.fixed or {}).get("model"))
        self.writer = (own if own and step == "record" else WRITERS[step])(self)
        self.choices = self._read_choices()
        self.seen = {}
        if not self.imp.cursor_row:
            self._lines().unlink()

    def _lines(self):
        return (
            self.env["chaser.import.line"]
            .sudo()
            .search([("file_id", "=", self.file.id), ("step", "=", self.step)])
        )

    def _read_choices(self):
        """Row → (decision, customer) that a person took about this table."""
        lines = (
            self.env["chaser.import.line"]
            .sudo()
            .search([("file_id", "=", self.file.id), ("choice", "!=", False)])
        )
        return {line.row: (line.choice, line.choice_partner_id.id) for line in lines}

    def take(self, records):
        changes = []
        good = []
        for record in records:
            twin = self._find_twin(record)
            if record.problems:
                code, params = record.problems[0]
                changes.append(refuse(record, code, **params))
            elif twin:
                changes.append(refuse(record, "twice", detail=twin))
            else:
                good.append(record)
        planned = self.writer.plan(good) if good else []
        if not self.dry:
            self._apply(planned)
            self._register(planned)
        self._write_lines(changes + planned)

    def _find_twin(self, record):
        """The row of this table that says the same record already."""
        found = None
        for identity in self.writer.identities(record):
            found = found or self.seen.get(identity)
            self.seen.setdefault(identity, record.row)
        return found

    def _apply(self, changes):
        """All at once; where that is refused, one by one, so that the one is found."""
        todo = [change for change in changes if change.action in (NEW, CHANGED)]
        if not todo:
            return
        self.env.cr.flush()
        try:
            with self.env.cr.savepoint():
                self.writer.apply(todo)
                self.env.flush_all()
            return
        except REFUSALS:
            self.env.invalidate_all()
        for change in todo:
            self.env.cr.flush()
            try:
                with self.env.cr.savepoint():
                    self.writer.apply([change])
                    self.env.flush_all()
            except REFUSALS as error:
                self.env.invalidate_all()
                change.action = REFUSED
                change.reason = ("refused_here", {"detail": str(error)[:500]})

    def _register(self, changes):
        register = getattr(self.writer, "register", None)
        if register:
            register([change for change in changes if change.action != REFUSED])

    def _write_lines(self, changes):
        counts = dict((self.file.figures or {}).get(self.step, {}))
        values = []
        for change in sorted(changes, key=lambda change: change.record.row):
            counts[change.action] = counts.get(change.action, 0) + 1
            if change.action == SAME and not change.reason:
                continue
            values.append(self._prepare_line(change))
        self.file.sudo().figures = (self.file.figures or {}) | {self.step: counts}
        self.env["chaser.import.line"].sudo().create(values)

    def _prepare_line(self, change):
        record = change.record
        code, params = change.reason or (False, {})
        choice = self.choices.get(record.row, (False, False))
        return {
            "import_id": self.imp.id,
            "file_id": self.file.id,
            "company_id": self.company.id,
            "step": self.step,
            "row": record.row,
            "key": record.key,
            "email": next(iter(record.values.get("emails", ())), False),
            "name": (change.name or self.writer.name(record))[:200],
            "action": change.action,
            "difference": {
                label: [str(old or "")[:300], str(new or "")[:300]]
                for label, (old, new) in change.difference.items()
            }
            or False,
            "reason_code": code,
            "reason_params": params or False,
            "partner_id": change.partner_id or False,
            "candidate_ids": [(6, 0, change.candidates)],
            "choice": choice[0] if change.candidates else False,
            "choice_partner_id": choice[1] if change.candidates else False,
        }

    def find(self, record):
        """The customer of a record, with what a person decided where it was doubtful:
        a ``Match``, or a ``Change`` that says why there is none."""
        match = self.finder.find(record)
        if not match.candidates:
            return match
        choice, partner_id = self.choices.get(record.row, (False, False))
        if choice == "match" and partner_id in match.candidates:
            match.partner = self.env["res.partner"].browse(partner_id)
            match.how = "choice"
        elif choice == "create":
            match.how = "create"
        elif choice == "leave":
            change = refuse(record, "left_out")
            change.candidates = list(match.candidates)
            return change
        else:
            change = refuse(record, "doubtful")
            change.action = DOUBTFUL
            change.candidates = list(match.candidates)
            return change
        return match
