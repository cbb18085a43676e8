"""Free ports of the loopback interface that stay free: below the range from which the
kernel assigns ports, and each given to one process at a time."""

import fcntl
import os
import random
import socket
from pathlib import Path

FOLDER = (
    Path(
        os.environ.get("CHASER_CACHE")
        or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        / "invoice_chaser"
    )
    / "ports"
)
# Linux assigns ports from 32768 up to connections and to requests for any port, so one
# of those may be taken before it is used.
RANGE = range(20_000, 32_000)
_held = []


def _is_free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody listens on, and that no other test process is given until this
    one ends."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for port in random.sample(RANGE, len(RANGE)):
        lock = open(FOLDER / str(port), "w")  # noqa: SIM115
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        if _is_free(port):
            _held.append(lock)
            return port
        lock.close()
    raise OSError("no port is free")


if __name__ == "__main__":
    print(free_port())
