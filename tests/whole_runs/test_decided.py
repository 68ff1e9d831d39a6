"""Whole runs at a target that says no, is late, or cannot be seen, before and after the launch.

To add a case: a way of answering, and the outcome and verdicts that it must come to.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.files import history_tables
from readiness.sandbox.processes import free_port
from tests import warm
from tests.clients.servers import Behaviour, Server, document, drips_body, never, resets_at_once, whole
from tests.clients.test_history import note

HEALTH: dict[str, Any] = {"health.live": {"path": "/health", "seconds_below": 0.5}}
SECONDS = 1.0
"""The client's deadline: above the limit, so that what is not answered until then is beyond the limit."""


@dataclass
class Found:
    """What a run came to."""

    verdict: str
    outcomes: dict[str, str]
    steps: dict[str, str]
    reasons: dict[str, str]
    exit: int


def run(
    folder: Path,
    phase: str,
    url: str,
    decided_by: dict[str, Any] = HEALTH,
    ladder: dict[str, Any] | None = None,
    **environment: Any,
) -> Found:
    """Judge one line at a target, as a user would."""
    line: dict[str, Any] = {
        "id": "line",
        "ref": "1",
        "says": "it is well",
        "phase": [phase],
        "gate": "blocker",
    }
    if phase == "postlaunch":
        line["ladder"] = ladder or {"page": "failed"}
    book = {"runbook": "book", "title": "Book", "lines": [line | {"decided_by": decided_by}]}
    (folder / "book.yaml").write_text(yaml.safe_dump(book))
    content = {
        "environment": "small",
        "production": False,
        "target": {"url": url},
        "runbooks": ["book.yaml"],
        "allowed_hosts": ["127.0.0.1"],
        "http": {"deadline_seconds": SECONDS},
        **environment,
    }
    (folder / "small.yaml").write_text(json.dumps(content))
    places = [f"--environments={folder}", f"--reports={folder / 'reports'}"]
    ran = warm.run("pytest", "-q", "-m", phase, "--env", "small", *places, variables=dict(os.environ))
    journals = sorted((folder / "reports").rglob("journal.jsonl"))
    assert journals, ran.stdout + ran.stderr
    records = [json.loads(text) for text in journals[-1].read_text().splitlines()]
    results = {record["check"]: record for record in records if record["record"] == "result"}
    (finish,) = (record for record in records if record["record"] == "finish")
    return Found(
        finish["verdict"],
        {check: record["outcome"] for check, record in results.items()},
        {check: record["step"] for check, record in results.items()},
        {check: record["reason"] for check, record in results.items()},
        ran.returncode,
    )


@contextmanager
def stopped() -> Iterator[str]:
    """Give an address at which nothing listens."""
    yield f"http://127.0.0.1:{free_port()}"


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    with Server(behaviour) as server:
        yield server.url


FAIL = ("fail", "NO-GO", "PAGE")
UNKNOWN = ("unknown", "INCOMPLETE", "INCOMPLETE")
CASES: dict[str, tuple[Callable[[], Any], tuple[str, str, str]]] = {
    "healthy": (lambda: serving(document({"status": "ok"})), ("pass", "GO", "OK")),
    "stopped": (stopped, FAIL),
    "hung": (lambda: serving(never), FAIL),
    "a byte at a time": (lambda: serving(drips_body), FAIL),
    "500": (lambda: serving(whole(500)), FAIL),
    "502 of its proxy": (lambda: serving(whole(502, "<html>Bad gateway")), FAIL),
    "503": (lambda: serving(whole(503)), FAIL),
    "a challenge": (lambda: serving(whole(403, "<html>", {"cf-mitigated": "challenge"})), UNKNOWN),
    "asked too often": (lambda: serving(whole(429)), UNKNOWN),
    "a reset": (lambda: serving(resets_at_once), UNKNOWN),
    "a redirect to itself": (lambda: serving(whole(302, "", {"Location": "/health"})), UNKNOWN),
}


@pytest.mark.parametrize("phase", ["preflight", "postlaunch"])
@pytest.mark.parametrize("case", CASES)
def test_what_a_target_answers_decides_its_health(case: str, phase: str, tmp_path: Path) -> None:
    target, (outcome, before, after) = CASES[case]
    with target() as url:
        found = run(tmp_path, phase, url)
    assert found.outcomes == {"health.live": outcome}, found.reasons
    assert found.verdict == (before if phase == "preflight" else after)
    assert found.steps["health.live"] == ("page" if found.verdict == "PAGE" else None)


