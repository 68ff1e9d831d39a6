"""Observations, each made once for all checks that ask for it: through the clients, or from a recorded run."""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime
from typing import Any

from _pytest.outcomes import Failed
from pydantic import TypeAdapter, ValidationError

from readiness.environment.watched import WatchedEnvironment
from readiness.errors import wrong_value
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.recorded_request import RecordedRequest
from readiness.evidence.records import RecordedObservation, RecordedUnknown
from readiness.evidence.seals import Seals
from readiness.evidence.signing import PublicKey
from readiness.files.evidence_file import EvidenceArchive
from readiness.observations import CAME_LATER, LINE, OBSERVATIONS, Context, Given, Observation, runbook_of
from readiness.observations.needs import CLIENTS
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.plugin.run import Run
from readiness.plugin.threads import ObservationTask, TaskPool
from readiness.plugin.transfer import Observed
from readiness.provenance import Provenance, declared, distinct, note, noted
from readiness.runbook.limits import Limits
from readiness.runbook.template_words import hints_of
from readiness.sources.origins import asks_otherwise, own_sources
from readiness.sources.table import Clients
from readiness.transport.database_tls import DatabaseTls
from readiness.transport.guard import Guard, Request

WAITING_SECONDS = 0.2
CLEAN_UP_SECONDS = 5.0
COME_BACK_SECONDS, COME_BACK_SHARE = 1.0, 0.2
"""Of the run's deadline, at most so much: for a request that is cut to say what it has seen."""
NO_LIMITS = Limits()
AS_ASKED_BY = "as_asked_by"
"""The argument of a look that says by whose query it was."""


class Unseen(Unknown, Failed):
    """Unknown as a fixture must raise it.

    After any other BaseException pytest leaves the fixture half set up, and the next item that asks for it breaks.
    """

    def __init__(self, unknown: Unknown) -> None:
        Unknown.__init__(self, unknown.reason, unknown.remedy)
        self.configured = not isinstance(unknown, NotConfigured)
        self.msg, self.pytrace = str(unknown), True


