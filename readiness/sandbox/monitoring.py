"""A real Prometheus and a real Alertmanager over the sandbox, with a week of history, where the machine has them.

One that is missing or does not start costs its own lines: its address answers 503 with the reason, and the lines that
ask there are unknown and say why. The other one, and the sandbox, do without it.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from readiness.sandbox.absent import Absent, ServerFailed, broken, last_line, program
from readiness.sandbox.catcher import Catcher, routing
from readiness.sandbox.front import Front
from readiness.sandbox.past import BLOCKS, remember
from readiness.sandbox.processes import free_port, start_server
from readiness.sandbox.web import Web

PROMETHEUS, ALERTMANAGER = "prometheus", "alertmanager"
RULES = Path(__file__).parent / "alert-rules.yml"
SCRAPE, EVALUATION = "250ms", "1s"
FRONT = '{job="front",pod="",database=""}'
FRONT_UP = 'up{job="front"}'
"""Whether the front answered when Prometheus asked it."""
"""What the front counts, without the series of one pod or one database, whose past a fault has told: that past lies in
Prometheus's memory, where nothing that was forgotten can be cleaned out, see `Monitoring.forget`."""
READY_SECONDS = 60.0
STOP_SECONDS = 20.0
LOCKED = "basic_auth_users: {nobody: $2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay}"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class MonitoringFailed(RuntimeError):
    """Prometheus or Alertmanager refused what it was asked; the message ends with its answer."""


