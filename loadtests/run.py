"""One rehearsal under way in this process: what was asked, the counters, and the evidence made of them."""

from __future__ import annotations

import gc
import importlib.metadata
import logging
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtests.client import Client, ClientConfig
from loadtests.connection import trust
from loadtests.health import Health
from loadtests.recording import Recorder
from loadtests.safety import LoadPermission, Refused, permit, stage_of
from readiness.environment.schema import Environment, Reading, host_of, load
from readiness.rehearsal import evidence as rehearsal_evidence
from readiness.rehearsal.evidence import Connections, Endpoint, Evidence, Generator, Target
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.journeys import Step, point
from readiness.rehearsal.stages import Stage
from readiness.rehearsal.verdict import Judgement, judge

LOG = logging.getLogger("rehearsal")
PACKAGES = ("locust", "gevent", "geventhttpclient", "production-readiness")


@dataclass
class Run:
    """A rehearsal. In a worker it only records; in the process that leads it also keeps and writes the evidence."""

    environment: Environment
    stage_name: str
    stage: Stage
    name: str
    folder: Path
    client_config: ClientConfig
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    users: dict[int, int] = field(default_factory=dict)
    generators: dict[str, dict[str, Any]] = field(default_factory=dict)
    lost_workers: list[str] = field(default_factory=list)
    late_workers: list[str] = field(default_factory=list)
    outside: int = 0
    revision: tuple[str | None, str] = (None, "")
    """The target's revision, or why it is not known."""
    revision_at_end: str | None = None
    ended: str = "running"
    ended_because: str = ""
    leads: bool = True
    copy: int = 0
    """The process that writes the evidence meanwhile."""

    @property
    def recorder(self) -> Recorder:
        """The counters of this process."""
        return self.client_config.recorder

    @property
    def first_line(self) -> str:
        """Where, how many, how long."""
        stage, host = self.stage, host_of(self.environment.target.url)
        scale = self.environment.load.scale if self.environment.load else 1.0
        smaller = f", scaled by {scale:g}: proof of nothing but the sandbox" if scale != 1 else ""
        return (
            f"rehearsal {self.stage_name} of {self.environment.environment}: {stage.users:,} users on {host}, "
            f"held for {stage.hold_minutes:.3g} min, {stage.seconds / 60:.1f} min in all{smaller}"
        )

    def hold(self, seconds_from_now: float) -> None:
        """Set when the hold begins; its end follows. What is there by now stays: it is not collected again."""
        gc.collect()
        gc.freeze()
        self.recorder.hold_from = time.time() + seconds_from_now
        self.recorder.hold_until = self.recorder.hold_from + self.stage.hold_minutes * 60

    def evidence(self) -> Evidence:
        """Make the evidence of what is known now."""
        recorder = self.recorder
        counters = recorder.counters
        begun = recorder.hold_from != float("inf")
        if self.leads and not self.lost_workers and not any(name != "local" for name in self.generators):
            self.generators["local"] = self.client_config.health.plain()
        return Evidence.model_validate(
            {
                "schema": "readiness/rehearsal/1",
                "run": self.name,
                "environment": self.environment.environment,
                "stage": self.stage_name,
                "asked": self.stage,
                "scale": self.environment.load.scale if self.environment.load else 1.0,
                "target": self._target(),
                "started_at": self.started_at,
                "hold_from": datetime.fromtimestamp(recorder.hold_from, UTC) if begun else None,
                "hold_until": datetime.fromtimestamp(recorder.hold_until, UTC) if begun else None,
                "finished_at": datetime.now(UTC) if self.ended != "running" else None,
                "ended": self.ended,
                "ended_because": self.ended_because,
                "seconds": _pairs(counters.sent_at, counters.answered_at),
                "users": self.users,
                "phases": _pairs(counters.sent_in, counters.recorded_in),
                "endpoints": {name: Endpoint(**vars(tally)) for name, tally in counters.endpoints.items()},
                "slices": {at: (p.kernel, p.naive, p.ok, p.failed) for at, p in counters.slices.items()},
                "connections": Connections(**vars(counters.connections)),
                "generators": [Generator(**found) for found in self.generators.values()],
                "lost_workers": self.lost_workers,
                "late_workers": self.late_workers,
                "outside": self.outside,
                "broken_visits": counters.broken_visits,
                "broken_because": counters.broken_because,
                "versions": _versions(),
            }
        )

    def _target(self) -> Target:
        known = {str(address.place[0]) for found in self.client_config.resolved.values() for address in found}
        return Target(
            url=self.environment.target.url,
            addresses=tuple(sorted(known)),
            revision=self.revision[0],
            revision_at_end=self.revision_at_end,
            revision_unknown_because=self.revision[1],
        )

    def write(self) -> Judgement:
        """Write the evidence as it stands, with its verdict."""
        evidence = self.evidence()
        found = judge(Figures.of(evidence))
        reasons = [{"word": reason.word.value, "says": reason.says, "next": reason.next} for reason in found.reasons]
        told = evidence.model_copy(update={"verdict": {"word": found.word.value, "reasons": reasons}})
        rehearsal_evidence.write(told, self.folder)
        return found

    def look_up_revision(self) -> tuple[str | None, str]:
        """Ask the target for its revision; without one, say why."""
        asked = self.environment.target.revision
        if asked is None or isinstance(asked, str):
            return asked, "" if asked else "the environment has no target.revision"
        if asked.value is not None:
            return str(asked.value), ""
        if not asked.http:
            return None, "target.revision is read by `sql`, `metric` or `file`, which a rehearsal cannot; use `http`"
        return self._read_revision(asked, asked.http)

    def _read_revision(self, asked: Reading, url: str) -> tuple[str | None, str]:
        headers = {**asked.headers, **({"Authorization": f"Bearer {asked.token.reveal()}"} if asked.token else {})}
        client = Client(replace(self.client_config, recorder=Recorder()))
        try:
            answer = client.ask(Step(path=url, status=(200,), headers=headers))
            if answer.error or not answer.reply:
                return None, f"{url}: {answer.error}"
            return point(answer.reply.content(), asked.pointer), ""
        except (ValueError, Refused) as error:
            return None, f"{url}: {error}"
        finally:
            client.close()


