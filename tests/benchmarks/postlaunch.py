"""How long a postlaunch run of all lines of all five runbooks takes: beside the sandbox, and 100 ms away from it.

    python tests/benchmarks/postlaunch.py [RUNS]

The distance is a proxy before every port of the sandbox, HTTP and PostgreSQL: it holds the bytes of each direction for
50 ms, and those that open a connection for one round trip more, as a handshake over the distance would. Prints the
wall time of whole pytest processes (and their own CPU time, which tells a busy machine from a slow run), and what their
lines came to; the bars are 5 s and 8 s of wall time. One run before is not counted: it leaves the compiled modules.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from readiness.runbook import lines as runbook_lines
from readiness.sandbox import Sandbox
from tests.environments import following

ROOT = Path(__file__).parents[2]
ONE_WAY_SECONDS = 0.05
BESIDE_SECONDS, AWAY_SECONDS = 5.0, 8.0
SINCE_LAUNCH = timedelta(hours=25)
"""By then every line of the phase is due."""
_PORT = re.compile(r"127\.0\.0\.1:(\d+)")
RUNS = 3


class Distance:
    """Proxies that hold what passes, each before one port; they live as long as the process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._ports: dict[str, int] = {}
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def before(self, text: str) -> str:
        """Lead the addresses in a text through the proxies."""
        return _PORT.sub(lambda found: f"127.0.0.1:{self._port(found[1])}", text)

    def _port(self, port: str) -> int:
        if port not in self._ports:
            self._ports[port] = asyncio.run_coroutine_threadsafe(self._open(int(port)), self._loop).result()
        return self._ports[port]

    async def _open(self, port: int) -> int:
        async def serve(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
            try:
                far, on = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                back.close()
                return
            await asyncio.gather(_carry(near, on, 2 * ONE_WAY_SECONDS), _carry(far, back, 0.0))

        server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=256)
        found: int = server.sockets[0].getsockname()[1]
        return found


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter, opening: float) -> None:
    """Pass bytes on, each piece as late as it came; what comes meanwhile is not held up."""
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    opened = time.monotonic() + opening

    async def take() -> None:
        while data := await source.read(65_536):
            pieces.put_nowait((max(time.monotonic(), opened) + ONE_WAY_SECONDS, data))
        pieces.put_nowait((time.monotonic() + ONE_WAY_SECONDS, b""))

    taking = asyncio.ensure_future(take())
    try:
        while True:
            due, data = await pieces.get()
            await asyncio.sleep(max(due - time.monotonic(), 0))
            if not data:
                break
            sink.write(data)
            await sink.drain()
    except ConnectionError:
        pass
    finally:
        taking.cancel()
        sink.close()


def run(folder: Path, variables: dict[str, str]) -> tuple[float, float, Counter[str]]:
    """Time one whole run, and count the outcomes of its lines."""
    usual = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    usual |= {"PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    reports = folder / f"reports-{time.monotonic_ns()}"
    command = [sys.executable, "-m", "pytest", "-q", "-m", "postlaunch", "--env", "local"]
    command += [f"--environments={folder}", f"--reports={reports}"]
    started, worked = time.monotonic(), _worked()
    ran = subprocess.run(command, cwd=ROOT, env={**usual, **variables}, capture_output=True, text=True, check=False)
    seconds, work = time.monotonic() - started, _worked() - worked
    journals = sorted(reports.rglob("journal.jsonl"))
    if not journals:
        sys.exit(ran.stdout[-2000:] + ran.stderr[-2000:])
    records = [json.loads(line) for line in journals[-1].read_text(encoding="utf-8").splitlines()]
    return seconds, work, Counter(record["outcome"] for record in records if record["record"] == "result")


def _worked() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as name, Sandbox.start(launched=True, replica=True) as sandbox:
        folder = Path(name)
        text = (ROOT / "environments" / "local.yaml").read_text(encoding="utf-8")
        every = following(text, runbook_lines.shipped())
        (folder / "local.yaml").write_text(every, encoding="utf-8")
        launch_at = (datetime.now(UTC) - SINCE_LAUNCH).isoformat()
        beside = {**sandbox.variables, "SANDBOX_LAUNCH_AT": launch_at}
        run(folder, beside)
        distance = Distance()
        away = {key: distance.before(value) for key, value in beside.items()}
        for where, variables, bar in (("beside", beside, BESIDE_SECONDS), ("100 ms away", away, AWAY_SECONDS)):
            found = [run(folder, variables) for _ in range(runs)]
            times = " ".join(f"{seconds:.2f} (CPU {work:.2f})" for seconds, work, _ in found)
            counts = found[-1][2]
            outcomes = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
            print(f"{where:12} {times} s, bar {bar:g} s; {counts.total()} items: {outcomes}", flush=True)


if __name__ == "__main__":
    main()
