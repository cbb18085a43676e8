"""SMTP submission (RFC 5321, 6409), by smtplib."""

import contextlib
import re
import smtplib
from collections.abc import Callable, Iterator
from email import generator
from email.message import EmailMessage
from io import BytesIO

from ..connection import ServerSettings
from ..deadline import Deadline, TimedSmtp, TimedSmtpSsl
from ..errors import (
    AuthenticationFailed,
    MessageRefused,
    NoSession,
    OutcomeUnknown,
    RateLimited,
    RecipientRefused,
    StoodStill,
    TransportError,
    Unreachable,
    classify_smtp,
    one_line,
)
from ..message import OutgoingMessage, SendResult
from .base import Transport

# Seconds for connecting and for the commands before a message, from first to last; for
# the farewell; and what they get even where the run's time is nearly over.
_DIALOGUE, _FAREWELL, _LEAST = 60.0, 10.0, 15.0
_PER_SESSION = re.compile(
    r"(?:per|in this|this|in one) (?:smtp )?(?:session|connection)", re.I
)


class SessionTransport(Transport):
    """Sends over a session that ``connect`` opens; knows SMTP's responses, not where
    the session comes from."""

    # Seconds until a server must have said something while we connect.
    _connect_timeout: float | None = None

    def __init__(
        self,
        connect: Callable[[], smtplib.SMTP],
        user: str = "",
        get_patience: Callable[[], float] | None = None,
    ):
        """``get_patience``: seconds that the answer to a message may take by now."""
        self._connect = connect
        self._user = user
        self._get_patience = get_patience
        self._session: smtplib.SMTP | None = None
        self._is_used = False
        self._deadline = Deadline()

    def _begin(self, seconds: float = _DIALOGUE, each: float | None = None) -> None:
        """A dialogue begins: its deadline, within the time that the run has left."""
        if self._get_patience is not None:
            seconds = min(seconds, max(self._get_patience(), _LEAST))
        self._deadline.start(seconds, each)
        if self._session is not None:
            self._deadline.attach(self._session)

    def _get_timeout(self) -> float | None:
        sock = getattr(self._session, "sock", None)
        return sock.gettimeout() if sock is not None else None

    def open(self) -> None:
        if self._session is None:
            try:
                self._session = self._connect_or_say()
            except Unreachable as error:
                raise NoSession(str(error)) from None

    def _connect_or_say(self) -> smtplib.SMTP:
        self._begin(each=self._connect_timeout)
        try:
            return self._connect()
        except TransportError:
            raise
        except smtplib.SMTPAuthenticationError as error:
            raise classify_smtp(error.smtp_code, error.smtp_error, "auth") from None
        except smtplib.SMTPResponseException as error:
            raise classify_smtp(error.smtp_code, error.smtp_error, "connect") from None
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(one_line(str(error) or type(error).__name__)) from None

    def close(self) -> None:
        session, self._session, self._is_used = self._session, None, False
        if session is not None:
            self._deadline.start(_FAREWELL)
            with contextlib.suppress(OSError, smtplib.SMTPException):
                session.quit()
            with contextlib.suppress(OSError):
                session.close()

    def whoami(self) -> str:
        return self._user

    def prove(self, sender: str) -> None:
        """MAIL FROM, then RSET: a server that wants a login, or that does not take this
        sender, says so here and not when a campaign has begun."""
        self.open()
        # Odoo's own servers send as the address of their own rules.
        sender = getattr(self._session, "smtp_from", None) or sender
        try:
            code, text = self._session.mail(sender)
            if not _accepted(code, text):
                raise classify_smtp(code, text, "mail")
            self._reset()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Unreachable(one_line(str(error) or type(error).__name__)) from None

    def send(self, message: OutgoingMessage) -> SendResult:
        try:
            mail = message.to_email()
        except ValueError as error:
            raise MessageRefused(one_line(str(error))) from None
        self.open()
        try:
            return self._send(message, mail)
        except _SessionEnded as ended:
            # Servers end a session after so many messages, or minutes. Nothing of this
            # one was handed over: once more, in a new session.
            self._drop()
            if not ended.was_used:
                raise ended.error from None
        self.open()
        try:
            return self._send(message, mail)
        except _SessionEnded as ended:
            self._drop()
            raise ended.error from None

    def _send(self, message: OutgoingMessage, mail: EmailMessage) -> SendResult:
        was_used, self._is_used = self._is_used, True
        sender, recipients, mail = self._prepare(message, mail)
        content = _flatten(mail)
        try:
            self._begin(each=self._get_timeout())
            self.check_fresh()
            refused = self._envelope(sender, recipients, message.recipients)
            self.check_fresh()
            self._begin_data()
            self.check_fresh()
        except StoodStill:
            # Without the final dot the server takes nothing.
            self._drop()
            raise
        except (OSError, smtplib.SMTPException) as error:
            words = one_line(str(error) or type(error).__name__)
            raise _SessionEnded(Unreachable(words), was_used) from None
        except _Refusal as refusal:
            if refusal.ends_session():
                raise _SessionEnded(refusal.error, was_used) from None
            self._reset()
            raise refusal.error from None
        try:
            return SendResult(
                response=self._data(content),
                refused={address: str(error) for address, error in refused.items()},
                dead=_find_dead(refused),
            )
        except TransportError:
            self._reset()
            raise

    def _prepare(
        self, message: OutgoingMessage, mail: EmailMessage
    ) -> tuple[str, list[str], EmailMessage]:
        """Envelope sender, recipients and the mail as they go out; override where
        something rewrites them."""
        return message.sender, list(message.envelope), mail

    def _envelope(
        self, sender: str, recipients: list[str], customers: tuple[str, ...]
    ) -> dict[str, TransportError]:
        """Each address has its own outcome; the message goes as long as one of the
        customer's is taken."""
        options = ["BODY=8BITMIME"] if self._session.has_extn("8bitmime") else []
        code, text = self._session.mail(sender, options)
        if not _accepted(code, text):
            raise _Refusal(code, classify_smtp(code, text, "mail"))
        refused: dict[str, TransportError] = {}
        for recipient in recipients:
            code, text = self._session.rcpt(recipient)
            if not _accepted(code, text):
                error = classify_smtp(code, text, "rcpt")
                if code == 421:
                    raise _Refusal(code, error)
                refused[recipient] = error
        if refused and not set(customers) - set(refused):
            raise _Refusal(0, _choose_error({one: refused[one] for one in customers}))
        return refused

    def _begin_data(self) -> None:
        code, text = self._session.docmd("DATA")
        if code != 354:
            if code < 400:
                raise _no_answer(code, text)
            raise _Refusal(code, classify_smtp(code, text, "data"))

    def _data(self, content: bytes) -> str:
        # From here on a broken line leaves it open whether the service took the message
        # (RFC 5321 §4.5.4.2, RFC 1047).
        try:
            with self._patience():
                self._session.send(content)
                code, text = self._session.getreply()
            if _accepted(code, text):
                return one_line(text)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise OutcomeUnknown(one_line(str(error) or type(error).__name__)) from None
        raise classify_smtp(code, text, "data")

    @contextlib.contextmanager
    def _patience(self) -> Iterator[None]:
        """While the server takes the message and looks at it: RFC 5321 §4.5.3.2.6 asks
        for ten minutes."""
        usual = self._get_timeout()
        seconds = usual or _DIALOGUE
        if self._get_patience is not None:
            seconds = max(self._get_patience(), seconds)
        self._deadline.start(seconds)
        sock = getattr(self._session, "sock", None)
        if sock is None:
            yield
            return
        sock.settimeout(seconds)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                sock.settimeout(usual)

    def _reset(self) -> None:
        if self._session is None:
            return
        self._begin(each=self._get_timeout())
        try:
            code, _text = self._session.rset()
        except (OSError, smtplib.SMTPException):
            code = 421
        if code >= 400:
            self._drop()

    def _drop(self) -> None:
        session, self._session, self._is_used = self._session, None, False
        if session is not None:
            with contextlib.suppress(OSError):
                session.close()


