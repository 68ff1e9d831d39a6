"""The page of one run, rendered from its journal alone: the verdict first, then what is wrong, then all the rest.

One file without script and without anything from elsewhere. The same journal gives the same page, byte for byte, so it
names no file that may or may not lie beside it, but those that every run leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from readiness.evidence import attested, journal
from readiness.evidence.journal import RecordedRun
from readiness.evidence.ledger import PAGE
from readiness.evidence.previous_run import Changes, changes_of, held_in
from readiness.evidence.recorded_request import RecordedRequest
from readiness.evidence.rejudge import judge
from readiness.outcomes import Effect, Outcome, Phase
from readiness.rendering import exports
from readiness.rendering.charts import page
from readiness.rendering.report_rows import DecisionRow, ReportSection, by_section, causes, rows_of
from readiness.rendering.run_summary import kind_of
from readiness.rendering.texts import anchor_of, shortened
from readiness.verdict import VerdictStatus

FILE = "report.html"
BESIDE = "pytest.html"
"""The file of pytest-html in the same folder, where it is installed."""
SOURCES_AT_MOST = 60
_HOST = re.compile(r"[^/?#\s]*")


@dataclass(frozen=True)
class ReportHeadline:
    """The verdict of the page, and what it means."""

    word: str
    kind: str
    says: str
    doubts: tuple[str, ...]
    """Why it is not to be trusted, or not whole."""


@dataclass(frozen=True)
class Turn:
    """A decision whose outcome is another one than in the run before."""

    name: str
    anchor: str
    before: Outcome
    now: Outcome

    @property
    def kind(self) -> str:
        """Return the class of its colour."""
        return str(self.now).replace(" ", "-")


@dataclass(frozen=True)
class Source:
    """One system, and what it was asked in this run."""

    place: str
    client: str
    effect: str
    requests: int
    seconds: float
    """Of the longest."""


def headline(run: RecordedRun) -> ReportHeadline:
    """Return the verdict, as the journal bears it out: one that contradicts itself has none."""
    word, action = exports.verdict_in(run)
    contradictions = judge(run).refuted
    withdrawn = run.finish.withdrawn if run.finish else ()
    if contradictions:
        says = f"the journal contradicts itself, so its verdict ({word}) does not count"
        return ReportHeadline(VerdictStatus.INCOMPLETE, "open", says, (*contradictions, *withdrawn))

    if run.finish is None:
        return ReportHeadline(word, kind_of(None), action, tuple(_ending(run)))
    beside = tuple(exports.beside(run))
    kind = kind_of(run.finish.exit or int(bool(beside)))
    return ReportHeadline(word, kind, action, (*withdrawn, *beside))


def _ending(run: RecordedRun) -> Iterator[str]:
    """Yield how a run broke off that never came to its end."""
    yield "the run ended early: it has no last record"
    if run.died_in:
        yield f"it ended within {run.died_in}"


def turns(changes: Changes | None) -> list[Turn]:
    """Return what has turned since the run before, the worst first."""
    if changes is None:
        return []
    return [
        Turn(change.name, anchor_of(change.key.line, change.key.subject), change.before, change.now)
        for change in changes.turned
    ]


def sources(requests: Iterable[RecordedRequest]) -> list[Source]:
    """Return the requests of a run by system: those that change something first, then the systems asked most."""

    def system(request: RecordedRequest) -> tuple[str, str, str]:
        return _place(request), request.client, request.effect

    by_system = []
    for (place, client, effect), group in groupby(sorted(requests, key=system), key=system):
        seconds = [request.seconds for request in group]
        by_system.append(Source(place, client, effect, len(seconds), max(seconds)))
    return sorted(by_system, key=lambda source: (source.effect == Effect.READ, -source.requests, source.place))


def _place(request: RecordedRequest) -> str:
    """Return the host of a request; of a file its path."""
    scheme, is_address, rest = request.target.partition("://")
    if not is_address:
        return shortened(request.target)
    match = _HOST.match(rest)
    host = match[0] if match else rest
    return shortened(f"{scheme}://{host}")


def files(run: RecordedRun) -> list[tuple[str, str]]:
    """Return what lies beside the page, and what it is for."""
    beside = [
        (journal.FILE, "the record that everything here was made from"),
        ("summary.md", "for a chat or a pull request"),
        ("junit.xml", "for the pipeline"),
        ("ctrf.json", "for a dashboard of test results"),
    ]
    # A run of the last phase writes it; a replay is no evidence, and does not.
    if run.start.phase is Phase.GA and run.start.replay is None:
        beside.insert(0, (f"../{PAGE}", "the page that approvers read and sign"))
    return beside


def render(run: RecordedRun) -> str:
    """Return the page of a recorded run."""
    places = rows_of(run)
    changes = changes_of(run)
    books = {row.name.partition("/")[0] for rows in places.values() for row in rows}
    several_books = len(books) > 1
    asked = sources(run.requests)
    return page(
        "report.html",
        run=run,
        start=run.start,
        headline=headline(run),
        tiles=[(place, len(rows), _tile(place, rows)) for place, rows in places.items()],
        counts=sorted((run.finish.counts if run.finish else {}).items()),
        worth=exports.worth(run),
        held=[(key.name, anchor_of(key.line, key.subject), step) for key, step in held_in(run)],
        changes=changes,
        turns=turns(changes),
        failed=causes(places[ReportSection.FAILED]),
        unknown=causes(places[ReportSection.UNKNOWN]),
        warnings=causes(places[ReportSection.WARNINGS]),
        people=attested.entry_statuses(run.results),
        attached=exports.attached_to(exports.results_of(run)),
        several_books=several_books,
        passed=list(by_section(places[ReportSection.PASSED], several_books=several_books)),
        left_out=causes(places[ReportSection.LEFT_OUT]),
        sources=asked[:SOURCES_AT_MOST],
        more_sources=max(0, len(asked) - SOURCES_AT_MOST),
        files=files(run),
    )


def _tile(place: ReportSection, rows: list[DecisionRow]) -> str:
    """Return the colour of a section's count; an empty one has none."""
    if not rows:
        return "none"
    return {ReportSection.FAILED: "bad", ReportSection.PASSED: "good", ReportSection.LEFT_OUT: "none"}.get(
        place, "open"
    )
