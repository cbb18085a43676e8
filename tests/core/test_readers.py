"""The contract of readers against a real Dovecot, and against strict servers that speak
as Gmail and Graph document it."""

import contextlib
import re
import socket
import threading
import time
from datetime import timedelta

import pytest
from core.mail.connection import ServerSettings
from core.mail.errors import AuthenticationFailed, RateLimited, Unreachable
from core.mail.readers.base import FolderMissing, MarkingReader
from core.mail.readers.gmail import GmailReader
from core.mail.readers.graph import GraphReader
from core.mail.readers.imap import ImapReader, encode_folder
from reader_contract import SINCE, ReaderContract, make_mail, read_all, subjects
from support.fake_mail_api import TOKEN, FakeGmail, FakeGraph, Introspection
from support.mail_servers import Dovecot, unusable
from support.ports import free_port

needs_dovecot = pytest.mark.skipif(bool(unusable()), reason=unusable())


@pytest.fixture(scope="module")
def introspection():
    made = Introspection()
    yield made
    made.close()


@pytest.fixture(scope="module")
def dovecot(introspection):
    with Dovecot(introspect_url=introspection.url, tls=True) as server:
        yield server


class ImapBox:
    count = 0

    def __init__(self, dovecot):
        ImapBox.count += 1
        self.dovecot, self.user = dovecot, f"box{ImapBox.count}"

    def deliver(self, raw):
        self.dovecot.deliver(self.user, raw)

    def remove(self, number):
        with self.dovecot.connect(self.user) as session:
            session.select("INBOX")
            session.store(str(number + 1), "+FLAGS", r"(\Deleted)")
            session.expunge()

    def forget(self):
        """Without its index a folder gets another UIDVALIDITY, made from the clock, and
        new message numbers."""
        time.sleep(1.1)
        for path in (self.dovecot.mail / self.user).glob("dovecot*"):
            path.unlink()

    def flags(self):
        return self.dovecot.flags(self.user)

    def keep_sent(self, message_id):
        self.dovecot.deliver(
            self.user, f"Message-ID: {message_id}\r\n\r\nx".encode(), folder="Sent"
        )

    def break_once(self, reader):
        reader._session.sock.shutdown(socket.SHUT_RDWR)


@needs_dovecot
class TestImap(ReaderContract):
    @pytest.fixture
    def box(self, dovecot):
        return ImapBox(dovecot)

    def settings(self, box, **values):
        own = {
            "host": "127.0.0.1",
            "port": box.dovecot.port,
            "encryption": "none",
            "user": box.user,
            "password": box.dovecot.password,
        }
        return ServerSettings(**own | values)

    @pytest.fixture
    def reader(self, box):
        return ImapReader(self.settings(box))

    @pytest.fixture
    def refused(self, box):
        return ImapReader(self.settings(box, password="wrong-secret"))

    @pytest.fixture
    def unreachable(self, box):
        return ImapReader(self.settings(box, port=free_port()))

    def test_read_only_is_asked_of_the_server(self, box, reader):
        """EXAMINE, so that even a mistake of ours could not change anything."""
        with reader:
            reader.list_new({}, SINCE, 1)
            kind, data = reader._session.uid("STORE", "1", "+FLAGS", r"(\Seen)")
            assert reader._session.is_readonly or kind == "NO", data

    def test_mark_seen_where_asked(self, box, reader):
        box.deliver(make_mail(0))
        box.deliver(make_mail(1))
        with reader:
            entries, cursor = read_all(reader, {})
            reader.mark_seen([entries[1].ref])
            assert [b"Seen" in line for line in box.flags()] == [False, True]
            reader.mark_seen(["1:1"])
            assert read_all(reader, cursor)[0] == []

    @pytest.mark.parametrize(
        "name", ["Rechnungen & Mahnungen", "فواتير", 'quo"ted', "a\\b"]
    )
    def test_folder_with_an_unusual_name(self, box, name):
        encoded = encode_folder(name).replace("\\", "\\\\").replace('"', '\\"')
        box.dovecot.deliver(box.user, make_mail(7), folder=f'"{encoded}"')
        with ImapReader(self.settings(box), name) as reader:
            assert subjects(read_all(reader, {})[0]) == [7]

    def test_folder_that_is_not_there(self, box):
        with (
            ImapReader(self.settings(box), "Nowhere") as reader,
            pytest.raises(FolderMissing),
        ):
            reader.list_new({}, SINCE, 1)

    def test_old_mail_is_left_alone_at_first(self, box, reader):
        with box.dovecot.connect(box.user) as session:
            session.append("INBOX", None, '"01-Jan-2020 00:00:00 +0000"', make_mail(1))
        box.deliver(make_mail(2))
        with reader:
            assert subjects(read_all(reader, {})[0]) == [2]

    def test_xoauth2(self, box, introspection):
        introspection.users["good-token"] = box.user
        box.deliver(make_mail(0))
        with ImapReader(
            self.settings(box, password=""), get_token=lambda rejected: "good-token"
        ) as reader:
            assert subjects(read_all(reader, {})[0]) == [0]
        with (
            pytest.raises(AuthenticationFailed) as caught,
            ImapReader(self.settings(box), get_token=lambda rejected: "bad-token"),
        ):
            pass
        assert "bad-token" not in str(caught.value)

    def test_xoauth2_token_that_ended_early_is_replaced_once(self, box, introspection):
        introspection.users["fresh-token"] = box.user
        asked = []

        def get_token(rejected):
            asked.append(rejected)
            return "fresh-token" if rejected else "stale-token"

        with ImapReader(self.settings(box), get_token=get_token) as reader:
            assert reader.list_new({}, SINCE, 1).entries == ()
        assert asked == ["", "stale-token"]

    def test_starttls_checks_the_certificate(self, box):
        with ImapReader(
            self.settings(box, encryption="starttls", verify=False)
        ) as reader:
            assert reader.list_new({}, SINCE, 1).entries == ()
        with (
            pytest.raises(Unreachable, match="(?i)certificate"),
            ImapReader(self.settings(box, encryption="starttls")),
        ):
            pass

    def test_tls_against_a_server_without(self, box):
        with (
            pytest.raises(Unreachable),
            ImapReader(self.settings(box, encryption="ssl", timeout=5)),
        ):
            pass

    def test_unusual_password(self, box):
        with (
            pytest.raises(AuthenticationFailed),
            ImapReader(self.settings(box, user="علي", password='p"ä\\ss')),
        ):
            pass


