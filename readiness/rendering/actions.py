"""The smallest set of actions that turns a verdict into a good one: one for each cause, not one for each line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from readiness.evidence.journal import RecordedRun
from readiness.evidence.records import Result
from readiness.evidence.rejudge import Judged
from readiness.outcomes import DecisionKey

BY_HAND = "readiness attest"
OPEN_WORD = "open"


@dataclass(frozen=True)
class Action:
    """What to do, who does it, and the lines that it turns."""

    do: str
    why: str
    lines: tuple[str, ...]
    owner: str = ""


def actions(run: RecordedRun, judged: Judged, owners: Mapping[str, str]) -> list[Action]:
    """Give them for a recorded run, those that turn most lines first. A good verdict needs none."""
    if judged.verdict.good:
        return []
    again = f"pytest -m {run.start.phase} --env {run.start.env}"
    if judged.refuted:
        return [Action(again, "the journal contradicts itself", ())]
    results = {result.key: result for result in run.results}
    found: dict[tuple[str, str], list[DecisionKey]] = {}
    for key in judged.verdict.holding:
        found.setdefault(_cause(key, results.get(key), run.start.env, again), []).append(key)
    if not found and judged.verdict.ended:  # nothing is open, and yet it is not good: people have the word
        return [Action(judged.verdict.action, "every line speaks for it", ())]
    if not found:
        return [Action(again, "the run did not end by itself", ())]
    listed = [
        Action(do, why, tuple(dict.fromkeys(key.name for key in keys)), _owners(keys, owners))
        for (do, why), keys in found.items()
    ]
    return sorted(listed, key=lambda one: (-len(one.lines), one.lines))


def _cause(key: DecisionKey, result: Result | None, env: str, again: str) -> tuple[str, str]:
    """Give what mends a decision, and why it is open: equal for two that one action mends."""
    if result is None:
        return again, "not run"
    if BY_HAND in result.remedy:
        line = key.name
        return f"readiness attest {line if ':' not in line else repr(line)} --env {env}", result.reason
    return result.remedy or result.reason or OPEN_WORD, result.reason


def _owners(keys: list[DecisionKey], owners: Mapping[str, str]) -> str:
    return ", ".join(dict.fromkeys(one for key in keys if (one := owner_of(key, owners))))


def owner_of(key: DecisionKey, owners: Mapping[str, str]) -> str:
    """Say who sees to a decision: the owner of the line, else that of the area of its check."""
    area = key.check.partition(".")[0]
    return next((owners[name] for name in (key.name, key.line, area) if name in owners), "")
