"""Hits that the database could not store at once wait in files, so that the response is
never late and no hit is lost."""

import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


def append(folder: Path, hit: dict) -> None:
    """Add a hit (JSON values only) to this process's file. OSError when the disk does
    not take it."""
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
        try:
            if os.stat(path).st_ino != os.fstat(descriptor).st_ino:
                return False
        except FileNotFoundError:
            return False
        os.write(descriptor, line)
        return True
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
