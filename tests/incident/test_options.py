"""`readiness incident` without a target: its options, its mistakes, and a runbook that has no walk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readiness.__main__ import main

LINE = {
    "id": "queue",
    "ref": "1",
    "says": "the queue is short",
    "phase": ["postlaunch"],
    "gate": "blocker",
    "decided_by": {"readings.number_at_most": {"reading": "queue_depth", "at_most": 100}},
}
Incident = Callable[..., int]


@pytest.fixture
def incident(tmp_path: Path) -> Incident:
    def run(*words: str, walk: dict[str, Any] | None = None, **changes: Any) -> int:
        book = {"runbook": "own", "title": "Our own", "lines": [LINE], **({"incident": walk} if walk else {})}
        (tmp_path / "own.yaml").write_text(json.dumps(book))
        content = {
            "environment": "tiny",
            "runbooks": ["own.yaml"],
            "allowed_hosts": ["127.0.0.1"],
            "target": {"url": "http://127.0.0.1:9"},
            "readings": {"queue_depth": {"value": 950}},
            **changes,
        }
        (tmp_path / "tiny.yaml").write_text(json.dumps(content))
        places = [f"--environments={tmp_path}", f"--reports={tmp_path / 'reports'}"]
        return main(["incident", "--env", "tiny", *places, *words])

    return run


OWN_WALK = {
    "source": "section 9",
    "facts": {"queue": {"number": {"reading": "queue_depth"}}},
    "walk": [
        {
            "minutes": "0-5",
            "steps": [{"says": "how long is the queue?", "facts": ["queue"], "post": "the queue: {queue}"}],
            "decide": [{"do": "pause", "says": "it is full", "when": [{"fact": "queue", "reaches": 900}]}],
        }
    ],
}


def test_a_runbook_without_a_walk_is_walked_by_its_own_ladders(
    incident: Incident, capsys: pytest.CaptureFixture[str]
) -> None:
    assert incident() == 0
    text = capsys.readouterr().out
    assert "the runbook has no section `incident`" in text
    assert "=> OPEN: people decide" in text
    assert "pytest -m postlaunch --env tiny" in text


def test_a_teams_own_walk_asks_its_own_readings(incident: Incident, capsys: pytest.CaptureFixture[str]) -> None:
    assert incident(walk=OWN_WALK) == 0
    text = capsys.readouterr().out
    assert "=> PAUSE: it is full" in text
    assert (
        "the reading (queue_depth): 950 (readings.queue_depth is stated in tiny.yaml: not measured) reaches 900" in text
    )
    assert "post: the queue: 950" in text
    assert "decision  minute 5, own: PAUSE, it is full" in text
    assert 'readiness announce pause --env tiny --reason "..." --investigating "..."' in text


HOW_LONG = {
    "source": "section 9",
    "walk": [
        {"minutes": "0-5", "steps": [{"says": "look"}], "decide": [{"do": "continue", "says": "go on"}]},
        {
            "minutes": "5-30",
            "steps": [{"says": "how long does the fix take?", "facts": ["minutes_to_fix"]}],
            "decide": [
                {"do": "fix", "says": "quick", "when": [{"fact": "minutes_to_fix", "under": 60}]},
                {"do": "roll back", "says": "no cause", "when": [{"fact": "minutes_to_fix", "unknown": True}]},
            ],
        },
    ],
}
SAID = [
    ([], "minute 30, own: OPEN, nobody has said how long: --fix 45m, or --fix unknown"),
    (["--fix", "unknown"], "minute 30, own: ROLL BACK, no cause"),
    (["--fix", "45m"], "minute 30, own: FIX, quick"),
]


@pytest.mark.parametrize(("words", "says"), SAID)
def test_only_who_says_unknown_does_not_know_how_long(
    words: list[str], says: str, incident: Incident, capsys: pytest.CaptureFixture[str]
) -> None:
    assert incident(*words, walk=HOW_LONG) == 0
    text = capsys.readouterr().out
    assert f"decision  {says}" in text
    assert ("minute 5 says CONTINUE by the facts of now" in text) is ("ROLL BACK" in says)


def test_no_continue_stands_plain_beside_a_dead_target(
    incident: Incident, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LINE, "decided_by", {"health.live": {"path": "/up"}})
    assert incident(walk=HOW_LONG) == 0
    (last,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("decision  minute 5")]
    assert "CONTINUE, go on; not ruled out: the health answer (/up): " in last


def test_the_severities_of_the_runbook_are_told(incident: Incident, capsys: pytest.CaptureFixture[str]) -> None:
    assert incident(runbooks=["umbrella"], allowed_hosts=["127.0.0.1"]) == 0
    assert "SEV-2   p95 above 2 s or errors above 10 %; answer: 15m; roll back: consider it" in capsys.readouterr().out


def test_it_saves_in_a_folder_of_its_own(incident: Incident, tmp_path: Path) -> None:
    assert incident("--out", str(tmp_path / "here"), walk=OWN_WALK) == 0
    assert incident("--out", str(tmp_path / "here"), walk=OWN_WALK) == 0
    folders = list((tmp_path / "here").iterdir())
    assert len(folders) == 2
    assert {path.name for folder in folders for path in folder.iterdir()} == {
        *("walk.txt", "announcement.txt", "requests.jsonl")
    }
    assert not (tmp_path / "reports").exists()


CAPTURES = {**OWN_WALK, "captures": ["queue_dept"]}
REPAIR = {"name": "fail", "says": "fail them", "table": "jobs", "key": "id", "rows": "queue_depth"}
MISTAKES = [
    (["--fix", "soon"], {}, "--fix: 'soon' is not a span of time"),
    (["--runbook", "onw"], {}, "--runbook 'onw' is not known; did you mean 'own'?"),
    (["--minutes", "7"], {}, "--minutes"),
    (["--env", "tniy"], {}, "did you mean 'tiny'?"),
    ([], {"walk": CAPTURES}, "incident: reading 'queue_dept' is not known; did you mean 'queue_depth'?"),
    (
        [],
        {"walk": {**OWN_WALK, "facts": {"queue": {"number": {"reading": "queue_dept"}}}}},
        "incident: reading 'queue_dept' is not known; did you mean 'queue_depth'?",
    ),
    ([], {"walk": {**OWN_WALK, "repairs": [{**REPAIR, "rows": "stuk"}]}}, "incident: reading 'stuk' is not known"),
    ([], {"tables": {"jobs": {"table": "a"}}}, "tables: 'jobs' is not known (known: none)"),
    (
        [],
        {"walk": {**OWN_WALK, "repairs": [REPAIR]}, "tables": {"job": {"table": "a"}}},
        "tables: 'job' is not known; did you mean 'jobs'?",
    ),
    (
        [],
        {"walk": {**OWN_WALK, "repairs": [REPAIR]}, "tables": {"jobs": {"table": "a", "columns": {"idd": "x"}}}},
        "tables.jobs: column 'idd' is not known; did you mean 'id'?",
    ),
    ([], {"tables": {"jobs": {"table": "a.b.c"}}}, "'a.b.c' is no table"),
    ([], {"tables": {"jobs": {"tabel": "a"}}}, "did you mean 'table'?"),
]


@pytest.mark.parametrize(("words", "changes", "says"), MISTAKES)
def test_a_mistake_is_one_line_before_anything_is_contacted(
    words: list[str],
    changes: dict[str, Any],
    says: str,
    incident: Incident,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    try:
        code = incident(*words, **changes)
    except SystemExit as ended:  # argparse ends by itself
        code = int(str(ended.code))
    assert code == 4
    assert says in capsys.readouterr().err
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    "damaged", [b"", b"{\x00", b"[]\n{}\n", b"\xff\xfe\n"], ids=["empty", "torn", "no entries", "bytes"]
)
@pytest.mark.parametrize("name", ["ledger.jsonl", "20261201T090000Z-postlaunch/journal.jsonl"])
def test_damaged_evidence_stops_no_walk(
    name: str, damaged: bytes, incident: Incident, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "reports" / "tiny" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(damaged)
    assert incident(walk=OWN_WALK) == 0
    assert "=> PAUSE: it is full" in capsys.readouterr().out


def test_where_nothing_can_be_saved_the_walk_goes_on(
    incident: Incident, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("readiness.evidence.captured.write_whole", full)
    assert incident(walk=OWN_WALK) == 1
    text = capsys.readouterr().out
    assert "=> PAUSE: it is full" in text
    assert "NOT SAVED" in text


def test_the_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["incident", "--help"])
    text = capsys.readouterr().out
    for words in ("only reads", "runs none of them", "readiness incident --env prod --fix 45m"):
        assert words in text
