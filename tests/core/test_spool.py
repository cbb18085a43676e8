"""Hits wait in files."""

import os
import stat
import threading

import pytest
from core.status import spool


def collect(folder):
    return [hit for _path, hits in spool.take(folder) for hit in hits]


def test_what_goes_in_comes_out(tmp_path):
    folder = tmp_path / "a" / "b"
    hits = [
        {"token": "x", "n": number, "agent": "محمد 😀\n\u2028\"'"}
        for number in range(3)
    ]
    for hit in hits:
        spool.append(folder, hit)
    taken = collect(folder)
    assert [
        {key: value for key, value in hit.items() if key != "uid"} for hit in taken
    ] == hits
    assert len({hit["uid"] for hit in taken}) == 3


def test_no_folder_and_empty_folder(tmp_path):
    assert list(spool.take(tmp_path / "none")) == []
    assert list(spool.take(tmp_path)) == []


def test_what_was_not_removed_comes_again(tmp_path):
    spool.append(tmp_path, {"n": 1})
    assert [hit["n"] for hit in collect(tmp_path)] == [1]
    spool.append(tmp_path, {"n": 2})
    again = list(spool.take(tmp_path))
    assert sorted(hit["n"] for _path, hits in again for hit in hits) == [1, 2]
    for path, _hits in again:
        path.unlink()
    assert list(spool.take(tmp_path)) == []


def test_hits_that_arrive_meanwhile_stay(tmp_path):
    spool.append(tmp_path, {"n": 1})
    for path, _hits in spool.take(tmp_path):
        spool.append(tmp_path, {"n": 2})
        path.unlink()
    assert [hit["n"] for hit in collect(tmp_path)] == [2]


def test_a_file_taken_between_opening_and_writing_loses_no_hit(tmp_path, monkeypatch):
    spool.append(tmp_path, {"n": 1})
    taken, real_open = [], os.open

    def open_then_collect(*args):
        descriptor = real_open(*args)
        monkeypatch.setattr(os, "open", real_open)
        for path, hits in spool.take(tmp_path):
            taken.extend(hits)
            path.unlink()
        return descriptor

    monkeypatch.setattr(os, "open", open_then_collect)
    spool.append(tmp_path, {"n": 2})
    assert [hit["n"] for hit in taken + collect(tmp_path)] == [1, 2]


def test_torn_and_foreign_lines_are_passed_over(tmp_path):
    spool.append(tmp_path, {"n": 1})
    (path,) = tmp_path.glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"n": 2, "x": "\xff\n\n{"n": 3\n')
    spool.append(tmp_path, {"n": 4})
    (tmp_path / "readme.txt").write_text("not ours")
    assert [hit["n"] for hit in collect(tmp_path)] == [1, 4]


def test_threads_do_not_mix_lines(tmp_path):
    def write(number):
        for count in range(50):
            spool.append(tmp_path, {"n": number * 100 + count, "fill": "x" * 5000})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    taken = []
    while any(thread.is_alive() for thread in threads):
        taken += [path for path, _hits in spool.take(tmp_path)]
    assert sorted(hit["n"] for hit in collect(tmp_path)) == sorted(
        n * 100 + c for n in range(8) for c in range(50)
    )


def test_file_is_private(tmp_path):
    spool.append(tmp_path, {"ip": "1.2.3.4"})
    (path,) = tmp_path.glob("*.jsonl")
    assert path.name == f"{os.getpid()}.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_disk_that_does_not_take_it_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        spool.append(tmp_path / "file" / "folder", {"n": 1})


def test_one_collector_at_a_time(tmp_path):
    with spool.collecting(tmp_path / "none") as mine:
        assert mine
    with spool.collecting(tmp_path) as first, spool.collecting(tmp_path) as second:
        assert (first, second) == (True, False)
        spool.append(tmp_path, {"n": 1})
    with spool.collecting(tmp_path) as again:
        assert again and len(collect(tmp_path)) == 1


def test_what_waits_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "MAX_FILE", 1000)
    with pytest.raises(OSError):
        for number in range(100):
            spool.append(tmp_path, {"n": number, "fill": "x" * 50})
    assert 5 < len(collect(tmp_path)) < 20
