"""Hits that the database could not take at once wait in files, so that the answer is never late and no hit is lost."""

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


def append(folder: Path, hit: dict) -> None:
    """Add a hit (JSON values only) to this process's file. OSError when the disk does not take it."""
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"uid": uuid.uuid4().hex, **hit}) + "\n"
    # One write of one line with O_APPEND: threads and processes do not mix their lines.
    descriptor = os.open(folder / f"{os.getpid()}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def take(folder: Path) -> Iterator[tuple[Path, list[dict]]]:
    """Files with their hits; the caller removes each file after it has stored the hits. A torn line is passed over."""
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.jsonl")):
        # Renamed first, so that a writer starts a new file instead of adding to one that is about to go.
        path.rename(path.with_suffix(f".{uuid.uuid4().hex}.taken"))
    for taken in sorted(folder.glob("*.taken")):
        hits = []
        for line in taken.read_text(errors="replace").splitlines():
            try:
                hits.append(json.loads(line))
            except ValueError:
                continue
        yield taken, hits