class Observer:
    """All that one process observes: through the clients, or from a recorded run."""

    def __init__(
        self, run: Run, trusted: Mapping[str, PublicKey], at_once: Callable[[RecordedRequest], None] | None = None
    ) -> None:
        """`at_once` takes the records of requests that do more than read; a worker has none, and keeps them."""
        # Each thread makes one observation at a time, and keeps what that has asked and read, and what was only stated.
        self._sources = threading.local()
        database_tls = DatabaseTls.of(run.environment)
        self._guard = Guard(run.environment.allowed_hosts, run.allowed, self._keep, database_tls=database_tls)
        self.run = run
        self.tasks = TaskPool()
        self._at_once = at_once
        self._environment = WatchedEnvironment.of(run.environment, self._keep_read)
        self._own = own_sources(run.runbooks)
        self._books = {book.runbook: book for book in run.runbooks}
        self._template_words = hints_of(run.runbooks)
        clients = Clients.of(self._environment, self._guard, run.reports, self._keep_stated)
        self.clients = clients.asking(self._own)
        self._archive = EvidenceArchive(run.reports, Seals(trusted).against)
        self.recorded: RecordedRun | None = read_run(run.replay) if run.replay else None
        self._records: deque[Observed] = deque()
        self._stated: dict[Hashable, tuple[str, ...]] = {}
        self._provenance: dict[Hashable, tuple[Provenance, ...]] = {}

    def task(self, name: str, limits: Limits, line: str = "") -> tuple[Hashable, ObservationTask]:
        """Return one observation as a task with its key: two of the same name and arguments are the same."""
        observation = OBSERVATIONS[name]
        arguments = self.arguments(observation, limits, line)
        key = (name, json.dumps(arguments, sort_keys=True))
        title = " ".join([name, *(str(value) for value in arguments.values())])

        def make() -> Any:
            with noted() as self._sources.came_from:
                try:
                    value, self._stated[key] = self._observe(observation, limits, arguments, line)
                finally:
                    self._provenance[key] = distinct(self._sources.came_from)
            return value

        # What is read back from a recorded run changes nothing and waits for nothing.
        if self.recorded:
            return key, ObservationTask(title, make)
        return key, ObservationTask(
            title,
            make,
            exclusive=observation.quiet,
            writes=observation.effect is not Effect.READ,
            waits_seconds=observation.waits(self.run.environment),
        )

    def value(self, name: str, limits: Limits, line: str, meanwhile: Callable[[ObservationTask], None]) -> Any:
        """Return the value of an observation once it is there. Raises Unknown."""
        return self.tasks.wait(self.ask(name, limits, line), WAITING_SECONDS, meanwhile)

    def ask(self, name: str, limits: Limits = NO_LIMITS, line: str = "") -> ObservationTask:
        """Return the task of an observation, started now where nobody has started it before."""
        return self.tasks.ask(*self.task(name, limits, line))

    def stated(self, name: str, limits: Limits, line: str) -> tuple[str, ...]:
        """Return what an observation that is back rests on without having measured it, each in a sentence."""
        key, _ = self.task(name, limits, line)
        return self._stated.get(key, ())

    def provenance(self, name: str, limits: Limits, line: str) -> tuple[Provenance, ...]:
        """Return how the value of an observation that is back was come by, also of one that saw nothing."""
        key, _ = self.task(name, limits, line)
        return self._provenance.get(key, ())

    def end_after(self, seconds: float, begun_at: float) -> None:
        """Wait for no look longer than that after an instant of the monotonic clock.

        Requests that only read end a little sooner: what they have waited may be enough to decide.
        """
        self.tasks.end_after(seconds, begun_at)
        reserve = min(COME_BACK_SECONDS, seconds * COME_BACK_SHARE)
        self._guard.ends_at = begun_at + seconds - reserve

    def call_off(self) -> None:
        """Begin no further observation, and wait while those that write undo what they did."""
        deadline_seconds = self.run.environment.http.deadline_seconds
        # The request under way has so long, and so has the one that undoes it.
        self.tasks.call_off(2 * deadline_seconds + CLEAN_UP_SECONDS)

    def take_records(self) -> list[Observed]:
        """Return the records that nobody has taken yet."""
        # Threads may append meanwhile: no more is taken than there was at the beginning.
        return [self._records.popleft() for _ in range(len(self._records))]

    def arguments(self, observation: Observation, limits: Limits, line: str) -> dict[str, object]:
        """Return what tells the looks of an observation apart, as plain values.

        These are the limits that it asks for, the line where it asks for that, and the runbook of the line where that
        asks by a query of its own and another one of the run does not.
        """
        stated = {**limits.model_dump(mode="json"), LINE: line}
        asked_for = [name for name in observation.arguments if name in stated]
        # A journal of before has no word of what came later: where that is not stated, the look is the same.
        arguments = {name: stated[name] for name in asked_for if stated[name] not in CAME_LATER.get(name, ())}
        runbook = runbook_of(line)
        if asks_otherwise(self._own, runbook, self.run.environment.readings, observation.readings):
            arguments[AS_ASKED_BY] = runbook
        return arguments

    def _observe(
        self, observation: Observation, limits: Limits, arguments: dict[str, object], line: str
    ) -> tuple[Any, tuple[str, ...]]:
        """Return the value of an observation and what of it is stated, and leave its record.

        Raises Unknown, whatever breaks in it.
        """
        at, started = datetime.now(UTC), time.monotonic()
        self._begin(observation)
        outcome: dict[str, Any] = {}
        try:
            kind = observation.adapter
            if self.recorded:
                value = self._read_back(self.recorded, observation, arguments, kind)
            else:
                value = observation.call(self.given(limits, line))
            outcome = {"value": kind.dump_python(value, mode="json", warnings="error")}
        except Unknown as unknown:
            outcome = {"unknown": _recorded_unknown(unknown)}
            raise
        except Exception as error:  # a defect of an observation: shown as unknown, never lost
            reason = f"the observation {observation.name} broke: {type(error).__name__}: {error}"
            outcome = {"unknown": RecordedUnknown(reason=reason, remedy=_MEND, trace=traceback.format_exc())}
            raise Unknown(reason, _MEND) from error
        finally:
            stated = tuple(dict.fromkeys(self._sources.stated))
            outcome |= self._rests_on(stated)
            record = RecordedObservation(
                name=observation.name,
                arguments=arguments,
                at=at.isoformat(),
                source=self._source(observation),
                seconds=round(time.monotonic() - started, 4),
                **outcome,
            )
            self._records.append(record)
        return value, stated

    def _begin(self, observation: Observation) -> None:
        """Forget what the look before this one has asked in this thread."""
        self._sources.targets = []
        self._sources.stated = []
        self._sources.reads = set(observation.sections)

    def _rests_on(self, stated: tuple[str, ...]) -> dict[str, tuple[object, ...]]:
        """Return what a look rests on besides what it saw: how it came by it, and the keys that it read."""
        came_from = distinct(self._sources.came_from)
        grounds: dict[str, tuple[object, ...]] = {"provenance": came_from}
        if stated:
            grounds["stated"] = stated
        # Who reads a recorded run back has not looked at what the file says.
        if self.recorded:
            return grounds
        # Who answers for what is declared stands in a key of its own.
        answered_for = {"declared"} if declared(came_from) else set()
        return {**grounds, "reads": tuple(sorted(self._sources.reads | answered_for))}

    def given(self, limits: Limits, line: str) -> Given:
        """Return all that the observations of an item are given, and that their needs are read from."""
        run, environment = self.run, self.run.environment
        book = self._books.get(runbook_of(line))
        context = Context(
            environment=self._environment,
            moment=run.moment,
            launch_at=environment.launch_at,
            archive=self._archive,
            attestations=run.attestations,
            sign_off=run.sign_off,
            line=line,
            called_off=self.tasks.called_off,
            appointments=book.schedule if book else {},
            stages=book.rollout if book else {},
            template_words=self._template_words,
        )
        return Given(context, self.clients, limits)

    def _read_back(
        self,
        recorded: RecordedRun,
        observation: Observation,
        arguments: dict[str, object],
        kind: TypeAdapter[Any],
    ) -> Any:
        """Return the value in the recorded run. Raises Unknown where that has none, or no observation."""
        record = recorded.observation(observation.name, arguments)
        if record is None or not (record.has_value or record.unknown):
            stated = json.dumps(arguments) if arguments else ""
            reason = f"the recorded run did not look at {observation.name} {stated}"
            raise Unknown(reason, "run it against the target")

        if not record.has_value and record.unknown:
            cause = Unknown if record.unknown.configured else NotConfigured
            raise cause(record.unknown.reason, record.unknown.remedy)

        self._sources.stated += record.stated
        for provenance in record.provenance or ():
            note(provenance)
        try:
            return kind.validate_python(record.value)
        except ValidationError as error:
            reason = f"the recorded {observation.name} cannot be read back: {wrong_value(error.errors()[0])}"
            raise Unknown(reason, "replay it with the version that recorded it") from None

    def _source(self, observation: Observation) -> str:
        """Return what an observation asked, or the clients that it would have asked."""
        if self.recorded:
            return f"recorded in {self.run.replay}"
        targets = dict.fromkeys(self._sources.targets)
        if targets:
            return ", ".join(targets)
        return ", ".join(name for name in observation.parameters if name in CLIENTS)

    def _keep_stated(self, stated: str) -> None:
        # Outside an observation, as with the revision, nothing is decided by it.
        if hasattr(self._sources, "stated"):
            self._sources.stated.append(stated)

    def _keep_read(self, path: str) -> None:
        # Making the clients reads every section, for no observation.
        if hasattr(self._sources, "reads"):
            self._sources.reads.add(path)

    def _keep(self, request: Request) -> None:
        # A request outside an observation, such as that for the revision, belongs to none.
        if hasattr(self._sources, "targets"):
            self._sources.targets.append(f"{request.client} {request.target}")

        record = RecordedRequest(**request.record())
        # What changes something is written down at once: the process may not live to hand it over.
        if self._at_once and request.effect is not Effect.READ:
            self._at_once(record)
        else:
            self._records.append(record)


def _recorded_unknown(unknown: Unknown) -> RecordedUnknown:
    record = RecordedUnknown(reason=unknown.reason, remedy=unknown.remedy)
    if isinstance(unknown, NotConfigured):
        return record.model_copy(update={"configured": False})
    return record


_MEND = "this is a defect of the observation: its trace is in the journal, and with -vv"
