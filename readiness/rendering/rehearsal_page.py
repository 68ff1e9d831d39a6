"""The page of one load rehearsal, made from its evidence alone; beside it the one before.

    python -m readiness.rendering.rehearsal_page reports/staging/rehearsals/20261201T090000Z-launch

One file without script and without anything from elsewhere; the charts are inline SVG.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from readiness.errors import BadRun
from readiness.files.atomic_write import write_whole
from readiness.rehearsal.evidence import SLICE_SECONDS, RehearsalEvidence, folders, read
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.histogram import Distribution
from readiness.rehearsal.open_arrivals import QUARTERS_A_SECOND
from readiness.rehearsal.verdict import LAG_SECONDS, Conclusion, judge
from readiness.rendering.charts import Chart, Curve, Points, page

FILE = "page.html"
SAME_SHARE = 0.05
"""A figure that moved by no more than this share of what it was is called the same."""
SECONDS_BEFORE = 10
"""Of the hold, beside what came when the load had gone."""
TINY = 1e-9
"""Of a figure that was nothing there is no share."""


def charts(evidence: RehearsalEvidence) -> list[Chart]:
    """Return the charts of a rehearsal: what users felt, how many they were, and how the load generator did."""
    return [
        _response_time(evidence),
        _users(evidence),
        _sent(evidence),
        _failed(evidence),
        *_recovery(evidence),
        *_generator(evidence),
        _answered_within(evidence),
    ]


def _minute(evidence: RehearsalEvidence, second: float) -> float:
    """Return how many minutes after the start a Unix second was."""
    return (second - evidence.started_at.timestamp()) / 60


def _response_time(evidence: RehearsalEvidence) -> Chart:
    median: list[tuple[float, float]] = []
    p95_at_least: list[tuple[float, float]] = []
    p95_at_most: list[tuple[float, float]] = []
    for second, (kernel, naive, _ok, _failed) in sorted(evidence.slices.items()):
        minute = _minute(evidence, second)
        if kernel:
            median.append((minute, Distribution(kernel).middle(0.5)))
            p95_at_least.append((minute, Distribution(kernel).middle(0.95)))
        if naive:
            p95_at_most.append((minute, Distribution(naive).middle(0.95)))

    lines = (
        Curve("median", "median", median),
        Curve("p95 at least", "low", p95_at_least),
        Curve("p95 at most", "high", p95_at_most),
    )
    return Chart("Response time", "s", lines, evidence.asked.p95_seconds_below)


def _users(evidence: RehearsalEvidence) -> Chart:
    users = [(_minute(evidence, second), count) for second, count in sorted(evidence.users.items())]
    return Chart("Users", "", (Curve("users", "low", users),), evidence.asked.users)


def _sent(evidence: RehearsalEvidence) -> Chart:
    sent = [(_minute(evidence, second), sent) for second, (sent, _answered) in sorted(evidence.seconds.items())]
    return Chart("Requests a second", "1/s", (Curve("sent", "low", sent),))


def _failed(evidence: RehearsalEvidence) -> Chart:
    failed = [
        (_minute(evidence, second), failed / SLICE_SECONDS)
        for second, (_kernel, _naive, _ok, failed) in sorted(evidence.slices.items())
    ]
    return Chart("Failed requests a second", "1/s", (Curve("failed", "bad", failed),))


def _recovery(evidence: RehearsalEvidence) -> Iterator[Chart]:
    """Yield how the target answered when the load had gone, second by second; nothing where nobody looked."""
    if not evidence.recovery or not evidence.hold_until:
        return

    by_second: dict[int, Distribution] = {}
    for quarter, (_sent, _answered, took) in evidence.quarters.items():
        by_second.setdefault(quarter // QUARTERS_A_SECOND, Distribution()).add(took)
    hold_until = evidence.hold_until.timestamp()
    since = [(second - hold_until, took) for second, took in sorted(by_second.items()) if took.counts]
    shown = [(seconds, took) for seconds, took in since if seconds >= -SECONDS_BEFORE]

    lines = (
        Curve("median", "median", [(seconds, took.middle(0.5)) for seconds, took in shown]),
        Curve("p95 at least", "low", [(seconds, took.middle(0.95)) for seconds, took in shown]),
    )
    limit = evidence.asked.p95_seconds_below
    yield Chart("Response time when the load had gone", "s", lines, limit, "seconds after the hold")


def _generator(evidence: RehearsalEvidence) -> Iterator[Chart]:
    """Yield how the processes that made the load did: in each slice the worst of them."""
    used: dict[int, float] = {}
    waited: dict[int, float] = {}
    lags: dict[int, float] = {}
    for generator in evidence.generators:
        for second, (cpu_share, queue_share, lag_seconds) in generator.course.items():
            used[second] = max(used.get(second, 0.0), cpu_share)
            waited[second] = max(waited.get(second, 0.0), queue_share)
            lags[second] = max(lags.get(second, 0.0), lag_seconds)

    def over_time(values: dict[int, float]) -> Points:
        return [(_minute(evidence, second), value) for second, value in sorted(values.items())]

    shares = (Curve("used", "low", over_time(used)), Curve("waited for", "high", over_time(waited)))
    yield Chart("The generator, its busiest process: share of a processor used, and waited for", "", shares)
    lag = Curve("lag", "bad", over_time(lags))
    yield Chart("The generator's lag, the worst of each ten seconds", "s", (lag,), LAG_SECONDS)


def _answered_within(evidence: RehearsalEvidence) -> Chart:
    shares = [thousandth / 1000 for thousandth in range(1000)]

    def spread(distribution: Distribution) -> Points:
        return [(share * 100, distribution.middle(share)) for share in shares]

    lines = []
    if evidence.kernel.counts:
        lines.append(Curve("at least", "low", spread(evidence.kernel)))
    if evidence.naive.counts:
        lines.append(Curve("at most", "high", spread(evidence.naive)))
    limit = evidence.asked.p95_seconds_below
    return Chart("How many were answered within", "s", tuple(lines), limit, "% of the requests")


@dataclass(frozen=True)
class EndpointRow:
    """One endpoint; times in seconds, as the user felt them at most."""

    name: str
    asked: int
    failed: int
    p50: float
    p95: float
    p99: float
    most: float
    errors: list[tuple[str, int]]
    """What went wrong, and how often; the most frequent first."""


def endpoints(evidence: RehearsalEvidence) -> list[EndpointRow]:
    """Return a row for each endpoint, the slowest first."""
    rows = []
    for name, endpoint in evidence.endpoints.items():
        naive = Distribution(endpoint.naive)
        row = EndpointRow(
            name,
            asked=endpoint.asked,
            failed=endpoint.failed,
            p50=naive.middle(0.5),
            p95=naive.middle(0.95),
            p99=naive.middle(0.99),
            most=naive.middle(1.0),
            errors=sorted(endpoint.errors.items(), key=lambda error: -error[1]),
        )
        rows.append(row)
    return sorted(rows, key=lambda row: -row.p95)


@dataclass(frozen=True)
class FigureChange:
    """One figure, and how it was the time before."""

    name: str
    before: float
    now: float
    unit: str
    worse_when: str

    @property
    def word(self) -> str:
        """Better, worse, or the same within 5 %."""
        is_same = abs(self.now - self.before) <= SAME_SHARE * max(abs(self.before), TINY)
        if is_same:
            return "same"
        is_more = self.now > self.before
        return "worse" if is_more == (self.worse_when == "more") else "better"


def compared(now: Figures, before: Figures) -> list[FigureChange]:
    """Return each figure of a rehearsal beside that of the one before."""
    return [
        FigureChange("p95, at most", before.p95.high, now.p95.high, "s", "more"),
        FigureChange("median", before.median, now.median, "s", "more"),
        FigureChange("p99", before.p99, now.p99, "s", "more"),
        FigureChange("failed requests", _failed_percent(before), _failed_percent(now), "%", "more"),
        FigureChange("requests a second", before.requests_a_second, now.requests_a_second, "1/s", "less"),
        FigureChange("users in every second", before.users_held, now.users_held, "", "less"),
    ]


def _failed_percent(figures: Figures) -> float:
    return figures.failed / figures.requests * 100 if figures.requests else 0.0


def previous(folder: Path, evidence: RehearsalEvidence) -> Figures | None:
    """Return the figures of the last rehearsal of this stage and scale before this one that was decided."""
    environment = folder.parents[1].name
    reports = folder.parents[2]
    for other in folders(reports, environment, evidence.stage):
        if other.name >= folder.name:
            continue
        try:
            figures = Figures.of(read(other))
        except BadRun:
            continue
        is_decided = judge(figures).word is not Conclusion.INCONCLUSIVE
        if is_decided and figures.evidence.scale == evidence.scale:
            return figures
    return None


def render(figures: Figures, before: Figures | None) -> str:
    """Return the page as HTML; the last part of it beside the rehearsal before, where there was one."""
    evidence = figures.evidence
    lags_in_ms = [lag * 1000 for lag in figures.lags]
    return page(
        "rehearsal.html",
        evidence=evidence,
        figures=figures,
        judgement=judge(figures),
        charts=charts(evidence),
        endpoints=endpoints(evidence),
        generators=list(zip(evidence.generators, lags_in_ms, strict=True)),
        changes=compared(figures, before) if before else [],
        before=before.evidence if before else None,
        connect=Distribution(evidence.connections.connect),
        handshake=Distribution(evidence.connections.handshake),
    )


def write(folder: Path) -> Path:
    """Write the page beside the evidence. Raises BadRun where the evidence is not to be trusted."""
    evidence = read(folder)
    path = folder / FILE
    write_whole(path, render(Figures.of(evidence), previous(folder, evidence)))
    return path


if __name__ == "__main__":
    for word in sys.argv[1:]:
        try:
            sys.stdout.write(f"{write(Path(word))}\n")
        except BadRun as error:
            sys.exit(f"readiness: {error}")