class _Refusal(Exception):
    """An answer to a command, before the message was handed over."""

    def __init__(self, code: int, error: TransportError):
        super().__init__(str(error))
        self.code, self.error = code, error

    def ends_session(self) -> bool:
        """421 (RFC 5321 §3.8), unless it asks to go slower."""
        return self.code == 421 and (
            not isinstance(self.error, RateLimited)
            or bool(_PER_SESSION.search(str(self.error)))
        )


class _SessionEnded(Exception):
    """Before the message was handed over. ``was_used``: others had gone before."""

    def __init__(self, error: TransportError, was_used: bool):
        super().__init__(str(error))
        self.error, self.was_used = error, was_used


def _find_dead(refused: dict[str, TransportError]) -> tuple[str, ...]:
    """Addresses that never take anything."""
    return tuple(
        address
        for address, error in refused.items()
        if isinstance(error, RecipientRefused) and error.permanent
    )


def _choose_error(refused: dict[str, TransportError]) -> TransportError:
    """What decides where all of a customer's addresses are refused: what is about us,
    then an address that may take it later, then one that never will."""
    error = min(
        refused.values(),
        key=lambda error: (
            isinstance(error, RecipientRefused),
            getattr(error, "permanent", False),
        ),
    )
    error.dead = _find_dead(refused)
    return error


