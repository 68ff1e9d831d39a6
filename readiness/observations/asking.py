"""Asks for many things at once, all of them within one time: nothing that hangs holds the others.

Each has a thread of its own, a daemon: what does not come back is left behind.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from readiness.environment.schema import Environment, KnownReading
from readiness.files.canonical_json import JsonObject
from readiness.files.evidence_file import EvidenceArchive
from readiness.incident.facts import Wanted, read_fact
from readiness.incident.found import Fact, Found, Missing
from readiness.observations import KNOWN_READINGS, OBSERVATIONS, Context, Given
from readiness.outcomes import Effect, Unknown
from readiness.runbook.attestations import Attestations
from readiness.runbook.limits import Limits
from readiness.runbook.lines import Runbook
from readiness.sources.origins import Origin, own_sources
from readiness.sources.table import Clients
from readiness.transport.database_tls import DatabaseTls
from readiness.transport.guard import Guard

SECONDS_AT_MOST = 25.0
"""An engineer waits for the answers: what is not back by then is told as unknown. Each client has its own deadline."""
SECONDS_TO_TELL = 1.0
"""Of these, so that a request that is cut can say what it has seen."""
LINE = "incident"
"""In place of a line: a runbook's own queries are asked for its walk."""
_GONE = Missing("it was not back in time", "look at it by hand")


class Stated(Limits):
    """What a walk states for a look, in place of a check's limits."""

    model_config = ConfigDict(extra="allow", frozen=True)


@dataclass
class Asked:
    """One thing that is asked for."""

    make: Callable[[], Any]
    ended: threading.Event = field(default_factory=threading.Event)
    answer: Any = None
    missing: Missing = _GONE
    is_there: bool = False

    def run(self) -> None:
        """Ask, and keep the answer or why there is none."""
        try:
            self.answer = self.make()
            self.is_there = True
        except Unknown as unknown:
            self.missing = Missing(unknown.reason, unknown.remedy)
        except Exception as error:  # noqa: BLE001  a defect of a look: told as unknown, and the walk goes on
            self.missing = Missing(f"the look broke: {type(error).__name__}", "look at it by hand; this is a defect")
        finally:
            self.ended.set()


def ask_each(makes: Mapping[str, Callable[[], Any]], ends_at: float) -> dict[str, Asked]:
    """Return what came of each, at the latest at an instant of the monotonic clock."""
    asked = {name: Asked(make) for name, make in makes.items()}
    for one in asked.values():
        threading.Thread(target=one.run, daemon=True).start()

    for one in asked.values():
        one.ended.wait(max(0.0, ends_at - time.monotonic()))
    return asked


class FactFinder:
    """Finds the facts of walks, and the rows that are to be saved: by looks that only read."""

    def __init__(
        self, environment: Environment, runbooks: tuple[Runbook, ...], reports: Path, moment: datetime
    ) -> None:
        self._environment = environment
        self._moment = moment
        self._archive = EvidenceArchive(reports)
        # Each thread makes one look, and keeps what that rests on without having measured it.
        self._threads = threading.local()
        self.guard = Guard(environment.allowed_hosts, (Effect.READ,), database_tls=DatabaseTls.of(environment))
        clients = Clients.of(environment, self.guard, reports, self._keep_stated)
        self.clients = clients.asking(own_sources(runbooks))
        self._called_off = threading.Event()

    def ask(self, makes: Mapping[str, Callable[[], Any]], seconds: float = SECONDS_AT_MOST) -> dict[str, Asked]:
        """Return what came of each question, at the latest after so many seconds."""
        ends_at = time.monotonic() + seconds
        self.guard.ends_at = ends_at - SECONDS_TO_TELL
        return ask_each(makes, ends_at)

    def close(self) -> None:
        """Call off what still waits, and close all connections."""
        self._called_off.set()
        self.clients.close()

    def fact(self, runbook: str, wanted: Wanted) -> Fact:
        """Return a fact as its system tells it at this moment. Raises Unknown."""
        self._threads.stated = []
        observation = OBSERVATIONS[wanted.kind.look]
        given = Given(self._context(runbook), self.clients, Stated.model_validate(wanted.arguments))
        value = observation.adapter.dump_python(observation.call(given), mode="json")
        fact = read_fact(wanted.kind, value)
        return _with_grounds(fact, self._threads.stated)

    def rows(self, runbook: str, name: str) -> list[JsonObject]:
        """Return the rows of a reading as a runbook asks for it. Raises Unknown."""
        self._threads.stated = []
        readings = self.clients.readings.of(runbook)
        return readings.rows(self.reading(runbook, name))

    def reading(self, runbook: str, name: str) -> KnownReading:
        """Return a reading by its name. Raises NotConfigured with the nearest one."""
        return KNOWN_READINGS.get(name) or self.clients.readings.of(runbook).named(name)

    def query(self, runbook: str, name: str) -> tuple[str, str]:
        """Return what a reading asks by, and the kind of it: sql, promql, http or another. Raises NotConfigured."""
        source = self.clients.readings.of(runbook).source(self.reading(runbook, name))
        for kind in ("sql", "promql", "metric", "http", "file"):
            stated = getattr(source, kind, None)
            if stated is not None:
                return kind, str(stated)
        return "value", "stated in the environment file"

    def is_of_runbook(self, runbook: str, name: str) -> bool:
        """Check whether a reading asks by the document's own query."""
        readings = self.clients.readings.of(runbook)
        return readings.origin(KnownReading(name, name)) is Origin.RUNBOOK

    def _context(self, runbook: str) -> Context:
        return Context(
            environment=self._environment,
            moment=self._moment,
            launch_at=self._environment.launch_at,
            archive=self._archive,
            attestations=Attestations(),
            sign_off=None,
            line=f"{runbook}/{LINE}",
            called_off=self._called_off,
        )

    def _keep_stated(self, stated: str) -> None:
        if hasattr(self._threads, "stated"):
            self._threads.stated.append(stated)


def _with_grounds(fact: Fact, stated: list[str]) -> Fact:
    """Return a fact that says what of it is only stated, and was measured by nobody."""
    if isinstance(fact, Missing) or not stated:
        return fact
    says = f"{fact.says} ({'; '.join(dict.fromkeys(stated))}: not measured)"
    return Found(says, fact.number, fact.measured, fact.words, fact.rows)
