"""A person's word decides what nothing is configured to see, a waiver spares a failure, and both are told."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import main
from readiness.verdict import INCOMPLETE_EXIT
from tests import warm
from tests.evidence import chromium
from tests.plugin.project import Project, Ran, line

TODAY = datetime.now(UTC).date()
UNTIL = TODAY + timedelta(days=1)  # the tests may run over midnight
LINES = [
    line("passes", "demo.figure"),
    line("fails", {"demo.figure": {"share_below": 0.4}}),
    line("fails-too", {"demo.figure": {"share_below": 0.3}}),
    line("hidden", "demo.hidden"),
    line("seen-by-ada", "demo.named"),  # it states no name: not configured
    line("denied-by-ada", "demo.named"),
    line("lapsed", "demo.named"),
    line("nobody", "demo.named"),
]


def word(**more: Any) -> dict[str, Any]:
    told = {"statement": "Ada looked <b>herself</b>", "who": "Ada", "at": TODAY, "valid_until": UNTIL}
    return {**told, "evidence": "https://wiki.shop.internal/x", **more}


def waiver(**more: Any) -> dict[str, Any]:
    told = {"requested_by": "Ada", "approved_by": "Grace", "reason": "mitigated", "because": "we watch it by hand"}
    return {**told, "at": TODAY, "until": UNTIL, **more}


DECLARED_EXPIRES = re.compile(r"^(next|EXPIRED) .*declared value expires: (\S+) \(Ada Example\)", re.MULTILINE)


def vouched(**more: Any) -> dict[str, Any]:
    return {"who": "Ada Example", "at": TODAY, "valid_until": UNTIL, **more}


def project_of(folder: Path) -> Project:
    """Give a project with one line, where nobody has declared anything yet."""
    made = Project(folder)
    made.runbook(LINES[0])
    return made


def next_words(project: Project, *more: str) -> list[str]:
    places = [f"--environments={project.folder}/environments", f"--reports={project.folder}/reports"]
    return ["next", "--env=tiny", *places, *more]


def next_of(project: Project, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    capsys.readouterr()
    assert main(next_words(project, *more)) == 0
    return capsys.readouterr().out


def unfolded(calendar: str) -> str:
    return re.sub(r"\r?\n ", "", calendar)


OLD = {"at": TODAY - timedelta(days=9), "valid_until": TODAY - timedelta(days=1)}
ATTESTATIONS = {
    "book/seen-by-ada": word(),
    "book/denied-by-ada": word(holds=False),
    "book/lapsed": word(**OLD),
    "book/fails": word(),
    "book/passes": word(),
    "book/hidden": word(),
}
WAIVERS = {
    "book/fails": waiver(),
    "book/fails-too": waiver(at=OLD["at"], until=OLD["valid_until"]),
    "book/hidden": waiver(),
    "book/passes": waiver(),
    "book/nobody": waiver(phases=["ga"]),
}


def people(project: Project, attestations: dict[str, Any], waivers: dict[str, Any]) -> None:
    folder = project.folder / "environments"
    for key, entries in (("attestations", attestations), ("waivers", waivers)):
        (folder / f"tiny.{key}.yaml").write_text(yaml.safe_dump({key: entries}), encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    found = Project(tmp_path_factory.mktemp("people"))
    found.runbook(*LINES)
    people(found, ATTESTATIONS, WAIVERS)
    return found


@pytest.fixture(scope="module")
def ran(project: Project) -> Ran:
    return project.preflight()


def test_each_has_its_outcome_and_its_flags(ran: Ran) -> None:
    flags = {name: (one["outcome"], one["attested"], one["waived"]) for name, one in ran._by_line.items()}
    assert flags == {
        "passes": ("pass", False, False),
        "fails": ("fail", False, True),
        "fails-too": ("fail", False, False),
        "hidden": ("unknown", False, True),
        "seen-by-ada": ("pass", True, False),
        "denied-by-ada": ("fail", True, False),
        "lapsed": ("unknown", False, False),
        "nobody": ("unknown", False, False),
    }, ran.out


def test_workers_find_the_same(project: Project, ran: Ran) -> None:
    shared = project.preflight("-n", "2", f"--reports={project.folder / 'shared'}")
    assert shared._by_line.keys() == ran._by_line.keys()
    for name, one in shared._by_line.items():
        assert {**one, "seconds": 0} == {**ran.of(name), "seconds": 0}


def test_each_says_why(ran: Ran) -> None:
    assert ran.of("seen-by-ada")["measurements"][0]["name"].startswith(
        f"attested by Ada on {TODAY}, valid until {UNTIL}"
    )
    assert "the line states no name" in ran.of("seen-by-ada")["instead_of"]["reason"]
    assert f"of Ada on {OLD['at']} expired on {OLD['valid_until']}; without it" in ran.of("lapsed")["reason"]
    assert f"this voids what Ada attested on {TODAY}" in ran.of("fails")["reason"]
    assert "approved on" in ran.of("fails-too")["reason"]
    assert "speak with Ada" in ran.of("denied-by-ada")["remedy"]


def test_void_expired_and_unused_are_told_everywhere(project: Project, ran: Ran) -> None:
    (folder,) = (project.folder / "reports" / "tiny").glob("2*-preflight")
    summary, page = ((folder / name).read_text(encoding="utf-8") for name in ("summary.md", "report.html"))
    kinds = {"void": "fails", "expired": "lapsed", "unused": "passes", "waived": "hidden", "attested": "seen-by-ada"}
    for kind, name in kinds.items():
        assert f"{kind.upper():<9}book/{name}" in ran.out, ran.out
        assert f"| {kind} | book/{name} |" in summary, summary
    assert "Attested and waived" in page
    assert "<b>herself</b>" not in summary + page
    assert "fail (waived)" in page


if chromium.PROGRAM:

    @pytest.mark.parametrize("name", ["report.html", "pytest.html"])
    def test_the_reports_are_for_everybody(project: Project, ran: Ran, name: str) -> None:
        assert ran.exit
        (report,) = (project.folder / "reports" / "tiny").glob(f"2*-preflight/{name}")
        assert chromium.faults(report) == []


def test_the_journal_alone_gives_the_same_verdict(
    project: Project, ran: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran.exit == 1
    assert main(["verify", "tiny", "preflight", f"--reports={project.folder / 'reports'}", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["problems"] == []
    assert set(told["holding"]) == {"book/fails-too", "book/denied-by-ada"}
    assert told["counts"]["fail (waived)"] == 1


def test_all_waived_and_attested_is_go(project: Project) -> None:
    project.runbook(LINES[0], LINES[1], LINES[3], LINES[4])
    people(project, {"book/seen-by-ada": word()}, {"book/fails": waiver(), "book/hidden": waiver()})
    ran = project.preflight()
    assert ran.exit == 0, ran.out
    recorded = max((project.folder / "reports" / "tiny").glob("2*-preflight*"))
    people(project, {}, {})  # a replay judges with what the run began with
    again = project.preflight(f"--replay={recorded}")
    assert again.outcomes() == ran.outcomes()
    assert again.exit == INCOMPLETE_EXIT, again.out
    assert "come to GO, and nobody has looked since" in " ".join(again.out.split())
    assert project.preflight().exit == 1


def test_as_of_a_later_day_neither_counts(project: Project) -> None:
    people(project, {"book/seen-by-ada": word()}, {"book/fails": waiver(), "book/hidden": waiver()})
    ran = project.preflight(f"--as-of={UNTIL + timedelta(days=1)}T00:00:00Z")
    assert ran.outcomes()["seen-by-ada"] == "unknown"
    assert f"expired on {UNTIL}" in ran.of("seen-by-ada")["reason"]
    assert not ran.of("fails")["waived"]
    assert ran.exit == 1


def test_an_unknown_line_is_told_before_anything_is_looked_at(project: Project) -> None:
    people(project, {"book/seen-by-adda": word()}, {"book/fales": waiver()})
    ran = project.preflight()
    assert ran.exit == 4
    assert "tiny.attestations.yaml:2: attestations: line 'book/seen-by-adda' is not known; did you mean" in ran.out
    assert "tiny.waivers.yaml:2: waivers: line 'book/fales' is not known; did you mean 'book/fails'?" in ran.out
    assert ran.looked == []


def test_next_names_the_actions_and_the_dates(project: Project) -> None:
    project.runbook(*LINES, line("later", "demo.figure", due="T-1h"))
    people(project, ATTESTATIONS, WAIVERS)
    project.preflight()
    places = [f"--environments={project.folder}/environments", f"--reports={project.folder}/reports"]
    ran = warm.run("readiness", "next", "--env", "tiny", *places)
    ran.check_returncode()
    out = ran.stdout
    assert "due: book/later" in out
    assert "launch: the launch" in out
    assert "EXPIRED" in out
    assert "waiver expires: book/fails" in out
    assert "speak with Ada" in out
    assert "then pytest -m preflight --env tiny" in out


DECLARED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    # Of `declared`, and the words behind EXPIRED or next, by the key.
    "one that ends soon": ({"team": vouched()}, {"team": "next"}),
    "one that has ended": ({"team": vouched(**OLD)}, {"team": "EXPIRED"}),
    "of a figure, and of the level": (
        {"service_levels.orders": vouched(), "service_levels.orders.count": vouched(**OLD)},
        {"service_levels.orders": "next", "service_levels.orders.count": "EXPIRED"},
    ),
    "nobody answers for anything": ({}, {}),
}


@pytest.mark.parametrize("name", DECLARED)
def test_next_names_until_when_somebody_answers_for_a_declared_value(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declared, told = DECLARED[name]
    project = project_of(tmp_path)
    project.environment(declared=declared)
    out = next_of(project, capsys)
    assert {key: word for word, key in DECLARED_EXPIRES.findall(out)} == told
    assert out.count("(Ada Example): nobody answers for it") == list(told.values()).count("EXPIRED")

    calendar = project.folder / "dates.ics"
    next_of(project, capsys, f"--ics={calendar}")
    summaries = unfolded(calendar.read_text(encoding="utf-8"))
    assert {key for key in told if f"declared value: {key} (Ada Example)" in summaries} == set(told)


def test_next_has_a_declaration_by_a_variable_from_the_newest_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = project_of(tmp_path)
    team = {"roles": {"primary on-call": {"name": "Ada", "contact": "#launch"}}}
    project.environment(team=team, declared={"team": vouched(who="${WHO}")})
    monkeypatch.setenv("WHO", "Ada Example")
    project.preflight()
    monkeypatch.delenv("WHO")
    assert DECLARED_EXPIRES.findall(next_of(project, capsys)) == [("next", "team")]


def test_next_refuses_a_declaration_that_a_run_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = project_of(tmp_path)
    project.environment(declared={"team": vouched(valid_until=TODAY - timedelta(days=1))})
    assert main(next_words(project)) == 4
    assert "tiny.yaml:" in (told := " ".join(capsys.readouterr().err.split()))
    assert "declared.team: valid_until" in told


def test_next_reads_variables_as_a_run_does(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.runbook(*LINES)
    waived = {name: {**waiver, "approved_by": "${WHO_WAIVES}"} for name, waiver in WAIVERS.items()}
    people(project, ATTESTATIONS, waived)
    words = ["next", "--env=tiny", f"--environments={project.folder}/environments", f"--reports={project.folder}"]
    ran = warm.run("readiness", *words)
    assert ran.returncode == 4
    assert "variable WHO_WAIVES is not set" in ran.stderr

    monkeypatch.setenv("WHO_WAIVES", "Cy Diaz")
    ran = warm.run("readiness", *words)
    assert (ran.returncode, "waiver expires: book/fails" in ran.stdout) == (0, True), ran.stderr


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    # What the environment adds, the waivers, the sign-off, and the words of the refusal.
    "an approver who is not listed": ({"approvers": {"Dee Ito": "dee@x.io"}}, WAIVERS, {}, "approved_by"),
    "an owner who approves": ({"owners": {"book/fails": "Grace"}}, WAIVERS, {}, "approved_by"),
    "two spellings of an approver": (
        {"approvers": {"Grace Ito": "c@x.io", "grace  ito": "c@y.io"}},
        {},
        {},
        "approvers: ",
    ),
    "a file of attestations that is not there": ({"attestations": "gone.yaml"}, {}, {}, "gone.yaml"),
    "a sign-off of somebody who is not listed": (
        {"approvers": {"Dee Ito": "dee@x.io"}},
        {},
        {"approvals": [{"role": "engineering", "name": "Cy Diaz", "approved_on": TODAY}]},
        "Cy Diaz",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_next_lists_nothing_that_a_run_refuses(name: str, tmp_path: Path) -> None:
    stated, waived, signed, words = REFUSED[name]
    project = Project(tmp_path)
    project.runbook(*LINES)
    project.environment(**stated)
    people(project, {}, waived)
    if signed:
        project.write("environments/tiny.sign-off.yaml", yaml.safe_dump(signed))
    ran = project.run("-m", "ga")
    assert ran.exit == 4, ran.out
    assert words in " ".join(ran.out.split())
    places = [f"--environments={project.folder}/environments", f"--reports={project.folder}/reports"]
    told = warm.run("readiness", "next", "--env", "tiny", *places)
    assert (told.returncode, told.stdout) == (4, "")
    assert words in " ".join(told.stderr.split())