@contextlib.contextmanager
def scripted(*lines):
    """A server that sends these lines, one per command, whatever the command is."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        with contextlib.suppress(OSError):
            connection, _peer = server.accept()
            with connection, connection.makefile("rb") as heard:
                connection.sendall(lines[0])
                for line in lines[1:]:
                    tag = heard.readline().split(b" ")[0]
                    connection.sendall(line.replace(b"TAG", tag))

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


class TestImapAnswers:
    """Responses that a correct server does not give."""

    CAPABLE = b"* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"

    def open(self, port, **values):
        reader = ImapReader(
            ServerSettings("127.0.0.1", port, "none", "u", "p", timeout=5, **values)
        )
        reader.open()
        return reader

    @pytest.mark.parametrize(
        "response,error",
        [
            (
                b"TAG NO [AUTHENTICATIONFAILED] Invalid credentials\r\n",
                AuthenticationFailed,
            ),
            (b"TAG NO [UNAVAILABLE] later\r\n", Unreachable),
            (b"TAG NO [INUSE] locked\r\n", Unreachable),
            (b"TAG NO Too many simultaneous connections\r\n", Unreachable),
            (b"* BYE shutting down\r\n", Unreachable),
            (b"nonsense\r\n", Unreachable),
            (b"", Unreachable),
        ],
    )
    def test_login(self, response, error):
        with (
            scripted(b"* OK hello\r\n", self.CAPABLE, response) as port,
            pytest.raises(error),
        ):
            self.open(port)

    def test_greeting_is_none(self):
        for greeting in (b"220 smtp.example ESMTP\r\n", b"* BYE too busy\r\n", b""):
            with scripted(greeting, self.CAPABLE) as port, pytest.raises(Unreachable):
                self.open(port)

    def test_no_starttls_means_no_password(self):
        with (
            scripted(b"* OK hello\r\n", self.CAPABLE) as port,
            pytest.raises(Unreachable, match="STARTTLS"),
        ):
            ImapReader(
                ServerSettings("127.0.0.1", port, "starttls", "u", "p", timeout=5)
            ).open()

    def test_uid_behind_the_text(self):
        head = b"Subject: x 4\r\n\r\n"
        with scripted(
            b"* OK hello\r\n",
            self.CAPABLE,
            b"TAG OK in\r\n",
            b"* 1 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n* OK [UIDNEXT 8] x\r\nTAG OK "
            b"[READ-ONLY]\r\n",
            b"* SEARCH 7\r\nTAG OK done\r\n",
            b"* 1 FETCH (FLAGS ())\r\n* 1 FETCH (BODY[HEADER]<0> {%d}\r\n%s UID "
            b"7)\r\nTAG OK done\r\n" % (len(head), head),
        ) as port:
            page = self.open(port).list_new({}, SINCE, 10)
        assert [(entry.ref, entry.headers) for entry in page.entries] == [("9:7", head)]
        assert page.cursor == {"validity": 9, "uid": 7}

    def test_settings_keep_their_secret(self):
        assert "hunter2" not in repr(
            ServerSettings("h", 1, "ssl", user="u", password="hunter2")
        )


class ApiContract(ReaderContract):
    looks = False

    @pytest.fixture
    def box(self):
        box = self.make_box()
        box.flags = lambda: [entry for entry in box.requests if entry[0] == "never"]
        box.keep_sent = box.sent.add
        box.break_once = lambda _reader: box.responses.append((500, {}, {}))
        yield box
        box.close()

    @pytest.fixture
    def reader(self, box):
        return self.make(lambda rejected: TOKEN, box.base)

    @pytest.fixture
    def refused(self, box):
        return self.make(lambda rejected: "wrong-secret", box.base)

    @pytest.fixture
    def unreachable(self):
        box = self.make_box()
        box.close()
        return self.make(lambda rejected: TOKEN, box.base)

    def test_refused_token_is_replaced_once(self, box):
        asked = []

        def get_token(rejected):
            asked.append(rejected)
            return TOKEN if rejected else "old"

        with self.make(get_token, box.base) as reader:
            read_all(reader, {})
        assert asked == ["", "old"]

    @pytest.mark.parametrize(
        "status,headers,body,error",
        [
            (429, {"Retry-After": "17"}, {}, RateLimited),
            (503, {"Retry-After": "17"}, {}, RateLimited),
            (503, {}, {}, Unreachable),
            (500, {}, b"<html>", Unreachable),
            (302, {"Location": "https://elsewhere.example"}, {}, Unreachable),
            (
                403,
                {},
                {"error": {"code": 403, "message": "Insufficient Permission"}},
                AuthenticationFailed,
            ),
            (200, {}, b"not json", Unreachable),
            (
                400,
                {},
                {"error": {"code": 400, "message": "Invalid label"}},
                FolderMissing,
            ),
        ],
    )
    def test_answers(self, box, reader, status, headers, body, error):
        box.responses.append((status, headers, body))
        with reader:
            if (status, self.tolerates_nonsense) == (200, True):
                return
            with pytest.raises(error) as caught:
                reader.list_new({}, SINCE, 10)
        if error is RateLimited:
            assert caught.value.retry_after == timedelta(seconds=17)

    def test_only_gets(self, box, reader):
        box.deliver(make_mail(0))
        with reader:
            [entry], _cursor = read_all(reader, {})
            reader.fetch(entry.ref, 100)
        assert not isinstance(reader, MarkingReader)

    def test_token_is_in_no_address(self, box, reader):
        box.deliver(make_mail(0))
        with reader:
            read_all(reader, {})
        assert not [
            path
            for path, query, _headers in box.requests
            if TOKEN in path or TOKEN in str(query)
        ]


class TestGmail(ApiContract):
    make_box = FakeGmail
    # An empty response without a history number: the next run lists everything again.
    tolerates_nonsense = True

    @staticmethod
    def make(get_token, detour):
        return GmailReader("INBOX", get_token, detour, timeout=5)

    def test_daily_limit(self, box, reader):
        box.responses.append(
            (
                403,
                {},
                {
                    "error": {
                        "code": 403,
                        "message": "quota",
                        "errors": [{"reason": "userRateLimitExceeded"}],
                    }
                },
            )
        )
        with reader, pytest.raises(RateLimited):
            reader.list_new({}, SINCE, 1)

    def test_day_of_the_first_look(self, box, reader):
        with reader:
            read_all(reader, {})
        assert box.requests[-1][1]["q"] == f"after:{SINCE:%Y/%m/%d}"


class TestGraph(ApiContract):
    make_box = FakeGraph
    tolerates_nonsense = False

    @staticmethod
    def make(get_token, detour):
        return GraphReader("inbox", get_token, detour, timeout=5)

    def test_link_to_another_host_is_not_followed(self, box, reader):
        """The token would go along."""
        with reader:
            with pytest.raises(Unreachable):
                reader.list_new({"link": "https://evil.example/v1.0/me"}, SINCE, 1)
            box.responses.append(
                (
                    200,
                    {},
                    {
                        "value": [],
                        "@odata.nextLink": "https://graph.microsoft.com.evil.example/v1.0/x",
                    },
                )
            )
            with pytest.raises(Unreachable):
                reader.list_new({}, SINCE, 1)
        assert not [entry for entry in box.requests if "evil" in entry[0]]

    def test_mail_without_internet_headers(self, box, reader):
        """From within the same organisation: the service's own values replace them."""
        box.deliver(make_mail(0))
        box.responses += [
            (
                200,
                {},
                {
                    "value": [{"id": "AAMk0"}],
                    "@odata.deltaLink": f"{FakeGraph.origin}/me/mailFolders/inbox/"
                    "messages/delta?$deltatoken=0-1",
                },
            ),
            (
                200,
                {},
                {
                    "id": "AAMk0",
                    "internetMessageId": "<m@x.example>",
                    "subject": "رد\r\nX-Evil: 1",
                    "from": {"emailAddress": {"address": "ali@x.example"}},
                    "toRecipients": [
                        {"emailAddress": {"address": "accounts@pop.example"}}
                    ],
                    "receivedDateTime": "2026-05-04T08:15:00Z",
                },
            ),
        ]
        with reader:
            [entry] = reader.list_new({}, SINCE, 5).entries
        assert re.search(rb"^Message-ID: <m@x.example>\r$", entry.headers, re.M)
        assert not re.search(rb"^X-Evil", entry.headers, re.M)
