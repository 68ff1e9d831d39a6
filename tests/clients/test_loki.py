"""The client against the sandbox's Loki, and the stream that is judged."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.clients.loki import DETECTED
from readiness.environment.schema import Reading
from readiness.measurements import AtLeast, Measure
from readiness.observations.logs import LogSinceLaunch, log_since_launch, log_stream
from readiness.outcomes import NotConfigured, Unknown
from readiness.provenance import noted
from readiness.redaction.secret import Secret
from readiness.sandbox import Sandbox
from readiness.sandbox.vendors.loki import QUERY, Loki
from readiness.sandbox.web import Web
from readiness.sources.table import Clients
from tests.clients.conftest import Make
from tests.clients.servers import Server, document

SECOND = 1_000_000_000


def at_loki(make: Make, sandbox: Sandbox, **changes: Any) -> Clients:
    known = sandbox.variables
    given = {"url": known["SANDBOX_LOKI_URL"], "token": Secret(known["SANDBOX_LOKI_TOKEN"]), "tenant": "sandbox"}
    return make(loki={**given, "query": '{app="front"}', **changes})


def test_the_newest_lines_come_first(make: Make, sandbox: Sandbox) -> None:
    lines = at_loki(make, sandbox).loki.newest(datetime.now(UTC) - timedelta(hours=1))
    assert len(lines) == 100
    assert lines[0].at > lines[1].at > datetime.now(UTC) - timedelta(seconds=30)


def test_another_tenant_is_denied(make: Make, sandbox: Sandbox) -> None:
    with pytest.raises(Unknown, match="answered 401"):
        at_loki(make, sandbox, tenant="other").loki.newest(datetime.now(UTC))


def test_without_loki_the_log_itself_is_judged(make: Make, tmp_path: Path) -> None:
    clients = make(systems=False, readings={"log_lines": Reading(file=tmp_path / "log", format="jsonl")})
    written = datetime.now(UTC) - timedelta(minutes=3)
    (tmp_path / "log").write_text(f'{{"at": "{written.isoformat()}"}}\n', encoding="utf-8")
    found = log_stream(clients.loki, clients.readings)
    assert found.source == "the log"
    assert found.age_seconds == pytest.approx(180, abs=30)


def test_nothing_to_look_at_is_unknown(make: Make, sandbox: Sandbox) -> None:
    nowhere = make(systems=False)
    with pytest.raises(NotConfigured, match="structured log"):
        log_stream(nowhere.loki, nowhere.readings)
    with pytest.raises(NotConfigured, match="no Loki is configured"):
        nowhere.loki.newest(datetime.now(UTC))
    other = at_loki(make, sandbox, query='{app="other"}')
    with pytest.raises(Unknown, match="no line at all"):
        log_stream(other.loki, other.readings)


def answered(make: Make, values: Any, kind: str = "streams") -> Clients:
    data = {"resultType": kind, "result": [{"stream": {}, "values": values}]}
    with Server(document({"status": "success", "data": data})) as server:
        clients = make(server.url)
        log_stream(clients.loki, clients.readings)
        return clients


@pytest.mark.parametrize(
    ("values", "kind", "says"),
    [
        ([[str(round((time.time() + 7200) * SECOND)), "x"]], "streams", "in the future"),
        ([["yesterday", "x"]], "streams", "no log lines"),
        ([[]], "streams", "no log lines"),
        ([], "matrix", "answered no streams"),
    ],
)
def test_what_is_no_stream_is_unknown(make: Make, values: Any, kind: str, says: str) -> None:
    with pytest.raises(Unknown, match=says):
        answered(make, values, kind)


Levels = dict[str, int]
"""Level → of how many lines one has it; the first that fits. What none fits has no level."""
LEVELS: dict[str, tuple[Levels, int, bool]] = {
    # What Loki detected in the lines of an hour (one a second), the errors, and whether these are all.
    "all harmless": ({"info": 1}, 0, True),
    "some errors": ({"error": 600, "info": 1}, 6, True),
    "in other letters": ({"ERROR": 600, "Info": 1}, 6, True),
    "critical and fatal": ({"critical": 1_200, "fatal": 900, "info": 1}, 6, True),
    "warnings": ({"warn": 2, "debug": 1}, 0, True),
    "errors, and lines without a level": ({"error": 600}, 6, False),
    "errors, and unknown ones": ({"error": 600, "unknown": 1}, 6, False),
}
NO_LEVEL: dict[str, tuple[Levels, int]] = {
    # No error was detected, and of so many lines nobody knows.
    "a server that detects none": ({}, 3_600),
    "lines in which it finds none": ({"unknown": 1}, 3_600),
    "some such lines among others": ({"unknown": 600, "info": 1}, 6),
    "a level that nobody knows": ({"noteworthy": 600, "info": 1}, 6),
    "a number": ({"3": 600, "info": 1}, 6),
    "the word none": ({"none": 600, "info": 1}, 6),
}


def detected(make: Make, levels: Levels, launch_at: datetime | None = None, **settings: Any) -> LogSinceLaunch:
    """Look at a Loki that has detected these levels, where no reading says what was logged."""
    # Half of a span away from where the hour begins: whether a line is just in it is not what is tried.
    now = int(time.time())
    fits = {level: lambda second, every=every: (second - now + 300) % every == 0 for level, every in levels.items()}
    loki = Loki(levels=fits)
    web = Web(loki.application())
    try:
        given = {"url": web.url, "token": Secret(loki.token), "tenant": loki.tenant, "query": QUERY, **settings}
        clients = make(loki=given)
        return log_since_launch(clients.readings, datetime.now(UTC), launch_at, None, clients.loki)
    finally:
        web.stop()


@pytest.mark.parametrize("name", LEVELS)
def test_the_errors_are_those_that_loki_detected(name: str, make: Make) -> None:
    levels, errors, are_all = LEVELS[name]
    found = detected(make, levels)
    assert found.lines == pytest.approx(3_600, abs=3)
    assert found.errors == (errors if are_all else AtLeast(errors))
    assert len(found.newest) == errors
    assert found.newest == sorted(found.newest)
    if errors:
        with pytest.raises(AssertionError):
            Measure()(found.errors, "error lines").at_most(errors - 1)
    if errors and not are_all:
        with pytest.raises(Unknown, match="at least 6"):
            Measure()(found.errors, "error lines").at_most(errors)


@pytest.mark.parametrize("name", NO_LEVEL)
def test_a_line_without_a_level_is_no_harmless_one(name: str, make: Make) -> None:
    levels, lines = NO_LEVEL[name]
    with pytest.raises(Unknown, match=r"Loki has detected no level of [0-9]+ lines of 36..: nobody knows") as caught:
        detected(make, levels)
    assert int(caught.value.reason.split()[6]) == pytest.approx(lines, abs=3)


def test_what_loki_has_is_of_after_the_launch(make: Make) -> None:
    assert detected(make, {"error": 600, "info": 1}, datetime.now(UTC) - timedelta(seconds=90)).errors == 0
    with pytest.raises(Unknown, match="nothing was logged since"):
        detected(make, {"info": 1}, datetime.now(UTC) + timedelta(seconds=-1), query='{app="other"}')


def test_a_reading_of_the_log_goes_before_loki(make: Make, tmp_path: Path) -> None:
    line = {"at": datetime.now(UTC).isoformat(), "level": "error", "event": "failed"}
    (tmp_path / "log").write_text(f"{json.dumps(line)}\n", encoding="utf-8")
    clients = make(readings={"log_lines": Reading(file=tmp_path / "log", format="jsonl")})
    assert log_since_launch(clients.readings, datetime.now(UTC), None, None, clients.loki).errors == 1


COUNTS: dict[str, tuple[Any, str]] = {
    # A vector's result, and what is said of it.
    "no lines": ([], "nothing was logged since"),
    "a count that is none": ([{"metric": {}, "value": [1, "many"]}], "answered what are no counts"),
    "no count": ([{"metric": {}}], "answered what are no counts"),
    "labels that are none": ([{"metric": [], "value": [1, "2"]}], "answered what are no counts"),
    "fewer than none": ([{"metric": {DETECTED: "error"}, "value": [1, "-5"]}], "answered what are no counts"),
    "a part of a line": ([{"metric": {}, "value": [1, "0.4"]}], "answered what are no counts"),
    "infinitely many": ([{"metric": {}, "value": [1, "+Inf"]}], "answered what are no counts"),
    "no list": (7, "answered what are no counts"),
}


@pytest.mark.parametrize("name", COUNTS)
def test_what_are_no_counts_is_unknown(name: str, make: Make) -> None:
    result, says = COUNTS[name]
    with Server(document({"status": "success", "data": {"resultType": "vector", "result": result}})) as server:
        clients = make(server.url)
        with pytest.raises(Unknown, match=says):
            log_since_launch(clients.readings, datetime.now(UTC), None, None, clients.loki)


NARROW = {
    "a text": '{app="front"} |= "heartbeat"',
    "no text": '{app="front"} != "error"',
    "a label that is read": '{app="front"} | json | status < 500',
    "a level among the labels": '{app="front", level="info"}',
    "a level that it detected": '{app="front", detected_level!~"error|fatal"}',
    "a severity": '{app="front", severity_text = "INFO"}',
    "two": '{app="front"} or {app="back"}',
}
WHOLE = {
    "one label": '{app="front"}',
    "a text with brackets": '{app="front", path=~"/v1/{id}|/level=1"}',
    "a text in back quotes": "{app=`front`}",
    "spaces": ' { app = "front" } ',
}


@pytest.mark.parametrize("name", NARROW)
def test_a_query_that_leaves_lines_out_counts_no_errors(name: str, make: Make) -> None:
    with pytest.raises(Unknown, match=r"loki\.query may leave out lines with errors"):
        detected(make, {"info": 1}, query=NARROW[name])


@pytest.mark.parametrize("name", WHOLE)
def test_a_query_of_whole_streams_is_asked(name: str, make: Make) -> None:
    counts = [{"metric": {DETECTED: "info"}, "value": [1, "7"]}]
    with Server(document({"status": "success", "data": {"resultType": "vector", "result": counts}})) as server:
        clients = make(loki={"url": server.url, "query": WHOLE[name]})
        assert log_since_launch(clients.readings, datetime.now(UTC), None, None, clients.loki).lines == 7


def test_an_answer_with_warnings_is_not_whole(make: Make) -> None:
    data = {"resultType": "vector", "result": [{"metric": {DETECTED: "info"}, "value": [1, "7"]}]}
    told = {"status": "success", "data": data, "warnings": ["an ingester did not answer"]}
    with Server(document(told)) as server:
        clients = make(server.url)
        with pytest.raises(Unknown, match="an ingester did not answer"):
            log_since_launch(clients.readings, datetime.now(UTC), None, None, clients.loki)


def test_streams_are_no_vector(make: Make) -> None:
    with Server(document({"status": "success", "data": {"resultType": "streams", "result": []}})) as server:
        clients = make(server.url)
        with pytest.raises(Unknown, match="answered no vector"):
            log_since_launch(clients.readings, datetime.now(UTC), None, None, clients.loki)


def test_the_question_is_on_record(make: Make) -> None:
    with Server(document({"status": "success", "data": {"resultType": "vector", "result": []}})) as server:
        clients = make(server.url)
        with noted() as come_by, pytest.raises(Unknown):
            log_since_launch(clients.readings, datetime.now(UTC), None, None, clients.loki)
    assert 'sum by (detected_level) (count_over_time({app="shop"} [360' in str(come_by[0])
