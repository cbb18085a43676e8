"""SMTP submission (RFC 5321, 6409), by smtplib."""

import contextlib
import smtplib
from collections.abc import Callable
from email import generator
from email.message import EmailMessage
from io import BytesIO

from ..connection import ServerSettings
from ..errors import (
    AuthenticationFailed,
    MessageRefused,
    OutcomeUnknown,
    TransportError,
    Unreachable,
    classify_smtp,
    one_line,
)
from ..message import OutgoingMessage, SendResult
from .base import Transport


class SessionTransport(Transport):
    """Sends over a session that ``connect`` opens; knows SMTP's responses, not where
    the session comes from."""

    def __init__(self, connect: Callable[[], smtplib.SMTP], user: str = ""):
        self._connect = connect
        self._user = user
        self._session: smtplib.SMTP | None = None

    def open(self) -> None:
        if self._session is None:
            try:
                self._session = self._connect()
            except TransportError:
                raise
            except smtplib.SMTPAuthenticationError as error:
                raise classify_smtp(error.smtp_code, error.smtp_error, "auth") from None
            except smtplib.SMTPResponseException as error:
                raise classify_smtp(
                    error.smtp_code, error.smtp_error, "connect"
                ) from None
            except (OSError, smtplib.SMTPException) as error:
                raise Unreachable(
                    one_line(str(error) or type(error).__name__)
                ) from None

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                session.quit()
            with contextlib.suppress(OSError):
                session.close()

    def whoami(self) -> str:
        return self._user

    def send(self, message: OutgoingMessage) -> SendResult:
        try:
            mail = message.to_email()
        except ValueError as error:
            raise MessageRefused(one_line(str(error))) from None
        self.open()
        sender, recipients, mail = self._prepare(message, mail)
        content = _flatten(mail)
        try:
            refused = self._envelope(sender, recipients, message.recipients[0])
            return SendResult(response=self._data(content), refused=refused)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Unreachable(one_line(str(error) or type(error).__name__)) from None
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
        self, sender: str, recipients: list[str], customer: str
    ) -> dict[str, str]:
        options = ["BODY=8BITMIME"] if self._session.has_extn("8bitmime") else []
        code, text = self._session.mail(sender, options)
        if not _accepted(code, text):
            raise classify_smtp(code, text, "mail")
        refused = {}
        for recipient in recipients:
            code, text = self._session.rcpt(recipient)
            if not _accepted(code, text):
                error = classify_smtp(code, text, "rcpt")
                if recipient == customer or code == 421:
                    raise error
                refused[recipient] = str(error)
        return refused

    def _data(self, content: bytes) -> str:
        code, text = self._session.docmd("DATA")
        if code != 354:
            raise (
                _no_answer(code, text)
                if code < 400
                else classify_smtp(code, text, "data")
            )
        # From here on a broken line leaves it open whether the service took the message
        # (RFC 5321 §4.5.4.2, RFC 1047).
        try:
            self._session.send(content)
            code, text = self._session.getreply()
            if _accepted(code, text):
                return one_line(text)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise OutcomeUnknown(one_line(str(error) or type(error).__name__)) from None
        raise classify_smtp(code, text, "data")

    def _reset(self) -> None:
        if self._session is None:
            return
        try:
            code, _text = self._session.rset()
        except (OSError, smtplib.SMTPException):
            code = 421
        if code >= 400:
            self._drop()

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(OSError):
                session.close()


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

    def __init__(self, settings: ServerSettings):
        super().__init__(self._open_session, settings.user)
        # Two underscores: out of reach for server actions and templates (Odoo's
        # safe_eval refuses such names).
        self.__settings = settings

    def _open_session(self) -> smtplib.SMTP:
        settings = self.__settings
        if settings.encryption == "ssl":
            session = smtplib.SMTP_SSL(
                settings.host,
                settings.port,
                timeout=settings.timeout,
                context=settings.make_context(),
            )
        else:
            session = smtplib.SMTP(
                settings.host, settings.port, timeout=settings.timeout
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
        except UnicodeEncodeError:
            raise AuthenticationFailed(
                "user or password holds characters that this server's login cannot take"
            ) from None
        finally:
            session.password = (
                None  # smtplib keeps it, although it is not needed any more
            )
