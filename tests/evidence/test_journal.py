"""The journal is whole or it is told: chain, keys, order, a cut-off end, a full disk, many writers."""

from __future__ import annotations

import json
import os
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from readiness.errors import BadRun
from readiness.evidence.journal import FILE, Journal, read_run
from readiness.outcomes import Phase
from readiness.redaction.redactor import Redactor
from readiness.redaction.secret import Secret

START = {
    "schema": "readiness/journal/1",
    "run": "r",
    "env": "tiny",
    "phase": Phase.PREFLIGHT,
    "as_of": "2026-11-21T09:00:00+00:00",
    "started_at": datetime(2026, 11, 21, 9, tzinfo=UTC).isoformat(),
    "suite": "s",
    "target": {"url": "http://127.0.0.1", "revision": None},
    "limits_digest": "",
}
FINISH = {"verdict": "GO", "exit": 0, "action": "go on", "counts": {}, "finished_at": "2026-11-21T09:01:00+00:00"}


def written(folder: Path, *records: tuple[str, dict[str, Any]]) -> Path:
    journal = Journal(folder, Redactor(frozenset))
    journal.write("start", START)
    for kind, fields in records:
        journal.write(kind, fields)
    journal.close()
    return folder / FILE


def problems(path: Path) -> str:
    with pytest.raises(BadRun) as told:
        read_run(path.parent)
    return str(told.value)


def test_a_journal_is_read_back(tmp_path: Path) -> None:
    look = {"name": "figure", "arguments": {"a": 1}, "value": [1, float("nan")], "at": "then"}
    path = written(tmp_path, ("observation", look), ("case", {"nodeid": "x"}), ("finish", FINISH))
    run = read_run(tmp_path)
    assert run.start.phase is Phase.PREFLIGHT
    assert run.finish
    assert run.finish.exit == 0
    assert run.records == 4
    assert run.died_in == "x"
    found = run.observation("figure", {"a": 1})
    assert found
    assert found.value == [1, "nan"]
    assert found.at == "then"
    assert run.observation("figure", {"a": 2}) is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_run(path).head == run.head


def test_what_it_carries_is_what_is_read_back(tmp_path: Path) -> None:
    earlier = Path(__file__).parent / "recorded/reports/tiny/20261129T002626Z-preflight" / FILE
    journal = Journal(tmp_path, Redactor(frozenset))
    for text in earlier.read_text("utf-8").splitlines():
        fields = {key: value for key, value in json.loads(text).items() if key not in {"seq", "prev"}}
        journal.write(fields.pop("record"), fields)
    journal.close()
    assert journal.recorded == read_run(tmp_path)
    assert journal.recorded
    assert len(journal.recorded.results) == 20


def test_what_it_carries_is_masked_with_it(tmp_path: Path) -> None:
    secrets: set[str] = set()
    journal = Journal(tmp_path, Redactor(lambda: frozenset(secrets)))
    journal.write("start", START)
    journal.write("observation", {"name": "figure", "value": "a-secret-of-this-test"})
    secrets.add("a-secret-of-this-test")
    journal.mask()
    assert journal.recorded == read_run(tmp_path)
    assert journal.recorded
    assert "a-secret" not in str(journal.recorded.observations)


