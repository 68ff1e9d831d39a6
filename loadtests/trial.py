"""A rehearsal against the server whose times are known: to prove on this machine that the figures are true."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.truth import HOST, Law
from readiness.rehearsal.evidence import Generator, RehearsalEvidence, folders, read
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.histogram import Distribution
from readiness.rehearsal.verdict import Judgement, judge

ROOT = Path(__file__).parents[1]
LOCUSTFILE = ROOT / "loadtests" / "locustfile.py"
NAME = "trial"
LATE_SECONDS = 0.01
"""p99 of the server's own lag: above it the server is no truth."""


@dataclass(frozen=True)
class Tls:
    """A certificate for the server, and what the users trust."""

    certificate: Path
    key: Path


@contextmanager
def truth_server(law: Law, tls: Tls | None = None) -> Iterator[str]:
    """Run the server in a process of its own; yield its address."""
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in vars(law).items()]
    if tls:
        arguments += [f"--certificate={tls.certificate}", f"--key={tls.key}"]
    command = [sys.executable, "-m", "loadtests.truth", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:  # noqa: S603  our own module
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            scheme = "https" if tls else "http"
            yield f"{scheme}://{HOST}:{port}"
        finally:
            process.kill()


@dataclass(frozen=True)
class Trial:
    """What is rehearsed on the server."""

    folder: Path
    url: str
    stage: Mapping[str, Any]
    """The stage's row."""
    tls: Tls | None = None
    arguments: Sequence[str] = ()
    """More for Locust's command line."""
    environment: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the environment file to set otherwise."""
    is_led_by_browser: bool = False
    """Whether Locust serves its browser interface in place of leading the stage by itself."""

    def start(self) -> subprocess.Popen[bytes]:
        """Write the environment, start Locust on it, and return its process."""
        environments = self.folder / "environments"
        environments.mkdir(parents=True, exist_ok=True)
        content = {
            "environment": NAME,
            "production": False,
            "runbooks": ["launch400k"],
            "allowed_hosts": [HOST],
            "allow": ["load"],
            "target": {"url": self.url, "revision": {"http": f"{self.url}/", "pointer": "/revision"}},
            "load": {
                "users_at_most": 100_000,
                "stages": {NAME: dict(self.stage)},
                "journeys": {"law": {"steps": [{"path": "/t"}]}},
            },
            **self.environment,
        }
        (environments / f"{NAME}.yaml").write_text(json.dumps(content), encoding="utf-8")
        alone = () if self.is_led_by_browser else ("--headless", "--only-summary")
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *alone]
        command += ["--env", NAME, "--stage", NAME, "--environments", str(environments)]
        command += ["--reports", str(self.folder / "reports"), *self.arguments]

        variables = dict(os.environ)
        if self.tls:
            variables["SSL_CERT_FILE"] = str(self.tls.certificate)
        with (self.folder / "locust.log").open("wb") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=variables)  # noqa: S603  our own words

    def run(self, *, stop_after: float | None = None, by: signal.Signals = signal.SIGTERM) -> RehearsalEvidence:
        """Run it to its end, or stop it after some seconds by a signal; return the evidence."""
        process = self.start()
        if stop_after is not None:
            time.sleep(stop_after)
            process.send_signal(by)
        process.wait()
        return self.evidence()

    def evidence(self) -> RehearsalEvidence:
        """Return the newest evidence, read back."""
        return read(next(folders(self.folder / "reports", NAME)))


def record(evidence: RehearsalEvidence) -> dict[str, float]:
    """Return the server's own record of the hold; nothing where the hold never began."""
    if not evidence.hold_from or not evidence.hold_until:
        return {}

    context = None
    if evidence.target.url.startswith("https"):
        context = ssl._create_unverified_context()  # noqa: S323, SLF001  a certificate of our own, on this machine

    span = f"from={evidence.hold_from.timestamp()}&until={evidence.hold_until.timestamp()}"
    address = f"{evidence.target.url}/record?{span}"
    with urllib.request.urlopen(address, context=context) as answer:  # noqa: S310  the server that we have started
        server_record: dict[str, float] = json.load(answer)
    return server_record


@dataclass(frozen=True)
class Finding:
    """How near the evidence came to the server's record. Errors are shares: 0.01 is one per cent too high."""

    evidence: RehearsalEvidence
    judgement: Judgement
    record: Mapping[str, float]

    @property
    def undisturbed(self) -> bool:
        """Whether the server kept up; a server that does not see a request in time is no truth."""
        return self.record.get("lag99", 0.0) <= LATE_SECONDS

    @classmethod
    def of(cls, evidence: RehearsalEvidence) -> Finding:
        """Return the evidence with its verdict and the server's record; the server must still run."""
        return cls(evidence, judge(Figures.of(evidence)), record(evidence))

    def error(self, of: Distribution, percentile: str = "p95") -> float:
        """Return how far a percentile is from the server's, as a share; NaN where the server has no such figure."""
        if not self.record.get(percentile):
            return float("nan")
        share = float(percentile[1:]) / 100
        return of.middle(share) / self.record[percentile] - 1

    def __str__(self) -> str:
        evidence = self.evidence
        server = self.record
        rate = (evidence.ok + evidence.failed) / max(evidence.held_seconds, 1)
        generators = ", ".join(_health_line(generator) for generator in evidence.generators)
        reasons = [reason.says for reason in self.judgement.reasons]
        return (
            f"{evidence.asked.users} users, {rate:.0f}/s, true p95 {server.get('p95', 0):.4f} s"
            f" (server's lag99 {server.get('lag99', 0) * 1000:.0f} ms):"
            f" kernel {self.error(evidence.kernel):+.2%}, naive {self.error(evidence.naive):+.2%};"
            f" sent {evidence.sent} recorded {evidence.recorded} server {server.get('requests', 0)};"
            f" connects {evidence.connections.opened} unexplained {evidence.connections.unexplained};"
            f" {generators}; {self.judgement.word} {reasons}"
        )


def _health_line(generator: Generator) -> str:
    lag99 = Distribution(generator.lag).middle(0.99) * 1000
    return (
        f"cpu {generator.cpu_share_mean:.0%} queue {generator.queue_share:.0%}"
        f" lag99 {lag99:.0f} ms {generator.rss_megabytes:.0f} MB"
    )
