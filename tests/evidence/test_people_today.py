"""What people wrote counts as a new run would read it today.

An edit that it would refuse, or decide otherwise by, takes the good word away. One that decides the same takes nothing.

A row is an edit of a file that a good run rests on, the exit of `verify`, and what it says. Each key has one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from readiness.__main__ import main
from readiness.config.documents import read
from readiness.evidence.entry_fields import DECIDES_NOTHING
from readiness.evidence.reasons import Reason
from readiness.runbook.attestations import Attestation
from readiness.runbook.sign_off import Approval, FollowUp, SignOff
from readiness.runbook.waivers import Waiver
from tests.plugin.project import Project, line

TODAY = datetime.now(UTC).date()
BEFORE, LATER, MUCH_LATER, SOONER = (TODAY + timedelta(days=days) for days in (-3, 60, 80, 30))
WELL, NOT_TODAY = 0, Reason.NOT_TODAY.code
WAIVERS, WORDS, SIGN_OFF = "tiny.waivers.yaml", "tiny.attestations.yaml", "tiny.sign-off.yaml"
REFUSED = "a new run would be refused"
A_WAIVER = f"""\
    requested_by: Bo Chen
    approved_by: Cy Diaz
    reason: risk-accepted
    because: two clients know of it
    at: {TODAY}
    until: {LATER}
"""
FILES = {
    WAIVERS: f"waivers:\n  book/one:\n{A_WAIVER}  book/things:\n    subjects: [a]\n{A_WAIVER}",
    WORDS: f"""\
attestations:
  book/three:
    statement: the figure was looked at
    holds: true
    who: Ada Byron
    at: {TODAY}
    valid_until: {LATER}
    evidence: https://wiki.shop.internal/figure
""",
    SIGN_OFF: f"""\
decision: approved
reason: the week was calm enough
actions:
- what: a smaller pool
  who: Ada Byron
  due_on: {TODAY}
one_person_for_several_roles: the team has three people
approvals:
- role: SRE Lead
  name: Cy Diaz
  approved_on: {TODAY}
- role: CTO
  name: Cy Diaz
  approved_on: {TODAY}
