"""Is an outage told, and is a runner that cannot see told from one? True processes on a network of namespaces.

    python tests/benchmarks/blind_runs.py [RUNS]

After the launch a service is stopped, hung, slow, refusing and gone: each run must say PAGE within the deadline of its
phase. Then nothing is wrong with the service: the runner is offline, its name server dead, its proxy dead, or the way
to the target's network cut; a run may be INCOMPLETE, and no line may fail. The control of the environment is the
target's neighbour behind the same doors, or in its place the same neighbour as a source that a line reads. A way that
is cut to one address alone looks like a dead host from everywhere but there: it is tried with neither, and unknown.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.recorded import BARS_MISSED, Ended, run  # noqa: E402
from tests.benchmarks.small_network import NEIGHBOUR, PORT, TARGET, Network, enter, here  # noqa: E402

RUNS = 1
SECONDS_AT_MOST = 30.0
"""The phase's deadline, as the environment states it; beside it stand the start and the end of a process."""
BESIDE_SECONDS = 15.0
RUNNER_ITSELF = "127.0.0.1"
NEVER_ANSWERS = "10.77.3.1"
SLOW_SECONDS = "1.2"
NAME = "shop.readiness.test"
Meanwhile = Callable[[Network], None]


@dataclass(frozen=True)
class Trial:
    """What is done before a run, and what the run may say then."""

    name: str
    plant: Meanwhile
    words: frozenset[str]
    may_fail: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    host: str = TARGET
    controls: tuple[str, ...] = (NEIGHBOUR,)
    source: str = ""
    """What a line reads a number from; the target where nothing is stated."""
    name_server: str | None = None


def _nothing(_: Network) -> None:
    """Leave everything as it is."""


def _serving(*how: str) -> Meanwhile:
    return lambda network: network.target.serve(TARGET, *how)


def _offline(_: Network) -> None:
    here("link set outside down")


def _outages() -> Iterator[Trial]:
    """Yield the ways in which the service itself is down."""
    paged = frozenset({"PAGE"})
    yield Trial("stopped", lambda network: network.target.stop(), paged, may_fail=True)
    yield Trial("hung", lambda network: network.target.signal(signal.SIGSTOP), paged, may_fail=True)
    yield Trial("slow", _serving("200", SLOW_SECONDS), paged, may_fail=True)
    yield Trial("refusing with 503", _serving("503"), paged, may_fail=True)
    yield Trial("gone, in silence", lambda network: network.cut("blackhole", TARGET), paged, may_fail=True)
    no_control = Trial(
        "gone, and no control but a source", _cut("blackhole", TARGET), paged, may_fail=True, controls=()
    )
    yield replace(no_control, source=NEIGHBOUR)
    yield Trial("gone, says the router", lambda network: network.cut("unreachable", TARGET), paged, may_fail=True)


def _blind() -> Iterator[Trial]:
    """Yield the ways in which the runner cannot see a service that is well."""
    unknown, unmoved = frozenset({"INCOMPLETE"}), frozenset({"OK"})
    yield Trial("nothing is wrong", _nothing, unmoved)
    yield Trial("offline", _offline, unknown)
    yield Trial("offline, and no control but a source", _offline, unknown, controls=(), source=NEIGHBOUR)
    for name, server in (("refuses", RUNNER_ITSELF), ("is silent", NEVER_ANSWERS)):
        yield Trial(f"the name server {name}", _nothing, unknown, host=NAME, name_server=server)
    for name, port in (("refuses", "9"), ("hangs", "{hanging}")):
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), f"http://127.0.0.1:{port}")
        yield Trial(f"the proxy {name}", _nothing, unmoved, variables=proxies)
    for kind in ("blackhole", "unreachable"):
        both = _cut(kind, TARGET, NEIGHBOUR)
        yield Trial(f"the way to the target's network cut: {kind}", both, unknown)
        no_control = Trial(f"the same, and no control but a source there: {kind}", both, unknown, controls=())
        yield replace(no_control, source=NEIGHBOUR)
        yield Trial(f"the way to the target alone cut, no control: {kind}", _cut(kind, TARGET), unknown, controls=())


def _cut(kind: str, *addresses: str) -> Meanwhile:
    return lambda network: network.cut(kind, *addresses)


