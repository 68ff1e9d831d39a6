"""What people write down is read strictly: every date, name and link, and nothing counts longer than it says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from readiness.errors import BadEnvironment
from readiness.outcomes import Phase
from readiness.runbook import attestations, waivers
from readiness.runbook.attestations import Attestation
from readiness.runbook.lines import load, locate
from readiness.runbook.waivers import Waiver
from readiness.shipped import RUNBOOKS
from readiness.timeline import parse_day

BOOKS = [load(locate("ingestion", RUNBOOKS))]
ATTESTED = """\
attestations:
  ingestion/rollback-reviewed:
    statement: the team walked through the rollback
    who: Ada Example
    at: 2026-11-20
    valid_until: 2026-12-01
    evidence: https://wiki.shop.internal/rollback
"""
WAIVED = """\
waivers:
  ingestion/rollback-reviewed:
    requested_by: Ada Example
    approved_by: Grace Example
    reason: fix-scheduled
    because: the fix ships with the next release
    at: 2026-11-20
    until: 2026-12-01
    phases: [preflight]
"""


def attested(folder: Path, text: str) -> Attestation:
    path = folder / "prod.attestations.yaml"
    path.write_text(text, encoding="utf-8")
    found = attestations.load(path, BOOKS, {"WHO": "Ada Example"}).of("ingestion/rollback-reviewed")
    assert found
    return found


def waived(folder: Path, text: str) -> Waiver:
    path = folder / "prod.waivers.yaml"
    path.write_text(text, encoding="utf-8")
    return waivers.load(path, BOOKS, {}).waivers["ingestion/rollback-reviewed"]


def test_a_good_file_is_typed(tmp_path: Path) -> None:
    found = attested(tmp_path, ATTESTED.replace("Ada Example", "${WHO}"))
    assert (found.who, found.at, found.valid_until) == ("Ada Example", date(2026, 11, 20), date(2026, 12, 1))
    assert found.holds
    assert "attested by Ada Example on 2026-11-20, valid until 2026-12-01: the team walked" in found.summary


def test_no_file_is_an_empty_one_unless_it_is_named(tmp_path: Path) -> None:
    assert attestations.load(tmp_path / "none.yaml", BOOKS, {}).attestations == {}
    assert waivers.load(tmp_path / "none.yaml", BOOKS, {}).waivers == {}
    with pytest.raises(BadEnvironment, match=r"none\.yaml: cannot be read"):
        attestations.load(tmp_path / "none.yaml", BOOKS, {}, required=True)


BAD_DAYS = [
    ("2026-12-01T09:00:00Z", "valid_until: '2026-12-01T09:00:00Z' is not a date such as"),
    ("2026-12-01 09:00:00", "is not a date such as 2026-12-01; a day counts to its end in UTC"),
    ("2026-02-29", "valid_until: '2026-02-29' is not a day of the calendar"),
    ("2026-13-01", "is not a day of the calendar"),
    ("01.12.2026", "is not a date such as"),
    ("tomorrow", "is not a date such as"),
    ("never", "is not a date such as"),
    ("9999-12-31", "is of no year that matters here"),
    ("2028-12-01", "is more than 366 days after at 2026-11-20"),
    ("2026-11-19", "valid_until 2026-11-19 is before at 2026-11-20"),
    ("", "a date such as 2026-12-01 is wanted"),
    ("12", "valid_until"),
    ("true", "valid_until"),
]


@pytest.mark.parametrize(("written", "told"), BAD_DAYS, ids=[one or "empty" for one, _ in BAD_DAYS])
def test_a_day_is_a_day(tmp_path: Path, written: str, told: str) -> None:
    with pytest.raises(BadEnvironment) as refused:
        attested(tmp_path, ATTESTED.replace("2026-12-01", written))
    (problem,) = refused.value.problems
    assert problem.startswith("prod.attestations.yaml:")
    assert told in problem


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("    valid_until: 2026-12-01\n", "", ":2: attestations.ingestion/rollback-reviewed.valid_until is missing"),
        ("    who: Ada Example\n", "", "who is missing"),
        ("valid_until", "valid_untill", "key 'valid_untill' is not known; did you mean 'valid_until'?"),
        (
            "rollback-reviewed",
            "rollback-reviewd",
            ":2: attestations: line 'ingestion/rollback-reviewd' is not known; did",
        ),
        ("https://wiki.shop.internal/rollback", "in my head", "evidence: 'in my head' is not a link"),
        ("https://wiki.shop.internal/rollback", "javascript:alert(1)", "is not a link"),
        ("Ada Example", '"Ada \\e[2J"', "holds a character that cannot be printed"),
        ("Ada Example", '"Ada \\u202e"', "holds a character that cannot be printed"),
        ("Ada Example", "${NOBODY}", "the variable NOBODY is not set"),
        ("the team walked through the rollback", "ok", "statement: text of 10 characters or more is wanted"),
        ("attestations:\n", "attestation:\n", "key 'attestation' is not known; did you mean 'attestations'?"),
        ("    who: Ada Example\n", "    who: Ada Example\n    who: Eve\n", "who stands here twice"),
        ("attestations:", "- attestations:", ":1: a mapping of keys is wanted"),
    ],
)
def test_each_mistake_is_one_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(BadEnvironment) as refused:
        attested(tmp_path, ATTESTED.replace(old, new, 1))
    assert any(told in problem for problem in refused.value.problems), refused.value.problems
    assert all("\n" not in problem for problem in refused.value.problems)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Grace Example", "ada  EXAMPLE", "are one person in two spellings; someone else"),
        ("Grace Example", "A\uff44a Example", "are one person in two spellings; someone else"),
        ("    until: 2026-12-01\n", "", "until is missing"),
        ("fix-scheduled", "fix-sheduled", "did you mean 'fix-scheduled'?"),
        ("    because: the fix ships with the next release\n", "", "because is missing"),
        ("until: 2026-12-01", "until: 2027-12-01", "is more than 92 days after at 2026-11-20"),
        ("[preflight]", "[prefight]", "did you mean 'preflight'?"),
        ("rollback-reviewed", "rollback", "waivers: line 'ingestion/rollback' is not known; did you mean"),
    ],
)
def test_a_waiver_has_two_people_a_reason_and_an_end(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert waived(tmp_path, WAIVED).covers(Phase.PREFLIGHT)
    assert not waived(tmp_path, WAIVED).covers(Phase.GA)
    with pytest.raises(BadEnvironment) as refused:
        waived(tmp_path, WAIVED.replace(old, new, 1))
    assert any(told in problem for problem in refused.value.problems), refused.value.problems


LAST = datetime(2026, 12, 1, 23, 59, 59, 999_999, UTC)
EAST, WEST = timezone(timedelta(hours=13)), timezone(timedelta(hours=-11))


@pytest.mark.parametrize(
    ("moment", "counts"),
    [
        (LAST, True),
        (LAST + timedelta(microseconds=1), False),
        (datetime(2026, 12, 2, 12, 59, tzinfo=EAST), True),  # 23:59 of the first in UTC
        (datetime(2026, 12, 2, 13, 0, tzinfo=EAST), False),
        (datetime(2026, 12, 1, 13, 0, tzinfo=WEST), False),  # midnight in UTC
        (datetime(2026, 11, 20, tzinfo=UTC), True),
        (datetime(2026, 11, 19, tzinfo=UTC), True),  # where it was written it may have been the 20th
        (datetime(2026, 11, 18, 23, 59, tzinfo=UTC), False),
    ],
)
def test_the_last_day_counts_to_its_end_in_utc(tmp_path: Path, moment: datetime, *, counts: bool) -> None:
    assert (attested(tmp_path, ATTESTED).lapsed(moment) is None) is counts
    assert (waived(tmp_path, WAIVED).lapsed(moment) is None) is counts


def test_the_leap_day_is_a_day(tmp_path: Path) -> None:
    assert parse_day("2028-02-29") == date(2028, 2, 29)
    text = ATTESTED.replace("2026-11-20", "2028-02-29").replace("2026-12-01", "2029-03-01")
    assert attested(tmp_path, text).valid_until == date(2029, 3, 1)
    assert (
        attested(tmp_path, text.replace("2029-03-01", "2028-02-29")).lapsed(datetime(2028, 2, 29, 23, tzinfo=UTC))
        is None
    )


def test_an_entry_for_one_thing_of_a_line_goes_before_that_of_the_line() -> None:
    one = {"statement": "the whole line is true", "who": "Ada", "at": "2026-11-20", "valid_until": "2026-12-01"}
    one |= {"evidence": "https://wiki.shop.internal/x"}
    found = attestations.Attestations.model_validate({"attestations": {"a/b": one, "a/b:c": {**one, "who": "Grace"}}})
    assert [found.name_for(name) for name in ("a/b", "a/b:c", "a/b:d", "a/c")] == ["a/b", "a/b:c", "a/b", None]


def test_the_examples_are_whole() -> None:
    folder = Path(__file__).parents[2] / "environments"
    said = attestations.load(folder / "example.attestations.yaml", BOOKS, {}).attestations
    spared = waivers.load(folder / "example.waivers.yaml", BOOKS, {}).waivers
    (word,), (waiver,) = said.values(), spared.values()
    assert set(Attestation.model_fields) == word.model_fields_set
    assert set(Waiver.model_fields) == waiver.model_fields_set
    text = (folder / "example.waivers.yaml").read_text(encoding="utf-8")
    assert all(reason in text for reason in waivers.WaiverReason)
