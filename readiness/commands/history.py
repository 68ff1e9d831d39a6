"""`readiness history`: how each line of an environment has gone, run after run."""

from __future__ import annotations

import argparse
import json
import sys
from itertools import pairwise
from pathlib import Path

from readiness.commands import add_env, add_reports
from readiness.errors import BadInput, not_one_of
from readiness.files.atomic_write import write_whole
from readiness.files.history_tables import FILE
from readiness.outcomes import Outcome, Phase
from readiness.rendering.history import MARKS, PastRun, Point, Trend, by_phase, read, rebuild, render

HELP = "show the trend of each line over the last runs, and draw it"
NAME_AT_MOST = 44
STRIP_AT_MOST = 32
_RED, _GREEN, _YELLOW, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"
_COLOUR = {Outcome.FAIL: _RED, Outcome.PASS: _GREEN, Outcome.WARN: _YELLOW, Outcome.UNKNOWN: _YELLOW}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command line may say."""
    add_env(parser)
    parser.add_argument("-m", dest="phase", choices=list(Phase), help="one phase only (default: all)")
    parser.add_argument("--line", metavar="ID", help="one line only: ingestion/hourly-error-rate")
    parser.add_argument("--last", type=int, default=48, metavar="N", help="the last runs of each phase (default: 48)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with charts")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--rebuild", action="store_true", help="make the history anew from the journals first")
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Print it; 0 unless there is nothing to read."""
    if options.last < 1:
        raise BadInput(["--last: at least one run"])
    if options.rebuild:
        number, problems = rebuild(options.reports, options.env)
        sys.stderr.write("".join(f"left out: {problem}\n" for problem in problems))
        sys.stderr.write(f"made anew from {number} journals\n")
    phase = Phase(options.phase) if options.phase else None
    points = read(options.reports / options.env / FILE, phase=phase, last=options.last)
    if options.line:
        points = _of_line(points, options.line)
    if options.html:
        write_whole(options.html, render(options.env, points))
    if options.json:
        print(json.dumps([_facts(point) for point in points], indent=2))
        return 0
    for found in by_phase(points):
        _tell(options.env, *found, colours=sys.stdout.isatty())
    return 0


def _of_line(points: list[Point], line: str) -> list[Point]:
    """Keep one line. Raises BadInput, with the nearest name, where there is none of the name."""
    found = [point for point in points if line in {point.line, point.key.name, point.line.partition("/")[2]}]
    if not found:
        raise BadInput([f"--line {not_one_of(line, sorted({point.line for point in points}))}"])
    return found


def _tell(environment: str, phase: Phase, runs: list[PastRun], found: list[Trend], *, colours: bool) -> None:
    began, ended = runs[0].started_at, runs[-1].started_at
    print(f"{environment} {phase}: {len(runs)} runs, {began:%Y-%m-%d %H:%M} to {ended:%Y-%m-%d %H:%M}Z")
    turned = (now.verdict for before, now in pairwise(runs) if now.verdict != before.verdict)
    words = [runs[0].verdict, *turned]
    print(f"verdicts  {' -> '.join(words)}")
    width = min(max(len(trend.name) for trend in found), NAME_AT_MOST)
    for trend in found:
        points = trend.points[-STRIP_AT_MOST:]
        strip = "".join(_mark(point, colours=colours) for point in points)
        spark = trend.spark[-STRIP_AT_MOST:]
        print(f"  {trend.name:<{width}}  {strip}  {spark:<{len(points)}}  {trend.measured}".rstrip())
    print(f"outcomes, the oldest first: {', '.join(f'{mark} {one}' for one, mark in MARKS.items() if mark.strip())}\n")


def _mark(point: Point | None, *, colours: bool) -> str:
    if point is None:
        return "-"
    mark = MARKS[point.outcome]
    return f"{_COLOUR[point.outcome]}{mark}{_PLAIN}" if colours and point.outcome in _COLOUR else mark


def _facts(point: Point) -> dict[str, object]:
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
