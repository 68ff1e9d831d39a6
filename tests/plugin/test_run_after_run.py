"""A run stands on the one before: steps of the ladder, what has changed, history, and who is told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.evidence.journal import read_run
from readiness.evidence.rejudge import judge
from tests.clients.servers import Server, never, whole
from tests.evidence import chromium
from tests.evidence.overlaps import end_last
from tests.plugin.project import Project, Ran, line

RATE = line(
    "rate",
    {"demo.figure": {"share_below": 0.05}},
    phase=["postlaunch"],
    ladder={"alert": 0.05, "page": 0.1, "rollback": 0.2},
    severity={"page": "SEV-2", "rollback": "SEV-1"},
)


@pytest.fixture(autouse=True)
def in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge where the environment file of the runs is."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.environment(launch_at="2020-01-01T00:00:00Z", allow=[])
    found.runbook(RATE)
    return found


def look(project: Project, figure: float, *words: str) -> Ran:
    project.write("figure.txt", str(figure))
    return project.run("-m", "postlaunch", *words)


def runs(project: Project) -> list[Path]:
    return sorted(path.parent for path in (project.folder / "reports/tiny").glob("2*/journal.jsonl"))


def verdicts(project: Project) -> list[str]:
    return [str(found.verdict) for folder in runs(project) if (found := read_run(folder).finish)]


def test_steps_carry_from_run_to_run_and_verify_agrees(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    said = [look(project, figure) for figure in (0.04, 0.11, 0.095, 0.02)]
    assert verdicts(project) == ["OK", "PAGE", "PAGE", "OK"], said[-1].out
    assert [ran.exit for ran in said] == [0, 1, 1, 0]
    assert "rate: pass -> fail" in said[1].out
    assert "(blocker, SEV-2)" in said[1].out
    assert "as before: 1 fail, same lines" in said[2].out
    assert "rate: fail -> pass" in said[3].out
    folders = [str(folder) for folder in runs(project)]
    assert [main(["verify", folder]) for folder in folders] == [0, 1, 1, 0]
    assert "REFUTED" not in capsys.readouterr().out
    summary = (runs(project)[1] / "summary.md").read_text("utf-8")
    assert "## Changed since" in summary
    assert "blocker, SEV-2" in summary
    assert "Changed since" in (runs(project)[1] / "report.html").read_text("utf-8")

    assert main(["ladder", "--json", "--replay", *reversed(folders)]) == 0
    walked = json.loads(capsys.readouterr().out)
    assert [one["recommends"] for one in walked] == ["OK", "PAGE", "PAGE", "OK"]
    assert [one["lines"][0]["reached"] for one in walked[1:3]] == ["page", "alert"]
    assert [one["lines"][0]["stands_at"] for one in walked[1:3]] == ["page", "page"]
    assert main(["ladder", "--replay", *folders[1:]]) == 0
    assert "stands at page for 2 runs" in capsys.readouterr().out

    again = project.run("-m", "postlaunch", f"--replay={folders[2]}")
    assert "PAGE  postlaunch of tiny" in again.out
    assert len(verdicts(project)) == 5
    assert look(project, 0.02).exit == 0


def test_a_step_stands_though_the_line_passes(project: Project) -> None:
    project.runbook({**RATE, "decided_by": {"demo.figure": {"share_below": 0.3}}, "ladder": {"page": 0.1}})
    look(project, 0.11)
    ran = look(project, 0.095)
    assert ran.outcomes() == {"rate": "pass"}
    told = " ".join(ran.out.split())
    assert "STANDS rate: still at the step page, for 2 runs: below it now" in told
    assert "it is left after 3 more by 10% of it, or 5 nearer" in told
    assert "PAGE  postlaunch of tiny" in ran.out
    assert "still at the step page" in (runs(project)[1] / "summary.md").read_text("utf-8")
    look(project, 0.08)
    look(project, 0.08)
    assert look(project, 0.08).exit == 0
    assert verdicts(project) == ["PAGE", "PAGE", "PAGE", "PAGE", "OK"]


def test_what_a_run_says_of_the_one_before_is_held_against_it(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    look(project, 0.11)
    look(project, 0.095)
    first, second = runs(project)
    (first / "journal.jsonl").write_text((second / "journal.jsonl").read_text("utf-8"), "utf-8")
    capsys.readouterr()
    assert main(["verify", str(second)]) == 1
    assert "REFUTED" not in capsys.readouterr().out  # the seal of the first bears it out
    (project.folder / "reports/tiny/ledger.jsonl").unlink()
    assert main(["verify", str(second)]) == 11
    assert "that run's journal says otherwise" in capsys.readouterr().out


def test_a_journal_that_was_changed_is_not_stood_on_but_its_seal(project: Project) -> None:
    look(project, 0.11)
    (journal,) = (folder / "journal.jsonl" for folder in runs(project))
    journal.write_text(journal.read_text("utf-8").replace("0.11", "0.01"), "utf-8")
    assert look(project, 0.095).out.count("PAGE  postlaunch of tiny") == 1
    before = read_run(runs(project)[1]).start.before
    assert before
    assert before.run == runs(project)[0].name


def test_a_narrowed_run_turns_nothing(project: Project) -> None:
    project.runbook(RATE, {**RATE, "id": "other"})
    look(project, 0.04)
    narrowed = look(project, 0.04, "-k", "other")
    assert "changed" not in narrowed.out
    assert "as before: every line that was decided is well" in look(project, 0.04).out


def test_every_run_has_its_rows(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    for figure in (0.04, 0.11, 0.01):
        look(project, figure)
    project.run("-m", "postlaunch", f"--replay={runs(project)[1]}")
    reports = str(project.folder / "reports")
    assert main(["history", "--env", "tiny", "--reports", reports]) == 0
    out = capsys.readouterr().out
    assert "tiny postlaunch: 3 runs" in out
    assert "OK -> PAGE -> OK" in out
    assert ".F.  ▃█▁  figure: 0.01, allowed < 0.05" in out
    assert "\x1b" not in out
    page = project.folder / "history.html"
    assert main(["history", "--env", "tiny", "--reports", reports, "--json", "--html", str(page)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["value"], row["outcome"], row["stands_at"]) for row in rows] == [
        (0.04, "pass", None),
        (0.11, "fail", "page"),
        (0.01, "pass", None),
    ]
    text = page.read_text("utf-8")
    assert "<polyline" in text
    assert "<script" not in text
    assert "default-src 'none'; style-src 'sha256-" in text
    assert chromium.PROGRAM is None or chromium.faults(page) == []
    assert main(["history", "--env", "tiny", "--reports", reports, "--line", "book/rat"]) == 4
    assert "did you mean 'book/rate'?" in capsys.readouterr().err


@pytest.mark.parametrize("harm", ["locked", "damaged"])
def test_a_history_that_cannot_be_written_costs_nothing(
    project: Project, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    look(project, 0.04)
    path = project.folder / "reports/tiny/history.sqlite"
    with sqlite3.connect(path, isolation_level=None) as other:
        if harm == "locked":
            other.execute("begin exclusive")
        else:
            path.write_bytes(b"no database at all" * 100)
        ran = look(project, 0.04)
    other.close()
    assert ran.exit == 0, ran.out
    assert "HISTORY  this run is not in it: " in ran.out
    assert main(["verify", str(runs(project)[1])]) == 0
    assert main(["history", "--env", "tiny", "--reports", str(project.folder / "reports"), "--rebuild"]) == 0
    assert "made anew from 2 journals" in capsys.readouterr().err


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server(whole(200, b"ok")) as server:
        monkeypatch.setenv("TINY_CHAT_URL", f"json://127.0.0.1:{server.port}/hook-of-the-team-7")
        yield server


NOTIFY = {"urls": ["${TINY_CHAT_URL}"], "on_call": "Ada", "seconds_at_most": 5}


def told(server: Server) -> list[dict[str, str]]:
    return [json.loads(asked.body) for asked in server.asked]


def requests(project: Project) -> list[tuple[str, str]]:
    found = [one for folder in runs(project) for one in read_run(folder).requests if one.client == "notify"]
    return [(one.target, one.status) for one in found]


def test_people_hear_of_a_change_and_not_of_a_state(project: Project, receiver: Server) -> None:
    project.environment(launch_at="2020-01-01T00:00:00Z", allow=[], production=True, notify=NOTIFY)
    look(project, 0.04, "--allow=notify")
    assert told(receiver) == []
    silent = look(project, 0.11)
    assert "NOTIFY   nobody was told of the change: run with --allow notify" in silent.out
    assert told(receiver) == []
    look(project, 0.21, "--allow=notify")
    look(project, 0.21, "--allow=notify")
    ran = look(project, 0.01, "--allow=notify")
    assert "NOTIFY   json: told of the change" in ran.out
    first, second = told(receiver)
    assert first["title"] == "tiny postlaunch: PAGE -> ROLLBACK"
    action, held, report = first["message"].splitlines()
    assert action.startswith("roll back")
    assert held == "- book/rate (SEV-1): fail, figure: 0.21, allowed < 0.05"
    of_the_change = runs(project)[2]
    assert report == f"report: {of_the_change / 'report.html'}"
    assert second["title"] == "tiny postlaunch: ROLLBACK -> OK"
    assert requests(project) == [("json", "delivered")] * 2
    assert all(main(["verify", str(folder)]) in {0, 1} for folder in runs(project))
    left = [path for path in (project.folder / "reports").rglob("*") if path.is_file()]
    assert not [path for path in left if b"hook-of-the-team-7" in path.read_bytes()]


FAILING = {"status 500": whole(500), "a redirect": whole(302, b"", {"Location": "http://127.0.0.1:9/"}), "never": never}


@pytest.mark.parametrize("name", FAILING)
def test_a_failed_delivery_is_told_and_changes_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    project.environment(launch_at="2020-01-01T00:00:00Z", allow=["notify"], notify={**NOTIFY, "seconds_at_most": 1})
    with Server(FAILING[name]) as server:
        monkeypatch.setenv("TINY_CHAT_URL", f"json://127.0.0.1:{server.port}/hook-of-the-team-7")
        ran = look(project, 0.11)
    assert "NOTIFY   json: could not be told: not delivered" in ran.out
    assert "PAGE  postlaunch of tiny" in ran.out
    assert ran.exit == 1
    ((place, status),) = requests(project)
    assert place == "json"
    assert status.startswith("not delivered")
    assert "hook-of-the-team-7" not in ran.out
    assert main(["verify", str(runs(project)[0])]) == 1


def test_nothing_is_sent_outside_of_the_allowed_hosts(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINY_CHAT_URL", "json://elsewhere.example/hook-of-the-team-7")
    project.environment(allow=["notify"], notify=NOTIFY)
    ran = look(project, 0.11)
    assert ran.exit == 4
    assert "notify.urls.0: host 'elsewhere.example' is not known" in ran.out


BACK = (
    *("--from", "P2", "--to", "P1"),
    *("--reason", "a fifth of the uploads fails", "--next-steps", "Grace reads the parser's log"),
)


def announce(project: Project, event: str, *words: str) -> int:
    folders = [f"--environments={project.folder / 'environments'}", f"--reports={project.folder / 'reports'}"]
    return main(["announce", event, "--env", "tiny", *folders, *words])


def test_an_announcement_comes_from_the_evidence(
    project: Project, receiver: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    project.environment(launch_at="2020-01-01T00:00:00Z", allow=[], notify=NOTIFY)
    look(project, 0.21)
    assert announce(project, "launch") == 0
    text = capsys.readouterr().out
    assert "tiny launched\ntime: 2020-01-01 00:00Z\nstatus: unknown, no run of smoke has ended since " in text
    assert "test upload: unknown" in text
    assert "on call: Ada" in text
    assert "not sent: say --allow notify" in text
    assert told(receiver) == []
    assert announce(project, "rollback", "--allow", "notify", *BACK) == 0
    (message,) = told(receiver)
    assert message["title"] == "tiny is being rolled back"
    assert "status: postlaunch ROLLBACK at " in message["message"]
    assert "- book/rate (SEV-1): fail, figure: 0.21, allowed < 0.05" in message["message"]
    (kept,) = (project.folder / "reports/tiny/announcements").iterdir()
    assert json.loads(kept.read_text("utf-8"))["deliveries"] == [{"place": "json", "delivered": True, "why": ""}]
    receiver.behaviour = whole(500)
    assert announce(project, "resume", "--allow", "notify", "--resolution", "the pool is larger") == 1
    assert "json: NOT SENT, not delivered" in capsys.readouterr().out


def test_a_launch_that_is_still_to_come_is_not_announced(
    project: Project, receiver: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    project.environment(launch_at="2120-01-01T00:00:00Z", allow=[], notify=NOTIFY)
    assert announce(project, "launch") == 0
    assert announce(project, "launch", "--allow", "notify") == 1
    assert "not sent: the launch is at 2120-01-01 00:00Z, and that is still to come" in capsys.readouterr().out
    assert told(receiver) == []


@pytest.mark.usefixtures("receiver")
def test_a_run_against_another_address_says_nothing_of_this_target(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.environment(launch_at="2020-01-01T00:00:00Z", allow=[], notify=NOTIFY)
    look(project, 0.21)
    assert announce(project, "pause") == 0
    assert "status: postlaunch ROLLBACK at " in capsys.readouterr().out
    project.environment(
        launch_at="2020-01-01T00:00:00Z", allow=[], notify=NOTIFY, target={"url": "http://127.0.0.1:10"}
    )
    assert announce(project, "pause") == 0
    assert "status: unknown, no run of postlaunch has ended since " in capsys.readouterr().out


@pytest.mark.usefixtures("receiver")
def test_a_good_word_that_nobody_else_says_is_not_announced(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"launch_at": "2020-01-01T00:00:00Z", "allow": [], "notify": NOTIFY}
    project.environment(**settings)
    look(project, 0.01)
    assert announce(project, "resume") == 0
    assert "status: postlaunch OK at " in capsys.readouterr().out
    project.environment(**settings, evidence={"signed": True})
    assert announce(project, "resume") == 0
    told_now = capsys.readouterr().out
    assert "status: unknown, no run of postlaunch" in told_now
    assert "left out  postlaunch: INCOMPLETE (14), " in told_now
    look(project, 0.21)
    assert announce(project, "resume") == 0
    assert "status: postlaunch ROLLBACK at " in capsys.readouterr().out


TWICE = {**RATE, "ladder": {"page": 0.1, "rollback": 0.2}, "consecutive": 2}
STEPS: dict[str, tuple[dict[str, object], list[float], list[tuple[str | None, str]]]] = {
    # The line, what is looked at, and of each run the step of its result and its severity.
    "one failure is enough": (RATE, [0.11, 0.21], [("page", "SEV-2"), ("rollback", "SEV-1")]),
    "two in a row": (TWICE, [0.11, 0.11], [(None, ""), ("page", "SEV-2")]),
    "two that are not in a row": (TWICE, [0.11, 0.01, 0.11], [(None, ""), (None, ""), (None, "")]),
    "the higher one stands": (RATE, [0.21, 0.19], [("rollback", "SEV-1"), ("rollback", "SEV-1")]),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_result_has_the_step_that_its_verdict_takes(name: str, project: Project) -> None:
    stated, figures, expected = STEPS[name]
    project.runbook(stated)
    for figure in figures:
        look(project, figure)
    results = [read_run(folder).results[0] for folder in runs(project)]
    assert [(result.step, result.severity) for result in results] == expected
    for folder in runs(project):
        run = read_run(folder)
        highest = [result.step for result in run.results if result.step]
        assert run.finish
        assert [str(step).upper() for step in highest] in ([], [run.finish.verdict])
        assert judge(run).refuted == ()


def test_overlapping_runs_are_walked_again_as_they_ran(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    home = project.folder / "reports/tiny"
    look(project, 0.11)
    look(project, 0.01)
    # The first is still under way when the second one ends well.
    end_last(home, runs(project)[0].name)
    look(project, 0.095)
    look(project, 0.02)
    recorded = [read_run(folder) for folder in runs(project)]
    stood = [{state.line: state.step for state in run.finish.standing or ()} for run in recorded if run.finish]
    assert stood[2] == {"book/rate": "page"}
    for folders in (runs(project), runs(project)[2:]):
        capsys.readouterr()
        assert main(["ladder", "--json", "--replay", *map(str, folders)]) == 0
        walked = json.loads(capsys.readouterr().out)
        steps = [{one["line"]: one["stands_at"] for one in run["lines"] if one["stands_at"]} for run in walked]
        assert steps == stood[-len(folders) :]
        assert all(run["refuted"] == [] for run in walked)
