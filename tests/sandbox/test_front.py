"""The front's history: the past that every sandbox has, what was since, and the page that goes on from it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import pairwise

import httpx
import pytest

from readiness.sandbox import front as fronts
from readiness.sandbox.front import LATELY, Front
from readiness.sandbox.web import Web

LEADS = 'business_events_total{event="lead",result="success",job="front",instance="sandbox"}'
Series = dict[str, list[tuple[float, float]]]


def read(text: Iterable[str]) -> Series:
    """Return the moments and values of each series."""
    found: Series = {}
    for line in "".join(text).splitlines():
        if not line.startswith("#"):
            name, value, moment = line.rsplit(" ", 2)
            found.setdefault(name, []).append((float(moment), float(value)))
    return found


@pytest.fixture
def told() -> tuple[Front, Series, Series]:
    """A front of now, its past, and what was since."""
    front = Front()
    return front, read(fronts.past(front.past_ends)), read(front.history(time.time()))


def test_a_history_goes_on_from_the_past(told: tuple[Front, Series, Series]) -> None:
    _, past, since = told
    assert past.keys() == since.keys()
    for name, points in past.items():
        moments, values = zip(*points, *since[name], strict=True)
        assert list(moments) == sorted(set(moments)), name
        assert "_total" not in name or list(values) == sorted(values), name
        assert max(later - moment for moment, later in pairwise(moments[-200:])) <= 300


def test_what_happens_often_has_happened_as_often(told: tuple[Front, Series, Series]) -> None:
    _, past, since = told
    (began, first), (ended, last) = past[LEADS][0], since[LEADS][-1]
    assert last - first == pytest.approx(0.2 * (ended - began))


def test_the_page_tells_a_past_after_the_present() -> None:
    """Prometheus 3 drops a sample without a stamp that comes after others of its series: the series would end."""
    front = Front()
    front.backfill("told_bytes", [(1.0, 5.0), (2.0, 6.0)], pod="second")
    web = Web(front.application())
    page = httpx.get(f"{web.url}/metrics", trust_env=False).text
    web.stop()
    shown = [line.removeprefix('told_bytes{pod="second"} ') for line in page.splitlines() if "told_bytes" in line]
    assert shown == ["6", "5 1000", "6 2000"]


def test_the_page_goes_on_from_the_history(told: tuple[Front, Series, Series]) -> None:
    front, _, since = told
    web = Web(front.application())
    page = httpx.get(f"{web.url}/metrics", trust_env=False).text
    web.stop()
    shown = dict(line.rsplit(" ", 1) for line in page.splitlines())
    for name, points in since.items():
        alone = name.replace('job="front",instance="sandbox"', "").replace(",}", "}").replace("{}", "")
        if "_total" in name or "_bucket" in name:
            assert float(shown[alone]) == points[-1][1], name


def test_lately_counts_in_the_last_hour_and_not_before() -> None:
    front = Front(lately={"lead": 0.5})
    now = time.time()
    points = read(front.history(now))[LEADS]
    rates = {
        moment: (value - before_value) / (moment - before)
        for (before, before_value), (moment, value) in pairwise(points)
    }
    assert {round(rate, 6) for moment, rate in rates.items() if moment > now - LATELY} == {0.1}
    assert {round(rate, 6) for moment, rate in rates.items() if moment < now - LATELY - 1} <= {0.2}


@pytest.mark.parametrize("moment", [0.0, 0.0004, 0.9996, 59.9999])
def test_no_two_moments_have_one_stamp(moment: float) -> None:
    """Whenever it is written: a moment of the grid may have been just then."""
    front = Front()
    points = read(front.history(front.past_ends + 3 * LATELY + moment))[LEADS]
    moments = [stamp for stamp, _ in points]
    assert moments == sorted(set(moments))


def test_the_past_is_the_same_for_everybody() -> None:
    ends = fronts.end_of_the_past()
    assert list(fronts.past(ends)) == list(fronts.past(ends))