""",
}
ANOTHER_WAIVER = f"  book/two:\n{A_WAIVER}"
ANOTHER_WORD = FILES[WORDS].partition("\n")[2].replace("book/three", "book/two")
AN_ACTION = f"- what: a larger disk\n  who: Bo Chen\n  due_on: {LATER}\n"
THE_CTO = f"- role: CTO\n  name: Cy Diaz\n  approved_on: {TODAY}\n"
AN_APPROVAL = f"- role: Product Manager\n  name: Bo Chen\n  approved_on: {TODAY}\n"
LEAD, LEAD_RENAMED = "role: SRE Lead", "role: Lead of Operations"
CALM = '''\
"""The week was calm, and it was approved."""
import pytest

from readiness import Limits, Measure


class Approved(Limits):
    roles: tuple[str, ...]


@pytest.mark.ga
def test_calm(figure: float, measure: Measure) -> None:
    """The figure is low.

    Remedy: lower it.
    """
    measure(figure, "share").below(0.8)


@pytest.mark.ga
def test_approved(figure: float, limits: Approved, measure: Measure) -> None:
    """It is approved.

    Remedy: ask.
    """
    measure(figure, ", ".join(limits.roles)).below(0.8)
'''
UNSET = "is not set here, so nobody knows what the entry says"

Edit = tuple[str, str, str, str, int, str]
EDITS: list[Edit] = [
    # What is done; in which file; what is replaced (nothing: added at its end); by what; the exit; what is said.
    ("nothing", WAIVERS, "waivers", "waivers", WELL, ""),
    ("a comment", WAIVERS, "", "# somebody looked\n", WELL, ""),
    ("quotes", WAIVERS, "Cy Diaz", '"Cy Diaz"', WELL, ""),
    ("a day as a text", WAIVERS, str(LATER), f'"{LATER}"', WELL, ""),
    ("a corrected reason", WAIVERS, "two clients know", "three clients know", WELL, ""),
    ("another reason of the list", WAIVERS, "risk-accepted", "mitigated", WELL, ""),
    ("a space more in a name", WAIVERS, "Cy Diaz", "Cy  Diaz", WELL, ""),
    ("who asked in another spelling", WAIVERS, "Bo Chen", "bo  chen", WELL, ""),
    ("who asked by the end of the name", WAIVERS, "Bo Chen", "Bo Chen, SRE", NOT_TODAY, "requested_by was Bo Chen"),
    ("another asked", WAIVERS, "Bo Chen", "Ada Byron", NOT_TODAY, "requested_by was Bo Chen, and"),
    ("who asked by a variable", WAIVERS, "Bo Chen", "${TINY_WHO}", NOT_TODAY, f"one.requested_by: TINY_WHO {UNSET}"),
    ("a later end", WAIVERS, str(LATER), str(MUCH_LATER), WELL, ""),
    ("a waiver of another line", WAIVERS, "", ANOTHER_WAIVER, WELL, ""),
    ("a variable in another entry", WAIVERS, "", ANOTHER_WAIVER.replace("Cy Diaz", "${TINY_WHO}"), WELL, ""),
    ("a variable in a text", WAIVERS, "two clients know of it", "${TINY_WHY}", WELL, ""),
    ("a thing more", WAIVERS, "[a]", "[a, b]", WELL, ""),
    ("another thing", WAIVERS, "[a]", "[b]", NOT_TODAY, "the waiver of book/things for a: tiny.waivers.yaml has b"),
    ("its phases", WAIVERS, "    at:", "    phases: [preflight]\n    at:", WELL, ""),
    ("another approved it", WAIVERS, "Cy Diaz", "Di Fox", NOT_TODAY, "approved_by was Cy Diaz, and"),
    ("it is of a day to come", WAIVERS, f"at: {TODAY}", f"at: {SOONER}", NOT_TODAY, "which has not come"),
    ("it is of an earlier day", WAIVERS, f"at: {TODAY}", f"at: {BEFORE}", NOT_TODAY, f"at was {TODAY}, and"),
    ("a sooner end", WAIVERS, str(LATER), str(SOONER), NOT_TODAY, f"until was {LATER}, and"),
    ("an end by a variable", WAIVERS, str(LATER), "${TINY_UNTIL}", NOT_TODAY, f"one.until: TINY_UNTIL {UNSET}"),
    ("a phase by a variable", WAIVERS, "    at:", "    phases: ['${PHASE}']\n    at:", NOT_TODAY, f"PHASE {UNSET}"),
    ("another phase", WAIVERS, "    at:", "    phases: [smoke]\n    at:", NOT_TODAY, "limits to smoke"),
    ("another line", WAIVERS, "book/one", "book/two", NOT_TODAY, "the waiver of book/one, which"),
    ("a corrected sentence", WORDS, "was looked at", "was looked at by two", WELL, ""),
    ("another link", WORDS, "internal/figure", "internal/figures", WELL, ""),
    ("a link by a variable", WORDS, "https://wiki.shop.internal", "${TINY_WIKI}", WELL, ""),
    ("a word for another line", WORDS, "", ANOTHER_WORD, WELL, ""),
    ("a later end of a word", WORDS, str(LATER), str(MUCH_LATER), WELL, ""),
    ("it holds unless told", WORDS, "    holds: true\n", "", WELL, ""),
    ("another's word", WORDS, "Ada Byron", "Bo Chen", NOT_TODAY, "who was Ada Byron, and"),
    ("it does not hold", WORDS, "holds: true", "holds: false", NOT_TODAY, "holds was True, and"),
    ("it holds by a variable", WORDS, "holds: true", "holds: ${TINY_HOLDS}", NOT_TODAY, f"TINY_HOLDS {UNSET}"),
    ("a word of a day to come", WORDS, f"at: {TODAY}", f"at: {SOONER}", NOT_TODAY, "which has not come"),
    ("a sooner end of a word", WORDS, str(LATER), str(SOONER), NOT_TODAY, f"valid_until was {LATER}, and"),
    ("an approval more", SIGN_OFF, "", AN_APPROVAL, WELL, ""),
    ("an approval more, to come", SIGN_OFF, "", AN_APPROVAL.replace(str(TODAY), str(LATER)), NOT_TODAY, "has not come"),
    ("other words for it", SIGN_OFF, "the week was calm enough", "nobody was paged", WELL, ""),
    ("where it was given", SIGN_OFF, "  name: Cy Diaz", "  evidence: minutes\n  name: Cy Diaz", WELL, ""),
    ("when it is looked at again", SIGN_OFF, "", f"review_on: {LATER}\n", WELL, ""),
    ("what is to be done", SIGN_OFF, "a smaller pool", "a larger pool", WELL, ""),
    ("who is to do it", SIGN_OFF, "who: Ada Byron", "who: Bo Chen", WELL, ""),
    ("until when", SIGN_OFF, f"due_on: {TODAY}", f"due_on: {LATER}", WELL, ""),
    ("it is done", SIGN_OFF, "  who: Ada Byron", "  done: true\n  who: Ada Byron", WELL, ""),
    ("something more is to be done", SIGN_OFF, "one_person", f"{AN_ACTION}one_person", WELL, ""),
    ("a role that is called otherwise", SIGN_OFF, "role: CTO", "role: Head of Engineering", WELL, ""),
    ("a role that a line demands", SIGN_OFF, LEAD, LEAD_RENAMED, NOT_TODAY, "the approval of Cy Diaz as SRE Lead"),
    ("deferred", SIGN_OFF, "approved\n", f"deferred\nreview_on: {LATER}\n", NOT_TODAY, "a decision that was approved"),
    ("undecided", SIGN_OFF, "approved\n", "open\n", NOT_TODAY, "a decision that was approved"),
    ("an approval less", SIGN_OFF, THE_CTO, "", NOT_TODAY, "the approval of Cy Diaz as CTO"),
    ("approved before", SIGN_OFF, f"approved_on: {TODAY}", f"approved_on: {BEFORE}", NOT_TODAY, "it was given on"),
    (
        "approved on a day to come",
        SIGN_OFF,
        f"approved_on: {TODAY}",
        f"approved_on: {LATER}",
        NOT_TODAY,
        "a day that has not come",
    ),
    ("approved by another", SIGN_OFF, "Cy Diaz", "Bo Chen", NOT_TODAY, "the approval of Cy Diaz as SRE Lead"),
    ("no reason for one person", SIGN_OFF, "one_person_for_several_roles", "#", NOT_TODAY, "one person for several"),
    (
        "the page is signed",
        SIGN_OFF,
        "",
        f"signed_at: {TODAY}T00:00:00Z\n",
        NOT_TODAY,
        "book/after is due since the page",
    ),
    ("the page is signed on a day to come", SIGN_OFF, "", f"signed_at: {LATER}T00:00:00Z\n", NOT_TODAY, "has not come"),
]
REFUSALS: list[tuple[str, str, str, str, str]] = [
    # What a new run would not take: what is done; in which file; what is replaced; by what; what is said.
    ("nobody asked", WAIVERS, "Bo Chen", "TBD", "requested_by: 'TBD'"),
    ("a mistake beside it", WAIVERS, "", f"{ANOTHER_WAIVER}    x: '${{TINY_X}}'\n", "key 'x' is not known"),
    ("a key left out", WAIVERS, "    reason: risk-accepted\n", "", "reason is missing"),
    ("no reason", WAIVERS, "risk-accepted", "''", f"{REFUSED}: {WAIVERS}:5: waivers."),
    ("a hollow reason", WAIVERS, "two clients know of it", "..........", "says nothing"),
    ("nobody approved it", WAIVERS, "Cy Diaz", "TBD", "approved_by: 'TBD'"),
    ("who asked approved it", WAIVERS, "Cy Diaz", "Bo Chen", "someone else approves a waiver"),
    ("a letter that looks alike", WAIVERS, "Cy Diaz", "Cy D\u0456az", REFUSED),
    ("an end that is no day", WAIVERS, str(LATER), "soon", "'soon' is not a date"),
    ("an end much too late", WAIVERS, str(LATER), "2999-01-01", "more than 92 days after"),
    ("phases by a variable", WAIVERS, "    at:", "    phases: ${PHASE}\n    at:", "phases: a list is wanted"),
    ("a phase as a text", WAIVERS, "    at:", "    phases: preflight\n    at:", "phases: a list is wanted"),
    ("things that it has not", WAIVERS, "    at:", "    subjects: [c]\n    at:", "the line names no things"),
    ("an entry marked withdrawn", WAIVERS, "    at:", "    withdrawn: true\n    at:", "'withdrawn' is not"),
    ("a key beside the entries", WAIVERS, "", "version: 2\n", "'version' is not known"),
    ("a line that nobody has", WAIVERS, "", ANOTHER_WAIVER.replace("book/two", "book/tow"), "'book/two'"),
    ("no YAML any more", WAIVERS, "", "]\n", f"{REFUSED}: {WAIVERS}:"),
    ("no entries any more", WAIVERS, "waivers:", "waivers: []\nx:", REFUSED),
    ("a sentence of nothing", WORDS, "the figure was looked at", "...", REFUSED),
    ("a sentence to come", WORDS, "the figure was looked at", "will be looked at later", "is still to come"),
    ("nobody's word", WORDS, "Ada Byron", "N/A", "who: 'N/A'"),
    ("a link to nowhere", WORDS, "https://wiki.shop.internal/figure", "http://localhost/x", "own machine"),
    ("an approval of somebody more", SIGN_OFF, "", AN_APPROVAL.replace("Bo Chen", "TBD"), "'TBD'"),
    ("small letters", SIGN_OFF, "Cy Diaz", "cy diaz", "one person in two spellings"),
    ("no role", SIGN_OFF, "SRE Lead", "''", REFUSED),
    ("an approval marked withdrawn", SIGN_OFF, "  name", "  withdrawn: true\n  name", "'withdrawn' is not"),
    ("deferred without a reason", SIGN_OFF, "approved\n", "deferred\n", "needs a reason and the date"),
    ("a hollow reason of it", SIGN_OFF, "the week was calm enough", "ok", "says nothing"),
]


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project whose GO rests on a waiver and an attestation, and its APPROVED on two approvals of one person."""
    project = Project(tmp_path_factory.mktemp("approved"))
    for file, text in FILES.items():
        project.write(f"environments/{file}", text)
    approve(project)
    return project


