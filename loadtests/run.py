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
from loadtests.recording import RequestRecorder, Tally, pairs
from loadtests.safety import LoadPermission, LoadRefused, permit, stage_of
from readiness.environment.schema import Environment, Reading, host_of, load
from readiness.rehearsal import evidence as rehearsal_evidence
from readiness.rehearsal.evidence import (
    EndpointStatistics,
    Generator,
    LoadTarget,
    OpenedConnections,
    RehearsalEvidence,
)
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.journeys import Step, point
from readiness.rehearsal.stages import Stage
from readiness.rehearsal.verdict import Judgement, judge

LOG = logging.getLogger("rehearsal")
PACKAGES = ("locust", "gevent", "geventhttpclient", "production-readiness")


@dataclass
class RehearsalRun:
    """A rehearsal. In a worker it only records; in the process that leads it also keeps and writes the evidence."""

    environment: Environment
    stage_name: str
    stage: Stage
    name: str
    folder: Path
    client_config: ClientConfig
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    users: dict[int, int] = field(default_factory=dict)
    """Unix second → users at work."""
    generators: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Name of a process → its `Health.plain`, as the last report brought it."""
    lost_workers: list[str] = field(default_factory=list)
    late_workers: list[str] = field(default_factory=list)
    outside: int = 0
    """Requests that Locust counted and that did not go through the client that measures."""
    revision: tuple[str | None, str] = (None, "")
    """The target's revision, or why it is not known."""
    revision_at_end: str | None = None
    ended: str = "running"
    ended_because: str = ""
    leads: bool = True
    """This process makes the load by itself: it is neither a worker nor a master of workers."""
    copy: int = 0
    """The process that writes the evidence meanwhile."""

    @property
    def recorder(self) -> RequestRecorder:
        """The counters of this process."""
        return self.client_config.recorder

    @property
    def first_line(self) -> str:
        """What is about to be done: where, how many users, how long."""
        stage = self.stage
        host = host_of(self.environment.target.url)
        line = (
            f"rehearsal {self.stage_name} of {self.environment.environment}: {stage.users:,} users on {host}, "
            f"held for {stage.hold_minutes:.3g} min, {stage.seconds / 60:.1f} min in all"
        )
        if self._scale == 1:
            return line
        return f"{line}, scaled by {self._scale:g}: proof of nothing but the sandbox"

    @property
    def _scale(self) -> float:
        return self.environment.load.scale if self.environment.load else 1.0

    def hold(self, seconds_from_now: float) -> None:
        """Set when the hold begins; its end follows."""
        # What is there by now stays: a collection that goes through it again would stop all users for its time.
        gc.collect()
        gc.freeze()
        self.recorder.hold_from = time.time() + seconds_from_now
        self.recorder.hold_until = self.recorder.hold_from + self.stage.hold_minutes * 60
        self.recorder.recovery_seconds = self.stage.recovery_seconds

    def evidence(self) -> RehearsalEvidence:
        """Return the evidence of what is known now."""
        recorder = self.recorder
        counters = recorder.counters
        hold_began = recorder.hold_from != float("inf")

        # A process that workers report to, or reported to, makes no load: its own health would say nothing.
        has_workers = bool(self.lost_workers) or any(name != "local" for name in self.generators)
        if self.leads and not has_workers:
            self.generators["local"] = self.client_config.health.plain()

        evidence = RehearsalEvidence.model_validate(
            {
                "schema": "readiness/rehearsal/1",
                "run": self.name,
                "environment": self.environment.environment,
                "stage": self.stage_name,
                "asked": self.stage,
                "scale": self._scale,
                "target": self._target(),
                "started_at": self.started_at,
                "hold_from": datetime.fromtimestamp(recorder.hold_from, UTC) if hold_began else None,
                "hold_until": datetime.fromtimestamp(recorder.hold_until, UTC) if hold_began else None,
                "finished_at": datetime.now(UTC) if self.ended != "running" else None,
                "ended": self.ended,
                "ended_because": self.ended_because,
                "seconds": counters.seconds(),
                # Five megabytes for 2,000 users in half an hour, and evidence that breaks off proves nothing anyway.
                "quarters": counters.quarters() if self.ended != "running" else {},
                "users": self.users,
                "phases": pairs(counters.sent_in, counters.recorded_in),
                "endpoints": _statistics(counters.endpoints),
                "recovery": _statistics(counters.recovery),
                "slices": {
                    start: (part.kernel, part.naive, part.ok, part.failed) for start, part in counters.slices.items()
                },
                "connections": OpenedConnections(**vars(counters.connections)),
                "generators": [Generator(**health) for health in self.generators.values()],
                "lost_workers": self.lost_workers,
                "late_workers": self.late_workers,
                "outside": self.outside,
                "broken_visits": counters.broken_visits,
                "broken_because": counters.broken_because,
                "versions": _versions(),
            }
        )
        return rehearsal_evidence.masked(evidence)

    def _target(self) -> LoadTarget:
        resolved = self.client_config.resolved.values()
        addresses = {str(address.place[0]) for of_origin in resolved for address in of_origin}
        return LoadTarget(
            url=self.environment.target.url,
            addresses=tuple(sorted(addresses)),
            revision=self.revision[0],
            revision_at_end=self.revision_at_end,
            revision_unknown_because=self.revision[1],
        )

    def write(self) -> Judgement:
        """Write the evidence as it stands, with its verdict; return the verdict."""
        evidence = self.evidence()
        judgement = judge(Figures.of(evidence))

        reasons = [
            {"word": reason.word.value, "says": reason.says, "next": reason.next} for reason in judgement.reasons
        ]
        verdict = {"word": judgement.word.value, "reasons": reasons}
        rehearsal_evidence.write(evidence.model_copy(update={"verdict": verdict}), self.folder)
        return judgement

    def look_up_revision(self) -> tuple[str | None, str]:
        """Return the target's revision and "", or None and why it is not known."""
        revision = self.environment.target.revision
        if revision is None:
            return None, "the environment has no target.revision"

        # Stated in the environment file, as it is or as a reading's constant.
        if isinstance(revision, str):
            return revision, "" if revision else "the environment has no target.revision"
        if revision.value is not None:
            return str(revision.value), ""

        if not revision.http:
            return None, "target.revision is read by `sql`, `metric` or `file`, which a rehearsal cannot; use `http`"
        return self._read_revision(revision, revision.http)

    def _read_revision(self, reading: Reading, url: str) -> tuple[str | None, str]:
        headers = dict(reading.headers)
        if reading.token:
            headers["Authorization"] = f"Bearer {reading.token.reveal()}"

        # Counters of its own: this request is no user's.
        client = Client(replace(self.client_config, recorder=RequestRecorder()))
        try:
            answer = client.ask(Step(path=url, status=(200,), headers=headers))
            if answer.error or not answer.reply:
                return None, f"{url}: {answer.error}"
            return point(answer.reply.content(), reading.pointer), ""
        except (ValueError, LoadRefused) as error:
            return None, f"{url}: {error}"
        finally:
            client.close()


