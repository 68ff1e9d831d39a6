"""What a result rests on: the observations that its check was given, each in the journal of the same run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from readiness.evidence.journal import RecordedRun
from readiness.evidence.looks import Key, digest_of, key_of
from readiness.evidence.records import RecordedObservation, Result
from readiness.outcomes import Outcome

GOOD = {Outcome.PASS, Outcome.WARN}


def unborne(run: RecordedRun) -> Iterator[str]:
    """Yield each result that does not rest on observations of its own run. An older journal does not say."""
    if not run.start.binds_results:
        return

    held: dict[Key, list[RecordedObservation]] = {}
    for record in run.observations:
        held.setdefault(key_of(record), []).append(record)

    for result in run.results:
        where = f"{result.key.name} ({result.check})"
        yield from (f"{where}: {problem}" for problem in _unborne(result, held))
    yield from _of_another_run(run)


def _unborne(result: Result, held: Mapping[Key, list[RecordedObservation]]) -> Iterator[str]:
    looks = result.rests_on or ()
    is_found = result.outcome in GOOD and not result.attested
    if is_found and not looks:
        yield f"recorded as {result.outcome}, and it names no observation that it rests on"

    for look in looks:
        records = held.get(key_of(look), [])
        shown = " ".join([look.name, *(str(value) for value in look.arguments.values())])
        if not records:
            yield f"it rests on the observation {shown}, which is not in the journal"
        elif not any(record.has_value for record in records):
            yield f"it rests on the observation {shown}, which the journal holds as unknown"
        elif look.digest not in map(digest_of, records):
            yield f"it rests on another observation {shown} than the journal holds: one of the two was exchanged"


def _of_another_run(run: RecordedRun) -> Iterator[str]:
    """Yield the observations that another run made: no clock is asked, it may be set while a run is under way."""
    for record in run.observations:
        if record.run != run.start.run:
            yield f"the observation {record.name} is of {record.run or 'no run'}: it was put in"
