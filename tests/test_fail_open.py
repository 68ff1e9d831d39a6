"""Faults with which other tools have said yes without having seen it, each tried here on a whole run.

A row is named by the public thread of the fault, and says what the same situation is in this suite. None of them may
end in a good word. To add a row: the lines, what the servers answer, and what must come of it.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from readiness.sandbox.postgres import Server as Database
from readiness.sandbox.processes import free_port
from tests.clients.conftest import database
from tests.clients.servers import Asked, Behaviour, Server, document, never, whole
from tests.whole_run import judge

__all__ = ["database"]

GOOD = {"GO", "OK", "APPROVED"}
BAD_EXIT, INCOMPLETE_EXIT = 1, 10
HERE, DOWN = "HERE", "DOWN"
"""In an environment: the address of the server, and one that nothing listens at."""
DEADLINE_SECONDS = 2.0
"""Of each request: what never answers is waited for so long."""
NOW = datetime.now(UTC).isoformat()
SECRET = "${A_TOKEN}"
TOKEN = "a-token-of-the-tests"

Line = dict[str, dict[str, Any]]
"""What decides a line: a check, and its limits."""
HEALTHY: Line = {"health.live": {"path": "/health", "seconds_below": 60}}
NUMBER: Line = {"readings.number_at_most": {"reading": "n", "at_most": 5}}
COMPLAINTS: Line = {"support.no_open_complaints": {}}
CI: Line = {"release.ci_green": {}}
BLOCKERS: Line = {"release.no_open_blockers": {"priorities": ["P1", "P2"]}}
VENDORS: Line = {"vendors.status_page_operational": {}}
ERRORS: Line = {"errors.count": {"events_at_most": 0}}
NEW_ERRORS: Line = {"errors.none_new": {}}
ALERTS: Line = {"alerts.none_critical_recently": {"hours": 1}}
STREAM: Line = {"logs.streaming": {}}
LOG: Line = {"logs.no_errors_since_launch": {}}
ERROR_RATE: Line = {"slo.error_rate": {"share_below": 0.01}}
AVAILABILITY: Line = {"slo.availability_window": {"share_above": 0.99}}
PAGES_PUBLISHED: Line = {"signoff.documentation_published": {}}
ATTESTED: Line = {"signoff.client_feedback": {}}
DRILL: Line = {"drills.restore": {"hours_below": 1}}
INCIDENTS: Line = {"signoff.incidents_reviewed": {}}
REHEARSAL: Line = {"load.rehearsal_passed": {"stage": "launch"}}

GITHUB = {"url": HERE, "token": SECRET, "repository": "example/shop", "required_checks": ["test"]}
SENTRY = {"url": HERE, "token": SECRET, "organization": "example", "project": "shop", "environment": "production"}
SUPPORT = {"url": HERE, "token": SECRET, "repository": "example/support", "complaints": ["complaint", "angry"]}
LEVELS = {
    "requests": {
        "count": {"promql": "count[{window}]"},
        "failed": {"promql": "failed[{window}]"},
        "available": {"promql": "up[{window}]"},
    }
}


def rows_at(pointer: str = "") -> dict[str, Any]:
    return {"readings": {"open_complaints": {"http": f"{HERE}/complaints", "pointer": pointer}}}


def vector(*values: float) -> Behaviour:
    """Answer as Prometheus does: a sample for each value."""
    result = [{"metric": {}, "value": [0, str(value)]} for value in values]
    return document({"status": "success", "data": {"resultType": "vector", "result": result}})


def issue(number: int, **changes: Any) -> dict[str, Any]:
    told = {"number": number, "title": f"issue {number}", "created_at": "2026-01-01T00:00:00Z", "comments": 0}
    return {**told, "labels": ["complaint"], **changes}


def checks(*runs: tuple[str, str, str | None], total: int | None = None) -> Behaviour:
    told = [{"name": name, "status": status, "conclusion": conclusion} for name, status, conclusion in runs]
    return document({"total_count": len(told) if total is None else total, "check_runs": told})


STATUSES = document({"sha": "a" * 40, "statuses": [], "total_count": 0})
FINE_PAGE = document(
    {
        "page": {"name": "Vendor", "updated_at": NOW},
        "status": {"indicator": "none"},
        "components": [{"name": "API", "status": "operational"}],
        "incidents": [],
        "scheduled_maintenances": [],
    }
)
FORBIDDEN = whole(403, '{"message": "Resource not accessible by personal access token"}')
NO_NEXT = {"Link": '<http://127.0.0.1/>; rel="next"; results="false"; cursor="0:0:0"'}
NO_ISSUES = whole(200, "[]", NO_NEXT)
PROJECT = document({"id": "1", "firstEvent": NOW})
SILENT_PROJECT = document({"id": "1", "firstEvent": None})
FULL_PAGE = document([issue(number, pull_request={}) for number in range(100)])
"""A hundred pull requests, which are no issues; the issue is on the page behind."""


NO_NUMBERS = ("{}", "[]", "null", '""', "", "[0]", "false", '"none"', "NaN")


@dataclass(frozen=True)
class Row:
    """A situation, and the outcome of each line in it."""

    thread: str
    situation: str
    lines: dict[str, Line]
    outcomes: str
    """One for each line."""
    answers: dict[str, Behaviour] = field(default_factory=dict)
    """Part of a path, with its query → what is answered; the first that is met."""
    environment: dict[str, Any] = field(default_factory=dict)
    phase: str = "preflight"
    words: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    told: str = ""

    def __str__(self) -> str:
        return f"{self.thread}: {self.situation}"


TIMED_OUT, DENIED, UNSEEN = "kubescape#2423", "kubescape#2996", "trivy#6013"
NOTHING, NOTHING_TO_SCAN, SKIPPED_HOST = "zaproxy#8004", "zaproxy#5347", "nuclei#5652"
AWAITED, EMPTY, ALL_SKIPPED, DROPPED = "chaos-operator#346", "auditree-framework#16", "Vultron#2298", "krkn"

ROWS = [
    # A control that times out is still one of those that count.
    Row(
        TIMED_OUT,
        "one source of two never answers",
        {"healthy": HEALTHY, "number": NUMBER},
        "pass, unknown",
        {"/health": document({}), "/n": never},
        {"readings": {"n": {"http": f"{HERE}/n", "pointer": "/n"}}},
    ),
    Row(
        TIMED_OUT,
        "one vendor of two never answers",
        {"vendors": VENDORS},
        "unknown",
        {"/one": FINE_PAGE, "/two": never},
        {"status_pages": {"one": {"url": f"{HERE}/one"}, "two": {"url": f"{HERE}/two"}}},
    ),
    # A question that is refused is no answer, whatever the others said.
    Row(
        DENIED,
        "the token may see statuses and no check runs",
        {"ci": CI},
        "unknown",
        {"check-runs": FORBIDDEN, "/status": STATUSES},
        {"github": GITHUB},
    ),
    Row(
        DENIED,
        "the token may see one label of two",
        {"complaints": COMPLAINTS},
        "unknown",
        {"labels=angry": FORBIDDEN, "labels=complaint": document([]), "/labels/": document({"name": "complaint"})},
        {"support": SUPPORT},
        phase="postlaunch",
    ),
    Row(
        DENIED,
        "the token may see errors and not what was dropped",
        {"errors": ERRORS},
        "unknown",
        {"stats_v2": FORBIDDEN, "events/": document({"data": [{"count()": 0}]}), "/projects/": PROJECT},
        {"sentry": SENTRY},
        phase="postlaunch",
    ),
    # Nothing is there for who looks at the wrong place.
    Row(
        UNSEEN,
        "a label that the repository does not have",
        {"blockers": BLOCKERS},
        "unknown",
        {"/issues": document([]), "/labels/": whole(404, "{}")},
        {"github": GITHUB},
        told="has no label",
    ),
    Row(
        UNSEEN,
        "a project that no event ever arrived at",
        {"errors": ERRORS, "new": NEW_ERRORS},
        "unknown, unknown",
        {"events/": document({"data": [{"count()": 0}]}), "issues/": NO_ISSUES, "/projects/": SILENT_PROJECT},
        {"sentry": SENTRY},
        phase="postlaunch",
        told="has never received an event",
    ),
    Row(
        UNSEEN,
        "an environment that Sentry does not know",
        {"new": NEW_ERRORS},
        "unknown",
        {"issues/": whole(404, '{"detail": "The requested resource does not exist"}'), "/projects/": PROJECT},
        {"sentry": {**SENTRY, "environment": "prodution"}},
        phase="postlaunch",
    ),
    Row(
        UNSEEN,
        "another tenant's Prometheus: no alert, and no rule",
        {"alerts": ALERTS},
        "unknown",
        {"/query": vector(), "/rules": document({"status": "success", "data": {"groups": []}})},
        {"prometheus": {"url": HERE}},
        told="no alert rule has the severity critical",
    ),
    Row(
        UNSEEN,
        "another tenant's Loki: no stream",
        {"stream": STREAM},
        "unknown",
        {"/loki/": document({"status": "success", "data": {"resultType": "streams", "result": []}})},
        {"loki": {"url": HERE, "query": "{app='shop'}", "tenant": "nobody"}},
    ),
    Row(
        UNSEEN,
        "a query that selects nothing",
        {"number": NUMBER},
        "unknown",
        {"/query": vector()},
        {"prometheus": {"url": HERE}, "readings": {"n": {"promql": "errors_of_another_job"}}},
    ),
    Row(
        UNSEEN,
        "a metric that the page does not have, and a label that no sample carries",
        {"number": NUMBER, "other": {"readings.number_at_most": {"reading": "m", "at_most": 5}}},
        "unknown, unknown",
        {"/metrics": whole(200, '# TYPE failures_total counter\nfailures_total{job="shop"} 0\n')},
        {
            "metrics": {"url": f"{HERE}/metrics"},
            "readings": {"n": {"metric": "errors_total"}, "m": {"metric": "failures_total", "labels": {"job": "shpo"}}},
        },
    ),
    Row(
        UNSEEN,
        "a folder of incident reports that is not there",
        {"incidents": INCIDENTS},
        "unknown",
        {"/incidents": document([])},
        {"incidents": {"folder": "nowhere"}, "readings": {"known_incidents": {"http": f"{HERE}/incidents"}}},
        phase="ga",
    ),
    Row(
        UNSEEN,
        "a label of incident reports that the tracker does not have",
        {"incidents": INCIDENTS},
        "unknown",
        {"/incidents": document([]), "/issues": document([]), "/labels/": whole(404, "{}")},
        {
            "incidents": {"tracker": {"url": HERE, "token": SECRET, "repository": "example/shop", "label": "incidnet"}},
            "readings": {"known_incidents": {"http": f"{HERE}/incidents"}},
        },
        phase="ga",
        told="has no label",
    ),
    # What has more pages than were read.
    *[
        Row(
            UNSEEN,
            f"a list whose second page is hidden: {name}",
            {"complaints": COMPLAINTS},
            "unknown",
            {"/complaints": answer},
            rows_at(pointer),
            phase="postlaunch",
            told="there are more",
        )
        for name, pointer, answer in (
            ("by its Link header", "", whole(200, "[]", {"Link": '</complaints?page=2>; rel="next"'})),
            ("has_more", "/data", document({"data": [], "has_more": True})),
            ("next", "/items", document({"items": [], "next": "https://127.0.0.1/complaints?page=2"})),
            ("_links.next", "/items", document({"items": [], "_links": {"next": {"href": "/complaints?page=2"}}})),
            ("nextPageToken", "/items", document({"items": [], "nextPageToken": "x"})),
            ("pageInfo", "/items", document({"items": [], "pageInfo": {"hasNextPage": True}})),
            ("@odata.nextLink", "/value", document({"value": [], "@odata.nextLink": "http://127.0.0.1/2"})),
            ("meta.total", "/items", document({"items": [], "meta": {"total": 3}})),
        )
    ],
    Row(
        UNSEEN,
        "a list that says that it is whole",
        {"complaints": COMPLAINTS},
        "pass",
        {"/complaints": document({"items": [], "next": None, "has_more": False, "meta": {"total": 0, "page": 1}})},
        rows_at("/items"),
        phase="postlaunch",
    ),
    Row(
        UNSEEN,
        "a proxy takes the Link header of a page that is full",
        {"complaints": COMPLAINTS},
        "fail",
        {"labels=angry": document([]), "/labels/": document({"name": "angry"}), "&page=1": FULL_PAGE}
        | {"&page=2": document([issue(101)])},
        {"support": SUPPORT},
        phase="postlaunch",
    ),
    # Nothing found, or nothing looked at.
    Row(
        NOTHING,
        "nothing is selected",
        {"healthy": HEALTHY},
        "not run",
        {"/health": document({})},
        words=("-k", "nothing"),
    ),
    Row(
        NOTHING_TO_SCAN,
        "nothing applies",
        {"healthy": HEALTHY},
        "not applicable",
        environment={"not_applicable": {"book/healthy": "this service has no health of its own"}},
    ),
    Row(
        NOTHING,
        "a number of nothing",
        {
            f"n{place}": {"readings.number_at_most": {"reading": f"n{place}", "at_most": 5}}
            for place in range(len(NO_NUMBERS))
        },
        ", ".join(["unknown"] * len(NO_NUMBERS)),
        {f"/n{place}": whole(200, text) for place, text in enumerate(NO_NUMBERS)},
        {"readings": {f"n{place}": {"http": f"{HERE}/n{place}"} for place in range(len(NO_NUMBERS))}},
    ),
    *[
        Row(
            NOTHING,
            f"a list of complaints that is {text}",
            {"complaints": COMPLAINTS},
            "unknown",
            {"/complaints": whole(200, text)},
            rows_at(),
            phase="postlaunch",
        )
        for text in ("{}", "null", "", '{"error": "no such tenant"}', "[null]")
    ],
    Row(
        NOTHING,
        "a status page that is {}",
        {"vendors": VENDORS},
        "unknown",
        {"/one": document({})},
        {"status_pages": {"one": {"url": f"{HERE}/one"}}},
    ),
    Row(
        NOTHING,
        "a log without a line",
        {"log": LOG},
        "unknown",
        {"/log": document([])},
        {"readings": {"log_lines": {"http": f"{HERE}/log"}}},
        phase="postlaunch",
    ),
    Row(
        NOTHING,
        "CI without a job",
        {"ci": CI},
        "unknown",
        {"check-runs": checks(), "/status": STATUSES},
        {"github": GITHUB},
    ),
    # Who does not answer is not left out.
    Row(
        SKIPPED_HOST,
        "one page of two is on a host that is down",
        {"pages": PAGES_PUBLISHED},
        "unknown",
        {"/one": whole(200, "<title>One</title>One", {"Content-Type": "text/html"})},
        {"documentation": {"One": f"{HERE}/one", "Two": f"{DOWN}/two"}},
        phase="ga",
    ),
    Row(SKIPPED_HOST, "the target itself is down", {"healthy": HEALTHY}, "fail", environment={"target": {"url": DOWN}}),
    # What is still awaited has not happened.
    Row(
        AWAITED,
        "a job of CI is queued",
        {"ci": CI},
        "unknown",
        {"check-runs": checks(("test", "queued", None), ("lint", "completed", "success")), "/status": STATUSES},
        {"github": GITHUB},
        told="still running",
    ),
    Row(
        AWAITED,
        "a status is pending",
        {"ci": CI},
        "unknown",
        {
            "check-runs": checks(("test", "completed", "success")),
            "/status": document(
                {"sha": "a" * 40, "total_count": 1, "statuses": [{"context": "scan", "state": "pending"}]}
            ),
        },
        {"github": GITHUB},
    ),
    Row(AWAITED, "no drill and no rehearsal was made", {"drill": DRILL, "load": REHEARSAL}, "unknown, unknown"),
    # Evidence that says nothing.
    Row(
        EMPTY,
        "evidence that is {}",
        {"drill": DRILL, "load": REHEARSAL},
        "unknown, unknown",
        files={
            "reports/small/drills/20260101T000000Z-restore/evidence.json": "{}",
            "reports/small/rehearsals/20260101T000000Z-launch/evidence.json": "{}",
        },
    ),
    Row(
        EMPTY,
        "a file of attestations without one",
        {"attested": ATTESTED},
        "unknown",
        phase="ga",
        files={"small.attestations.yaml": "attestations: {}\n"},
    ),
    # What was skipped was not tested.
    Row(
        ALL_SKIPPED,
        "every job was skipped",
        {"ci": CI},
        "unknown",
        {
            "check-runs": checks(("test", "completed", "skipped"), ("lint", "completed", "neutral")),
            "/status": STATUSES,
        },
        {"github": GITHUB},
        told="skipped everything: lint, test",
    ),
    Row(
        ALL_SKIPPED,
        "the required job was skipped",
        {"ci": CI},
        "fail",
        {
            "check-runs": checks(("test", "completed", "skipped"), ("lint", "completed", "success")),
            "/status": STATUSES,
        },
        {"github": GITHUB},
        told="required jobs that have not run",
    ),
    Row(
        ALL_SKIPPED,
        "a job that is not required was skipped",
        {"ci": CI},
        "pass",
        {
            "check-runs": checks(("test", "completed", "success"), ("docs", "completed", "skipped")),
            "/status": STATUSES,
        },
        {"github": GITHUB},
    ),
    # A level that is missing is not one that is kept.
    Row(
        DROPPED,
        "one service level of two has no sample",
        {"rate": ERROR_RATE, "up": AVAILABILITY},
        "unknown, pass",
        {"query=failed": vector(), "query=count": vector(1000), "query=up": vector(1)},
        {"prometheus": {"url": HERE}, "service_levels": LEVELS},
        phase="ga",
    ),
    Row(
        DROPPED,
        "a share of nothing",
        {"rate": ERROR_RATE},
        "unknown",
        {"query=failed": vector(0), "query=count": vector(0)},
        {"prometheus": {"url": HERE}, "service_levels": LEVELS},
        phase="postlaunch",
    ),
    Row(
        DROPPED,
        "more failed than were counted",
        {"rate": ERROR_RATE},
        "unknown",
        {"query=failed": vector(5), "query=count": vector(1)},
        {"prometheus": {"url": HERE}, "service_levels": LEVELS},
        phase="postlaunch",
    ),
]


def routed(answers: Mapping[str, Behaviour]) -> Behaviour:
    """Answer by the first part that a path has, else with 404."""

    def answer(server: Server, connection: socket.socket, asked: Asked) -> None:
        behaviour = next((each for part, each in answers.items() if part in asked.path), whole(404, "{}"))
        behaviour(server, connection, asked)

    return answer


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_no_good_word_without_having_seen_it(tmp_path: Path, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", TOKEN)
    for name, text in row.files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    with Server(routed(row.answers)) as server:
        stated = {
            "environment": "small",
            "target": {"url": HERE, "revision": "abc123"},
            "http": {"deadline_seconds": DEADLINE_SECONDS},
            **row.environment,
        }
        text = json.dumps(stated).replace(HERE, server.url).replace(DOWN, f"http://127.0.0.1:{free_port()}")
        judged = judge(tmp_path, row.lines, *row.words, phase=row.phase, **json.loads(text))

    expected = row.outcomes.split(", ")
    assert [judged.outcomes.get(line, "not run") for line in row.lines] == expected, judged.out
    assert row.told in judged.out.replace("\n", " "), judged.out
    if set(expected) == {"pass"}:
        assert judged.word in GOOD, judged.out
        assert judged.exit == 0, judged.out
    else:
        assert judged.word not in GOOD, judged.out
        assert judged.exit == (BAD_EXIT if "fail" in expected else INCOMPLETE_EXIT), judged.out


POLICIES = """
create table inbox (id int primary key, tenant text);
insert into inbox values (1, 'ours'), (2, 'theirs');
alter table inbox enable row level security;
grant select on inbox to probe;
create view inbox_of_all as select * from inbox;
grant select on inbox_of_all to probe;
"""


@pytest.mark.parametrize(
    ("sql", "outcome", "told"),
    [
        # trivy#6013 again: a policy shows the probe none of the rows, so that none is there.
        ("select count(*) from inbox", "unknown", "alter role ... bypassrls"),
        ("select count(*) from upload where id > (select count(*) from inbox)", "unknown", "alter role ... bypassrls"),
        # The view is its owner's, who sees all: it tells of both rows.
        ("select count(*) from inbox_of_all", "fail", "n: 2, allowed ≤ 1"),
        # kubescape#2996 again.
        ("select count(*) from denied", "unknown", "grant it pg_read_all_data"),
        ("select count(*) from upload", "fail", "n: 2, allowed ≤ 1"),
    ],
)
def test_rows_that_a_policy_hides_are_not_none(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, sql: str, outcome: str, told: str
) -> None:
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        connection.execute("drop table if exists inbox cascade")
        for statement in POLICIES.strip().split(";\n"):
            connection.execute(statement.encode())
    monkeypatch.setenv("A_TOKEN", database.dsn("probe", "probe-password"))
    lines = {"number": {"readings.number_at_most": {"reading": "n", "at_most": 1}}}
    judged = judge(
        tmp_path,
        lines,
        environment="small",
        target={"url": "http://127.0.0.1:9"},
        postgres={"url": SECRET},
        readings={"n": {"sql": sql}},
    )
    assert judged.outcomes == {"number": outcome}, judged.out
    assert told in judged.reasons["number"] + judged.out.replace("\n", " "), judged.out