def _accepted(code: int, text: bytes) -> bool:
    """2xx: yes, 4xx and 5xx: no. SMTPException for anything else: smtplib gives -1 for
    a line that is no reply at all."""
    if 200 <= code < 300 or code >= 400:
        return code < 300
    raise _no_answer(code, text)


def _no_answer(code: int, text: bytes) -> smtplib.SMTPException:
    return smtplib.SMTPException(
        f"not a response to the command: {code} {one_line(text)}"
    )


def _flatten(mail: EmailMessage) -> bytes:
    """Bytes for DATA: CRLF line ends, leading dots doubled, the final dot (RFC 5321
    §4.5.2)."""
    buffer = BytesIO()
    generator.BytesGenerator(
        buffer, policy=mail.policy.clone(linesep="\r\n"), mangle_from_=False
    ).flatten(mail)
    lines = buffer.getvalue()
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    lines = lines.replace(b"\r\n.", b"\r\n..")
    return (b"." + lines if lines.startswith(b".") else lines) + b".\r\n"


class SmtpTransport(SessionTransport):
    """A server, a user and a password."""

    def __init__(
        self,
        settings: ServerSettings,
        get_patience: Callable[[], float] | None = None,
    ):
        super().__init__(self._open_session, settings.user, get_patience)
        # Two underscores: out of reach for server actions and templates (Odoo's
        # safe_eval refuses such names).
        self.__settings = settings
        self._connect_timeout = settings.timeout

    def _open_session(self) -> smtplib.SMTP:
        settings = self.__settings
        if settings.encryption == "ssl":
            session = TimedSmtpSsl(
                self._deadline,
                settings.host,
                settings.port,
                timeout=settings.timeout,
                context=settings.make_context(),
            )
        else:
            session = TimedSmtp(
                self._deadline,
                settings.host,
                settings.port,
                timeout=settings.timeout,
            )
        try:
            if settings.encryption == "starttls":
                session.starttls(context=settings.make_context())
            if settings.user:
                self._login(session)
            else:
                session.ehlo_or_helo_if_needed()
        except BaseException:
            session.close()
            raise
        return session

    def _login(self, session: smtplib.SMTP) -> None:
        try:
            session.login(self.__settings.user, self.__settings.password)
        except smtplib.SMTPNotSupportedError as error:
            raise AuthenticationFailed(one_line(str(error))) from None
        except smtplib.SMTPException as error:
            # "No suitable authentication method": only what we cannot do (NTLM,
            # XOAUTH2) is offered. Waiting does not help; a person must act.
            if type(error) is not smtplib.SMTPException:
                raise
            raise AuthenticationFailed(one_line(str(error))) from None
        except UnicodeEncodeError:
            raise AuthenticationFailed(
                "user or password holds characters that this server's login cannot take"
            ) from None
        finally:
            session.password = (
                None  # smtplib keeps it, although it is not needed any more
            )
