"""How each value was come by stands with its result: of every source that a reading may have, in every page.

To add a row, add a source to SOURCES, and to TOLD how its result must say that the value was come by.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.looks import digest_of
from readiness.provenance import Asked, Declared, FromFile, Provenance, distinct, shown_whole
from readiness.rendering import exports, formats
from readiness.sandbox import Sandbox
from tests.clients.cloudflare import D1, GRAPHQL, TOKEN, Cloudflare
from tests.clients.servers import Server
from tests.whole_runs.own_team import deciding_line, preflight

SQL = "select count(*) from workspaces"
QUERY = "query ($from: Time!, $until: Time!) { viewer { zones { httpRequestsAdaptiveGroups(limit: 9) { count } } } }"
VARIABLES = {"apiKey": "${OF_THE_ZONE}", "from": "2025-12-01T00:00:00+00:00", "until": "2025-12-02T00:00:00+00:00"}
GROUPS = "/data/viewer/zones/0/httpRequestsAdaptiveGroups/0/count"
SENT_SECRET = "of-the-zone-4711"
SOURCES: dict[str, dict[str, object]] = {
    "sql": {"sql": SQL},
    "constant-sql": {"sql": "select 7"},
    "http": {"http": "${SANDBOX_URL}/workers?token=of-the-shop", "pointer": "/workers/IntakeWorker/seconds"},
    "metric": {"metric": "ingestion_uploads_total", "labels": {"status": "completed"}},
    "json": {"file": "figures.json", "pointer": "/orders/0/amount"},
    "literal": {"value": 7},
    "missing": {"file": "nowhere.json"},
    "d1": {"http": D1, "post": {"d1": "select 7 + count(*) as n from orders where at >= ?", "params": ["2025-12-01"]}},
    "constant-d1": {"http": D1, "post": {"d1": "select 7 as n"}},
    "graphql": {"http": GRAPHQL, "post": {"graphql": QUERY, "variables": VARIABLES}, "pointer": GROUPS},
}
TOLD: Mapping[str, Provenance] = {
    "sql": Asked("PostgreSQL", "127.0.0.1", SQL),
    "constant-sql": Declared("readings.constant-sql", "team.yaml", ": its SQL reads no table", "select 7"),
    "http": Asked("HTTP", "127.0.0.1", "GET /workers?token=***"),
    "metric": Asked("metrics page", "127.0.0.1", "GET /metrics"),
    "json": FromFile("figures.json", 0.0),
    "literal": Declared("readings.literal", "team.yaml"),
    "missing": FromFile("nowhere.json"),
    "d1": Asked(
        "HTTP",
        "127.0.0.1",
        f'POST {D1}: select 7 + count(*) as n from orders where at >= ? with {{"params": ["2025-12-01"]}}',
    ),
    "constant-d1": Declared("readings.constant-d1", "team.yaml", ": its D1 statement reads no table", "select 7 as n"),
    "graphql": Asked(
        "HTTP", "127.0.0.1", f"POST {GRAPHQL}: {QUERY} with {json.dumps({'variables': {**VARIABLES, 'apiKey': '***'}})}"
    ),
}


def of_zone(source: Mapping[str, object], url: str) -> Mapping[str, object]:
    """Give a source that is asked by POST the address of the server that answers it, and its token."""
    if "post" not in source:
        return source
    answers = {"pointer": "/result/0/results/0/n", **source}
    return {**answers, "http": f"{url}{source['http']}", "token": "${ZONE_TOKEN}"}


@pytest.fixture(scope="module")
def run(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    folder = tmp_path_factory.mktemp("team")
    (folder / "figures.json").write_text('{"orders": [{"amount": 12.5}]}')
    zone = Cloudflare([(datetime(2025, 12, 1, 8, tzinfo=UTC), 200, 1.0)])
    zone.run("create table orders (at text)")
    check = "readings.number_at_least"
    lines = [deciding_line(name, f"{name} is right", check, reading=name, at_least=0) for name in SOURCES]
    with Server(zone) as server, pytest.MonkeyPatch.context() as variables:
        variables.setenv("ZONE_TOKEN", TOKEN)
        variables.setenv("OF_THE_ZONE", SENT_SECRET)
        preflight(folder, sandbox, {name: of_zone(source, server.url) for name, source in SOURCES.items()}, lines)
    assert [SENT_SECRET in asked.body.decode() for asked in server.asked].count(True) == 1
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
        # XML and HTML write quotes in one way, JSON in another.
        assert says in html.unescape(page).replace('\\"', '"'), page


def test_no_file_of_the_run_shows_what_was_sent_as_a_secret(run: RecordedRun) -> None:
    files = [path for path in run.folder.rglob("*") if path.is_file()]
    assert files
    assert [path.name for path in files if SENT_SECRET.encode() in path.read_bytes()] == []


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
