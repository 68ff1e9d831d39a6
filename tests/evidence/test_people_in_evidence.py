"""What people said is part of the journal: the verdict follows from it again, and a flag that was flipped is caught."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readiness.__main__ import main
from readiness.evidence.journal import read_run
from readiness.evidence.previous_run import as_before
from readiness.evidence.reasons import Reason
from readiness.evidence.rejudge import judge
from readiness.rendering import exports
from readiness.rendering.actions import actions
from readiness.rendering.formats import result_statement
from readiness.verdict import INCOMPLETE_EXIT, VerdictStatus
from tests.evidence.test_judged import run_of, write

Journaled = dict[str, Any]
WORD = {"statement": "Ada looked herself", "holds": True, "who": "Ada", "at": "2026-11-20"}
WORD |= {"valid_until": "2026-11-21", "evidence": "https://wiki.shop.internal/x"}
WAIVER: Journaled = {
    "requested_by": "Ada",
    "approved_by": "Grace",
    "reason": "mitigated",
    "because": "we watch it by hand",
}
WAIVER |= {"at": "2026-11-20", "until": "2026-11-21", "phases": []}
MEASURED = {"name": "attested by Ada on 2026-11-20", "value": True, "comparator": "is", "limit": True, "unit": ""}


def waived() -> Journaled:
    """Give a run whose failed line is waived: GO."""
    told = copy.deepcopy(run_of())
    told["start"]["waivers"] = {"book/bad": dict(WAIVER)}
    told["results"][1] |= {"waived": True, "waiver": {"entry": "book/bad", "state": "waives", **WAIVER}}
    told["finish"] |= {"verdict": "GO", "exit": 0, "counts": {"pass": 1, "fail (waived)": 1, "not due": 1}}
    return told


def attested() -> Journaled:
    """Give a run whose one line a person has decided: GO."""
    told = copy.deepcopy(run_of())
    told["start"]["attestations"] = {"book/bad": dict(WORD)}
    told["results"][1] |= {"outcome": "pass", "attested": True, "measurements": [{**MEASURED, "ok": True}]}
    told["results"][1]["attestation"] = {"entry": "book/bad", "state": "decides", **WORD}
    told["finish"] |= {"verdict": "GO", "exit": 0, "counts": {"pass": 2, "not due": 1}}
    return told


@pytest.mark.parametrize("make", [waived, attested])
def test_the_verdict_follows_from_the_journal(
    make: Callable[[], Journaled], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = judge(read_run(write(tmp_path / "run", make())))
    assert judged.refuted == ()
    assert judged.verdict.word is VerdictStatus.GO
    # What it rests on expired on 2026-11-21: nothing was changed, and it is no GO of today.
    (tmp_path / "environments").mkdir()  # the evidence lies alone: no file says what it must be
    alone = f"--environments={tmp_path / 'environments'}"
    assert main(["verify", str(tmp_path / "run"), alone]) == Reason.TOO_OLD.code
    assert "GO held until 2026-11-22 00:00:00Z, and that is over" in capsys.readouterr().out


@pytest.mark.parametrize("make", [waived, attested])
@pytest.mark.parametrize("stated", [None, "2026-11-30T00:00:00Z", "2026-11-21T00:00:00Z"])
def test_a_run_that_names_another_end_than_its_entries_is_refuted(
    make: Callable[[], Journaled], stated: str | None, tmp_path: Path
) -> None:
    told = make()
    told["finish"]["holds_until"] = "2026-11-22T00:00:00Z"
    assert judge(read_run(write(tmp_path / "honest", told))).refuted == ()
    told["finish"]["holds_until"] = stated
    (why,) = judge(read_run(write(tmp_path / "run", told))).refuted
    assert why.endswith("its plan and its entries let it hold until 2026-11-22 00:00:00Z")
    assert main(["verify", str(tmp_path / "run")]) == 11


def test_a_good_word_of_earlier_rules_is_undecided_and_not_refuted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = attested()
    for planned in told["plan"]["lines"]:
        planned["gate"] = "warning"
    assert judge(read_run(write(tmp_path / "run", told))).refuted == ()
    assert main(["verify", str(tmp_path / "run")]) == INCOMPLETE_EXIT
    assert "verdict   INCOMPLETE: not decided: no blocker and no action line" in capsys.readouterr().out

    # The runs after it say that they stand on a GO.
    before = as_before(read_run(tmp_path / "run"))
    assert before
    assert before.verdict is VerdictStatus.GO

    # This version would not have written it.
    told["finish"]["holds_until"] = None
    (why,) = judge(read_run(write(tmp_path / "new", told))).refuted
    assert why.startswith("recorded as GO (exit 0), the results add up to INCOMPLETE")


def test_what_is_waived_is_no_error_in_a_pipeline(tmp_path: Path) -> None:
    run = read_run(write(tmp_path, waived()))
    verdict, line = exports.commands_for_github(run)
    assert verdict.startswith("::notice title=GO::")
    assert line.startswith("::notice title=waived fail book/bad::")
    told = result_statement(run)["predicate"]
    assert (told["result"], told["warnedTests"], told["failedTests"]) == ("WARNED", ["book/bad"], [])


def bad(told: Journaled) -> Journaled:
    found: Journaled = told["results"][1]
    return found


WAIVER_LIES: dict[str, Callable[[Journaled], object]] = {
    "flag-alone": lambda told: (bad(told).pop("waiver"), told["start"].pop("waivers")),
    "flag-dropped": lambda told: bad(told).update(waived=False),
    "not-at-the-start": lambda told: told["start"].pop("waivers"),
    "of-another-line": lambda told: told["start"].update(waivers={"book/good": WAIVER}),
    "another-entry": lambda told: bad(told)["waiver"].update(entry="book/good"),
    "made-longer": lambda told: bad(told)["waiver"].update(until="2026-12-31"),
    "expired": lambda told: (
        bad(told)["waiver"].update(until="2026-11-20"),
        told["start"]["waivers"]["book/bad"].update(until="2026-11-20"),
    ),
    "of-one-person": lambda told: (
        bad(told)["waiver"].update(approved_by="ada"),
        told["start"]["waivers"]["book/bad"].update(approved_by="ada"),
    ),
    "of-another-phase": lambda told: (
        bad(told)["waiver"].update(phases=["ga"]),
        told["start"]["waivers"]["book/bad"].update(phases=["ga"]),
    ),
    "on-a-pass": lambda told: told["results"][0].update(waived=True, waiver=bad(told)["waiver"]),
    "on-what-was-not-run": lambda told: bad(told).update(outcome="not run", measurements=[]),
    "malformed": lambda told: (bad(told)["waiver"].update(at=7), told["start"]["waivers"]["book/bad"].update(at=7)),
}
WORD_LIES: dict[str, Callable[[Journaled], object]] = {
    "flag-alone": lambda told: (bad(told).pop("attestation"), told["start"].pop("attestations")),
    "flag-dropped": lambda told: bad(told).update(attested=False),
    "flag-and-entry-dropped": lambda told: (bad(told).update(attested=False), bad(told).pop("attestation")),
    "not-at-the-start": lambda told: told["start"].pop("attestations"),
    "another-person": lambda told: bad(told)["attestation"].update(who="Grace"),
    "expired": lambda told: (
        bad(told)["attestation"].update(valid_until="2026-11-20"),
        told["start"]["attestations"]["book/bad"].update(valid_until="2026-11-20"),
    ),
    "without-a-day": lambda told: (
        bad(told)["attestation"].pop("valid_until"),
        told["start"]["attestations"]["book/bad"].pop("valid_until"),
    ),
    "until-never": lambda told: (
        bad(told)["attestation"].update(valid_until="never"),
        told["start"]["attestations"]["book/bad"].update(valid_until="never"),
    ),
    "does-not-hold": lambda told: (
        bad(told)["attestation"].update(holds=False),
        told["start"]["attestations"]["book/bad"].update(holds=False),
    ),
}


@pytest.mark.parametrize("name", WAIVER_LIES)
def test_a_lie_about_a_waiver_is_refuted(name: str, tmp_path: Path) -> None:
    told = waived()
    WAIVER_LIES[name](told)
    assert judge(read_run(write(tmp_path / "run", told))).refuted
    assert main(["verify", str(tmp_path / "run")]) == 11


@pytest.mark.parametrize("name", WORD_LIES)
def test_a_lie_about_an_attestation_is_refuted(name: str, tmp_path: Path) -> None:
    told = attested()
    WORD_LIES[name](told)
    assert judge(read_run(write(tmp_path / "run", told))).refuted
    assert main(["verify", str(tmp_path / "run")]) == 11


def test_one_action_for_one_cause(tmp_path: Path) -> None:
    told = run_of()
    told["results"][1] |= {"reason": "figure: 3", "remedy": "lower it"}
    told["results"][0] |= {"outcome": "fail", "reason": "figure: 3", "remedy": "lower it"}
    told["finish"]["counts"] = {"fail": 2, "not due": 1}
    told["results"][0]["measurements"] = told["results"][1]["measurements"]
    run = read_run(write(tmp_path, told))
    (found,) = actions(run, judge(run), {"demo": "Data Platform", "book/good": "Ada"})
    assert (found.do, found.why, found.owner) == ("lower it", "figure: 3", "Ada, Data Platform")
    assert found.lines == ("book/good", "book/bad")


def test_a_good_verdict_needs_no_action_and_one_cut_short_needs_the_whole_run(tmp_path: Path) -> None:
    run = read_run(write(tmp_path / "good", waived()))
    assert actions(run, judge(run), {}) == []
    told = waived()
    told["finish"] = None
    run = read_run(write(tmp_path / "short", told))
    (found,) = actions(run, judge(run), {})
    assert found.do == "pytest -m preflight --env tiny"
