"""Service levels from the record of earlier runs: a file that is whole, and one that is not."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.environment.service_levels import Window
from readiness.files import history_tables
from readiness.observations import slo
from readiness.outcomes import NotConfigured, Unknown
from readiness.sources.levels import Levels, Quantile
from readiness.transport.guard import Guard
from tests.clients.conftest import Make

HERE, ELSEWHERE = "http://127.0.0.1:9", "http://127.0.0.1:10"
SOURCE = {"check": "health.live"}
DAY, TWO_HOURS = Window("1d"), Window("2h")
LINE, TIME = "shop/health", "answer time of /health"
_runs = iter(range(1_000_000))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "test" / history_tables.FILE
    found.parent.mkdir()
    with closing(sqlite3.connect(found)) as connection:
        connection.executescript(history_tables.TABLES)
    return found


def note(
    path: Path,
    hours_ago: float,
    outcome: str = "pass",
    seconds: float | None = 0.2,
    *,
    lines: Sequence[str] = (LINE,),
    check: str = "health.live",
    url: str = HERE,
    name: str = TIME,
    known: str | None = None,
) -> None:
    """Write one run as the suite does."""
    run = f"run-{next(_runs)}"
    at = (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("insert into runs values (?,'postlaunch',?,?,null,'OK',0)", [run, at, url])
        for line in lines:
            key = [run, line, check, ""]
            connection.execute(f"insert into decisions values (?,?,?,?,?{',null' * 7})", [*key, outcome])
            numbers = [(0, "status of /health", 200, ""), *([(1, name, seconds, "s")] if seconds else [])]
            if known:
                connection.execute("insert into bounds values (?,?,?,?,1,?,?,'s')", [*key, name, known])
            for row in numbers:
                connection.execute("insert into measurements values (?,?,?,?,?,?,?,?)", [*key, *row])


def hourly(path: Path, hours: int = 30, **about: Any) -> None:
    for number in range(hours):
        note(path, number + 0.5, **about)


def levels(make: Make, path: Path, **source: Any) -> Levels:
    sources = {"probes": {"history": {**SOURCE, **source}}}
    return make(HERE, reports=path.parents[1], service_levels=sources).levels


def figures(found: Levels, window: Window = DAY) -> list[float]:
    return [found.figure("probes", name, window) for name in ("count", "failed", "available")]


def test_each_run_is_a_look(make: Make, path: Path, guard: Guard) -> None:
    hourly(path, 20)
    for number, outcome in enumerate(["fail", "fail", "unknown", "warn", "not run", "not due", "not applicable"]):
        note(path, 20.5 + number / 2, outcome)
    found = levels(make, path)
    assert figures(found) == [24, 2, 21 / 24]
    assert found.unseen("probes", DAY) == 1
    assert found.called("probes") == "looks of health.live"
    assert guard.requests[0].client == "history"
    assert guard.requests[0].target == f"{path}:  health.live"


def test_the_window_is_the_window(make: Make, path: Path) -> None:
    hourly(path, 60)
    found = levels(make, path)
    assert [found.figure("probes", "count", one) for one in (DAY, Window("1d", "1d"), TWO_HOURS)] == [24, 24, 2]


def test_only_this_target_and_this_check_are_looked_at(make: Make, path: Path) -> None:
    hourly(path, 25)
    hourly(path, 25, outcome="fail", url=ELSEWHERE)
    hourly(path, 25, outcome="fail", check="health.ready")
    assert figures(levels(make, path)) == [24, 0, 1]


def test_the_lines_of_a_run_are_one_look_unless_one_is_named(make: Make, path: Path) -> None:
    hourly(path, 25, lines=["shop/health", "shop/live"])
    note(path, 3, "fail", lines=["shop/live"])
    assert figures(levels(make, path))[:2] == [25, 1]
    assert figures(levels(make, path, line="shop/health"))[:2] == [24, 0]


def test_the_quantile_of_what_was_measured(make: Make, path: Path) -> None:
    for number in range(25):
        note(path, number + 0.5, seconds=(24 - number) / 10)
    found = levels(make, path)
    assert found.quantile("probes", Window("1d", quantile=0.5)) == Quantile(1.2, at_least=False)
    assert levels(make, path, measurement=TIME).quantile("probes", Window("1d", quantile=1.0)).seconds == 2.4
    note(path, 0.2, "fail", seconds=None)
    open_one = found.quantile("probes", Window("1d", quantile=0.99))
    with pytest.raises(Unknown, match="1 looks measured no seconds"):
        _ = open_one.answered


def test_a_measurement_is_called_as_it_is(make: Make, path: Path) -> None:
    hourly(path)
    with pytest.raises(Unknown, match="measured no seconds called 'answer tme of /health'; did you mean 'answer time"):
        figures(levels(make, path, measurement="answer tme of /health"))
    with pytest.raises(Unknown, match="measured no seconds called 'status of /health'"):
        figures(levels(make, path, measurement="status of /health"))


def test_a_window_from_before_the_record_is_unknown(make: Make, path: Path) -> None:
    found = levels(make, path)
    with pytest.raises(Unknown, match=r"the record of health.live at this target is empty"):
        figures(found)
    hourly(path, 20)
    with pytest.raises(Unknown, match=r"the record of health.live at this target begins 20\d\d-"):
        figures(found)
    assert figures(found, TWO_HOURS) == [2, 0, 1]


def test_a_pause_is_unknown(make: Make, path: Path) -> None:
    note(path, 25)
    note(path, 23)
    note(path, 1)
    with pytest.raises(Unknown, match=r"health.live did not look between"):
        figures(levels(make, path))


def test_too_few_looks_are_unknown(make: Make, path: Path) -> None:
    hourly(path)
    with pytest.raises(
        Unknown, match=r"24 looks of health.live in 1d are too few to judge a share of 0.01: at least 101"
    ):
        slo.events_of(levels(make, path), "probes", DAY).share(0.01)


def test_what_looks_do_not_tell(make: Make, path: Path) -> None:
    hourly(path)
    found = levels(make, path)
    with pytest.raises(NotConfigured, match="the suite's own looks do not tell throttled of probes"):
        found.figure("probes", "throttled", DAY)
    with pytest.raises(Unknown, match="is a history, which knows no path"):
        found.figure("probes", "count", Window("1d", path="/x"))
    with pytest.raises(Unknown, match="counts the suite's own looks, which is no traffic"):
        slo.usual_of(found, "probes")


def damaged(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def older(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("drop table measurements")


def of_another(statement: str) -> Any:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)

    return change


HARMS = {
    "missing": (Path.unlink, "is not there: no run has ended yet"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read: no such table"),
    "damaged": (damaged, "cannot be read: file is not a database"),
    "older": (older, "cannot be read: no such table: measurements"),
    "no time": (of_another("update runs set started_at = started_at || ' or so'"), "its rows are not those"),
    "no zone": (of_another("update runs set started_at = substr(started_at, 1, 26)"), "its rows are not those"),
    "no number": (of_another("update measurements set value = 'quick' where unit = 's'"), "its rows are not those"),
}


@pytest.mark.parametrize(("harm", "says"), HARMS.values(), ids=HARMS)
def test_a_file_that_cannot_be_used_is_unknown(make: Make, path: Path, harm: Any, says: str) -> None:
    hourly(path)
    harm(path)
    with pytest.raises(Unknown) as caught:
        figures(levels(make, path))
    assert says in caught.value.reason
    assert caught.value.remedy


def test_a_file_that_is_locked_is_unknown(make: Make, path: Path) -> None:
    hourly(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        with pytest.raises(Unknown, match=r"cannot be read: database is locked \(does a run write to it just now\?"):
            figures(levels(make, path))


def test_a_folder_may_be_called_anything(make: Make, tmp_path: Path, path: Path) -> None:
    hourly(path)
    odd = tmp_path / "50 % #1 ? reports"
    odd.mkdir()
    path.parent.rename(odd / "test")
    assert figures(levels(make, odd / "test" / path.name)) == [24, 0, 1]


def test_a_look_that_was_refused_or_given_up_is_slow(make: Make, path: Path) -> None:
    hourly(path, 21)
    note(path, 22, "fail", 10.0, known="at least")
    note(path, 22.5, "fail", None, known="refused")
    found = levels(make, path)
    assert found.quantile("probes", Window("1d", quantile=0.9)) == Quantile(0.2, at_least=False)
    assert found.quantile("probes", Window("1d", quantile=0.95)) == Quantile(10.0, at_least=True, without_time=1)
    # With more of them, all quick, it would not have been among the refused.
    few = found.quantile("probes", Window("1d", quantile=0.99))
    assert few == Quantile(10.0, at_least=True, without_time=1)
    with pytest.raises(Unknown, match="no end"):
        found.figure("probes", "latency", Window("1d", quantile=0.99))
    with pytest.raises(Unknown, match="1 looks measured no seconds"):
        _ = few.answered


def test_a_file_of_an_earlier_version_has_no_bounds(make: Make, path: Path) -> None:
    hourly(path, 23)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("drop table bounds")
    assert levels(make, path).quantile("probes", Window("1d", quantile=0.9)) == Quantile(0.2, at_least=False)