def _pairs(first: Mapping[Any, int], second: Mapping[Any, int]) -> dict[Any, tuple[int, int]]:
    return {key: (first.get(key, 0), second.get(key, 0)) for key in {**first, **second}}


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "kernel": platform.release()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def prepare(name: str, stage_name: str, permission: LoadPermission, environments: Path, reports: Path) -> Run:
    """Read the environment, make sure that load is allowed, and set up what the users share.

    Raises Refused or BadEnvironment with every reason, before anything is contacted.
    """
    environment = load(name, environments)
    stage = stage_of(environment, stage_name)
    permit(environment, stage, permission)
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{stage_name}"
    recorder = Recorder()
    target = environment.target
    headers = {"User-Agent": "production-readiness-rehearsal", "Accept": "*/*", "Accept-Encoding": "gzip"}
    headers |= {**target.headers, "X-Load-Test": stamp}
    if target.token:
        headers["Authorization"] = f"Bearer {target.token.reveal()}"
    seconds = environment.load.request_seconds_at_most if environment.load else 10.0
    folder = reports / name / rehearsal_evidence.FOLDER / stamp
    health = Health("local", recorder)
    client_config = ClientConfig(target.url, environment.allowed_hosts, headers, seconds, recorder, health, trust())
    return Run(environment, stage_name, stage, stamp, folder, client_config)


def say(found: Judgement, run: Run) -> None:
    """Tell the verdict at the end."""
    LOG.info("%s: %s  %s", run.stage_name, found.word.upper(), run.folder / rehearsal_evidence.FILE)
    for reason in found.reasons:
        LOG.info("  %s: %s. Next: %s", reason.word, reason.says, reason.next)
