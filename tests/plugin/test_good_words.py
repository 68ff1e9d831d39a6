"""No good word that is not true: each row is a whole run of a tiny project, its word and its exit.

To add a row, add a `Row` to ROWS: the lines of the runbook, what lies beside the environment, and what must come of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import main
from readiness.commands import verify
from readiness.evidence import acceptance
from readiness.evidence.reasons import Reason
from readiness.verdict import INCOMPLETE_EXIT
from tests.plugin.project import Project, Ran, line

LAST = '''\
"""The week was calm."""
import pytest

from readiness import Limits, Measure


class Below(Limits):
    share_below: float = 0.8


@pytest.mark.ga
def test_calm(figure: float, limits: Below, measure: Measure) -> None:
    """The figure is low.

    Remedy: lower it.
    """
    measure(figure, "share").below(limits.share_below)
'''
REFUSED = 4
"""pytest's exit code for what cannot be used."""
NOW = datetime.now(UTC)
TODAY, TOMORROW = NOW.date(), NOW.date() + timedelta(days=1)
LAUNCH = (NOW + timedelta(days=30)).replace(minute=0, second=0, microsecond=0)
FALLS_DUE = LAUNCH - timedelta(hours=1)
AFTER_TOMORROW = datetime.combine(TOMORROW + timedelta(days=1), datetime.min.time(), UTC)
"""When an entry that counts to the end of tomorrow expires."""

PASSES = line("passes", "demo.figure")
FAILS = line("fails", {"demo.figure": {"share_below": 0.4}})
UNSEEN = line("unseen", "demo.named")  # it states no name: not configured
LATER = line("later", "demo.figure", due="T-1h")
WARNS = line("warns", "demo.figure", gate="warning")
WARNS_AND_FAILS = line("warns", {"demo.figure": {"share_below": 0.4}}, gate="warning")
CALM = line("calm", "last.calm", phase=["ga"])
STORM = line("calm", {"last.calm": {"share_below": 0.4}}, phase=["ga"])
FORM = {"id": "form", "ref": "2", "says": "it is signed", "gate": "blocker", "rendered_as": "sign_off"}
SIGNS = {**FORM, "phase": ["ga"]}
REASON = "there is no such thing in this service"


def waiver(**changes: Any) -> dict[str, Any]:
    stated = {"requested_by": "Ada Example", "approved_by": "Grace Hopper", "reason": "mitigated", "at": TODAY}
    return {**stated, "because": "we watch it by hand", "until": TOMORROW, **changes}


def word(**changes: Any) -> dict[str, Any]:
    stated = {"statement": "Ada looked at it herself", "who": "Ada Example", "at": TODAY, "valid_until": TOMORROW}
    return {**stated, "evidence": "https://wiki.shop.internal/x", **changes}


def approval(**changes: Any) -> dict[str, Any]:
    return {"role": "SRE Lead", "name": "Cy Diaz", "approved_on": str(TODAY), **changes}


@dataclass(frozen=True)
class Row:
    """What is judged, and what must come of it."""

    name: str
    """The row of the attack on the verdict that it comes from, and what it is."""
    lines: tuple[dict[str, Any], ...]
    word: str
    """The verdict; the empty text where the run must be refused before it begins."""
    exit: int
    says: str = ""
    until: datetime | None = None
    """Until when the word holds."""
    waivers: dict[str, Any] = field(default_factory=dict)
    attestations: dict[str, Any] = field(default_factory=dict)
    sign_off: dict[str, Any] | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    phase: str = "preflight"


def go(name: str, *lines: dict[str, Any], **more: Any) -> Row:
    return Row(name, lines, "GO", 0, **more)


def incomplete(name: str, *lines: dict[str, Any], **more: Any) -> Row:
    return Row(name, lines, "INCOMPLETE", INCOMPLETE_EXIT, **more)


def refused(name: str, *lines: dict[str, Any], says: str, **more: Any) -> Row:
    return Row(name, lines or (PASSES, FAILS, UNSEEN), "", REFUSED, says, **more)


def waived(name: str, says: str, *, environment: dict[str, Any] | None = None, **changes: Any) -> Row:
    return refused(name, says=says, waivers={"book/fails": waiver(**changes)}, environment=environment or {})


def attested(name: str, says: str, **changes: Any) -> Row:
    return refused(name, says=says, attestations={"book/unseen": word(**changes)})