def approve(project: Project, **named: str) -> None:
    """Make a GO that rests on a waiver and an attestation, and an APPROVED that rests on approvals."""
    conftest = (project.folder / "conftest.py").read_text("utf-8")
    not_configured = conftest.replace("    raise Unknown(", "    raise NotConfigured(")
    project.write("conftest.py", not_configured.replace("import Effect, Unknown", "import Effect, NotConfigured"))
    project.write("checks/test_last.py", CALM)
    project.environment(launch_at="2020-01-01T00:00:00Z", allow=[], **named)
    calm = line("calm", "last.calm", phase=["ga"])
    project.write("figures.json", '{"a": 2.0}')
    figure = line("one", {"demo.figure": {"share_below": 0.4}})
    things = line("things", {"demo.named": {"each": {"name": ["a", "b"]}}})
    after = line("after", "last.calm", phase=["ga"], due="after sign-off")
    lead = line("approved", {"last.approved": {"roles": ["SRE Lead"]}}, phase=["ga"])
    project.runbook(figure, line("two", "demo.quick"), line("three", "demo.hidden"), things, calm, after, lead)
    for phase in ("preflight", "ga"):
        ran = project.run("-m", phase)
        assert ran.exit == 0, ran.out


ROWS: list[Edit] = [*EDITS, *((*row[:4], NOT_TODAY, row[4]) for row in REFUSALS)]


