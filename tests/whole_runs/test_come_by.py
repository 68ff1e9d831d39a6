"""How each value was come by stands with its result: of every source that a reading may have, in every page.

To add a row, add a source to SOURCES, and to TOLD how its result must say that the value was come by.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.looks import digest_of
from readiness.provenance import Asked, Declared, FromFile, Provenance, distinct, shown_whole
from readiness.rendering import exports, formats
from readiness.sandbox import Sandbox
from tests.whole_runs.own_team import deciding_line, preflight

SQL = "select count(*) from workspaces"
SOURCES: dict[str, dict[str, object]] = {
    "sql": {"sql": SQL},
    "constant-sql": {"sql": "select 7"},
    "http": {"http": "${SANDBOX_URL}/workers?token=of-the-shop", "pointer": "/workers/IntakeWorker/seconds"},
    "metric": {"metric": "ingestion_uploads_total", "labels": {"status": "completed"}},
    "json": {"file": "figures.json", "pointer": "/orders/0/amount"},
    "literal": {"value": 7},
    "missing": {"file": "nowhere.json"},
}
TOLD: Mapping[str, Provenance] = {
    "sql": Asked("PostgreSQL", "127.0.0.1", SQL),
    "constant-sql": Declared("readings.constant-sql", "team.yaml", ": its SQL reads no table", "select 7"),
    "http": Asked("HTTP", "127.0.0.1", "GET /workers?token=***"),
    "metric": Asked("metrics page", "127.0.0.1", "GET /metrics"),
    "json": FromFile("figures.json", 0.0),
    "literal": Declared("readings.literal", "team.yaml"),
    "missing": FromFile("nowhere.json"),
}


@pytest.fixture(scope="module")
def run(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    folder = tmp_path_factory.mktemp("team")
    (folder / "figures.json").write_text('{"orders": [{"amount": 12.5}]}')
    check = "readings.number_at_least"
    lines = [deciding_line(name, f"{name} is right", check, reading=name, at_least=0) for name in SOURCES]
    preflight(folder, sandbox, SOURCES, lines)
    (made,) = (folder / "reports" / "team").glob("2*-preflight")
    return read_run(made)


@pytest.mark.parametrize("name", SOURCES)
def test_each_result_says_how_its_value_was_come_by(name: str, run: RecordedRun) -> None:
    (result,) = (result for result in run.results if result.line == f"own/{name}")
    (found,) = result.provenance or ()
    told = TOLD[name]
    if isinstance(found, FromFile) and isinstance(told, FromFile):
        assert Path(found.path).name == told.path
        assert (found.age_seconds is None) == (told.age_seconds is None)
    else:
        assert found == told

    says = shown_whole(found)
    for page in (exports.junit(run), formats.ctrf(run), (run.folder / "report.html").read_text("utf-8")):
        assert says in page, page


def test_what_a_look_rests_on_cannot_be_exchanged(run: RecordedRun) -> None:
    record = next(record for record in run.observations if record.provenance)
    forged = record.model_copy(update={"provenance": (Asked("PostgreSQL", "elsewhere"),)})
    assert digest_of(record) != digest_of(forged)


def test_a_journal_of_before_says_nothing_of_it(run: RecordedRun) -> None:
    plain = {key: value for key, value in run.results[0].plain().items() if key != "provenance"}
    assert type(run.results[0]).model_validate(plain).provenance is None
    assert "provenance" not in type(run.results[0]).model_validate(json.loads(json.dumps(plain))).plain()


def test_of_many_questions_each_system_is_kept() -> None:
    every = [Asked("HTTP", "shop", f"GET /{number}") for number in range(500)]
    kept = distinct([*every, Asked("PostgreSQL", "db"), Declared("team", "shop.yaml")])
    assert len(kept) < len(every)
    assert {one.source for one in kept} == {one.source for one in [*every, *kept]}
