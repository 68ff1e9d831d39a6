"""Observations: started together when collection ends, each distinct one once; an item waits for its own."""

from __future__ import annotations

import json
import queue
import threading
import time
import traceback
import types
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from readiness.clients import Clients
from readiness.clients.guard import Guard, Request
from readiness.evidence.journal import RecordedRun, read_run
from readiness.observations import OBSERVATIONS, Observation, load_all
from readiness.outcomes import Phase, Unknown
from readiness.plugin.run import ITEM, LIMITS, RUN, SETTLED, Run, is_controller, is_real
from readiness.runbook import Limits

THREADS = 32
WAIT_SECONDS = 180.0  # the clients keep their own deadlines; this is for a look that ignores them
Arguments = dict[str, Any]
Key = tuple[str, str]


@dataclass
class Pool:
    """The looks of one process. In a worker of xdist each is made when it is asked for."""

    run: Run
    clients: Clients
    guard: Guard
    recorded: RecordedRun | None = None
    threads: int = THREADS
    seen: deque[tuple[str, dict[str, Any]]] = field(default_factory=deque)
    """Records for the journal that nobody has fetched yet: their kind and their content."""
    waiting_for: str = ""
    _futures: dict[Key, Future[Any]] = field(default_factory=dict)
    _todo: queue.SimpleQueue[Callable[[], None] | None] = field(default_factory=queue.SimpleQueue)
    _busy: int = 0
    _lock: threading.Condition = field(default_factory=threading.Condition)

    def start(self, wanted: Iterable[tuple[Observation, Limits]]) -> None:
        """Start all looks: the quiet ones after the others have come back, one at a time."""
        looks = {self._key(found, limits): (found, limits) for found, limits in wanted}
        loud = [(key, *look) for key, look in looks.items() if not look[0].quiet]
        quiet = [(key, *look) for key, look in looks.items() if look[0].quiet]
        for key, _, _ in (*loud, *quiet):
            self._futures[key] = Future()
        for key, found, limits in loud:
            self._submit(key, found, limits)
        # Daemon threads: a look that hangs cannot hold the end of the run.
        for _ in range(min(self.threads, len(loud))):
            threading.Thread(target=self._work, daemon=True).start()
        threading.Thread(target=self._quietly, args=(quiet,), daemon=True).start()

    def result(self, name: str, limits: Limits) -> Any:
        """Wait for a look and give its value. Raises Unknown."""
        found = OBSERVATIONS[name]
        key = self._key(found, limits)
        if key not in self._futures:
            self._futures[key] = Future()
            self._look(key, found, limits)
        self.waiting_for = _title(found, limits)
        try:
            return self._futures[key].result(WAIT_SECONDS)
        except TimeoutError:
            raise Unknown(
                f"the observation {name} did not come back in {WAIT_SECONDS:.0f} s", "run again with -vv"
            ) from None
        finally:
            self.waiting_for = ""

    def keep(self, request: Request) -> None:
        """Take a request for the journal."""
        record = {**vars(request), "effect": str(request.effect), "at": request.at.isoformat()}
        self.seen.append(("request", {**record, "seconds": round(request.seconds, 4)}))

    def fetch_seen(self) -> list[tuple[str, dict[str, Any]]]:
        """Hand over the records that nobody has fetched yet."""
        return [self.seen.popleft() for _ in range(len(self.seen))]

    def _submit(self, key: Key, found: Observation, limits: Limits) -> None:
        with self._lock:
            self._busy += 1
        self._todo.put(lambda: self._look(key, found, limits))

    def _work(self) -> None:
        while True:
            look = self._todo.get()
            if look is None:
                return
            try:
                look()
            finally:
                with self._lock:
                    self._busy -= 1
                    self._lock.notify_all()

    def _quietly(self, looks: list[tuple[Key, Observation, Limits]]) -> None:
        with self._lock:
            self._lock.wait_for(lambda: self._busy == 0, timeout=WAIT_SECONDS / 2)
        for key, found, limits in looks:
            self._look(key, found, limits)

    def _look(self, key: Key, found: Observation, limits: Limits) -> None:
        """Make one look; whatever comes of it goes to those who wait, and into the journal."""
        at, started = datetime.now(UTC), time.monotonic()
        record: dict[str, Any] = {
            "name": found.name,
            "arguments": _plain_arguments(found, limits),
            "at": at.isoformat(),
        }
        try:
            value = self._replayed(found, limits) if self.recorded else found.look(**self._arguments(found, limits))
            record["value"] = TypeAdapter(found.kind).dump_python(value, mode="json")
            self._futures[key].set_result(value)
        except Unknown as unknown:
            record["unknown"] = {"reason": unknown.reason, "remedy": unknown.remedy}
            self._futures[key].set_exception(unknown)
        except Exception as error:  # noqa: BLE001  a defect of ours in a thread: told as unknown, never lost
            reason = f"the observation {found.name} broke: {type(error).__name__}: {error}"
            record["unknown"] = {"reason": reason, "remedy": "report this defect", "trace": traceback.format_exc()}
            self._futures[key].set_exception(Unknown(reason, "this is a defect of the suite: report it"))
        record |= {"source": found.look.__module__, "seconds": round(time.monotonic() - started, 4)}
        self.seen.append(("observation", record))

    def _arguments(self, found: Observation, limits: Limits) -> Arguments:
        context = {
            "environment": self.run.environment,
            "moment": self.run.moment,
            "launch_at": self.run.environment.launch_at,
        }
        return {
            name: getattr(self.clients, name)
            if hasattr(self.clients, name)
            else context.get(name, getattr(limits, name, None))
            for name in found.needs
        }

    def _replayed(self, found: Observation, limits: Limits) -> Any:
        assert self.recorded
        record = self.recorded.observation(found.name, _plain_arguments(found, limits))
        if record is None:
            raise Unknown(f"the recorded run holds no {_title(found, limits)}", "replay a run that looked at it")
        if "unknown" in record:
            raise Unknown(record["unknown"]["reason"], record["unknown"]["remedy"])
        try:
            return TypeAdapter(found.kind).validate_python(record["value"])
        except ValidationError as error:
            raise Unknown(
                f"the recorded {found.name} cannot be read back: {error}", "replay it with its own version"
            ) from None

    @staticmethod
    def _key(found: Observation, limits: Limits) -> Key:
        return found.name, json.dumps(_plain_arguments(found, limits), sort_keys=True)


