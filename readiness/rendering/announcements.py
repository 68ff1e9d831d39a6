"""The messages to people: that a verdict has changed, and the announcements of a launch."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from readiness.evidence.journal import RecordedRun
from readiness.evidence.recorded_ladder import Before
from readiness.evidence.records import Result
from readiness.evidence.rejudge import judge
from readiness.outcomes import DecisionKey, Outcome
from readiness.redaction.mentions import calling_nobody
from readiness.redaction.shown import shown
from readiness.rendering.announcement_parts import AnnouncementKind, Stated, lines_of
from readiness.rendering.exports import urgency_of
from readiness.verdict import Verdict

LINES_AT_MOST = 5
REASON_AT_MOST = 160
_UPLOAD = ("ingestion.synthetic_",)
_MONITORING = ("metrics.", "alerts.", "dashboards.", "logs.")
_PASSED = {Outcome.PASS, Outcome.WARN}


@dataclass(frozen=True)
class AnnouncementText:
    """A title and a text."""

    title: str
    body: str


def has_changed(before: Before | None, verdict: Verdict) -> bool:
    """Check whether people should hear of a verdict: it is another one, or the first and not good."""
    if before is None:
        return not verdict.good
    return before.verdict is not verdict.word


def changed(run: RecordedRun, verdict: Verdict, report: Path) -> AnnouncementText:
    """Return the message that the verdict of a phase has changed, with the worst of what holds it back."""
    words = [str(before.verdict) for before in (run.start.before, *run.start.also_before) if before]
    earlier_word = " and ".join(dict.fromkeys(words)) or "no run before"

    holding = _holding(run, verdict)
    lines = [verdict.action, *(f"- {decision}" for decision in holding[:LINES_AT_MOST])]
    if len(holding) > LINES_AT_MOST:
        lines.append(f"and {len(holding) - LINES_AT_MOST} more")
    lines.append(f"report: {report}")

    return AnnouncementText(f"{run.start.env} {run.start.phase}: {earlier_word} -> {verdict.word}", "\n".join(lines))


def _holding(run: RecordedRun, verdict: Verdict) -> list[str]:
    """Return the decisions that hold a verdict back, a text for each."""
    return [_decision(run, key) for key in dict.fromkeys(verdict.holding)]


def _decision(run: RecordedRun, key: DecisionKey) -> str:
    result = next((result for result in run.results if result.key == key), None)
    if result is None:
        return f"{key.name}: not run"

    severity = f" ({urgency_of(result)})" if result.severity else ""
    summary = f"{key.name}{severity}: {result.outcome}"
    # Without a reason of its own it holds the verdict only by a step from earlier runs.
    if not result.reason:
        return f"{summary}, its step still stands"
    return f"{summary}, {calling_nobody(shown(result.reason, REASON_AT_MOST))}"


_TITLES = {
    AnnouncementKind.LAUNCH: "launched",
    AnnouncementKind.PAUSE: "paused",
    AnnouncementKind.RESUME: "resumed",
    AnnouncementKind.ROLLBACK: "is being rolled back",
}


@dataclass(frozen=True)
class Facts:
    """What an announcement is made of."""

    environment: str
    url: str
    at: datetime
    launch_at: datetime | None
    since: datetime
    """A run before it shows nothing of this event."""
    smoke: RecordedRun | None
    postlaunch: RecordedRun | None
    on_call: str
    stated: Stated = field(default_factory=dict)
    """What only people know."""


def announcement(event: AnnouncementKind, facts: Facts) -> AnnouncementText:
    """Return an announcement from the newest evidence. What the evidence does not hold is said to be unknown."""
    lines = _launch(facts) if event is AnnouncementKind.LAUNCH else _course(event, facts)
    lines += [f"on call: {facts.on_call or 'unknown, set notify.on_call'}", f"target: {facts.url}"]
    return AnnouncementText(f"{facts.environment} {_TITLES[event]}", "\n".join(lines))


def _launch(facts: Facts) -> list[str]:
    launch = f"{facts.launch_at:%Y-%m-%d %H:%M}Z" if facts.launch_at else "not set"
    return [
        f"time: {launch}",
        f"status: {_verdict(facts.smoke, 'smoke', facts)}",
        f"test upload: {_outcomes_of(facts.smoke, _UPLOAD)}",
        f"monitoring: {_outcomes_of(facts.postlaunch or facts.smoke, _MONITORING)}",
    ]


def _course(event: AnnouncementKind, facts: Facts) -> list[str]:
    """Return how it goes after the launch: what people say of it, the verdict, and what holds it back."""
    lines = [
        f"time: {facts.at:%Y-%m-%d %H:%M}Z",
        *lines_of(event, facts.stated),
        f"status: {_verdict(facts.postlaunch, 'postlaunch', facts)}",
    ]
    if facts.postlaunch:
        holding = _holding(facts.postlaunch, judge(facts.postlaunch).verdict)
        lines += [f"- {decision}" for decision in holding[:LINES_AT_MOST]]
    return lines


def _verdict(run: RecordedRun | None, phase: str, facts: Facts) -> str:
    if run is None:
        return f"unknown, no run of {phase} has ended since {facts.since:%Y-%m-%d %H:%M}Z"

    verdict = judge(run).verdict
    says = verdict.lapsed(facts.at) or verdict.action
    summary = f"{run.start.phase} {verdict.word} at {run.start.started_at:%Y-%m-%d %H:%M}Z, {says}"
    revision = run.start.target.revision
    return f"{summary}; revision {revision}" if revision else summary


def _outcomes_of(run: RecordedRun | None, checks: tuple[str, ...]) -> str:
    """Return how the decisions of some checks came out, and in which run."""
    results = [result for result in run.results if result.check.startswith(checks)] if run else []
    if run is None or not results:
        return "unknown, no run has looked at it"
    return f"{_counted(results)} ({run.start.phase} at {run.start.started_at:%Y-%m-%d %H:%M}Z)"


def _counted(results: list[Result]) -> str:
    """Return how many passed, and the first that did not; what is not due yet counts as neither."""
    passed = [result for result in results if result.outcome in _PASSED]
    others = [result for result in results if result.outcome not in {*_PASSED, Outcome.NOT_DUE}]

    count = f"{len(passed)} of {len(results)} lines pass"
    if not others:
        return count
    names = [f"{result.key.name} {result.outcome}" for result in others[:LINES_AT_MOST]]
    return f"{count}; {', '.join(names)}"
