"""What is red in the newest run, and since when: by the runs before it, as far as they lie there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from readiness.errors import BadRun
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.newest_run import RHYTHM, ordered
from readiness.evidence.records import Result
from readiness.files.canonical_json import JsonObject
from readiness.incident.facts import RED_LINES, VERDICT
from readiness.incident.found import Fact, Found, Missing
from readiness.outcomes import DecisionKey, Outcome, Phase
from readiness.redaction.shown import shown
from readiness.verdict import Verdict

LATEST_FIRST = (Phase.POSTLAUNCH, Phase.SMOKE, Phase.PREFLIGHT)
"""A run after the launch says how it goes now; before there is one, the run before it."""
RUNS_AT_MOST, SECONDS_AT_MOST = 60, 3.0
"""So far back is looked for the run that was still well."""
NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Since:
    """Since when a line is red."""

    red_at: datetime
    """The first run of those in a row that found it red."""
    well_at: datetime | None = None
    """The run before that; None where there is none, or nobody looked further back."""

    @property
    def says(self) -> str:
        """Return it as a person is told it."""
        if self.well_at is None:
            return f"since {_moment(self.red_at)} or longer: no run before it was well"
        return f"since {_moment(self.red_at)}; it was well at {_moment(self.well_at)}"


SinceWhen = Mapping[DecisionKey, Since]


def newest_run(reports: Path, environment: str, url: str) -> RecordedRun | None:
    """Return the newest run of a target that can be read, of the latest phase that has one."""
    for phase in LATEST_FIRST:
        for run in _runs(reports, environment, phase):
            if run.start.target.url == url:
                return run
    return None


def since_when(reports: Path, newest: RecordedRun) -> dict[DecisionKey, Since]:
    """Return since when each line of a run is red, by the runs of its phase before it."""
    start = newest.start
    since = {key: Since(start.started_at) for key in _red(newest)}
    open_keys = set(since)
    ends = time.monotonic() + SECONDS_AT_MOST
    for number, run in enumerate(_runs(reports, start.env, start.phase)):
        if not open_keys or number > RUNS_AT_MOST or time.monotonic() > ends:
            break
        if run.start.run == start.run or run.start.target.url != start.target.url:
            continue
        outcomes = {result.key: result.outcome for result in run.results}
        for key in tuple(open_keys):
            outcome = outcomes.get(key)
            if outcome is Outcome.FAIL:
                since[key] = Since(run.start.started_at)
            elif outcome in {Outcome.PASS, Outcome.WARN}:
                since[key] = replace(since[key], well_at=run.start.started_at)
                open_keys.discard(key)
    return since


def since_by_record(run: RecordedRun) -> dict[DecisionKey, Since]:
    """Return the same as far as the run itself tells: by the run before it, which it recorded."""
    before = run.start.before
    outcomes = {decision.key: decision.outcome for decision in before.decisions} if before else {}
    since = {}
    for key in _red(run):
        outcome = outcomes.get(key)
        if before and outcome is Outcome.FAIL:
            since[key] = Since(before.started_at)
        elif before and outcome in {Outcome.PASS, Outcome.WARN}:
            since[key] = Since(run.start.started_at, before.started_at)
        else:
            since[key] = Since(run.start.started_at)
    return since


def evidence_facts(
    run: RecordedRun | None, since: SinceWhen, verdict: Verdict | None, now: datetime, again: str
) -> dict[str, Fact]:
    """Return what the newest run tells, which comes to a verdict; `again` is the command that makes one of now."""
    if run is None or verdict is None:
        return {
            RED_LINES: Missing("no run of this target lies here", again),
            VERDICT: Found(f"none, no run of this target lies here; {again}"),
        }
    return {RED_LINES: _red_lines(run, since), VERDICT: _verdict(run, str(verdict.word), now, again)}


def _red_lines(run: RecordedRun, since: SinceWhen) -> Fact:
    red = [result for result in run.results if result.key in since]
    unseen = sum(result.outcome in {Outcome.UNKNOWN, Outcome.NOT_RUN} for result in run.results)
    beside = f"; {unseen} could not be seen" if unseen else ""
    names = tuple(dict.fromkeys(result.line for result in red))
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    says = f"{', '.join(names[:NAMED_AT_MOST])}{more}" if names else "no line"
    return Found(f"{says}{beside}", len(names), words=names, rows=tuple(_row(result, since) for result in red))


def _row(result: Result, since: SinceWhen) -> JsonObject:
    answer = f"answer {result.answer}" if result.answer else ""
    urgency = ", ".join(filter(None, (result.severity, answer, "waived" if result.waived else "")))
    return {
        "line": result.key.name,
        "says": shown(result.says),
        "severity": urgency,
        "measured": shown(result.reason),
        "since": since[result.key].says,
        "remedy": shown(result.remedy),
    }


def _verdict(run: RecordedRun, word: str, now: datetime, again: str) -> Fact:
    start = run.start
    minutes = (now - start.started_at).total_seconds() / 60
    whose = f"{start.phase} of {_moment(start.started_at)} ({minutes:,.0f} min ago)"
    if now - start.started_at > RHYTHM[start.phase]:
        return Found(f"none of now: the newest run is {whose}, too old to decide; {again}")

    ended = "" if run.finish else ", which has not ended"
    return Found(f"{word}, by {whose}{ended}", words=(word,))


def _red(run: RecordedRun) -> list[DecisionKey]:
    return [result.key for result in run.results if result.outcome is Outcome.FAIL]


def _runs(reports: Path, environment: str, phase: Phase) -> Iterator[RecordedRun]:
    """Yield the runs of a phase, the newest first; those that cannot be read are left out."""
    for folder in ordered(reports, environment, phase):
        try:
            run = read_run(folder)
        except BadRun:
            continue
        if run.results:
            yield run


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z"
