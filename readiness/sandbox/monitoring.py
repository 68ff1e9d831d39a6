"""A real Prometheus and a real Alertmanager over the sandbox, with a week of history, where the machine has them.

Without them their addresses answer 503 with the words that install them, so that the lines are unknown and say why.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from readiness.sandbox.catcher import Catcher, routing
from readiness.sandbox.front import Front
from readiness.sandbox.processes import free_port, start_server
from readiness.sandbox.web import Web

PROGRAMS = ("prometheus", "promtool", "prometheus-alertmanager")
INSTALL = "not on this machine; install them: apt-get install prometheus prometheus-alertmanager"
RULES = Path(__file__).parent / "alert-rules.yml"
SCRAPE = "1s"
READY_SECONDS = 60.0
LOCKED = "basic_auth_users: {nobody: $2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay}"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class MonitoringFailed(RuntimeError):
    """Prometheus or Alertmanager did not start; the message ends with its log."""


@dataclass
class Monitoring:
    """What watches the sandbox. Each part may be missing."""

    folder: Path
    prometheus_url: str
    alertmanager_url: str
    processes: list[subprocess.Popen[bytes]]
    front: Front
    catcher: Catcher
    """Where its alerts arrive."""
    catcher_web: Web
    missing: Web | None = None
    words: tuple[str, ...] = ()
    """What Prometheus was started with."""

    @property
    def real(self) -> bool:
        """Tell whether the real servers run."""
        return self.missing is None

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

    def forget(self, since: float, until: float, match: str = '{job="front"}') -> None:
        """Take the samples of a span of time away again: what a fault left in them, or all of a metric that ended."""
        if self.real:
            asked = urlencode({"match[]": match, "start": f"{since:.3f}", "end": f"{until:.3f}"})
            _post(f"{self.prometheus_url}/api/v1/admin/tsdb/delete_series?{asked}")

    @contextmanager
    def spoiling(self) -> Iterator[None]:
        """See what the front counts meanwhile; then let it count on from before, and forget the time between."""
        since, counts = self._last_seen() + 0.001, self.front.remember()
        yield
        self.front.restore(counts)
        until = time.time()
        self.settle()
        self.forget(since, until)

    def _last_seen(self) -> float:
        """Return when Prometheus last read the front: what it read then is not to be forgotten.

        A second earlier it may have noted that a series has ended; who forgets that has the series back for minutes.
        """
        return self.value('timestamp(up{job="front"})') if self.real else time.time()

    def away(self) -> None:
        """Stop Prometheus."""
        self.processes[0].terminate()
        self.processes[0].wait(20)

    def back(self) -> None:
        """Start Prometheus again, where it was."""
        self.processes[0] = _run(self.folder, "prometheus", *self.words)
        _wait(self.prometheus_url, self.processes[0], self.folder)
        self.settle()

    def again(self) -> None:
        """Let Prometheus remember another past: the history as the front tells it now."""
        if self.real:
            self.away()
            shutil.rmtree(self.folder / "blocks")
            _remember(self.folder, self.front)
            self.back()

    def deny(self, *, denied: bool) -> None:
        """Let Prometheus ask for a password that nobody has; it reads the file anew for each request."""
        (self.folder / "web.yml").write_text(LOCKED if denied else "{}", encoding="utf-8")

    def silence(self, **labels: str) -> str:
        """Silence the alerts that carry these labels, and give the silence's name."""
        moment = datetime.now(UTC)
        content = {
            "matchers": [{"name": name, "value": value, "isRegex": False} for name, value in labels.items()],
            "startsAt": moment.isoformat(),
            "endsAt": (moment + timedelta(hours=1)).isoformat(),
            "createdBy": "sandbox",
            "comment": "a fault",
        }
        found = _post(f"{self.alertmanager_url}/api/v2/silences", json.dumps(content).encode())
        return str(json.loads(found)["silenceID"])

    def unsilence(self, name: str) -> None:
        """End a silence."""
        _post(f"{self.alertmanager_url}/api/v2/silence/{name}", method="DELETE")

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Ask Prometheus for the series of a query."""
        with _DIRECT.open(f"{self.prometheus_url}/api/v1/query?{urlencode({'query': query})}", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found

    def evaluated(self) -> None:
        """Wait until every alert rule has been evaluated once."""
        end = time.monotonic() + READY_SECONDS
        while self.real and time.monotonic() < end:
            with _DIRECT.open(f"{self.prometheus_url}/api/v1/rules", timeout=5) as answer:
                groups = json.load(answer)["data"]["groups"]
            if all(rule["health"] != "unknown" for group in groups for rule in group["rules"]):
                return
            time.sleep(0.05)

    def settle(self) -> None:
        """Wait until Prometheus has seen the front as it is now; it begins five seconds after its start."""
        wanted, end = time.time(), time.monotonic() + READY_SECONDS
        while self.real and time.monotonic() < end:
            found = self.ask("timestamp(up)")
            if found and all(float(one["value"][1]) > wanted for one in found):
                return
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop both."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(20)
        self.catcher_web.stop()
        if self.missing:
            self.missing.stop()


def start(folder: Path, front: Front, targets: dict[str, str]) -> Monitoring:
    """Start both over a week of history. `targets`: job → host and port. Raises MonitoringFailed."""
    folder.mkdir()
    catcher = Catcher()
    catcher_web = Web(catcher.application())
    found = {name: shutil.which(name) for name in PROGRAMS}
    if not all(found.values()):
        web = Web(Starlette(routes=[Route("/{path:path}", _not_installed)]))
        return Monitoring(folder, web.url, web.url, [], front, catcher, catcher_web, web)
    _remember(folder, front)
    port, alertmanager_port = free_port(), free_port()
    for name, text in {
        "rules.yml": RULES.read_text(encoding="utf-8"),
        "web.yml": "{}",
        "prometheus.yml": json.dumps(_configuration(targets, alertmanager_port)),
        "alertmanager.yml": json.dumps(routing(catcher_web.url)),
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    words = (
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'blocks'}",
        "--storage.tsdb.retention.time=30d",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
        "--web.enable-admin-api",
        f"--web.config.file={folder / 'web.yml'}",
    )
    processes = [_run(folder, "prometheus", *words), _run_alertmanager(folder, alertmanager_port)]
    places = (f"http://127.0.0.1:{port}", f"http://127.0.0.1:{alertmanager_port}")
    for url, process in zip(places, processes, strict=True):
        _wait(url, process, folder)
    return Monitoring(folder, *places, processes, front, catcher, catcher_web, words=words)


def _run_alertmanager(folder: Path, port: int) -> subprocess.Popen[bytes]:
    return _run(
        folder,
        "prometheus-alertmanager",
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alerts'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )


def _configuration(targets: dict[str, str], alertmanager_port: int) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": SCRAPE, "evaluation_interval": SCRAPE},
        "rule_files": ["rules.yml"],
        "storage": {"tsdb": {"out_of_order_time_window": "8d"}},  # a fault may tell of a past: see `Front.tell`
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]}]},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [where], "labels": {"instance": "sandbox"}}]}
            for job, where in targets.items()
        ],
    }


def _remember(folder: Path, front: Front) -> None:
    """Give Prometheus the week that has passed."""
    text = folder / "history.txt"
    with text.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" if not line.endswith("\n") else line for line in front.history(time.time()))
    made = subprocess.run(  # noqa: S603  a program of the machine, our own words
        # One block, not one for every two hours: the file is read once and not a hundred times.
        [
            *(shutil.which("promtool") or "promtool", "tsdb", "create-blocks-from", "openmetrics"),
            *("--max-block-duration=480h", "--quiet", str(text), str(folder / "blocks")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    text.unlink()
    if made.returncode:
        raise MonitoringFailed(f"promtool took no history: {made.stderr[-800:]}")


def _run(folder: Path, program: str, *words: str) -> subprocess.Popen[bytes]:
    with (folder / f"{program}.log").open("ab") as log:
        command = (shutil.which(program) or program, *words, "--log.level=warn")
        return start_server(command, cwd=folder, stdout=log, stderr=log)


def _wait(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with _DIRECT.open(f"{url}/-/ready", timeout=1):
                return
        except OSError:
            time.sleep(0.02)
    logs = "\n".join(path.read_text(encoding="utf-8", errors="replace")[-600:] for path in folder.glob("*.log"))
    raise MonitoringFailed(f"{url} did not become ready: {logs}")


def _post(url: str, content: bytes = b"", method: str = "POST") -> bytes:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, content, headers, method=method)  # noqa: S310  our own loopback
    try:
        with _DIRECT.open(request, timeout=10) as answer:
            found: bytes = answer.read()
    except urllib.error.HTTPError as error:
        raise MonitoringFailed(f"{url}: {error.read().decode('utf-8', 'replace')}") from None
    return found


async def _not_installed(request: Request) -> Response:
    del request
    return PlainTextResponse(f"Prometheus and Alertmanager are {INSTALL}", 503)
