"""The section `incident` of a runbook: what is refused, with the nearest name; the numbers of the five documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from readiness.errors import BadRunbook
from readiness.incident.plain_walk import PLAIN_WALK
from readiness.incident.walk import IncidentWalk, Move
from readiness.observations import KNOWN_READINGS, load_all
from readiness.runbook import lines as runbook_lines
from readiness.runbook.lines import Runbook

load_all()
LINE = {
    "id": "up",
    "ref": "1",
    "says": "it is up",
    "phase": ["postlaunch"],
    "gate": "blocker",
    "decided_by": {"health.live": {"path": "/"}},
}
STEP = {"says": "look"}
ERRORS = {"errors": {"failed_share": {"of": "requests", "window": "1h"}}}


def book(folder: Path, **incident: Any) -> Runbook:
    section = {"source": "here", "walk": [{"minutes": "0-5", "steps": [STEP]}], **incident}
    path = folder / "book.yaml"
    path.write_text(json.dumps({"runbook": "book", "title": "Book", "lines": [LINE], "incident": section}))
    return runbook_lines.load(path)


def window(**parts: Any) -> dict[str, Any]:
    return {"minutes": "0-5", "steps": [STEP], **parts}


def choice(**when: Any) -> dict[str, Any]:
    return window(decide=[{"do": "pause", "says": "so", "when": [when]}])


def symptom(**when: Any) -> dict[str, Any]:
    return {"symptom": "s", "cause": "c", "fix": "f", "when": [when]}


FIRST = {"do": "continue", "says": "so"}
REFUSED = [
    (
        {"walk": [window(steps=[{"says": "a", "facts": ["uplod_failures"]}])]},
        "fact 'uplod_failures' is not known; did you mean 'upload_failures'?",
    ),
    ({"walk": [window(steps=[{"says": "a", "post": "see {red_line}"}])]}, "did you mean 'red_lines'?"),
    (
        {"walk": [choice(fact="error", reaches=0.1)], "facts": ERRORS},
        "fact 'error' is not known; did you mean 'errors'?",
    ),
    ({"walk": [choice(fact="health", reaches=1)]}, "fact 'health' is told path: name it in `facts`, with these"),
    (
        {"symptoms": [{"symptom": "s", "cause": "c", "fix": "f", "when": [{"fact": "dsk", "reaches": 1}]}]},
        "did you mean 'disk'?",
    ),
    ({"facts": {"errors": {"failed_shar": {}}}}, "fact 'failed_shar' is not known; did you mean 'failed_share'?"),
    (
        {"facts": {"errors": {"failed_share": {"of": "x", "windw": "1h"}}}},
        "key 'windw' is not known; did you mean 'window'?",
    ),
    ({"facts": {"errors": {"failed_share": {"of": "x"}}}}, "window is missing"),
    ({"facts": {"errors": {"disk": {}, "cpu": {}}}}, "one fact of the suite is wanted"),
    ({"facts": {"mine": {"red_lines": {}}}}, "red_lines takes nothing"),
    ({"walk": [choice(fact="errors", reaches=10)], "facts": ERRORS}, "a share is 0 to 1, not 10: for 10 % write 0.1"),
    ({"walk": [choice(fact="errors", reaches=True)], "facts": ERRORS}, "this is true or false"),
    ({"walk": [choice(fact="disk", reaches=0.1, under=0.2)]}, "a condition has one of reaches, under, names, unknown"),
    ({"walk": [choice(fact="disk")]}, "a condition has one of reaches, under, names, unknown"),
    ({"walk": [window(minutes="5-0")]}, "'5-0' is no span of minutes"),
    ({"walk": [window(minutes="five")]}, "'five' is no span of minutes"),
    ({"walk": [window(minutes="5-15"), window()]}, "the minutes of the walk do not follow each other"),
    ({"walk": [window(decide=[{"do": "puase", "says": "so"}])]}, "did you mean 'pause'?"),
    (
        {
            "walk": [
                window(
                    decide=[
                        {"do": "continue", "says": "so"},
                        {"do": "pause", "says": "so", "when": [{"fact": "disk", "reaches": 1}]},
                    ]
                )
            ]
        },
        "the choice without `when` is the last one",
    ),
    ({"walk": [choice(fact="disk", names="*")]}, "'*' is no word"),
    ({"walk": [choice(fact="disk", names="- -")]}, "'- -' is no word"),
    (
        {"symptoms": [{**symptom(fact="disk", reaches=1), "unless": [{"fact": "dsk", "under": 1}]}]},
        "did you mean 'disk'?",
    ),
    ({"walk": []}, "a list of 1 or more is wanted"),
    ({"wlak": []}, "key 'wlak' is not known; did you mean 'walk'?"),
]


@pytest.mark.parametrize(("section", "says"), REFUSED)
def test_what_cannot_be_walked_is_refused(section: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(BadRunbook) as refused:
        book(tmp_path, **section)
    assert says in str(refused.value)
    assert "book.yaml:" in str(refused.value)


def test_a_threshold_of_0_is_one(tmp_path: Path) -> None:
    made = book(tmp_path, walk=[choice(fact="disk", reaches=0)])
    assert made.incident
    assert made.incident.walk[0].decide[0].when[0].reaches == 0


def test_a_runbook_without_the_section_has_a_walk_of_its_own_ladders() -> None:
    (decided,) = [window.decide for window in PLAIN_WALK.walk]
    assert [choice.do for choice in decided] == [Move.ROLL_BACK, Move.PAUSE]


def shipped(name: str) -> tuple[Runbook, IncidentWalk]:
    found = runbook_lines.load(runbook_lines.locate(name, Path()))
    assert found.incident
    return found, found.incident


@pytest.mark.parametrize("name", runbook_lines.shipped())
def test_each_document_is_walked(name: str) -> None:
    found, walk = shipped(name)
    known = {*KNOWN_READINGS, *found.readings}
    assert set(walk.captures) | {repair.rows for repair in walk.repairs} <= known
    assert walk.walk[0].begins == 0
    assert walk.walk[-1].ends == 30


THRESHOLDS = [
    # The document's own numbers: runbook, minutes, what is done, fact, number.
    ("ingestion", "0-5", Move.PAUSE, "upload_failures", 0.1),
    ("ingestion", "0-5", Move.ROLL_BACK, "upload_failures", 0.2),
    ("ingestion", "0-5", Move.ROLL_BACK, "lost_rows", 1),
    ("ingestion", "15-30", Move.ROLL_BACK, "minutes_to_fix", 60),
    ("agency", "15-30", Move.ROLL_BACK, "minutes_to_fix", 30),
    ("umbrella", "0-5", Move.ROLL_BACK, "errors", 0.2),
    ("umbrella", "0-5", Move.MITIGATE, "errors", 0.1),
    ("umbrella", "0-5", Move.MITIGATE, "latency", 2),
    ("launch400k", "0-5", Move.MITIGATE, "requests", 0.05),
    ("launch400k", "0-5", Move.MITIGATE, "response_time", 2),
    ("launch400k", "0-5", Move.MITIGATE, "pool", 0.95),
    ("launch400k", "0-5", Move.MITIGATE, "cpu", 0.9),
    ("launch400k", "0-5", Move.MITIGATE, "memory", 0.9),
    ("launch400k", "0-5", Move.MITIGATE, "disk", 0.95),
    ("launch400k", "15-30", Move.ROLL_BACK, "requests", 0.1),
]


@pytest.mark.parametrize(("name", "minutes", "move", "fact", "number"), THRESHOLDS)
def test_the_numbers_are_those_of_the_document(name: str, minutes: str, move: Move, fact: str, number: float) -> None:
    _, walk = shipped(name)
    (span,) = [span for span in walk.walk if span.minutes == minutes]
    asked = [when for choice in span.decide if choice.do is move for when in choice.when if when.fact == fact]
    assert {when.reaches for when in asked if not when.unknown} == {number}


def test_the_six_symptoms_of_the_ingestion_document_are_there() -> None:
    _, walk = shipped("ingestion")
    assert [bool(symptom.when) for symptom in walk.symptoms] == [True] * 6