def signed(name: str, word: str, exit_code: int, sign_off: dict[str, Any] | None, *lines: Any, says: str = "") -> Row:
    return Row(name, lines or (CALM,), word, exit_code, says, sign_off=sign_off, phase="ga")


APPROVERS = {"Grace Hopper": "grace@shop.internal", "Gray Hopper": "grace@shop.internal", "Bo Chen": "bo"}
IN_CYRILLIC = "\u0421\u0430\u0441\u043e \u0420\u043e\u0440\u0435"
"""Another name to a machine, and Caco Pope to whoever reads it."""
ONE_PERSON = "are one person"
ROWS = [
    # A GO has an end.
    go("5 nothing ends it", PASSES, WARNS),
    go("5 a blocker falls due later", PASSES, LATER, until=FALLS_DUE, says="not due yet: 1 of the lines that decide"),
    go("5 a warning falls due later", PASSES, {**WARNS, "due": "T-1h"}),
    go("5 it rests on a waiver", PASSES, FAILS, waivers={"book/fails": waiver()}, until=AFTER_TOMORROW),
    go("5 it rests on a word", PASSES, UNSEEN, attestations={"book/unseen": word()}, until=AFTER_TOMORROW),
    go("5 a word that decides nothing", PASSES, FAILS | {"gate": "warning"}, attestations={"book/passes": word()}),
    go(
        *("5 the first of the two ends it", PASSES, LATER, UNSEEN),
        attestations={"book/unseen": word(valid_until=TODAY + timedelta(days=90))},
        until=FALLS_DUE,
    ),
    # What nobody has decided is no consent.
    signed("7 no sign-off file", "INCOMPLETE", 10, None, says="nobody has decided: write the sign-off file"),
    signed("7 open", "INCOMPLETE", 10, {"decision": "open"}, says="set decision in the sign-off file"),
    signed("7 approved by nobody", "INCOMPLETE", 10, {"decision": "approved"}, says="name in the sign-off file who"),
    signed("7 approved", "APPROVED", 0, {"decision": "approved", "approvals": [approval()]}),
    signed("7 approved against a line", "DEFERRED", 1, {"decision": "approved", "approvals": [approval()]}, STORM),
    signed("7 the form is open", "INCOMPLETE", 10, {"decision": "open"}, CALM, SIGNS, says="held by form"),
    signed("7 the form is absent", "INCOMPLETE", 10, None, CALM, SIGNS, says="1 pass, 1 unknown"),
    signed("7 the form is signed", "APPROVED", 0, {"decision": "approved", "approvals": [approval()]}, CALM, SIGNS),
    signed("7 only a form", "INCOMPLETE", 10, {"decision": "approved", "approvals": [approval()]}, SIGNS),
    refused("7 a form outside ga", PASSES, {**FORM, "phase": ["preflight"]}, says="the sign-off decides in ga alone"),
    refused("7 trends decide", CALM, {**SIGNS, "rendered_as": "trends"}, says="trends decide nothing"),
    # Something that decides must have been judged.
    incomplete("8 all is due years later", LATER, WARNS_AND_FAILS, environment={"launch_at": "2136-01-01T09:00:00Z"}),
    incomplete("8 all lines are warnings", WARNS, says="no blocker and no action line was looked at"),
    incomplete("8 all is not applicable", PASSES, WARNS, environment={"not_applicable": {"book/passes": REASON}}),
    incomplete("8 all is waived", FAILS, WARNS, waivers={"book/fails": waiver()}),
    incomplete("8 all is waived or later", FAILS, LATER, waivers={"book/fails": waiver()}),
    go("8 one passes, one does not apply", PASSES, FAILS, environment={"not_applicable": {"book/fails": REASON}}),
    *(
        refused(f"8 not applicable: {text}", says="says nothing", environment={"not_applicable": {"book/fails": text}})
        for text in ("...........", "-----------", "n/a n/a n/a n/a", "to be written later", "tbd tbd tbd")
    ),
    # Two spellings are no two people, and dots are no words.
    *(
        waived(f"15 approved by {name}", ONE_PERSON, approved_by=name)
        for name in ("Example, Ada", "Ada  Example.", "ADA EXAMPLE", "Ad\u00e1 Example", "AdaExample", "Ada Examp1e")
    ),
    waived("15 approved by oneself", "is who asked for it", approved_by="Ada Example"),
    waived("15 approved in two scripts", "mixes letters of Cyrillic and Latin", approved_by="\u0410da Example"),
    waived(
        "15 all letters of it only look alike",
        ONE_PERSON,
        requested_by="Bob Cope",
        approved_by="\u0412ob \u0421\u043e\u0440\u0435",
    ),
    waived("15 approved by nobody", "is no name", approved_by="....."),
    *(
        waived(f"15 approved by {name}", "names no one person", approved_by=name)
        for name in ("myself", "the team", "on behalf of Grace", "Grace & Bo")
    ),
    *(
        waived(f"15 approved by {name}", "may be one person, one of them shortened", approved_by=name)
        for name in ("Dr. Ada Example", "A. Example", "Ada E.", "ada@shop.internal")
    ),
    waived("15 asked for by nobody in particular", "names no one person", requested_by="all of us"),
    go(
        *("15 two people of one surname", PASSES, FAILS),
        waivers={"book/fails": waiver(approved_by="Adam Example")},
        until=AFTER_TOMORROW,
    ),
    go(
        *("15 two who are known by their ids", PASSES, FAILS),
        waivers={"book/fails": waiver(approved_by="A. Example")},
        environment={"approvers": {"Ada Example": "ada@shop.internal", "A. Example": "andrea@shop.internal"}},
        until=AFTER_TOMORROW,
    ),
    waived("15 a reason of dots", "says nothing; write why, in a sentence", because=". . . . . . ."),
    attested("15 a statement of dots", "says nothing; write what is true", statement="............"),
    attested("15 a statement of one word", "says nothing; write what is true", statement="okokokokokok"),
    attested("15 evidence left out", "is a placeholder; write where it can be seen", evidence="https://..."),
    attested("15 evidence of an example", "is a placeholder", evidence="https://example.com/review"),
    attested("15 evidence of a template", "is not a link", evidence="<link>"),
    attested("15 a word of nobody", "is no name", who="TBD"),
    *(attested(f"15 a word of {who}", "names no one person", who=who) for who in ("me", "the team", "for Ada")),
    *(
        attested(f"15 evidence {link}", "opens on its own machine alone", evidence=link)
        for link in ("http://localhost/x", "http://127.0.0.1", "http://[::1]:8080/x")
    ),
    attested("15 a statement to come", "is still to come; attest it when it is so", statement="TBD by the team"),
    attested("15 a promise", "is still to come; attest it when it is so", statement="we will do it soon"),
    attested("15 agreeing to nothing", "says nothing; write what is true", statement="looks good to me"),
    waived("15 not an approver", "'Dee Fox' is not known", environment={"approvers": APPROVERS}, approved_by="Dee Fox"),
    waived("15 one id", ONE_PERSON, environment={"approvers": APPROVERS}, requested_by="Gray Hopper"),
    waived("15 folds to an approver", "write 'Bo Chen'", environment={"approvers": APPROVERS}, approved_by="Chen, Bo"),
    waived(
        *("15 the owner approves", "owns the line"),
        environment={"approvers": APPROVERS, "owners": {"book/fails": "Hopper, Grace"}},
    ),
    waived(
        *("15 the owner of its checks approves", "owns the line"),
        environment={"approvers": APPROVERS, "owners": {"demo": "GRACE@shop.internal"}},
    ),
    go(
        *("15 an approver approves", PASSES, FAILS),
        waivers={"book/fails": waiver()},
        environment={"approvers": APPROVERS},
        until=AFTER_TOMORROW,
    ),
    refused(
        "15 approvers in two spellings",
        says="one name in two spellings",
        environment={"approvers": {"Bo Chen": "bo", "Chen, Bo": "b2"}},
    ),
    Row(
        *("15 an approval in two spellings", (CALM,), "", REFUSED, "are one person in two spellings"),
        sign_off={"decision": "approved", "approvals": [approval(), approval(role="CTO", name="Diaz, Cy")]},
        phase="ga",
    ),
    Row(
        *("15 approvals of one id", (CALM,), "", REFUSED, "are one person in two spellings"),
        sign_off={
            "decision": "approved",
            "approvals": [approval(name="Grace Hopper"), approval(role="CTO", name="Gray Hopper")],
        },
        environment={"approvers": APPROVERS},
        phase="ga",
    ),
    Row(
        *("15 an approval of nobody listed", (CALM,), "", REFUSED, "'Cy Diaz' is not known"),
        sign_off={"decision": "approved", "approvals": [approval()]},
        environment={"approvers": APPROVERS},
        phase="ga",
    ),
]


