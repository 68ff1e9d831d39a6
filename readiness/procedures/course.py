"""The course of one drill: its steps and their times, its evidence after each, and all put back at the end."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from readiness.drill import evidence as drill_evidence
from readiness.drill.evidence import BLANK, DrillEvidence, DrillStep
from readiness.environment.drills import Action
from readiness.environment.schema import Environment
from readiness.outcomes import Unknown
from readiness.redaction.redactor import REDACTOR
from readiness.runbook.lines import Runbook
from readiness.sources.origins import own_sources
from readiness.sources.readings import revision_of
from readiness.sources.table import Clients
from readiness.transport.guard import Guard

POLL_SECONDS = 0.2
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""They end a drill, and not before everything has been put back."""


class Stopped(BaseException):
    """A signal ended the drill."""


@dataclass
class StepProgress:
    """A step under way; whoever takes it records what was seen."""

    done: bool = True
    seen: str = ""
    """What was seen, or why it was not done."""
    failed: bool = False
    """Set as soon as it is seen: what comes after it may cut the drill short."""

    def saw(self, text: str, *, done: bool = True) -> None:
        """Record what was seen, and whether the step was done by that."""
        self.seen, self.done = text, done


@dataclass
class Course:
    """One drill under way."""

    environment: Environment
    clients: Clients
    guard: Guard
    evidence: DrillEvidence
    folder: Path
    say: Callable[[str], None]
    """Writes a line for whoever runs the drill."""
    putting_back: bool = False
    """A signal no longer ends the drill."""
    _undo: list[tuple[str, Callable[[], object]]] = field(default_factory=list)

    def note(self, **facts: Any) -> None:
        """Add facts to the evidence, and write it."""
        redacted = {name: REDACTOR.text(value) if isinstance(value, str) else value for name, value in facts.items()}
        self._change(facts=self.evidence.facts.model_copy(update=redacted))

    @contextmanager
    def step(self, name: str, says: str) -> Iterator[StepProgress]:
        """Take a step: announce it, time it, and write it into the evidence, also where it is not done."""
        began = datetime.now(UTC)
        progress = StepProgress()
        self.say(f"  {name:<11} {says}")
        try:
            yield progress
        except Unknown as unknown:
            progress.saw(f"{unknown.reason} ({unknown.remedy})", done=False)
            raise
        except BaseException as error:
            progress.saw(str(error) or type(error).__name__, done=False)
            raise
        finally:
            self._end_step(name, says, began, progress)

    def _end_step(self, name: str, says: str, began: datetime, progress: StepProgress) -> None:
        ended = datetime.now(UTC)
        seen = REDACTOR.text(progress.seen)
        step = DrillStep(
            name=name, says=says, began=began, ended=ended, done=progress.done, found=seen, failed=progress.failed
        )
        self._change(steps=(*self.evidence.steps, step))

        seconds = (ended - began).total_seconds()
        mark = "" if progress.done else "NOT DONE: "
        self.say(f"  {'':<11} {seconds:.1f} s  {mark}{seen}".rstrip())

    def do(self, action: Action) -> str:
        """Do what the environment names, and return what came of it. Raises Unknown."""
        return self.clients.operator.do(action)

    def wait(self, until: Callable[[], bool], seconds: float) -> float | None:
        """Wait for something; return the seconds that it took, None where it did not come in time."""
        began = time.monotonic()
        while not until():
            if time.monotonic() - began > seconds:
                return None
            time.sleep(POLL_SECONDS)
        return time.monotonic() - began

    def not_needed(self, says: str) -> None:
        """Forget something that was to be put back: it never came to be."""
        self._undo = [entry for entry in self._undo if entry[0] != says]

    def at_the_end(self, says: str, undo: Callable[[], object]) -> Callable[[], None]:
        """See to it that something is put back, however the drill ends; return what does it now."""
        entry = (says, undo)
        self._undo.append(entry)

        def now() -> None:
            # It is forgotten after it was done: where that fails, the end tries once more.
            undo()
            if entry in self._undo:
                self._undo.remove(entry)

        return now

    def put_back(self) -> None:
        """Put everything back, the last first; what fails is written into the evidence, and the others still follow."""
        self.putting_back = True
        while self._undo:
            says, undo = self._undo.pop()
            self.say(f"  put back    {says}")
            try:
                undo()
            except Unknown as unknown:
                why = REDACTOR.text(f"{says}: {unknown.reason}")
                self.say(f"  NOT PUT BACK: {why}; do it by hand, now")
                self._change(left=(*self.evidence.left, why))

    def end(self, word: str, why: str = "") -> None:
        """Close the evidence: `whole` or `cut short`, and why."""
        self._change(ended=word, ended_because=REDACTOR.text(why), finished_at=datetime.now(UTC))

    def _change(self, **fields: Any) -> None:
        # Written after each change: a drill that is killed leaves what was seen by then.
        self.evidence = self.evidence.model_copy(update=fields)
        drill_evidence.write(self.evidence, self.folder)


