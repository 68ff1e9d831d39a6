"""A runbook is read strictly; its lines become the decisions that a phase needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.errors import BadRunbook
from readiness.outcomes import Phase
from readiness.runbook.limits import Limits, Share
from readiness.runbook.lines import limits_of, load, locate

GOOD = """\
runbook: tiny
title: A tiny one
lines:
  - id: pool
    ref: '1'
    says: the pool is free
    phase: [preflight]
    due: T-1h
    gate: blocker
    decided_by:
      database.pool_headroom: {share_below: 0.8}
  - id: jobs
    ref: '2'
    says: the jobs are scheduled
    phase: [preflight, postlaunch]
    gate: warning
    decided_by:
      workers.cron_scheduled: {each: {job: [one, two]}}
"""


class Headroom(Limits):
    share_below: Share = 0.5


def write(folder: Path, text: str) -> Path:
    path = folder / "tiny.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_line_that_names_several_things_needs_a_decision_for_each(tmp_path: Path) -> None:
    found = load(write(tmp_path, GOOD))
    assert [item.local_id for item in found.items(Phase.PREFLIGHT)] == ["pool", "jobs:one", "jobs:two"]
    assert [item.limits for item in found.items(Phase.POSTLAUNCH)] == [{"job": "one"}, {"job": "two"}]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("gate: blocker", "gate: bloker", "tiny.yaml:9: lines.0.gate: 'bloker' is not known; did you mean 'blocker'?"),
        ("[preflight]", "[preflihgt]", "'preflihgt' is not known; did you mean 'preflight'?"),
        ("due: T-1h", "due: 1h before", "'1h before' is not a time relative to launch such as T-7d"),
        ("id: jobs", "id: pool", "line ids stand twice: pool"),
        ("id: jobs", "id: Jobs", "'Jobs' must be lower-case letters"),
        ("says: the pool is free", "sais: the pool is free", "key 'sais' is not known; did you mean 'says'?"),
        ("database.pool_headroom:", "pool headroom:", "is not a check id such as database.pool_headroom"),
        ("{job: [one, two]}", "[one]", "each names one key and a list"),
        ("{job: [one, two]}", "{job: []}", "each names one key and a list"),
    ],
)
def test_each_mistake_has_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(BadRunbook) as found:
        load(write(tmp_path, GOOD.replace(old, new)))
    assert any(told in line for line in found.value.problems), found.value.problems


def test_limits_are_typed(tmp_path: Path) -> None:
    item = next(load(write(tmp_path, GOOD)).items())
    assert limits_of(item, Headroom) == Headroom(share_below=0.8)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ("{share_belov: 0.8}", "limit 'share_belov' is not known; did you mean 'share_below'?"),
        ("{share_below: many}", "limit 'share_below': a number is wanted"),
        ("{share_below: .nan}", "limit 'share_below': a finite number is wanted"),
        ("{share_below: 5}", "limit 'share_below': a share is 0 to 1, not 5: for 5 % write 0.05"),
        ("{share_below: 101}", "limit 'share_below': a share is 0 to 1, not 101"),
        ("{share_below: -0.1}", "limit 'share_below': a share is 0 to 1, not -0.1"),
    ],
)
def test_a_wrong_limit_names_the_line(tmp_path: Path, limits: str, told: str) -> None:
    item = next(load(write(tmp_path, GOOD.replace("{share_below: 0.8}", limits))).items())
    with pytest.raises(BadRunbook, match=r"runbook tiny: line pool: database\.pool_headroom") as found:
        limits_of(item, Headroom)
    assert told in str(found.value)


def test_a_threshold_of_a_share_is_a_share(tmp_path: Path) -> None:
    class Queue(Limits):
        share_below: Share = 0.5
        rows_below: int = 100

    ladder = "    ladder: {page: failed, rollback: 20}\n    decided_by:\n      database"
    text = GOOD.replace("[preflight]", "[postlaunch]").replace("    decided_by:\n      database", ladder)
    item = next(load(write(tmp_path, text)).items())
    assert limits_of(item, Queue).model_fields_set == {"share_below"}
    with pytest.raises(BadRunbook) as found:
        limits_of(item, Headroom)
    (told,) = found.value.problems
    assert told.endswith(
        "line pool: database.pool_headroom: ladder: rollback: a share is 0 to 1, not 20: for 20 % write 0.2"
    )


def test_an_unknown_runbook_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(BadRunbook, match="did you mean 'umbrella'"):
        locate("umbrela", tmp_path)
