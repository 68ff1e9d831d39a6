"""`readiness ladder`: walk recorded runs again, in the order of time, and say what each recommends."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from readiness.errors import BadInput
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.rejudge import Judged, judge, standing_before
from readiness.ladder import GROUND, Standing, highest
from readiness.outcomes import DecisionKey, Outcome, Phase, Step

HELP = "walk recorded runs again: the steps each reached, what stood, what it recommends"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command line may say."""
    parser.add_argument("--replay", nargs="+", required=True, type=Path, metavar="RUN", help="folders of runs")
    parser.add_argument("--json", action="store_true", help="for machines")


@dataclass(frozen=True)
class Rung:
    """One run on the way."""

    run: RecordedRun
    judged: Judged
    reached: Mapping[DecisionKey, Step]
    """What the run's own measurements reach."""
    recorded: str | None
    """The run's own word, where it is another one."""


def run(options: argparse.Namespace) -> int:
    """Print them; 0 whatever they recommend."""
    rungs = list(replay(read_run(folder) for folder in options.replay))
    if options.json:
        print(json.dumps([_facts(one) for one in rungs], indent=2))
        return 0
    for one in rungs:
        _tell(one)
    return 0


def replay(runs: Iterable[RecordedRun]) -> Iterable[Rung]:
    """Judge runs one after the other; each stands on the one before, the first on what it recorded. Raises BadInput."""
    found = sorted(runs, key=lambda one: one.start.started_at)
    odd = [f"{one.start.run}: a run of {one.start.phase} has no ladder" for one in found]
    odd = [told for told, one in zip(odd, found, strict=True) if one.start.phase is not Phase.POSTLAUNCH]
    if len({one.start.env for one in found}) > 1:
        odd.append(f"runs of one environment, not of {', '.join(sorted({one.start.env for one in found}))}")
    if odd:
        raise BadInput(odd)
    before = standing_before(found[0])
    for one in found:
        judged = judge(one, before)
        before = dict(judged.standing)
        steps = ((result.key, result.step) for result in one.results)
        said = str(one.finish.verdict) if one.finish else "no end"
        yield Rung(
            one, judged, {key: step for key, step in steps if step}, said if said != judged.verdict.word else None
        )


def _tell(rung: Rung) -> None:
    start, verdict = rung.run.start, rung.judged.verdict
    said = f" (recorded as {rung.recorded})" if rung.recorded else ""
    print(f"{start.started_at:%Y-%m-%d %H:%M:%S}Z  {verdict.word:<10} {start.run}{said}")
    for key in _told(rung):
        one = rung.judged.standing.get(key, GROUND)
        outcome = rung.judged.outcomes.get(key, Outcome.NOT_RUN)
        print(f"    {key.name}: {outcome}, reaches {rung.reached.get(key) or 'no step'}, {_stands(one)}")
    for fault in judge(rung.run).refuted:
        print(f"    REFUTED  {fault}")


def _told(rung: Rung) -> list[DecisionKey]:
    standing = [key for key, one in rung.judged.standing.items() if one != GROUND]
    return list(dict.fromkeys((*rung.reached, *standing)))


def _stands(one: Standing) -> str:
    if not one.step:
        return f"stands at none, {one.failures} in a row failed"
    calm = ", below it now" if one.calm else ""
    return f"stands at {one.step} for {one.runs} runs{calm}"


def _facts(rung: Rung) -> dict[str, Any]:
    start, verdict = rung.run.start, rung.judged.verdict
    return {
        "run": start.run,
        "started_at": start.started_at.isoformat(),
        "recommends": str(verdict.word),
        "action": verdict.action,
        "recorded": str(rung.run.finish.verdict) if rung.run.finish else None,
        "highest": highest(one.step for one in rung.judged.standing.values()),
        "refuted": list(judge(rung.run).refuted),
        "lines": [
            {
                **key._asdict(),
                "outcome": rung.judged.outcomes.get(key, Outcome.NOT_RUN),
                "reached": rung.reached.get(key),
                "stands_at": one.step,
                "runs": one.runs,
                "failures": one.failures,
                "calm": one.calm,
            }
            for key in _told(rung)
            for one in [rung.judged.standing.get(key, GROUND)]
        ],
    }
