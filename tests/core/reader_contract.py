"""What every reader of a mailbox must do, whatever it speaks; a kind subclasses this
with a mailbox of its own."""

import json
from datetime import date, timedelta

import pytest
from core.mail.errors import AuthenticationFailed, Unreachable

SINCE = date.today() - timedelta(days=14)
MAIL = (
    "From: Ali <ali@customer.example>\r\nTo: "
    "accounts@pop.example\r\nSubject: =?utf-8?B?2LHYrw==?= "
    "{number}\r\nMessage-ID: <m{number}@customer.example>\r\n"
    "X-Long: {long}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nتم "
    "الدفع {number}\r\n"
)


def make_mail(number):
    return MAIL.format(number=number, long="word " * 50).encode()


def read_all(reader, cursor, limit=50):
    """All pages from a cursor: the entries, and the cursor behind them, once through
    JSON as the database keeps it."""
    entries = []
    for _ in range(50):
        page = reader.list_new(cursor, SINCE, limit)
        entries, cursor = (
            entries + list(page.entries),
            json.loads(json.dumps(page.cursor)),
        )
        if not page.more:
            return entries, cursor
    raise AssertionError("does not end")


def subjects(entries):
    return sorted(
        int(line.rpartition(b" ")[2])
        for entry in entries
        for line in entry.headers.split(b"\r\n")
        if line.lower().startswith(b"subject:")
    )


class ReaderContract:
    """``box`` has ``deliver(raw)``, ``remove(number)``, ``forget()`` (the service loses
    what cursors point to) and ``flags()``; ``reader`` reads it, ``refused`` is a reader
    whose login is not accepted."""

    looks = True

    def test_empty_mailbox(self, reader):
        with reader:
            entries, cursor = read_all(reader, {})
        assert entries == []
        assert cursor

    def test_reads_what_is_there_and_then_what_comes(self, box, reader):
        for number in range(3):
            box.deliver(make_mail(number))
        with reader:
            entries, cursor = read_all(reader, {})
            assert subjects(entries) == [0, 1, 2]
            assert read_all(reader, cursor)[0] == []
            box.deliver(make_mail(3))
            entries, cursor = read_all(reader, cursor)
            assert subjects(entries) == [3]
            assert read_all(reader, cursor)[0] == []

    def test_mail_after_an_empty_start_is_found(self, box, reader):
        with reader:
            _entries, cursor = read_all(reader, {})
        box.deliver(make_mail(1))
        with reader:
            assert subjects(read_all(reader, cursor)[0]) == [1]

    def test_pages_are_bounded(self, box, reader):
        for number in range(7):
            box.deliver(make_mail(number))
        with reader:
            page = reader.list_new({}, SINCE, 3)
            assert len(page.entries) == 3 and page.more
            entries, cursor = read_all(reader, {}, limit=3)
            assert subjects(entries) == list(range(7))
            for number in range(7, 12):
                box.deliver(make_mail(number))
            assert subjects(read_all(reader, cursor, limit=2)[0]) == [7, 8, 9, 10, 11]

    def test_killed_between_two_pages(self, box, reader):
        """The cursor of the last page that was kept goes on where it stands, in a new
        process."""
        for number in range(6):
            box.deliver(make_mail(number))
        with reader:
            first = reader.list_new({}, SINCE, 4)
        cursor = json.loads(json.dumps(first.cursor))
        with reader:
            rest, _cursor = read_all(reader, cursor, limit=4)
        assert subjects(list(first.entries) + rest) == list(range(6))

    def test_mail_that_comes_while_pages_are_read_is_not_lost(self, box, reader):
        for number in range(4):
            box.deliver(make_mail(number))
        with reader:
            page = reader.list_new({}, SINCE, 2)
            box.deliver(make_mail(4))
            rest, cursor = read_all(reader, page.cursor, limit=2)
            late, _cursor = read_all(reader, cursor)
        # Twice does no harm, never would.
        assert set(subjects(list(page.entries) + rest + late)) == {0, 1, 2, 3, 4}

    def test_forgotten_cursor_starts_again(self, box, reader):
        box.deliver(make_mail(0))
        with reader:
            _entries, cursor = read_all(reader, {})
        box.forget()
        box.deliver(make_mail(1))
        with reader:
            entries, cursor = read_all(reader, cursor)
            assert subjects(entries) == [0, 1]
            assert read_all(reader, cursor)[0] == []

    def test_headers_and_the_whole_mail(self, box, reader):
        box.deliver(make_mail(5))
        with reader:
            [entry], _cursor = read_all(reader, {})
            assert b"<m5@customer.example>" in entry.headers
            assert "تم الدفع".encode() not in entry.headers, "headers alone"
            raw = reader.fetch(entry.ref, 100_000)
            assert "تم الدفع 5".encode() in raw
            assert len(reader.fetch(entry.ref, 40)) == 40

    def test_mail_that_is_gone(self, box, reader):
        box.deliver(make_mail(0))
        with reader:
            [entry], _cursor = read_all(reader, {})
            box.remove(0)
            assert reader.fetch(entry.ref, 1000) is None

    def test_nothing_is_marked(self, box, reader):
        box.deliver(make_mail(0))
        before = box.flags()
        with reader:
            [entry], _cursor = read_all(reader, {})
            reader.fetch(entry.ref, 1000)
        assert box.flags() == before

    def test_sent_message_is_found(self, box, reader):
        box.keep_sent("<chaser.1@pop.example>")
        with reader:
            assert reader.find_sent("<chaser.1@pop.example>") is (
                True if self.looks else None
            )
            assert reader.find_sent("<chaser.2@pop.example>") is None
            assert reader.find_sent("<chaser.\"\\'3@pop.example>") is None

    def test_hostile_mail_does_not_stop_the_list(self, box, reader):
        box.deliver(b"\r\nno headers at all")
        box.deliver(b"Subject: x\r\nFrom: \xff\xfe\r\n\r\n\xff")
        box.deliver(make_mail(2))
        with reader:
            entries, _cursor = read_all(reader, {})
            assert len(entries) == 3
            assert all(reader.fetch(entry.ref, 1000) is not None for entry in entries)

    def test_refused_login(self, refused):
        with pytest.raises(AuthenticationFailed) as caught:
            with refused:
                refused.list_new({}, SINCE, 1)
        assert "wrong-secret" not in str(caught.value) + repr(refused)

    def test_nobody_there(self, unreachable):
        with pytest.raises(Unreachable):
            with unreachable:
                unreachable.list_new({}, SINCE, 1)

    def test_works_again_after_an_error(self, box, reader):
        box.deliver(make_mail(0))
        with reader:
            _entries, cursor = read_all(reader, {})
            box.break_once(reader)
            with pytest.raises(Unreachable):
                reader.list_new(cursor, SINCE, 10)
            box.deliver(make_mail(1))
            assert subjects(read_all(reader, cursor)[0]) == [1]

    def test_close_never_raises(self, reader):
        reader.close()
        reader.open()
        reader.close()
        reader.close()
