"""The dates of an environment as a calendar that people subscribe to or import (RFC 5545), made by icalendar."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from readiness.errors import BadInput
from readiness.redaction.shown import shown
from readiness.runbook.lines import Runbook
from readiness.timeline import Event

TAKES = timedelta(minutes=15)
"""How long an entry is shown: a calendar hides what takes no time."""
PRODUCER = "-//production-readiness//readiness next//EN"


def calendar(
    environment: str, events: Iterable[Event], runbooks: Iterable[Runbook], begins: datetime, now: datetime
) -> str:
    """Return a calendar with each event, and with what comes back from `begins` on.

    The same event has the same id in each calendar, so that an import moves it and makes no second one. Raises BadInput
    where icalendar is not installed.
    """
    try:
        import icalendar  # noqa: PLC0415  an extra, for this file alone
    except ImportError:
        raise BadInput(["a calendar needs icalendar: pip install 'production-readiness[calendar]'"]) from None

    made = icalendar.Calendar()
    made.add("prodid", PRODUCER)
    made.add("version", "2.0")
    made.add("x-wr-calname", shown(f"{environment}: readiness"))

    def add(kind: str, what: str, owner: str, at: datetime, every: dict[str, object] | None = None) -> None:
        entry = icalendar.Event()
        entry.add("uid", _uid(environment, kind, what, "" if every else owner))
        entry.add("dtstamp", now)
        entry.add("dtstart", at)
        entry.add("dtend", at + TAKES)
        entry.add("summary", shown(f"{environment}: {what}{f' ({owner})' if owner else ''}"))
        if every:
            entry.add("rrule", every)
        made.add_component(entry)

    for event in events:
        what = event.what if event.kind in {"launch", "schedule"} else f"{event.kind}: {event.what}"
        add(event.kind, what, event.owner, event.at)
    for book in runbooks:
        for one in book.schedule.values():
            if one.every:
                rule: dict[str, object] = {"freq": one.every.frequency.name, "interval": one.every.interval}
                add("every", f"{one.what} ({book.runbook})", one.owner, begins, rule)
    ical: bytes = made.to_ical()
    return ical.decode()


def _uid(*parts: str) -> str:
    return f"{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:32]}@production-readiness"
