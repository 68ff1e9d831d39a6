"""What holds an approval back though every line of ga speaks for it: the launch, the other phases, the dates of people.

A row is a history: what is run before ga, and what must come of ga then.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import main
from readiness.evidence import ledger
from readiness.evidence.earlier_phases import contradicted_phases
from readiness.evidence.journal import read_run
from readiness.evidence.recorded_phases import EarlierPhase
from readiness.evidence.signing import FILE_VARIABLE
from tests.evidence.launch import new_key
from tests.plugin.project import Project, Ran, line

NOW = datetime.now(UTC)
TODAY = NOW.date()
LAUNCH = NOW - timedelta(days=7)
CHECK = '''\
"""The week was calm."""
import pytest

from readiness import Limits, Measure


class Below(Limits):
    share_below: float = 0.8


@pytest.mark.preflight
@pytest.mark.smoke
@pytest.mark.postlaunch
@pytest.mark.ga
def test_calm(figure: float, limits: Below, measure: Measure) -> None:
    """The figure is low.

    Remedy: lower it.
    """
    measure(figure, "figure").below(limits.share_below)
'''
WELL, BAD = 0.5, 0.9
Step = tuple[str, float]
"""A phase that is run, and the figure that it finds; more words of its command line stand behind the phase."""


def of(phase: str, **changes: Any) -> dict[str, Any]:
    return line(phase, "week.calm", phase=[phase], **changes)


ALL = (of("preflight"), of("smoke"), of("postlaunch", ladder={"alert": 0.85}), of("ga"))
PREFLIGHT = (of("preflight"), of("ga"))
WHOLE: tuple[Step, ...] = (("preflight", WELL), ("smoke", WELL), ("postlaunch", WELL))


def day(days: int) -> str:
    return str(TODAY + timedelta(days=days))


def approval(on: str = str(TODAY), **changes: str) -> dict[str, str]:
    return {"role": "SRE Lead", "name": "Cy Diaz", "approved_on": on, **changes}


@dataclass(frozen=True)
class Row:
    name: str
    before: tuple[Step, ...]
    says: str = ""
    """Why it is held back; empty where it is approved."""
    lines: tuple[dict[str, Any], ...] = ALL
    environment: dict[str, Any] = field(default_factory=dict)
    form: dict[str, Any] = field(default_factory=dict)


ROWS = [
    Row("every phase is well", WHOLE),
    Row("the hourly look came again", (*WHOLE, ("postlaunch", WELL))),
    Row("the preflight was mended", (("preflight", BAD), *WHOLE)),
    Row("only preflight is asked", (("preflight", WELL),), lines=PREFLIGHT),
    Row("no other phase decides", (), lines=(of("ga"),)),
    Row("the others only warn", (), lines=(of("preflight", gate="warning"), of("ga"))),
    Row(
        *("what they decide is not applicable", (), "", PREFLIGHT),
        environment={"not_applicable": {"book/preflight": "there is no such thing in this service"}},
    ),
    Row("a plan of preflight is none", (*WHOLE, ("preflight --as-of=2036-01-01T00:00:00Z", BAD))),
    Row("a narrowed one gives nothing", (*WHOLE, ("preflight -k nothing_of_that_name", WELL))),
    # Not well, or not judged.
    Row("nothing was judged", (), "preflight was not judged on this target: run pytest -m preflight"),
    Row("preflight is NO-GO", (("preflight", BAD), *WHOLE[1:]), "preflight is NO-GO (2"),
    Row("preflight turned NO-GO", (*WHOLE, ("preflight", BAD)), "preflight is NO-GO (2"),
    Row("smoke is NO-GO", (WHOLE[0], ("smoke", BAD), WHOLE[2]), "smoke is NO-GO (2"),
    Row("postlaunch alerts", (*WHOLE, ("postlaunch", BAD)), "postlaunch is ALERT (2"),
    Row("nobody looked after the launch", WHOLE[:2], "postlaunch was not judged on this target"),
    Row("a narrowed one takes away", (*WHOLE, ("preflight -k week", BAD)), "preflight is NO-GO (2"),
    Row(
        "its newest start was refused",
        (*WHOLE, ("preflight --as-of=never", WELL)),
        "preflight is not known: its newest",
    ),
    Row(
        *("it was another target", WHOLE, "preflight was not judged on this target"),
        environment={"target": {"url": "http://127.0.0.1:1"}},
    ),
    # The launch has been.
    Row(
        *("the launch is ahead", WHOLE, "the launch is still to come, at 2"),
        environment={"launch_at": (NOW + timedelta(hours=1)).isoformat()},
    ),
    Row("the launch was a minute ago", WHOLE, environment={"launch_at": (NOW - timedelta(minutes=1)).isoformat()}),
    Row("nobody knows when it was", WHOLE, "set launch_at in the environment file", environment={"launch_at": None}),
    # What people dated.
    Row("approved tomorrow, east of us", WHOLE, form={"approvals": [approval(day(1))]}),
    Row(
        "approved in three days",
        WHOLE,
        "a day that has not come; approve it then",
        form={"approvals": [approval(day(3))]},
    ),
    Row(
        "approved before the launch",
        WHOLE,
        "before the launch; approve what is live",
        form={"approvals": [approval(day(-9))]},
    ),
    Row("approved on the day", WHOLE, form={"approvals": [approval(str(LAUNCH.date()))]}),
    Row(
        *("one of two is ahead", WHOLE, "Bo Chen as CTO on"),
        form={"approvals": [approval(), approval(day(3), role="CTO", name="Bo Chen")]},
    ),
    Row("signed now", WHOLE, form={"signed_at": NOW.isoformat()}),
    Row("signed ahead", WHOLE, "signed_at is 2", form={"signed_at": (NOW + timedelta(hours=2)).isoformat()}),
]


def judge(folder: Path, row: Row) -> Ran:
    """Run what came before, then the last phase."""
    return launched(folder, row).run("-m", "ga")


def launched(folder: Path, row: Row) -> Project:
    """Give a project with all that comes before the last phase."""
    project = Project(folder)
    project.write("checks/test_week.py", CHECK)
    project.environment(launch_at=LAUNCH.isoformat())
    project.runbook(*row.lines)
    for step, figure in row.before:
        project.write("figure.txt", str(figure))
        phase, *words = step.split()
        project.run("-m", phase, *words)

    project.write("figure.txt", str(WELL))
    stated = {"launch_at": LAUNCH.isoformat(), **row.environment}
    project.environment(**stated)
    form = {"decision": "approved", "approvals": [approval()], **row.form}
    project.write("environments/tiny.sign-off.yaml", yaml.safe_dump(form))
    return project


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_an_approval_needs_the_launch_the_phases_and_the_dates(
    row: Row, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = judge(tmp_path, row)
    assert (ran.exit, row.says in ran.out) == (10 if row.says else 0, True), ran.out
    assert f"{'INCOMPLETE' if row.says else 'APPROVED'}  ga of tiny" in ran.out
    assert ran.outcomes() == {"ga": "pass"}

    capsys.readouterr()
    places = [f"--reports={tmp_path / 'reports'}", f"--environments={tmp_path / 'environments'}"]
    assert main(["verify", "tiny", "ga", *places, "--json"]) == ran.exit
    assert json.loads(capsys.readouterr().out)["problems"] == []


@pytest.mark.parametrize(
    ("after", "code", "says"),
    [
        ([("preflight", BAD)], 15, "preflight is NO-GO since"),
        ([("preflight", BAD), ("preflight", WELL)], 0, ""),
        ([("postlaunch", BAD)], 15, "postlaunch is ALERT since"),
        ([("preflight", BAD), ("preflight --nosuch", WELL)], 15, "preflight is NO-GO since"),
        ([("preflight", BAD), ("preflight -k nothing_of_that_name", WELL)], 15, "preflight is NO-GO since"),
        ([("postlaunch -k nothing_of_that_name", WELL)], 0, ""),
        ([("preflight --as-of=2036-01-01T00:00:00Z", BAD)], 0, ""),
    ],
)
def test_what_turns_bad_afterwards_takes_the_approval_away(
    after: list[Step], code: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = launched(tmp_path, ROWS[0])
    assert project.run("-m", "ga").exit == 0
    for step, figure in after:
        project.write("figure.txt", str(figure))
        phase, *words = step.split()
        project.run("-m", phase, *words)

    capsys.readouterr()
    places = [f"--reports={tmp_path / 'reports'}", f"--environments={tmp_path / 'environments'}"]
    assert main(["verify", "tiny", "ga", *places]) == code
    assert says in capsys.readouterr().out


def test_a_good_phase_that_nobody_signed_carries_no_approval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ROWS[0]
    project = launched(tmp_path, Row("signed", (), lines=row.lines))
    key = new_key(tmp_path, "ci")
    monkeypatch.setenv(FILE_VARIABLE, str(key))
    project.write("figure.txt", str(BAD))
    assert project.run("-m", "preflight").exit == 1
    project.write("figure.txt", str(WELL))
    for phase in ("smoke", "postlaunch"):
        assert project.run("-m", phase).exit == 0

    with monkeypatch.context() as without:
        without.delenv(FILE_VARIABLE)
        assert project.run("-m", "preflight").exit == 0
    ran = project.run("-m", "ga")
    assert ran.exit == 10
    assert "says GO, and no key that counts has signed it" in " ".join(ran.out.split())

    assert project.run("-m", "preflight").exit == 0
    again = project.run("-m", "ga")
    assert again.exit == 0, again.out


APPROVED: dict[str, Any] = {"decision": "approved", "approvals": [approval()]}
"""What the sign-off file says in the first row."""
DEFERRED = {"reason": "the error budget is gone", "review_on": day(3)}


@pytest.mark.parametrize(
    ("today", "code", "says"),
    [
        ({**APPROVED, "decision": "deferred", **DEFERRED}, 15, "a decision that was approved, and tiny.sign-off.yaml"),
        ({**APPROVED, "decision": "open"}, 15, "a decision that was approved"),
        ({"approvals": APPROVED["approvals"]}, 15, "says open"),
        ({"decision": "approved"}, 15, "it rests on the approval of Cy Diaz as SRE Lead"),
        ({**APPROVED, "approvals": [approval(name="Bo Chen")]}, 15, "it rests on the approval of Cy Diaz"),
        ({**APPROVED, "approvals": [approval(role="CTO")]}, 0, "calls the role of Cy Diaz CTO today"),
        ("no YAML: [", 15, "a new run would be refused: tiny.sign-off.yaml:"),
        (None, 15, "which is there no more"),
        ({**APPROVED, "approvals": [{**approval(), "role": ["SRE Lead"]}]}, 15, "approvals.0.role: text is wanted"),
        ({**APPROVED, "approvals": [approval(), approval(role="CTO", name="Bo Chen")]}, 0, ""),
        ({**APPROVED, "signed_at": NOW.isoformat()}, 0, ""),
        (APPROVED, 0, ""),
    ],
)
def test_an_approval_that_is_taken_back_counts_no_longer(
    today: Any, code: int, says: str, approved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(approved, tmp_path, dirs_exist_ok=True, symlinks=True)
    file = tmp_path / "environments/tiny.sign-off.yaml"
    file.write_text(today if isinstance(today, str) else yaml.safe_dump(today))
    if today is None:
        file.unlink()
    places = [f"--reports={tmp_path / 'reports'}", f"--environments={tmp_path / 'environments'}"]
    assert main(["verify", "tiny", "ga", *places]) == code
    assert says in capsys.readouterr().out


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("approved")
    assert judge(folder, ROWS[0]).exit == 0
    return folder


@pytest.mark.parametrize(
    ("says", "is_contradicted"),
    [({}, False), ({"verdict": "NO-GO"}, True), ({"run": "another"}, True), ({"phase": "smoke"}, True)],
)
def test_what_a_run_says_of_the_phases_before_it_is_held_against_the_ledger(
    says: dict[str, str], is_contradicted: bool, tmp_path: Path
) -> None:
    assert judge(tmp_path, ROWS[0]).exit == 0
    home = tmp_path / "reports/tiny"
    (folder,) = home.glob("2*-ga")
    start = read_run(folder).start
    assert start.earlier_phases
    assert [phase.verdict for phase in start.earlier_phases] == ["GO", "GO", "OK"]

    first, *others = start.earlier_phases
    changed = EarlierPhase.model_validate({**first.model_dump(), **says})
    told = start.model_copy(update={"earlier_phases": (changed, *others)})
    contradictions = list(contradicted_phases(told, ledger.read(home / ledger.FILE, {})))
    assert bool(contradictions) is is_contradicted
