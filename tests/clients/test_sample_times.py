"""A sample's own time: what is older than a look may be, or of the future, says nothing of now, in whatever format.

To add a row, add it to TIMES: how many seconds ago a sample was taken, and whether that is now.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from readiness.environment.schema import KnownReading, Reading
from readiness.observations.backup import newest_backup
from readiness.observations.logs import log_since_launch, log_stream
from readiness.observations.metrics import analytics_store, metric_samples
from readiness.observations.workers import cron_run, oldest_heartbeat
from readiness.outcomes import Unknown
from readiness.sources.table import Clients
from tests.clients.conftest import Make
from tests.clients.servers import Server, document, whole

OPEN_TYPE = {"Content-Type": "application/openmetrics-text; version=1.0.0; charset=utf-8"}
LONG_AGO = time.time()
"""So many seconds ago was 1970."""
TIMES: dict[str, tuple[float, bool]] = {
    "of 1970": (LONG_AGO, False),
    "seconds where milliseconds are meant": (LONG_AGO * 0.999, False),
    "a year old": (365 * 86_400, False),
    "older than is allowed": (330, False),
    "almost too old": (270, True),
    "now": (0, True),
    "by a clock that is a little ahead": (-30, True),
    "of the future": (-120, False),
    "of the next year": (-365 * 86_400, False),
    "milliseconds where seconds are meant": (-1000 * LONG_AGO, False),
}


def text_page(seconds_ago: float) -> tuple[str, dict[str, str]]:
    milliseconds = round((time.time() - seconds_ago) * 1000)
    return f"# TYPE depth gauge\ndepth 3 {milliseconds}\nup 1\n", {}


def open_page(seconds_ago: float) -> tuple[str, dict[str, str]]:
    return f"# TYPE depth gauge\ndepth 3 {time.time() - seconds_ago:.3f}\n# TYPE up gauge\nup 1\n# EOF\n", OPEN_TYPE


PAGES: dict[str, Callable[[float], tuple[str, dict[str, str]]]] = {"text": text_page, "OpenMetrics": open_page}


@pytest.mark.parametrize("when", TIMES)
@pytest.mark.parametrize("page", PAGES)
def test_a_sample_of_the_page(page: str, when: str, make: Make) -> None:
    seconds_ago, is_now = TIMES[when]
    text, headers = PAGES[page](seconds_ago)
    with Server(whole(200, text, headers)) as server:
        clients = make(server.url, readings={"depth": Reading(metric="depth")})
        if is_now:
            assert clients.exposition.total("depth") == 3
            assert metric_samples(clients.exposition).of("depth") == 1
            return

        # The others on the page say what they say.
        assert clients.exposition.total("up") == 1
        with pytest.raises(Unknown, match="the metric depth is of ") as caught:
            clients.readings.number(clients.readings.named("depth"))
        assert "metrics.age_seconds_at_most" in caught.value.remedy
        with pytest.raises(Unknown, match="the metric depth is of "):
            metric_samples(clients.exposition).of("depth")
        assert metric_samples(clients.exposition).of("nothing") == 0


def test_how_old_a_sample_may_be_is_stated(make: Make) -> None:
    text, headers = text_page(3000)
    with Server(whole(200, text, headers)) as server:
        assert make(server.url, metrics={"age_seconds_at_most": 3600}).exposition.total("depth") == 3
        with pytest.raises(Unknown, match=r"3,00\d s old"):
            make(server.url).exposition.total("depth")


def test_one_stale_series_spoils_the_sum(make: Make) -> None:
    page = f'depth{{a="1"}} 3\ndepth{{a="2"}} 4 {round((time.time() - 9999) * 1000)}\n'
    with Server(whole(200, page)) as server:
        exposition = make(server.url).exposition
        assert exposition.total("depth", {"a": "1"}) == 3
        with pytest.raises(Unknown, match=r"(9,999|10,000) s old"):
            exposition.total("depth")
        assert metric_samples(exposition).of("depth") == 1


def test_no_counter_is_counted_that_the_page_does_not_have(make: Make) -> None:
    with Server(whole(200, "# TYPE x_users gauge\nx_users 1\n")) as server:
        assert metric_samples(make(server.url).exposition).of("x_users_total") == 0


@pytest.mark.parametrize("when", TIMES)
@pytest.mark.parametrize("kind", ["vector", "scalar"])
def test_an_answer_of_prometheus(kind: str, when: str, make: Make) -> None:
    seconds_ago, is_now = TIMES[when]
    value = [time.time() - seconds_ago, "7"]
    result = value if kind == "scalar" else [{"metric": {}, "value": value}]
    with Server(document({"status": "success", "data": {"resultType": kind, "result": result}})) as server:
        prometheus = make(server.url).prometheus
        if is_now:
            assert prometheus.value("up") == 7
            return
        with pytest.raises(Unknown, match="what up answers is of "):
            prometheus.value("up")
        # Of another moment the answer is right or wrong by that.
        if 0 < seconds_ago < LONG_AGO:
            assert prometheus.value("up", seconds_ago) == 7


NO_SECOND = "no second since 1970 of a year that matters here"
Look = Callable[[Clients], object]


def row(at: Any) -> dict[str, Any]:
    """Return a row that every look below finds its columns in."""
    shown = {"value": at, "at": at, "finished_at": at, "age_seconds": at, "level": "info", "event": "x"}
    return {**shown, "cron": "report", "worker": "w"}


def iso(seconds_ahead: float) -> str:
    return datetime.fromtimestamp(time.time() + seconds_ahead, UTC).isoformat()


def analytics(clients: Clients) -> object:
    return analytics_store(clients.readings)


def heartbeat(clients: Clients) -> object:
    return oldest_heartbeat(clients.readings)


def stream(clients: Clients) -> object:
    return log_stream(clients.loki, clients.readings)


def log(clients: Clients) -> object:
    return log_since_launch(clients.readings, datetime.now(UTC), None, None, clients.loki)


def backup(clients: Clients) -> object:
    return newest_backup(clients.backups, clients.readings, datetime.now(UTC))


def cron(clients: Clients) -> object:
    return cron_run(clients.readings, datetime.now(UTC), job="report", schedule="0 6 * * *", minutes_at_most=30)


LOOKS: dict[str, tuple[Look, Callable[[], Any], str]] = {
    # what looks, the time in its row, what is said of it
    "analytics, of the future": (analytics, lambda: time.time() + 600, "future"),
    "analytics, ISO of the future": (analytics, lambda: iso(600), "future"),
    "analytics, milliseconds": (analytics, lambda: time.time() * 1000, NO_SECOND),
    "analytics, since a start": (analytics, lambda: 12_345.0, NO_SECOND),
    "a cron of the future": (cron, lambda: time.time() + 600, "future"),
    "a cron in milliseconds": (cron, lambda: time.time() * 1000, NO_SECOND),
    "a heartbeat of the future": (heartbeat, lambda: -600, "600 s in the future"),
    "a log of the future": (log, lambda: iso(600), "nothing was logged since"),
    "a stream of the future": (stream, lambda: iso(600), "in the future"),
    "a backup in milliseconds": (backup, lambda: time.time() * 1000, NO_SECOND),
    "a backup of the future": (backup, lambda: time.time() + 86_400, "from the future"),
}
NAMES = ("analytics_error_rate", "analytics_p95", "cron_successes", "worker_heartbeats", "log_lines", "backups")


@pytest.mark.parametrize("what", LOOKS)
def test_a_row_of_another_time_than_the_past_is_unknown(what: str, make: Make) -> None:
    look, at, says = LOOKS[what]
    with Server(document([row(at())])) as server:
        source = Reading(http=f"{server.url}/rows")
        clients = make(server.url, systems=False, readings=dict.fromkeys(NAMES, source))
        with pytest.raises(Unknown, match=says):
            look(clients)


def test_an_error_of_the_future_is_one_all_the_same(make: Make) -> None:
    rows = [{**row(iso(-60))}, {**row(iso(600)), "level": "error"}]
    with Server(document(rows)) as server:
        clients = make(server.url, systems=False, readings={"log_lines": Reading(http=f"{server.url}/rows")})
        found = log_since_launch(clients.readings, datetime.now(UTC), None, None, clients.loki)
    assert (found.lines, found.errors) == (2, 1)


@pytest.mark.parametrize("when", TIMES)
def test_a_file_by_when_it_was_written(when: str, make: Make, tmp_path: Path) -> None:
    seconds_ago, is_now = TIMES[when]
    path = tmp_path / "figure.txt"
    path.write_text("7")
    written = time.time() - seconds_ago
    os.utime(path, (written, written))
    known = KnownReading("figure", "a figure")
    bounded = Reading(file=path, format="text", age_seconds_at_most=300)
    if is_now:
        assert make(readings={"figure": bounded}).readings.number(known) == 7
    else:
        with pytest.raises(Unknown, match="is of "):
            make(readings={"figure": bounded}).readings.number(known)

    # Without a bound it may be as old as it likes, and is of no future all the same.
    plain = make(readings={"figure": Reading(file=path, format="text")})
    if is_now or seconds_ago > 0:
        assert plain.readings.number(known) == 7
    else:
        with pytest.raises(Unknown, match=r"in the future|of no year"):
            plain.readings.number(known)


def test_the_age_of_anything_but_a_file_is_its_source_s_to_tell() -> None:
    with pytest.raises(ValueError, match="age_seconds_at_most is of a file"):
        Reading(metric="depth", age_seconds_at_most=60)
