"""How the plain value of a look becomes a fact: the same for one that was just made and one that a journal holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from readiness.files.canonical_json import JsonObject
from readiness.incident.found import Fact, Found, Missing
from readiness.measurements import show
from readiness.outcomes import Unknown
from readiness.slo.events import Events, Slowness, share_of
from readiness.slo.uploads import UploadOutcomes

Reader = Callable[[Any], Fact]
NAMED_AT_MOST = 6
WELL = range(200, 300)
"""The statuses of a health answer that is well (RFC 9110): some products answer 204."""
_PARTS_OF_EVENTS = {field.name for field in fields(Events)}
_PARTS_OF_SLOWNESS = {field.name for field in fields(Slowness)}


def number(unit: str = "") -> Reader:
    """Return what reads a bare number; of the unit `share` it is told in per cent.

    >>> number("minutes")(31.5).says, number("share")(0.93).says
    ('31.5 minutes', '93 %')
    """

    def read(value: Any) -> Fact:
        quantity = float(value)
        says = f"{quantity * 100:.3g} %" if unit == "share" else f"{quantity:,.6g} {unit}".rstrip()
        return Found(says, quantity, words=(says,))

    return read


def text(value: Any) -> Fact:
    """Return one value as it is told."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Found(show(value), float(value) if is_number else None, words=(str(value),))


def names(value: Sequence[Any]) -> Fact:
    """Return a list of names: how many there are, and the first of them.

    >>> names(["storage open"]).says, names([]).says
    ('1: storage open', 'none')
    """
    listed = tuple(str(name) for name in value)
    more = f", and {len(listed) - NAMED_AT_MOST} more" if len(listed) > NAMED_AT_MOST else ""
    says = f"{len(listed)}: {', '.join(listed[:NAMED_AT_MOST])}{more}" if listed else "none"
    return Found(says, len(listed), words=listed)


def rows(value: Sequence[JsonObject]) -> Fact:
    """Return rows to look at, by their number."""
    return Found(counted(len(value), "row") if value else "none", len(value), rows=tuple(value))


def counted(number_of: int, noun: str) -> str:
    """Return how many there are.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number_of:,} {noun}" if number_of == 1 else f"{number_of:,} {noun}s"


def outcomes(value: JsonObject) -> Fact:
    """Return the share of the uploads that failed, from how many have which status."""
    return _share(UploadOutcomes(value["by_status"]).counted)


def statuses(value: JsonObject) -> Fact:
    """Return how many uploads have which status."""
    counts: dict[str, int] = value["by_status"]
    says = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    return Found(says, sum(counts.values()), words=tuple(counts))


def events(value: JsonObject) -> Fact:
    """Return the share of events that failed."""
    return _share(Events(**{name: part for name, part in value.items() if name in _PARTS_OF_EVENTS}))


def _share(seen: Events) -> Fact:
    try:
        share = share_of(seen.part, seen.count)
    except Unknown as unknown:
        return Missing(unknown.reason, unknown.remedy)
    unseen = f", of {seen.unseen:,.0f} nobody knows" if seen.unseen else ""
    says = f"{seen.part:,.0f} of {seen} failed: {share * 100:.3g} %{unseen}"
    return Found(says, share, seen)


def slowness(value: JsonObject) -> Fact:
    """Return how long events took."""
    measured = Slowness(**{name: part for name, part in value.items() if name in _PARTS_OF_SLOWNESS})
    if measured.refused:
        return Found(f"no time: {measured.refused}", None, measured)
    bound = "at least " if measured.at_least else ""
    return Found(f"{bound}{measured.seconds:.3g} s ({measured})", measured.seconds, measured)


def health(value: JsonObject) -> Fact:
    """Return what a health endpoint answered; its number is 1 where that is no success."""
    status = value["status"]
    if isinstance(status, int):
        return Found(f"{status} after {_seconds(value['seconds'])}", float(status not in WELL), words=(str(status),))
    return Found(_not_answered(status), 1.0, words=(_not_answered(status),))


def database(value: JsonObject) -> Fact:
    """Return whether the database answers; its number is 1 where it does not."""
    seconds = value["seconds"]
    if isinstance(seconds, int | float):
        return Found(f"answers after {_seconds(seconds)}", 0.0)
    return Found(_not_answered(seconds), 1.0, words=(_not_answered(seconds),))


def _seconds(value: Any) -> str:
    return f"{value:.3g} s" if isinstance(value, int | float) else _not_answered(value)


def _not_answered(value: JsonObject) -> str:
    """Return what came back in place of an answer: a refusal, or nothing for so long."""
    if "refused" in value:
        return str(value["refused"])
    return f"no answer within {value['at_least']:.3g} s"


def pool(value: JsonObject) -> Fact:
    """Return how much of the connection pool is in use."""
    if value.get("exhausted"):
        return Found(f"no connection is left: {value['exhausted']}", 1.0)
    if value.get("unseen"):
        return Missing(f"one pool could not be looked at: {value['unseen']}", "look at the connections by hand")
    if not value["size"]:
        return Missing("the pool has no size", "look at the connections by hand")
    share = value["in_use"] / value["size"]
    return Found(f"{value['in_use']} of {value['size']} connections in use: {share * 100:.3g} %", share)


def bucket(value: JsonObject) -> Fact:
    """Return whether the object store has the bucket; its number is 1 where it has not."""
    state = "is there" if value["exists"] else "is not there"
    return Found(f"the bucket {value['name']} {state}", float(not value["exists"]))


def vendors(value: JsonObject) -> Fact:
    """Return the outages that the vendors' status pages tell."""
    outages = tuple(value["outages"])
    says = "; ".join(outages) if outages else f"{value['vendors']} status pages tell of no outage"
    return Found(says, len(outages), words=outages)


