"""The public front of the sandbox, seen through its metrics: a week of traffic, and more of it every second.

Everything that monitoring of a web service is asked for moves here: requests and their times, logins, payments, leads,
jobs, the cache, the machine. What a fault turns is a plain attribute of `Front`; a counter keeps what it has counted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise
from math import ceil

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

HISTORY = 8 * 86_400
"""Seconds of history: a week, and the day before it to compare with."""
FIRST, FIRST_STEP = 15 * 86_400, 1200
"""The week before that is told less closely."""
STEP, RECENT, RECENT_STEP = 300, 900, 15
"""Seconds between two points of the history; the last quarter of an hour is told more closely."""
LATELY, LATELY_STEP = 4200, 60
"""Seconds of the past in which `lately` counts: more than an hour. It is told closely enough to count an hour of it."""
PAST_SECONDS, PAST_STEP = FIRST + FIRST_STEP, 6 * 3600
"""For how long the past has been counted when it ends, and how far apart are the moments at which it may end."""
TICK_SECONDS = 0.5
BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 1.5, 2.0, 5.0, 10.0)
QUICK = (0.30, 0.62, 0.84, 0.93, 0.985, 0.999, 0.9995, 0.9999, 1.0, 1.0)
"""Share of the requests answered within each bucket: p95 lies at 0.34 s."""
PATHS = {"/": 4.0, "/api/leads": 0.2, "/api/login": 0.6, "/api/payments": 0.1, "/api/v1/ingest/browser": 5.0}
"""Path → requests a second on average."""
EVENTS = {"login": 0.6, "payment": 0.1, "lead": 0.2, "registration": 0.05}
"""What people do → how often a second."""
LOOK_UPS, QUERIES = 20, 40
"""How often a second the cache and the database are asked."""
JOBS = ("geo_enrichment", "aggregation", "exports")
GIGABYTE = 1_000_000_000
Series = tuple[str, tuple[tuple[str, str], ...]]


def end_of_the_past() -> float:
    """Return the last of the day's four marks that was before anything that a fault changes."""
    return (time.time() - LATELY) // PAST_STEP * PAST_STEP


