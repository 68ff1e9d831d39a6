"""Is what a rehearsal says true? Bars of the load rehearsals, one after the other.

    python tests/benchmarks/load_truth.py truth busy neighbours connects tls_start workers freeze limit

Each line: the figures, and `ok` or `MISSED`. Needs two free processors; about nine minutes for all of them.

A hold is as long as its bar needs. Most figures are compared with the server's own, of the same requests, so that few
of them are enough. `limit` is judged against a fixed number and needs many; `freeze` comes once a minute.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from loadtests.trial import Finding, Tls, Trial, truth_server  # noqa: E402
from loadtests.truth import Law  # noqa: E402
from readiness.rehearsal.verdict import Conclusion  # noqa: E402

BARS_MISSED = 3
"""The exit code of a benchmark that worked and whose figures are worse than its bars."""
missed: list[str] = []
RAMP = {"users_per_second": 200, "settle_seconds": 5, "drain_seconds": 20}
CALM = {"think_seconds": [0.5, 1.5], **RAMP}


def tell(name: str, finding: Finding, *, ok: bool) -> None:
    # Where the server itself was starved there is no truth to compare with: run it again on a quieter machine.
    word = "ok    " if ok else "MISSED" if finding.undisturbed else "VOID  "
    print(f"{word} {name}: {finding}", flush=True)
    if not ok:
        missed.append(name)


def certificate(folder: Path) -> Tls:
    """Sign a certificate for 127.0.0.1 with itself."""
    tls = Tls(folder / "cert.pem", folder / "key.pem")
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", *words, "-keyout", str(tls.key), "-out", str(tls.certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return tls


@contextmanager
def trial(law: Law, stage: dict[str, object], *words: str, tls: bool = False) -> Iterator[Trial]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        secured = certificate(folder) if tls else None
        with truth_server(law, secured) as url:
            yield Trial(folder, url, stage, secured, words)


def rehearse(law: Law, stage: dict[str, object], *words: str, tls: bool = False) -> Finding:
    with trial(law, stage, *words, tls=tls) as found:
        return Finding.of(found.run())


def truth() -> None:
    """Of few users and of many with TLS; `limit` has as many without."""
    for users, tls in [(100, False), (2000, True)]:
        finding = rehearse(Law(), {"users": users, "hold_minutes": 0.3, **CALM}, tls=tls)
        near = abs(finding.error(finding.evidence.kernel)) <= 0.01
        naive = finding.error(finding.evidence.naive) <= 0.02 or finding.judgement.word is not Conclusion.PASS
        tell(f"truth {users}{' tls' if tls else ''}", finding, ok=near and naive)


def busy() -> None:
    """More than 90 % of its processor in the generator, which is pinned to one; the server has the other."""
    stage = {"users": 2000, "hold_minutes": 0.3, "think_seconds": [0.02, 0.1], **RAMP}
    with trial(Law(), stage, tls=True) as found:
        process = found.start()
        subprocess.run(["taskset", "-acp", "1", str(process.pid)], check=True, capture_output=True)
        for server in psutil.Process().children():
            if server.pid != process.pid:
                server.cpu_affinity([0])
        process.wait()
        finding = Finding.of(found.evidence())
    loaded = finding.evidence.generators[0].cpu_share_mean > 0.9
    tell("busy tls", finding, ok=loaded and abs(finding.error(finding.evidence.kernel)) <= 0.01)


def neighbours() -> None:
    """Other processes on the generator's processor: true or inconclusive, never wrong and valid."""
    for number in (1, 2):
        stage = {"users": 2000, "hold_minutes": 0.25, **CALM}
        with trial(Law(), stage) as found, ExitStack() as stack:
            for _ in range(number):
                stack.callback(subprocess.Popen(["taskset", "-c", "1", sys.executable, "-c", "while True: pass"]).kill)
            process = found.start()
            subprocess.run(["taskset", "-acp", "1", str(process.pid)], check=True, capture_output=True)
            process.wait()
            finding = Finding.of(found.evidence())
        near = abs(finding.error(finding.evidence.kernel)) <= 0.01
        wrong = finding.judgement.word is Conclusion.FAIL
        tell(f"{number} neighbours", finding, ok=near and not wrong)


def connects() -> None:
    """As many connects as users, above a thousand of them in one process."""
    finding = rehearse(Law(), {"users": 1200, "hold_minutes": 0.2, **CALM})
    tell("connects", finding, ok=finding.evidence.connections.opened == 1200)


def tls_start() -> None:
    """What 2,000 verified users cost until all of them are there, Locust itself included."""
    ramp = {**RAMP, "users_per_second": 100}
    # The second request of a user comes after all have connected, and many of them within the hold.
    stage = {"users": 2000, "hold_minutes": 0.2, "think_seconds": [25, 40], **ramp}
    with trial(Law(), stage, tls=True) as found:
        process = found.start()
        watched = psutil.Process(process.pid)
        time.sleep(24)
        spent, memory = sum(watched.cpu_times()[:2]), watched.memory_info().rss / 1e6
        process.wait()
        finding = Finding.of(found.evidence())
    handshakes = sum(finding.evidence.connections.handshake.values())
    print(f"       start of {handshakes} verified users, with their first requests: {spent:.2f} CPU s, {memory:.0f} MB")
    tell("tls start", finding, ok=spent <= 3 and memory <= 150 and handshakes == 2000)


def workers() -> None:
    """Recorded is sent, with one process and with four, and the percentiles agree with the server's."""
    for number in (1, 4):
        words = ["--processes", str(number)]
        finding = rehearse(Law(0.6, 1.3), {"users": 400, "hold_minutes": 0.2, **CALM}, *words)
        whole = finding.evidence.sent == finding.evidence.recorded == finding.record["requests"]
        tell(f"{number} workers", finding, ok=whole and abs(finding.error(finding.evidence.kernel)) <= 0.01)


def freeze() -> None:
    """Five seconds in every minute nothing is answered; else p95 is 0.3 s."""
    finding = rehearse(Law(0.1, 0.3, freeze_seconds=5), {"users": 100, "hold_minutes": 2.1, **CALM})
    silent = finding.evidence.longest_silence()
    print(f"       longest silence {silent} s")
    tell("freeze", finding, ok=finding.judgement.word is Conclusion.FAIL)


def limit() -> None:
    """A true p95 on either side of 1,500 ms. The law's own p95 wanders; what the server saw decides."""
    for p95, word in [(1.455, Conclusion.PASS), (1.55, Conclusion.FAIL)]:
        finding = rehearse(Law(0.6, p95), {"users": 2000, "hold_minutes": 0.4, **CALM})
        near = abs(finding.error(finding.evidence.kernel)) <= 0.01
        right = (finding.record["p95"] < 1.5) == (word is Conclusion.PASS)
        tell(f"limit {p95}", finding, ok=near and right and finding.judgement.word is word)


BARS: dict[str, Callable[[], None]] = {
    bar.__name__: bar for bar in (truth, busy, neighbours, connects, tls_start, workers, freeze, limit)
}

if __name__ == "__main__":
    for wanted in sys.argv[1:] or list(BARS):
        BARS[wanted]()
    if missed:
        print(f"missed: {', '.join(missed)}")
    sys.exit(BARS_MISSED if missed else 0)
