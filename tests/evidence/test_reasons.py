"""Each reason of verify has a word and a code of its own, and the documentation says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from readiness.__main__ import USAGE_ERROR, main
from readiness.evidence.reasons import BAD_EXIT, Reason, gravest
from readiness.verdict import INCOMPLETE_EXIT

ROOT = Path(__file__).parents[2]
PYTEST_S_OWN = set(range(2, 7))
ROW = re.compile(r"^\| (\d+) \| ([a-z-]+) \| (.+) \|$", re.MULTILINE)


def test_no_two_reasons_share_a_code_and_only_a_good_word_has_0() -> None:
    codes = [reason.code for reason in Reason]
    assert len(set(codes)) == len(codes)
    assert [reason for reason in Reason if reason.code == 0] == [Reason.GOOD]
    assert not set(codes) & (PYTEST_S_OWN | {USAGE_ERROR})


@pytest.mark.parametrize("reason", Reason)
def test_the_gate_keeps_its_own_few_codes(reason: Reason) -> None:
    assert reason.gate_code in {0, BAD_EXIT, INCOMPLETE_EXIT}
    assert (reason.gate_code == 0) is (reason is Reason.GOOD)


@pytest.mark.parametrize("reason", Reason)
def test_what_was_altered_outweighs_each_other_reason(reason: Reason) -> None:
    assert gravest([reason, Reason.ALTERED, Reason.GOOD]) is Reason.ALTERED
    assert gravest([Reason.GOOD, reason]) is reason


def test_the_documentation_has_a_row_for_each() -> None:
    rows = ROW.findall((ROOT / "docs" / "gate.md").read_text("utf-8"))
    by_code = sorted(Reason, key=lambda reason: reason.code)
    assert rows == [(str(reason.code), str(reason), reason.says) for reason in by_code]


def test_the_help_names_each(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["verify", "--help"])
    told = "".join(capsys.readouterr().out.split())  # a line may end at a hyphen
    for reason in Reason:
        assert f"{reason.code}{reason}" in told
