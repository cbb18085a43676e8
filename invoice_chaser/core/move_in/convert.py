"""From a row of a tool's table to records in our words. A value that cannot be read is
a problem of its record and names the column; nothing is guessed in its place."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .habits import (
    ASK,
    Habit,
    clean,
    email_keys,
    guess_decimal,
    guess_order,
    read_day,
    read_email,
    read_moment,
    read_number,
    read_truth,
)
from .own import KEY
from .problems import ValueProblem
from .recognise import Found
from .tables import Table
from .targets import get_targets
from .words import split_tags, stop_of_event, translate

# In this order everything comes in: what must not be written to before everybody else.
STEPS = (
    "stopped",
    "contact",
    "channel",
    "hold",
    "segment",
    "member",
    "template",
    "campaign",
    "send",
    "event",
    "promise",
    "note",
    "record",
    "link",
)
# Which steps a kind of table may feed.
STEPS_OF_KIND = {
    "contacts": ("stopped", "contact", "channel", "hold", "member", "note"),
    "stopped": ("stopped",),
    "lists": ("segment",),
    "members": ("member",),
    "templates": ("template",),
    "campaigns": ("campaign",),
    "sends": ("send",),
    "events": ("stopped", "event"),
    "promises": ("promise",),
    "notes": ("note",),
    "invoices": (),
    "records": ("record", "link"),
    "kept": (),
    "": (),
}
MAX_TEXT = 20_000


@dataclass
class Record:
    """``key``: what makes it the same record in a second run, within its tool and step.
    ``problems``: (code, params) for which it is refused."""

    step: str
    row: int
    key: str
    values: dict
    problems: list[tuple[str, dict]] = field(default_factory=list)


@dataclass
class Scan:
    """What one reading of the whole table found. ``orders`` and ``decimals``: column →
    habit, where it needs one."""

    rows: int = 0
    orders: dict[str, str] = field(default_factory=dict)
    decimals: dict[str, str] = field(default_factory=dict)
    samples: dict[str, str] = field(default_factory=dict)

    @property
    def asks_order(self) -> bool:
        return ASK in self.orders.values()

    @property
    def asks_decimal(self) -> bool:
        return ASK in self.decimals.values()


def scan(table: Table, found: Found) -> Scan:
    """Reads the table to its end, so that a file that is broken at its end is refused
    before anything of it is taken.

    :raises FileProblem: naming the row
    """
    result = Scan()
    reads = _reads(found)
    dates = [
        (index, column)
        for index, column in enumerate(table.header)
        if reads.get(column) in ("moment", "day")
    ]
    numbers = [
        (index, column)
        for index, column in enumerate(table.header)
        if reads.get(column) == "number"
    ]
    for _number, cells in table.rows():
        result.rows += 1
        if len(result.samples) < len(table.header):
            for column, cell in zip(table.header, cells, strict=False):
                if column not in result.samples and clean(cell):
                    result.samples[column] = clean(cell)[:80]
        for index, column in dates:
            _settle(result.orders, column, guess_order([cells[index]]))
        for index, column in numbers:
            _settle(result.decimals, column, guess_decimal([cells[index]]))
    return result


def _reads(found: Found) -> dict[str, str]:
    targets = get_targets(found.kind, found.more)
    return {
        column: targets[target].reads
        for column, target in found.columns.items()
        if target in targets
    }


def _settle(habits: dict[str, str], column: str, habit: str | None) -> None:
    """The first proof stays; a question stays until there is a proof."""
    if habit and habits.get(column, ASK) == ASK:
        habits[column] = habit


class Reader:
    """Reads the rows of one table. ``habit``: the answers of a person, for columns that
    leave it open, and the zone of times."""

    def __init__(self, table: Table, found: Found, result: Scan, habit: Habit):
        self.table, self.found = table, found
        self.targets = get_targets(found.kind, found.more)
        self.habits = {
            column: replace(
                habit,
                order=found.order or _answer(result.orders, column, habit.order),
                decimal=_answer(result.decimals, column, habit.decimal),
            )
            for column in table.header
        }

    def records(self, step: str) -> Iterator[Record | None]:
        """The records of one step, one per row; None for a row that has none."""
        make = getattr(self, f"_make_{step}")
        for number, cells in self.table.rows():
            values, problems = self.read(cells)
            record = make(number, values, problems)
            yield record

    # pylint: disable-next=method-required-super  # no model
    def read(self, cells: list) -> tuple[dict, list]:
        """Target → value of a row, and what could not be read (target, code,
        params)."""
        if self.found.kind == "records":
            return {"raw": dict(zip(self.table.header, cells, strict=False))}, []
        values: dict = {"custom": {}}
        problems = []
        for column, cell in zip(self.table.header, cells, strict=False):
            target = self.found.columns.get(column)
            if not target:
                continue
            if target == "custom":
                if clean(cell):
                    values["custom"][column] = _text(cell)
                continue
            try:
                value = self._value(self.targets[target].reads, cell, column)
            except ValueProblem as problem:
                problems.append(
                    (target, problem.code, {"column": column, **problem.params})
                )
                continue
            if value not in (None, "", [], {}):
                values[target] = value
        for target, value in self.found.fixed.items():
            values.setdefault(target, value)
        if isinstance(values.get("custom_fields"), dict):
            values["custom"] |= flatten(values.pop("custom_fields"))
        return values, problems

    def _value(self, reads: str, cell: object, column: str) -> object:
        habit = self.habits[column]
        if reads == "moment":
            return read_moment(cell, habit)
        if reads == "day":
            return read_day(cell, habit)
        if reads == "number":
            return read_number(cell, habit)
        if reads == "email":
            return read_email(cell)
        if reads == "truth":
            return read_truth(cell) if clean(cell) else None
        if reads == "tags":
            return split_tags(cell)
        if reads == "json":
            return _read_json(cell)
        if isinstance(cell, dict | list):
            return json.dumps(cell, ensure_ascii=False)
        return _text(cell)

    # -- one row, one record of a step

    def _key(self, values: dict, *parts: str) -> str:
        """The tool's own id, else what the record says."""
        if values.get("external_id"):
            return str(values["external_id"])[:200]
        told = "\x1f".join(str(values.get(part) or "") for part in parts)
        return "h" + hashlib.sha256(told.casefold().encode()).hexdigest()[:24]

    def _record(self, step, number, values, problems, key, only=None) -> Record:
        """Problems of columns that the step does not use are not its problems."""
        found = [
            (code, params)
            for target, code, params in problems
            if only is None or target in only
        ]
        return Record(step, number, key, values, found)

    def _make_stopped(self, number, values, problems) -> Record | None:
        if self.found.kind == "contacts":
            reason = self._stop_of_contact(values)
            note = values.get("stop_note", "")
            if not reason:
                return None
            problems = [one for one in problems if one[0] in ("email", "stopped_at")]
        elif self.found.kind == "events":
            reason = stop_of_event(values.get("event_type", ""))
            if not reason or problems:
                return None  # the event itself is refused then
            values["stopped_at"] = values.get("occurred_at")
            note = values.get("detail", "")
        else:
            if values.get("active") is False or values.get("released_at"):
                return None
            if values.get("channel") and values["channel"].lower() not in (
                "email",
                "e-mail",
                "mail",
            ):
                return None
            told = values.get("reason", "")
            reason = translate("reason", told) if told else "manual"
            if reason == "soft":
                return None
            note = values.get("stop_note", "")
            if not reason:
                reason, note = "import", ": ".join(filter(None, (told, note)))
        record = self._record("stopped", number, {}, problems, "")
        if not values.get("email") and not record.problems:
            if self.found.kind != "stopped":
                return None
            record.problems.append(("missing", {"column": "email"}))
        email = values.get("email", "")
        record.key = email.lower()
        record.values = {
            "email": email,
            "emails": email_keys(email),
            "reason": reason,
            "stopped_at": values.get("stopped_at"),
            "note": note[:MAX_TEXT],
        }
        return record

    def _stop_of_contact(self, values: dict) -> str:
        status = translate("status", values.get("status", ""))
        reasons = {
            "unsubscribed": "unsubscribed",
            "bounced": "hard_bounce",
            "complained": "complaint",
        }
        if status in reasons:
            return reasons[status]
        if values.get("bounced"):
            return "hard_bounce"
        return "unsubscribed" if values.get("stopped") else ""

    def _make_channel(self, number, values, problems) -> Record | None:
        """What a channel keeps of the contact; None for a row that says nothing."""
        told = {name: values[name] for name in self.found.more if name in values}
        mine = [one for one in problems if one[0] in self.found.more]
        if not (told or mine):
            return None
        record = self._make_contact(number, values, [])
        problems = record.problems + [(code, params) for _t, code, params in mine]
        values["told"] = told
        return replace(record, step="channel", problems=problems)

    def _make_contact(self, number, values, problems) -> Record | None:
        problems = [one for one in problems if one[0] not in self.found.more]
        record = self._record("contact", number, values, problems, "")
        person = " ".join(
            filter(None, (values.get("first_name"), values.get("last_name")))
        )
        name = values.get("name") or person
        company = values.get("company", "")
        if company and (not name or self.found.tool == "chaser"):
            if name and self.found.tool == "chaser":
                values["contact_person"] = name
            values["name"], values["is_company"] = company, True
            values.pop("company")
        else:
            values["name"] = name or values.get("email", "")
        status = values.get("status", "")
        if status and not translate("status", status):
            record.problems.append(("status", {"column": "status", "detail": status}))
        if not values["name"] and not record.problems:
            record.problems.append(("no_name", {}))
        self._read_consent(values)
        values["emails"] = email_keys(values.get("email", ""))
        record.key = self._key(values, *(("email",) if values["emails"] else ("name",)))
        return record

    def _read_consent(self, values: dict) -> None:
        """Consent is what a column says with yes, or a form that was sent in: a moment
        with an IP address. A person who is merely subscribed has not been asked."""
        stopped = self._stop_of_contact(values)
        proof = values.get("consent_proof", "")
        if self.found.tool == "mailchimp":
            values["consent"] = bool(values.get("consent_at") and proof)
            if proof:
                values["consent_proof"] = f"OPTIN_IP {proof}"
        if not values.get("consent") or stopped:
            for name in ("consent", "consent_at", "consent_proof"):
                values.pop(name, None)

    def _make_hold(self, number, values, problems) -> Record | None:
        if translate("status", values.get("status", "")) != "held":
            return None
        record = self._make_contact(number, values, problems)
        return replace(record, step="hold")

    def _make_member(self, number, values, problems) -> Record | None:
        if self.found.kind == "members":
            lists = [values["list"]] if values.get("list") else []
            problems = [one for one in problems if one[0] == "email"]
        else:
            lists = values.get("lists", [])
            problems = []
        if not lists and self.found.kind == "contacts":
            return None
        if self.found.kind == "contacts":
            record = self._make_contact(number, values, problems)
        else:
            record = self._record("member", number, values, problems, "")
            values["emails"] = email_keys(values.get("email", ""))
            if not lists:
                record.problems.append(("missing", {"column": "list"}))
        if self.found.tool == "brevo":
            lists = [f"Brevo {name}" if name.isdigit() else name for name in lists]
        values["lists"] = lists
        return replace(record, step="member")

    def _make_segment(self, number, values, problems) -> Record | None:
        return self._named("segment", number, values, problems)

    def _named(self, step, number, values, problems) -> Record:
        record = self._record(step, number, values, problems, "")
        if not values.get("name"):
            record.problems.append(("missing", {"column": "name"}))
        record.key = self._key(values, "name")
        return record

    def _make_template(self, number, values, problems) -> Record | None:
        values.setdefault("name", values.get("subject", ""))
        values.setdefault("subject", values.get("name", ""))
        record = self._named("template", number, values, problems)
        if not values.get("body_html"):
            record.problems.append(("missing", {"column": "body_html"}))
        return record

    def _make_campaign(self, number, values, problems) -> Record | None:
        return self._named("campaign", number, values, problems)

    def _make_send(self, number, values, problems) -> Record | None:
        record = self._record("send", number, values, problems, "")
        state = values.get("state", "")
        values["state"] = translate("sent_state", state) if state else "sent"
        if not values["state"]:
            record.problems.append(("status", {"column": "state", "detail": state}))
        if values["state"] == "skipped":
            return None
        if not values.get("sent_at") and not record.problems:
            record.problems.append(("missing", {"column": "sent_at"}))
        values["emails"] = email_keys(values.get("email", ""))
        record.key = self._key(
            values, "message_id", "email", "customer_ref", "sent_at", "subject"
        )
        values["told_event"] = translate("event", state)
        return record

    def _make_event(self, number, values, problems) -> Record | None:
        record = self._record("event", number, values, problems, "")
        told = values.get("event_type", "")
        values["event_type"] = translate("event", told)
        if not values["event_type"]:
            record.problems.append(("event", {"column": "event_type", "detail": told}))
        if not values.get("occurred_at") and not record.problems:
            record.problems.append(("missing", {"column": "occurred_at"}))
        values["emails"] = email_keys(values.get("email", ""))
        record.key = self._key(
            *(values, "event_type", "send", "message_id", "email", "campaign"),
            *("occurred_at", "link"),
        )
        return record

    def _make_record(self, number, values, problems) -> Record | None:
        return Record("record", number, clean(values["raw"][KEY]), values)

    def _make_link(self, number, values, problems) -> Record | None:
        return Record("link", number, clean(values["raw"][KEY]), values)

    def _make_promise(self, number, values, problems) -> Record | None:
        record = self._record("promise", number, values, problems, "")
        if not values.get("date_promised") and not record.problems:
            record.problems.append(("missing", {"column": "date_promised"}))
        state = values.get("state", "")
        values["state"] = translate("promise", state)
        if state and not values["state"]:
            record.problems.append(("status", {"column": "state", "detail": state}))
        values["emails"] = email_keys(values.get("email", ""))
        record.key = self._key(
            *(values, "email", "customer_ref", "customer_name", "vat"),
            *("date_promised", "amount"),
        )
        return record

    def _make_note(self, number, values, problems) -> Record | None:
        if not values.get("note"):
            return None
        if self.found.kind == "contacts":
            own = self._make_contact(number, values, [])
            told = f"{own.key}\x1f{values['note']}"
            key = "h" + hashlib.sha256(told.encode()).hexdigest()[:24]
            return Record("note", number, key, values)
        record = self._record("note", number, values, problems, "")
        values["emails"] = email_keys(values.get("email", ""))
        record.key = self._key(
            values, "email", "customer_ref", "customer_name", "note", "written_at"
        )
        return record


def _answer(habits: dict[str, str], column: str, told: str | None) -> str | None:
    habit = habits.get(column)
    return told if habit == ASK else habit


def _text(cell: object) -> str:
    return clean(cell)


def _read_json(cell: object) -> dict:
    if isinstance(cell, dict):
        return cell
    text = clean(cell)
    if not text:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueProblem("json", detail=text[:60]) from None
    if not isinstance(value, dict):
        raise ValueProblem("json", detail=text[:60])
    return value


def flatten(values: dict, prefix: str = "", depth: int = 0) -> dict[str, str]:
    """Nested attributes as one level: ``{"a": {"b": 1}}`` → ``{"a b": "1"}``."""
    found: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix} {key}".strip()[:80]
        if isinstance(value, dict) and depth < 3:
            found |= flatten(value, name, depth + 1)
        elif isinstance(value, list | dict):
            found[name] = json.dumps(value, ensure_ascii=False)[:2000]
        elif clean(value):
            found[name] = clean(value)[:2000]
    return found
