"""IMAP (RFC 3501), by imaplib: EXAMINE and BODY.PEEK, so that nothing in the mailbox
changes by being read."""

import base64
import contextlib
import imaplib
import re
import ssl
from datetime import date

from ..api import GetToken
from ..connection import ServerSettings
from ..errors import AuthenticationFailed, TransportError, Unreachable, one_line
from .base import MAX_HEADER_BYTES, Entry, FolderMissing, MarkingReader, Page

_MONTHS = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)
# A refusal that another time may not meet (RFC 5530).
_TEMPORARY = re.compile(
    r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]|try again|too many", re.I
)
_UID = re.compile(rb"\bUID (\d+)")
_SENT_FLAG = re.compile(rb'\(([^)]*)\) (?:"[^"]*"|NIL) (.+)$')
_SENT_NAMES = ("Sent", "INBOX.Sent", "Sent Items", "Sent Messages", "[Gmail]/Sent Mail")


class ImapReader(MarkingReader):
    """``get_token``: gives an OAuth access token; with it the login is XOAUTH2, else by
    password."""

    def __init__(
        self,
        settings: ServerSettings,
        folder: str = "INBOX",
        get_token: GetToken | None = None,
    ):
        # Two underscores: out of reach for server actions and templates (Odoo's
        # safe_eval refuses such names).
        self.__settings = settings
        self.__get_token = get_token
        self._folder = folder
        self._session: imaplib.IMAP4 | None = None

    # -- connection

    def open(self) -> None:
        if self._session is None:
            with self._errors():
                session = self._connect()
                try:
                    self._login(session)
                except BaseException:
                    with contextlib.suppress(OSError, imaplib.IMAP4.error):
                        session.shutdown()
                    raise
                self._session = session

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                session.logout()

    def _connect(self) -> imaplib.IMAP4:
        settings = self.__settings
        if settings.encryption == "ssl":
            return imaplib.IMAP4_SSL(
                settings.host,
                settings.port,
                ssl_context=settings.make_context(),
                timeout=settings.timeout,
            )
        session = imaplib.IMAP4(settings.host, settings.port, timeout=settings.timeout)
        if settings.encryption == "starttls":
            if "STARTTLS" not in session.capabilities:
                session.shutdown()
                raise Unreachable("the server offers no STARTTLS")
            session.starttls(settings.make_context())
        return session

    def _login(self, session: imaplib.IMAP4) -> None:
        user, password = self.__settings.user, self.__settings.password
        try:
            if self.__get_token:
                self._login_by_token(session, user)
            elif "AUTH=PLAIN" in session.capabilities:
                session.authenticate(
                    "PLAIN", lambda _challenge: f"\0{user}\0{password}".encode()
                )
            else:
                session.login(user, password)
        except UnicodeEncodeError:
            raise AuthenticationFailed(
                "user or password holds characters that this server's login cannot take"
            ) from None
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            said = one_line(_words(error))
            raise (Unreachable if _TEMPORARY.search(said) else AuthenticationFailed)(
                said
            ) from None

    def _login_by_token(self, session: imaplib.IMAP4, user: str) -> None:
        token = self.__get_token("")
        try:
            _authenticate(session, user, token)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            if _TEMPORARY.search(_words(error)):
                raise
            # The token ended early; after one new token the response is final.
            _authenticate(session, user, self.__get_token(token))

    @contextlib.contextmanager
    def _errors(self):
        """A broken line, or a response that is none, is ``Unreachable``; the next call
        connects anew."""
        try:
            yield
        except TransportError:
            raise
        except ssl.SSLError as error:
            self._drop()
            raise Unreachable(
                one_line(f"{type(error).__name__}: {error.reason or error}")
            ) from None
        except (OSError, imaplib.IMAP4.error, EOFError, ValueError) as error:
            self._drop()
            raise Unreachable(one_line(_words(error) or type(error).__name__)) from None

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                session.shutdown()

    # -- reading

    def list_new(self, cursor: dict, since: date, limit: int) -> Page:
        self.open()
        with self._errors():
            validity, next_uid = self._examine(self._folder)
            known = cursor.get("validity") == validity
            last = int(cursor.get("uid") or 0) if known else 0
            uids = self._search(
                f"UID {last + 1}:*"
                if known
                else f"SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}"
            )
            # "n:*" holds the last mail even when its number is below n (RFC 3501
            # §6.4.8).
            uids = sorted(uid for uid in uids if uid > last)
            now, more = uids[:limit], len(uids) > limit
            entries = self._fetch_headers(validity, now) if now else ()
            end = now[-1] if more else max([last, next_uid - 1, *now])
            return Page(entries, {"validity": validity, "uid": end}, more)

    def fetch(self, ref: str, max_bytes: int) -> bytes | None:
        self.open()
        validity, uid = map(int, ref.split(":"))
        with self._errors():
            if self._examine(self._folder)[0] != validity:
                return None
            found = self._fetch([uid], f"(UID BODY.PEEK[]<0.{max_bytes}>)")
            return found.get(uid)

    def mark_seen(self, refs: list[str]) -> None:
        self.open()
        with self._errors():
            validity = self._examine(self._folder, readonly=False)[0]
            uids = [
                uid
                for known, uid in (ref.split(":") for ref in refs)
                if int(known) == validity
            ]
            if uids:
                self._ok(
                    self._session.uid(
                        "STORE", ",".join(uids), "+FLAGS.SILENT", r"(\Seen)"
                    )
                )

    def find_sent(self, message_id: str) -> bool | None:
        """Servers need not keep what was sent through SMTP, so that absence proves
        nothing."""
        self.open()
        with self._errors():
            for folder in self._sent_folders():
                try:
                    self._examine(folder, encoded=True)
                except FolderMissing:
                    continue
                if self._search(f'HEADER Message-ID "{_quoted(message_id)}"'):
                    return True
            return None

    def _sent_folders(self) -> list[str]:
        lines = [
            _SENT_FLAG.match(line)
            for line in self._ok(self._session.list())
            if isinstance(line, bytes)
        ]
        flagged = [
            hit[2].decode("ascii", "replace").strip('"')
            for hit in lines
            if hit and rb"\sent" in hit[1].lower()
        ]
        return flagged or list(_SENT_NAMES)

    def _examine(
        self, folder: str, readonly: bool = True, encoded: bool = False
    ) -> tuple[int, int]:
        """Selects a folder; its UIDVALIDITY, and the number that the next mail will
        have."""
        name = folder if encoded else encode_folder(folder)
        kind, data = self._session.select(f'"{_quoted(name)}"', readonly=readonly)
        if kind != "OK":
            raise FolderMissing(one_line(b" ".join(filter(None, data)) or folder))
        numbers = []
        for key in ("UIDVALIDITY", "UIDNEXT"):
            value = self._session.response(key)[1]
            numbers.append(int(value[-1]) if value and value[-1] else 0)
        return numbers[0], numbers[1]

    def _search(self, criteria: str) -> list[int]:
        data = self._ok(self._session.uid("SEARCH", criteria))
        return [
            int(number)
            for line in data
            if line
            for number in line.split()
            if number.isdigit()
        ]

    def _fetch_headers(self, validity: int, uids: list[int]) -> tuple[Entry, ...]:
        found = self._fetch(uids, f"(UID BODY.PEEK[HEADER]<0.{MAX_HEADER_BYTES}>)")
        return tuple(
            Entry(f"{validity}:{uid}", found[uid]) for uid in uids if uid in found
        )

    def _fetch(self, uids: list[int], what: str) -> dict[int, bytes]:
        data = self._ok(self._session.uid("FETCH", ",".join(map(str, uids)), what))
        found = {}
        for position, item in enumerate(data):
            if isinstance(item, tuple):
                # Some servers put the UID behind the text.
                rest = (
                    data[position + 1]
                    if position + 1 < len(data)
                    and isinstance(data[position + 1], bytes)
                    else b""
                )
                number = _UID.search(item[0]) or _UID.search(rest)
                if number:
                    found[int(number[1])] = item[1]
        return found

    def _ok(self, response: tuple) -> list:
        kind, data = response
        if kind != "OK":
            raise Unreachable(
                one_line(
                    b" ".join(part for part in data if isinstance(part, bytes)) or kind
                )
            )
        return data


def encode_folder(name: str) -> str:
    """A folder's name as it goes over the line: modified UTF-7 (RFC 3501 §5.1.3)."""

    def encode(match: re.Match) -> str:
        return (
            "&"
            + base64.b64encode(match[0].encode("utf-16-be"))
            .decode()
            .rstrip("=")
            .replace("/", ",")
            + "-"
        )

    return re.sub(r"[^\x20-\x7e]+", encode, name.replace("&", "&-"))


def _authenticate(session: imaplib.IMAP4, user: str, token: str) -> None:
    # A server that refuses explains it in a challenge, which an empty answer ends
    # (Google's XOAUTH2 page).
    replies = iter((f"user={user}\1auth=Bearer {token}\1\1".encode(),))
    session.authenticate("XOAUTH2", lambda _challenge: next(replies, b""))


def _quoted(text: str) -> str:
    return re.sub(r"[\r\n\0]", "", text).replace("\\", "\\\\").replace('"', '\\"')


def _words(error: Exception) -> str:
    first = error.args[0] if error.args else ""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(error)
