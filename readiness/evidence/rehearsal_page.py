"""The page of one load rehearsal, made from its evidence alone; beside it the one before.

    python -m readiness.evidence.rehearsal_page reports/staging/rehearsals/20261201T090000Z-launch

One file without script and without anything from elsewhere; the charts are inline SVG.
"""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

from readiness.distribution import Distribution, merged
from readiness.durable import write_whole
from readiness.errors import BadRun
from readiness.rehearsal import SLICE_SECONDS, Evidence, folders, read
from readiness.rehearsal_verdict import LAG_SECONDS, Word, judge, p95

FILE = "page.html"
WIDTH, HEIGHT, LEFT, BOTTOM = 720, 200, 56, 24
POINTS_AT_MOST = 360
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """One curve: its name, its class in the style, and its points."""

    name: str
    kind: str
    points: Points


@dataclass(frozen=True)
class Chart:
    """Curves over one axis. `level` is a limit, drawn across."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    level: float | None = None
    across: str = "min"

    @property
    def _right(self) -> float:
        return max((x for line in self.lines for x, _ in line.points), default=1) or 1

    @property
    def _top(self) -> float:
        highest = max((y for line in self.lines for _, y in line.points), default=1)
        return max(highest, self.level or 0) * 1.1 or 1

    def _at(self, x: float, y: float) -> str:
        return f"{LEFT + max(x, 0) / self._right * (WIDTH - LEFT - 8):.1f},{self.height(y):.1f}"

    def height(self, y: float) -> float:
        """Where a value lies, in pixels from above."""
        return HEIGHT - BOTTOM - y / self._top * (HEIGHT - BOTTOM - 8)

    def path(self, line: Line) -> str:
        """Write the points of a curve as SVG wants them."""
        step = max(1, len(line.points) // POINTS_AT_MOST)
        return " ".join(self._at(x, y) for x, y in line.points[::step])

    def rows(self) -> Iterator[tuple[float, str]]:
        """Give the marks of the upright axis: height and label."""
        for part in range(5):
            value = self._top / 1.1 * part / 4
            yield self.height(value), f"{value:.3g}"

    def columns(self) -> Iterator[tuple[float, str]]:
        """Give the marks of the level axis: place and label."""
        for part in range(5):
            yield LEFT + part / 4 * (WIDTH - LEFT - 8), f"{self._right * part / 4:.3g}"


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


def compared(evidence: Evidence, before: Evidence) -> list[Change]:
    """Hold a rehearsal against the one before."""

    def rate(of: Evidence) -> float:
        return (of.ok + of.failed) / of.held_seconds if of.held_seconds else 0.0

    def share(of: Evidence) -> float:
        return of.failed / (of.ok + of.failed) if of.ok + of.failed else 0.0

    found = [Change("p95, at most", p95(before).high, p95(evidence).high, "s", "more")]
    for name, part in (("median", 0.5), ("p99", 0.99)):
        found.append(Change(name, before.naive.middle(part), evidence.naive.middle(part), "s", "more"))
    found.append(Change("failed requests", share(before) * 100, share(evidence) * 100, "%", "more"))
    found.append(Change("requests a second", rate(before), rate(evidence), "1/s", "less"))
    found.append(Change("users in every second", before.users_held, evidence.users_held, "", "less"))
    return found


def previous(folder: Path, evidence: Evidence) -> Evidence | None:
    """Find the rehearsal of this stage before this one that was decided."""
    for other in folders(folder.parents[2], folder.parents[1].name, evidence.stage):
        if other.name < folder.name:
            try:
                found = read(other)
            except BadRun:
                continue
            if judge(found).word is not Word.INCONCLUSIVE and found.scale == evidence.scale:
                return found
    return None


def render(evidence: Evidence, before: Evidence | None) -> str:
    """Write the page."""
    templates = Templates(
        loader=PackageLoader("readiness.evidence"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    style = templates.get_template("rehearsal.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    lags = [(one, merged([one.lag]).middle(0.99) * 1000) for one in evidence.generators]
    return templates.get_template("rehearsal.html").render(
        evidence=evidence,
        found=judge(evidence),
        charts=charts(evidence),
        endpoints=endpoints(evidence),
        generators=lags,
        changes=compared(evidence, before) if before else [],
        before=before,
        style=style,
        style_digest=digest,
        size=(WIDTH, HEIGHT, LEFT, BOTTOM),
        sure=evidence.naive.sure_of(0.95) if evidence.naive.counts else (0.0, 0.0),
        connect=Distribution(evidence.connections.connect),
        handshake=Distribution(evidence.connections.handshake),
    )


def write(folder: Path) -> Path:
    """Write the page beside the evidence. Raises BadRun where the evidence is not to be trusted."""
    evidence = read(folder)
    path = folder / FILE
    write_whole(path, render(evidence, previous(folder, evidence)))
    return path


if __name__ == "__main__":
    for word in sys.argv[1:]:
        try:
            sys.stdout.write(f"{write(Path(word))}\n")
        except BadRun as error:
            sys.exit(f"readiness: {error}")