def run(folder: Path, row: Row) -> Ran:
    """Judge a row in a project of its own."""
    project = Project(folder)
    project.write("checks/test_last.py", LAST)
    launch = NOW - timedelta(days=7) if row.phase == "ga" else LAUNCH
    project.environment(**{"launch_at": launch.isoformat(), **row.environment})
    project.runbook(*row.lines)
    for kind, entries in (("waivers", row.waivers), ("attestations", row.attestations)):
        project.write(f"environments/tiny.{kind}.yaml", yaml.safe_dump({kind: entries}, allow_unicode=True))
    if row.sign_off is not None:
        project.write("environments/tiny.sign-off.yaml", yaml.safe_dump(row.sign_off))
    return project.run("-m", row.phase)


def judged_again(folder: Path, phase: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    places = [f"--{place}={folder / place}" for place in ("reports", "environments")]
    code = main(["verify", "tiny", phase, *places, "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, found


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_each_row_has_its_word_and_its_exit(row: Row, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(tmp_path, row)
    assert ran.exit == row.exit, ran.out
    assert row.says in " ".join(ran.out.split()) or row.says in ran.out, ran.out
    if not row.word:
        assert not ran.results
        return

    assert f"{row.word}  {row.phase} of tiny" in ran.out
    code, found = judged_again(tmp_path, row.phase, capsys)
    assert (code, found["verdict"], found["problems"]) == (row.exit, row.word, [])
    assert found["holds_until"] == (row.until.isoformat() if row.until else None)
    if row.until:
        assert f"holds until {row.until:%Y-%m-%d %H:%M:%S}Z" in ran.out


LATE = """
import datetime
import readiness.plugin.finishing


class Late(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.now(tz) + datetime.timedelta(days=31)


readiness.plugin.finishing.datetime = Late
"""
"""For a conftest.py: the run ends 31 days after it began."""


def test_what_falls_due_while_a_run_is_under_way_is_not_judged_by_it(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.environment(launch_at=LAUNCH.isoformat())
    project.runbook(PASSES, LATER)
    project.write("conftest.py", (tmp_path / "conftest.py").read_text("utf-8") + LATE)
    ran = project.preflight()
    assert ran.exit == INCOMPLETE_EXIT, ran.out
    assert f"no good verdict stands: GO held until {FALLS_DUE:%Y-%m-%d %H:%M:%S}Z, and that is over" in ran.out


class Clock(datetime):
    """A clock that shows another time."""

    shown: datetime

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]  # a Self is not needed here
        return cls.shown.astimezone(tz)


def test_a_go_is_over_at_the_instant_that_it_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = go("of a waiver", PASSES, FAILS, waivers={"book/fails": waiver()})
    assert run(tmp_path, row).exit == 0
    (folder,) = (tmp_path / "reports/tiny").glob("2*-preflight")
    last = json.loads((folder / "journal.jsonl").read_text("utf-8").splitlines()[-1])
    assert datetime.fromisoformat(last["holds_until"]) == AFTER_TOMORROW
    for name in ("summary.md", "report.html"):
        assert f"holds until {AFTER_TOMORROW:%Y-%m-%d %H:%M:%S}Z" in (folder / name).read_text("utf-8")
    for name in ("junit.xml", "ctrf.json"):
        assert AFTER_TOMORROW.isoformat() in (folder / name).read_text("utf-8")

    for module in (verify, acceptance):
        monkeypatch.setattr(module, "datetime", Clock)
    Clock.shown = AFTER_TOMORROW - timedelta(seconds=1)
    assert judged_again(tmp_path, "preflight", capsys)[0] == 0
    Clock.shown = AFTER_TOMORROW
    code, found = judged_again(tmp_path, "preflight", capsys)
    assert code == Reason.TOO_OLD.code
    assert "that is over: run the phase again" in found["lapsed"]
    main(["verify", str(folder), f"--environments={tmp_path / 'environments'}"])
    assert "verdict   none: GO held until" in capsys.readouterr().out
