"""What facts come to: the first answer that holds, never a milder one where a graver could not be looked at."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.incident.assessment import decide, mark
from readiness.incident.facts import FACTS, Wanted, read_fact
from readiness.incident.found import Fact, Found, Missing
from readiness.incident.walk import Choice, Condition, Move, Symptom
from readiness.incident.walked import fill
from readiness.runbook import lines as runbook_lines
from readiness.shipped import RUNBOOKS

WANTED = {
    "errors": Wanted(FACTS["failed_share"], {"of": "requests", "window": "1h"}),
    "lost": Wanted(FACTS["lost_rows"]),
    "p95": Wanted(FACTS["p95"], {"of": "requests", "window": "1h"}),
    "fix": Wanted(FACTS["minutes_to_fix"]),
}
CHOICES = (
    Choice(do=Move.ROLL_BACK, says="rows are lost", when=(Condition(fact="lost", reaches=1),)),
    Choice(do=Move.PAUSE, says="above 10 %", when=(Condition(fact="errors", reaches=0.1, events_at_least=21),)),
    Choice(do=Move.CONTINUE, says="go on"),
)
UNSAID = Missing("nobody has said how long", "--fix 45m, or --fix unknown", was_asked=False)
AWAY = Missing("the database is away", "look at it")
NONE_LOST, SOME_LOST = Found("0", 0), Found("3 uploads", 3)


def share(failed: int, count: int, **more: Any) -> Fact:
    return read_fact(
        FACTS["failed_share"], {"kind": "requests", "window": "1h", "count": count, "part": failed, **more}
    )


DECIDED = [
    # what is lost, the errors, the answer, and what is not ruled out
    (NONE_LOST, share(2, 100), Move.CONTINUE, 0),
    (NONE_LOST, share(9, 100), Move.CONTINUE, 0),
    (NONE_LOST, share(10, 100), Move.PAUSE, 0),
    (NONE_LOST, share(30, 100), Move.PAUSE, 0),
    (SOME_LOST, share(2, 100), Move.ROLL_BACK, 0),
    (SOME_LOST, AWAY, Move.ROLL_BACK, 0),
    # worse is never softer: a pause stands, and the rollback is not ruled out
    (AWAY, share(30, 100), Move.PAUSE, 1),
    # unknown is never an answer
    (AWAY, share(2, 100), None, 1),
    (NONE_LOST, AWAY, None, 1),
    (AWAY, AWAY, None, 2),
    # few events decide only where they are enough for it
    (NONE_LOST, share(1, 1), None, 1),
    (NONE_LOST, share(5, 5), Move.PAUSE, 0),
    (NONE_LOST, share(0, 100, unseen=50), None, 1),
    (NONE_LOST, share(30, 100, unseen=50), Move.PAUSE, 0),
]


@pytest.mark.parametrize(("lost", "errors", "move", "graver"), DECIDED)
def test_the_first_answer_that_holds_is_taken(lost: Fact, errors: Fact, move: Move | None, graver: int) -> None:
    decision = decide(CHOICES, {"lost": lost, "errors": errors}, WANTED)
    assert (decision.do, len(decision.graver)) == (move, graver)


def test_the_answer_says_its_number() -> None:
    decision = decide(CHOICES, {"lost": NONE_LOST, "errors": share(30, 100)}, WANTED)
    assert decision.why == "the share that fails (requests, 1h): 30 of 100 requests in 1h failed: 30 % reaches 10 %"


@pytest.mark.parametrize(
    ("fact", "holds"),
    [
        (Found("fast", 0.2), False),
        (read_fact(FACTS["p95"], {"kind": "r", "window": "1h", "count": 900, "seconds": 2.5}), True),
        (read_fact(FACTS["p95"], {"kind": "r", "window": "1h", "count": 900, "seconds": 2.5, "at_least": True}), True),
        # a lower bound below the limit says nothing
        (read_fact(FACTS["p95"], {"kind": "r", "window": "1h", "count": 900, "seconds": 1.5, "at_least": True}), None),
        # what is refused keeps no limit
        (read_fact(FACTS["p95"], {"kind": "r", "window": "1h", "count": 9, "seconds": 0, "refused": "9 of 9"}), True),
        (Found("no number"), None),
    ],
)
def test_a_number_is_held_against_its_limit(fact: Fact, holds: bool | None) -> None:
    symptom = Symptom(symptom="s", cause="c", fix="f", when=(Condition(fact="p95", reaches=2),))
    (marked,) = mark((symptom,), {"p95": fact}, WANTED)
    assert marked.seen is holds


@pytest.mark.parametrize(
    ("minutes", "move"),
    [
        (Found("45 minutes", 45), Move.FIX),
        (Found("60 minutes", 60), Move.ROLL_BACK),
        # somebody was asked, and does not know
        (Missing("the cause is not known"), Move.ROLL_BACK),
        # nobody was asked yet
        (UNSAID, None),
    ],
)
def test_at_minute_30_the_ingestion_document_asks_how_long_the_fix_takes(minutes: Fact, move: Move) -> None:
    book = runbook_lines.load(RUNBOOKS / "ingestion.yaml")
    assert book.incident
    filled = fill("ingestion", book.title, book.incident, {"minutes_to_fix": minutes})
    decision = filled.windows[-1].decision
    assert decision
    assert decision.do is move


def test_what_nobody_has_said_is_asked_for() -> None:
    decision = decide(
        (Choice(do=Move.FIX, says="s", when=(Condition(fact="fix", under=60),)),), {"fix": UNSAID}, WANTED
    )
    assert (decision.do, decision.says) == (None, "nobody has said how long: --fix 45m, or --fix unknown")
    assert decision.graver == ()


IS_UNKNOWN = [
    # what is known, whether it counts as unknown
    (Found("3 uploads", 3), False),
    (AWAY, True),
    (Missing("this run did not look at it", "look", was_asked=False), None),
    (None, None),
]


@pytest.mark.parametrize(("fact", "holds"), IS_UNKNOWN)
def test_what_nobody_was_asked_is_not_unknown_yet(fact: Fact | None, holds: bool | None) -> None:
    symptom = Symptom(symptom="s", cause="c", fix="f", when=(Condition(fact="lost", unknown=True),))
    (marked,) = mark((symptom,), {"lost": fact} if fact else {}, WANTED)
    assert marked.seen is holds


OF_HEALTH = Wanted(FACTS["health"], {"path": "/up"})
TWO_UNSAID = [
    # Beside a fact that could not be looked at: the graver answer in doubt, as ever.
    (AWAY, UNSAID, None, "look at it by hand"),
    (Found("503", 1), UNSAID, Move.ROLL_BACK, "it is down"),
    (Found("200", 0), UNSAID, None, "nobody has said how long"),
    (Found("200", 0), Found("20 minutes", 20), Move.FIX, "there in time"),
]


@pytest.mark.parametrize(("health", "minutes", "move", "says"), TWO_UNSAID)
def test_what_is_seen_decides_before_anybody_says_how_long(
    health: Fact, minutes: Fact, move: Move | None, says: str
) -> None:
    choices = (
        Choice(
            do=Move.ROLL_BACK,
            says="it is down",
            when=(Condition(fact="up", reaches=1), Condition(fact="fix", reaches=30)),
        ),
        Choice(do=Move.FIX, says="there in time", when=(Condition(fact="fix", under=30),)),
    )
    decision = decide(choices, {"up": health, "fix": minutes}, {**WANTED, "up": OF_HEALTH})
    assert decision.do is move
    assert decision.says.startswith(says)


SYMPTOMS = [
    ("upload_failures", {"by_status": {"failed": 50}}, "all uploads fail"),
    ("upload_failures", {"by_status": {"failed": 49, "completed": 1}}, None),
    ("database", {"seconds": {"refused": "connection refused"}, "rows": {}}, "all uploads fail"),
    ("failing_stages", [{"stage": "parse"}], "parse failures rise"),
    ("failing_stages", [{"stage": "promotion"}], "promotion times out"),
    ("common_error", [{"error": "statement timeout", "n": 3}], "promotion times out"),
    ("open_breakers", ["storage open"], "a circuit breaker is open"),
    ("staged_rows", 10000.0, "the staging backlog grows"),
    ("staged_rows", 9999.0, None),
    ("stuck_uploads", [{"id": "a"}], "uploads stay in processing"),
    ("failing_stages", [{"stage": "sparse"}], None),
    ("common_error", [{"error": "PARSE_ERROR at line 4", "n": 3}], "parse failures rise"),
    ("common_error", [{"error": "ReadTimeoutError('x')", "n": 3}], "promotion times out"),
    ("ingestion_switch", {"position": "false"}, "all uploads fail"),
    ("ingestion_switch", {"position": "true"}, None),
]


@pytest.mark.parametrize(("name", "value", "symptom"), SYMPTOMS)
def test_a_symptom_of_the_ingestion_document_is_marked_by_its_fact(name: str, value: Any, symptom: str | None) -> None:
    book = runbook_lines.load(RUNBOOKS / "ingestion.yaml")
    assert book.incident
    filled = fill("ingestion", book.title, book.incident, {name: read_fact(book.incident.wanted(name).kind, value)})
    seen = [marked.symptom.symptom for marked in filled.symptoms if marked.seen]
    assert seen == ([symptom] if symptom else [])
    # What nobody asked for is not ruled out.
    assert {marked.seen for marked in filled.symptoms} <= {True, None, False}


SWITCHED_OFF = [
    ({"by_status": {"completed": 119, "failed": 1}}, False),
    ({"by_status": {"completed": 8}}, False),
    # one is too few to rule anything out
    ({"by_status": {"completed": 1}}, True),
    ({"by_status": {"failed": 12}}, True),
    # Behind a switch that is off no upload may come to a row: nobody knows a share, and the switch is off.
    ({"by_status": {}}, True),
]


@pytest.mark.parametrize(("uploads", "seen"), SWITCHED_OFF)
def test_all_uploads_do_not_fail_where_some_are_well(uploads: Any, seen: bool) -> None:
    book = runbook_lines.load(RUNBOOKS / "ingestion.yaml")
    assert book.incident
    facts = {
        "ingestion_switch": read_fact(FACTS["switch"], {"position": "false"}),
        "upload_failures": read_fact(FACTS["upload_failures"], uploads),
    }
    (marked,) = [
        one for one in fill("i", "t", book.incident, facts).symptoms if one.symptom.symptom == "all uploads fail"
    ]
    assert marked.seen is seen


def test_a_post_tells_no_channel_why_something_is_not_known() -> None:
    book = runbook_lines.load(RUNBOOKS / "ingestion.yaml")
    assert book.incident
    filled = fill("ingestion", book.title, book.incident, {"red_lines": AWAY})
    assert filled.windows[0].steps[0].post == "investigating not known yet; stand by"


def test_no_more_is_walked_than_is_wanted() -> None:
    book = runbook_lines.load(RUNBOOKS / "ingestion.yaml")
    assert book.incident
    spans = {until: len(fill("i", "t", book.incident, {}, until).windows) for until in (5, 15, 30, None)}
    assert spans == {5: 1, 15: 2, 30: 3, None: 3}


def test_what_is_down_is_told_in_words() -> None:
    fact = read_fact(FACTS["health"], {"status": {"refused": "connection refused"}, "seconds": {"refused": "x"}})
    choices = (Choice(do=Move.ROLL_BACK, says="it is down", when=(Condition(fact="health", reaches=1),)),)
    decision = decide(choices, {"health": fact}, {"health": Wanted(FACTS["health"], {"path": "/up"})})
    assert decision.why == "the health answer (/up): connection refused"
