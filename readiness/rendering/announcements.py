"""What people are told: that a verdict has changed, and the announcements of a launch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from readiness.evidence.journal import RecordedRun
from readiness.evidence.records import Before, Result
from readiness.evidence.rejudge import judge
from readiness.outcomes import DecisionKey, Outcome
from readiness.verdict import Verdict

LINES_AT_MOST = 5
REASON_AT_MOST = 160
_UPLOAD = ("ingestion.synthetic_",)
_MONITORING = ("metrics.", "alerts.", "dashboards.", "logs.")


@dataclass(frozen=True)
class Message:
    """A title and a text."""

    title: str
    body: str


def has_changed(before: Before | None, verdict: Verdict) -> bool:
    """Tell whether people should hear of a verdict: it is another one, or the first and not good."""
    return before.verdict is not verdict.word if before else not verdict.good


def changed(run: RecordedRun, verdict: Verdict, report: Path) -> Message:
    """Say that the verdict of a phase has changed."""
    before = run.start.before
    was = before.verdict if before else "no run before"
    held = [_held(run, key) for key in dict.fromkeys(verdict.holding)]
    more = [f"and {len(held) - LINES_AT_MOST} more"] if len(held) > LINES_AT_MOST else []
    lines = [verdict.action, *(f"- {told}" for told in held[:LINES_AT_MOST]), *more, f"report: {report}"]
    return Message(f"{run.start.env} {run.start.phase}: {was} -> {verdict.word}", "\n".join(lines))


def _held(run: RecordedRun, key: DecisionKey) -> str:
    found = next((one for one in run.results if one.key == key), None)
    if found is None:
        return f"{key.name}: not run"
    severity = f" ({found.severity})" if found.severity else ""
    reason = found.reason if len(found.reason) <= REASON_AT_MOST else f"{found.reason[:REASON_AT_MOST]}…"
    return f"{key.name}{severity}: {found.outcome}{f', {reason}' if reason else ', its step still stands'}"


class Event(StrEnum):
    """What is announced."""

    LAUNCH = "launch"
    PAUSE = "pause"
    RESUME = "resume"
    ROLLBACK = "rollback"


_TITLES = {
    Event.LAUNCH: "launched",
    Event.PAUSE: "paused",
    Event.RESUME: "resumed",
    Event.ROLLBACK: "is being rolled back",
}


@dataclass(frozen=True)
class Facts:
    """What an announcement is made of."""

    environment: str
    url: str
    at: datetime
    launch_at: datetime | None
    since: datetime
    """A run before it tells nothing of this event."""
    smoke: RecordedRun | None
    postlaunch: RecordedRun | None
    on_call: str


def announcement(event: Event, facts: Facts) -> Message:
    """Write an announcement from the newest evidence. What the evidence does not hold is said to be unknown."""
    if event is Event.LAUNCH:
        launch = f"{facts.launch_at:%Y-%m-%d %H:%M}Z" if facts.launch_at else "not set"
        lines = [
            f"time: {launch}",
            f"status: {_verdict(facts.smoke, 'smoke', facts)}",
            f"test upload: {_parts(facts.smoke, _UPLOAD)}",
            f"monitoring: {_parts(facts.postlaunch or facts.smoke, _MONITORING)}",
        ]
    else:
        lines = [f"time: {facts.at:%Y-%m-%d %H:%M}Z", f"status: {_verdict(facts.postlaunch, 'postlaunch', facts)}"]
        lines += [f"- {told}" for told in _open(facts.postlaunch)]
    lines += [f"on call: {facts.on_call or 'unknown, set notify.on_call'}", f"target: {facts.url}"]
    return Message(f"{facts.environment} {_TITLES[event]}", "\n".join(lines))


def _verdict(run: RecordedRun | None, phase: str, facts: Facts) -> str:
    if run is None:
        return f"unknown, no run of {phase} has ended since {facts.since:%Y-%m-%d %H:%M}Z"
    verdict, revision = judge(run).verdict, run.start.target.revision
    told = f"{run.start.phase} {verdict.word} at {run.start.started_at:%Y-%m-%d %H:%M}Z, {verdict.action}"
    return f"{told}; revision {revision}" if revision else told


def _open(run: RecordedRun | None) -> Iterator[str]:
    if run:
        yield from [_held(run, key) for key in dict.fromkeys(judge(run).verdict.holding)][:LINES_AT_MOST]


def _parts(run: RecordedRun | None, checks: tuple[str, ...]) -> str:
    """Sum up the results of some checks."""
    found = [result for result in (run.results if run else ()) if result.check.startswith(checks)]
    if run is None or not found:
        return "unknown, no run has looked at it"
    return f"{_summed(found)} ({run.start.phase} at {run.start.started_at:%Y-%m-%d %H:%M}Z)"


def _summed(results: Iterable[Result]) -> str:
    found = list(results)
    well = [one for one in found if one.outcome in {Outcome.PASS, Outcome.WARN}]
    bad = [f"{one.key.name} {one.outcome}" for one in found if one not in well and one.outcome is not Outcome.NOT_DUE]
    told = f"{len(well)} of {len(found)} lines pass"
    return f"{told}; {', '.join(bad[:LINES_AT_MOST])}" if bad else told