def _plain_arguments(found: Observation, limits: Limits) -> dict[str, Any]:
    stated = limits.model_dump(mode="json")
    return {name: stated[name] for name in found.needs if name in stated and name not in Clients.__dataclass_fields__}


def _title(found: Observation, limits: Limits) -> str:
    values = ", ".join(str(value) for value in _plain_arguments(found, limits).values() if value)
    return f"{found.name} {values}".strip()


POOL = pytest.StashKey[Pool]()


def pytest_configure(config: pytest.Config) -> None:
    """Make a fixture of each observation, so that a check asks for it by naming it."""
    if RUN not in config.stash:
        return
    load_all()
    fixtures = types.ModuleType("readiness.plugin.observed")
    for name in OBSERVATIONS:
        setattr(fixtures, f"observed_{name}", _fixture(name))
    config.pluginmanager.register(fixtures, "readiness-observed")


def _fixture(name: str) -> object:
    def observed(request: pytest.FixtureRequest) -> object:
        item = request.node
        return request.config.stash[POOL].result(name, item.stash.get(LIMITS, Limits()))

    return pytest.fixture(name=name)(observed)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the looks of all selected items."""
    config = session.config
    if not is_real(config) or (is_controller(config) and getattr(config.option, "numprocesses", None)):
        return
    config.stash[POOL] = pool = make_pool(config.stash[RUN])
    if is_controller(config):  # a worker would make every look that all workers share
        pool.start(_wanted(session.items, pool.run))


def make_pool(run: Run) -> Pool:
    """Put a pool together; nothing is contacted yet."""
    guard = Guard(run.environment.allowed_hosts, run.allowed)
    recorded = read_run(run.replay) if run.replay else None
    pool = Pool(run, Clients.of(run.environment, guard), guard, recorded)
    guard.record = pool.keep
    return pool


def _wanted(items: list[pytest.Item], run: Run) -> Iterable[tuple[Observation, Limits]]:
    for item in items:
        if ITEM not in item.stash or SETTLED in item.stash:
            continue
        diagnostics = item.stash[ITEM].line.diagnostics if run.phase is Phase.POSTLAUNCH else ()
        for name in (*getattr(item, "fixturenames", ()), *diagnostics):
            if name in OBSERVATIONS:
                yield OBSERVATIONS[name], item.stash.get(LIMITS, Limits())


def diagnostics_of(item: pytest.Item, pool: Pool) -> Mapping[str, Any]:
    """Fetch what the line wants attached; what cannot be seen is attached as such and decides nothing."""
    found: dict[str, Any] = {}
    for name in item.stash[ITEM].line.diagnostics if pool.run.phase is Phase.POSTLAUNCH else ():
        try:
            found[name] = pool.result(name, item.stash.get(LIMITS, Limits()))
        except Unknown as unknown:
            found[name] = {"unknown": unknown.reason}
    return found
