"""A waiver of some things of a line spares these and no other: in the run, in its reports and in what verify says."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import main
from readiness.errors import BadEnvironment
from readiness.evidence.reasons import Reason
from readiness.outcomes import DecisionKey
from readiness.runbook import waivers
from readiness.runbook.approvers import Approvers
from readiness.runbook.lines import Runbook
from readiness.runbook.waivers import Waivers
from tests.evidence.test_today import WAIVED
from tests.plugin.project import Project, line

NAMED: dict[str, Any] = {"demo.named": {"each": {"name": ["a", "b", "c"]}}}
BOTH = {"a": 2.0, "b": 2.0}
TODAY = datetime.now(UTC).date()
RUNS: list[tuple[dict[str, Any], dict[str, float], int, set[str]]] = [
    # What is waived of the line; what the target shows; the exit; what is spared.
    ({}, BOTH, 1, set()),
    ({"book/two": WAIVED}, BOTH, 0, {"a", "b"}),
    ({"book/two": {**WAIVED, "subjects": ["a", "b"]}}, BOTH, 0, {"a", "b"}),
    ({"book/two": {**WAIVED, "subjects": ["a"]}}, BOTH, 1, {"a"}),
    ({"book/two": {**WAIVED, "subjects": ["a"]}, "book/two:b": WAIVED}, BOTH, 0, {"a", "b"}),
    ({"book/two": {**WAIVED, "subjects": ["c"]}}, {"a": 2.0}, 1, set()),
    ({"book/two:a": WAIVED}, {"a": 2.0}, 0, {"a"}),
]


def judged(folder: Path, waived: object, shown: object) -> tuple[Project, int, set[str]]:
    project = Project(folder)
    project.runbook(line("one", "demo.quick"), line("two", NAMED))
    project.write("environments/tiny.waivers.yaml", yaml.safe_dump({"waivers": waived}))
    project.write("figures.json", json.dumps(shown))
    ran = project.preflight()
    return project, ran.exit, {record["subject"] for record in ran.results if record["waived"]}


@pytest.mark.parametrize(("waived", "shown", "code", "spared"), RUNS)
def test_no_other_thing_is_spared(waived: object, shown: object, code: int, spared: set[str], tmp_path: Path) -> None:
    assert judged(tmp_path, waived, shown)[1:] == (code, spared)


SINCE: list[tuple[dict[str, Any], int, str]] = [
    # What the file says today of a run that rests on a waiver of a; what verify comes to.
    ({"book/two": {**WAIVED, "subjects": ["a"]}}, 0, ""),
    ({"book/two": {**WAIVED, "subjects": ["a", "b"]}}, 0, ""),
    ({"book/two": WAIVED}, 0, ""),
    ({"book/two:a": WAIVED}, 0, ""),
    ({"book/two": {**WAIVED, "subjects": ["a"]}, "book/two:b": WAIVED}, 0, ""),
    ({"book/two": {**WAIVED, "subjects": ["b"]}}, Reason.NOT_TODAY.code, "the waiver of book/two for a: tiny.waivers"),
    ({"book/two:b": WAIVED}, Reason.NOT_TODAY.code, "the waiver of book/two, which tiny.waivers.yaml has no more"),
    ({"book/two": {**WAIVED, "phases": ["smoke"]}}, Reason.NOT_TODAY.code, "tiny.waivers.yaml limits to smoke"),
    ({"book/two": {**WAIVED, "phases": ["preflight"]}}, 0, ""),
    ({"book/two:a": {**WAIVED, "until": str(TODAY + timedelta(days=1))}}, Reason.NOT_TODAY.code, "until was"),
]


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project whose GO rests on a waiver of one thing."""
    waived = {"book/two": {**WAIVED, "subjects": ["a"]}}
    project, code, _ = judged(tmp_path_factory.mktemp("resting"), waived, {"a": 2.0})
    assert code == 0
    return project


