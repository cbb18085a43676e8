"""One deadline over a whole dialogue. A socket's own time-out begins anew with each
byte that comes: a server that sends one now and then would hold its client for ever."""

import io
import smtplib
import socket
import time


class Deadline:
    """When the dialogue that goes on now must be over."""

    def __init__(self) -> None:
        self._end, self._each = 0.0, 0.0

    def start(self, seconds: float, each: float | None = None) -> None:
        """``seconds`` for all that is read from now on; ``each``: at most so many until
        something comes."""
        self._end = time.monotonic() + seconds
        self._each = seconds if each is None else each

    def left(self) -> float:
        """Seconds that the next read may take. TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the server takes too long")
        return min(left, self._each)

    def attach(self, session: smtplib.SMTP) -> None:
        """From now on what a session reads is under the deadline, also in a session
        that somebody else has opened."""
        if getattr(session, "sock", None) is None:
            return  # closed, or nothing that reads from a socket
        if isinstance(session.file, _TimedFile):
            return
        if session.file is not None:
            session.file.close()
        session.file = _TimedFile(_TimedSocket(session.sock, self))


class _TimedSocket(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: Deadline):
        self._sock, self._deadline = sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        usual = self._sock.gettimeout()
        self._sock.settimeout(self._deadline.left())
        try:
            return self._sock.recv_into(buffer)
        finally:
            self._sock.settimeout(usual)


class _TimedFile(io.BufferedReader):
    """What smtplib reads lines from."""


class TimedSmtp(smtplib.SMTP):
    """A session whose every read is under a deadline, the banner's too."""

    def __init__(self, deadline: Deadline, *args, **options):
        self._deadline = deadline
        super().__init__(*args, **options)

    def getreply(self) -> tuple[int, bytes]:
        self._deadline.attach(self)
        return super().getreply()


class TimedSmtpSsl(smtplib.SMTP_SSL):
    """The same over TLS from the start."""

    def __init__(self, deadline: Deadline, *args, **options):
        self._deadline = deadline
        super().__init__(*args, **options)

    def getreply(self) -> tuple[int, bytes]:
        self._deadline.attach(self)
        return super().getreply()