CUT: dict[str, tuple[Callable[[], Any], float, str]] = {
    # the target, the limit in seconds, and what a run of two seconds makes of it
    "hung, far beyond the limit": (lambda: serving(never), 0.5, "fail"),
    "a byte at a time, beyond the limit": (lambda: serving(drips_body), 0.5, "fail"),
    "hung, not yet at the limit": (lambda: serving(never), 30, "unknown"),
    "healthy": (lambda: serving(document({"status": "ok"})), 0.5, "pass"),
    "stopped": (stopped, 0.5, "fail"),
}


@pytest.mark.parametrize("case", CUT)
def test_a_look_that_the_run_s_deadline_cuts_has_waited_for_so_long(case: str, tmp_path: Path) -> None:
    target, limit, outcome = CUT[case]
    line = {"health.live": {"path": "/health", "seconds_below": limit}}
    with target() as url:
        found = run(tmp_path, "preflight", url, line, run={"seconds_at_most": 2}, http={"deadline_seconds": 10})
    assert found.outcomes == {"health.live": outcome}, found.reasons
    if case.startswith("hung, far"):
        assert "answer time of /health: ≥ 1." in found.reasons["health.live"]
        assert found.verdict == "NO-GO"


@pytest.mark.parametrize("case", ["500", "503", "stopped"])
def test_every_no_reaches_the_top_of_a_ladder_of_seconds(case: str, tmp_path: Path) -> None:
    with CASES[case][0]() as url:
        found = run(tmp_path, "postlaunch", url, ladder={"alert": 0.5, "page": 5, "rollback": 9})
    assert (found.verdict, found.steps["health.live"]) == ("ROLLBACK", "rollback")


def test_a_path_that_no_server_is_sent_decides_nothing(tmp_path: Path) -> None:
    """The service is asked for /, which is well, where the line names another page."""
    with serving(document({"status": "ok"})) as url:
        found = run(tmp_path, "preflight", url, {"health.live": {"path": "/#health", "seconds_below": 0.5}})
    assert (found.verdict, found.outcomes) == ("INCOMPLETE", {"health.live": "unknown"})
    assert "no server is sent the # behind" in found.reasons["health.live"]


def test_a_name_without_an_address_is_unknown(tmp_path: Path) -> None:
    found = run(tmp_path, "preflight", "http://no-such-name.invalid", allowed_hosts=["no-such-name.invalid"])
    assert (found.verdict, found.outcomes) == ("INCOMPLETE", {"health.live": "unknown"})


def test_the_measurement_shows_the_lower_bound(tmp_path: Path) -> None:
    with serving(never) as url:
        found = run(tmp_path, "preflight", url)
    assert found.reasons["health.live"].startswith("answer time of /health: ≥ ")
    assert found.reasons["health.live"].endswith(" s, allowed < 0.5")
    with closing(sqlite3.connect(tmp_path / "reports" / "small" / "history.sqlite")) as history:
        assert history.execute("select known, unit from bounds").fetchall() == [("at least", "s")]


def test_what_may_still_come_within_the_limit_is_unknown(tmp_path: Path) -> None:
    with serving(never) as url:
        found = run(tmp_path, "preflight", url, {"health.live": {"path": "/health", "seconds_below": 30}})
    assert (found.verdict, found.outcomes) == ("INCOMPLETE", {"health.live": "unknown"})


def test_a_stopped_database_is_not_reachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALL_DATABASE_URL", f"postgresql://probe@127.0.0.1:{free_port()}/shop")
    lines: dict[str, Any] = {"database.reachable": {}, "database.pool_headroom": {}}
    with serving(document({})) as url:
        found = run(tmp_path, "preflight", url, lines, postgres={"url": "${SMALL_DATABASE_URL}"})
    assert found.outcomes == {"database.reachable": "fail", "database.pool_headroom": "unknown"}
    assert found.verdict == "NO-GO"


def test_a_source_that_is_away_is_unknown(tmp_path: Path) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    level = {"count": {"promql": "a[{window}]"}, "failed": {"promql": "b[{window}]"}}
    with serving(document({})) as url:
        found = run(
            tmp_path,
            "postlaunch",
            url,
            {"slo.error_rate": {"of": "requests", "share_below": 0.01, "window": "1h"}},
            prometheus={"url": away},
            service_levels={"requests": level},
        )
    assert (found.verdict, found.outcomes) == ("INCOMPLETE", {"slo.error_rate": "unknown"})


