"""What an environment file says otherwise than when a run judged it, and whether the run rests on that.

A run rests on the keys that every run has (the target, the hosts, the launch), and on those that its looks read.
What nothing of it read cannot have decided anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from readiness.environment.stated import ENTRIES, StatedEnvironment
from readiness.evidence.journal import RecordedRun
from readiness.evidence.recorded_binding import RecordedFile
from readiness.outcomes import Phase

OF_EVERY_RUN = frozenset(
    {"environment", "production", "sandbox", "launch_at", "allowed_hosts", "allow", "target", "http", "attestations"}
)
"""What decides outside the looks: what is judged, as of when, and by what way."""
HELD_ELSEWHERE = frozenset({"project", "runbooks", "not_applicable", "evidence"})
"""What is compared by what it means: the project, the lines, which of them apply, who signed."""
OF_WHO_MAY = ("approvers", "owners")
"""By what an approval was accepted: who is on the list, and whose line it is."""


@dataclass(frozen=True)
class EnvironmentChanges:
    """The keys that say something else today."""

    deciding: tuple[str, ...]
    """Those on which the run rests, by their paths."""
    others: tuple[str, ...]


def environment_changes(recorded: RecordedRun, then: RecordedFile, today: StatedEnvironment) -> EnvironmentChanges:
    """Return what changed of an environment file since a run judged it."""
    if then.paths is None:
        return EnvironmentChanges(tuple(_unlisted(then, today)), ())

    changed = [path for path in sorted({*then.paths, *today.paths}) if then.paths.get(path) != today.paths.get(path)]
    rests_on = keys_of(recorded)
    deciding = [path for path in changed if rests_on is None or path in rests_on]
    deciding += [f"not_applicable.{line}" for line in sorted(_other_lines(recorded, today))]
    # Of what holds many things the entry says it better.
    others = [path for path in changed if path not in deciding and path not in ENTRIES]
    return EnvironmentChanges(tuple(deciding), tuple(others))


def keys_of(recorded: RecordedRun) -> frozenset[str] | None:
    """Return the keys on which a run rests; None for all, where one of its looks does not say what it read."""
    keys = set(OF_EVERY_RUN)
    for look in recorded.observations:
        if look.reads is None:
            return None
        keys.update(look.reads)
    if recorded.start.phase is Phase.GA:
        keys.update(("sign_off", "approvers"))
    if recorded.start.waivers:
        keys.update(OF_WHO_MAY)
    return frozenset(keys - HELD_ELSEWHERE)


def _unlisted(then: RecordedFile, today: StatedEnvironment) -> Iterator[str]:
    """Yield what changed since a version that kept no names: any key may decide."""
    yield from (name for digest, name in today.keys.items() if digest not in then.keys)
    fewer = len(then.keys) - len(today.keys)
    if fewer > 0:
        yield f"keys fewer than then: {fewer}"


def _other_lines(recorded: RecordedRun, today: StatedEnvironment) -> Collection[str]:
    """Return the lines of the run that applied then and do not today, or the other way round."""
    turned = set(recorded.start.not_applicable) ^ today.not_applicable
    # Which phases come before the last one depends on every line that applies.
    if recorded.start.phase is Phase.GA or recorded.plan is None:
        return turned
    return turned & {line.id for line in recorded.plan.lines}
