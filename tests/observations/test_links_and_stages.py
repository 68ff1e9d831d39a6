"""Key links, stages of a roll-out, and maintenance on a status page, in worlds that are not the sandbox's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from readiness.environment.communication import Communication
from readiness.environment.rollout import RolloutNow
from readiness.environment.schema import Environment, Reading
from readiness.observations.flags import stage_audience
from readiness.observations.links import key_link, named_link
from readiness.observations.maintenance import Maintenance, MaintenanceNotice, TimeOfDay, maintenance
from readiness.outcomes import NotConfigured, Unknown
from readiness.runbook.document_facts import RolloutStage
from tests.clients.conftest import Make
from tests.clients.servers import Server, document, packet
from tests.clients.test_status_pages import pages, summary
from tests.observations.test_flags_and_uploads import OF_NO_KNOWN_STATE, SAID_TO_BE_ON

NOW = datetime.now(UTC)
STAGES = {
    "alpha": RolloutStage(means="ourselves", allowlist="internal", share_at_most=0),
    "beta": RolloutStage(means="friends", allowlist="named", share_at_most=0),
    "half": RolloutStage(means="half of all", share_at_most=0.5),
    "all": RolloutStage(means="everybody", share_at_least=1),
}


def judged(make: Make, flag: dict[str, Any], **rollout: Any) -> tuple[str, list[str]]:
    known = Environment.model_construct(internal_workspaces=("ours",), rollout=RolloutNow(**rollout))
    stored = {"new_checkout": {"enabled": False, "allowlist": ["ours"], **flag}}
    with Server(document(stored)) as server:
        readings = make(server.url, readings={"feature_flags": Reading(http=server.url)}).readings
        found = stage_audience(readings, known, STAGES, "shop/a", "new_checkout")
    return found.stage, found.wrong


NAMED = {"beta": ("friend",)}


@pytest.mark.parametrize(
    ("flag", "rollout", "stage", "wrong"),
    [
        ({}, {"stage": "alpha"}, "alpha, ourselves", 0),
        ({"allowlist": ["ours", "theirs"]}, {"stage": "alpha"}, "alpha, ourselves", 1),
        ({"rollout_share": 0.1}, {"stage": "alpha"}, "alpha, ourselves", 1),
        ({"enabled": True}, {"stage": "alpha"}, "alpha, ourselves", 1),
        ({"allowlist": ["friend"]}, {"stage": "beta", "workspaces": NAMED}, "beta, friends", 0),
        ({"allowlist": ["friend"]}, {"stage": "alpha", "workspaces": NAMED}, "alpha, ourselves", 1),
        ({"allowlist": ["friend"]}, {"stage": "beta"}, "beta, friends", 1),
        ({"rollout_share": 0.5, "allowlist": ["anybody"]}, {"stage": "half"}, "half, half of all", 0),
        ({"rollout_share": 0.9}, {"stage": "all"}, "all, everybody", 1),
        ({"enabled": True}, {"stage": "all"}, "all, everybody", 0),
        ({}, {}, "alpha, ourselves (read from the flag)", 0),
        ({"rollout_share": 0.2}, {}, "half, half of all (read from the flag)", 0),
        ({"enabled": True}, {}, "all, everybody (read from the flag)", 0),
        ({"rollout_share": 0.9}, {}, "alpha, ourselves (no stage fits the flag)", 1),
        # It is said to be on for everyone, and alpha lets in nobody else.
        *(({"enabled": word}, {"stage": "alpha"}, "alpha, ourselves", 1) for word in SAID_TO_BE_ON),
        # Wrong whatever the state means.
        ({"enabled": None, "allowlist": ["theirs"]}, {"stage": "alpha"}, "alpha, ourselves", 1),
        ({"enabled": "off", "rollout_share": 0.5}, {"stage": "alpha"}, "alpha, ourselves", 1),
    ],
)
def test_a_flag_is_held_against_the_stage(
    make: Make, flag: dict[str, Any], rollout: dict[str, Any], stage: str, wrong: int
) -> None:
    told, found = judged(make, flag, **rollout)
    assert (told, len(found)) == (stage, wrong)


@pytest.mark.parametrize(
    ("flag", "rollout", "why"),
    [
        ({}, {"stage": "beat"}, "did you mean 'beta'"),
        ({}, {"workspaces": {"betta": ("friend",)}}, "did you mean 'beta'"),
        ({"rollout_share": 50}, {"stage": "half"}, "no share from 0 to 1"),
        ({"allowlist": "ours"}, {"stage": "alpha"}, "the allowlist is no list"),
        ({"rules": ["country is DE"]}, {"stage": "alpha"}, "nobody knows whom that lets in"),
        *(({"enabled": word}, {"stage": "all"}, "neither true nor false") for word in SAID_TO_BE_ON),
        *(({"enabled": word}, {}, "neither true nor false") for word in SAID_TO_BE_ON),
        *(({"enabled": state}, {"stage": "alpha"}, "neither true nor false") for state in OF_NO_KNOWN_STATE),
        *(({"enabled": state}, {}, "neither true nor false") for state in OF_NO_KNOWN_STATE),
    ],
)
def test_a_stage_that_nobody_knows_is_unknown(
    make: Make, flag: dict[str, Any], rollout: dict[str, Any], why: str
) -> None:
    with pytest.raises(Unknown, match=why):
        judged(make, flag, **rollout)


@pytest.mark.parametrize(
    ("status", "broken", "state"),
    [
        (200, False, "answers 200"),
        (302, False, "answers 302"),
        (401, False, "asks who it is"),
        (403, False, "asks who it is"),
        (404, True, "answers 404"),
        (410, True, "answers 410"),
        (500, True, "answers 500"),
    ],
)
def test_a_link_on_an_allowed_host_is_asked(make: Make, status: int, broken: bool, state: str) -> None:
    with Server(lambda _server, connection, _asked: connection.sendall(packet(status, b"here"))) as server:
        known = Environment.model_construct(links={"logs": server.url}, allowed_hosts=("127.0.0.1",))
        found = key_link(make(server.url).http, known, "logs")
    assert (found.asked, found.broken, found.state) == (True, broken, state)


def test_a_link_elsewhere_is_shown_and_not_asked(make: Make) -> None:
    known = Environment.model_construct(
        environment="shop", links={"logs": "https://logs.elsewhere.internal/x"}, allowed_hosts=("127.0.0.1",)
    )
    found = key_link(make(systems=False).http, known, "logs")
    assert (found.asked, found.broken) == (False, False)
    assert found.state == "not asked: logs.elsewhere.internal is not among allowed_hosts"
    with pytest.raises(NotConfigured, match="did you mean logs"):
        named_link(known, "log")


def test_a_link_that_is_asked_too_often_is_unknown(make: Make) -> None:
    with Server(lambda _server, connection, _asked: connection.sendall(packet(429, b"later"))) as server:
        known = Environment.model_construct(links={"logs": server.url}, allowed_hosts=("127.0.0.1",))
        with pytest.raises(Unknown, match="429"):
            key_link(make(server.url).http, known, "logs")


def announced(make: Make, name: str, ahead: float, **dates: Any) -> Maintenance:
    begin = NOW + timedelta(hours=1)
    created = (begin - timedelta(hours=ahead)).isoformat()
    notice = {
        "name": name,
        "status": "scheduled",
        "created_at": created,
        "incident_updates": [{"body": "we move", "created_at": created}],
        "scheduled_for": begin.isoformat(),
        "scheduled_until": (begin + timedelta(hours=2)).isoformat(),
        **dates,
    }
    page = summary(("API", "operational"), scheduled_maintenances=[notice])
    with Server(pages(page)) as server:
        clients = make(server.url)
        own = {"status_page": {"url": server.url}}
        known = Environment.model_construct(communication=Communication.model_validate(own))
        return maintenance(clients.readings, clients.status_pages, known, NOW)


@pytest.mark.parametrize(
    ("name", "ahead", "late", "outside"),
    [
        ("Database upgrade", 25, 0, 1),
        ("Database upgrade", 23, 1, 1),
        ("Emergency: a hole is closed", 2, 0, 0),
        ("Emergency: a hole is closed", 1.001, 0, 0),
    ],
)
def test_the_service_s_own_page_announces_maintenance(
    make: Make, name: str, ahead: float, late: int, outside: int
) -> None:
    found = announced(make, name, ahead)
    assert len(found.late(24, 1)) == late
    # Whatever day it is: the window is over before the maintenance begins.
    assert len(found.outside("sunday", "00:00", "00:00")) == outside


def test_a_notice_without_dates_is_unknown(make: Make) -> None:
    with pytest.raises(Unknown, match="does not date Database upgrade"):
        announced(make, "Database upgrade", 25, scheduled_for=None)


@pytest.mark.parametrize(
    ("stated", "is_one"),
    [
        *(("00:00", True), ("02:00", True), ("23:59", True), ("24:00", True)),
        *(("9:00", False), ("24:01", False), ("02:60", False), ("02:00Z", False), ("2 am", False), ("", False)),
    ],
)
def test_a_window_is_between_times_of_day(stated: str, is_one: bool) -> None:
    kind = TypeAdapter(TimeOfDay)
    if is_one:
        assert kind.validate_python(stated) == stated
        return
    with pytest.raises(ValidationError, match="is no time of day such as 02:00"):
        kind.validate_python(stated)


@pytest.mark.parametrize(
    ("begins", "ends", "inside"),
    [
        ("2026-12-06 02:00Z", "2026-12-06 04:00Z", True),
        ("2026-12-06 02:30Z", "2026-12-06 03:00Z", True),
        ("2026-12-06 01:59Z", "2026-12-06 03:00Z", False),
        ("2026-12-06 02:00Z", "2026-12-06 04:01Z", False),
        ("2026-12-05 02:00Z", "2026-12-05 04:00Z", False),  # a Saturday
        ("2026-12-06 02:00Z", "2026-12-13 03:00Z", False),
        ("2026-12-06 02:00Z", "", False),
        ("2026-12-06 03:50Z", "2026-12-06 02:10Z", False),
        ("2026-12-06 02:00Z", "2026-12-06 04:00:01Z", False),
        ("2026-12-06 02:00:30Z", "2026-12-06 03:59:59Z", True),
        ("2026-12-06 01:59:59Z", "2026-12-06 03:00Z", False),
    ],
)
def test_the_weekly_window(begins: str, ends: str, inside: bool) -> None:
    notice = MaintenanceNotice(begins, 48, emergency=False, ends=ends)
    assert notice.lies_in("sunday", "02:00", "04:00") is inside


@pytest.mark.parametrize(
    ("opens", "closes", "begins", "ends", "inside"),
    [
        ("22:00", "24:00", "2026-12-06 22:30Z", "2026-12-07 00:00Z", True),
        ("22:00", "24:00", "2026-12-06 22:30Z", "2026-12-07 00:01Z", False),
        ("22:00", "02:00", "2026-12-06 23:00Z", "2026-12-07 01:30Z", True),
        ("22:00", "02:00", "2026-12-07 00:30Z", "2026-12-07 02:00Z", True),  # the window of Sunday lasts
        ("22:00", "02:00", "2026-12-06 00:30Z", "2026-12-06 01:30Z", False),  # that would be Saturday's
        ("22:00", "02:00", "2026-12-06 21:59Z", "2026-12-06 23:00Z", False),
        ("22:00", "02:00", "2026-12-06 23:00Z", "2026-12-08 01:00Z", False),
        ("02:00", "02:00", "2026-12-06 02:00Z", "2026-12-06 03:00Z", False),
    ],
)
def test_a_weekly_window_may_last_past_midnight(opens: str, closes: str, begins: str, ends: str, inside: bool) -> None:
    notice = MaintenanceNotice(begins, 48, emergency=False, ends=ends)
    assert notice.lies_in("sunday", opens, closes) is inside