@pytest.mark.parametrize("edit", ROWS, ids=[row[0] for row in ROWS])
def test_an_edit_takes_a_good_word_where_a_new_run_would(
    edit: Edit, approved: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, file, old, new, code, says = edit
    assert old in FILES[file]
    monkeypatch.chdir(approved.folder)
    approved.write(f"environments/{file}", edited(file, old, new))

    phase = "ga" if file == SIGN_OFF else "preflight"
    assert main(["verify", "tiny", phase]) == code
    assert says in " ".join(capsys.readouterr().out.split())
    approved.write(f"environments/{file}", FILES[file])


ENTRIES: dict[str, tuple[str, type[BaseModel]]] = {
    WAIVERS: ("waivers", Waiver),
    WORDS: ("attestations", Attestation),
    SIGN_OFF: ("", SignOff),
}
MODELS = (Waiver, Attestation, SignOff, Approval, FollowUp)
KEYS = [(model, key) for model in MODELS for key in model.model_fields]


def edited(file: str, old: str, new: str) -> str:
    """Return the text of a file after an edit; nothing is replaced at its end."""
    return FILES[file].replace(old, new, 1) if old else f"{FILES[file]}{new}"


def entries(file: str, text: str, folder: Path) -> list[BaseModel]:
    """Return the entries of a file, and the parts of each. Raises ValidationError."""
    (folder / file).write_text(text, "utf-8")
    section, model = ENTRIES[file]
    data = read(folder / file).data or {}
    listed = list(data.get(section, {}).values()) if section else [data]
    whole = [model.model_validate(entry) for entry in listed]
    parts = [part for entry in whole if isinstance(entry, SignOff) for part in (*entry.approvals, *entry.actions)]
    return [*whole, *parts]


def edited_key(edit: Edit, folder: Path) -> tuple[type[BaseModel], str] | None:
    """Return the one key of an entry that a row edits; None where it edits more, or what is no entry any more."""
    _, file, old, new, _, _ = edit
    try:
        before, after = entries(file, FILES[file], folder), entries(file, edited(file, old, new), folder)
    except (ValidationError, AttributeError):
        return None
    keys = {
        (type(then), key)
        for then, today in zip(before, after, strict=False)
        for key in type(then).model_fields
        if type(then) is type(today) and getattr(then, key) != getattr(today, key)
    }
    # A part that is edited edits the whole.
    deepest = {(model, key) for model, key in keys if key not in {"approvals", "actions"}} or keys
    return deepest.pop() if len(deepest) == 1 else None


@pytest.mark.parametrize(("model", "key"), KEYS, ids=[f"{model.__name__}.{key}" for model, key in KEYS])
def test_each_key_decides_something_or_says_why_not(model: type[BaseModel], key: str, tmp_path: Path) -> None:
    """Of what decides some edit is told that a new run would take; of what does not, none."""
    exits = {edit[4] for edit in EDITS if edited_key(edit, tmp_path) == (model, key)}
    assert exits, "write a row of EDITS that edits this key alone"
    assert (NOT_TODAY not in exits) == (key in DECIDES_NOTHING.get(model, {}))


def test_only_keys_that_are_there_are_said_to_decide_nothing() -> None:
    assert {(model, key) for model, keys in DECIDES_NOTHING.items() for key in keys} <= {*KEYS}


@pytest.mark.parametrize("value", ["true", "false"])
def test_a_variable_that_is_set_is_read_as_a_run_reads_it(
    value: str, approved: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(approved.folder)
    monkeypatch.setenv("TINY_HOLDS", value)
    approved.write(f"environments/{WORDS}", FILES[WORDS].replace("holds: true", "holds: ${TINY_HOLDS}"))
    assert main(["verify", "tiny", "preflight"]) == (WELL if value == "true" else NOT_TODAY)
    approved.write(f"environments/{WORDS}", FILES[WORDS])


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("becomes", ["gone", "a folder", "no text"])
def test_a_file_that_nobody_can_read_carries_nothing(
    file: str, becomes: str, approved: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(approved.folder)
    path: Path = approved.folder / "environments" / file
    path.unlink()
    if becomes == "a folder":
        path.mkdir()
    if becomes == "no text":
        path.write_bytes(b"\xff\xfe\x00")

    phase = "ga" if file == SIGN_OFF else "preflight"
    assert main(["verify", "tiny", phase]) == NOT_TODAY
    if path.is_dir():
        path.rmdir()
    approved.write(f"environments/{file}", FILES[file])
    assert main(["verify", "tiny", phase]) == WELL
