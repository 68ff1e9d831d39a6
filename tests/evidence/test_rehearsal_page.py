"""The page of a rehearsal, beside the one before it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from readiness.errors import BadRun
from readiness.rehearsal.evidence import FILE, OpenedConnections
from readiness.rendering import rehearsal_page
from tests.evidence import chromium
from tests.rehearsal.test_rehearsal import counts, evidence, put


def page(reports: Path, **other: object) -> str:
    return rehearsal_page.write(put(reports, evidence(**other))).read_text(encoding="utf-8")


def test_the_first_of_a_stage_has_nothing_to_be_held_against(tmp_path: Path) -> None:
    assert "no decided rehearsal of this stage before" in page(tmp_path)


def test_it_is_held_against_the_last_that_was_decided(tmp_path: Path) -> None:
    put(tmp_path, evidence(run="20261201T080000Z-load", kernel=counts(200, 6000), naive=counts(201, 6000)))
    put(tmp_path, evidence(run="20261201T083000Z-load", ended="cut short"))
    put(tmp_path, evidence(run="20261201T084000Z-smoke", stage="smoke"))
    found = page(tmp_path, errors={"status 500": 6})
    assert "Against 20261201T080000Z-load" in found
    rows = dict(re.findall(r"<tr><td>([a-z0-9, %/]+)</td>.*?>(better|worse|same)</td></tr>", found))
    assert rows["p95, at most, s"] == "worse"
    assert rows["failed requests, %"] == "worse"
    assert rows["users in every second"] == "same"


def test_one_of_another_scale_is_no_measure(tmp_path: Path) -> None:
    put(tmp_path, evidence(run="20261201T080000Z-load", scale=0.1))
    assert "no decided rehearsal of this stage before" in page(tmp_path)


def test_what_came_from_outside_is_escaped(tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    found = page(
        tmp_path, errors={evil: 100}, ended_because=evil, lost_workers=(evil,), connections=OpenedConnections()
    )
    assert evil not in found
    assert "&lt;img src=x" in found


if chromium.PROGRAM:

    def test_it_is_for_everybody(tmp_path: Path) -> None:
        put(tmp_path, evidence(run="20261201T080000Z-load", kernel=counts(200, 6000), naive=counts(201, 6000)))
        evil = "<script>alert(1)</script>"
        folder = put(tmp_path, evidence(errors={evil: 100}, ended_because=evil, lost_workers=(evil,)))
        assert chromium.faults(rehearsal_page.write(folder)) == []


def test_altered_evidence_has_no_page(tmp_path: Path) -> None:
    folder = put(tmp_path, evidence())
    text = (folder / FILE).read_text(encoding="utf-8")
    (folder / FILE).write_text(text.replace('"ok":6000', '"ok":5999'), encoding="utf-8")
    with pytest.raises(BadRun, match="altered"):
        rehearsal_page.write(folder)
