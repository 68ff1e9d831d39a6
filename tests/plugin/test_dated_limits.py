"""A limit that binds from a day is told before it fails, ends a good word then, and is looser by date only aloud."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from readiness.evidence.journal import read_run
from readiness.evidence.limit_changes import changes, loosened
from readiness.evidence.planned_lines import planned_lines
from readiness.evidence.reasons import Reason
from readiness.evidence.recorded_ahead import PlannedAhead, RecordedAhead, contradicted
from readiness.evidence.recorded_measurement import RecordedMeasurement
from readiness.evidence.records import Plan
from readiness.evidence.rejudge import judge
from readiness.evidence.standing import Demands, Place, standing_of
from readiness.outcomes import Phase
from readiness.runbook.lines import Line, Runbook
from tests.plugin.project import Project, line

NOW = datetime.now(UTC)
PAST, SOON, LATER = ((NOW + timedelta(days=days)).date() for days in (-2, 10, 20))
SOON_AT = datetime(SOON.year, SOON.month, SOON.day, tzinfo=UTC)


def dated(value: object, begins: object = SOON, **until_then: object) -> dict[str, Any]:
    return {"share_below": {"value": value, "from": str(begins), **until_then}}


TIGHTER, LOOSER = dated(0.6, until_then=0.7), dated(0.8, until_then=0.7)
RUNS: list[tuple[str, dict[str, Any], float, tuple[str, ...], int, bool]] = [
    # The limit; what is measured; pytest's options; the exit; whether the line will fail.
    ("kept now and then", TIGHTER, 0.5, (), 0, False),
    ("kept until then", TIGHTER, 0.65, (), 0, True),
    ("not kept now", TIGHTER, 0.75, (), 1, False),
    ("binding since", dated(0.6, PAST, until_then=0.7), 0.65, (), 1, False),
    ("looser then", LOOSER, 0.75, (), 1, False),
    ("looser then, and kept", LOOSER, 0.65, (), 0, False),
    ("the check's own until then", dated(0.6), 0.65, (), 0, True),
    ("the check's own since", dated(0.6, PAST), 0.5, (), 0, False),
    ("kept until then, by a worker", TIGHTER, 0.65, ("-n", "1"), 0, True),
    ("as of a moment after it", TIGHTER, 0.65, (f"--as-of={LATER}T00:00:00Z",), 1, False),
]


def project_with(folder: Path, limits: object, figure: float = 0.5) -> Project:
    made = Project(folder)
    made.runbook(line("one", {"demo.figure": limits}), line("two", "demo.quick"))
    made.write("figure.txt", str(figure))
    return made


@pytest.mark.parametrize(
    ("limits", "figure", "options", "code", "will_fail"), [row[1:] for row in RUNS], ids=[row[0] for row in RUNS]
)
def test_it_is_told_before_it_fails(
    limits: object, figure: float, options: tuple[str, ...], code: int, *, will_fail: bool, tmp_path: Path
) -> None:
    ran = project_with(tmp_path, limits, figure).preflight(*options)
    assert ran.exit == code, ran.out
    says = f"from {SOON} on figure: {figure}, allowed < 0.6: this line will then fail"
    assert (says in " ".join(ran.out.split())) is will_fail

    (folder,) = (tmp_path / "reports/tiny").glob("2*-preflight*")
    for name in ("summary.md", "report.html", "junit.xml", "ctrf.json"):
        assert ("this line will then fail" in (folder / name).read_text("utf-8")) is will_fail, name
    recorded = read_run(folder)
    is_ended = will_fail and code == 0
    assert recorded.finish
    assert recorded.finish.holds_until == (SOON_AT if is_ended else None)
    assert judge(recorded).refuted == ()


LOOKED_BY: list[tuple[str, dict[str, float], tuple[str, ...], int, bool]] = [
    # The figures by name, of which "a" is looked at until then and "b" from then on; options; the exit; what is told.
    ("kept now and then", {"a": 0.5, "b": 0.5}, (), 0, False),
    ("kept until then", {"a": 0.5, "b": 2}, (), 0, True),
    ("kept until then, by a worker", {"a": 0.5, "b": 2}, ("-n", "1"), 0, True),
    ("not kept now", {"a": 2, "b": 0.5}, (), 1, False),
    ("as of a moment after it", {"a": 0.5, "b": 2}, (f"--as-of={LATER}T00:00:00Z",), 1, False),
]


@pytest.mark.parametrize(
    ("figures", "options", "code", "will_fail"), [row[1:] for row in LOOKED_BY], ids=[row[0] for row in LOOKED_BY]
)
def test_what_is_looked_by_is_looked_by_once_more(
    figures: dict[str, float], options: tuple[str, ...], code: int, *, will_fail: bool, tmp_path: Path
) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", {"demo.named": {"name": {"value": "b", "from": str(SOON), "until_then": "a"}}}))
    project.write("figures.json", json.dumps(figures))
    ran = project.preflight(*options)
    assert ran.exit == code, ran.out
    assert (f"from {SOON} on figure of b: 2" in " ".join(ran.out.split())) is will_fail

    (folder,) = (tmp_path / "reports/tiny").glob("2*-preflight*")
    recorded = read_run(folder)
    assert recorded.finish
    assert recorded.finish.holds_until == (SOON_AT if will_fail else None)
    assert judge(recorded).refuted == ()

    assert ran.looked == (["figure_of b"] if "--as-of" in str(options) else ["figure_of a", "figure_of b"])

    again = project.preflight("--replay", folder.name)
    assert (f"from {SOON} on figure of b: 2" in " ".join(again.out.split())) is will_fail
    assert again.looked == []


def test_the_plan_says_from_when(tmp_path: Path) -> None:
    out = project_with(tmp_path, TIGHTER).preflight("--collect-only").out
    assert "by the line share_below 0.7" in out
    assert f"from {SOON} on by the line share_below 0.6" in out


STANDS: list[tuple[str, float, object, datetime, Reason, str]] = [
    # What is measured under TIGHTER; the limits that are stated today; the moment; the reason and what is told.
    ("at once", 0.65, TIGHTER, NOW, Reason.GOOD, ""),
    ("the second before", 0.65, TIGHTER, SOON_AT - timedelta(seconds=1), Reason.GOOD, ""),
    ("from then on", 0.65, TIGHTER, SOON_AT, Reason.TOO_OLD, "GO held until"),
    ("kept from then on", 0.5, TIGHTER, SOON_AT, Reason.GOOD, ""),
    ("binding today instead", 0.5, {"share_below": 0.6}, NOW, Reason.NOT_TODAY, "share_below 0.7 -> 0.6"),
    (
        "never binding",
        0.5,
        {"share_below": 0.7},
        NOW,
        Reason.GOOD,
        "stated since: book/one: demo.figure.share",
    ),
    ("never binding, then", 0.5, {"share_below": 0.7}, SOON_AT, Reason.NOT_TODAY, "share_below 0.6 -> 0.7"),
    ("later", 0.5, dated(0.6, LATER, until_then=0.7), NOW, Reason.GOOD, f"0.6 -> 0.7 from {SOON}"),
    ("tighter then", 0.5, dated(0.4, until_then=0.7), NOW, Reason.GOOD, f"0.6 -> 0.4 from {SOON}"),
    ("tighter, then", 0.5, dated(0.4, until_then=0.7), SOON_AT, Reason.NOT_TODAY, "share_below 0.6 -> 0.4"),
    ("looser until then", 0.5, dated(0.6, until_then=0.75), NOW, Reason.NOT_TODAY, "share_below 0.7 -> 0.75"),
]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Mapping[float, Project]:
    """Give a project for each figure, judged under the limit that becomes tighter."""
    made = {figure: project_with(tmp_path_factory.mktemp("judged"), TIGHTER, figure) for figure in (0.5, 0.65)}
    assert [project.preflight().exit for project in made.values()] == [0, 0]
    return made


@pytest.mark.parametrize(
    ("figure", "today", "moment", "reason", "sentence"), [row[1:] for row in STANDS], ids=[row[0] for row in STANDS]
)
def test_what_binds_now_is_what_counts(
    figure: float, today: object, moment: datetime, reason: Reason, sentence: str, judged: Mapping[float, Project]
) -> None:
    project = judged[figure]
    project.runbook(line("one", {"demo.figure": today}), line("two", "demo.quick"))
    place = Place("tiny", project.folder / "reports", project.folder / "environments")
    moment = max(moment, datetime.now(UTC))
    demands = Demands(now=moment, newer_than=timedelta(days=90))
    standing = standing_of(place, Phase.PREFLIGHT, {}, demands)
    assert standing.examined
    notes = standing.examined.audit.notes
    assert standing.reason is reason, standing.why
    assert sentence in "; ".join([*standing.why, *notes])


def plan_of(limits: object, moment: datetime = NOW) -> Plan:
    stated = {"runbook": "book", "title": "b", "lines": [line("one", {"demo.figure": limits})]}
    book = Runbook.model_validate(stated).at(moment)
    return Plan.model_validate({"lines": planned_lines([book], Phase.PREFLIGHT), "items": []})


CHANGED: list[tuple[object, object, list[str], bool]] = [
    # The limits before and now; what changed; whether that is looser.
    (TIGHTER, TIGHTER, [], False),
    ({"share_below": 0.7}, TIGHTER, [f"0.7 -> 0.6 from {SOON}"], False),
    (TIGHTER, {"share_below": 0.7}, [f"0.6 -> 0.7 from {SOON}"], True),
    ({"share_below": 0.7}, LOOSER, [f"0.7 -> 0.8 from {SOON}"], True),
    ({"share_below": 0.6}, TIGHTER, ["0.6 -> 0.7"], True),
    (TIGHTER, dated(0.6, LATER, until_then=0.7), [f"0.6 -> 0.7 from {SOON}"], True),
    (TIGHTER, dated(0.5, until_then=0.7), [f"0.6 -> 0.5 from {SOON}"], False),
    ({"share_below": 0.7}, {"share_below": 0.6}, ["0.7 -> 0.6"], False),
]


@pytest.mark.parametrize(("before", "now", "says", "is_looser"), CHANGED)
def test_nothing_is_looser_by_a_date_in_silence(
    before: object, now: object, says: list[str], *, is_looser: bool
) -> None:
    told = [str(change) for change in changes(plan_of(before), plan_of(now))]
    assert told == [f"book/one: demo.figure.share_below {change}" for change in says]
    assert bool(list(loosened(plan_of(before), plan_of(now)))) is is_looser


def test_a_plan_without_dates_is_written_as_ever() -> None:
    assert "ahead" not in planned_lines([Runbook.model_validate(BARE).at(NOW)], Phase.PREFLIGHT)[0]


BARE = {"runbook": "book", "title": "b", "lines": [line("one", {"demo.figure": {"share_below": 0.7}})]}
REFUSED: list[tuple[dict[str, Any], str]] = [
    # A limit; what is said of it.
    ({"value": 0.6, "until_then": 0.7}, "share_below: from is missing: write {value: 0.6, from: 2026-12-15"),
    ({"from": "2026-12-15"}, "share_below: value is missing"),
    ({"value": 0.6, "from": "2026-12-15", "until": 0.7}, "'until' is not known; did you mean 'until_then'?"),
    ({"value": 0.6, "from": "15.12.2026"}, "share_below: from: '15.12.2026' is not a date such as 2026-12-01"),
    ({"value": 0.6, "from": "2026-02-30"}, "is not a day of the calendar"),
    ({"value": 0.6, "from": "2026-12-15T09:00:00Z"}, "is not a date such as"),
    ({"value": 0.6, "from": "2026-12-15", "until_then": 0.6}, "it is the same until then; leave the date out"),
]


@pytest.mark.parametrize(("limit", "sentence"), REFUSED)
def test_a_date_that_is_none_is_refused(limit: object, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Line.model_validate(line("one", {"demo.figure": {"share_below": limit}}))
    assert sentence in str(refused.value)


UNFIT: list[tuple[dict[str, Any], str]] = [
    # What decides a line; what the run says before it looks.
    ({"demo.figure": dated("much")}, f"from {SOON}: runbook book: line one: demo.figure: limit 'share_below'"),
    ({"demo.figure": {"share": {"value": 1, "from": str(SOON)}}}, "limit 'share' is not known"),
    (
        {"demo.sent": {"words": {"value": "b", "from": str(SOON), "until_then": "a"}}},
        f"runbook book: line one: demo.sent: words from {SOON}: the observation sent does something by it (write)",
    ),
]
SENT = """

