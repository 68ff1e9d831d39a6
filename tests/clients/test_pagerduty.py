"""The client against the sandbox's PagerDuty, and what is made of shifts as people plan them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from readiness.observations.escalation import escalation_path
from readiness.observations.on_call import OnCallLimits, PrimaryOnCallLimits
from readiness.observations.team import primary_on_call, secondary_on_call, standby, team_contacts
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import Secret
from readiness.sandbox.vendors.pagerduty import ADA, EDSGER, GRACE, MAIN, SECURITY, USERS, PagerDuty, Shift, shifts
from readiness.sandbox.web import Web
from readiness.sources.table import Clients
from tests.clients.conftest import Make
from tests.clients.servers import Server, document

LAUNCH = datetime(2026, 12, 1, 9, tzinfo=UTC)
FIRST = PrimaryOnCallLimits(1, 24, "launch", ())
NEXT = OnCallLimits(1, 24, "launch")


def person(name: str, contact: str = "+49 30 23125 199") -> dict[str, Any]:
    return {"name": name, "contact": contact, "verified": "2026-11-30"}


ROLES = {"primary on-call": person("Ada Lovelace"), "secondary on-call": person("Grace Hopper")}
PATH = ({"role": "primary on-call", "minutes": 15}, {"role": "secondary on-call", "minutes": 30})


@pytest.fixture
def server() -> PagerDuty:
    return PagerDuty(shifts(LAUNCH + timedelta(hours=3)))


@pytest.fixture
def section(server: PagerDuty) -> Iterator[dict[str, Any]]:
    web = Web(server.application())
    yield {"url": web.url, "token": Secret(server.token), "escalation_policy": MAIN}
    web.stop()


@pytest.fixture
def clients(make: Make, section: dict[str, Any]) -> Clients:
    return make(systems=False, pagerduty=section)


def hours(begin: float, end: float, user: str, level: int = 1) -> Shift:
    return Shift(level, user, LAUNCH + timedelta(hours=begin), LAUNCH + timedelta(hours=end))


def gaps(clients: Clients) -> list[str]:
    return primary_on_call(clients.pagerduty, clients.roster, LAUNCH, LAUNCH, FIRST).gaps


def test_all_pages_are_read(clients: Clients, server: PagerDuty) -> None:
    server.per_page = 1
    assert [row.level for row in clients.pagerduty.on_calls(LAUNCH, LAUNCH + timedelta(days=1))] == [1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ([hours(-1, 24, ADA)], []),
        ([Shift(1, EDSGER)], []),
        ([hours(-9, 3, ADA), hours(3, 30, GRACE)], []),
        ([hours(-9, 9, ADA), hours(3, 30, GRACE)], []),
        ([hours(3, 30, GRACE), hours(-9, 3, ADA)], []),
        ([hours(-9, 3, ADA), hours(3.5, 30, GRACE)], ["2026-12-01 12:00 to 2026-12-01 12:30Z"]),
        ([hours(0, 24, ADA)], ["2026-12-01 08:00 to 2026-12-01 09:00Z"]),
        ([hours(-1, 23, ADA)], ["2026-12-02 08:00 to 2026-12-02 09:00Z"]),
        ([], ["2026-12-01 08:00 to 2026-12-02 09:00Z"]),
        ([hours(-1, 24, ADA, level=2)], ["2026-12-01 08:00 to 2026-12-02 09:00Z"]),
    ],
)
def test_a_gap_is_found_wherever_it_lies(
    clients: Clients, server: PagerDuty, plan: list[Shift], told: list[str]
) -> None:
    server.shifts = plan
    assert gaps(clients) == told


NOW_ON = replace(FIRST, window="now")


@pytest.mark.parametrize(
    ("launch", "begins", "ends"),
    [
        # Hours between the launch and now; the hours from now that are asked about.
        (0, 0, 24),
        (-4000, 0, 24),
        (None, 0, 24),
        (30, 29, 54),
        (0.5, 0, 24.5),
        (1, 0, 25),
        (-1, 0, 24),
    ],
)
def test_now_is_asked_after_and_the_launch_while_it_is_ahead(launch: float | None, begins: float, ends: float) -> None:
    launch_at = None if launch is None else LAUNCH + timedelta(hours=launch)
    expected = (LAUNCH + timedelta(hours=begins), LAUNCH + timedelta(hours=ends))
    assert NOW_ON.span(launch_at, LAUNCH) == expected


def test_a_turn_of_another_day_names_nobody(make: Make, section: dict[str, Any], server: PagerDuty) -> None:
    clients = make(systems=False, pagerduty=section, team={"roles": ROLES})
    over, now, later = Shift(1, EDSGER, None, LAUNCH), hours(-9, 9, ADA), hours(9, 40, GRACE)

    def found() -> tuple[list[str], list[str], list[str]]:
        level = primary_on_call(clients.pagerduty, clients.roster, LAUNCH, LAUNCH - timedelta(days=99), NOW_ON)
        return level.people, level.gaps, level.contradictions

    server.shifts = [over, now, later]
    assert found() == (["Ada Lovelace", "Grace Hopper"], [], [])
    server.shifts = [over, hours(-9, 8.5, ADA), later]
    assert found()[1] == ["2026-12-01 17:30 to 2026-12-01 18:00Z"]
    server.shifts = [over, hours(30, 40, GRACE)]
    people, gaps, contradictions = found()
    assert (people, contradictions) == ([], [])
    assert gaps == ["2026-12-01 09:00 to 2026-12-02 09:00Z"]
    server.shifts = [over, hours(0, 99, GRACE)]
    assert found()[2] == ["the roster has Ada Lovelace, PagerDuty pages Grace Hopper"]


@pytest.mark.parametrize("night", ["2027-03-28T00:30:00+01:00", "2027-10-31T00:30:00+02:00"])
def test_a_night_in_which_the_clocks_change_has_no_gap_and_no_hour_less(make: Make, night: str) -> None:
    begin = datetime.fromisoformat(night)
    shift = {"escalation_level": 1}  # the handover is one instant, written in two zones
    rows = [
        {**shift, "user": {"id": "P1", "summary": "Ada"}, "start": None, "end": "2027-03-28T03:00:00+02:00"},
        {**shift, "user": {"id": "P2", "summary": "Bo"}, "start": "2027-03-28T01:00:00Z", "end": None},
    ]
    with Server(document({"oncalls": rows, "more": False})) as server:
        clients = make(systems=False, pagerduty={"url": server.url, "token": Secret("u+1"), "escalation_policy": MAIN})
        found = primary_on_call(clients.pagerduty, clients.roster, begin, None, NOW_ON)
    assert found.gaps == []


def test_without_a_launch_time_now_is_decided_and_the_launch_is_not(clients: Clients, server: PagerDuty) -> None:
    server.shifts = [Shift(1, ADA), Shift(2, GRACE)]
    assert primary_on_call(clients.pagerduty, clients.roster, LAUNCH, None, NOW_ON).gaps == []
    assert secondary_on_call(clients.pagerduty, clients.roster, LAUNCH, None, replace(NEXT, window="now")).shared == []
    with pytest.raises(NotConfigured, match="set launch_at"):
        primary_on_call(clients.pagerduty, clients.roster, LAUNCH, None, FIRST)


def test_another_time_zone_makes_no_gap(clients: Clients, server: PagerDuty) -> None:
    eastern = datetime.fromisoformat("2026-12-01T04:00:00-05:00")
    server.shifts = [Shift(1, ADA, LAUNCH - timedelta(days=1), eastern), Shift(1, GRACE, eastern, None)]
    assert gaps(clients) == []


def test_the_second_level_is_somebody_else(clients: Clients, server: PagerDuty) -> None:
    def shared(*plan: Shift) -> list[str]:
        server.shifts = list(plan)
        return secondary_on_call(clients.pagerduty, clients.roster, LAUNCH, LAUNCH, NEXT).shared

    assert shared(Shift(1, ADA), Shift(2, GRACE)) == []
    assert shared(Shift(1, ADA), Shift(2, ADA), Shift(2, GRACE)) == []
    assert shared(Shift(1, ADA), Shift(2, GRACE), hours(2, 3, ADA, 2)) == []
    assert shared(Shift(1, ADA), hours(-1, 2, GRACE, 2), hours(2, 24, ADA, 2)) == [
        "Ada Lovelace 2026-12-01 11:00 to 2026-12-02 09:00Z"
    ]


def test_the_roster_and_pagerduty_are_held_beside_each_other(make: Make, section: dict[str, Any]) -> None:
    def told(name: str) -> list[str]:
        roles = {**ROLES, "primary on-call": person(name)}
        clients = make(systems=False, pagerduty=section, team={"roles": roles})
        return primary_on_call(clients.pagerduty, clients.roster, LAUNCH, LAUNCH, FIRST).contradictions

    assert told("ada  lovelace") == []
    assert told("Grace Hopper") == []  # her turn comes within the launch
    assert told("Alan Turing") == ["the roster has Alan Turing, PagerDuty pages Ada Lovelace, Grace Hopper"]


def test_the_roster_alone_decides_where_there_is_no_pagerduty(make: Make) -> None:
    clients = make(systems=False, team={"roles": ROLES, "escalation": PATH})
    found = secondary_on_call(clients.pagerduty, clients.roster, LAUNCH, LAUNCH, NEXT)
    assert (found.people, found.gaps, found.shared, found.wrong) == (["Grace Hopper"], [], [], [])
    assert escalation_path(clients.pagerduty, clients.roster, (15, 30), {}).late == []
    alone = make(systems=False, team={"roles": {**ROLES, "secondary on-call": person("Ada Lovelace")}})
    assert secondary_on_call(alone.pagerduty, alone.roster, LAUNCH, LAUNCH, NEXT).shared == ["Ada Lovelace"]
    bare = make(systems=False, team={"roles": {}})
    assert primary_on_call(bare.pagerduty, bare.roster, LAUNCH, LAUNCH, FIRST).wrong == [
        "nobody is on record as primary on-call"
    ]
    assert escalation_path(bare.pagerduty, bare.roster, (), {}).levels == 0


def test_without_any_source_it_is_not_configured(make: Make) -> None:
    clients = make(systems=False)
    with pytest.raises(NotConfigured, match="nothing says who is on call"):
        primary_on_call(clients.pagerduty, clients.roster, LAUNCH, LAUNCH, FIRST)
    with pytest.raises(NotConfigured, match="nothing says who is on call"):
        secondary_on_call(clients.pagerduty, clients.roster, LAUNCH, LAUNCH, NEXT)
    with pytest.raises(NotConfigured, match="asked after whom"):
        escalation_path(clients.pagerduty, clients.roster, (), {})
    with pytest.raises(NotConfigured, match="no PagerDuty"):
        standby(clients.pagerduty, LAUNCH)


def test_who_has_nobody_to_stand_in_is_named(make: Make, section: dict[str, Any]) -> None:
    roles = {
        "primary on-call": {**person("Ada Lovelace"), "backup": "Grace Hopper"},
        "secondary on-call": {**person("Grace Hopper"), "backup": "grace hopper"},
        "engineering lead": {**person("Edsger Dijkstra"), "backup": "TBD"},
    }
    clients = make(systems=False, pagerduty=section, team={"roles": roles})
    asked = (*roles, "scribe")
    assert primary_on_call(
        clients.pagerduty, clients.roster, LAUNCH, LAUNCH, replace(FIRST, backed_up=asked)
    ).wrong == [
        "secondary on-call: nobody stands in",
        "engineering lead: nobody stands in",
        "nobody is on record as scribe",
    ]
    unnamed = make(systems=False, pagerduty=section)
    with pytest.raises(NotConfigured, match="no team"):
        primary_on_call(unnamed.pagerduty, unnamed.roster, LAUNCH, LAUNCH, replace(FIRST, backed_up=asked))


def test_the_levels_of_the_escalation(clients: Clients, server: PagerDuty) -> None:
    def told(*minutes: float) -> tuple[int, list[str]]:
        found = escalation_path(clients.pagerduty, clients.roster, minutes, {})
        return found.levels, found.late

    assert told(15, 30, 60) == (3, [])
    assert told(15, 29.5) == (3, ["level 2: 30 minutes by PagerDuty, allowed 29.5"])
    server.minutes[MAIN] = [15]
    assert told(15, 30, 60) == (1, [])


def test_a_matrix_is_held_against_roster_and_policies(make: Make, section: dict[str, Any], server: PagerDuty) -> None:
    matters = {"security": {"primary": "primary on-call", "backup": "secondary on-call", "minutes": 5}}
    both = make(
        systems=False,
        pagerduty={**section, "policies": {"security": SECURITY}},
        team={"roles": ROLES, "matters": matters},
    )

    def look(**minutes: float) -> Any:
        return escalation_path(both.pagerduty, both.roster, (), minutes)

    assert look(security=5).levels == 2
    assert look(security=5, payments=30).wrong == ["payments: nobody is named"]
    assert look(security=4).late == [
        "security: 5 minutes by the roster, allowed 4",
        "security: 5 minutes by PagerDuty, allowed 4",
    ]
    server.minutes[SECURITY] = [20, 30]
    assert look(security=30).contradictions == ["security: 5 minutes by the roster, 20 minutes by PagerDuty"]


def test_an_unknown_policy_and_a_key_of_somebody_else_are_unknown(make: Make, section: dict[str, Any]) -> None:
    other = make(systems=False, pagerduty={**section, "escalation_policy": "PNOBODY"})
    with pytest.raises(Unknown, match="404"):
        other.pagerduty.policy("PNOBODY")
    denied = make(systems=False, pagerduty={**section, "token": Secret("u+of-somebody-else")})
    with pytest.raises(Unknown, match="401"):
        denied.pagerduty.contact_methods(ADA)


def test_who_has_mail_only_is_paged_by_nobody(make: Make, section: dict[str, Any], server: PagerDuty) -> None:
    clients = make(systems=False, pagerduty=section, team={"roles": ROLES})
    assert standby(clients.pagerduty, LAUNCH).people == sorted(USERS.values())
    server.mail_only.add(ADA)
    assert standby(clients.pagerduty, LAUNCH).silent == ["level 1"]
    found = team_contacts(clients.roster, clients.pagerduty, LAUNCH, LAUNCH, 90)
    assert "PagerDuty has neither telephone nor app of Ada Lovelace" in found.wrong


def test_no_number_and_no_address_leaves_an_observation(make: Make, section: dict[str, Any], server: PagerDuty) -> None:
    roles = {**ROLES, "executive": person("TBD", "+1-555-0100")}
    clients = make(systems=False, pagerduty=section, team={"roles": roles, "escalation": PATH})
    server.mail_only.add(ADA)
    looks = [
        primary_on_call(clients.pagerduty, clients.roster, LAUNCH, LAUNCH, FIRST),
        standby(clients.pagerduty, LAUNCH),
        team_contacts(clients.roster, clients.pagerduty, LAUNCH, LAUNCH, 90),
        escalation_path(clients.pagerduty, clients.roster, (), {}),
    ]
    text = repr(looks)
    assert not [word for word in ("23125", "555-0100", "shop.invalid", "@") if word in text]
