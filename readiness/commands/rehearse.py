"""`readiness rehearse`: load rehearsals, stage after stage, each in a process of its own; one summary at the end."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from readiness import shipped
from readiness.commands import add_env, add_environments, add_reports
from readiness.config import documents
from readiness.errors import BadRun, ReadinessError
from readiness.rehearsal import evidence as rehearsal_evidence
from readiness.rehearsal.evidence import Evidence
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.histogram import merged
from readiness.rehearsal.stages import STAGES
from readiness.rehearsal.verdict import Judgement, Word, judge
from readiness.sandbox import Sandbox
from readiness.sandbox.processes import end_with_parent, free_port

HELP = "let load loose on a target that allows it: smoke, load, stress, launch"
REFUSED = 2
LOOK_SECONDS = 10
POLL_SECONDS = 0.2
GRACE_SECONDS = 120
"""A run that is so much later than its stage allows has hung, and is ended."""
TOP_SPEED_SECONDS = 600
"""For a run that has not said yet how long it takes."""


@dataclass(frozen=True)
class Ended:
    """How a stage ended: its exit code, and the folder and the judgement of the evidence that it left."""

    code: int
    folder: Path | None = None
    judged: Judgement | None = None

    @property
    def word(self) -> Word:
        """What it counts as: without evidence nothing is known."""
        return self.judged.word if self.judged else Word.INCONCLUSIVE

    def __str__(self) -> str:
        if self.judged:
            return self.judged.word.upper()
        return "REFUSED" if self.code == REFUSED else "NO EVIDENCE"


class CannotRehearse(ReadinessError):
    """Nobody said what to run."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command line may say."""
    add_env(parser, required=False)
    parser.add_argument("--stage", action="append", metavar="NAME", help=f"repeatable (default: {', '.join(STAGES)})")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="how many make the load (default: 1)")
    parser.add_argument("--allow", choices=["load"], help="let it loose on production; needs --confirm")
    parser.add_argument("--confirm", metavar="HOST", help="the host name of the production target")
    parser.add_argument("--keep-going", action="store_true", help="run the next stage though one did not pass")
    parser.add_argument("--self-check", action="store_true", help="prove the figures on this machine; contacts nobody")
    add_environments(parser)
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Run the stages; 0 when all passed, 1 when one failed, 10 when one was inconclusive or not run."""
    if options.self_check:
        command = [sys.executable, "-m", "loadtests.selfcheck"]
        return subprocess.run(command, cwd=shipped.loadtests().parent, check=False).returncode  # noqa: S603  our own
    if not options.env:
        raise CannotRehearse("name an environment: --env NAME, or prove the figures first: --self-check")
    found: dict[str, Ended] = {}
    with ExitStack() as stack:
        variables: Mapping[str, str] = os.environ
        if _is_sandbox(options) and "SANDBOX_URL" not in variables:
            variables = {**variables, **stack.enter_context(Sandbox.start(launched=True)).variables}
        came = stack.enter_context(_signals())
        for stage in options.stage or STAGES:
            ended = found[stage] = _rehearse(options, stage, variables, came)
            if came or ended.code == REFUSED or (not options.keep_going and ended.word is not Word.PASS):
                break
    code = _summary(options, found)
    return REFUSED if any(ended.code == REFUSED for ended in found.values()) else code


def _is_sandbox(options: argparse.Namespace) -> bool:
    path = options.environments / f"{options.env}.yaml"
    data = documents.read(path).data if path.is_file() else None
    return isinstance(data, dict) and data.get("sandbox") is True


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Give the signals to stop as they come: none ends this command before it has ended what makes the load."""
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in numbers}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _rehearse(options: argparse.Namespace, stage: str, variables: Mapping[str, str], came: list[int]) -> Ended:
    """Run one stage and judge what it leaves."""
    before = set(rehearsal_evidence.folders(options.reports, options.env, stage))
    look = partial(_newest, options, stage, before)
    along = partial(end_with_parent, signal.SIGTERM)
    process = subprocess.Popen(_command(options, stage), env=dict(variables), preexec_fn=along)  # noqa: PLW1509, S603
    try:
        _watch(process, stage, look, came)
        if came:
            _stop(process, look, came)
    finally:
        _end(process)
    evidence = look()
    folder = next(
        (one for one in rehearsal_evidence.folders(options.reports, options.env, stage) if one not in before), None
    )
    return Ended(process.returncode, folder, judge(Figures.of(evidence)) if evidence else None)


