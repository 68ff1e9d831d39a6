"""What a runbook's schedule says now: which reviews no run shows, and what comes back again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from readiness.evidence.journal import RecordedRun
from readiness.outcomes import Outcome, Phase
from readiness.runbook.lines import Runbook
from readiness.runbook.schedule import HELD, Appointment, Missed, meetings, missed
from readiness.timeline import Event

KIND = "schedule"
Begun = Mapping[Phase, list[datetime]]
"""When the runs of each phase began."""


@dataclass(frozen=True)
class Scheduled:
    """The schedules of an environment's runbooks, as they stand at a moment."""

    runbooks: Sequence[Runbook]
    launch_at: datetime | None
    begun: Begun
    moment: datetime
    on_record: frozenset[tuple[str, str]] = frozenset()
    """The runbook and the name of what lines of the newest runs found to be held, by whatever record they read."""

    def events(self) -> Iterator[Event]:
        """Yield what is held once, at its instant."""
        for book in self.runbooks:
            for meeting in meetings(book.runbook, book.schedule, self.launch_at) if self.launch_at else ():
                yield Event(meeting.at, KIND, f"{meeting.what} ({book.runbook})", meeting.owner)

    def missed(self) -> list[Missed]:
        """Return what was to be held until now and no run shows, the earliest first."""
        if self.launch_at is None:
            return []
        found = [
            one
            for book in self.runbooks
            for one in missed(meetings(book.runbook, book.schedule, self.launch_at), self.begun, self.moment)
            if (book.runbook, one.meeting.name) not in self.on_record
        ]
        return sorted(found, key=lambda one: one.meeting)

    def recurring(self) -> Iterator[tuple[str, Appointment, str]]:
        """Yield the runbook of what comes back, the appointment, and why it is late; empty where it is not."""
        for book in self.runbooks:
            for one in book.schedule.values():
                if one.every is not None:
                    yield book.runbook, one, self._late(one)

    def _late(self, one: Appointment) -> str:
        """Return why something that comes back is late: the newest run that shows it began too long ago."""
        if one.every is None or one.phase is None:
            return ""
        begun = [at for at in self.begun.get(one.phase, []) if at <= self.moment]
        # Before the launch nobody looks at what comes after it, and the first time is a while after that.
        since = max(begun, default=None if one.phase is Phase.PREFLIGHT else self.launch_at)
        if since is None or self.moment - since <= one.every.late_after:
            return ""
        newest = f"the newest run of {one.phase} began {since:%Y-%m-%d %H:%M}Z"
        return newest if begun else f"no run of {one.phase} began"


def on_record(runs: Iterable[RecordedRun]) -> frozenset[tuple[str, str]]:
    """Return the runbook and the name of each review that a line of these runs found to be held."""
    found: set[tuple[str, str]] = set()
    for run in runs:
        for result in run.results:
            line = run.plan.line(result.line) if run.plan and result.check == HELD else None
            if line and result.outcome is Outcome.PASS and not result.stated:
                found.add((line.runbook, result.subject or str(line.limits[HELD].get("review"))))
    return frozenset(found)


def lines(scheduled: Scheduled) -> Iterator[str]:
    """Yield a line for each missed appointment, and for each that comes back."""
    yield from map(_missed_line, scheduled.missed())
    for book, one, late in scheduled.recurring():
        who = f" ({one.owner})" if one.owner else ""
        word = "LATE    " if late else "always  "
        because = f": {late}; pytest -m {one.phase} shows it" if late else ""
        yield f"{word} every {one.every}: {one.what} ({book}){who}{because}"


def _missed_line(one: Missed) -> str:
    meeting = one.meeting
    who = f" ({meeting.owner})" if meeting.owner else ""
    summary = f"{meeting.at:%Y-%m-%d %H:%M}Z  {meeting.what} ({meeting.runbook}){who}"
    if one.until is None:
        return f"OVERDUE  {summary}: pytest -m {meeting.phase} shows it"
    return f"MISSED   {summary}: no run of {meeting.phase} began until {one.until:%Y-%m-%d %H:%M}Z"