def _statistics(tallies: Mapping[str, Tally]) -> dict[str, EndpointStatistics]:
    return {name: EndpointStatistics(**vars(tally)) for name, tally in tallies.items()}


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "kernel": platform.release()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def prepare(name: str, stage_name: str, permission: LoadPermission, environments: Path, reports: Path) -> RehearsalRun:
    """Return the run of a stage on an environment that allows the load, with what its users share.

    Raises LoadRefused or BadEnvironment with every reason, before anything is contacted.
    """
    environment = load(name, environments)
    stage = stage_of(environment, stage_name)
    permit(environment, stage, permission)

    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{stage_name}"
    recorder = RequestRecorder()
    target = environment.target

    headers = {"User-Agent": "production-readiness-rehearsal", "Accept": "*/*", "Accept-Encoding": "gzip"}
    headers |= {**target.headers, "X-Load-Test": stamp}
    if target.token:
        headers["Authorization"] = f"Bearer {target.token.reveal()}"

    seconds = environment.load.request_seconds_at_most if environment.load else 10.0
    folder = reports / name / rehearsal_evidence.FOLDER / stamp
    health = Health("local", recorder)
    trusted = trust(also=environment.http.ca_file)
    client_config = ClientConfig(target.url, environment.allowed_hosts, headers, seconds, recorder, health, trusted)
    return RehearsalRun(environment, stage_name, stage, stamp, folder, client_config)


def log_judgement(judgement: Judgement, run: RehearsalRun) -> None:
    """Log the verdict, its reasons and what to do next."""
    LOG.info("%s: %s  %s", run.stage_name, judgement.word.upper(), run.folder / rehearsal_evidence.FILE)
    for reason in judgement.reasons:
        LOG.info("  %s: %s. Next: %s", reason.word, reason.says, reason.next)