def test_it_is_never_written_over(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(FileExistsError):
        Journal(tmp_path, Redactor(frozenset))


def test_what_comes_after_the_end_is_dropped(tmp_path: Path) -> None:
    written(tmp_path, ("finish", FINISH), ("case", {"nodeid": "late"}))
    assert read_run(tmp_path).cases == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: [lines[0], lines[1].replace(b'"a"', b'"b"'), lines[2]], "does not follow the line before"),
        (lambda lines: [lines[0], lines[2]], "lines are missing or moved"),
        (lambda lines: [lines[0], lines[2], lines[1]], "does not follow the line before"),
        (lambda lines: lines[1:], "the first record is not a start"),
        (lambda lines: [*lines, lines[2]], "does not follow the line before"),
        (lambda lines: [lines[0].replace(b'"env":"tiny"', b'"env":"tiny","env":"prod"'), *lines[1:]], "stands twice"),
        (lambda lines: [lines[0].replace(b"journal/1", b"journal/2"), *lines[1:]], "readiness/journal/1"),
        (lambda lines: [lines[0], b"{", lines[2]], "line 2 is not JSON"),
        (lambda lines: [lines[0], lines[1].replace(b'"a"', b"NaN"), lines[2]], "NaN is no number"),
        (lambda lines: [lines[0], b"[1]", lines[2]], "line 2 is not a record"),
        (lambda lines: lines[:0], "the journal is empty"),
    ],
    ids=["edited", "dropped", "moved", "no-start", "repeated", "key-twice", "schema", "syntax", "nan", "list", "empty"],
)
def test_each_change_is_told(change: Any, told: str, tmp_path: Path) -> None:
    path = written(tmp_path, ("case", {"nodeid": "a"}), ("case", {"nodeid": "c"}))
    lines = change(path.read_bytes().splitlines())
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    assert told in problems(path)


def test_records_after_the_finish_are_told(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    lines = written(one, ("finish", FINISH)).read_text("utf-8").splitlines()
    assert written(two, ("case", {"nodeid": "x"})).exists()
    again = json.loads(lines[1])
    path = one / FILE
    path.write_text("".join(f"{line}\n" for line in [*lines, json.dumps({**again, "seq": 2})]), "utf-8")
    assert "record 2 stands after the finish" in problems(path)


@pytest.mark.parametrize("cut", [1, 20, 120])
def test_a_cut_off_end_is_how_a_killed_run_looks(cut: int, tmp_path: Path) -> None:
    path = written(tmp_path, ("case", {"nodeid": "a"}), ("case", {"nodeid": "b"}))
    path.write_bytes(path.read_bytes()[:-cut])
    run = read_run(tmp_path)
    assert run.torn
    assert run.cases == ["a"]
    assert run.finish is None


def test_no_journal_is_told(tmp_path: Path) -> None:
    assert "there is no journal to read" in problems(tmp_path / FILE)


def test_a_full_disk_ends_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, Redactor(frozenset))
    journal.write("start", START)
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:30]))
    with pytest.raises(OSError, match="only 30 of"):
        journal.write("case", {"nodeid": "a"})
    monkeypatch.undo()
    journal.write("finish", FINISH)
    run = read_run(tmp_path)
    assert run.torn
    assert run.finish is None


def test_many_threads_write_one_chain(tmp_path: Path) -> None:
    journal = Journal(tmp_path, Redactor(frozenset))
    journal.write("start", START)

    def write() -> None:
        for _ in range(20):
            journal.write("case", {"nodeid": "x"})

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_run(tmp_path).cases) == 160


def test_secrets_are_masked_also_those_learnt_later(tmp_path: Path) -> None:
    known: set[str] = {"first-s3cret-0192"}
    journal = Journal(tmp_path, Redactor(lambda: frozenset(known)))
    journal.write("start", START)
    journal.write("case", {"nodeid": "first-s3cret-0192 zweit3s-g3heimnis-8471", "held": Secret("dr1tt3s-wort-5566")})
    known.add("zweit3s-g3heimnis-8471")
    journal.mask()
    journal.write("finish", FINISH)
    assert "g3heimnis" not in (tmp_path / FILE).read_text("utf-8")
    assert read_run(tmp_path).cases == ["*** ***"]


@pytest.mark.parametrize("field", ["as_of", "started_at", "launch_at"])
def test_a_moment_without_a_time_zone_is_told_and_never_compared(tmp_path: Path, field: str) -> None:
    journal = Journal(tmp_path, Redactor(frozenset))
    journal.write("start", START | {field: "2026-11-21T09:00:00"})
    journal.close()
    assert field in problems(tmp_path / FILE)
