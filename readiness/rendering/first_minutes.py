"""The walk through the first minutes as text, for a terminal, a file and a page: the facts in their steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from readiness.files.canonical_json import JsonObject
from readiness.incident.found import Found
from readiness.incident.walked import FilledFact, FilledStep, FilledWalk, FilledWindow
from readiness.measurements import show
from readiness.redaction.shown import shown

ROWS_AT_MOST = 5
LETTERS_AT_MOST = 400
WHY_AT_MOST = 160
"""Of what nobody knows: the step above has it whole."""
LABEL = "    "
SEEN = {True: "MATCHES", False: "no", None: "?"}
FROM_THE_RUN = "From this run alone; nobody was asked again."


def lines_of(walked: FilledWalk) -> Iterator[str]:
    """Yield a walk line by line."""
    yield f"runbook {walked.runbook}: {shown(walked.title)}"
    yield f"{LABEL}{shown(walked.source, LETTERS_AT_MOST)}"
    for window in walked.windows:
        yield ""
        yield from _window(window)
    yield from _symptoms(walked)


def _window(window: FilledWindow) -> Iterator[str]:
    yield f"minutes {window.minutes}"
    for step in window.steps:
        yield from _step(step)
    if window.decision is None:
        return

    decision = window.decision
    word = str(decision.do).upper() if decision.do else "OPEN"
    yield f"  => {word}: {shown(decision.says, LETTERS_AT_MOST)}"
    yield f"{LABEL} because {shown(decision.why, LETTERS_AT_MOST)}"
    if decision.beside:
        yield f"{LABEL} {shown(decision.beside, LETTERS_AT_MOST)}"
    yield from (f"{LABEL} not ruled out: {shown(graver, LETTERS_AT_MOST)}" for graver in decision.graver)


def _step(step: FilledStep) -> Iterator[str]:
    yield f"  [ ] {shown(step.says, LETTERS_AT_MOST)}"
    for fact in step.facts:
        yield from _fact(fact)
    if step.post:
        yield f"{LABEL}  post: {shown(step.post, LETTERS_AT_MOST)}"


def _fact(fact: FilledFact) -> Iterator[str]:
    yield f"{LABEL}  {shown(fact.what)}: {shown(fact.fact.says, LETTERS_AT_MOST)}"
    rows = fact.fact.rows if isinstance(fact.fact, Found) else ()
    for row in rows[:ROWS_AT_MOST]:
        yield f"{LABEL}    {_row(row)}"
    if len(rows) > ROWS_AT_MOST:
        yield f"{LABEL}    and {len(rows) - ROWS_AT_MOST} more"


def _row(row: JsonObject) -> str:
    """Return a row on one line."""
    told = {name: value for name, value in row.items() if value not in (None, "")}
    return shown(show(told), LETTERS_AT_MOST)


def _symptoms(walked: FilledWalk) -> Iterator[str]:
    if not walked.symptoms:
        return
    yield ""
    yield "symptoms that the runbook knows"
    for marked in sorted(walked.symptoms, key=lambda one: (one.seen is not True, one.seen is False)):
        symptom = marked.symptom
        yield f"  {SEEN[marked.seen]:<8}{shown(symptom.symptom)}"
        if marked.seen is not False:
            yield f"          because {shown(marked.why, LETTERS_AT_MOST if marked.seen else WHY_AT_MOST)}"
        if marked.seen:
            yield f"          cause: {shown(symptom.cause, LETTERS_AT_MOST)}"
            yield f"          fix: {shown(symptom.fix, LETTERS_AT_MOST)}"


def plain(walked: FilledWalk) -> JsonObject:
    """Return a walk as JSON."""
    return {
        "runbook": walked.runbook,
        "title": walked.title,
        "source": walked.source,
        "walk": [_plain_window(window) for window in walked.windows],
        "symptoms": [
            {**marked.symptom.model_dump(include={"symptom", "cause", "fix"}), "seen": marked.seen, "why": marked.why}
            for marked in walked.symptoms
        ],
    }


def _plain_window(window: FilledWindow) -> JsonObject:
    decision = window.decision
    return {
        "minutes": window.minutes,
        "steps": [
            {"says": step.says, "facts": [_plain_fact(fact) for fact in step.facts], "post": step.post}
            for step in window.steps
        ],
        "decision": decision and {**vars(decision), "do": decision.do and str(decision.do)},
    }


def _plain_fact(fact: FilledFact) -> JsonObject:
    told: dict[str, Any] = {"name": fact.name, "what": fact.what}
    if isinstance(fact.fact, Found):
        rows: Sequence[JsonObject] = fact.fact.rows
        return {**told, "says": fact.fact.says, "number": fact.fact.number, "rows": list(rows[:ROWS_AT_MOST])}
    return {**told, "unknown": fact.fact.why, "remedy": fact.fact.remedy}