@dataclass
class Monitoring:
    """What watches the sandbox. Each part may be missing."""

    folder: Path
    prometheus_url: str
    alertmanager_url: str
    processes: dict[str, subprocess.Popen[bytes]]
    """Those that run, by name."""
    absent: dict[str, Absent]
    """What answers in place of the others."""
    front: Front
    catcher: Catcher
    """Where its alerts arrive."""
    catcher_web: Web
    arguments: tuple[str, ...] = ()
    """What Prometheus was started with."""
    _due: list[Callable[[], object]] | None = None
    """What is to be done at the end of `together`; None where nothing is changed together."""

    @property
    def real(self) -> bool:
        """Return whether a real Prometheus runs."""
        return PROMETHEUS in self.processes

    def variables(self) -> dict[str, str]:
        """Return the addresses, and the reason of each server that is not there."""
        reasons = {name: absent.reason for name, absent in self.absent.items()}
        return {
            "SANDBOX_PROMETHEUS_URL": self.prometheus_url,
            "SANDBOX_ALERTMANAGER_URL": self.alertmanager_url,
            "SANDBOX_CATCHER_URL": self.catcher_web.url,
            **({"SANDBOX_ABSENT": json.dumps(reasons)} if reasons else {}),
        }

    def rules(self, text: str | None = None) -> None:
        """Load other alert rules; without a text the sandbox's own."""
        (self.folder / "rules.yml").write_text(text or RULES.read_text(encoding="utf-8"), encoding="utf-8")
        _post(f"{self.prometheus_url}/-/reload")
        self.evaluated()

    def routing(self, configuration: dict[str, Any]) -> None:
        """Load another configuration of Alertmanager."""
        (self.folder / "alertmanager.yml").write_text(json.dumps(configuration), encoding="utf-8")
        _post(f"{self.alertmanager_url}/-/reload")

    def value(self, query: str) -> float:
        """Ask Prometheus for one number."""
        return float(self.ask(query)[0]["value"][1])

    def forget(self, since: float, until: float, match: str) -> None:
        """Take the samples of a span of time away again, also out of the blocks.

        They must not stay there as deleted: Prometheus 3 answers "index out of range" to a query that begins within a
        block and ends before, or in, what was deleted of it (`Intervals.Add` in its tsdb/tombstones).
        """
        if self.real:
            self._delete(since, until, match)
            self._clean()

    def _delete(self, since: float, until: float, match: str) -> None:
        asked = urlencode({"match[]": match, "start": f"{since:.3f}", "end": f"{until:.3f}"})
        _post(f"{self.prometheus_url}/api/v1/admin/tsdb/delete_series?{asked}")

    def _clean(self) -> None:
        """Have the blocks written anew without what was deleted of them."""
        _post(f"{self.prometheus_url}/api/v1/admin/tsdb/clean_tombstones")

    def _forget_lately(self, since: float, until: float) -> None:
        """Forget what the front counted some moments ago: no block has it yet."""
        if self.real:
            self._delete(since, until, FRONT)

    def forget_missed(self) -> None:
        """Forget the scrapes that a busy machine has missed: the front was there, and only its answer came too late."""
        if not self.real:
            return
        for series in self.ask(f"{FRONT_UP}[1h]"):
            missed = [float(at) for at, up in series["values"] if float(up) == 0]
            for at in missed:
                self._delete(at - 0.001, at + 0.001, FRONT_UP)

    @contextmanager
    def spoiling(self) -> Iterator[None]:
        """See what the front counts meanwhile; then let it count on from before, and forget the time between."""
        since, counts = self._last_seen() + 0.001, self.front.remember()
        yield
        self.front.restore(counts)
        self.after_settling(partial(self._forget_lately, since, time.time()))

    def _last_seen(self) -> float:
        """Return when Prometheus last read the front: what it read then is not to be forgotten.

        A second earlier it may have noted that a series has ended; who forgets that has the series back for minutes.
        """
        return self.value(f"timestamp({FRONT_UP})") if self.real else time.time()

    def away(self) -> None:
        """Stop Prometheus."""
        _end(self.processes[PROMETHEUS])

    def back(self) -> None:
        """Start Prometheus again, where it was."""
        self.processes[PROMETHEUS] = _run(self.folder, PROMETHEUS, program(PROMETHEUS), *self.arguments)
        _wait(PROMETHEUS, self.prometheus_url, self.processes[PROMETHEUS], self.folder, _deadline())
        self.settle()

    def again(self) -> None:
        """Let Prometheus remember another past: the history as the front tells it now."""
        if self.real:
            rebuilt = Path(tempfile.mkdtemp(prefix="told-", dir=self.folder))
            remember(rebuilt, self.front, READY_SECONDS)
            self.after_settling(partial(self._exchange, rebuilt, time.time()))

    def _exchange(self, rebuilt: Path, until: float) -> None:
        """Have another past in place of all that was seen up to a moment.

        A block is read when Prometheus looks through its folder, which it does when it has emptied one. Started anew it
        would do so too, and then ask nobody for five seconds.
        """
        self._delete(0, until, FRONT)
        for block in (rebuilt / BLOCKS).iterdir():
            block.rename(self.folder / BLOCKS / block.name)
        rebuilt.joinpath(BLOCKS).rmdir()
        rebuilt.rmdir()
        self._clean()

    def deny(self, *, denied: bool) -> None:
        """Let Prometheus ask for a password that nobody has; it reads the file anew for each request."""
        (self.folder / "web.yml").write_text(LOCKED if denied else "{}", encoding="utf-8")

    def silence(self, **labels: str) -> str:
        """Silence the alerts that carry these labels, and return the silence's name."""
        moment = datetime.now(UTC)
        content = {
            "matchers": [{"name": name, "value": value, "isRegex": False} for name, value in labels.items()],
            "startsAt": moment.isoformat(),
            "endsAt": (moment + timedelta(hours=1)).isoformat(),
            "createdBy": "sandbox",
            "comment": "a fault",
        }
        answer = _post(f"{self.alertmanager_url}/api/v2/silences", json.dumps(content).encode())
        return str(json.loads(answer)["silenceID"])

    def unsilence(self, name: str) -> None:
        """End a silence."""
        _post(f"{self.alertmanager_url}/api/v2/silence/{name}", method="DELETE")

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Ask Prometheus for the series of a query."""
        with _DIRECT.open(f"{self.prometheus_url}/api/v1/query?{urlencode({'query': query})}", timeout=5) as answer:
            series: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return series

    def evaluated(self) -> None:
        """Wait until every alert rule has been evaluated once."""
        end = time.monotonic() + READY_SECONDS
        while self.real and time.monotonic() < end:
            with _DIRECT.open(f"{self.prometheus_url}/api/v1/rules", timeout=5) as answer:
                groups = json.load(answer)["data"]["groups"]
            if all(rule["health"] != "unknown" for group in groups for rule in group["rules"]):
                return
            time.sleep(0.05)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Wait once, when all has been changed that is changed meanwhile, instead of after each change."""
        due: list[Callable[[], object]] = []
        self._due = due
        try:
            yield
        finally:
            self._due = None
        if due:
            self.seen()
        for do in due:
            do()

    def settle(self) -> None:
        """Wait until Prometheus has seen the front as it is now, or leave that to the end of `together`."""
        self.after_settling(lambda: None)

    def after_settling(self, do: Callable[[], object]) -> None:
        """Do something when Prometheus has seen the front as it is now: at once, or at the end of `together`."""
        if self._due is None:
            self.seen()
            do()
        else:
            self._due.append(do)

    def seen(self) -> None:
        """Wait until Prometheus has seen the front as it is now; it begins five seconds after its start."""
        wanted = time.time()
        end = time.monotonic() + READY_SECONDS
        while self.real and time.monotonic() < end:
            scraped_at = [float(series["value"][1]) for series in self.ask("timestamp(up)")]
            if scraped_at and min(scraped_at) > wanted:
                return
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop both."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            _end(process)
        self.catcher_web.stop()
        for absent in self.absent.values():
            absent.web.stop()


