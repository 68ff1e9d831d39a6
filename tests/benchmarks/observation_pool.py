"""How long 200 lines take whose observations each wait 100 ms for HTTP: all started together, and one after another.

    python tests/benchmarks/observation_pool.py

Prints both wall times of a whole pytest process and their ratio. One after another is what a single xdist worker does.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

LINES, DELAY_SECONDS = 200, 0.1
ROOT = Path(__file__).parents[2]


class Slow(BaseHTTPRequestHandler):
    """Answers each request after the delay."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        time.sleep(DELAY_SECONDS)
        body = b'{"value": 1}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the base class calls it so
        del format, arguments


class Server(ThreadingHTTPServer):
    """Takes all connections at once."""

    daemon_threads = True
    request_queue_size = 256


def write_environment(folder: Path, url: str) -> None:
    """Describe a target with one reading and one line for each of the lookups."""
    lines = [
        {
            "id": f"line-{number}",
            "ref": "1",
            "says": f"figure {number} is high enough",
            "phase": ["preflight"],
            "gate": "blocker",
            "decided_by": {"readings.number_at_least": {"reading": f"figure_{number}", "at_least": 1}},
        }
        for number in range(LINES)
    ]
    environment = {
        "environment": "slow",
        "production": False,
        "runbooks": ["slow-runbook.yaml"],
        "allowed_hosts": ["127.0.0.1"],
        "target": {"url": url},
        "readings": {f"figure_{number}": {"http": f"{url}/{number}", "pointer": "/value"} for number in range(LINES)},
    }
    (folder / "slow-runbook.yaml").write_text(yaml.safe_dump({"runbook": "slow", "title": "Slow", "lines": lines}))
    (folder / "slow.yaml").write_text(yaml.safe_dump(environment))


def seconds(folder: Path, *options: str) -> float:
    """Time one whole run; it must end in GO."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "preflight", "--env", "slow", *options]
    command += [f"--environments={folder}", f"--reports={folder / 'reports'}"]
    started = time.monotonic()
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(ran.stdout[-2000:] + ran.stderr[-2000:])
    return time.monotonic() - started


def main() -> None:
    """Measure and print."""
    server = Server(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_environment(folder, f"http://127.0.0.1:{server.server_port}")
        together, sequence = seconds(folder), seconds(folder, "-n", "1")
    print(f"{LINES} lines of {DELAY_SECONDS * 1000:.0f} ms")
    print(f"together        {together:6.2f} s")
    print(f"in sequence     {sequence:6.2f} s")
    print(f"ratio           {sequence / together:6.1f}")


if __name__ == "__main__":
    main()
