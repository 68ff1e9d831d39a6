"""A limit that is stated now and was not loosens nothing where the run before judged by the same.

What a run judged by stands in its measurements and in the arguments of its looks. To add a row: what the line stated
then and what came of it, what it states now and what comes of that, and what is told of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.judged_by import as_judged
from readiness.evidence.limit_changes import changes
from readiness.evidence.reasons import Reason
from readiness.evidence.records import RecordedObservation
from readiness.evidence.run_changes import between
from readiness.files.canonical_json import JsonObject
from tests.evidence.test_judged import line, result, run_of, write

CHECK = "demo.good"
UNRECORDED = ", which is not on record: it may have been stricter"


def measured(limit: object, comparator: str = "below", name: str = "figure") -> JsonObject:
    return {"name": name, "value": 0, "comparator": comparator, "limit": limit, "unit": "", "ok": True}


@dataclass(frozen=True)
class Judged:
    """What a line stated in a run, and what came of it."""

    limits: JsonObject = field(default_factory=dict)
    measurements: Sequence[JsonObject] = (measured(0.8),)
    looks: Sequence[JsonObject] | None = ()
    """The arguments of the looks that its check was given; None: a journal of before results named them."""
    others: Sequence[JsonObject] = ()
    """The arguments of all looks of the run."""

    def run(self, folder: Path) -> RecordedRun:
        told = run_of()
        told["plan"]["lines"] = [line("good", limits={CHECK: self.limits})]
        told["plan"]["items"] = [{"line": "book/good", "check": CHECK, "subject": None, "due": True}]
        looks = None if self.looks is None else [{"name": "look", "arguments": each} for each in self.looks]
        told["results"] = [result("good", measurements=list(self.measurements), rests_on=looks)]
        told["start"]["binds_results"] = looks is not None
        written = read_run(write(folder, told))
        written.observations = [RecordedObservation(name="look", arguments=dict(each)) for each in self.others]
        return written


def stated(*comparators: str, names: Sequence[str] = ("figure", "other"), **limits: Any) -> Judged:
    """Return what a run of today states, and that it measured by these limits, in their order."""
    by = zip(limits.values(), comparators, names, strict=False)
    return Judged(limits, [measured(limit, comparator, name) for limit, comparator, name in by])


TWO = (measured(0.8), measured(1, name="other"))
ROWS: dict[str, tuple[Judged, Judged, str]] = {
    "the figure that it judged by": (Judged(), stated("below", share_below=0.8), ""),
    "a lower one": (
        Judged(),
        stated("below", share_below=0.7),
        "TIGHTENED book/good: demo.good.share_below 0.8 -> 0.7",
    ),
    "a higher one": (
        Judged(),
        stated("below", share_below=0.9),
        "LOOSENED book/good: demo.good.share_below 0.8 -> 0.9",
    ),
    "at least so many": (
        Judged(measurements=[measured(5, "at_least")]),
        stated("at_least", backups_at_least=4),
        "LOOSENED book/good: demo.good.backups_at_least 5 -> 4",
    ),
    "a name that is the comparator alone": (
        Judged(measurements=[measured(5, "at_least")]),
        stated("at_least", at_least=5),
        "",
    ),
    "zero is a figure": (
        Judged(measurements=[measured(0, "at_most")]),
        stated("at_most", errors_at_most=0),
        "",
    ),
    "null, as good as not stated": (Judged({"share_below": None}), stated("below", share_below=0.8), ""),
    "beside a limit that was stated": (
        Judged({"wait_seconds_below": 1}, TWO),
        stated("below", "below", share_below=0.8, wait_seconds_below=1),
        "",
    ),
    "two at once, each as it was": (
        Judged({}, TWO),
        stated("below", "below", share_below=0.8, wait_seconds_below=1),
        "",
    ),
    "two at once, each with the other's": (
        Judged({}, TWO),
        stated("below", "below", share_below=1, wait_seconds_below=0.8),
        "LOOSENED book/good: demo.good.share_below 0.8 -> 1",
    ),
    "a figure that another limit had": (
        Judged({"wait_seconds_below": 0.8}, [measured(0.8, name="other")]),
        stated("below", "below", share_below=0.8, wait_seconds_below=0.8),
        "NEWLY STATED book/good: demo.good.share_below the check's own -> 0.8",
    ),
    "of another measure": (
        Judged(measurements=[measured(300)]),
        Judged({"minutes_below": 5}, [measured(300)]),
        "NEWLY STATED book/good: demo.good.minutes_below the check's own -> 5",
    ),
    "nothing was compared": (
        Judged(measurements=[measured(True, "is")]),
        stated("below", share_below=0.8),
        "NEWLY STATED book/good: demo.good.share_below the check's own -> 0.8",
    ),
    "another comparator": (
        Judged(measurements=[measured(0.8, "at_least")]),
        stated("below", share_below=0.8),
        "NEWLY STATED book/good: demo.good.share_below the check's own -> 0.8",
    ),
    "a window that its look was given": (Judged(looks=[{"window": "7d"}]), Judged({"window": "7d"}), ""),
    "another window": (
        Judged(looks=[{"window": "7d"}]),
        Judged({"window": "1h"}),
        "LOOSENED book/good: demo.good.window 7d -> 1h",
    ),
    "words that its look was given": (Judged(looks=[{"fields": ["a", "b"]}]), Judged({"fields": ["a", "b"]}), ""),
    "a span that its look was given in other words": (
        Judged(looks=[{"firing_for": "PT1H"}, {"firing_for": "PT1H"}]),
        Judged({"firing_for": "60m"}),
        "",
    ),
    "another span": (
        Judged(looks=[{"firing_for": "PT1H"}]),
        Judged({"firing_for": "5m"}),
        "LOOSENED book/good: demo.good.firing_for PT1H -> 5m",
    ),
    "a word that it asked for": (
        Judged(measurements=[measured("go", "is")]),
        Judged({"decision": "go"}, [measured("go", "is")]),
        "",
    ),
    "another word": (
        Judged(measurements=[measured("go", "is")]),
        Judged({"decision": "wait"}, [measured("wait", "is")]),
        "LOOSENED book/good: demo.good.decision go -> wait",
    ),
    "true is no word of a limit": (
        Judged(measurements=[measured(True, "is")]),
        Judged({"signed": True}, [measured(True, "is")]),
        "NEWLY STATED book/good: demo.good.signed the check's own -> yes",
    ),
    "of what has another name each time": (
        Judged(measurements=[measured(60, name="oldest heartbeat (ParseWorker)")]),
        stated("below", names=["oldest heartbeat (CleanupWorker)"], seconds_below=30),
        "TIGHTENED book/good: demo.good.seconds_below 60 -> 30",
    ),
    "of names that begin alike": (
        Judged(measurements=[measured(5, name="p99")]),
        stated("below", "below", names=["p95", "p99"], mean_seconds_below=2, top_seconds_below=5),
        "NEWLY STATED book/good: demo.good.mean_seconds_below the check's own -> 2",
    ),
    "days back, by two looks": (
        Judged(looks=[{"days_back": 7}, {"days_back": 14}]),
        Judged({"days_back": 7}),
        "NEWLY STATED book/good: demo.good.days_back the check's own -> 7",
    ),
    "a look of another limit": (
        Judged(looks=[{"of": "requests"}], others=[{"window": "7d"}]),
        Judged({"window": "7d"}),
        "NEWLY STATED book/good: demo.good.window the check's own -> 7d",
    ),
    "an old journal, which names no looks": (
        Judged(looks=None, others=[{"window": "7d"}, {"page": "/", "window": "1h"}]),
        Judged({"window": "7d"}),
        "",
    ),
    "an old journal, and looks that differ": (
        Judged(looks=None, others=[{"window": "7d"}, {"window": "1h"}]),
        Judged({"window": "7d"}),
        "NEWLY STATED book/good: demo.good.window the check's own -> 7d",
    ),
    "an old journal, and the look of what its line stated": (
        Judged(
            {"of": "requests"}, looks=None, others=[{"of": "requests", "window": "7d"}, {"of": "a", "window": "1h"}]
        ),
        Judged({"of": "requests", "window": "7d"}),
        "",
    ),
    "an old journal, and a line that was not judged": (
        Judged(looks=None, measurements=(), others=[{"window": "7d"}]),
        Judged({"window": "7d"}),
        "NEWLY STATED book/good: demo.good.window the check's own -> 7d",
    ),
    "a limit that is gone": (
        Judged({"share_below": 0.8}),
        Judged(),
        "LOOSENED book/good: demo.good.share_below 0.8 -> the check's own",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_verify_tells_of_a_limit_that_is_stated_since(name: str, tmp_path: Path) -> None:
    then, now, sentence = ROWS[name]
    told = list(between(then.run(tmp_path / "then"), now.run(tmp_path / "now")))
    first = told[0] if told else None
    ending = UNRECORDED if sentence.startswith("NEWLY") else ""
    assert (first.says if first else "") == f"{sentence}{ending}"
    takes_away = bool(sentence) and not sentence.startswith("TIGHTENED")
    assert (first is not None and first.reason is Reason.LOOSENED) is takes_away


ONLY_ANEW = {"two at once, each as it was"}
"""Which figure was whose only a run shows that states both."""
SAME = [name for name, (_, _, sentence) in ROWS.items() if not sentence and name not in ONLY_ANEW]


@pytest.mark.parametrize("name", SAME)
def test_todays_files_demand_the_same_of_it(name: str, tmp_path: Path) -> None:
    then, now, _ = ROWS[name]
    plan = now.run(tmp_path / "now").plan
    assert plan
    judged = as_judged(then.run(tmp_path / "then"), plan)
    assert judged
    assert list(changes(judged, plan)) == []
