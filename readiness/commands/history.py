"""`readiness history`: the outcomes and figures of each line of an environment, run after run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from readiness.commands import add_env, add_environments, add_reports, count
from readiness.errors import BadInput, BadRun, not_one_of
from readiness.evidence.audit import read_ledger
from readiness.evidence.signing import trusted_keys
from readiness.evidence.standing import Demands, Place, in_a_line, standings
from readiness.files.history_tables import FILE
from readiness.files.named_output import HISTORY, write_named
from readiness.outcomes import Outcome, Phase
from readiness.rendering.history import MARKS, DecisionTrend, PastRun, Point, by_phase, read, rebuild, render
from readiness.rendering.terminal import line_of, say, say_json

HELP = "show the trend of each line over the last runs, and draw it"
NAME_AT_MOST = 44
STRIP_AT_MOST = 32
_RED, _GREEN, _YELLOW, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"
_COLOUR = {Outcome.FAIL: _RED, Outcome.PASS: _GREEN, Outcome.WARN: _YELLOW, Outcome.UNKNOWN: _YELLOW}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_env(parser)
    parser.add_argument("-m", dest="phase", choices=list(Phase), help="one phase only (default: all)")
    parser.add_argument("--line", metavar="ID", help="one line only: ingestion/hourly-error-rate")
    parser.add_argument("--last", type=count, default=48, metavar="N", help="the last runs of each phase (default: 48)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with charts")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--rebuild", action="store_true", help="make the history anew from the journals first")
    add_environments(parser)
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Print the trends, as text or JSON, and write the page; return 0, because it decides nothing. Raises BadInput.

    A verdict of then is not one of now: how each phase stands today is said beside its trend.
    """
    if options.rebuild:
        _rebuild(options.reports, options.env)

    phase = Phase(options.phase) if options.phase else None
    points = read(options.reports / options.env / FILE, phase=phase, last=options.last)
    if options.line:
        points = _of_line(points, options.line)

    today = _today(options, {point.run.phase for point in points})
    if options.html:
        _write(options.html, render(options.env, points, today))
    if options.json:
        say_json([_as_json(point) for point in points])
        return 0

    for judged_phase, runs, trends in by_phase(points):
        _print_phase(options.env, judged_phase, runs, trends, colours=sys.stdout.isatty())
        say(f"today     {today[judged_phase]}")
        say()
    for mend in _mends(options.reports / options.env):
        say(f"ledger    {mend}")
    return 0


def _mends(home: Path) -> list[str]:
    """Return what was torn in the ledger and mended: what was entered there is not known."""
    try:
        ledger = read_ledger(home, {})
    except BadRun:
        return []  # how each phase stands says so
    return list(ledger.mends) if ledger else []


def _today(options: argparse.Namespace, phases: Collection[Phase]) -> dict[Phase, str]:
    """Return how each of these phases stands now, in a line, as `readiness verify` says it."""
    place = Place(options.env, options.reports, options.environments)
    demands = Demands(datetime.now(UTC))
    try:
        trusted = trusted_keys(options.environments)
    except BadInput as error:
        # The past can be shown without the keys; what it is worth today cannot.
        return dict.fromkeys(phases, f"not known: {error.problems[0]}")
    return {phase: in_a_line(standing) for phase, standing in standings(place, trusted, demands, phases).items()}


def _write(path: Path, page: str) -> None:
    """Write the page. Raises BadInput."""
    try:
        write_named(path, page, HISTORY)
    except OSError as error:
        raise BadInput([f"--html: {error}"]) from None


def _rebuild(reports: Path, environment: str) -> None:
    # On stderr: stdout may be read by a machine.
    number, problems = rebuild(reports, environment)
    for problem in problems:
        sys.stderr.write(f"left out: {problem}\n")
    sys.stderr.write(f"made anew from {number} journals\n")


def _of_line(points: list[Point], line: str) -> list[Point]:
    """Return the points of one line. Raises BadInput, with the nearest name, where there is none of the name."""
    of_line = [point for point in points if line in {point.line, point.key.name, point.line.partition("/")[2]}]
    if not of_line:
        names = {point.line for point in points}
        raise BadInput([f"--line {not_one_of(line, names)}"])
    return of_line


def _print_phase(
    environment: str, phase: Phase, runs: list[PastRun], trends: list[DecisionTrend], *, colours: bool
) -> None:
    began = runs[0].started_at
    ended = runs[-1].started_at
    say(f"{environment} {phase}: {len(runs)} runs, {began:%Y-%m-%d %H:%M} to {ended:%Y-%m-%d %H:%M}Z")

    changed_to = [run.verdict for before, run in pairwise(runs) if run.verdict != before.verdict]
    say(f"verdicts  {' -> '.join([runs[0].verdict, *changed_to])}")

    width = min(max(len(trend.name) for trend in trends), NAME_AT_MOST)
    for trend in trends:
        points = trend.points[-STRIP_AT_MOST:]
        strip = "".join(_mark(point, colours=colours) for point in points)
        spark = trend.spark[-STRIP_AT_MOST:]
        name = line_of(trend.name)
        print(f"  {name:<{width}}  {strip}  {spark:<{len(points)}}  {line_of(trend.measured)}".rstrip())

    legend = [f"{mark} {outcome}" for outcome, mark in MARKS.items() if mark.strip()]
    say(f"outcomes, the oldest first: {', '.join(legend)}")


def _mark(point: Point | None, *, colours: bool) -> str:
    if point is None:
        return "-"

    mark = MARKS[point.outcome]
    colour = _COLOUR.get(point.outcome) if colours else None
    return f"{colour}{mark}{_PLAIN}" if colour else mark


def _as_json(point: Point) -> dict[str, object]:
    return {
        "run": point.run.run,
        "phase": point.run.phase,
        "started_at": point.run.started_at.isoformat(),
        "revision": point.run.revision,
        "verdict": point.run.verdict,
        "line": point.line,
        "check": point.check,
        "subject": point.subject or None,
        "outcome": point.outcome,
        "stands_at": point.stands,
        "measured": point.name,
        "value": point.value,
        "comparator": point.comparator,
        "limit": point.limit,
        "unit": point.unit,
    }
