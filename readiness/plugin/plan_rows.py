"""The plan as data: one row for each decision, for whoever wants it as JSON, or wants to know what stands behind it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from readiness.measurements import Plain, show
from readiness.outcomes import EscalationStep
from readiness.plugin.declared_alone import DECLARED_ALONE
from readiness.plugin.observer import Observer
from readiness.plugin.planned_limits import PlannedLimit, by_origin, limits_ahead, planned_limits
from readiness.plugin.planned_sources import PlannedSource, SourceKind, sources_of
from readiness.plugin.run import Run
from readiness.plugin.session import ItemState, state_of
from readiness.runbook.ladder_rules import FAILED
from readiness.runbook.lines import Item, planned_checks
from readiness.timeline import AFTER_SIGN_OFF, parse_offset

_BROKEN_BY = {"below": "{} or more", "at_most": "more than {}", "at_least": "less than {}", "above": "{} or less"}
"""What breaks a limit, by the comparator in its key."""


@dataclass(frozen=True)
class PlanRow:
    """One decision: what it is about, when it is due, by which limits, on what ground, and what turns it red."""

    item: Item
    name: str
    due_at: str
    state: str
    limits: tuple[PlannedLimit, ...]
    sources: tuple[PlannedSource, ...]
    red: str

    def plain(self) -> dict[str, Plain]:
        """Return it as plain JSON."""
        line = self.item.line
        ahead: list[Plain] = [{"day": day, **limit.plain()} for day, limit in limits_ahead(self.item)]
        return {
            "id": self.item.name,
            "line": self.item.line_id,
            "subject": self.item.subject,
            "ref": line.ref,
            "says": line.says,
            "phases": [str(phase) for phase in line.phase],
            "gate": str(line.gate),
            "due": line.due,
            "due_at": self.due_at or None,
            "check": self.item.check or None,
            "limits": [limit.plain() for limit in self.limits],
            "limits_ahead": ahead,
            "state": self.state,
            "sources": [{"kind": str(source.kind), "what": source.what} for source in self.sources],
            "declared_alone": self.why_declared if self.is_declared_alone else None,
            "turns_red": self.red,
        }

    @property
    def is_declared_alone(self) -> bool:
        """Whether all that it will rest on is declared: nothing asked, no file, nobody's dated word."""
        return bool(self.sources) and all(source.kind is SourceKind.DECLARED for source in self.sources)

    @property
    def why_declared(self) -> str:
        """Why no machine can see it, where none can; else what to do about it."""
        return DECLARED_ALONE.get(self.item.check, "name a source that is asked")

    def text(self) -> Iterator[str]:
        """Yield it for people: whose word it is, the limits with their origin, and what would turn it red."""
        yield f"{self.name}: {self.item.line.says}"
        for source in self.sources:
            yield f"         {source}"
        if self.is_declared_alone:
            yield f"         declared alone: {self.why_declared}"
        yield from (f"         limit {stated}" for stated in by_origin(self.limits))
        for day, limit in limits_ahead(self.item):
            yield f"         limit from {day} on by {limit.file or 'the line'} {limit}"
        yield f"         red {self.red}"


@dataclass(frozen=True)
class WholePlan:
    """All decisions of a run, before anything is looked at."""

    environment: str
    phase: str | None
    launch_at: str | None
    rows: tuple[PlanRow, ...]

    def plain(self) -> dict[str, Plain]:
        """Return it as plain JSON."""
        return {
            "schema": "readiness/plan/1",
            "environment": self.environment,
            "phase": self.phase,
            "launch_at": self.launch_at,
            "rows": [row.plain() for row in self.rows],
        }


def plan_row(run: Run, item: Item, node: pytest.Item | None, state: str, observer: Observer) -> PlanRow:
    """Return the row of one decision; `state` is what the plan says of it."""
    state_of_item = state_of(node) if node else None
    limits = tuple(planned_limits(state_of_item or ItemState(item)))
    return PlanRow(
        item=item,
        name=run.local_id(item),
        due_at=_due_at(run, item),
        state=state,
        limits=limits,
        sources=tuple(_sources(node, state, observer)),
        red=_red(item, node, limits),
    )


_RENDERED = {
    "verdict": (SourceKind.RENDERED, "the verdict of its phase", "unless the verdict of its phase is good"),
    "sign_off": (SourceKind.PERSON, "the sign-off", "unless the sign-off says so"),
    "trends": (SourceKind.RENDERED, "the trends on the sign-off page", "never: trends decide nothing"),
}
"""How a line is answered that no check decides."""


def rendered_row(run: Run, item: Item) -> PlanRow:
    """Return the row of a line that a part of the report answers, without a check."""
    kind, what, red = _RENDERED[item.line.rendered_as or "verdict"]
    return PlanRow(
        item=item,
        name=run.local_id(item),
        due_at=_due_at(run, item),
        state=f"rendered: {what}",
        limits=(),
        sources=(PlannedSource(kind, what),),
        red=red,
    )


def _sources(node: pytest.Item | None, state: str, observer: Observer) -> list[PlannedSource]:
    word, _, says = state.partition(": ")
    if word in {"attested", "waived"} and node is None:
        return [PlannedSource(SourceKind.PERSON, says)]
    if node is None and word == "not selected":
        return [PlannedSource(SourceKind.NOT_CONFIGURED, "not selected")]
    if node is None or word == "no check yet":
        return [PlannedSource(SourceKind.PLANNED, "no check decides it yet")]
    sources = sources_of(node, observer)
    # Where nothing is configured to see, the word of a person decides.
    return [PlannedSource(SourceKind.PERSON, says)] if word == "attested" else sources


def _due_at(run: Run, item: Item) -> str:
    launch = run.environment.launch_at
    if item.line.due in {None, AFTER_SIGN_OFF} or launch is None:
        return ""
    return (launch + parse_offset(item.line.due or "")).isoformat()


def _red(item: Item, node: pytest.Item | None, limits: tuple[PlannedLimit, ...]) -> str:
    """Return what turns an item red: that the check's sentence is not true, the figures out of limits, the steps."""
    document = inspect.getdoc(getattr(node, "obj", None)) or ""
    is_planned = item.check in planned_checks()
    sentence = item.line.says if is_planned or not document else document.partition("\n")[0].rstrip(".")
    # A name that is written large stays so: INGESTION_ENABLED, CI.
    is_word = sentence[1:2].islower() or sentence[1:2] == " "
    parts = [f"unless {sentence[:1].lower() if is_word else sentence[:1]}{sentence[1:]}"]

    figures = [broken for limit in limits if (broken := _broken_by(limit))]
    if figures:
        parts.append(f"out of its limit: {', '.join(figures)}")
    if item.line.ladder:
        parts.append(", ".join(_step(step, value) for step, value in item.line.ladder.items()))
    return "; ".join(parts)


def _step(step: EscalationStep, threshold: float | str) -> str:
    return f"{step} where it failed" if threshold == FAILED else f"{step} from {show(threshold)}"


def _broken_by(limit: PlannedLimit) -> str:
    """Return which figure breaks a limit; empty for words, and for what only says where to look."""
    for comparator, words in _BROKEN_BY.items():
        if limit.limit.endswith(comparator):
            quantity = limit.limit.removesuffix(comparator).rstrip("_").replace("_", " ")
            return f"{quantity} {words.format(show(limit.value))}".strip()
    return ""
