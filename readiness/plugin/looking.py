"""Observations, each once: those that only read start together before the first check; a check waits for its own."""

from __future__ import annotations

import json
import threading
import time
import traceback
import types
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from _pytest.outcomes import Failed
from pydantic import TypeAdapter, ValidationError

from readiness.evidence.audit import Seals
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.signing import PublicKey, trusted_keys
from readiness.files.evidence_file import Archive
from readiness.observations import OBSERVATIONS, Context, Given, Observation, load_all
from readiness.observations.needs import CLIENTS
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.plugin.options import environments_of
from readiness.plugin.run import ITEM, LIMITS, RUN, SETTLED, Run, is_controller, is_real
from readiness.plugin.threads import Look, Threads
from readiness.runbook.lines import Limits
from readiness.sources.table import Clients
from readiness.transport.guard import Guard, Request

WAITING_SECONDS = 0.2
CLEAN_UP_SECONDS = 5.0
NO_LIMITS = Limits()
Seen = tuple[str, dict[str, Any]]
"""The kind of a journal record, `observation` or `request`, and the record."""


class Unseen(Unknown, Failed):
    """Unknown as a fixture must raise it.

    After any other BaseException pytest leaves the fixture half set up, and the next item that asks for it breaks.
    """

    def __init__(self, unknown: Unknown) -> None:
        Unknown.__init__(self, unknown.reason, unknown.remedy)
        self.configured = not isinstance(unknown, NotConfigured)
        self.msg, self.pytrace = str(unknown), True


