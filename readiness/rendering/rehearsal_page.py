"""The page of one load rehearsal, made from its evidence alone; beside it the one before.

    python -m readiness.rendering.rehearsal_page reports/staging/rehearsals/20261201T090000Z-launch

One file without script and without anything from elsewhere; the charts are inline SVG.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from readiness.errors import BadRun
from readiness.files.atomic_write import write_whole
from readiness.rehearsal.evidence import SLICE_SECONDS, Evidence, folders, read
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.histogram import Distribution
from readiness.rehearsal.verdict import LAG_SECONDS, Word, judge
from readiness.rendering.charts import Chart, Line, Points, page

FILE = "page.html"


def charts(evidence: Evidence) -> list[Chart]:
    """Draw how it went."""
    began, limit = evidence.started_at.timestamp(), evidence.asked.p95_seconds_below
    slices = sorted(evidence.slices.items())

    def over_time(bound: Literal[0, 1], share: float) -> Points:
        return [((at - began) / 60, Distribution(part[bound]).middle(share)) for at, part in slices if part[bound]]

    asked = [((at - began) / 60, sent) for at, (sent, _) in sorted(evidence.seconds.items())]
    users = [((at - began) / 60, count) for at, count in sorted(evidence.users.items())]
    errors = [((at - began) / 60, part[3] / SLICE_SECONDS) for at, part in slices]
    shares = [share / 1000 for share in range(1000)]
    spread = [
        Line(name, kind, [(share * 100, found.middle(share)) for share in shares])
        for name, kind, found in [("at least", "low", evidence.kernel), ("at most", "high", evidence.naive)]
        if found.counts
    ]
    return [
        Chart(
            "Response time",
            "s",
            (
                Line("median", "median", over_time(0, 0.5)),
                Line("p95 at least", "low", over_time(0, 0.95)),
                Line("p95 at most", "high", over_time(1, 0.95)),
            ),
            limit,
        ),
        Chart("Users", "", (Line("users", "low", users),), evidence.asked.users),
        Chart("Requests a second", "1/s", (Line("sent", "low", asked),)),
        Chart("Failed requests a second", "1/s", (Line("failed", "bad", errors),)),
        *_generator(evidence, began),
        Chart("How many were answered within", "s", tuple(spread), limit, "% of the requests"),
    ]


def _generator(evidence: Evidence, began: float) -> Iterator[Chart]:
    """Draw how the processes that made the load did: in each slice the worst of them."""

    def worst(of: Literal[0, 1, 2]) -> Points:
        found: dict[int, float] = {}
        for one in evidence.generators:
            for at, seen in one.course.items():
                found[at] = max(found.get(at, 0.0), seen[of])
        return [((at - began) / 60, value) for at, value in sorted(found.items())]

    shares = (Line("used", "low", worst(0)), Line("waited for", "high", worst(1)))
    yield Chart("The generator, its busiest process: share of a processor used, and waited for", "", shares)
    lag = Line("lag", "bad", worst(2))
    yield Chart("The generator's lag, the worst of each ten seconds", "s", (lag,), LAG_SECONDS)


@dataclass(frozen=True)
class Row:
    """One endpoint."""

    name: str
    asked: int
    failed: int
    p50: float
    p95: float
    p99: float
    most: float
    errors: list[tuple[str, int]]


def endpoints(evidence: Evidence) -> list[Row]:
    """Sum up each endpoint, the slowest first."""
    found = []
    for name, endpoint in evidence.endpoints.items():
        naive = Distribution(endpoint.naive)
        p50, high, p99, most = (naive.middle(share) for share in (0.5, 0.95, 0.99, 1.0))
        errors = sorted(endpoint.errors.items(), key=lambda kind: -kind[1])
        found.append(Row(name, endpoint.asked, endpoint.failed, p50, high, p99, most, errors))
    return sorted(found, key=lambda row: -row.p95)


@dataclass(frozen=True)
class Change:
    """One figure, and how it was the time before."""

    name: str
    before: float
    now: float
    unit: str
    worse_when: str

    @property
    def word(self) -> str:
        """Better, worse, or the same within 5 %."""
        if abs(self.now - self.before) <= 0.05 * max(abs(self.before), 1e-9):
            return "same"
        return "worse" if (self.now > self.before) == (self.worse_when == "more") else "better"


def compared(now: Figures, before: Figures) -> list[Change]:
    """Hold a rehearsal against the one before."""

    def failed(of: Figures) -> float:
        return of.failed / of.requests * 100 if of.requests else 0.0

    return [
        Change("p95, at most", before.p95.high, now.p95.high, "s", "more"),
        Change("median", before.median, now.median, "s", "more"),
        Change("p99", before.p99, now.p99, "s", "more"),
        Change("failed requests", failed(before), failed(now), "%", "more"),
        Change("requests a second", before.requests_a_second, now.requests_a_second, "1/s", "less"),
        Change("users in every second", before.users_held, now.users_held, "", "less"),
    ]


def previous(folder: Path, evidence: Evidence) -> Figures | None:
    """Find the rehearsal of this stage before this one that was decided."""
    for other in folders(folder.parents[2], folder.parents[1].name, evidence.stage):
        if other.name < folder.name:
            try:
                found = read(other)
            except BadRun:
                continue
            figures = Figures.of(found)
            if judge(figures).word is not Word.INCONCLUSIVE and found.scale == evidence.scale:
                return figures
    return None


def render(figures: Figures, before: Figures | None) -> str:
    """Write the page."""
    evidence = figures.evidence
    lags_in_ms = [lag * 1000 for lag in figures.lags]
    return page(
        "rehearsal.html",
        evidence=evidence,
        figures=figures,
        found=judge(figures),
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
