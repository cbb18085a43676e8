"""What was handed to a mail service, kept outside of the database: a database that was
restored from a backup does not know what left after the backup was made.

One file per mailbox, one line per attempt, written after the intent is committed and
before the message leaves. So whatever left is here, and whatever is here was committed
in the database that sent it."""

import json
import os
from hashlib import sha256
from pathlib import Path

# Beyond this size a new file begins; the one before is kept, too. Some 20,000 lines.
_SIZE = 4_000_000
_TAIL = 8192


def note(folder: Path, mailbox: int, entry: dict) -> None:
    """Add an attempt (JSON values only). ``entry["n"]`` grows with each attempt of a
    mailbox. OSError when the disk does not take it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{mailbox}.jsonl"
    line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if os.write(descriptor, line) != len(line):
            raise OSError("the disk took half a line")
    finally:
        os.close(descriptor)
    if size > _SIZE:
        path.replace(path.with_suffix(".old"))


def read_last(folder: Path) -> dict[int, int]:
    """Mailbox → the number of its last attempt. What cannot be read is passed over."""
    last = {}
    if not folder.is_dir():
        return last
    # The older file first: the newer one knows better.
    for path in sorted(folder.iterdir(), key=lambda path: path.suffix == ".jsonl"):
        if path.suffix not in (".jsonl", ".old") or not path.stem.isdigit():
            continue
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            lines = file.read().splitlines()
        numbers = [entry["n"] for entry in map(_parse, lines) if entry]
        if numbers:
            last[int(path.stem)] = max(numbers)
    return last


def read_since(folder: Path, mailbox: int, number: int) -> list[dict]:
    """The attempts of a mailbox after a number, as far as they are kept."""
    entries = {}
    for suffix in (".old", ".jsonl"):
        path = folder / f"{mailbox}{suffix}"
        if path.is_file():
            for entry in map(_parse, path.read_bytes().splitlines()):
                if entry and entry["n"] > number:
                    entries[entry["n"]] = entry
    return [entries[n] for n in sorted(entries)]


def make_proof(token: str) -> str:
    """Tells a reminder from another one that has its id in a restored database, and
    tells nobody the token."""
    return sha256(token.encode()).hexdigest()[:16]


def _parse(line: bytes) -> dict | None:
    """A torn or foreign line is None."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if isinstance(entry, dict) and isinstance(entry.get("n"), int):
        return entry
    return None