def _watch(process: subprocess.Popen[bytes], stage: str, look: Callable[[], Evidence | None], came: list[int]) -> None:
    """Tell how it goes, until it ends, hangs, or is to stop."""
    began = told = time.monotonic()
    ends = TOP_SPEED_SECONDS
    while process.poll() is None and not came:
        time.sleep(POLL_SECONDS)
        if time.monotonic() - told < LOOK_SECONDS:
            continue
        told = time.monotonic()
        evidence = look()
        if evidence:
            ramp = evidence.asked.ramp_seconds
            ends = round(evidence.asked.seconds + 3 * ramp) + GRACE_SECONDS
            print(_progress(evidence), flush=True)
        if time.monotonic() - began > ends:
            print(f"{stage}: hangs for more than {ends} s; it is ended", flush=True)
            return


def _stop(process: subprocess.Popen[bytes], look: Callable[[], Evidence | None], came: list[int]) -> None:
    """Hand the signals on and wait for the users, as long as they may take."""
    print("stopping: the users finish what they began", flush=True)
    evidence, handed = look(), 0
    began = time.monotonic()
    looks, ends = began + LOOK_SECONDS, began + GRACE_SECONDS + (evidence.asked.drain_seconds if evidence else 0)
    while process.poll() is None and time.monotonic() < ends:
        if signal.SIGTERM in came[handed:]:
            process.terminate()
        handed = len(came)
        time.sleep(POLL_SECONDS)
        if time.monotonic() > looks:
            looks, evidence = ends, look()
            if evidence is None or evidence.ended == "running":
                process.terminate()  # a terminal tells Locust of Ctrl-C too; a SIGINT to this process alone does not


def _end(process: subprocess.Popen[bytes]) -> None:
    """See to it that nobody makes load any more."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _command(options: argparse.Namespace, stage: str) -> list[str]:
    locustfile = shipped.loadtests() / "locustfile.py"
    command = [sys.executable, "-m", "locust", "-f", str(locustfile), "--headless", "--only-summary"]
    command += ["--skip-log-setup", "--env", options.env, "--stage", stage]
    command += ["--environments", str(options.environments), "--reports", str(options.reports)]
    command += ["--allow", options.allow] if options.allow else []
    command += ["--confirm", options.confirm] if options.confirm else []
    command += _several(options.processes) if options.processes > 1 else []
    return command


def _several(processes: int) -> list[str]:
    """Return what lets several processes make the load."""
    # On one machine nobody else needs to reach the leading process, and another rehearsal may have Locust's own port.
    port = str(free_port())
    leading = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port]
    return ["--processes", str(processes), *leading, "--master-port", port]


def _newest(options: argparse.Namespace, stage: str, before: set[Path]) -> Evidence | None:
    for folder in rehearsal_evidence.folders(options.reports, options.env, stage):
        if folder not in before and (folder / rehearsal_evidence.FILE).is_file():
            try:
                return rehearsal_evidence.read(folder)
            except BadRun as error:
                print(error, flush=True)
    return None


def _progress(evidence: Evidence) -> str:
    """Write one line of how it goes."""
    now = max(evidence.seconds, default=0)
    gone = now - evidence.started_at.timestamp()
    recent = [evidence.seconds[second] for second in sorted(evidence.seconds)[-LOOK_SECONDS - 1 : -1]]
    rate = sum(answered for _, answered in recent) / max(len(recent), 1)
    p95 = merged(evidence.slices[at][1] for at in sorted(evidence.slices)[-2:]).middle(0.95)
    failed = sum(part[3] for part in evidence.slices.values())
    users = evidence.users[max(evidence.users)] if evidence.users else 0
    return (
        f"{evidence.stage:<8} {gone / 60:5.1f} of {evidence.asked.seconds / 60:.1f} min  {users:>6,} users"
        f"  {rate:>7,.0f}/s  p95 at most {p95:.3f} s  {failed:,} failed"
    )


def _summary(options: argparse.Namespace, found: Mapping[str, Ended]) -> int:
    print()
    for stage, ended in found.items():
        print(f"{stage:<10} {ended!s:<13} {ended.folder / 'page.html' if ended.folder else ''}")
        for reason in ended.judged.reasons if ended.judged else ():
            print(f"           {reason.word}: {reason.says}. Next: {reason.next}")
    left = [stage for stage in options.stage or STAGES if stage not in found]
    if left:
        print(f"not run: {', '.join(left)}")
    words = {*(ended.word for ended in found.values()), *(Word.INCONCLUSIVE for _ in left)}
    worst = next((word for word in (Word.FAIL, Word.INCONCLUSIVE) if word in words), Word.PASS)
    return worst.exit
