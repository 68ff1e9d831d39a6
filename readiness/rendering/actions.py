"""The smallest set of actions that turns a verdict into a good one: one for each cause, not one for each line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from readiness.evidence.journal import RecordedRun
from readiness.evidence.records import Result
from readiness.evidence.rejudge import Judged
from readiness.outcomes import DecisionKey
from readiness.verdict import SIGN_OFF

BY_HAND = "readiness attest"
OPEN_WORD = "open"


@dataclass(frozen=True)
class ActionItem:
    """What to do, who does it, and the lines that it turns."""

    do: str
    why: str
    lines: tuple[str, ...]
    owner: str = ""


def actions(run: RecordedRun, judged: Judged, owners: Mapping[str, str]) -> list[ActionItem]:
    """Return the actions for a recorded run, those that turn most lines first. A good verdict needs none."""
    if judged.verdict.good:
        return []

    again = f"pytest -m {run.start.phase} --env {run.start.env}"
    # Nothing that a contradictory journal says can be acted on.
    if judged.refuted:
        return [ActionItem(again, "the journal contradicts itself", ())]

    results = {result.key: result for result in run.results}
    keys_by_cause: dict[tuple[str, str], list[DecisionKey]] = {}
    of_checks = [key for key in judged.verdict.holding if key.check != SIGN_OFF]
    for key in of_checks:
        cause = _cause(key, results.get(key), run.start.env, again)
        keys_by_cause.setdefault(cause, []).append(key)

    # No line is open, and yet the verdict is not good: people have the word, or nothing that decides was judged.
    if not keys_by_cause and judged.verdict.ended:
        return [ActionItem(judged.verdict.action, "no line that was due is open", ())]
    if not keys_by_cause:
        return [ActionItem(again, "the run did not end by itself", ())]

    unsorted = [
        ActionItem(do, why, tuple(dict.fromkeys(key.name for key in keys)), _owners(keys, owners))
        for (do, why), keys in keys_by_cause.items()
    ]
    return sorted(unsorted, key=lambda action: (-len(action.lines), action.lines))


def _cause(key: DecisionKey, result: Result | None, env: str, again: str) -> tuple[str, str]:
    """Return what mends a decision, and why it is open: equal for two that one action mends."""
    if result is None:
        return again, "not run"

    # Each line is attested for itself, whatever its reason has in common with others.
    if BY_HAND in result.remedy:
        line = repr(key.name) if ":" in key.name else key.name
        return f"readiness attest {line} --env {env}", result.reason

    return result.remedy or result.reason or OPEN_WORD, result.reason


def _owners(keys: list[DecisionKey], owners: Mapping[str, str]) -> str:
    named = dict.fromkeys(owner_of(key, owners) for key in keys)
    return ", ".join(owner for owner in named if owner)


def owner_of(key: DecisionKey, owners: Mapping[str, str]) -> str:
    """Return who sees to a decision: the owner of the line, else that of the area of its check; empty for nobody."""
    area = key.check.partition(".")[0]
    return next((owners[name] for name in (key.name, key.line, area) if name in owners), "")
