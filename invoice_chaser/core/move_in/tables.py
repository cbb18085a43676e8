"""A file that somebody dropped in, as tables: CSV, XLSX, JSON, and a ZIP of them.

Nothing of a file is executed, and no part of it is ever written to the disk by its own
name. Rows are read one after the other, so that memory does not grow with their number.
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .csv_text import read_csv
from .header import clean_header
from .own import FILES, MANIFEST, MESSAGES, check_hash, read_manifest
from .problems import FileProblem
from .spreadsheet import read_xlsx

MAX_BYTES = 120_000_000
# The export of this addon has the files of its records in it; they are read one by one.
MAX_OWN_BYTES = 1_000_000_000
MAX_JSON_BYTES = 60_000_000
MAX_TEXT_BYTES = 500_000
# A ZIP is refused before anything of it is unpacked: by the sizes it declares, which
# zipfile holds to. Contact lists shrink to a tenth, bombs to a thousandth.
MAX_MEMBERS = 5_000
MAX_UNPACKED = 500_000_000
MAX_RATIO, RATIO_FROM = 150, 2_000_000
MAX_COLUMNS = 300
MAX_ROWS = 1_000_000
_SKIPPED = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store|Thumbs\.db|desktop\.ini)", re.I)
_HTML = re.compile(rb"\s*(<!doctype html|<html|<table|<head|<body)", re.I)
_TITLE = re.compile(r"<title[^<>]{0,500}>", re.I)
_TITLE_END = re.compile(r"</title>", re.I)
_BODY = re.compile(r"<body[^<>]{0,5000}>", re.I)
_BODY_END = re.compile(r"</body>", re.I)
_DATA = (".csv", ".txt", ".tsv", ".xlsx", ".json", ".jsonl")
Rows = Iterator[tuple[int, list]]


@dataclass
class Table:
    """One table of one file. ``rows()`` starts from the beginning each time and gives
    (row number, cells in the order of ``header``); it may raise ``FileProblem``."""

    name: str
    header: list[str]
    rows: Callable[[], Rows]
    form: str = "csv"
    details: dict = field(default_factory=dict)


def open_tables(name: str, raw: bytes) -> list[Table]:
    """The tables of a file.

    :raises FileProblem: when it is none that can be read
    """
    is_own = raw[:4] == b"PK\x03\x04" and MANIFEST.encode() in raw[-1000:]
    limit = MAX_OWN_BYTES if is_own else MAX_BYTES
    if len(raw) > limit:
        raise FileProblem("too_large", limit=limit // 1_000_000)
    if not raw.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise FileProblem("empty")
    if raw[:4] == b"PK\x03\x04" or raw[:4] == b"PK\x05\x06":
        return _open_zip(name, raw)
    return [_open_plain(name, raw)]


def _open_plain(name: str, raw: bytes) -> Table:
    _check_kind(name, raw)
    if name.lower().endswith((".json", ".jsonl")) or raw.lstrip()[:1] in (b"{", b"["):
        header, rows = _read_json(raw)
        return _checked(Table(name, header, rows, "json"))
    if name.lower().endswith((".html", ".htm")):
        return _read_html_template(name, raw)
    header, rows, details = read_csv(raw)
    return _checked(Table(name, header, rows, "csv", details))


def _check_kind(name: str, raw: bytes) -> None:
    """Files that are certainly no tables, named by their kind, so that the message can
    say what to do."""
    if raw[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise FileProblem("old_excel")
    if raw[:4] == b"%PDF":
        raise FileProblem("pdf")
    if raw[:2] == b"\x1f\x8b" or raw[:4] in (b"Rar!", b"7z\xbc\xaf"):
        raise FileProblem("other_archive")
    if _HTML.match(raw[3:] if raw[:3] == b"\xef\xbb\xbf" else raw):
        if not name.lower().endswith((".html", ".htm")):
            raise FileProblem("html")


def _checked(table: Table) -> Table:
    if len(table.header) > MAX_COLUMNS:
        raise FileProblem("too_many_columns", limit=MAX_COLUMNS)
    return table


# --- ZIP ------------------------------------------------------------------------------


def _open_zip(name: str, raw: bytes) -> list[Table]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
        members = [item for item in archive.infolist() if not item.is_dir()]
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError):
        raise FileProblem("torn_zip") from None
    names = {item.filename for item in members}
    manifest = _read_manifest(archive, members)
    if manifest:
        members = [
            item for item in members if not item.filename.startswith((FILES, MESSAGES))
        ]
    check_bomb(members)
    if "[Content_Types].xml" in names:
        if "xl/workbook.xml" not in names:
            raise FileProblem("other_office")
        read = read_xlsx(raw, archive, members)
        return [
            _checked(Table(_join(name, sheet), clean_header(head), rows, "xlsx"))
            for sheet, head, rows in read
        ]
    return _open_members(name, archive, members, manifest)


def _join(name: str, part: str) -> str:
    return f"{name}/{part}" if part else name


def check_bomb(members: list[zipfile.ZipInfo]) -> None:
    """:raises FileProblem: for what would unpack to more than anybody exports"""
    if len(members) > MAX_MEMBERS:
        raise FileProblem("zip_members", limit=MAX_MEMBERS)
    unpacked = sum(item.file_size for item in members)
    packed = sum(item.compress_size for item in members)
    if unpacked > MAX_UNPACKED or (
        unpacked > RATIO_FROM and unpacked > MAX_RATIO * max(packed, 1)
    ):
        raise FileProblem("zip_bomb", limit=MAX_UNPACKED // 1_000_000)


def read_member(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> bytes:
    """:raises FileProblem: when it is locked, torn, or larger than it says"""
    if item.flag_bits & 1:
        raise FileProblem("zip_locked", detail=item.filename[:120])
    try:
        with archive.open(item) as stream:
            content = stream.read(item.file_size + 1)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ):
        raise FileProblem("torn_zip", detail=item.filename[:120]) from None
    if len(content) != item.file_size:
        raise FileProblem("torn_zip", detail=item.filename[:120])
    return content


def _open_members(
    name: str,
    archive: zipfile.ZipFile,
    members: list[zipfile.ZipInfo],
    manifest: dict | None,
) -> list[Table]:
    found = []
    for item in members:
        if manifest and item.filename == MANIFEST:
            continue
        inner = item.filename.lower()
        if _SKIPPED.search(item.filename) or not inner.endswith(
            (*_DATA, ".html", ".htm", ".zip")
        ):
            continue
        if inner.endswith(".zip"):
            raise FileProblem("zip_in_zip", detail=item.filename[:120])
        content = read_member(archive, item)
        if not content.strip():
            continue
        if manifest:
            check_hash(manifest, item.filename, content)
        found += _open_member(_join(name, item.filename), content)
    if not found:
        raise FileProblem("zip_without_tables")
    return found


def _read_manifest(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]
) -> dict | None:
    """Of an export of our own, whose tables must be the ones that were exported."""
    for item in members:
        if item.filename == MANIFEST:
            if item.file_size > MAX_JSON_BYTES:
                raise FileProblem("zip_bomb", limit=MAX_JSON_BYTES // 1_000_000)
            return read_manifest(read_member(archive, item))
    return None


class OwnFiles:
    """The files of records in an export of this addon, read one at a time."""

    def __init__(self, raw: bytes):
        self.archive = self.manifest = None
        if raw[:2] == b"PK":
            self.archive = zipfile.ZipFile(io.BytesIO(raw))
            self.manifest = _read_manifest(self.archive, self.archive.infolist())

    def get(self, name: str) -> bytes:
        """:raises FileProblem: where it is not there, or not the one of the export"""
        try:
            item = self.archive.getinfo(name) if self.manifest else None
        except KeyError:
            item = None
        if not item or not name.startswith(FILES):
            raise FileProblem("no_file", detail=name[:120])
        if item.file_size > MAX_BYTES:
            raise FileProblem("too_large", limit=MAX_BYTES // 1_000_000)
        content = read_member(self.archive, item)
        check_hash(self.manifest, name, content)
        return content


def _open_member(name: str, content: bytes) -> list[Table]:
    try:
        if content[:2] == b"PK":
            return _open_zip(name, content)
        return [_open_plain(name, content)]
    except FileProblem as problem:
        problem.params.setdefault("detail", "")
        problem.params["file"] = name
        raise


# --- JSON and HTML --------------------------------------------------------------------


def _read_json(raw: bytes) -> tuple[list[str], Callable[[], Rows]]:
    if len(raw) > MAX_JSON_BYTES:
        raise FileProblem("too_large", limit=MAX_JSON_BYTES // 1_000_000)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        raise FileProblem("bad_bytes", row=row) from None
    records = _find_records(_parse_json(text))
    header: dict[str, None] = {}
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise FileProblem("json_row", row=number)
        header.update(dict.fromkeys(map(str, record)))
    names = clean_header(list(header))

    def rows() -> Rows:
        for number, record in enumerate(records, 1):
            yield number, [record.get(key) for key in header]

    return names, rows


def _parse_json(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise FileProblem("bad_json", row=error.lineno, detail=error.msg) from None
    except (RecursionError, ValueError):
        raise FileProblem("bad_json", row=1, detail="") from None
    records = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                records.append(json.loads(line))
            except (ValueError, RecursionError):
                raise FileProblem("bad_json", row=number, detail="") from None
    return records


def _find_records(content: object, depth: int = 0) -> list:
    """The list of records: the content itself, or the one list below it, as services
    wrap it (``{"data": {"results": […]}}``)."""
    if isinstance(content, list):
        if not content:
            raise FileProblem("no_rows")
        return content
    if isinstance(content, dict) and depth < 4:
        lists = [value for value in content.values() if isinstance(value, list | dict)]
        if lists == [[]]:
            raise FileProblem("no_rows")
        best = [value for value in lists if isinstance(value, list) and value]
        if len(best) == 1 and all(isinstance(record, dict) for record in best[0]):
            if not {"email", "name", "subject"} & set(content):
                return best[0]
        if len(lists) == 1 and isinstance(lists[0], dict):
            if not {"email", "name", "subject"} & set(content):
                return _find_records(lists[0], depth + 1)
        return [content]
    raise FileProblem("json_form")


def _find_inside(begin: re.Pattern, text: str, end: re.Pattern) -> str | None:
    """What stands between a tag and its end; None without one of them."""
    found = begin.search(text)
    after = end.search(text, found.end()) if found else None
    return text[found.end() : after.start()] if after else None


def _read_html_template(name: str, raw: bytes) -> Table:
    """A file of a template's text: one row with its name, subject and body."""
    if len(raw) > MAX_TEXT_BYTES:
        raise FileProblem("too_large", limit=1)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        raise FileProblem("bad_bytes", row=row) from None
    title = _find_inside(_TITLE, text, _TITLE_END)
    body = _find_inside(_BODY, text, _BODY_END)
    stem = re.split(r"[/\\]", name)[-1].rsplit(".", 1)[0]
    subject = " ".join((title or "").split())
    cells = [stem, subject or stem, text if body is None else body]
    return Table(
        name,
        ["name", "subject", "body_html"],
        lambda: iter([(1, cells)]),
        "html",
    )