def start(folder: Path, front: Front, targets: dict[str, str]) -> Monitoring:
    """Start both over a week of history, as far as they are there and start. `targets`: job → host and port."""
    folder.mkdir()
    catcher = Catcher()
    catcher_web = Web(catcher.application())
    ports = {PROMETHEUS: free_port(), ALERTMANAGER: free_port()}
    for name, text in {
        "rules.yml": RULES.read_text(encoding="utf-8"),
        "web.yml": "{}",
        "prometheus.yml": json.dumps(_configuration(targets, ports[ALERTMANAGER])),
        "alertmanager.yml": json.dumps(routing(catcher_web.url)),
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    arguments = {
        PROMETHEUS: _prometheus_arguments(folder, ports[PROMETHEUS]),
        ALERTMANAGER: _alertmanager_arguments(folder, ports[ALERTMANAGER]),
    }
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    processes, absent = _start_servers(folder, front, arguments, urls)
    urls |= {name: stand_in.web.url for name, stand_in in absent.items()}
    return Monitoring(
        folder,
        urls[PROMETHEUS],
        urls[ALERTMANAGER],
        processes,
        absent,
        front,
        catcher,
        catcher_web,
        arguments=arguments[PROMETHEUS],
    )


def _start_servers(
    folder: Path, front: Front, arguments: dict[str, tuple[str, ...]], urls: dict[str, str]
) -> tuple[dict[str, subprocess.Popen[bytes]], dict[str, Absent]]:
    """Start each server, and then wait for all of them; return those that run, and what answers for the others."""
    processes: dict[str, subprocess.Popen[bytes]] = {}
    absent: dict[str, Absent] = {}
    for name, own_arguments in arguments.items():
        try:
            path = program(name)
            if name == PROMETHEUS:
                remember(folder, front, READY_SECONDS)
            processes[name] = _run(folder, name, path, *own_arguments)
        except ServerFailed as error:
            absent[name] = Absent(name, str(error))
    deadline = _deadline()
    for name in list(processes):
        try:
            _wait(name, urls[name], processes[name], folder, deadline)
        except ServerFailed as error:
            absent[name] = Absent(name, str(error))
            _end(processes.pop(name))
    return processes, absent


def _prometheus_arguments(folder: Path, port: int) -> tuple[str, ...]:
    return (
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / BLOCKS}",
        "--storage.tsdb.retention.time=30d",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
        "--web.enable-admin-api",
        f"--web.config.file={folder / 'web.yml'}",
    )


def _alertmanager_arguments(folder: Path, port: int) -> tuple[str, ...]:
    return (
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alerts'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )


def _configuration(targets: dict[str, str], alertmanager_port: int) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": SCRAPE, "evaluation_interval": EVALUATION},
        "rule_files": ["rules.yml"],
        "storage": {"tsdb": {"out_of_order_time_window": "8d"}},  # a fault may add a past: see `Front.backfill`
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]}]},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [where], "labels": {"instance": "sandbox"}}]}
            for job, where in targets.items()
        ],
    }


def _run(folder: Path, name: str, path: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a server. Raises ServerFailed."""
    with (folder / f"{name}.log").open("ab") as log:
        try:
            return start_server((path, *arguments, "--log.level=warn"), cwd=folder, stdout=log, stderr=log)
        except OSError as error:  # it is no program, or one for another machine
            raise broken(name, str(error.strerror)) from None


def _deadline() -> float:
    return time.monotonic() + READY_SECONDS


def _wait(name: str, url: str, process: subprocess.Popen[bytes], folder: Path, deadline: float) -> None:
    """Wait until a server answers that it is ready. Raises ServerFailed."""
    while process.poll() is None:
        try:
            with _DIRECT.open(f"{url}/-/ready", timeout=1):
                return
        except OSError:
            time.sleep(0.02)
        if time.monotonic() > deadline:
            raise broken(name, f"it was not ready within {READY_SECONDS:g} seconds")
    log = (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
    raise broken(name, f"it ended with {process.returncode}: {last_line(log)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:  # it does not listen to signals
        process.kill()
        process.wait()


def _post(url: str, content: bytes = b"", method: str = "POST") -> bytes:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, content, headers, method=method)  # noqa: S310  our own loopback
    try:
        with _DIRECT.open(request, timeout=10) as answer:
            body: bytes = answer.read()
    except urllib.error.HTTPError as error:
        raise MonitoringFailed(f"{url}: {error.read().decode('utf-8', 'replace')}") from None
    return body
