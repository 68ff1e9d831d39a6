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
from readiness.commands import add_env, add_environments, add_reports, count
from readiness.config import documents
from readiness.errors import BadRun, ReadinessError
from readiness.evidence.key_worth import told_before
from readiness.rehearsal import evidence as rehearsal_evidence
from readiness.rehearsal.evidence import RehearsalEvidence
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.histogram import merged
from readiness.rehearsal.stages import STAGES
from readiness.rehearsal.verdict import Conclusion, Judgement, judge
from readiness.rendering.terminal import say
from readiness.sandbox import Sandbox
from readiness.sandbox.processes import end_with_parent, free_port

HELP = "let load loose on a target that allows it: smoke, load, stress, launch"
REFUSED = 2
"""The exit code of Locust's process where the load is refused."""
LOOK_SECONDS = 10
"""The time from one line of progress to the next."""
POLL_SECONDS = 0.2
GRACE_SECONDS = 120
"""A run that is so much later than its stage allows has hung, and is ended."""
TOP_SPEED_SECONDS = 600
"""The same for a run that has not said yet how long it takes."""


@dataclass(frozen=True)
class StageEnd:
    """How a stage ended."""

    code: int
    """The exit code of its process."""
    folder: Path | None = None
    """That of the evidence it left."""
    judged: Judgement | None = None

    @property
    def word(self) -> Conclusion:
        """Its verdict: inconclusive without evidence."""
        return self.judged.word if self.judged else Conclusion.INCONCLUSIVE

    def __str__(self) -> str:
        if self.judged:
            return self.judged.word.upper()
        return "REFUSED" if self.code == REFUSED else "NO EVIDENCE"


class CannotRehearse(ReadinessError):
    """Nobody said what to run."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_env(parser, required=False)
    parser.add_argument("--stage", action="append", metavar="NAME", help=f"repeatable (default: {', '.join(STAGES)})")
    parser.add_argument("--processes", type=count, default=1, metavar="N", help="how many make the load (default: 1)")
    parser.add_argument("--allow", choices=["load"], help="let it loose on production; needs --confirm")
    parser.add_argument("--confirm", metavar="HOST", help="the host name of the production target")
    parser.add_argument("--keep-going", action="store_true", help="run the next stage though one did not pass")
    parser.add_argument("--self-check", action="store_true", help="prove the figures on this machine; contacts nobody")
    add_environments(parser)
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Run the stages; return 0 when all passed, 1 when one failed, 10 when one was inconclusive or not run.

    2 where the load was refused. Raises CannotRehearse, and BadInput for a key that cannot be used.
    """
    if options.self_check:
        command = [sys.executable, "-m", "loadtests.selfcheck"]
        return subprocess.run(command, cwd=shipped.loadtests().parent, check=False).returncode  # noqa: S603  our own
    if not options.env:
        raise CannotRehearse("name an environment: --env NAME, or prove the figures first: --self-check")

    # What it says is said by each stage, however that is started.
    told_before("rehearsal", options.env, options.environments)
    ended: dict[str, StageEnd] = {}
    with ExitStack() as stack:
        variables: Mapping[str, str] = os.environ
        if _is_sandbox(options) and "SANDBOX_URL" not in variables:
            variables = {**variables, **stack.enter_context(Sandbox.start(launched=True)).variables}

        signals = stack.enter_context(_caught_signals())
        for stage in options.stage or STAGES:
            ended[stage] = _rehearse(options, stage, variables, signals)
            if signals or _is_last(ended[stage], keep_going=options.keep_going):
                break

    code = _print_summary(options, ended)
    if any(end.code == REFUSED for end in ended.values()):
        return REFUSED
    return code


def _is_last(end: StageEnd, *, keep_going: bool) -> bool:
    """Check whether no other stage is to follow one."""
    # What was refused once would be refused again.
    if end.code == REFUSED:
        return True
    return not keep_going and end.word is not Conclusion.PASS


def _is_sandbox(options: argparse.Namespace) -> bool:
    path = options.environments / f"{options.env}.yaml"
    data = documents.read(path).data if path.is_file() else None
    return isinstance(data, dict) and data.get("sandbox") is True


@contextmanager
def _caught_signals() -> Iterator[list[int]]:
    """Yield the signals to stop, a list that grows: none ends this command before it has ended what makes the load."""
    caught: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.signal(number, lambda number, _: caught.append(number)) for number in numbers}
    try:
        yield caught
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _rehearse(options: argparse.Namespace, stage: str, variables: Mapping[str, str], signals: list[int]) -> StageEnd:
    """Run one stage, and return how it ended."""
    earlier = set(rehearsal_evidence.folders(options.reports, options.env, stage))
    read_newest = partial(_newest, options, stage, earlier)

    process = subprocess.Popen(  # noqa: S603  our own words
        _command(options, stage),
        env=dict(variables),
        preexec_fn=partial(end_with_parent, signal.SIGTERM),  # noqa: PLW1509  it makes one system call, before any thread
    )
    try:
        _watch(process, stage, read_newest, signals)
        if signals:
            _stop(process, read_newest, signals)
    finally:
        _end(process)

    evidence = read_newest()
    return StageEnd(
        code=process.returncode,
        folder=next(iter(_new_folders(options, stage, earlier)), None),
        judged=judge(Figures.of(evidence)) if evidence else None,
    )


