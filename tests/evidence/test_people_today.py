"""What people wrote counts as a new run would read it today.

An edit that it would refuse, or decide otherwise by, takes the good word away. One that decides the same takes nothing.

A row is an edit of a file that a good run rests on, the exit of `verify`, and what it says.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.evidence.reasons import Reason
from tests.plugin.project import Project, line

TODAY = datetime.now(UTC).date()
BEFORE, LATER, MUCH_LATER, SOONER = (TODAY + timedelta(days=days) for days in (-3, 60, 80, 30))
WELL, NOT_TODAY = 0, Reason.NOT_TODAY.code
WAIVERS, WORDS, SIGN_OFF = "tiny.waivers.yaml", "tiny.attestations.yaml", "tiny.sign-off.yaml"
REFUSED = "a new run would be refused"
FILES = {
    WAIVERS: f"""\
waivers:
  book/one:
    requested_by: Bo Chen
    approved_by: Cy Diaz
    reason: risk-accepted
    because: two clients know of it
    at: {TODAY}
    until: {LATER}
""",
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
ANOTHER_WAIVER = FILES[WAIVERS].partition("\n")[2].replace("book/one", "book/two")
ANOTHER_WORD = FILES[WORDS].partition("\n")[2].replace("book/three", "book/two")
AN_APPROVAL = f"- role: Product Manager\n  name: Bo Chen\n  approved_on: {TODAY}\n"
CALM = '''\
"""The week was calm."""
import pytest

from readiness import Measure


@pytest.mark.ga
def test_calm(figure: float, measure: Measure) -> None:
    """The figure is low.

    Remedy: lower it.
    """
    measure(figure, "share").below(0.8)
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
    ("who asked", WAIVERS, "Bo Chen", "Ada Byron", WELL, ""),
    ("a space more in a name", WAIVERS, "Cy Diaz", "Cy  Diaz", WELL, ""),
    ("a later end", WAIVERS, str(LATER), str(MUCH_LATER), WELL, ""),
    ("a waiver of another line", WAIVERS, "", ANOTHER_WAIVER, WELL, ""),
    ("a variable in another entry", WAIVERS, "", ANOTHER_WAIVER.replace("Cy Diaz", "${TINY_WHO}"), WELL, ""),
    ("a mistake beside it", WAIVERS, "", f"{ANOTHER_WAIVER}    x: '${{TINY_X}}'\n", NOT_TODAY, "key 'x' is not known"),
    ("a variable in a text", WAIVERS, "two clients know of it", "${TINY_WHY}", WELL, ""),
    ("its phases", WAIVERS, "    at:", "    phases: [preflight]\n    at:", WELL, ""),
    ("a key left out", WAIVERS, "    reason: risk-accepted\n", "", NOT_TODAY, "reason is missing"),
    ("no reason", WAIVERS, "risk-accepted", "''", NOT_TODAY, f"{REFUSED}: {WAIVERS}:5: waivers."),
    ("a hollow reason", WAIVERS, "two clients know of it", "..........", NOT_TODAY, "says nothing"),
    ("nobody approved it", WAIVERS, "Cy Diaz", "TBD", NOT_TODAY, "approved_by: 'TBD'"),
    ("another approved it", WAIVERS, "Cy Diaz", "Di Fox", NOT_TODAY, "approved_by was Cy Diaz, and"),
    ("who asked approved it", WAIVERS, "Cy Diaz", "Bo Chen", NOT_TODAY, "someone else approves a waiver"),
    ("a letter that looks alike", WAIVERS, "Cy Diaz", "Cy D\u0456az", NOT_TODAY, REFUSED),
    ("it is of a day to come", WAIVERS, f"at: {TODAY}", f"at: {SOONER}", NOT_TODAY, "which has not come"),
    ("it is of an earlier day", WAIVERS, f"at: {TODAY}", f"at: {BEFORE}", NOT_TODAY, f"at was {TODAY}, and"),
    ("a sooner end", WAIVERS, str(LATER), str(SOONER), NOT_TODAY, f"until was {LATER}, and"),
    ("an end that is no day", WAIVERS, str(LATER), "soon", NOT_TODAY, "'soon' is not a date"),
    ("an end much too late", WAIVERS, str(LATER), "2999-01-01", NOT_TODAY, "more than 92 days after"),
    ("an end by a variable", WAIVERS, str(LATER), "${TINY_UNTIL}", NOT_TODAY, f"one.until: TINY_UNTIL {UNSET}"),
    ("a phase by a variable", WAIVERS, "    at:", "    phases: ['${PHASE}']\n    at:", NOT_TODAY, f"PHASE {UNSET}"),
    (
        "phases by a variable",
        WAIVERS,
        "    at:",
        "    phases: ${PHASE}\n    at:",
        NOT_TODAY,
        "phases: a list is wanted",
    ),
    ("a phase as a text", WAIVERS, "    at:", "    phases: preflight\n    at:", NOT_TODAY, "phases: a list is wanted"),
    ("another phase", WAIVERS, "    at:", "    phases: [smoke]\n    at:", NOT_TODAY, "limits to smoke"),
    ("things that it has not", WAIVERS, "    at:", "    subjects: [c]\n    at:", NOT_TODAY, "the line names no things"),
    ("an entry marked withdrawn", WAIVERS, "    at:", "    withdrawn: true\n    at:", NOT_TODAY, "'withdrawn' is not"),
    ("a key beside the entries", WAIVERS, "", "version: 2\n", NOT_TODAY, "'version' is not known"),
    ("another line", WAIVERS, "book/one", "book/two", NOT_TODAY, "the waiver of book/one, which"),
    ("a line that nobody has", WAIVERS, "", ANOTHER_WAIVER.replace("book/two", "book/tow"), NOT_TODAY, "'book/two'"),
    ("no YAML any more", WAIVERS, "", "]\n", NOT_TODAY, f"{REFUSED}: {WAIVERS}:"),
    ("no entries any more", WAIVERS, "waivers:", "waivers: []\nx:", NOT_TODAY, REFUSED),
    ("a corrected sentence", WORDS, "was looked at", "was looked at by two", WELL, ""),
    ("another link", WORDS, "internal/figure", "internal/figures", WELL, ""),
    ("a link by a variable", WORDS, "https://wiki.shop.internal", "${TINY_WIKI}", WELL, ""),
    ("a word for another line", WORDS, "", ANOTHER_WORD, WELL, ""),
    ("a later end of a word", WORDS, str(LATER), str(MUCH_LATER), WELL, ""),
    ("it holds unless told", WORDS, "    holds: true\n", "", WELL, ""),
    ("a sentence of nothing", WORDS, "the figure was looked at", "...", NOT_TODAY, REFUSED),
    ("a sentence to come", WORDS, "the figure was looked at", "will be looked at later", NOT_TODAY, "is still to come"),
    ("nobody's word", WORDS, "Ada Byron", "N/A", NOT_TODAY, "who: 'N/A'"),
    ("another's word", WORDS, "Ada Byron", "Bo Chen", NOT_TODAY, "who was Ada Byron, and"),
    ("it does not hold", WORDS, "holds: true", "holds: false", NOT_TODAY, "holds was True, and"),
    ("it holds by a variable", WORDS, "holds: true", "holds: ${TINY_HOLDS}", NOT_TODAY, f"TINY_HOLDS {UNSET}"),
    ("a word of a day to come", WORDS, f"at: {TODAY}", f"at: {SOONER}", NOT_TODAY, "which has not come"),
    ("a link to nowhere", WORDS, "https://wiki.shop.internal/figure", "http://localhost/x", NOT_TODAY, "own machine"),
    ("a sooner end of a word", WORDS, str(LATER), str(SOONER), NOT_TODAY, f"valid_until was {LATER}, and"),
    ("an approval more", SIGN_OFF, "", AN_APPROVAL, WELL, ""),
    ("an approval of somebody more", SIGN_OFF, "", AN_APPROVAL.replace("Bo Chen", "TBD"), NOT_TODAY, "'TBD'"),
    ("an approval more, to come", SIGN_OFF, "", AN_APPROVAL.replace(str(TODAY), str(LATER)), NOT_TODAY, "has not come"),
    ("other words for it", SIGN_OFF, "the week was calm enough", "nobody was paged", WELL, ""),
    ("where it was given", SIGN_OFF, "  name: Cy Diaz", "  evidence: minutes\n  name: Cy Diaz", WELL, ""),
    ("small letters", SIGN_OFF, "Cy Diaz", "cy diaz", NOT_TODAY, "one person in two spellings"),
    ("approved on a day to come", SIGN_OFF, str(TODAY), str(LATER), NOT_TODAY, "a day that has not come"),
    ("approved by another", SIGN_OFF, "Cy Diaz", "Bo Chen", NOT_TODAY, "the approval of Cy Diaz as SRE Lead"),
    ("no role", SIGN_OFF, "SRE Lead", "''", NOT_TODAY, REFUSED),
    ("an approval marked withdrawn", SIGN_OFF, "  name", "  withdrawn: true\n  name", NOT_TODAY, "'withdrawn' is not"),
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
    ("deferred without a reason", SIGN_OFF, "approved\n", "deferred\n", NOT_TODAY, "needs a reason and the date"),
    ("a hollow reason of it", SIGN_OFF, "the week was calm enough", "ok", NOT_TODAY, "says nothing"),
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
    figure = line("one", {"demo.figure": {"share_below": 0.4}})
    after = line("after", "last.calm", phase=["ga"], due="after sign-off")
    project.runbook(figure, line("two", "demo.quick"), line("three", "demo.hidden"), calm, after)
    for phase in ("preflight", "ga"):
        ran = project.run("-m", phase)
        assert ran.exit == 0, ran.out


@pytest.mark.parametrize("edit", EDITS, ids=[row[0] for row in EDITS])
def test_an_edit_takes_a_good_word_where_a_new_run_would(
    edit: Edit, approved: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, file, old, new, code, says = edit
    text = FILES[file]
    assert old in text
    monkeypatch.chdir(approved.folder)
    approved.write(f"environments/{file}", text.replace(old, new, 1) if old else f"{text}{new}")

    phase = "ga" if file == SIGN_OFF else "preflight"
    assert main(["verify", "tiny", phase]) == code
    assert says in " ".join(capsys.readouterr().out.split())
    approved.write(f"environments/{file}", text)


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
