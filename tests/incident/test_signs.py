"""What stands beside a decision: no plain CONTINUE where something asks for more, no two answers without a reason."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.incident.facts import FACTS, MINUTES_TO_FIX, VERDICT, read_fact
from readiness.incident.found import Fact, Found, Missing
from readiness.incident.signs import health_paths
from readiness.incident.walk import Choice, Condition, IncidentWalk, Move, WalkStep, Window
from readiness.incident.walked import fill


def walk(do: Move) -> IncidentWalk:
    step = WalkStep(says="look")
    return IncidentWalk(
        source="here",
        walk=(
            Window(minutes="0-5", steps=(step,), decide=(Choice(do=do, says="so"),)),
            Window(
                minutes="15-30",
                steps=(step,),
                decide=(
                    Choice(do=Move.FIX, says="quick", when=(Condition(fact=MINUTES_TO_FIX, under=60),)),
                    Choice(do=Move.ROLL_BACK, says="unknown", when=(Condition(fact=MINUTES_TO_FIX, unknown=True),)),
                ),
            ),
        ),
    )


def verdict(word: str) -> Fact:
    return Found(f"{word}, by postlaunch", words=(word,))


OK, NONE = verdict("OK"), Found("none, no run of this target lies here")
UP = read_fact(FACTS["health"], {"status": 200, "seconds": 0.1})
DOWN = read_fact(FACTS["health"], {"status": {"refused": "connection refused"}, "seconds": {"refused": "x"}})
UNWELL = read_fact(FACTS["health"], {"status": 503, "seconds": 0.1})
UNSEEN = Missing("the host is not allowed", "add it")
NOT_ASKED = Missing("this run did not look at it", "look", was_asked=False)

BESIDE = [
    # what is decided, the newest verdict, the health endpoint, what is not ruled out
    (Move.CONTINUE, OK, UP, []),
    (Move.CONTINUE, NONE, UP, []),
    (Move.CONTINUE, verdict("ALERT"), UP, []),
    (Move.CONTINUE, NONE, NOT_ASKED, []),
    (Move.CONTINUE, NONE, DOWN, ["the health answer (/up): connection refused"]),
    (Move.CONTINUE, NONE, UNWELL, ["the health answer (/up): 503 after 0.1 s"]),
    (Move.CONTINUE, NONE, UNSEEN, ["the health answer (/up): unknown: the host is not allowed; add it"]),
    (Move.CONTINUE, verdict("PAGE"), UP, ["the newest verdict: PAGE, by postlaunch"]),
    (Move.CONTINUE, verdict("PAUSE"), UP, ["the newest verdict: PAUSE, by postlaunch"]),
    (Move.CONTINUE, verdict("ROLLBACK"), UP, ["the newest verdict: ROLLBACK, by postlaunch"]),
    (Move.MITIGATE, verdict("PAGE"), DOWN, []),
    (Move.MITIGATE, verdict("PAUSE"), UP, ["the newest verdict: PAUSE, by postlaunch"]),
    (Move.PAUSE, verdict("PAUSE"), DOWN, []),
    (Move.ROLL_BACK, verdict("ROLLBACK"), DOWN, []),
]


@pytest.mark.parametrize(("do", "newest", "health", "graver"), BESIDE)
def test_no_answer_stands_plain_beside_what_asks_for_more(
    do: Move, newest: Fact, health: Fact, graver: list[str]
) -> None:
    decision = fill("r", "t", walk(do), {VERDICT: newest}, health={"/up": health}).windows[0].decision
    assert decision
    assert (decision.do, list(decision.graver)) == (do, graver)


QUICK, NOT_KNOWN = Found("45 minutes", 45), Missing("the cause is not known")
UNSAID = Missing("nobody has said how long", "--fix 45m, or --fix unknown", was_asked=False)
TOGETHER = [
    # what minute 5 says, how long the fix takes, what minute 30 says, and how they go together
    (Move.CONTINUE, QUICK, Move.FIX, ""),
    (Move.CONTINUE, NOT_KNOWN, Move.ROLL_BACK, "minute 5 says CONTINUE by the facts of now"),
    (Move.CONTINUE, UNSAID, None, ""),
    (Move.PAUSE, NOT_KNOWN, Move.ROLL_BACK, "minute 5 says PAUSE by the facts of now"),
    (Move.PAUSE, QUICK, Move.FIX, "minute 5 says PAUSE, and that stands"),
    (Move.ROLL_BACK, QUICK, Move.FIX, "minute 5 says ROLL BACK, and that stands"),
    (Move.ROLL_BACK, NOT_KNOWN, Move.ROLL_BACK, ""),
]


@pytest.mark.parametrize(("first", "minutes", "move", "together"), TOGETHER)
def test_two_answers_that_differ_say_why(first: Move, minutes: Fact, move: Move | None, together: str) -> None:
    decision = fill("r", "t", walk(first), {MINUTES_TO_FIX: minutes}).windows[1].decision
    assert decision
    assert decision.do is move
    assert decision.beside.startswith(together)
    assert bool(decision.beside) is bool(together)


def test_behind_an_open_point_it_says_so() -> None:
    steps = walk(Move.CONTINUE)
    first = Choice(do=Move.ROLL_BACK, says="lost", when=(Condition(fact="lost_rows", reaches=1),))
    opened = steps.model_copy(update={"walk": (steps.walk[0].model_copy(update={"decide": (first,)}), steps.walk[1])})
    decision = fill("r", "t", opened, {"lost_rows": Missing("away"), MINUTES_TO_FIX: QUICK}).windows[1].decision
    assert decision
    assert (decision.do, decision.beside) == (Move.FIX, "minute 5 is OPEN: look there first")


def test_the_health_endpoints_are_those_that_the_lines_name() -> None:
    lines: list[dict[str, dict[str, Any]]] = [
        {"health.live": {"path": "/up"}, "database.reachable": {"path": "/no"}},
        {"health.ready": {"path": "/ready"}},
        {"health.live": {"path": "/up", "more": 1}},
        {"health.live": {}},
        {"health.ready": {"path": ["/a"]}},
    ]
    assert health_paths(lines) == ["/up", "/ready"]
