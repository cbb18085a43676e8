"""The ZIP of an export of our own: its files are read one by one, and its links give
nobody a right."""

import hashlib
import io
import json
import zipfile
from email import message_from_bytes, policy

import pytest
from core.move_in import tables
from core.move_in.own import FORMAT, VERSION, mask_links, mask_mail
from core.move_in.problems import FileProblem
from core.move_in.tables import OwnFiles, open_tables

TABLE = b"chaser.key,name\nk-1,A\n"
TOKEN = "AbCdEfGhIjKlMnOpQrStUv_x"


def make_zip(members, manifest=None):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        if manifest is not None:
            archive.writestr("manifest.json", json.dumps(manifest))
    return raw.getvalue()


def make_own(members, **changes):
    hashes = {name: hashlib.sha256(raw).hexdigest() for name, raw in members.items()}
    manifest = {"format": FORMAT, "version": VERSION, "files": hashes | changes}
    return make_zip(members, manifest)


def test_files_and_messages_are_no_tables_and_have_no_limit(monkeypatch):
    """A company has as many messages as it has sent."""
    monkeypatch.setattr(tables, "MAX_MEMBERS", 10)
    members = {
        f"files/k-{n}-list.csv": b"email,name\na@b.example,A\n" for n in range(9)
    }
    members |= {f"messages/k-{n}.eml": b"Subject: x\r\n\r\nx" for n in range(9)}
    found = open_tables("out.zip", make_own({"chaser.tag.csv": TABLE} | members))
    assert [table.name for table in found] == ["out.zip/chaser.tag.csv"]


def test_folders_of_another_tool_are_read(monkeypatch):
    members = {"files/contacts.csv": b"email,name\na@b.example,A\n"}
    found = open_tables("x.zip", make_zip(members, {"name": "another"}))
    assert found[0].header == ["email", "name"]
    monkeypatch.setattr(tables, "MAX_MEMBERS", 3)
    many = {f"files/{n}.csv": b"a,b\n1,2\n" for n in range(9)}
    with pytest.raises(FileProblem) as raised:
        open_tables("x.zip", make_zip(many, {"name": "another"}))
    assert raised.value.code == "zip_members"


def test_a_file_is_the_one_of_the_export():
    files = {"files/k-1-a.pdf": b"%PDF one", "messages/k-1.eml": b"x"}
    assert OwnFiles(make_own(files)).get("files/k-1-a.pdf") == b"%PDF one"
    for raw, name, code in (
        (make_own(files), "files/gone.pdf", "no_file"),
        (make_own(files), "", "no_file"),
        (make_own(files), "messages/k-1.eml", "no_file"),
        (
            make_own(files, **{"files/k-1-a.pdf": "0"}),
            "files/k-1-a.pdf",
            "changed_since",
        ),
        (make_zip(files), "files/k-1-a.pdf", "no_file"),
        (TABLE, "files/k-1-a.pdf", "no_file"),
    ):
        with pytest.raises(FileProblem) as raised:
            OwnFiles(raw).get(name)
        assert raised.value.code == code


def test_links_are_masked():
    text = (
        f"https://x.example/chaser/p/{TOKEN}?a=1 /chaser/c/{TOKEN}/3 "
        "/my/invoices/5?access_token=0123-4567&x=1 /chaser and /chaser/ stay"
    )
    assert mask_links(text) == (
        "https://x.example/chaser/p/removed?a=1 /chaser/c/removed/3 "
        "/my/invoices/5?access_token=removed&x=1 /chaser and /chaser/ stay"
    )


@pytest.mark.parametrize("encoding", ["7bit", "quoted-printable", "base64"])
def test_a_mail_that_quotes_a_link_is_masked_however_it_is_encoded(encoding):
    mail = message_from_bytes(
        b"From: a@b.example\r\nSubject: Re\r\n", policy=policy.SMTP
    )
    mail.set_content(f"Paid.\r\n> https://x.example/chaser/p/{TOKEN}\r\n", cte=encoding)
    mail.add_attachment(
        b"%PDF", maintype="application", subtype="pdf", filename="a.pdf"
    )
    masked = message_from_bytes(mask_mail(mail.as_bytes()), policy=policy.SMTP)
    text = masked.get_body(("plain",)).get_content()
    assert TOKEN not in text and "Paid." in text and "/chaser/p/removed" in text
    assert masked["Subject"] == "Re"
    [file] = masked.iter_attachments()
    assert file.get_content() == b"%PDF"


def test_other_mails_stay_byte_for_byte():
    for raw in (
        b"From: a@b.example\nSubject: =?x?q?broken\n\nNo link.\n",
        b"\xff\xfe\x00not a mail",
        b"Content-Type: text/plain; charset=none-such\r\n\r\n\xe3\xcd",
    ):
        assert mask_mail(raw) == raw