def _watch(
    process: subprocess.Popen[bytes],
    stage: str,
    read_newest: Callable[[], RehearsalEvidence | None],
    signals: list[int],
) -> None:
    """Print how it goes, until the process ends, hangs, or is to stop."""
    began = printed = time.monotonic()
    longest = TOP_SPEED_SECONDS
    while process.poll() is None and not signals:
        time.sleep(POLL_SECONDS)
        if time.monotonic() - printed < LOOK_SECONDS:
            continue

        printed = time.monotonic()
        evidence = read_newest()
        if evidence:
            longest = round(evidence.asked.seconds + 3 * evidence.asked.ramp_seconds) + GRACE_SECONDS
            say(_progress(evidence))

        if time.monotonic() - began > longest:
            say(f"{stage}: hangs for more than {longest} s; it is ended")
            return


def _stop(
    process: subprocess.Popen[bytes], read_newest: Callable[[], RehearsalEvidence | None], signals: list[int]
) -> None:
    """Pass the signals on, and wait for the users as long as they may take to finish."""
    say("stopping: the users finish what they began")
    evidence = read_newest()
    drain_seconds = evidence.asked.drain_seconds if evidence else 0

    began = time.monotonic()
    deadline = began + GRACE_SECONDS + drain_seconds
    looks_at = began + LOOK_SECONDS
    passed_on = 0
    while process.poll() is None and time.monotonic() < deadline:
        if signal.SIGTERM in signals[passed_on:]:
            process.terminate()
        passed_on = len(signals)

        time.sleep(POLL_SECONDS)
        if time.monotonic() > looks_at:
            # Once only: by now it has to be stopping.
            looks_at = deadline
            # A terminal sends Ctrl-C to Locust too; a SIGINT to this process alone does not reach it.
            evidence = read_newest()
            if evidence is None or evidence.ended == "running":
                process.terminate()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process, so that nobody makes load any more."""
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
    if options.allow:
        command += ["--allow", options.allow]
    if options.confirm:
        command += ["--confirm", options.confirm]
    if options.processes > 1:
        command += _several(options.processes)
    return command


def _several(processes: int) -> list[str]:
    """Return the options that let several processes make the load."""
    # On one machine nobody else needs to reach the leading process, and another rehearsal may have Locust's own port.
    port = str(free_port())
    leading = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port]
    return ["--processes", str(processes), *leading, "--master-port", port]


def _new_folders(options: argparse.Namespace, stage: str, earlier: set[Path]) -> Iterator[Path]:
    """Yield the folders of evidence that were made since, the newest first."""
    for folder in rehearsal_evidence.folders(options.reports, options.env, stage):
        if folder not in earlier:
            yield folder


def _newest(options: argparse.Namespace, stage: str, earlier: set[Path]) -> RehearsalEvidence | None:
    """Return the newest evidence that can be read of those made since."""
    for folder in _new_folders(options, stage, earlier):
        if not (folder / rehearsal_evidence.FILE).is_file():
            continue
        try:
            return rehearsal_evidence.read(folder)
        except BadRun as error:
            say(str(error))
    return None


def _progress(evidence: RehearsalEvidence) -> str:
    """Return the line of progress: minutes, users, answers a second, p95 of the last slices in seconds, failures."""
    elapsed = max(evidence.seconds, default=0) - evidence.started_at.timestamp()
    users = evidence.users[max(evidence.users)] if evidence.users else 0
    failed = sum(part[3] for part in evidence.slices.values())

    # The newest second is not over yet.
    recent = [evidence.seconds[second] for second in sorted(evidence.seconds)[-LOOK_SECONDS - 1 : -1]]
    rate = sum(answered for _, answered in recent) / max(len(recent), 1)
    p95 = merged(evidence.slices[at][1] for at in sorted(evidence.slices)[-2:]).middle(0.95)
    return (
        f"{evidence.stage:<8} {elapsed / 60:5.1f} of {evidence.asked.seconds / 60:.1f} min  {users:>6,} users"
        f"  {rate:>7,.0f}/s  p95 at most {p95:.3f} s  {failed:,} failed"
    )


def _print_summary(options: argparse.Namespace, ended: Mapping[str, StageEnd]) -> int:
    """Print how each stage ended; return the exit code of the worst."""
    say()
    for stage, end in ended.items():
        page = end.folder / "page.html" if end.folder else ""
        say(f"{stage:<10} {end!s:<13} {page}")
        for reason in end.judged.reasons if end.judged else ():
            say(f"           {reason.word}: {reason.says}. Next: {reason.next}")

    words = {end.word for end in ended.values()}
    not_run = [stage for stage in options.stage or STAGES if stage not in ended]
    if not_run:
        say(f"not run: {', '.join(not_run)}")
        words.add(Conclusion.INCONCLUSIVE)

    for word in (Conclusion.FAIL, Conclusion.INCONCLUSIVE):
        if word in words:
            return word.exit
    return Conclusion.PASS.exit
