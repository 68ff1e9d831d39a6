"""A person's word counts for the time that its line speaks of: not from before the launch, and not after a deadline.

To add a case: a line, the day of the word, and what it comes to.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from readiness.__main__ import main
from tests.plugin.project import Project, Ran, line
from tests.plugin.test_people import word

NOW = datetime.now(UTC)
LAUNCHED = NOW - timedelta(days=9)
WORDS = '''\
"""What people say."""
import pytest

from readiness import Limits, Measure
from readiness.observations.attestations import Promptness
from readiness.observations.signoff import Attestation, Span


class Held(Limits):
    within: Span | None = None


class Named(Limits):
    name: str
    within: Span | None = None


@pytest.mark.preflight
@pytest.mark.ga
def test_asked(attestation: Attestation, measure: Measure) -> None:
    """Somebody says so."""
    measure(attestation.holds, attestation.summary).is_(True)


@pytest.mark.ga
def test_held(attestation: Attestation, promptness: Promptness, limits: Held, measure: Measure) -> None:
    """Somebody says so in time."""
    measure(attestation.holds, attestation.summary).is_(True)
    measure(promptness.late, f"attested on {promptness.attested_on}, not within {limits.within}").is_(False)


@pytest.mark.preflight
@pytest.mark.ga
def test_named(figure_of: dict[str, float], limits: Named, measure: Measure) -> None:
    """A figure of a name."""
    measure(figure_of["figure"], limits.name).below(1)
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    found = Project(tmp_path_factory.mktemp("attested"))
    found.write("checks/test_words.py", WORDS)
    return found


def judged(project: Project, attested: dict[str, int], lines: list[dict[str, Any]], **environment: Any) -> Ran:
    """Judge lines that were attested so many days after the launch."""
    project.environment(**({"launch_at": LAUNCHED.isoformat()} | environment))
    project.runbook(*lines)
    days = {name: LAUNCHED.date() + timedelta(days=day) for name, day in attested.items()}
    entries = {f"book/{name}": word(at=day, valid_until=day + timedelta(days=60)) for name, day in days.items()}
    path = project.folder / "environments" / "tiny.attestations.yaml"
    path.write_text(yaml.safe_dump({"attestations": entries}), encoding="utf-8")
    return project.run("-m", str(lines[0]["phase"][0]))


def ga(name: str, check: str, due: str | None, **limits: str) -> dict[str, Any]:
    return line(name, {check: limits}, phase=["ga"], **({"due": due} if due else {}))


CASES = [
    # The line; the day of the word, counted from the launch; what it comes to; what is said of it.
    (ga("asked", "words.asked", "T+7d"), 0, "pass", ""),
    (ga("asked-a-day-early", "words.asked", "T+7d"), -1, "unknown", "before the launch, and the line speaks of after"),
    (ga("asked-at-launch", "words.asked", "T-0"), -1, "unknown", "before the launch"),
    (ga("asked-of-before", "words.asked", "T-1h"), -1, "pass", ""),
    (ga("asked-of-before-on-the-day", "words.asked", "T-1h"), 0, "pass", ""),
    (ga("asked-in-hindsight", "words.asked", "T-1h"), 1, "unknown", "after the launch, and the line speaks of before"),
    (ga("unseen-in-hindsight", "words.named", "T-7d"), 1, "unknown", "after the launch, and the line speaks of before"),
    (ga("asked-of-every-day", "words.asked", None), -1, "pass", ""),
    (ga("unseen", "words.named", "T+7d"), 3, "pass", ""),
    (ga("unseen-early", "words.named", "T+7d"), -1, "unknown", "before the launch, and the line speaks of after"),
    (ga("unseen-of-every-day", "words.named", None), -1, "pass", ""),
    (ga("unseen-in-time", "words.named", "T+24h", within="24h"), 1, "pass", ""),
    (ga("unseen-late", "words.named", "T+24h", within="24h"), 6, "fail", "and therefore too late, due"),
    (ga("held-in-time", "words.held", "T+7d", within="7d"), 7, "pass", ""),
    (ga("held-late", "words.held", "T+7d", within="7d"), 9, "fail", "not within 7d: yes"),
    (ga("held-early", "words.held", "T+7d", within="7d"), -1, "unknown", "before the launch"),
    (ga("held-without-a-deadline", "words.held", "T+7d"), 9, "pass", ""),
]


def test_a_word_counts_for_the_time_that_the_line_speaks_of(project: Project) -> None:
    days = {str(one["id"]): day for one, day, _, _ in CASES}
    ran = judged(project, days, [one for one, _, _, _ in CASES])
    for one, _, outcome, reason in CASES:
        found = ran.of(one["id"])
        assert (found["outcome"], reason in found["reason"]) == (outcome, True), f"{one['id']}: {found['reason']}"


def test_its_journal_alone_says_the_same(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    reports = project.folder / "reports"
    newest = max((reports / "tiny").glob("2*-ga"))
    main(["verify", str(newest), f"--reports={reports}"])
    assert "REFUTED" not in capsys.readouterr().out


def test_where_nobody_knows_when_the_launch_was_the_key_is_told(project: Project) -> None:
    lines = [ga("after", "words.asked", "T+7d"), ga("before", "words.asked", None)]
    ran = judged(project, {"after": 3, "before": 3}, lines)
    assert ran.outcomes() == {"after": "pass", "before": "pass"}
    ran = judged(
        project,
        {"after": 3, "late": 3, "before": 3},
        [*lines, ga("late", "words.held", None, within="7d")],
        launch_at=None,
    )
    assert ran.outcomes() == {"after": "unknown", "late": "unknown", "before": "pass"}
    assert "nobody knows when the launch was" in ran.of("after")["reason"]
    assert "set launch_at in the environment file" in ran.of("late")["remedy"]


def test_the_plan_says_it_too(project: Project) -> None:
    judged(project, {"early": -1}, [ga("early", "words.asked", "T+7d")])
    plan = " ".join(project.run("-m", "ga", "--collect-only").out.split())
    assert "lapsed: the attestation of Ada is of" in plan
