"""Hits wait in files until they are stored together, so that no response waits for the
database and no hit is lost."""

import errno
import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Bytes of one process's file: some hundred thousand hits, should the database be away
# for a day; made-up ones cannot fill the disk.
MAX_FILE = 64 * 2**20


def append(folder: Path, hit: dict) -> None:
    """Add a hit (JSON values only) to this process's file. OSError when the disk does
    not take it, or too much waits already."""
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"uid": uuid.uuid4().hex, **hit}) + "\n"
    path = folder / f"{os.getpid()}.jsonl"
    while not _append_line(path, line.encode()):
        pass


def _append_line(path: Path, line: bytes) -> bool:
    """False when the file was taken between opening and locking it: a line written then
    would go with it."""
    # One write of one line with O_APPEND: threads and processes do not mix their lines.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        own = os.fstat(descriptor)
        try:
            if os.stat(path).st_ino != own.st_ino:
                return False
        except FileNotFoundError:
            return False
        if own.st_size >= MAX_FILE:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        os.write(descriptor, line)
        return True
    finally:
        os.close(descriptor)


@contextmanager
def collecting(folder: Path) -> Iterator[bool]:
    """Whether the caller is the only one that collects from the folder, for as long as
    the block lasts. The lock ends with the process."""
    if not folder.is_dir():
        yield True
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def take(folder: Path) -> Iterator[tuple[Path, list[dict]]]:
    """Files with their hits; the caller removes each file after it has stored the hits.
    A torn line is passed over."""
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.jsonl")):
        # Renamed first, so that a writer starts a new file instead of adding to one
        # that is about to go.
        path.rename(path.with_suffix(f".{uuid.uuid4().hex}.taken"))
    for taken in sorted(folder.glob("*.taken")):
        hits = []
        with taken.open(errors="replace") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # waits for a writer that holds the lock
            lines = file.read().splitlines()
        for line in lines:
            try:
                hits.append(json.loads(line))
            except ValueError:
                continue
        yield taken, hits
