"""The page that approvers sign says what the evidence says, and nothing in it is better than that."""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.__main__ import main
from readiness.commands import sign_off
from readiness.errors import BadRun
from readiness.outcomes import Phase
from readiness.rendering.checklist import Mark, Rendered, books
from readiness.rendering.dossier import Dossier, gather
from readiness.rendering.sign_off_page import blocked, digest, headline, render, write
from readiness.verdict import GOOD
from tests.evidence.journals import ATTESTED, LAUNCH, PHASES, WAIVED, again, book, keep, result, whole_launch

HOUR = timedelta(hours=1)
SIGNED = {
    "decision": "approved",
    "signed_at": "2026-12-08T10:00:00Z",
    "approvals": [{"role": "SRE Lead", "name": "Cy Diaz", "approved_on": "2026-12-08"}],
}


def stopped(at: datetime) -> type[datetime]:
    """Give a clock that stands still."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return at.astimezone(tz)

    return Stopped


def marks(dossier: Dossier) -> dict[str, Mark]:
    found = books(dossier, Rendered("", ""))
    return {box.line.id.removeprefix("book/"): box.mark for one in found for box in one.boxes}


def test_a_launch_that_went_well_is_approved_and_every_box_ticked(tmp_path: Path) -> None:
    whole_launch(tmp_path)
    dossier = gather(tmp_path, "shop", {})
    assert headline(dossier).word == "APPROVED"
    assert blocked(dossier) == []
    assert marks(dossier) == dict.fromkeys(PHASES, Mark.PASSED)
    page = render(dossier)
    assert "4 of 4 boxes of the runbook are ticked by evidence." in page
    assert f'href="{LAUNCH - HOUR:%Y%m%dT%H%M%SZ}-preflight/journal.jsonl">preflight</a>' in page
    assert "Nothing blocks" in page


def test_a_box_links_to_the_report_of_its_run(tmp_path: Path) -> None:
    folder = whole_launch(tmp_path)
    (folder / "report.html").write_text("", encoding="utf-8")
    assert f'href="{folder.name}/report.html"' in render(gather(tmp_path, "shop", {}))


def test_the_verdict_is_recomputed_and_not_believed(tmp_path: Path) -> None:
    ga = book(("weekly",))[0]
    folder = whole_launch(tmp_path, results=[result(book(("errors",))[0]), result(ga, 3, outcome="pass")])
    dossier = gather(tmp_path, "shop", {})
    assert headline(dossier).word == "INCOMPLETE"
    assert any(folder.name in why and "contradicts itself" in why for why in dossier.untrusted)
    assert "Not to be trusted" in render(dossier)


def test_without_a_last_phase_nothing_is_approved(tmp_path: Path) -> None:
    keep(tmp_path, Phase.PREFLIGHT, LAUNCH - HOUR)
    dossier = gather(tmp_path, "shop", {})
    assert headline(dossier).word == "INCOMPLETE"
    assert "pytest -m ga --env shop" in render(dossier)
    assert marks(dossier)["weekly"] is Mark.UNCHECKED


def test_phases_that_are_not_well_hold_an_approval_back(tmp_path: Path) -> None:
    keep(tmp_path, Phase.SMOKE, LAUNCH, [result(book(("pages",))[0], 3)])
    keep(tmp_path, Phase.GA, LAUNCH + timedelta(days=7))
    found = headline(gather(tmp_path, "shop", {}))
    assert (found.word, found.kind) == ("INCOMPLETE", "open")
    assert found.says.endswith("held back: preflight was not judged, smoke is NO-GO, postlaunch was not judged")


def test_what_goes_wrong_after_the_signature_is_told(tmp_path: Path) -> None:
    keep(tmp_path, Phase.SMOKE, LAUNCH, [result(book(("pages",))[0], 3)])
    keep(tmp_path, Phase.GA, LAUNCH + timedelta(days=7), sign_off=SIGNED)
    found = headline(gather(tmp_path, "shop", {}))
    assert (found.word, found.kind) == ("APPROVED", "good")
    assert found.says.endswith("but preflight was not judged, smoke is NO-GO, postlaunch was not judged")


def test_a_phase_whose_run_was_removed_stands_as_the_last_one_found_it(tmp_path: Path) -> None:
    before = [phase for phase in GOOD if phase is not Phase.GA]
    kept = {phase: keep(tmp_path, phase, LAUNCH + HOUR) for phase in before}
    earlier = [{"phase": phase, "run": kept[phase].name, "verdict": GOOD[phase]} for phase in before]
    keep(tmp_path, Phase.GA, LAUNCH + timedelta(days=7), earlier_phases=earlier)
    for folder in kept.values():
        shutil.rmtree(folder)
    assert headline(gather(tmp_path, "shop", {})).word == "APPROVED"


def test_what_blocks_is_told_with_remedy_and_command(tmp_path: Path) -> None:
    errors, weekly = book(("errors", "weekly"))
    whole_launch(tmp_path, results=[result(errors), result(weekly, 3)], owners={"demo": "Ada Byron"})
    dossier = gather(tmp_path, "shop", {})
    assert headline(dossier).word == "DEFERRED"
    (one,) = blocked(dossier)
    assert (one.phase, one.command) == (Phase.GA, "pytest -m ga --env shop")
    assert [(block.name, block.mark, block.remedy, block.owner) for block in one.blocks] == [
        ("book/weekly", Mark.FAILED, "mend it", "Ada Byron")
    ]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"outcome": "unknown"}, Mark.UNKNOWN),
        ({"outcome": "unknown", "waived": True}, Mark.WAIVED),
        ({"value": 3, "waived": True}, Mark.WAIVED),
        ({"value": 3}, Mark.FAILED),
        ({"value": 1, "attested": True}, Mark.ATTESTED),
        ({"outcome": "not due"}, Mark.UNCHECKED),
        ({"outcome": "not applicable"}, Mark.UNKNOWN),
    ],
)
def test_every_word_of_a_box(more: dict[str, object], expected: Mark, tmp_path: Path) -> None:
    errors, weekly = book(("errors", "weekly"))
    told = result(weekly, **more)  # type: ignore[arg-type]
    start: dict[str, Any] = {}
    if "attested" in more:
        told["attestation"] = {**ATTESTED, "entry": "book/weekly", "state": "decides"}
        start = {"attestations": {"book/weekly": ATTESTED}}
    if "waived" in more:
        told["waiver"] = {**WAIVED, "entry": "book/weekly", "state": "waives"}
        start = {"waivers": {"book/weekly": WAIVED}}
    keep(tmp_path, Phase.GA, LAUNCH + timedelta(days=7), [result(errors), told], **start)
    dossier = gather(tmp_path, "shop", {})
    assert marks(dossier)["weekly"] is expected
    assert str(expected) in render(dossier)


def test_a_line_of_several_phases_shows_each_and_the_worst(tmp_path: Path) -> None:
    keep(tmp_path, Phase.PREFLIGHT, LAUNCH - HOUR)
    pages = book(("pages",))[0]
    keep(tmp_path, Phase.SMOKE, LAUNCH, [result(pages, outcome="unknown")])
    found = books(gather(tmp_path, "shop", {}), Rendered("", ""))
    box = next(box for box in found[0].boxes if box.line.id == "book/pages")
    assert [(part.phase, part.mark) for part in box.parts] == [
        (Phase.PREFLIGHT, Mark.PASSED),
        (Phase.SMOKE, Mark.UNKNOWN),
        (Phase.POSTLAUNCH, Mark.UNCHECKED),
    ]
    assert box.mark is Mark.UNKNOWN


def test_the_newest_whole_run_of_a_phase_decides(tmp_path: Path) -> None:
    pool, pages = book(("pool", "pages"))
    keep(tmp_path, Phase.PREFLIGHT, LAUNCH - 3 * HOUR, [result(pool, 3), result(pages)])
    keep(tmp_path, Phase.PREFLIGHT, LAUNCH - 2 * HOUR)
    assert marks(gather(tmp_path, "shop", {}))["pool"] is Mark.PASSED
    keep(tmp_path, Phase.PREFLIGHT, LAUNCH - HOUR, [result(pool, 3), result(pages)])
    assert marks(gather(tmp_path, "shop", {}))["pool"] is Mark.FAILED


def test_a_newer_run_that_left_something_out_takes_away_and_never_gives(tmp_path: Path) -> None:
    pool, pages = book(("pool", "pages"))
    keep(tmp_path, Phase.PREFLIGHT, LAUNCH - 4 * HOUR, [result(pool), result(pages, 3)])
    narrowed = keep(tmp_path, Phase.PREFLIGHT, LAUNCH - 3 * HOUR, [result(pages)])
    found = gather(tmp_path, "shop", {})
    assert marks(found)["pages"] is Mark.FAILED
    keep(tmp_path, Phase.PREFLIGHT, LAUNCH - 2 * HOUR, [result(pool, outcome="unknown")], ended=False)
    found = gather(tmp_path, "shop", {})
    assert marks(found)["pool"] is Mark.UNKNOWN
    assert f"{narrowed.name} is newer and left something out (INCOMPLETE): nothing in it failed" in render(found)


@pytest.mark.parametrize(
    ("back", "word"),
    [(-HOUR, "INCOMPLETE"), (timedelta(minutes=4), "APPROVED"), (timedelta(minutes=6), "INCOMPLETE")],
)
def test_a_run_that_looked_back_decides_nothing(back: timedelta, word: str, tmp_path: Path) -> None:
    at = LAUNCH + timedelta(days=7)
    for phase in (Phase.PREFLIGHT, Phase.SMOKE, Phase.POSTLAUNCH):
        keep(tmp_path, phase, LAUNCH + timedelta(days=6))
    folder = keep(tmp_path, Phase.GA, at, as_of=(at - back).isoformat())
    dossier = gather(tmp_path, "shop", {})
    assert headline(dossier).word == word
    assert (Phase.GA in dossier.phases) is (word == "APPROVED")
    if word == "INCOMPLETE":
        (why,) = dossier.untrusted
        assert why.startswith(f"{folder.name} is no evidence: judged as of 2026-12-08 08:54:00Z, which had passed") or (
            "which was ahead when it ran: a plan" in why
        )
        assert why in render(dossier)


def test_a_newer_run_that_looked_back_takes_away_and_never_gives(tmp_path: Path) -> None:
    errors, weekly = book(("errors", "weekly"))
    at = LAUNCH + timedelta(days=7)
    whole_launch(tmp_path, results=[result(errors), result(weekly, 3)])
    keep(tmp_path, Phase.GA, at + HOUR, as_of=at.isoformat())
    dossier = gather(tmp_path, "shop", {})
    assert (headline(dossier).word, dossier.moment) == ("DEFERRED", at)
    keep(tmp_path, Phase.GA, at + 2 * HOUR)
    assert headline(gather(tmp_path, "shop", {})).word == "APPROVED"
    keep(tmp_path, Phase.GA, at + 3 * HOUR, [result(errors), result(weekly, 3)], as_of=at.isoformat())
    assert headline(gather(tmp_path, "shop", {})).word == "DEFERRED"


def test_a_journal_that_was_touched_stands_against_the_verdict(tmp_path: Path) -> None:
    folder = whole_launch(tmp_path)
    journal = folder / "journal.jsonl"
    journal.write_text(journal.read_text("utf-8").replace('"value":1.0', '"value":1.5', 1), "utf-8")
    dossier = gather(tmp_path, "shop", {})
    assert headline(dossier).word == "INCOMPLETE"
    assert [one.folder for one in dossier.unusable] == [folder]
    assert "does not follow the line before" in render(dossier)


def test_evidence_has_an_age(tmp_path: Path) -> None:
    keep(tmp_path, Phase.PREFLIGHT, LAUNCH - HOUR)
    keep(tmp_path, Phase.SMOKE, LAUNCH, target={"url": "https://shop.example.com", "revision": "r2"})
    keep(tmp_path, Phase.POSTLAUNCH, LAUNCH + HOUR)
    keep(tmp_path, Phase.GA, LAUNCH + timedelta(days=7))
    dossier = gather(tmp_path, "shop", {})
    assert dossier.phases[Phase.PREFLIGHT].stale == "decided on revision r1; r2 was launched"
    assert dossier.phases[Phase.POSTLAUNCH].stale == "it looked 167 h earlier; at most 48 count"
    assert marks(dossier) == {"pool": Mark.STALE, "pages": Mark.STALE, "errors": Mark.STALE, "weekly": Mark.PASSED}


def test_another_address_is_another_target(tmp_path: Path) -> None:
    keep(tmp_path, Phase.PREFLIGHT, LAUNCH - HOUR, target={"url": "https://old.example.com", "revision": "r1"})
    keep(tmp_path, Phase.GA, LAUNCH + timedelta(days=7))
    dossier = gather(tmp_path, "shop", {})
    assert marks(dossier)["pool"] is Mark.UNCHECKED
    assert "1 runs against another address count for nothing here." in render(dossier)


def test_the_form_is_that_of_the_evidence(tmp_path: Path) -> None:
    lines = book(weekly={"checks": ["signoff.approvals"], "limits": {"roles": ["SRE Lead", "Product Manager"]}})
    lines += [{**lines[3], "id": "book/form", "checks": [], "rendered_as": "sign_off"}]
    keep(tmp_path, Phase.GA, LAUNCH + timedelta(days=7), lines=lines, sign_off=SIGNED)
    dossier = gather(tmp_path, "shop", {})
    page = render(dossier)
    assert '<th scope="row">SRE Lead</th><td>Cy Diaz</td><td>2026-12-08</td>' in page
    assert '<th scope="row">Product Manager</th><td><span class="line-to-sign">' in page
    assert "the decision is approved; nobody has approved as Product Manager" in page


def test_what_this_page_decides_itself(tmp_path: Path) -> None:
    """A line may be decided by the verdict of its phase, by the form, or by the trends."""
    own = [
        {**book(("pool",))[0], "id": f"book/{name}", "checks": [], "rendered_as": name}
        for name in ("verdict", "sign_off", "trends")
    ]
    keep(tmp_path, Phase.PREFLIGHT, LAUNCH - HOUR, lines=[*book(("pool",)), *own])
    found = books(gather(tmp_path, "shop", {}), Rendered("nobody has decided", ""))
    told = {box.line.id: (box.mark, box.parts[0].why) for box in found[0].boxes}
    assert told["book/verdict"] == (Mark.PASSED, "the verdict of preflight is GO")
    assert told["book/sign_off"] == (Mark.UNCHECKED, "nobody has decided")
    assert told["book/trends"] == (Mark.PASSED, "")


def test_the_same_evidence_gives_the_same_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole_launch(tmp_path, sign_off=SIGNED)
    monkeypatch.setattr(sign_off, "datetime", stopped(LAUNCH + timedelta(days=7, hours=1)))
    first = write(gather(tmp_path, "shop", {}), None)[0].read_bytes()
    assert main(["sign-off", "--env", "shop", "--reports", str(tmp_path)]) == 0
    assert (tmp_path / "shop" / "sign-off.html").read_bytes() == first
    told = capsys.readouterr().out
    assert "verdict   APPROVED: signed on 2026-12-08" in told
    assert f"digest {digest(gather(tmp_path, 'shop', {}))}" in told
    assert digest(gather(tmp_path, "shop", {})) in first.decode()


def test_no_evidence_is_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadRun, match="holds no run that can be read"):
        gather(tmp_path, "shop", {})
    assert main(["sign-off", "--env", "shop", "--reports", str(tmp_path)]) == 4
    assert "pytest -m ga --env shop" in capsys.readouterr().err


def test_a_pdf_without_a_browser_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole_launch(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # where `make setup` may have put one
    assert main(["sign-off", "--env", "shop", "--reports", str(tmp_path), "--pdf"]) == 4
    assert "open " in capsys.readouterr().err


def test_trends_of_seven_days_are_drawn_with_their_limit(tmp_path: Path) -> None:
    whole_launch(tmp_path)
    page = render(gather(tmp_path, "shop", {}))
    assert page.count("<polyline") == 2
    assert "No trend of seven days" not in page
    assert re.search(r'<line class="level" x1="0" x2="220"', page)


def test_each_of_many_runs_has_its_dot(tmp_path: Path) -> None:
    first = keep(tmp_path, Phase.POSTLAUNCH, LAUNCH + HOUR)
    for hour in range(2, 41):
        again(first, LAUNCH + HOUR, LAUNCH + hour * HOUR)
    page = render(gather(tmp_path, "shop", {}))
    dot_of_the_key = 1
    assert page.count('class="dot-good"') == 40 + dot_of_the_key