def begin(
    name: str,
    environment: Environment,
    guard: Guard,
    reports: Path,
    say: Callable[[str], None],
    runbooks: Iterable[Runbook] = (),
) -> Course:
    """Return a new drill, with its evidence begun: who, where, when, at which revision. Raises OSError.

    What the environment's runbooks ask by themselves it may ask as well.
    """
    clients = Clients.of(environment, guard, reports).asking(own_sources(runbooks))
    revision, why_unknown = _revision(environment, clients)
    now, folder = _new_folder(reports / environment.environment / drill_evidence.FOLDER, name)
    evidence = DrillEvidence.model_validate(
        {
            "schema": "readiness/drill/1",
            "run": folder.name,
            "environment": environment.environment,
            "drill": name,
            "url": environment.target.url,
            "revision": revision,
            "revision_unknown_because": REDACTOR.text(why_unknown),
            "started_at": now,
            "facts": BLANK[name],
        }
    )
    course = Course(environment, clients, guard, evidence, folder, say)
    drill_evidence.write(evidence, course.folder)
    return course


def _new_folder(drills: Path, name: str) -> tuple[datetime, Path]:
    """Make the folder of a drill, and return its time and path; of two in one second the later waits for the next."""
    while True:
        now = datetime.now(UTC)
        folder = drills / f"{now:%Y%m%dT%H%M%SZ}-{name}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            time.sleep(POLL_SECONDS)
        else:
            return now, folder


def conduct(course: Course, procedure: Callable[[Course], None]) -> DrillEvidence:
    """Run a procedure to its end, put everything back, also where it fails or is stopped, and return the evidence."""
    handlers_before = {number: signal.signal(number, _stopper(course)) for number in SIGNALS}
    word, why = "cut short", "it ended in a fault of the suite itself"
    try:
        try:
            procedure(course)
            word, why = "whole", ""
        finally:
            course.put_back()
    except Unknown as unknown:
        why = f"{unknown.reason} ({unknown.remedy})"
    except Stopped as stopped:
        word, why = "cut short", f"it was stopped by {stopped}"
    finally:
        course.put_back()  # once more: a signal may have come in between
        course.end(word, why)
        course.clients.close()
        for number, handler in handlers_before.items():
            signal.signal(number, handler)
    return course.evidence


def _stopper(course: Course) -> Callable[[int, FrameType | None], None]:
    """Return a handler that ends the drill at the first signal, and lets everything be put back at a second one."""

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        if course.putting_back:
            course.say("  everything is being put back; it ends by itself")
            return
        # Set here and not in `put_back`: a second signal may come before that is reached.
        course.putting_back = True
        raise Stopped(signal.Signals(number).name)

    return stop


def _revision(environment: Environment, clients: Clients) -> tuple[str | None, str]:
    """Return the target's revision and "", or None and why it is not known."""
    try:
        return revision_of(environment.target, clients.readings), ""
    except Unknown as unknown:
        return None, unknown.reason


def served(environment: Environment, clients: Clients) -> str:
    """Return the revision that the target serves, as it says itself. Raises Unknown."""
    # One that is stated in the environment file stays the same whatever is served.
    if isinstance(environment.target.revision, str | None):
        raise Unknown("target.revision asks nobody", "make it a reading: {http: ..., pointer: /revision}")
    return revision_of(environment.target, clients.readings)