@observation(effect=Effect.WRITE)
def sent(words: str) -> float:
    leave("looked.txt", words)
    return 1.0
"""
SENT_CHECK = """

class Words(Limits):
    words: str


@pytest.mark.preflight
@pytest.mark.effect("write")
def test_sent(sent: float, limits: Words, measure: Measure) -> None:
    \"\"\"It was sent.

    Remedy: none.
    \"\"\"
    measure(sent, "sent").at_least(1)
"""


@pytest.mark.parametrize(("decided_by", "sentence"), UNFIT)
def test_what_does_not_fit_is_refused_before_its_day(decided_by: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    project = Project(tmp_path)
    for name, more in (("conftest.py", SENT), ("checks/test_demo.py", SENT_CHECK)):
        project.write(name, (tmp_path / name).read_text() + more)
    project.runbook(line("one", decided_by))
    ran = project.preflight()
    assert ran.exit == 4
    assert sentence in " ".join(ran.out.split())
    assert ran.looked == []


PLANNED = PlannedAhead(begins=SOON_AT, limits={"share_below": 0.6})
SEEN = RecordedMeasurement(name="figure", value=0.65, comparator="below", limit=0.6, unit="", ok=False)
FORGED: list[tuple[tuple[RecordedAhead, ...], bool, bool]] = [
    # What a result says of it; whether its check judged; whether that is contradicted.
    ((RecordedAhead(begins=SOON_AT, limits={"share_below": 0.6}, measurements=(SEEN,)),), True, False),
    ((), True, True),
    ((), False, False),
    ((RecordedAhead(begins=SOON_AT, limits={"share_below": 0.9}, measurements=(SEEN,)),), True, True),
    ((RecordedAhead(begins=NOW, limits={"share_below": 0.6}, measurements=(SEEN,)),), True, True),
    (
        (RecordedAhead(begins=SOON_AT, limits=PLANNED.limits, measurements=(SEEN.model_copy(update={"ok": True}),)),),
        True,
        True,
    ),
]


@pytest.mark.parametrize(("recorded", "is_judged", "is_contradicted"), FORGED)
def test_what_is_told_of_a_later_day_is_derived_again(
    recorded: tuple[RecordedAhead, ...], *, is_judged: bool, is_contradicted: bool
) -> None:
    assert bool(list(contradicted([PLANNED], recorded, is_judged=is_judged))) is is_contradicted


def test_what_measures_nothing_under_a_later_limit_will_fail() -> None:
    assert RecordedAhead(begins=SOON_AT, limits={"share_below": 0.6}).will_fail
    assert yaml.safe_load("{value: 0.6, from: 2026-12-15}")["from"]
