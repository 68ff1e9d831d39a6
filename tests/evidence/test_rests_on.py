"""Each result rests on observations of its own run: a journal from which one was taken, or put in, is refuted.

The forgers here know the journal well: their chains are whole, and the real key or a stranger's seals what they made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from readiness.evidence import journal
from readiness.evidence.journal import Journal, read_run
from readiness.evidence.looks import bind_again
from readiness.evidence.rejudge import judge
from readiness.redaction.redactor import Redactor
from tests.evidence.launch import Launch, make, new_key, signer
from tests.plugin.project import Project, line

Records = list[dict[str, Any]]
FIGURE, NAMED = "figure", "figure_of"
SUITES_OWN = ("seq", "prev", "record")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """Give a launch as it was: red, killed, green."""
    return make(tmp_path_factory.mktemp("launch"))


@pytest.fixture
def launch(done: Launch, tmp_path: Path) -> Launch:
    """Give a copy that may be forged."""
    return done.copy(tmp_path / "copy")


def records_of(run: Path) -> Records:
    return [json.loads(text) for text in (run / journal.FILE).read_bytes().splitlines()]


def observed(records: Records, name: str) -> dict[str, Any]:
    (record,) = (one for one in records if one["record"] == "observation" and one["name"] == name)
    return record


def rewrite(run: Path, records: Records) -> None:
    """Write a journal anew with the suite's own writer, which makes the chain fit."""
    (run / journal.FILE).unlink()
    written = Journal(run, Redactor(frozenset))
    for record in records:
        written.write(record["record"], {key: value for key, value in record.items() if key not in SUITES_OWN})
    written.close()


def removed(own: Records, other: Records) -> Records:
    del other
    return [one for one in own if one is not observed(own, FIGURE)]


def all_removed(own: Records, other: Records) -> Records:
    del other
    return [one for one in own if one["record"] != "observation"]


def made_unknown(own: Records, other: Records) -> Records:
    del other
    seen = observed(own, FIGURE)
    del seen["value"]
    seen["unknown"] = {"reason": "GET /figure answered 403", "remedy": "look"}
    return own


def renamed(own: Records, other: Records) -> Records:
    del other
    observed(own, FIGURE)["name"] = "hidden"
    return own


def of_another_subject(own: Records, other: Records) -> Records:
    del other
    observed(own, NAMED)["arguments"] = {"name": "b"}
    return own


def exchanged(own: Records, other: Records) -> Records:
    observed(own, FIGURE).update(observed(other, FIGURE))
    return own


def another_value(own: Records, other: Records) -> Records:
    del other
    observed(own, FIGURE)["value"] = 0.1
    return own


def exchanged_and_bound(own: Records, other: Records) -> Records:
    observed(own, FIGURE).update(observed(other, FIGURE))
    bind_again(own)
    return own


def of_no_run(own: Records, other: Records) -> Records:
    del other
    del observed(own, FIGURE)["run"]
    bind_again(own)
    return own


def _results_with(own: Records, looks: object) -> Records:
    for one in own:
        if one["record"] == "result":
            one["rests_on"] = looks
    return own


def naming_nothing(own: Records, other: Records) -> Records:
    del other
    return _results_with(own, [])


def as_an_older_version(own: Records, other: Records) -> Records:
    del other
    return _results_with(own, None)


FORGERIES: dict[str, tuple[Callable[[Records, Records], Records], str]] = {
    "removed": (removed, "rests on the observation figure, which is not in the journal"),
    "all of them removed": (all_removed, "rests on the observation figure_of a, which is not in the journal"),
    "made unknown": (made_unknown, "rests on the observation figure, which the journal holds as unknown"),
    "of another name": (renamed, "rests on the observation figure, which is not in the journal"),
    "of another subject": (of_another_subject, "rests on the observation figure_of a, which is not in the journal"),
    "exchanged with another run's": (exchanged, "another observation figure than the journal holds"),
    "another value": (another_value, "another observation figure than the journal holds"),
    "exchanged, and bound again": (exchanged_and_bound, "-preflight: it was put in"),
    "of no run": (of_no_run, "the observation figure is of no run: it was put in"),
    "results that name nothing": (naming_nothing, "recorded as pass, and it names no observation"),
    "results of an older version": (as_an_older_version, "recorded as pass, and it names no observation"),
}


@pytest.mark.parametrize("who", ["the same key", "a stranger"])
@pytest.mark.parametrize("name", FORGERIES)
def test_a_result_without_its_observation_is_refuted(
    name: str, who: str, launch: Launch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forge, sentence = FORGERIES[name]
    red, *_, green = launch.runs()
    rewrite(green, forge(records_of(green), records_of(red)))

    (tmp_path / "other").mkdir()
    key = launch.folder / "ci.key" if who == "the same key" else new_key(tmp_path / "other", "other")
    launch.seal_again(green, signer(key), {**launch.facts(green), "head": read_run(green).head})
    assert any(sentence in told for told in judge(read_run(green)).refuted), judge(read_run(green)).refuted
    capsys.readouterr()
    assert launch.verify("tiny", "preflight") not in {0, 10}
    assert sentence in capsys.readouterr().out


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_an_honest_run_of_each_kind_is_borne_out(workers: tuple[str, ...], tmp_path: Path) -> None:
    """What is attested, waived, unknown, failed, broken or shared by two lines needs nothing that it has not."""
    project = Project(tmp_path)
    names = ("figure", "named", "hidden", "broken", "quick")
    limits: Mapping[str, object] = {"named": {"name": "a"}}
    lines = [line(name, {f"demo.{name}": limits.get(name, {})}) for name in names]
    project.runbook(*lines, line("again", {"demo.figure": {"share_below": 0.9}}))
    project.write("figure.txt", "0.85")
    ran = project.preflight(*workers)
    assert ran.exit == 1, ran.out
    (folder,) = (path.parent for path in (tmp_path / "reports" / "tiny").glob("*/journal.jsonl"))
    run = read_run(folder)
    assert run.start.binds_results
    assert {result.outcome for result in run.results} == {"pass", "fail", "unknown"}
    assert judge(run).refuted == ()
    assert [look.name for result in run.results if result.line == "book/again" for look in result.rests_on or ()] == [
        FIGURE
    ]


def test_what_is_masked_afterwards_is_bound_to_its_masked_record(tmp_path: Path) -> None:
    """A secret that is known late is masked in the whole journal, and the journal still bears itself out."""
    project = Project(tmp_path)
    project.runbook(line("one", {"demo.named": {"name": "correct-horse-battery"}}))
    assert project.preflight().exit == 0
    (folder,) = (path.parent for path in (tmp_path / "reports" / "tiny").glob("*/journal.jsonl"))
    records = records_of(folder)
    known: set[str] = set()
    (folder / journal.FILE).unlink()
    written = Journal(folder, Redactor(lambda: frozenset(known)))
    for record in records[:-1]:
        written.write(record["record"], {key: value for key, value in record.items() if key not in SUITES_OWN})
    known.add("correct-horse-battery")
    written.mask()
    written.close()
    assert "correct-horse" not in (folder / journal.FILE).read_text("utf-8")
    assert not [told for told in judge(read_run(folder)).refuted if "rests on" in told]