@contextmanager
def silent(host: str = "127.0.0.1") -> Iterator[int]:
    """Give a port that neither takes nor refuses a connection: its queue is full."""
    with closing(socket.socket()) as listener, ExitStack() as waiting:
        listener.bind((host, 0))
        listener.listen(0)
        for _ in range(8):
            each = waiting.enter_context(closing(socket.socket()))
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield int(listener.getsockname()[1])


SILENT_LADDER = {"page": "failed", "rollback": "failed"}


def test_a_silence_is_decided_where_a_control_answers(tmp_path: Path) -> None:
    with silent() as port, serving(document({})) as control:
        found = [
            run(tmp_path, "postlaunch", f"http://127.0.0.1:{port}", run={"controls": [control]}, ladder=SILENT_LADDER)
            for _ in range(2)
        ]
    assert [each.outcomes for each in found] == [{"health.live": "fail"}] * 2, found[0].reasons
    assert found[0].reasons["health.live"] == (
        f"answer time of /health: no connection, twice; {control} answered meanwhile, allowed < 0.5"
    )
    # Silence alone pages, and what is done to the service waits for the second run.
    assert [each.verdict for each in found] == ["PAGE", "ROLLBACK"]


@contextmanager
def by_name() -> Iterator[str]:
    with serving(document({"n": 1})) as url:
        yield url.replace("127.0.0.1", "localhost")


BESIDE = "no connection, twice; 127.0.0.1:{port}, asked in this run too, answered meanwhile"
NOTHING_ELSE = "nothing else by such a way has answered in this run"
SOURCES: dict[str, tuple[str, Callable[[], Any], str, str]] = {
    # where the target is silent, a source that the run asks too, what comes of the silence, and why
    "another machine that answers": ("127.0.0.2", lambda: serving(document({"n": 1})), "fail", BESIDE),
    "another machine that says no": ("127.0.0.2", lambda: serving(whole(500)), "fail", BESIDE),
    "the same machine": ("127.0.0.1", lambda: serving(document({"n": 1})), "unknown", NOTHING_ELSE),
    "another machine that refuses": ("127.0.0.2", stopped, "unknown", NOTHING_ELSE),
    "another machine that hangs": ("127.0.0.2", lambda: serving(never), "unknown", NOTHING_ELSE),
    "by a name": ("127.0.0.2", by_name, "unknown", NOTHING_ELSE),
}


@pytest.mark.parametrize("case", SOURCES)
def test_without_a_control_another_host_that_answered_in_the_run_is_one(case: str, tmp_path: Path) -> None:
    host, source, outcome, why = SOURCES[case]
    with silent(host) as port, source() as url:
        ended = run(
            tmp_path,
            "postlaunch",
            f"http://{host}:{port}",
            HEALTH | {"readings.number_at_most": {"reading": "n", "at_most": 5}},
            SILENT_LADDER,
            readings={"n": {"http": f"{url}/n", "pointer": "/n"}},
            allowed_hosts=["127.0.0.1", "127.0.0.2", "localhost"],
        )
    assert ended.outcomes["health.live"] == outcome, ended.reasons
    assert why.format(port=url.rpartition(":")[2]) in ended.reasons["health.live"]
    assert ended.verdict == ("PAGE" if outcome == "fail" else "INCOMPLETE")


def test_a_refusal_does_not_wait_for_a_second_run(tmp_path: Path) -> None:
    with stopped() as url:
        assert run(tmp_path, "postlaunch", url, ladder=SILENT_LADDER).verdict == "ROLLBACK"


NO_PROOF: dict[str, tuple[Callable[[], Any], str]] = {
    "no control": (lambda: nullcontext(None), "no control says whether there is a way to an address of this machine"),
    "a control that is away": (stopped, "no control answers either"),
    "a control that is late": (lambda: serving(never), "no control answers either"),
    "by another kind of route": (lambda: nullcontext("http://no-such-name.invalid"), "no control says whether"),
}


@pytest.mark.parametrize("case", NO_PROOF)
def test_a_silence_without_proof_is_unknown(case: str, tmp_path: Path) -> None:
    control, words = NO_PROOF[case]
    with silent() as port, control() as url:
        found = run(
            tmp_path,
            "postlaunch",
            f"http://127.0.0.1:{port}",
            run={"controls": [url] if url else []},
            allowed_hosts=["127.0.0.1", "no-such-name.invalid"],
        )
    assert (found.verdict, found.outcomes) == ("INCOMPLETE", {"health.live": "unknown"})
    assert words in found.reasons["health.live"]