class Pool:
    """All looking of one process: through the clients, or into a recorded run."""

    def __init__(
        self, run: Run, trusted: Mapping[str, PublicKey], at_once: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        """`at_once` takes the records of requests that do more than read; a worker has none, and keeps them."""
        guard = Guard(run.environment.allowed_hosts, run.allowed, self._keep)
        self.run, self.threads, self._at_once = run, Threads(), at_once
        self.clients = Clients.of(run.environment, guard, run.reports)
        self._archive = Archive(run.reports, Seals(trusted).against)
        self.recorded: RecordedRun | None = read_run(run.replay) if run.replay else None
        self._seen: deque[Seen] = deque()
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
        """Give a look, started now where nobody has started it before."""
        return self.threads.ask(*self.look(name, limits, line))

    def call_off(self) -> None:
        """Begin no further look, and wait while those that write undo what they did."""
        deadline = self.run.environment.http.deadline_seconds
        self.threads.call_off(2 * deadline + CLEAN_UP_SECONDS)  # the request under way, and the one that undoes it

    def fetch_seen(self) -> list[Seen]:
        """Hand over the records that nobody has taken yet."""
        return [self._seen.popleft() for _ in range(len(self._seen))]

    @staticmethod
    def arguments(found: Observation, limits: Limits, line: str) -> dict[str, Any]:
        """Give the limits that an observation asks for, as plain values, and the line where it asks for that."""
        stated = {"line": line, **limits.model_dump(mode="json")}
        return {name: stated[name] for name in found.parameters if name in stated}

    def _making(self, found: Observation, limits: Limits, arguments: dict[str, Any], line: str) -> Callable[[], Any]:
        def make() -> Any:
            at, started = datetime.now(UTC), time.monotonic()
            self._sources.targets = []
            record: dict[str, Any] = {"name": found.name, "arguments": arguments, "at": at.isoformat()}
            try:
                kind = TypeAdapter[Any](found.kind)
                value = self._read_back(found, arguments, kind) if self.recorded else self._call(found, limits, line)
                record["value"] = kind.dump_python(value, mode="json", warnings="error")
            except Unknown as unknown:
                record["unknown"] = {"reason": unknown.reason, "remedy": unknown.remedy}
                record["unknown"] |= {"configured": False} if isinstance(unknown, NotConfigured) else {}
                raise
            except Exception as error:  # a defect of an observation: told as unknown, never lost
                reason = f"the observation {found.name} broke: {type(error).__name__}: {error}"
                record["unknown"] = {"reason": reason, "remedy": _MEND, "trace": traceback.format_exc()}
                raise Unknown(reason, _MEND) from error
            finally:
                record |= {"source": self._source(found), "seconds": round(time.monotonic() - started, 4)}
                self._seen.append(("observation", record))
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
        record = self.recorded.observation(found.name, arguments) if self.recorded else None
        if record is None or "value" not in record:
            told = (record or {}).get("unknown") or {
                "reason": f"the recorded run did not look at {found.name} {json.dumps(arguments) if arguments else ''}",
                "remedy": "run it against the target",
            }
            kind_of = Unknown if told.get("configured", True) else NotConfigured
            raise kind_of(told["reason"], told["remedy"])
        try:
            return kind.validate_python(record["value"])
        except ValidationError as error:
            reason = f"the recorded {found.name} cannot be read back: {error.errors()[0]['msg']}"
            raise Unknown(reason, "replay it with the version that recorded it") from None

    def _source(self, found: Observation) -> str:
        """Say where an observation looked: what was asked, or what it would have asked."""
        if self.recorded:
            return f"recorded in {self.run.replay}"
        targets = list(dict.fromkeys(self._sources.targets))
        return ", ".join(targets) or ", ".join(name for name in found.parameters if name in CLIENTS)

    def _keep(self, request: Request) -> None:
        if hasattr(self._sources, "targets"):
            self._sources.targets.append(f"{request.client} {request.target}")
        record = {**vars(request), "effect": str(request.effect), "at": request.at.isoformat()}
        record["seconds"] = round(request.seconds, 4)
        if self._at_once and request.effect is not Effect.READ:
            self._at_once(record)
        else:
            self._seen.append(("request", record))


_MEND = "this is a defect of the observation: its trace is in the journal, and with -vv"
POOL = pytest.StashKey[Pool]()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make a fixture of each observation, so that a check asks for it by naming it."""
    if RUN not in config.stash:
        return
    load_all()
    fixtures = types.ModuleType("readiness.plugin.observed")
    for name, found in OBSERVATIONS.items():
        setattr(fixtures, f"observed_{name}", _fixture(name, found.look.__doc__))
    config.pluginmanager.register(fixtures, "readiness-observed")
    at_once = _announcing(config) if is_controller(config) else None
    config.stash[POOL] = Pool(config.stash[RUN], trusted_keys(environments_of(config)), at_once)


def _announcing(config: pytest.Config) -> Callable[[dict[str, Any]], None]:
    def announce(record: dict[str, Any]) -> None:
        config.hook.pytest_readiness_request(record=record)

    return announce


def _fixture(name: str, sentence: str | None) -> object:
    def observed(request: pytest.FixtureRequest) -> object:
        config = request.config

        def meanwhile(look: Look) -> None:
            config.hook.pytest_readiness_waiting(config=config, title=look.title, since=look.started)

        try:
            node = request.node
            line = node.stash[ITEM].name if ITEM in node.stash else ""
            return config.stash[POOL].value(name, node.stash.get(LIMITS, NO_LIMITS), line, meanwhile)
        except Unknown as unknown:
            raise Unseen(unknown) from unknown

    observed.__doc__ = sentence
    return pytest.fixture(name=name)(observed)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Start the looks of all selected items; however the run ends, those that write undo what they did."""
    if not is_real(session.config):
        return (yield)
    try:
        if is_controller(session.config):
            _start(session)
        return (yield)
    finally:
        session.config.stash[POOL].call_off()


def _start(session: pytest.Session) -> None:
    """Start what only reads. A worker makes each look when it is asked for, or all would make them all."""
    config = session.config
    config.hook.pytest_readiness_opened(run=config.stash[RUN])
    collected = not session.testsfailed or config.option.continue_on_collection_errors
    if collected and not getattr(config.option, "numprocesses", None):
        pool = config.stash[POOL]
        pool.threads.start(dict(pool.look(*wanted) for wanted in _wanted(session.items)))


def _wanted(items: list[pytest.Item]) -> Iterator[tuple[str, Limits, str]]:
    for item in items:
        if ITEM in item.stash and SETTLED not in item.stash:
            for name in getattr(item, "fixturenames", ()):
                if name in OBSERVATIONS and OBSERVATIONS[name].effect is Effect.READ:
                    yield name, item.stash.get(LIMITS, NO_LIMITS), item.stash[ITEM].name
            line = item.stash[ITEM].line
            always = line.diagnostics if line.diagnostics_always else ()
            yield from ((name, item.stash.get(LIMITS, NO_LIMITS), "") for name in always)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Let go of all connections when everyone has finished."""
    result = yield
    if POOL in session.config.stash:
        session.config.stash[POOL].clients.close()
    return result
