"""The course of one drill: its steps and their times, its evidence after each, and all put back at the end."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from readiness.drill import evidence as drill_evidence
from readiness.drill.evidence import BLANK, DrillStep, Evidence
from readiness.environment.drills import Action
from readiness.environment.schema import Environment
from readiness.outcomes import Unknown
from readiness.redaction.redactor import REDACTOR
from readiness.sources.readings import revision_of
from readiness.sources.table import Clients
from readiness.transport.guard import Guard

POLL_SECONDS = 0.2
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""They end a drill, and not before everything has been put back."""


class Stopped(BaseException):
    """A signal ended the drill."""


@dataclass
class Under:
    """A step under way; whoever takes it says what was seen."""

    done: bool = True
    found: str = ""
    failed: bool = False
    """Set as soon as it is seen: what comes after it may cut the drill short."""

    def saw(self, text: str, *, done: bool = True) -> None:
        """Say what was seen, and whether the step was done by that."""
        self.found, self.done = text, done


@dataclass
class Course:
    """One drill under way."""

    environment: Environment
    clients: Clients
    guard: Guard
    evidence: Evidence
    folder: Path
    say: Callable[[str], None]
    putting_back: bool = False
    _undo: list[tuple[str, Callable[[], object]]] = field(default_factory=list)

    def note(self, **facts: Any) -> None:
        """Add to what was found, and keep it."""
        told = {name: REDACTOR.text(value) if isinstance(value, str) else value for name, value in facts.items()}
        self._change(facts=self.evidence.facts.model_copy(update=told))

    @contextmanager
    def step(self, name: str, says: str) -> Iterator[Under]:
        """Take a step: it is told, timed and kept, also where it is not done."""
        began, under = datetime.now(UTC), Under()
        self.say(f"  {name:<11} {says}")
        try:
            yield under
        except Unknown as unknown:
            under.saw(f"{unknown.reason} ({unknown.remedy})", done=False)
            raise
        except BaseException as error:
            under.saw(str(error) or type(error).__name__, done=False)
            raise
        finally:
            ended, found = datetime.now(UTC), REDACTOR.text(under.found)
            step = DrillStep(
                name=name, says=says, began=began, ended=ended, done=under.done, found=found, failed=under.failed
            )
            self._change(steps=(*self.evidence.steps, step))
            word = "" if under.done else "NOT DONE: "
            self.say(f"  {'':<11} {(ended - began).total_seconds():.1f} s  {word}{found}".rstrip())

    def do(self, action: Action) -> str:
        """Do what the environment names. Raises Unknown."""
        return self.clients.operator.do(action)

    def wait(self, until: Callable[[], bool], seconds: float) -> float | None:
        """Wait for something; give the seconds that it took, None where it did not come."""
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
        """See to it that something is put back, however the drill ends; the result does it now."""
        entry = (says, undo)
        self._undo.append(entry)

        def now() -> None:
            undo()
            if entry in self._undo:
                self._undo.remove(entry)

        return now

    def put_back(self) -> None:
        """Put everything back, the last first; what fails is told and kept, and the others are still put back."""
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
        """Close the evidence."""
        because = REDACTOR.text(why)
        self._change(ended=word, ended_because=because, finished_at=datetime.now(UTC))

    def _change(self, **fields: Any) -> None:
        self.evidence = self.evidence.model_copy(update=fields)
        drill_evidence.write(self.evidence, self.folder)


def begin(name: str, environment: Environment, guard: Guard, reports: Path, say: Callable[[str], None]) -> Course:
    """Open a drill: who, where, when, at which revision. Raises OSError."""
    clients = Clients.of(environment, guard, reports)
    revision, why = _revision(environment, clients)
    now, folder = _fresh(reports / environment.environment / drill_evidence.FOLDER, name)
    evidence = Evidence.model_validate(
        {
            "schema": "readiness/drill/1",
            "run": folder.name,
            "environment": environment.environment,
            "drill": name,
            "url": environment.target.url,
            "revision": revision,
            "revision_unknown_because": REDACTOR.text(why),
            "started_at": now,
            "facts": BLANK[name],
        }
    )
    course = Course(environment, clients, guard, evidence, folder, say)
    drill_evidence.write(evidence, course.folder)
    return course


def _fresh(drills: Path, name: str) -> tuple[datetime, Path]:
    """Make the folder of a drill: none is written over, so that two of one second are one second apart."""
    while True:
        now = datetime.now(UTC)
        folder = drills / f"{now:%Y%m%dT%H%M%SZ}-{name}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            time.sleep(POLL_SECONDS)
        else:
            return now, folder


def conduct(course: Course, procedure: Callable[[Course], None]) -> Evidence:
    """Run a procedure to its end, and put everything back, also where it fails or is stopped."""
    before = {number: signal.signal(number, _stopper(course)) for number in SIGNALS}
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
        for number, handler in before.items():
            signal.signal(number, handler)
    return course.evidence


def _stopper(course: Course) -> Callable[[int, FrameType | None], None]:
    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        if course.putting_back:
            course.say("  everything is being put back; it ends by itself")
            return
        course.putting_back = True
        raise Stopped(signal.Signals(number).name)

    return stop


def _revision(environment: Environment, clients: Clients) -> tuple[str | None, str]:
    try:
        return revision_of(environment.target, clients.readings), ""
    except Unknown as unknown:
        return None, unknown.reason


def served(environment: Environment, clients: Clients) -> str:
    """Ask the target for the revision that it serves. Raises Unknown."""
    if isinstance(environment.target.revision, str | None):
        raise Unknown("target.revision asks nobody", "make it a reading: {http: ..., pointer: /revision}")
    return revision_of(environment.target, clients.readings)