def main() -> int:
    """Try everything and print it; return whether a bar was missed."""
    enter()
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    missed = 0
    with Network() as network, tempfile.TemporaryDirectory(prefix="readiness-blind-") as name:
        network.neighbour.serve(NEIGHBOUR)
        for trials in (_outages(), _blind()):
            for trial in trials:
                missed += _tell(trial, [_once(trial, network, Path(name)) for _ in range(runs)])
    return BARS_MISSED if missed else 0


def _once(trial: Trial, network: Network, parent: Path) -> Ended:
    """Return how one run of a trial ended; each has evidence of its own, so that it stands on none before it."""
    folder = Path(tempfile.mkdtemp(dir=parent))
    _write(folder, trial)
    network.target.serve(TARGET)
    with _hanging_proxy() as port, _name_server(folder, trial.name_server):
        trial.plant(network)
        variables = {name: value.format(hanging=port) for name, value in trial.variables.items()}
        try:
            return run("postlaunch", "small", folder, folder / "reports", variables)
        finally:
            network.mend()


def _write(folder: Path, trial: Trial) -> None:
    """Write an environment with a line that judges the target, and one that reads from it."""
    base = f"http://{trial.host}:{PORT}"
    both = {"phase": ["postlaunch"], "gate": "blocker", "ref": "1"}
    health = {"health.live": {"path": "/health", "seconds_below": 0.5}}
    ladder = {"page": "failed"}
    reading = {"readings.number_at_most": {"reading": "n", "at_most": 5}}
    lines = [
        {"id": "health", "says": "it answers", "decided_by": health, "ladder": ladder, **both},
        {"id": "number", "says": "the number is low", "decided_by": reading, **both},
    ]
    # JSON is YAML.
    (folder / "book.yaml").write_text(json.dumps({"runbook": "book", "title": "Book", "lines": lines}))
    environment = {
        "environment": "small",
        "production": False,
        "runbooks": ["book.yaml"],
        "launch_at": (datetime.now(UTC) - timedelta(hours=2)).isoformat(),
        "allowed_hosts": [TARGET, NEIGHBOUR, NAME],
        "target": {"url": base},
        "http": {"deadline_seconds": 2},
        "readings": {"n": {"http": f"http://{trial.source or trial.host}:{PORT}/n", "pointer": "/n"}},
        "run": {
            "controls": [f"http://{control}:{PORT}/" for control in trial.controls],
            "seconds_at_most": SECONDS_AT_MOST,
        },
    }
    (folder / "small.yaml").write_text(json.dumps(environment))


@contextmanager
def _hanging_proxy() -> Iterator[int]:
    """Give the port of a proxy that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield int(listener.getsockname()[1])


@contextmanager
def _name_server(folder: Path, address: str | None) -> Iterator[None]:
    """Have this mount namespace ask another name server, as long as it lasts."""
    if address is None:
        yield
        return
    file = folder / "resolv.conf"
    file.write_text(f"nameserver {address}\noptions timeout:1 attempts:2\n")
    # The file may be a link; what it leads to is what is covered.
    covered = os.path.realpath("/etc/resolv.conf")
    subprocess.run(["mount", "--bind", str(file), covered], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", covered], check=True)


def _tell(trial: Trial, ended: list[Ended]) -> int:
    """Print what the runs of a trial came to; return how many were wrong."""
    wrong = [each for each in ended if not _is_right(trial, each)]
    seconds = [each.seconds for each in ended]
    word = "MISSED" if wrong else "ok    "
    times = f"{median(seconds):5.1f} s a run, {max(seconds):5.1f} s at worst"
    right = f"{len(ended) - len(wrong)} of {len(ended)} {' or '.join(sorted(trial.words))}"
    print(f"{word} {trial.name:<58} {right}; {times}", flush=True)
    for each in wrong:
        print(
            f"       {each.word}, exit {each.exit}, {each.seconds:.1f} s: {[*each.failed, *each.unknown]}", flush=True
        )
        if each.word == "no verdict":
            print(each.output, flush=True)
    return len(wrong)


def _is_right(trial: Trial, ended: Ended) -> bool:
    """Check whether a run said the right word in time, and failed no line where the service is well."""
    is_in_time = ended.seconds <= SECONDS_AT_MOST + BESIDE_SECONDS
    return ended.word in trial.words and is_in_time and (trial.may_fail or not ended.failed)


if __name__ == "__main__":
    raise SystemExit(main())