def switch(value: JsonObject) -> Fact:
    """Return where a switch stands."""
    return Found(value["position"], words=(value["position"],))


def beat(value: JsonObject) -> Fact:
    """Return the worker that has been silent for longest; its number is the seconds."""
    return Found(f"{value['worker']} was heard {value['age_seconds']:,.0f} s ago", value["age_seconds"])


def growth(value: JsonObject) -> Fact:
    """Return by how much the memory grows in a day."""
    says = f"{value['growth_a_day'] * 100:+.3g} % a day, {value['restarts']:,.0f} restarts"
    return Found(says, value["growth_a_day"])


def log(value: JsonObject) -> Fact:
    """Return the errors of the log, the newest of them in words."""
    newest = tuple(value["newest"])
    # Of some lines nobody knows the level.
    is_bound = isinstance(value["errors"], dict)
    errors = value["errors"]["at_least"] if is_bound else value["errors"]
    says = f"{'at least ' if is_bound else ''}{counted(errors, 'error')} in {counted(value['lines'], 'line')}"
    return Found(says, errors, words=newest, rows=tuple({"line": line} for line in newest))


def cron(value: JsonObject) -> Fact:
    """Return how late a job was; its number is the minutes after its time."""
    says = f"due {value['due']}, succeeded {value['succeeded']}"
    return Found(says, value["minutes_after_due"])


def versions(value: JsonObject) -> Fact:
    """Return what runs, and what one can go back to."""
    back = ", ".join(value["found"][:NAMED_AT_MOST]) or "none"
    return Found(f"{value['revision']} runs; to go back to: {back}", len(value["found"]), words=tuple(value["found"]))


def endpoints(unit: str) -> Reader:
    """Return what reads paths with a number each, the worst first."""

    def read(value: Sequence[JsonObject]) -> Fact:
        listed = [f"{row['path']} {row['value']:,.3g} {unit}".rstrip() for row in value[:NAMED_AT_MOST]]
        paths = tuple(row["path"] for row in value)
        return Found(", ".join(listed) or "none", len(value), words=paths, rows=tuple(value))

    return read


def queues(value: Sequence[JsonObject]) -> Fact:
    """Return how many jobs wait, the longest queue first."""
    listed = [f"{row['queue']} {row['waiting']:,.0f}" for row in value[:NAMED_AT_MOST]]
    return Found(", ".join(listed) or "none", sum(row["waiting"] for row in value), rows=tuple(value))


def affected(value: Sequence[JsonObject]) -> Fact:
    """Return how many uploads are affected."""
    return Found(f"{counted(len(value), 'upload')} failed in the last hour", len(value), rows=tuple(value))


def by(*columns: str) -> Reader:
    """Return what counts failed uploads by a column, which has one of these names.

    >>> by("workspace")([{"workspace": "a"}, {"workspace": "a"}, {"workspace": "b"}]).says
    '2: a (2), b (1)'
    """

    def read(value: Sequence[JsonObject]) -> Fact:
        if not value:
            return Found("none", 0)
        values = [_named(row, columns) for row in value]
        stated = [one for one in values if one is not None]
        if not stated:
            return Missing(
                f"readings.failed_uploads has no column {columns[0]}",
                f"name one so in the SQL of readings.failed_uploads (`as {columns[0]}`)",
            )
        counts = Counter(stated).most_common()
        says = f"{len(counts)}: {_counted(counts)}"
        unstated = len(values) - len(stated)
        rest = f"; of {unstated} nobody knows" if unstated else ""
        return Found(f"{says}{rest}", len(counts), words=tuple(dict(counts)))

    return read


def _named(row: JsonObject, columns: Iterable[str]) -> str | None:
    """Return the value of the first of these columns that says something."""
    return next((str(row[name]) for name in columns if row.get(name) not in (None, "")), None)


def _counted(counts: Sequence[tuple[str, int]]) -> str:
    listed = ", ".join(f"{name} ({count:,})" for name, count in counts[:NAMED_AT_MOST])
    more = len(counts) - NAMED_AT_MOST
    return f"{listed}, and {more} more" if more > 0 else listed


def first_at(value: Sequence[JsonObject]) -> Fact:
    """Return when the first of the failed uploads was made."""
    if not value:
        return Found("none failed in the last hour", 0)
    stated = [moment for row in value if (moment := _named(row, ("at", "created_at")))]
    if not stated:
        return Missing(
            "readings.failed_uploads has no column at", "name one so in the SQL of readings.failed_uploads (`as at`)"
        )
    try:
        first = min(stated, key=datetime.fromisoformat)
    except (ValueError, TypeError):  # no time, or one with a zone beside one without
        return Missing(f"readings.failed_uploads has times such as {stated[0]!r}", "give all as times with their zone")
    return Found(f"{first} (the first that failed in the last hour)", words=(first,))


def distribution(value: Sequence[JsonObject]) -> Fact:
    """Return the most common error, and how many share it: of rows with the error and its count, in any order."""
    if not value:
        return Found("none", 0)
    counts = sorted(map(_error_and_count, value), key=lambda counted_error: counted_error[1], reverse=True)
    errors, uploads = zip(*counts, strict=True)
    says = f"{errors[0]!r}, {uploads[0]:,} of {sum(uploads):,}"
    return Found(says, uploads[0], words=errors, rows=tuple(value))


def _error_and_count(row: JsonObject) -> tuple[str, int]:
    """Return the text of a row and its number, whatever its columns are called."""
    numbers = [part for part in row.values() if isinstance(part, int | float) and not isinstance(part, bool)]
    texts = [str(part) for part in row.values() if isinstance(part, str)]
    error = texts[0] if texts else "no error text"
    # A row without a number stands for itself.
    count = int(numbers[0]) if numbers else 1
    return error, count