def test_a_dead_host_is_not_asked_forty_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [f"/{number}" for number in range(20)]
    each = {"health.live": {"seconds_below": 0.5, "each": {"path": paths}}}
    database: dict[str, Any] = {"database.reachable": {}, "database.pool_headroom": {}, "database.indexes_valid": {}}
    with silent() as port:
        monkeypatch.setenv("SMALL_DATABASE_URL", f"postgresql://probe@127.0.0.1:{port}/shop")
        settings = {"url": "${SMALL_DATABASE_URL}", "connect_seconds": SECONDS}
        started = time.monotonic()
        found = run(tmp_path, "preflight", f"http://127.0.0.1:{port}", each | database, postgres=settings)
    assert time.monotonic() - started < 20
    assert (found.verdict, set(found.outcomes.values())) == ("INCOMPLETE", {"unknown"})
    assert "was not asked again: it took no connection" in found.reasons["health.live"]


def test_a_run_ends_at_its_deadline(tmp_path: Path) -> None:
    started = time.monotonic()
    with serving(never) as url:
        found = run(tmp_path, "preflight", url, http={"deadline_seconds": 60}, run={"seconds_at_most": 2})
    assert time.monotonic() - started < 30
    # It had waited for longer than the line allows.
    assert (found.verdict, found.outcomes) == ("NO-GO", {"health.live": "fail"})


def test_the_plan_shows_the_deadline_and_warns_without_a_control(tmp_path: Path) -> None:
    with stopped() as url:
        run(tmp_path, "preflight", url)
    ran = warm.run("pytest", "--collect-only", "-m", "preflight", "--env", "small", f"--environments={tmp_path}")
    # One look that measures time: three requests of a second each, and what a run needs besides.
    assert "deadline preflight 33 s: what is not seen by then is unknown" in ran.stdout
    assert "silence of the target will be unknown" in " ".join(ran.stdout.split())


Look = tuple[float | None, str, str | None]
LATE: Look = (10.0, "fail", "at least")
REFUSED: Look = (None, "fail", "refused")
UNSEEN: Look = (None, "unknown", None)
QUICK: Look = (0.2, "pass", None)
LEVELS: dict[str, Any] = {
    "slo.response_time": {"p95_seconds_below": 0.5, "of": "probes", "window": "2h"},
    "slo.success_rate": {"success_share_above": 0.9, "of": "probes", "window": "2h"},
}
OWN_LOOKS: dict[
    str, tuple[list[Look], str, str]
] = {  # how often each kind of look, and what p95 and the share of successes come to
    "3 quick, 2 late, 6 refused": ([QUICK] * 3 + [LATE] * 2 + [REFUSED] * 6, "fail", "fail"),
    "3 quick, 2 late, 6 that saw nothing": ([QUICK] * 3 + [LATE] * 2 + [UNSEEN] * 6, "fail", "fail"),
    "10 quick, 1 late: with ten more it may be well": ([QUICK] * 10 + [LATE], "unknown", "pass"),
    "11 quick": ([QUICK] * 11, "unknown", "pass"),
    "21 quick": ([QUICK] * 21, "pass", "pass"),
    "5 quick, 6 that saw nothing": ([QUICK] * 5 + [UNSEEN] * 6, "unknown", "unknown"),
}


@pytest.mark.parametrize("case", OWN_LOOKS)
def test_what_own_looks_decide_is_decided_however_few_they_are(case: str, tmp_path: Path) -> None:
    looks, p95, successes = OWN_LOOKS[case]
    history = tmp_path / "reports/small" / history_tables.FILE
    history.parent.mkdir(parents=True)
    with closing(sqlite3.connect(history)) as connection:
        connection.executescript(history_tables.TABLES)
    with serving(document({})) as url:
        for number, (seconds, outcome, bound) in enumerate(looks):
            note(history, 0.1 + number / 20, outcome, seconds, known=bound, url=url)
        ended = run(
            tmp_path,
            "postlaunch",
            url,
            HEALTH | LEVELS,
            service_levels={"probes": {"history": {"check": "health.live"}}},
        )
    assert ended.outcomes == {"health.live": "pass", "slo.response_time": p95, "slo.success_rate": successes}