@pytest.mark.parametrize(("waived", "code", "sentence"), SINCE)
def test_a_waiver_that_is_limited_since_carries_nothing(
    waived: object,
    code: int,
    sentence: str,
    resting: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(resting.folder)
    resting.write("environments/tiny.waivers.yaml", yaml.safe_dump({"waivers": waived}))
    assert main(["verify", "tiny", "preflight"]) == code
    assert sentence in " ".join(capsys.readouterr().out.split())


def test_the_reports_say_for_which_things(resting: Project) -> None:
    (folder,) = (resting.folder / "reports/tiny").glob("2*-preflight")
    for name in ("summary.md", "report.html"):
        assert "a alone, until" in (folder / name).read_text("utf-8")
    assert '"subjects": ["a"]' in (folder / "journal.jsonl").read_text("utf-8").replace('":[', '": [')


REFUSED: list[tuple[dict[str, Any], str]] = [
    # The entries; what is said of them.
    ({"book/two": {**WAIVED, "subjects": ["aa"]}}, "waivers.book/two.subjects: 'aa' is not known; did you mean 'a'?"),
    ({"book/two:a": {**WAIVED, "subjects": ["a"]}}, "the entry is about one thing by its name; leave subjects out"),
    ({"book/one": {**WAIVED, "subjects": ["a"]}}, "the line names no things of which one could be waived"),
    ({"book/two:x": WAIVED}, "waivers: line 'book/two:x' is not known"),
    ({"book/two": {**WAIVED, "subject": "a"}}, "'subject' is not known; did you mean 'subjects'?"),
]


def book() -> Runbook:
    return Runbook.model_validate({"runbook": "book", "title": "b", "lines": [line("one", "x.y"), line("two", NAMED)]})


@pytest.mark.parametrize(("entries", "sentence"), REFUSED)
def test_a_thing_that_the_line_has_not_is_refused(entries: object, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "tiny.waivers.yaml"
    path.write_text(yaml.safe_dump({"waivers": entries}), "utf-8")
    with pytest.raises(BadEnvironment) as refused:
        waivers.load(path, [book()], {})
    assert sentence in str(refused.value)


OWNERS: list[tuple[str, list[str], bool]] = [
    # What is waived, and of which things; whether the owner of a may approve it.
    ("book/two", [], False),
    ("book/two", ["a"], False),
    ("book/two", ["b"], True),
    ("book/two:a", [], False),
    ("book/two:b", [], True),
]


@pytest.mark.parametrize(("name", "subjects", "may"), OWNERS)
def test_who_owns_a_thing_waives_it_not(name: str, subjects: list[str], *, may: bool, tmp_path: Path) -> None:
    path = tmp_path / "tiny.waivers.yaml"
    path.write_text(yaml.safe_dump({"waivers": {name: {**WAIVED, "subjects": subjects}}}), "utf-8")
    refused = nullcontext() if may else pytest.raises(BadEnvironment, match="owns the line")
    with refused:
        waivers.load(path, [book()], {}, Approvers({"Cy Diaz": "cy@shop.internal"}), {"book/two:a": "Cy Diaz"})


OWNED: list[tuple[dict[str, str], bool]] = [
    # Who owns what, where the environment names no approvers; whether Cy Diaz may approve a waiver of book/two.
    ({}, True),
    ({"book/two": "Cy Diaz"}, False),
    ({"book/two:a": "Cy Diaz"}, False),
    ({"demo": "Cy Diaz"}, False),
    ({"book/two": "Diaz, Cy"}, False),
    ({"book/two": "cy.diaz@shop.internal"}, False),
    ({"book/two": "C. Diaz"}, False),
    ({"book/two": "Bo Chen and Cy Diaz"}, False),
    ({"book/two": "Bo Chen"}, True),
    ({"book/two": "Data Platform"}, True),
    ({"book/two": "Cy Diazepam"}, True),
    ({"book/two": ""}, True),
    ({"book/one": "Cy Diaz"}, True),
    ({"x": "Cy Diaz"}, True),
]


@pytest.mark.parametrize(("owners", "may"), OWNED)
def test_who_owns_a_line_approves_no_waiver_of_it(owners: dict[str, str], *, may: bool, tmp_path: Path) -> None:
    path = tmp_path / "tiny.waivers.yaml"
    path.write_text(yaml.safe_dump({"waivers": {"book/two": WAIVED}}), "utf-8")
    with nullcontext() if may else pytest.raises(BadEnvironment, match="owns the line, see owners"):
        waivers.load(path, [book()], {}, owners=owners)


def test_the_entry_of_a_thing_goes_before_that_of_its_line() -> None:
    entries = Waivers.model_validate({"waivers": {"b/two": {**WAIVED, "subjects": ["a", "b"]}, "b/two:b": WAIVED}})
    keys = [DecisionKey("b/two", "x.y", subject).name for subject in ("a", "b", "c", None)]
    assert [entries.name_for(key) for key in keys] == ["b/two", "b/two:b", None, None]
