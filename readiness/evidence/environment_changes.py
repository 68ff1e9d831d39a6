"""What an environment file says otherwise than when a run judged it, and whether the run rests on that.

A run rests on the keys that every run has (the target, the hosts, the launch), and on those that its looks read.
What nothing of it read cannot have decided anything.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from readiness.config.variables import unset_in
from readiness.environment.normal_form import ENTRIES
from readiness.environment.stated import HOSTS, StatedEnvironment
from readiness.evidence.journal import RecordedRun
from readiness.evidence.recorded_binding import RecordedFile
from readiness.outcomes import Phase
from readiness.redaction.secret import MASK

OF_EVERY_RUN = frozenset(
    {"environment", "production", "sandbox", "launch_at", "allowed_hosts", "allow", "target", "http", "attestations"}
)
"""What decides outside the looks: what is judged, as of when, and by what way."""
HELD_ELSEWHERE = frozenset({"project", "runbooks", "lines", "not_applicable", "evidence"})
"""What is compared by what it means: the project, the lines, which of them apply, who signed."""
OF_WHO_MAY = ("approvers", "owners")
"""By what an approval was accepted: who is on the list, and whose line it is."""
_HIDDEN_HOST = re.compile(rf"//[^/ ]*{re.escape(MASK)}")
"""An address whose host is masked."""


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

    changed = list(_changed(then.paths, today))
    rests_on = keys_of(recorded)
    if rests_on is not None:
        rests_on |= _of_who_may(recorded, today) | frozenset(_hosts_of(recorded, then.paths, today.paths))
    deciding = [path for path in changed if rests_on is None or path in rests_on]
    deciding += [f"not_applicable.{line}" for line in sorted(_other_lines(recorded, today))]
    # Of what holds many things the entry says it better.
    others = [path for path in changed if path not in deciding and path not in ENTRIES]
    return EnvironmentChanges(tuple(deciding), tuple(others))


def _changed(then: Mapping[str, str], today: StatedEnvironment) -> Iterator[str]:
    """Yield the paths that say something else today, in whatever form the run kept them."""
    has_hosts = any(path.startswith(f"{HOSTS}.") for path in then)
    for path in sorted({*then, *today.paths, *today.as_written}):
        # An earlier version kept the list as one; since then each host says it better.
        is_of_other_form = path == HOSTS if has_hosts else path.startswith(f"{HOSTS}.")
        was = then.get(path)
        is_same = was == today.paths.get(path) or (was is not None and was == today.as_written.get(path))
        if not is_of_other_form and not is_same:
            yield path


def _hosts_of(recorded: RecordedRun, then: Mapping[str, str], today: Mapping[str, str]) -> Iterator[str]:
    """Yield the paths of the hosts that a run contacted or was refused, and of which nobody knows that it did not."""
    targets = [request.target.casefold() for request in recorded.requests]
    is_hidden = any(_HIDDEN_HOST.search(target) for target in targets)
    for path in {*then, *today}:
        _, is_host, host = path.partition(f"{HOSTS}.")
        if not is_host:
            continue
        # An address may have letters beyond ASCII in another form.
        is_unknown = is_hidden or "$" in host or MASK in host or not host.isascii()
        alone = re.compile(rf"(?<![\w.-]){re.escape(host.casefold())}(?![\w.-])")
        is_named = any(alone.search(target) for target in targets)
        if is_named or (is_unknown and path in then):
            yield path


def _of_who_may(recorded: RecordedRun, today: StatedEnvironment) -> frozenset[str]:
    """Return the keys by which today's approvals are read, where a variable keeps them from being read here.

    What they say where they can be read is asked of the files of people, as a new run asks it.
    """
    is_approved = recorded.start.phase is Phase.GA or bool(recorded.start.waivers)
    is_open = any(unset_in(dict(names), os.environ) for names in (today.approvers, today.owners))
    return frozenset(OF_WHO_MAY) if is_approved and is_open else frozenset()


def keys_of(recorded: RecordedRun) -> frozenset[str] | None:
    """Return the keys on which a run rests; None for all, where one of its looks does not say what it read."""
    keys = set(OF_EVERY_RUN)
    for look in recorded.observations:
        if look.reads is None:
            return None
        keys.update(look.reads)
    if recorded.start.phase is Phase.GA:
        keys.add("sign_off")
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
