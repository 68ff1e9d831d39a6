"""The report of a run on a terminal, part by part: the worst first, the verdict last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from readiness.evidence.attested import Said
from readiness.evidence.previous_run import Changes
from readiness.measurements import Measurement
from readiness.outcomes import DecisionKey, Outcome
from readiness.plugin.run import Run
from readiness.plugin.threads import Look
from readiness.rendering.diagnostics import attached
from readiness.verdict import Verdict

Record = dict[str, Any]
COLOURS = {"fail": "red", "unknown": "yellow", "not run": "yellow", "warn": "yellow", "pass": "green"}
WORST_FIRST = ("fail", "unknown", "not run")
NAMED_AT_MOST = 8
NARROWEST = 60
LABEL = 9
INDENT = " " * LABEL


class Write(Protocol):
    """Writes one line in a colour."""

    def __call__(self, text: str, /, **markup: bool) -> None:
        """Write it."""


class Page:
    """Writes the parts, as wide as the terminal is."""

    def __init__(self, write: Write, width: int, *, several: bool) -> None:
        self._write, self._width, self._several = write, max(NARROWEST, width), several

    def changed(self, found: Changes | None) -> None:
        """Tell first of all what has turned since the run before."""
        if found is None:
            return
        self._write("")
        if not found.turned:
            self._wrap(f"{'same':<{LABEL}}{found.as_before} ({found.before.run})")
        else:
            self._write(f"changed  since {found.before.run}", bold=True)
        for one in found.turned[:NAMED_AT_MOST]:
            text = f"{INDENT}{self._key(one.key)}: {one.before} -> {one.now}"
            self._wrap(text, **{COLOURS.get(one.now, "cyan"): True})
        if len(found.turned) > NAMED_AT_MOST:
            names = ", ".join(self._key(one.key) for one in found.turned[NAMED_AT_MOST:])
            self._wrap(f"{INDENT}and {len(found.turned) - NAMED_AT_MOST} more: {names}")

    def held(self, found: Iterable[tuple[DecisionKey, str]]) -> None:
        """Tell which steps of a ladder still stand."""
        for key, told in found:
            self._write("")
            self._wrap(f"{'STANDS':<{LABEL}}{self._key(key)}: {told}", red=True)

    def bad(self, results: list[Record]) -> None:
        """Tell what failed, is unknown or was not run; those with one cause stand together, blockers first."""
        for word in WORST_FIRST:
            self._blocks(word, [record for record in results if record["outcome"] == word])

    def stopped(self, looks: Iterable[Look]) -> None:
        """Tell what was changing something when the run ended, and what became of it."""
        for look in looks:
            told, remedy = "it came to its end", ""
            if look.unknown:
                told, remedy = look.unknown.reason, look.unknown.remedy
            if not look.ended.is_set():
                told, remedy = (
                    "it did not end in time",
                    "what it did may still stand: see its requests in journal.jsonl",
                )
            self._write("")
            self._wrap(f"{'STOPPED':<{LABEL}}{look.title}: {told}", yellow=True)
            if remedy:
                self._wrap(f"{INDENT}{'remedy':<{LABEL}}{remedy}")

    def warned(self, results: list[Record]) -> None:
        """Tell what passed near its limit."""
        self._blocks("warn", [record for record in results if record["outcome"] == Outcome.WARN])

    def _blocks(self, word: str, records: list[Record]) -> None:
        ordered = sorted(records, key=lambda record: (record["gate"] != "blocker", *_cause(record)))
        for (reason, remedy), group in groupby(ordered, key=_cause):
            found = list(group)
            self._write("")
            for record in found[:NAMED_AT_MOST]:
                label = word.upper() if record is found[0] else ""
                text = f"{label:<{LABEL}}{self._place(record)}: {record['says']} ({_gate(record)})"
                self._wrap(text, **{COLOURS[word]: True})
            if len(found) > NAMED_AT_MOST:
                names = ", ".join(self._name(record) for record in found[NAMED_AT_MOST:])
                self._wrap(f"{INDENT}and {len(found) - NAMED_AT_MOST} more: {names}", **{COLOURS[word]: True})
            self._wrap(f"{INDENT}{'measured' if word == 'fail' else 'why':<{LABEL}}{reason}")
            self._wrap(f"{INDENT}{'remedy':<{LABEL}}{remedy}")
            for link in dict.fromkeys(link for record in found for link in record["links"]):
                self._write(f"{INDENT}{'look':<{LABEL}}{link}")
            if len(found) == 1:
                self._write(f"{INDENT}{'again':<{LABEL}}{found[0]['again']}")  # whole, to be copied

    def people(self, found: Iterable[Said]) -> None:
        """Tell what people have said of the lines, and what of it is void, expired or unused."""
        for one in found:
            colour = {"void": "red", "attested": "cyan"}.get(one.kind, "yellow")
            self._write("")
            self._wrap(f"{one.kind.upper():<{LABEL}}{one.entry}: {one.text}", **{colour: True})

    def missing(self, run: Run, verdict: Verdict) -> None:
        """Tell what the runbook demands and nobody answered."""
        if verdict.missing:
            self._write("")
            names = ", ".join(dict.fromkeys(self._key(key) for key in verdict.missing))
            self._wrap(f"{'NOT RUN':<{LABEL}}{len(verdict.missing)} decisions of {run.phase}: {names}", yellow=True)

    def passed(self, results: list[Record]) -> None:
        """List what passed, with value and limit, one line each, by section of the runbook."""
        records = [record for record in results if record["outcome"] == Outcome.PASS]
        names = [len(self._name(record)) for record in records]
        column = min(max(names, default=0), self._width // 3)
        ordered = sorted(records, key=lambda record: _natural(record["ref"]))
        for ref, group in groupby(ordered, key=lambda record: str(record["ref"])):
            self._write("")
            self._write(f"passed   {ref}", bold=True)
            for record in group:
                self._write(self._cut(f"  {self._name(record):<{column}}  {_measured(record)}"), green=True)

    def left_out(self, results: list[Record]) -> None:
        """Tell what is not due and what is not applicable, and why."""
        records = [record for record in results if record["outcome"] in {Outcome.NOT_DUE, Outcome.NOT_APPLICABLE}]
        ordered = sorted(records, key=lambda record: (record["outcome"], record["reason"]))
        for (word, reason), group in groupby(ordered, key=lambda record: (record["outcome"], record["reason"])):
            self._write("")
            self._wrap(f"{word:<{LABEL}}{reason}: {', '.join(self._name(record) for record in group)}", cyan=True)

    def diagnostics(self, results: list[Record]) -> None:
        """Show what was attached to the lines that are not well; the journal has all of it."""
        for one in attached(
            (self._name(record), Outcome(record["outcome"]), record["diagnostics"]) for record in results
        ):
            self._write("")
            for part in wrapped(one.title, self._width):
                self._write(part, bold=True)
            for row in one.rows:
                self._write(self._cut(f"  {row}"))

    def close(self, run: Run, verdict: Verdict, evidence: tuple[Path | None, list[str]], signed: list[str]) -> None:
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
        self._wrap(f"{'counts':<{LABEL}}{counts or 'nothing'}{'' if verdict.ended else '; the run was cut short'}")
        colour = "green" if verdict.good else "red" if verdict.exit == 1 else "yellow"
        self._write("")
        self._write(
            f"{verdict.word}  {run.phase} of {run.environment.environment}: {verdict.action}",
            **{colour: True, "bold": True},
        )

    def _place(self, record: Record) -> str:
        return f"{record['ref']} {self._name(record)}" if record["ref"] else self._name(record)

    def _name(self, record: Record) -> str:
        return self._key(DecisionKey(record["line"], record["check"], record["subject"]))

    def _key(self, key: DecisionKey) -> str:
        return key.name if self._several else key.local_name

    def _cut(self, text: str) -> str:
        return text if len(text) <= self._width else f"{text[: self._width - 1]}…"

    def _wrap(self, text: str, **markup: bool) -> None:
        for part in wrapped(text, self._width):
            self._write(part, **markup)


def name_of(record: Record) -> str:
    """Name a result in full: runbook, line and subject."""
    return DecisionKey(record["line"], record["check"], record["subject"]).name


def wrapped(text: str, width: int) -> Iterator[str]:
    """Break a long text at words; what follows is indented under the text of its label."""
    indent = INDENT * 2 if text.startswith(INDENT) else INDENT
    while len(text) > width:
        at = text.rfind(" ", len(indent) + 1, width + 1)
        if at < 0:
            break  # one long word: an address, a command; it is of more use whole
        yield text[:at]
        text = indent + text[at + 1 :]
    yield text


def _gate(record: Record) -> str:
    return ", ".join(filter(None, (record["gate"], record["severity"], "waived" if record["waived"] else "")))


def _cause(record: Record) -> tuple[str, str]:
    return record["reason"], record["remedy"]


def _measured(record: Record) -> str:
    """Write value and limit of the first measurement, and say how many more there are."""
    first, *more = (Measurement(**one) for one in record["measurements"])
    return f"{first}{f' (and {len(more)} more)' if more else ''}"


def _natural(ref: object) -> list[tuple[int, str]]:
    """Sort 3.10 after 3.9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _parts(str(ref))]


def _parts(ref: str) -> Iterable[str]:
    return ref.replace("/", ".").split(".")
