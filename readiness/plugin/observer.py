"""Who looks: an observation is made once for all checks that ask for it, through the clients or in a recorded run."""

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

from readiness.evidence.audit import Seals
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.records import RecordedObservation, RecordedRequest, RecordedUnknown
from readiness.evidence.signing import PublicKey
from readiness.files.evidence_file import Archive
from readiness.observations import OBSERVATIONS, Context, Given, Observation
from readiness.observations.needs import CLIENTS
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.plugin.run import Run
from readiness.plugin.threads import Look, Threads
from readiness.plugin.transfer import Observed
from readiness.runbook.lines import Limits
from readiness.sources.table import Clients
from readiness.transport.guard import Guard, Request

WAITING_SECONDS = 0.2
CLEAN_UP_SECONDS = 5.0
NO_LIMITS = Limits()


class Unseen(Unknown, Failed):
    """Unknown as a fixture must raise it.

    After any other BaseException pytest leaves the fixture half set up, and the next item that asks for it breaks.
    """

    def __init__(self, unknown: Unknown) -> None:
        Unknown.__init__(self, unknown.reason, unknown.remedy)
        self.configured = not isinstance(unknown, NotConfigured)
        self.msg, self.pytrace = str(unknown), True


class Observer:
    """All looking of one process: through the clients, or into a recorded run."""

    def __init__(
        self, run: Run, trusted: Mapping[str, PublicKey], at_once: Callable[[RecordedRequest], None] | None = None
    ) -> None:
        """`at_once` takes the records of requests that do more than read; a worker has none, and keeps them."""
        guard = Guard(run.environment.allowed_hosts, run.allowed, self._keep)
        self.run, self.threads, self._at_once = run, Threads(), at_once
        self.clients = Clients.of(run.environment, guard, run.reports)
        self._archive = Archive(run.reports, Seals(trusted).against)
        self.recorded: RecordedRun | None = read_run(run.replay) if run.replay else None
        self._records: deque[Observed] = deque()
        self._sources = threading.local()

    def look(self, name: str, limits: Limits, line: str = "") -> tuple[Hashable, Look]:
        """Describe one look: two with the same name and arguments are the same."""
        found = OBSERVATIONS[name]
        arguments = self.arguments(found, limits, line)
        key = (name, json.dumps(arguments, sort_keys=True))
        title = " ".join([name, *(str(value) for value in arguments.values())])
        make = self._making(found, limits, arguments, line)
        if self.recorded:
            return key, Look(title, make)
        writes = found.effect is not Effect.READ
        return key, Look(title, make, found.quiet, writes, found.waits(self.run.environment))

    def value(self, name: str, limits: Limits, line: str, meanwhile: Callable[[Look], None]) -> Any:
        """Wait for what an observation finds. Raises Unknown."""
        return self.threads.wait(self.ask(name, limits, line), WAITING_SECONDS, meanwhile)

    def ask(self, name: str, limits: Limits = NO_LIMITS, line: str = "") -> Look:
        """Return a look, started now where nobody has started it before."""
        return self.threads.ask(*self.look(name, limits, line))

    def call_off(self) -> None:
        """Begin no further look, and wait while those that write undo what they did."""
        deadline = self.run.environment.http.deadline_seconds
        self.threads.call_off(2 * deadline + CLEAN_UP_SECONDS)  # the request under way, and the one that undoes it

    def take_records(self) -> list[Observed]:
        """Hand over the records that nobody has taken yet."""
        return [self._records.popleft() for _ in range(len(self._records))]

    @staticmethod
    def arguments(found: Observation, limits: Limits, line: str) -> dict[str, Any]:
        """Return the limits that an observation asks for, as plain values, and the line where it asks for that."""
        stated = {"line": line, **limits.model_dump(mode="json")}
        return {name: stated[name] for name in found.parameters if name in stated}

    def _making(self, found: Observation, limits: Limits, arguments: dict[str, Any], line: str) -> Callable[[], Any]:
        def make() -> Any:
            at, started = datetime.now(UTC), time.monotonic()
            self._sources.targets = []
            outcome: dict[str, Any] = {}
            try:
                kind = TypeAdapter[Any](found.kind)
                value = self._read_back(found, arguments, kind) if self.recorded else self._call(found, limits, line)
                outcome = {"value": kind.dump_python(value, mode="json", warnings="error")}
            except Unknown as unknown:
                outcome = {"unknown": _recorded_unknown(unknown)}
                raise
            except Exception as error:  # a defect of an observation: told as unknown, never lost
                reason = f"the observation {found.name} broke: {type(error).__name__}: {error}"
                outcome = {"unknown": RecordedUnknown(reason=reason, remedy=_MEND, trace=traceback.format_exc())}
                raise Unknown(reason, _MEND) from error
            finally:
                seconds = round(time.monotonic() - started, 4)
                source = self._source(found)
                record = RecordedObservation(
                    name=found.name, arguments=arguments, at=at.isoformat(), source=source, seconds=seconds, **outcome
                )
                self._records.append(record)
            return value

        return make

    def _call(self, found: Observation, limits: Limits, line: str) -> Any:
        return found.call(self.given(limits, line))

    def given(self, limits: Limits, line: str) -> Given:
        """Return all that the observations of an item are given, and their needs are read from."""
        run, environment = self.run, self.run.environment
        context = Context(
            environment=environment,
            moment=run.moment,
            launch_at=environment.launch_at,
            archive=self._archive,
            attestations=run.attestations,
            sign_off=run.sign_off,
            line=line,
            called_off=self.threads.called_off,
        )
        return Given(context, self.clients, limits)

    def _read_back(self, found: Observation, arguments: dict[str, Any], kind: TypeAdapter[Any]) -> Any:
        """Return what the recorded run found. Raises Unknown where it found nothing, or did not look."""
        record = self.recorded.observation(found.name, arguments) if self.recorded else None
        if record is None or not (record.has_value or record.unknown):
            what = f"{found.name} {json.dumps(arguments) if arguments else ''}"
            raise Unknown(f"the recorded run did not look at {what}", "run it against the target")
        if not record.has_value and record.unknown:
            cause = Unknown if record.unknown.configured else NotConfigured
            raise cause(record.unknown.reason, record.unknown.remedy)
        try:
            return kind.validate_python(record.value)
        except ValidationError as error:
            reason = f"the recorded {found.name} cannot be read back: {error.errors()[0]['msg']}"
            raise Unknown(reason, "replay it with the version that recorded it") from None

    def _source(self, found: Observation) -> str:
        """Return where an observation looked: what was asked, or what it would have asked."""
        if self.recorded:
            return f"recorded in {self.run.replay}"
        targets = list(dict.fromkeys(self._sources.targets))
        return ", ".join(targets) or ", ".join(name for name in found.parameters if name in CLIENTS)

    def _keep(self, request: Request) -> None:
        if hasattr(self._sources, "targets"):
            self._sources.targets.append(f"{request.client} {request.target}")
        record = RecordedRequest(**request.record())
        if self._at_once and request.effect is not Effect.READ:
            self._at_once(record)
        else:
            self._records.append(record)


def _recorded_unknown(unknown: Unknown) -> RecordedUnknown:
    record = RecordedUnknown(reason=unknown.reason, remedy=unknown.remedy)
    return record.model_copy(update={"configured": False}) if isinstance(unknown, NotConfigured) else record


_MEND = "this is a defect of the observation: its trace is in the journal, and with -vv"