@dataclass
class Front:
    """What the metrics show, and what a fault changes of it."""

    errors: float = 0.002
    """Share of the requests that are answered with status 500."""
    throttled: float = 0.001
    """Share that is answered with status 429."""
    slowness: float = 1.0
    """The buckets' bounds are reached so many times later."""
    load: float = 1.0
    """Times the usual number of requests."""
    successes: dict[str, float] = field(
        default_factory=lambda: {"login": 0.97, "payment": 0.985, "lead": 1.0, "registration": 1.0}
    )
    """Share of the attempts that succeed."""
    lately: dict[str, float] = field(default_factory=dict)
    """Event, or `all` → times the usual number of the last hour; the history must be told again to show it."""
    storage_up: bool = True
    """The object store answers."""
    active_users: float = 21_500.0
    """The most at once, in a rehearsal."""
    cache_hits: float = 0.94
    cpu: float = 0.35
    memory: float = 0.55
    disk: float = 0.41
    database_cpu: float = 0.3
    database_connections: float = 0.25
    """Share of the connections that are taken."""
    backlog: dict[str, float] = field(default_factory=lambda: dict.fromkeys(JOBS, 12.0))
    cron_age: float | None = None
    """Seconds since the nightly job's last success; None where it ran at midnight as it should."""
    up: bool = True
    hidden: set[str] = field(default_factory=set)
    """Metrics that are no longer emitted."""
    not_a_number: set[str] = field(default_factory=set)
    status: int = 200
    past_ends: float = field(default_factory=end_of_the_past)
    """Up to when the history is the same for every sandbox."""
    database_bytes: float = 40.0 * GIGABYTE
    object_bytes: float = 120.0 * GIGABYTE
    _backfilled: dict[Series, list[tuple[float, float]]] = field(default_factory=dict)
    _counts: dict[Series, float] = field(default_factory=dict)
    _still: dict[Series, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def application(self) -> Starlette:
        """Serve the exposition page."""
        return Starlette(routes=[Route("/metrics", self._page)])

    def start(self) -> None:
        """Go on counting in a thread of its own."""
        threading.Thread(target=self._run, daemon=True).start()

    def add(self, name: str, count: float, **labels: str) -> None:
        """Count something at once: so a fault makes an hour of it in a moment."""
        with self._lock:
            key = _key(name, labels)
            self._counts[key] = self._counts.get(key, 0.0) + count

    def total(self, name: str, **labels: str) -> float:
        """Return what has been counted of a name, over all series that carry these labels."""
        wanted = set(labels.items())
        counts = [
            count for (counter, carried), count in self._counts.items() if counter == name and wanted <= set(carried)
        ]
        return sum(counts)

    def _run(self) -> None:
        before = time.time()
        while True:
            time.sleep(TICK_SECONDS)
            now = time.time()
            self._pass(now - before)
            before = now

    def _pass(self, seconds: float) -> None:
        """Count `seconds` of traffic."""
        if not self.up:
            return
        rates = self._rates(self.lately)
        with self._lock:
            for key, rate in rates.items():
                self._counts[key] = self._counts.get(key, 0.0) + rate * seconds

    def usual_rates(self) -> dict[Series, float]:
        """Return what each counter counts in a second as long as nothing is otherwise `lately`."""
        return self._rates({})

    def _rates(self, lately: Mapping[str, float]) -> dict[Series, float]:
        """Return what each counter counts in a second, with so many times the usual number of some events."""
        rates: dict[Series, float] = {}

        def rate(name: str, count: float, **labels: str) -> None:
            rates[_key(name, labels)] = count

        # As much by night as by day: what a fault does to a day must not hang on when it is planted.
        busy = self.load * lately.get("all", 1.0)
        within = tuple(self._within())
        for path, usual in PATHS.items():
            count = usual * busy
            rate("http_requests_total", count * self.errors, path=path, code="500")
            rate("http_requests_total", count * self.throttled, path=path, code="429")
            rate("http_requests_total", count * (1 - self.errors - self.throttled), path=path, code="200")
            for bound, share in zip(BUCKETS, within, strict=True):
                rate("http_request_duration_seconds_bucket", count * share, path=path, le=f"{bound:g}")
            rate("http_request_duration_seconds_bucket", count, path=path, le="+Inf")
            rate("http_request_duration_seconds_count", count, path=path)
            rate("http_request_duration_seconds_sum", count * 0.12 * self.slowness, path=path)
        for event, usual in EVENTS.items():
            count = usual * lately.get(event, 1.0) * busy
            good = self.successes[event]
            rate("business_events_total", count * good, event=event, result="success")
            rate("business_events_total", count * (1 - good), event=event, result="failure")
        look_ups = LOOK_UPS * lately.get("look-up", 1.0) * busy
        rate("cache_requests_total", look_ups * self.cache_hits, result="hit")
        rate("cache_requests_total", look_ups * (1 - self.cache_hits), result="miss")
        rate("database_query_seconds_sum", QUERIES * busy * 0.02)
        rate("database_query_seconds_count", QUERIES * busy)
        rate("database_errors_total", 0.0)
        rate("node_cpu_seconds_total", 1 - self.cpu, cpu="0", mode="idle")
        rate("node_cpu_seconds_total", self.cpu, cpu="0", mode="user")
        return rates

    def _within(self) -> Iterator[float]:
        """Yield the share answered within each bound, when everything takes `slowness` times as long."""
        for bound in BUCKETS:
            wanted = bound / self.slowness
            below = [share for bucket, share in zip(BUCKETS, QUICK, strict=True) if bucket <= wanted]
            lower = below[-1] if below else 0.0
            at = len(below)
            if at == len(BUCKETS):
                yield 1.0
                continue
            left = BUCKETS[at - 1] if at else 0.0
            yield lower + (QUICK[at] - lower) * (wanted - left) / (BUCKETS[at] - left)

    def _gauges(self, moment: float) -> Iterator[tuple[Series, float]]:
        """Yield what goes up and down, as it stands at a moment (the past has it healthy)."""
        midnight = moment - moment % 86_400
        yield ("node_memory_MemTotal_bytes", ()), 8.0 * GIGABYTE
        yield ("node_memory_MemAvailable_bytes", ()), 8.0 * GIGABYTE * (1 - self.memory)
        yield ("process_resident_memory_bytes", ()), GIGABYTE * 0.6
        yield ("process_start_time_seconds", ()), self.past_ends - HISTORY
        yield ("node_filesystem_size_bytes", (("mountpoint", "/"),)), 100.0 * GIGABYTE
        yield ("node_filesystem_avail_bytes", (("mountpoint", "/"),)), 100.0 * GIGABYTE * (1 - self.disk)
        yield ("database_cpu_share", ()), self.database_cpu
        yield ("database_size_bytes", ()), self.database_bytes
        yield ("object_storage_bytes", ()), self.object_bytes
        yield ("object_storage_up", ()), float(self.storage_up)
        yield ("active_users_peak", ()), self.active_users
        yield (
            ("cron_last_success_timestamp_seconds", (("cron", "analytics"),)),
            (midnight + 40 if self.cron_age is None else moment - self.cron_age),
        )
        yield ("pg_settings_max_connections", ()), 100.0
        yield ("pg_stat_activity_count", ()), 100.0 * self.database_connections
        for job, depth in self.backlog.items():
            yield ("jobs_waiting", (("queue", job),)), depth

    def history(self, until: float) -> Iterator[str]:
        """Write what was since the past ended, and count it: see `past`, which it goes on from.

        Between two moments a counter grows by its rate, which changes once: where `lately` begins.
        """
        # Whole seconds, as the past has: else two moments could be less apart than a stamp can tell.
        until = float(int(until))
        changed, recent = until - LATELY, until - RECENT
        moments = [self.past_ends + STEP * n for n in range(1, ceil((changed - self.past_ends) / STEP))]
        begins = len(moments)
        moments += [changed + LATELY_STEP * n for n in range(int((recent - changed) / LATELY_STEP))]
        moments += [until - RECENT_STEP * n for n in range(RECENT // RECENT_STEP, -1, -1)]
        seconds = [later - moment for moment, later in pairwise((self.past_ends, *moments))]
        counted, usual, lately = _counted_in_the_past(), self.usual_rates(), self._rates(self.lately)

        def grown(key: Series) -> list[float]:
            by_then = (usual[key] * each for each in seconds[:begins])
            since = (lately[key] * each for each in seconds[begins:])
            return [*accumulate(chain(by_then, since), initial=counted[key])][1:]

        counters = {key: grown(key) for key in usual}
        yield from self.written(moments, counters)
        self.restore({key: values[-1] for key, values in counters.items()})

    def written(self, moments: list[float], rows: dict[Series, list[float]]) -> Iterator[str]:
        """Write counters, and all else as it stands, in the OpenMetrics format; `promtool` makes blocks of it."""
        gauges = [[*self._gauges(moment)] for moment in moments]
        rows = dict(rows)
        for points in zip(*gauges, strict=True):
            gauge = points[0][0]
            rows[gauge] = [value for _, value in points]
        rows["up", ()] = [1.0] * len(moments)

        stamps = [f" {moment:.3f}\n" for moment in moments]
        name = ""
        for key in sorted(rows):
            if key[0] != name:
                name = key[0]
                kind = "counter" if name.endswith("_total") else "unknown"
                yield f"# TYPE {name.removesuffix('_total')} {kind}\n"
            start = f"{_series(key, 'front')} "
            # Unrounded: a counter that goes on a hair below its history would look as if it had begun anew.
            yield "".join([f"{start}{value!r}{stamp}" for value, stamp in zip(rows[key], stamps, strict=True)])
        yield "# EOF\n"

    def _page(self, request: Request) -> Response:
        del request
        if self.status != 200:  # noqa: PLR2004  the status of HTTP
            return PlainTextResponse("unavailable", self.status)
        with self._lock:
            counts = dict(self._counts)
        lines = []
        for key, value in (*counts.items(), *self._gauges(time.time())):
            if key[0] in self.hidden:
                continue
            shown = "NaN" if key[0] in self.not_a_number else repr(self._still.get(key, value))
            lines.append(f"{_series(key)} {shown}")
        return PlainTextResponse(
            "\n".join([*sorted(lines), *self._past()]) + "\n", media_type="text/plain; version=0.0.4"
        )

    def backfill(self, name: str, points: list[tuple[float, float]], **labels: str) -> None:
        """Show one more series, with the past that it would have: moments and values, and on with the last of them."""
        with self._lock:
            self._backfilled[_key(name, labels)] = points

    def end_backfill(self, name: str, **labels: str) -> None:
        """Show that series no longer: its past stays on record, as that of any process that has ended."""
        with self._lock:
            self._backfilled.pop(_key(name, labels), None)

    def _past(self) -> list[str]:
        """Write the backfilled series. What is taken back while Prometheus asks must not come back with it."""
        lines: list[str] = []
        with self._lock:
            for key, points in self._backfilled.items():
                # The present comes first: Prometheus 3 drops a sample without a stamp after others of its series.
                lines.append(f"{_series(key)} {points[-1][1]:.10g}")
                lines += [f"{_series(key)} {value:.10g} {moment * 1000:.0f}" for moment, value in points]
                self._backfilled[key] = points[-1:]  # the past is told once
        return lines

    def remember(self) -> dict[Series, float]:
        """Return what has been counted, for `restore`."""
        with self._lock:
            return dict(self._counts)

    def restore(self, counts: dict[Series, float]) -> None:
        """Count on from there."""
        with self._lock:
            self._counts = dict(counts)

    def freeze(self, name: str) -> None:
        """Freeze a metric at its present values."""
        with self._lock:
            current = (*self._counts.items(), *self._gauges(time.time()))
            self._still |= {key: value for key, value in current if key[0] == name}

    def thaw(self) -> None:
        """Unfreeze all metrics."""
        self._still.clear()


def past(ends: float) -> Iterator[str]:
    """Write the two weeks before a moment, as they always were: whoever asks gets the same."""
    # No fault is told of so long ago: what is planted is told by `history`.
    healthy = Front(past_ends=ends)
    moments = [ends - FIRST + FIRST_STEP * n for n in range((FIRST - HISTORY) // FIRST_STEP)]
    moments += [ends - HISTORY + STEP * n for n in range(HISTORY // STEP + 1)]
    began = ends - PAST_SECONDS
    rows = {key: [rate * (moment - began) for moment in moments] for key, rate in healthy.usual_rates().items()}
    yield from healthy.written(moments, rows)


def _counted_in_the_past() -> dict[Series, float]:
    """Return with which counts the past has ended."""
    return {key: rate * PAST_SECONDS for key, rate in Front().usual_rates().items()}


def _key(name: str, labels: Mapping[str, str]) -> Series:
    return name, tuple(sorted(labels.items()))


def _series(key: Series, job: str | None = None) -> str:
    name, labels = key
    carried = [*labels]
    if job:
        carried += [("job", job), ("instance", "sandbox")]
    if not carried:
        return name

    inside = ",".join(f'{label}="{value}"' for label, value in carried)
    return f"{name}{{{inside}}}"
