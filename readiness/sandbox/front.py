"""The public front of the sandbox, seen through its metrics: a week of traffic, and more of it every second.

Everything that monitoring of a web service is asked for moves here: requests and their times, logins, payments, leads,
jobs, the cache, the machine. What a fault turns is a plain attribute of `Front`; a counter keeps what it has counted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

WEEK = 8 * 86_400
"""Seconds of history: a week, and the day before it to compare with."""
FIRST, FIRST_STEP = 15 * 86_400, 1200
"""The week before that is told less closely."""
STEP, RECENT, RECENT_STEP = 300, 900, 15
"""Seconds between two points of the history; the last quarter of an hour is told more closely."""
LATELY = 4200
"""Seconds of the past in which `lately` counts: more than an hour."""
TICK_SECONDS = 0.5
BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 1.5, 2.0, 5.0, 10.0)
QUICK = (0.30, 0.62, 0.84, 0.93, 0.985, 0.999, 0.9995, 0.9999, 1.0, 1.0)
"""Share of the requests answered within each bucket: p95 lies at 0.34 s."""
PATHS = {"/": 4.0, "/api/leads": 0.2, "/api/login": 0.6, "/api/payments": 0.1, "/api/v1/ingest/browser": 5.0}
"""Path → requests a second on average."""
JOBS = ("geo_enrichment", "aggregation", "exports")
GIGABYTE = 1_000_000_000
Series = tuple[str, tuple[tuple[str, str], ...]]


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
    memory_growth: float = 0.0
    """Share of the memory that is lost in each hour of the last day."""
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
    restarted_at: float = field(default_factory=lambda: float(round(time.time() - WEEK)))
    database_bytes: float = 40.0 * GIGABYTE
    object_bytes: float = 120.0 * GIGABYTE
    _told: dict[Series, list[tuple[float, float]]] = field(default_factory=dict)
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
            key = (name, tuple(sorted(labels.items())))
            self._counts[key] = self._counts.get(key, 0.0) + count

    def total(self, name: str, **labels: str) -> float:
        """Return what has been counted of a name, over all series that carry these labels."""
        wanted = set(labels.items())
        return sum(value for (known, carried), value in self._counts.items() if known == name and wanted <= {*carried})

    def _run(self) -> None:
        before = time.time()
        while True:
            time.sleep(TICK_SECONDS)
            now = time.time()
            self._pass(now - before, now)
            before = now

    def _pass(self, seconds: float, moment: float) -> None:
        """Let `seconds` of traffic pass."""
        if not self.up:
            return
        lately = self.lately if moment > time.time() - LATELY else {}
        # As much by night as by day: what a fault does to a day must not hang on when it is planted.
        busy = self.load * seconds * lately.get("all", 1.0)
        for path, rate in PATHS.items():
            self._requests(path, rate * busy)
        for event, rate in (("login", 0.6), ("payment", 0.1), ("lead", 0.2), ("registration", 0.05)):
            good, rate = self.successes[event], rate * lately.get(event, 1.0)  # noqa: PLW2901
            self.add("business_events_total", rate * busy * good, event=event, result="success")
            self.add("business_events_total", rate * busy * (1 - good), event=event, result="failure")
        asked = 20 * busy
        self.add("cache_requests_total", asked * self.cache_hits, result="hit")
        self.add("cache_requests_total", asked * (1 - self.cache_hits), result="miss")
        self.add("database_query_seconds_sum", 40 * busy * 0.02)
        self.add("database_query_seconds_count", 40 * busy)
        self.add("database_errors_total", 0)
        self.add("node_cpu_seconds_total", seconds * (1 - self.cpu), cpu="0", mode="idle")
        self.add("node_cpu_seconds_total", seconds * self.cpu, cpu="0", mode="user")

    def _requests(self, path: str, count: float) -> None:
        shares = {"500": self.errors, "429": self.throttled, "200": 1 - self.errors - self.throttled}
        for code, share in shares.items():
            self.add("http_requests_total", count * share, path=path, code=code)
        for bound, share in zip(BUCKETS, self._within(), strict=True):
            self.add("http_request_duration_seconds_bucket", count * share, path=path, le=f"{bound:g}")
        self.add("http_request_duration_seconds_bucket", count, path=path, le="+Inf")
        self.add("http_request_duration_seconds_count", count, path=path)
        self.add("http_request_duration_seconds_sum", count * 0.12 * self.slowness, path=path)

    def _within(self) -> Iterator[float]:
        """Give the share answered within each bound, when everything takes `slowness` times as long."""
        for bound in BUCKETS:
            wanted = bound / self.slowness
            below = [share for known, share in zip(BUCKETS, QUICK, strict=True) if known <= wanted]
            lower = below[-1] if below else 0.0
            at = len(below)
            if at == len(BUCKETS):
                yield 1.0
                continue
            left = BUCKETS[at - 1] if at else 0.0
            yield lower + (QUICK[at] - lower) * (wanted - left) / (BUCKETS[at] - left)

    def _gauges(self, moment: float) -> Iterator[tuple[Series, float]]:
        """Give what goes up and down, as it stands at a moment (the past has it healthy)."""
        now = time.time()
        grown = self.memory_growth * max(0.0, 1 - (now - moment) / 86_400) * 24
        midnight = moment - moment % 86_400
        yield ("node_memory_MemTotal_bytes", ()), 8.0 * GIGABYTE
        yield ("node_memory_MemAvailable_bytes", ()), 8.0 * GIGABYTE * max(0.0, 1 - self.memory - grown)
        yield ("process_resident_memory_bytes", ()), GIGABYTE * (0.6 + grown)
        yield ("process_start_time_seconds", ()), self.restarted_at
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
        """Write the week that has passed in the OpenMetrics format, and count it; `promtool` makes blocks of it."""
        self._counts.clear()
        first, week, recent = until - FIRST, until - WEEK, until - RECENT
        moments = [first + FIRST_STEP * n for n in range((FIRST - WEEK) // FIRST_STEP)]
        moments += [week + STEP * n for n in range(int((recent - week) / STEP))]
        moments += [until - RECENT_STEP * n for n in range(RECENT // RECENT_STEP, -1, -1)]
        rows: dict[Series, list[str]] = {}
        before = first - FIRST_STEP
        for moment in moments:
            self._pass(moment - before, moment)
            before = moment
            for key, value in (*self._counts.items(), *self._gauges(moment)):
                # Unrounded: a counter that goes on a hair below its history would look as if it had begun anew.
                rows.setdefault(key, []).append(f"{_series(key, 'front')} {value!r} {moment:.3f}")
            rows.setdefault(("up", ()), []).append(f"{_series(('up', ()), 'front')} 1 {moment:.3f}")
        for name in sorted({key[0] for key in rows}):
            family = name.removesuffix("_total")
            yield f"# TYPE {family} {'counter' if name.endswith('_total') else 'unknown'}"
            for key in sorted(key for key in rows if key[0] == name):
                yield from rows[key]
        yield "# EOF\n"

    def _page(self, request: Request) -> Response:
        del request
        if self.status != 200:  # noqa: PLR2004
            return PlainTextResponse("unavailable", self.status)
        with self._lock:
            found = dict(self._counts)
        lines = []
        for key, value in (*found.items(), *self._gauges(time.time())):
            if key[0] in self.hidden:
                continue
            shown = "NaN" if key[0] in self.not_a_number else repr(self._still.get(key, value))
            lines.append(f"{_series(key)} {shown}")
        return PlainTextResponse(
            "\n".join([*sorted(lines), *self._past()]) + "\n", media_type="text/plain; version=0.0.4"
        )

    def tell(self, name: str, points: list[tuple[float, float]], **labels: str) -> None:
        """Show one more series, with the past that it would have: moments and values, and on with the last of them."""
        with self._lock:
            self._told[name, tuple(sorted(labels.items()))] = points

    def take_back(self, name: str, **labels: str) -> None:
        """Show that series no longer: its past stays on record, as that of any process that has ended."""
        with self._lock:
            self._told.pop((name, tuple(sorted(labels.items()))), None)

    def _past(self) -> list[str]:
        """Write the series that were told. What is taken back while Prometheus asks must not come back with it."""
        lines: list[str] = []
        with self._lock:
            for key, points in self._told.items():
                lines += [f"{_series(key)} {value:.10g} {moment * 1000:.0f}" for moment, value in points]
                lines.append(f"{_series(key)} {points[-1][1]:.10g}")
                self._told[key] = points[-1:]  # the past is told once
        return lines

    def remember(self) -> dict[Series, float]:
        """Give what has been counted, for `restore`."""
        with self._lock:
            return dict(self._counts)

    def restore(self, counts: dict[Series, float]) -> None:
        """Count on from there."""
        with self._lock:
            self._counts = dict(counts)

    def freeze(self, name: str) -> None:
        """Let a metric stand still from now on."""
        with self._lock:
            known = (*self._counts.items(), *self._gauges(time.time()))
            self._still |= {key: value for key, value in known if key[0] == name}

    def thaw(self) -> None:
        """Let everything move again."""
        self._still.clear()


def _series(key: Series, job: str | None = None) -> str:
    name, labels = key
    carried = [*labels, *((("job", job), ("instance", "sandbox")) if job else ())]
    inside = ",".join(f'{label}="{value}"' for label, value in carried)
    return f"{name}{{{inside}}}" if inside else name
