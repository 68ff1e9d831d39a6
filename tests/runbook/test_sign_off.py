"""A sign-off file that cannot be used is told in a line each, and people decide only what the lines let them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.config.wording import says_nothing
from readiness.environment.schema import Environment
from readiness.errors import BadInput
from readiness.observations.signoff import Approvals, approvals
from readiness.outcomes import DecisionKey, Gate, Outcome, Phase, Unknown
from readiness.runbook import sign_off
from readiness.runbook.consent import LaunchRecord, PhaseStanding
from readiness.runbook.sign_off import Approval, SignOff, load, path_of
from readiness.verdict import INCOMPLETE_EXIT, DecisionOutcome, Expected, Verdict, VerdictStatus, decide

ROOT = Path(__file__).parents[2]
MOMENT = datetime(2026, 12, 8, 15, 0, tzinfo=UTC)
LAUNCH = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
ROLES = ("Engineering Lead", "Product Manager", "SRE Lead")
GOOD = """\
decision: approved
approvals:
  - {role: Engineering Lead, name: Ada Byron, approved_on: 2026-12-08}
  - {role: Product Manager, name: Bo Chen, approved_on: 2026-12-07, evidence: https://git.shop.internal/1}
  - {role: SRE Lead, name: Cy Diaz, approved_on: 2026-12-08}
"""


def read(folder: Path, text: str) -> SignOff | None:
    path = folder / "shop.sign-off.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_a_good_file_is_typed(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    assert found
    assert found.decision == "approved"
    assert found.approvals[1] == Approval(
        role="Product Manager",
        name="Bo Chen",
        approved_on=date(2026, 12, 7),
        evidence="https://git.shop.internal/1",
    )


def test_no_file_is_no_sign_off(tmp_path: Path) -> None:
    assert load(tmp_path / "shop.sign-off.yaml") is None


def test_the_example_is_good() -> None:
    found = load(ROOT / "environments" / "example.sign-off.yaml")
    assert found
    assert found.decision == "open"


def test_the_file_lies_beside_the_environment_unless_that_says_otherwise() -> None:
    assert path_of("shop", Path("environments"), None) == Path("environments/shop.sign-off.yaml")
    assert path_of("shop", Path("environments"), Path("/etc/s.yaml")) == Path("/etc/s.yaml")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("decision: approved", "decision: aproved", "1: decision: 'aproved' is not known; did you mean 'approved'?"),
        ("decision: approved", "desicion: approved", "1: key 'desicion' is not known; did you mean 'decision'?"),
        ("decision: approved", "decision: deferred", "needs a reason and the date of the next look, review_on"),
        (
            "decision: approved",
            "decision: open\nsigned_at: 2026-12-08T15:00:00Z",
            "only an approved one is signed",
        ),
        ("decision: approved", "decision: approved\nsigned_at: 2026-12-08", "2: signed_at: '2026-12-08"),
        (
            "Bo Chen, approved_on: 2026-12-07",
            "Bo Chen, approved_on: 2026-02-29",
            "4: approvals.1.approved_on: '2026-02-29'",
        ),
        ("Bo Chen, approved_on: 2026-12-07", "Bo Chen, approved_on: tomorrow", "'tomorrow' is not a date such as 2026"),
        (
            "Bo Chen, approved_on: 2026-12-07",
            "Bo Chen, approved_on: 2026-12-07T10:00:00Z",
            "is not a date such as",
        ),
        ("Bo Chen, approved_on: 2026-12-07", "Bo Chen, approved_on: 1765000000", "not 1765000000"),
        ("Bo Chen, approved_on", "Bo Chen, aproved_on", "did you mean 'approved_on'?"),
        ("name: Bo Chen", "name: TBD", "approvals.1.name: 'TBD' says nothing"),
        ("name: Bo Chen, ", "", "4: approvals.1.name is missing"),
        ("SRE Lead", "Product Manager", "approvals: the role Product Manager stands twice"),
        ("approvals:", "approvals: [", "this is not YAML"),
    ],
)
def test_a_mistake_is_told_in_one_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(BadInput) as raised:
        read(tmp_path, GOOD.replace(old, new))
    assert all(problem.startswith("shop.sign-off.yaml:") for problem in raised.value.problems)
    assert told in str(raised.value)


def test_the_29th_of_february_is_a_day_of_a_leap_year(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD.replace("2026-12-07", "2028-02-29"))
    assert found
    assert found.approvals[1].approved_on == date(2028, 2, 29)


@pytest.mark.parametrize("text", ["", "  ", "-", "...", "TBD", "tba", "todo: ", "N/A", "<summary>", "[fill in]", "xxx"])
def test_what_says_nothing(text: str) -> None:
    assert says_nothing(text)


@pytest.mark.parametrize("text", ["to be continued by Bo", "none of the clients saw it", "a", "X-Ray was down", "名前"])
def test_what_says_something(text: str) -> None:
    assert not says_nothing(text)


def given(folder: Path, text: str = GOOD, moment: datetime = MOMENT, launch: datetime | None = LAUNCH) -> Approvals:
    environment = Environment(
        environment="shop",
        runbooks=("ingestion",),
        allowed_hosts=("shop.example.com",),
        target={"url": "https://shop.example.com"},  # type: ignore[arg-type]
    )
    found = read(folder, text) if text else None
    return approvals(found, environment, moment, launch, ROLES)


def test_three_people_have_approved(tmp_path: Path) -> None:
    found = given(tmp_path)
    assert (found.missing, found.several_roles, found.misdated) == ([], [], [])
    assert found.given[0] == "Engineering Lead: Ada Byron, 2026-12-08"


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("SRE Lead", "SRE Laed", {"missing": ["SRE Lead (the file has 'SRE Laed')"]}),
        ("role: SRE Lead", "role: sre  lead", {}),
        ("Cy Diaz", "Ada Byron", {"several_roles": ["Ada Byron"]}),
        ("2026-12-07", "2026-11-30", {"misdated": ["Product Manager on 2026-11-30"]}),
        ("2026-12-07", "2026-12-01", {}),
        ("2026-12-07", "2026-12-09", {}),  # it is that day already, east of us
        ("2026-12-07", "2026-12-10", {"misdated": ["Product Manager on 2026-12-10"]}),
    ],
)
def test_what_is_the_matter_with_an_approval(tmp_path: Path, old: str, new: str, found: dict[str, Any]) -> None:
    told = given(tmp_path, GOOD.replace(old, new))
    nothing: dict[str, Any] = {"missing": [], "several_roles": [], "misdated": []}
    assert {name: getattr(told, name) for name in nothing} == nothing | dict(found)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Cy Diaz", "ADA  byron", "'ADA  byron' and 'Ada Byron' are one person in two spellings; write one"),
        ("Cy Diaz", '"Byron, Ada"', "'Byron, Ada' and 'Ada Byron' are one person in two spellings; write one"),
        ("Cy Diaz", "\u0421y Diaz", "mixes letters of Cyrillic and Latin"),
        ("decision: approved", "decision: approved\nreason: .....x", "'.....x' says nothing; write why, in a sentence"),
    ],
)
def test_a_sign_off_that_says_nothing_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(tmp_path, GOOD.replace(old, new))
    assert says in str(refused.value)


def test_one_person_may_approve_for_several_roles_where_that_is_said(tmp_path: Path) -> None:
    text = GOOD.replace("Cy Diaz", "Ada Byron") + "one_person_for_several_roles: the team has two people\n"
    assert given(tmp_path, text).several_roles == []


def test_without_a_launch_time_no_approval_is_too_early(tmp_path: Path) -> None:
    assert given(tmp_path, GOOD.replace("2026-12-07", "2020-01-01"), launch=None).misdated == []


def test_without_a_file_it_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(Unknown, match=r"there is no shop\.sign-off\.yaml"):
        given(tmp_path, "")


LINE = DecisionKey("book/line", "area.check", None)
APPROVED = SignOff(
    decision="approved", approvals=(Approval(role="SRE Lead", name="Cy Diaz", approved_on=date(2026, 12, 8)),)
)
DEFERRED = SignOff(decision="deferred", reason="a client asked for it", review_on=date(2026, 12, 15))


def decided(outcome: Outcome, signed: SignOff | None, phase: Phase = Phase.GA) -> Verdict:
    return decide(phase, [Expected(LINE, Gate.BLOCKER)], [DecisionOutcome(LINE, outcome)], sign_off=signed)


@pytest.mark.parametrize(
    ("outcome", "signed", "word"),
    [
        (Outcome.PASS, APPROVED, VerdictStatus.APPROVED),
        (Outcome.PASS, None, VerdictStatus.INCOMPLETE),
        (Outcome.PASS, SignOff(decision="approved"), VerdictStatus.INCOMPLETE),
        (Outcome.PASS, SignOff(), VerdictStatus.INCOMPLETE),
        (Outcome.PASS, DEFERRED, VerdictStatus.DEFERRED),
        (Outcome.FAIL, SignOff(decision="approved"), VerdictStatus.DEFERRED),
        (Outcome.FAIL, DEFERRED, VerdictStatus.DEFERRED),
        (Outcome.UNKNOWN, SignOff(decision="approved"), VerdictStatus.INCOMPLETE),
        (Outcome.UNKNOWN, DEFERRED, VerdictStatus.DEFERRED),
    ],
)
def test_people_may_defer_and_cannot_approve_what_the_lines_do_not(
    outcome: Outcome, signed: SignOff | None, word: VerdictStatus
) -> None:
    found = decided(outcome, signed)
    assert found.word is word
    assert found.exit == {VerdictStatus.APPROVED: 0, VerdictStatus.INCOMPLETE: INCOMPLETE_EXIT}.get(word, 1)


def test_a_deferred_launch_tells_why_and_until_when() -> None:
    assert decided(Outcome.PASS, DEFERRED).action == "deferred: a client asked for it; look again on 2026-12-15"
    assert "mend the failed lines" in decided(Outcome.FAIL, DEFERRED).action


def test_an_approval_that_does_not_count_is_told() -> None:
    assert decided(Outcome.FAIL, SignOff(decision="approved")).action.startswith("the approval does not count yet")


def held(says: str) -> PhaseStanding:
    return PhaseStanding(Phase.PREFLIGHT, is_good=False, says=says)


BESIDE: list[tuple[LaunchRecord | None, list[str]]] = [
    # What is known of the launch; what is told beside the failed line.
    (None, []),
    (LaunchRecord(MOMENT, MOMENT, (PhaseStanding(Phase.PREFLIGHT, is_good=True, says="GO"),)), []),
    (LaunchRecord(MOMENT, MOMENT, (held("INCOMPLETE in 2026-preflight"),)), ["preflight INCOMPLETE in 2026-preflight"]),
    (LaunchRecord(MOMENT, MOMENT + timedelta(hours=2), ()), ["the launch is still to come"]),
    (LaunchRecord(MOMENT, None, (held("was never run"),)), ["set launch_at", "preflight was never run"]),
]


@pytest.mark.parametrize(("launch", "reasons"), BESIDE)
def test_what_holds_the_launch_back_is_told_beside_the_lines(launch: LaunchRecord | None, reasons: list[str]) -> None:
    of_lines = decide(Phase.GA, [Expected(LINE, Gate.BLOCKER)], [DecisionOutcome(LINE, Outcome.FAIL)])
    verdict = decide(
        Phase.GA,
        [Expected(LINE, Gate.BLOCKER)],
        [DecisionOutcome(LINE, Outcome.FAIL)],
        sign_off=SignOff(decision="approved"),
        launch=launch,
    )
    assert verdict.word is of_lines.word
    assert verdict.action.startswith(f"the approval does not count yet; {of_lines.action}")
    assert [reason for reason in reasons if reason not in verdict.action] == []
    assert verdict.action.count("; ") == 1 + len(reasons)


@pytest.mark.parametrize("phase", [Phase.PREFLIGHT, Phase.SMOKE, Phase.POSTLAUNCH])
def test_the_sign_off_decides_nothing_before_the_last_phase(phase: Phase) -> None:
    assert decided(Outcome.PASS, DEFERRED, phase) == decided(Outcome.PASS, None, phase)


def test_what_is_due_after_the_sign_off() -> None:
    due = sign_off.SignOff(decision="approved", signed_at=MOMENT).signed_at
    assert due == MOMENT
    assert MOMENT - timedelta(seconds=1) < due
