"""Sixty broken files: each ends in a code (for which there are words) and a row where
there is one; none in another exception, none half read."""

import csv
import io
import json
import random
import zipfile

import pytest
from core.move_in.convert import Reader, scan
from core.move_in.habits import Habit
from core.move_in.problems import FileProblem
from core.move_in.recognise import recognise
from core.move_in.tables import open_tables
from openpyxl import Workbook

HEAD = b"email,name,phone,city\n"


def zipped(members, **options):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return raw.getvalue()


def workbook(*rows):
    book, raw = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(raw)
    return raw.getvalue()


def with_member(raw, name, change):
    """A ZIP with one member changed."""
    old, new = zipfile.ZipFile(io.BytesIO(raw)), io.BytesIO()
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
        for item in old.infolist():
            content = old.read(item)
            content = change(content) if item.filename == name else content
            archive.writestr(item.filename, content)
    return new.getvalue()


def locked():
    raw = bytearray(zipped({"a.csv": HEAD + b"a@b.example,A,1,X\n"}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + offset] |= 1
    return bytes(raw)


def flipped(raw, position):
    raw = bytearray(raw)
    raw[position] ^= 0xFF
    return bytes(raw)


GOOD_ZIP = zipped({"contacts.csv": HEAD + b"a@b.example,A,1,X\n" * 200})
GOOD_XLSX = workbook(("email", "name"), ("a@b.example", "A"))
ARABIC = "البريد,الاسم\na@b.example,محمد\n"
DEEP = b'{"a":' * 3000 + b"1" + b"}" * 3000
BIG = "x" * 2_000_000

# name of the file, content, code, row (None: the file has no row to name)
FILES = {
    "empty": ("a.csv", b"", "empty", None),
    "only blanks": ("a.csv", b"  \r\n\r\n  \n", "empty", None),
    "only a BOM": ("a.csv", b"\xef\xbb\xbf", "empty", None),
    "only nulls": ("a.csv", b"\x00" * 40, "empty", None),
    "only sep=": ("a.csv", b"sep=;\r\n", "empty", None),
    "only commas": ("a.csv", b",,,\n,,,\n", "no_header", 1),
    "old excel": (
        "a.xls",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x",
        "old_excel",
        None,
    ),
    "old excel as csv": (
        "a.csv",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 99,
        "old_excel",
        None,
    ),
    "pdf": ("a.csv", b"%PDF-1.7\n%\xe2\xe3", "pdf", None),
    "gzip": ("a.csv", b"\x1f\x8b\x08\x00aaaa", "other_archive", None),
    "rar": ("a.zip", b"Rar!\x1a\x07", "other_archive", None),
    "7z": ("a.zip", b"7z\xbc\xaf\x27\x1c", "other_archive", None),
    "html page": ("a.csv", b"<!DOCTYPE html><html><body>Sign in", "html", None),
    "html table": ("a.csv", b"\n <table><tr><td>email", "html", None),
    "html with BOM": ("a.csv", b"\xef\xbb\xbf<html><head>", "html", None),
    "html as txt": ("a.txt", b"<HTML><BODY>x", "html", None),
    "null byte": ("a.csv", HEAD + b"a@b.example,A\x00,1,X\n", "binary", 2),
    "png": ("a.csv", b"\x89PNG\r\n\x1a\n\x00\x00", "binary", 3),
    "utf-16 without BOM": ("a.csv", ARABIC.encode("utf-16-le"), "binary", 1),
    "utf-16 torn": (
        "a.csv",
        b"\xff\xfe" + HEAD.decode().encode("utf-16-le")[:-1],
        "bad_bytes",
        1,
    ),
    "utf-8 with a broken byte": (
        "a.csv",
        HEAD
        + "a@b.example,محمد,1,دبي\n".encode()
        + "x@b.example,مح".encode()[:-1]
        + b",1,X\n"
        + "c@b.example,سالم,1,دبي\n".encode(),
        "bad_bytes",
        3,
    ),
    "utf-8 BOM and windows-1252": (
        "a.csv",
        b"\xef\xbb\xbfemail,name\na@b.example,Ren\xe9\n",
        "bad_bytes",
        2,
    ),
    "open quote": (
        "a.csv",
        HEAD + b'a@b.example,"A,1,X\nb@b.example,B,1,X\n',
        "open_quote",
        2,
    ),
    "open quote at the end": (
        "a.csv",
        HEAD + b"a@b.example,A,1,X\n" * 3 + b'b@b.example,"B',
        "open_quote",
        5,
    ),
    "text after a quote": ("a.csv", HEAD + b'a@b.example,"A"B,1,X\n', "open_quote", 2),
    "quote inside": ("a.csv", HEAD + b'a@b.example,"A "x" B",1,X\n', "open_quote", 2),
    "cell of 2 MB": (
        "a.csv",
        HEAD + f"a@b.example,{BIG},1,X\n".encode(),
        "cell_too_large",
        2,
    ),
    "quoted cell of 2 MB": (
        "a.csv",
        HEAD + b"ok@b.example,A,1,X\n" + f'a@b.example,"{BIG}",1,X\n'.encode(),
        "cell_too_large",
        3,
    ),
    "too many cells": (
        "a.csv",
        HEAD + b"a@b.example,A,1,X,more\n",
        "too_many_cells",
        2,
    ),
    "address with commas": (
        "a.csv",
        HEAD + b"ok@b.example,A,1,X\na@b.example,A,1,Office 2, Deira, Dubai\n",
        "too_many_cells",
        3,
    ),
    "mixed separators": (
        "a.csv",
        HEAD + b"a@b.example,A,1,X\nb@b.example;B;1;Y\n",
        "mixed_separators",
        3,
    ),
    "mixed separators, tab": (
        "a.csv",
        HEAD + b"a@b.example\tA\t1\tY\na@b.example,A,1,X\n",
        "mixed_separators",
        2,
    ),
    "doubled header": (
        "a.csv",
        b"email,name,Email\na@b.example,A,c@b.example\n",
        "double_header",
        1,
    ),
    "doubled header with blanks": (
        "a.csv",
        b"email,first  name,first name \na,b,c\n",
        "double_header",
        1,
    ),
    "doubled header in xlsx": (
        "a.xlsx",
        workbook(("email", "email"), ("a", "b")),
        "double_header",
        1,
    ),
    "empty header, full rows": ("a.csv", b"\n\n,,\n1,2,3\n", "no_header", 1),
    "300 columns": (
        "a.csv",
        ",".join(f"c{n}" for n in range(400)).encode() + b"\n1\n",
        "too_many_columns",
        None,
    ),
    "one column": ("a.csv", b"email^name\na@b.example^A\n", "unknown", None),
    "torn zip": ("a.zip", GOOD_ZIP[: len(GOOD_ZIP) // 2], "torn_zip", None),
    "zip with a broken end": ("a.zip", GOOD_ZIP[:-10], "torn_zip", None),
    "zip with a wrong byte": ("a.zip", flipped(GOOD_ZIP, 60), "torn_zip", None),
    "zip of nothing": (
        "a.zip",
        b"PK\x05\x06" + b"\x00" * 18,
        "zip_without_tables",
        None,
    ),
    "zip without tables": (
        "a.zip",
        zipped({"a.png": b"x", "b.exe": b"y"}),
        "zip_without_tables",
        None,
    ),
    "zip bomb": ("a.zip", zipped({"a.csv": b"0" * 30_000_000}), "zip_bomb", None),
    "zip of many": (
        "a.zip",
        zipped({f"{n}.csv": b"" for n in range(5001)}),
        "zip_members",
        None,
    ),
    "zip in a zip": ("a.zip", zipped({"b.zip": GOOD_ZIP}), "zip_in_zip", None),
    "zip with a password": ("a.zip", locked(), "zip_locked", None),
    "zip with a broken table": (
        "a.zip",
        zipped({"a.csv": HEAD + b'a@b.example,"A,1,X\n'}),
        "open_quote",
        2,
    ),
    "docx": (
        "a.xlsx",
        zipped({"[Content_Types].xml": "<x/>", "word/a.xml": "<x/>"}),
        "other_office",
        None,
    ),
    "xlsx torn inside": (
        "a.xlsx",
        with_member(GOOD_XLSX, "xl/workbook.xml", lambda old: old[:80]),
        "torn_xlsx",
        None,
    ),
    "xlsx with a torn sheet": (
        "a.xlsx",
        with_member(GOOD_XLSX, "xl/worksheets/sheet1.xml", lambda old: old[:-60]),
        "torn_xlsx",
        None,
    ),
    "xlsx with entities": (
        "a.xlsx",
        with_member(
            GOOD_XLSX,
            "xl/worksheets/sheet1.xml",
            lambda old: b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>' + old,
        ),
        "zip_bomb",
        None,
    ),
    "xlsx bomb": (
        "a.xlsx",
        with_member(GOOD_XLSX, "docProps/app.xml", lambda old: b" " * 30_000_000),
        "zip_bomb",
        None,
    ),
    "xlsx without a cell": ("a.xlsx", workbook(), "empty", None),
    "xlsx with a wide row": (
        "a.xlsx",
        workbook(("email", "name"), ("a", "b", "c")),
        "too_many_cells",
        2,
    ),
    "json cut off": (
        "a.json",
        b'[{"email": "a@b.example"},\n{"email": ',
        "bad_json",
        2,
    ),
    "json of numbers": ("a.json", b"[1, 2, 3]", "json_row", 1),
    "json with a stray row": (
        "a.json",
        b'[{"email": "a@b.example"}, "x"]',
        "json_row",
        2,
    ),
    "json without rows": ("a.json", b'{"contacts": []}', "no_rows", None),
    "json nested deep": ("a.json", DEEP, "bad_json", 1),
    "json of a word": ("a.json", b'"hello"', "json_form", None),
    "json in windows-1256": (
        "a.json",
        '[{"name": "محمد"}]'.encode("cp1256"),
        "bad_bytes",
        1,
    ),
    "json lines torn": (
        "a.jsonl",
        b'{"email":"a@b.example"}\n{"email":\n',
        "bad_json",
        2,
    ),
    "unknown columns": ("a.csv", b"foo,bar\n1,2\n", "unknown", None),
    "events without a time": (
        "events.csv",
        b"event,colour\nopen,red\n",
        "unknown",
        None,
    ),
}


def take(name, raw):
    """As the wizard does: open, recognise, read to the end."""
    for table in open_tables(name, raw):
        found = recognise(table.name, table.header)
        result = scan(table, found)
        if not found.kind:
            raise FileProblem("unknown")
        reader = Reader(table, found, result, Habit("dmy", "."))
        for step in ("contact",) if found.kind == "contacts" else ():
            list(reader.records(step))


def test_there_are_sixty():
    assert len(FILES) >= 60


@pytest.mark.parametrize("case", FILES)
def test_a_broken_file_is_named_with_its_row(case):
    name, raw, code, row = FILES[case]
    with pytest.raises(FileProblem) as raised:
        take(name, raw)
    assert (raised.value.code, raised.value.params.get("row")) == (code, row)


def test_cells_have_a_limit_whatever_the_process_lets_csv_take():
    """Odoo raises csv's own limit."""
    before = csv.field_size_limit(500_000_000)
    try:
        for case in ("cell of 2 MB", "quoted cell of 2 MB"):
            test_a_broken_file_is_named_with_its_row(case)
    finally:
        csv.field_size_limit(before)


def test_a_zip_names_the_file_inside():
    raw = zipped({"x/good.csv": HEAD, "x/bad.csv": b"a,b,a\n"})
    with pytest.raises(FileProblem) as raised:
        take("all.zip", raw)
    assert raised.value.params["file"] == "all.zip/x/bad.csv"


@pytest.mark.parametrize("seed", range(40))
def test_random_damage_never_ends_in_another_exception(seed):
    """A byte changed, cut, or doubled anywhere: a FileProblem, or a table."""
    random_ = random.Random(seed)
    sources = [
        ("a.zip", GOOD_ZIP),
        ("a.xlsx", GOOD_XLSX),
        ("a.csv", HEAD + ARABIC.encode() + b'a@b.example,"A, B",1,X\n'),
        ("a.csv", HEAD + ARABIC.encode("cp1256")),
        ("a.json", json.dumps([{"email": "a@b.example", "x": {"y": [1]}}]).encode()),
    ]
    for name, raw in sources:
        for _round in range(12):
            damaged = bytearray(raw)
            for _hit in range(random_.randint(1, 4)):
                place = random_.randrange(len(damaged))
                how = random_.randrange(3)
                if how == 0:
                    damaged[place] = random_.randrange(256)
                elif how == 1:
                    del damaged[place : place + random_.randint(1, 9)]
                else:
                    damaged[place:place] = damaged[place : place + 5]
                if not damaged:
                    break
            try:
                take(name, bytes(damaged))
            except FileProblem:
                pass
