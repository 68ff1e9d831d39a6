"""The report of a run on a terminal, part by part: the worst first, the verdict last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Protocol

from readiness.evidence.attested import EntryStatus
from readiness.evidence.previous_run import Changes
from readiness.evidence.recorded_ahead import says_ahead
from readiness.evidence.records import RED_BESIDE, Result
from readiness.measurements import is_digits
from readiness.outcomes import DecisionKey, Gate, Outcome
from readiness.plugin.run import Run
from readiness.plugin.threads import ObservationTask
from readiness.rendering.diagnostics import attached
from readiness.rendering.exports import gate_of
from readiness.verdict import Verdict

COLOURS = {
    Outcome.FAIL: "red",
    Outcome.UNKNOWN: "yellow",
    Outcome.NOT_RUN: "yellow",
    Outcome.WARN: "yellow",
    Outcome.PASS: "green",
}
WORST_FIRST = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_RUN)
NAMED_AT_MOST = 8
NARROWEST = 60
LABEL = 9
INDENT = " " * LABEL


class Write(Protocol):
    """Writes one line in a colour."""

    def __call__(self, text: str, /, **markup: bool) -> None:
        """Write it."""


class TerminalPage:
    """Writes the parts, as wide as the terminal is."""

    def __init__(self, write: Write, width: int, *, several: bool) -> None:
        """`several` runbooks: then each line is named with its own."""
        self._write = write
        self._width = max(NARROWEST, width)
        self._several = several

    def changed(self, changes: Changes | None) -> None:
        """Write first of all what has turned since the run before."""
        if changes is None:
            return

        self._write("")
        if not changes.turned:
            self._wrap(f"{'same':<{LABEL}}{changes.as_before} ({changes.before.run})")
            return

        self._write(f"changed  since {changes.before.run}", bold=True)
        for change in changes.turned[:NAMED_AT_MOST]:
            text = f"{INDENT}{self._key(change.key)}: {change.before} -> {change.now}"
            self._wrap(text, **{COLOURS.get(change.now, "cyan"): True})
        more = changes.turned[NAMED_AT_MOST:]
        if more:
            names = ", ".join(self._key(change.key) for change in more)
            self._wrap(f"{INDENT}and {len(more)} more: {names}")

    def held(self, steps: Iterable[tuple[DecisionKey, str]]) -> None:
        """Write which steps of a ladder still stand."""
        for key, text in steps:
            self._write("")
            self._wrap(f"{'STANDS':<{LABEL}}{self._key(key)}: {text}", red=True)

    def bad(self, results: Sequence[Result]) -> None:
        """Write what failed, is unknown or was not run; those with one cause stand together, blockers first."""
        for outcome in WORST_FIRST:
            self._blocks(outcome, results)

    def stopped(self, tasks: Iterable[ObservationTask]) -> None:
        """Write what was changing something when the run ended, and what became of it."""
        for task in tasks:
            became, remedy = _ending(task)
            self._write("")
            self._wrap(f"{'STOPPED':<{LABEL}}{task.title}: {became}", yellow=True)
            if remedy:
                self._wrap(f"{INDENT}{'remedy':<{LABEL}}{remedy}")

    def warned(self, results: Sequence[Result]) -> None:
        """Write what passed near its limit."""
        self._blocks(Outcome.WARN, results)

    def _blocks(self, outcome: Outcome, results: Sequence[Result]) -> None:
        """Write the results of one outcome, a block for each cause."""
        shown = [result for result in results if result.outcome is outcome]
        shown.sort(key=lambda result: (result.gate is not Gate.BLOCKER, *_cause(result)))
        for _, block in groupby(shown, key=_cause):
            self._write("")
            self._block(outcome, list(block))

    def _block(self, outcome: Outcome, results: list[Result]) -> None:
        """Write the lines that have one cause, then the cause once."""
        colour = {COLOURS[outcome]: True}
        label = outcome.upper()
        for result in results[:NAMED_AT_MOST]:
            self._wrap(f"{label:<{LABEL}}{self._place(result)}: {result.says} ({gate_of(result)})", **colour)
            label = ""
        if len(results) > NAMED_AT_MOST:
            names = ", ".join(self._name(result) for result in results[NAMED_AT_MOST:])
            self._wrap(f"{INDENT}and {len(results) - NAMED_AT_MOST} more: {names}", **colour)

        reason, remedy = _cause(results[0])
        why = "measured" if outcome is Outcome.FAIL else "why"
        self._wrap(f"{INDENT}{why:<{LABEL}}{reason}")
        self._wrap(f"{INDENT}{'remedy':<{LABEL}}{remedy}")
        for link in dict.fromkeys(link for result in results for link in result.links):
            self._write(f"{INDENT}{'look':<{LABEL}}{link}")
        if len(results) == 1:
            self._write(f"{INDENT}{'again':<{LABEL}}{results[0].again}")  # whole, to be copied

    def people(self, statuses: Iterable[EntryStatus]) -> None:
        """Write the attestations and waivers of the lines, and which of them are void, expired or unused."""
        for status in statuses:
            colour = {"void": "red", "attested": "cyan"}.get(status.kind, "yellow")
            self._write("")
            self._wrap(f"{status.kind.upper():<{LABEL}}{status.entry}: {status.text}", **{colour: True})

    def stated(self, results: Sequence[Result]) -> None:
        """Write which outcomes rest on what somebody wrote down; the reason of an unknown one says so by itself."""
        shown = [result for result in results if result.says_stated and result.says_stated != result.reason]
        for says, group in groupby(sorted(shown, key=_says_stated), key=_says_stated):
            names = ", ".join(f"{self._name(result)} ({result.outcome})" for result in group)
            self._write("")
            self._wrap(f"{'DECLARED':<{LABEL}}{says}: {names}", yellow=True)

    def overlaid(self, results: Sequence[Result]) -> None:
        """Write which outcomes rest on limits of the environment that are looser than the line's, or other words."""
        shown = sorted((result for result in results if result.overlaid), key=_says_overlaid)
        for says, group in groupby(shown, key=_says_overlaid):
            names = ", ".join(f"{self._name(result)} ({result.outcome})" for result in group)
            self._write("")
            self._wrap(f"{'LIMIT':<{LABEL}}{names}: {says}", yellow=True)

    def unused(self, readings: Iterable[str]) -> None:
        """Write which readings of the environment nothing asks for."""
        for says in readings:
            self._write("")
            self._wrap(f"{'UNUSED':<{LABEL}}{says}", yellow=True)

    def ahead(self, results: Sequence[Result]) -> None:
        """Write which lines will fail by a limit that binds from a later day."""
        for result in results:
            says = says_ahead(result.outcome, result.ahead)
            if says:
                self._write("")
                self._wrap(f"{'AHEAD':<{LABEL}}{self._name(result)}: {says}", yellow=True)

    def missing(self, run: Run, verdict: Verdict) -> None:
        """Write what the runbook demands and nobody answered."""
        if not verdict.missing:
            return
        names = ", ".join(dict.fromkeys(self._key(key) for key in verdict.missing))
        self._write("")
        self._wrap(f"{'NOT RUN':<{LABEL}}{len(verdict.missing)} decisions of {run.phase}: {names}", yellow=True)

    def passed(self, results: Sequence[Result]) -> None:
        """Write what passed, with value and limit, one line each, by section of the runbook."""
        passed = [result for result in results if result.outcome is Outcome.PASS]
        # The values stand in one column, unless a name is so long that it would push them off the screen.
        longest = max((len(self._name(result)) for result in passed), default=0)
        column = min(longest, self._width // 3)
        passed.sort(key=lambda result: _natural(result.ref))
        for ref, section in groupby(passed, key=lambda result: result.ref):
            self._write("")
            self._write(f"passed   {ref}", bold=True)
            for result in section:
                self._write(self._cut(f"  {self._name(result):<{column}}  {_measured(result)}"), green=True)

    def left_out(self, results: Sequence[Result]) -> None:
        """Write what is not due and what is not applicable, and why."""

        def cause(result: Result) -> tuple[Outcome, str]:
            return result.outcome, result.reason

        left_out = [result for result in results if result.outcome in {Outcome.NOT_DUE, Outcome.NOT_APPLICABLE}]
        for (outcome, reason), group in groupby(sorted(left_out, key=cause), key=cause):
            names = ", ".join(self._name(result) for result in group)
            self._write("")
            self._wrap(f"{outcome:<{LABEL}}{reason}: {names}", cyan=True)

    def diagnostics(self, results: Sequence[Result]) -> None:
        """Write what was attached to the lines that are not well; the journal has all of it."""
        diagnostics = [(self._name(result), result.outcome, result.diagnostics) for result in results]
        for diagnostic in attached(diagnostics):
            self._write("")
            self._wrap(diagnostic.title, bold=True)
            for row in diagnostic.rows:
                self._write(self._cut(f"  {row}"))

    def beside(self, names: Sequence[str]) -> None:
        """Write what failed and decides no line: pytest's exit code speaks for it, and the verdict does not."""
        if not names:
            return
        self._write("")
        for name in names[:NAMED_AT_MOST]:
            self._wrap(f"{'BESIDE':<{LABEL}}{name} failed, and decides no line", red=True)
        if len(names) > NAMED_AT_MOST:
            self._wrap(f"{INDENT}and {len(names) - NAMED_AT_MOST} more", red=True)
        self._wrap(f"{INDENT}so pytest exits with 1, whatever the lines are", red=True)

    def close(
        self,
        run: Run,
        verdict: Verdict,
        evidence: tuple[Path | None, list[str]],
        signed: list[str],
        *,
        is_red_beside: bool,
    ) -> None:
        """Close with where the evidence lies, what it is worth, what holds the verdict back, and the verdict."""
        folder, files = evidence
        self._write("")
        if folder:
            self._wrap(f"{'evidence':<{LABEL}}{folder}/: {', '.join(files) or 'nothing'}")
            for text in signed:
                self._wrap(text)
            self._write(f"{'next':<{LABEL}}readiness verify {folder}")

        if verdict.holding:
            names = list(dict.fromkeys(self._key(key) for key in verdict.holding))
            more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
            self._wrap(f"{'held by':<{LABEL}}{', '.join(names[:NAMED_AT_MOST])}{more}")

        counts = ", ".join(f"{number} {word}" for word, number in sorted(verdict.counts.items()))
        cut_short = "" if verdict.ended else "; the run was cut short"
        self._wrap(f"{'counts':<{LABEL}}{counts or 'nothing'}{cut_short}")

        is_red_beside = is_red_beside and verdict.good
        action = RED_BESIDE if is_red_beside else verdict.action
        if run.replay:
            action = f"{run.replayed}, judged again; for a word of now run the phase"
        text = f"{verdict.word}  {run.phase} of {run.environment.environment}: {action}"
        self._write("")
        colour = "red" if is_red_beside else _colour(verdict)
        self._write(text, **{colour: True, "bold": True})

    def _place(self, result: Result) -> str:
        return f"{result.ref} {self._name(result)}" if result.ref else self._name(result)

    def _name(self, result: Result) -> str:
        return self._key(result.key)

    def _key(self, key: DecisionKey) -> str:
        return key.name if self._several else key.local_name

    def _cut(self, text: str) -> str:
        return text if len(text) <= self._width else f"{text[: self._width - 1]}…"

    def _wrap(self, text: str, **markup: bool) -> None:
        for part in wrapped(text, self._width):
            self._write(part, **markup)


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yield a long text broken at words; what follows is indented under the text of its label."""
    indent = INDENT * 2 if text.startswith(INDENT) else INDENT
    while len(text) > width:
        at = text.rfind(" ", len(indent) + 1, width + 1)
        if at < 0:
            break  # one long word: an address, a command; it is of more use whole
        yield text[:at]
        text = indent + text[at + 1 :]
    yield text


def _ending(task: ObservationTask) -> tuple[str, str]:
    """Return what became of a task that was under way when the run ended, and the remedy where there is one."""
    if not task.ended.is_set():
        return "it did not end in time", "what it did may still stand: see its requests in journal.jsonl"
    if task.unknown:
        return task.unknown.reason, task.unknown.remedy
    return "it came to its end", ""


def _colour(verdict: Verdict) -> str:
    if verdict.good:
        return "green"
    return "red" if verdict.exit == 1 else "yellow"


def _cause(result: Result) -> tuple[str, str]:
    return result.reason, result.remedy


def _says_overlaid(result: Result) -> str:
    return result.says_overlaid


def _says_stated(result: Result) -> str:
    return result.says_stated


def _measured(result: Result) -> str:
    """Return value and limit of the first measurement, and how many more there are."""
    first, *others = result.measured()
    more = f" (and {len(others)} more)" if others else ""
    mark = " (declared)" if result.says_stated else ""
    return f"{first}{more}{mark}"


def _natural(ref: object) -> list[tuple[int, str]]:
    """Return what sorts 3.10 after 3.9."""
    parts = str(ref).replace("/", ".").split(".")
    return [(int(part), "") if is_digits(part) else (-1, part) for part in parts]
