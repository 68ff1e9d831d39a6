"""Key links, vendors and the stage of the roll-out in the report: from the observations of the run alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from readiness.evidence.journal import RecordedRun
from readiness.evidence.records import RecordedObservation
from readiness.outcomes import Outcome
from readiness.rendering.key_links import links_of, stage_of, vendors_of
from readiness.rendering.report_page import render
from tests.evidence.test_exports import run_of
from tests.evidence.test_report_page import HOSTILE, Seen, one

TITLE = "Key links and vendors"


def looked(*values: tuple[str, Any]) -> RecordedRun:
    found = [RecordedObservation(name=name, value=value) for name, value in values]
    return replace(run_of(one("a", Outcome.PASS)), observations=found)


def link(name: str, state: str = "answers 200", **more: bool) -> tuple[str, Any]:
    told = {"name": name, "address": f"https://shop.internal/{name}", "state": state, "asked": True, "broken": False}
    return "key_link", told | more


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (link("logs"), "good"),
        (link("logs", "not asked: elsewhere", asked=False), "none"),
        (link("logs", "answers 404", broken=True), "bad"),
    ],
)
def test_a_link_has_the_colour_of_its_state(value: tuple[str, Any], kind: str) -> None:
    (row,) = links_of(looked(value))
    assert (row.name, row.address, row.state, row.kind) == (
        "logs",
        "https://shop.internal/logs",
        value[1]["state"],
        kind,
    )


def test_the_report_has_a_section_of_links_and_vendors() -> None:
    vendors = ("vendor_contacts", {"count": 2, "verified": {"stripe": "2026-11-02 by Ada Example", "clerk": "never"}})
    run = looked(link("logs"), link("alerts", "not asked: elsewhere", asked=False), vendors)
    page = Seen(render(run)).text
    for text in (TITLE, "https://shop.internal/logs", "not asked: elsewhere", "2026-11-02 by Ada Example", "never"):
        assert text in page
    assert [row.name for row in vendors_of(run)] == ["clerk", "stripe"]


def test_a_run_that_did_not_look_has_no_such_section() -> None:
    odd = ("key_link", None), ("vendor_contacts", ["stripe"]), ("vendor_contacts", {"count": 1}), ("stage_audience", 5)
    for run in (looked(), looked(*odd)):
        assert TITLE not in render(run)
        assert stage_of(run) == ""


def test_the_stage_stands_beside_the_revision() -> None:
    run = looked(("stage_audience", {"stage": "P1, the first clients", "wrong": []}))
    assert "P1, the first clients" in Seen(render(run)).text


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_of_theirs_becomes_more_than_text(name: str) -> None:
    text = HOSTILE[name]
    told = {"name": text, "address": text, "state": text, "asked": True, "broken": True}
    vendors = ("vendor_contacts", {"verified": {text: text}})
    run = looked(("key_link", told), vendors, ("stage_audience", {"stage": text}))
    clean = Seen(
        render(looked(link("a"), ("vendor_contacts", {"verified": {"a": "b"}}), ("stage_audience", {"stage": "a"})))
    )
    seen = Seen(render(run))
    assert seen.tags == clean.tags
    assert not [value for _, value in seen.attributes if "alert(" in value]
