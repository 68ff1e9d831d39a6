"""Status pages in every shape that is read, and those that only look like one."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from readiness.clients.status_pages import Page
from readiness.environment.communication import StatusPage
from readiness.environment.schema import Environment
from readiness.observations.vendors import VendorOutages, vendor_outages
from readiness.outcomes import NotConfigured, Unknown
from tests.clients.conftest import Make
from tests.clients.servers import Asked, Behaviour, Server, packet

NOW = datetime.now(UTC)
LONG_AGO = (NOW - timedelta(days=31)).isoformat()


def pages(answers: Mapping[str, Any]) -> Behaviour:
    """Answer these paths; any other as a page for people, with status 404."""

    def behave(_server: Server, connection: socket.socket, asked: Asked) -> None:
        if asked.path in answers:
            connection.sendall(packet(200, json.dumps(answers[asked.path]).encode()))
        else:
            connection.sendall(packet(404, b"<html>not here</html>"))

    return behave


def summary(*components: tuple[str, str], **changes: Any) -> dict[str, Any]:
    known = {
        "page": {"id": "x", "name": "Vendor", "url": "https://x", "updated_at": NOW.isoformat()},
        "status": {"indicator": "none", "description": "All Systems Operational"},
        "components": [{"name": name, "status": state} for name, state in components],
        "incidents": [],
        "scheduled_maintenances": [],
    }
    return {"/api/v2/summary.json": known | changes}


def incident(name: str, body: str = "", **changes: Any) -> dict[str, Any]:
    at = NOW.isoformat()
    updates = [{"body": body, "created_at": at}]
    known = {"name": name, "status": "investigating", "impact": "none", "created_at": at, "incident_updates": updates}
    return known | changes


INSTATUS = {"page": {"name": "Vendor", "url": "https://x", "status": "UP"}}
BETTER = {
    "data": {"id": "1", "type": "status_page", "attributes": {"company_name": "V", "aggregate_state": "operational"}},
    "included": [
        {"id": "1", "type": "status_page_resource", "attributes": {"public_name": "API", "status": "operational"}}
    ],
}
ROOTLY = {"page": {"name": "Vendor"}, "status": {"indicator": "none", "description": "fine"}}


def read(make: Make, answers: Mapping[str, Any], **more: Any) -> Page:
    with Server(pages(answers)) as server:
        return make(server.url).status_pages.page(StatusPage(url=server.url, **more))


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/api/v2/summary.json", summary(("API", "operational"))["/api/v2/summary.json"]),
        ("/summary.json", INSTATUS),
        ("/index.json", BETTER),
        ("/api/v1/status.json", ROOTLY),
    ],
)
def test_every_shape_is_found_out(make: Make, path: str, document: Any) -> None:
    assert read(make, {path: document}).fine


def test_a_kind_that_is_named_is_the_only_one_asked_for(make: Make) -> None:
    assert read(make, {"/summary.json": INSTATUS}, kind="instatus").fine
    with pytest.raises(Unknown, match="no status page in a known shape: rootly: status 404"):
        read(make, {"/summary.json": INSTATUS}, kind="rootly")


def test_instatus_tells_what_goes_on(make: Make) -> None:
    told = {
        "page": {"name": "V", "status": "HASISSUES"},
        "activeIncidents": [{"name": "Slow", "status": "INVESTIGATING", "started": NOW.isoformat(), "impact": "x"}],
        "activeMaintenances": [{"name": "Move", "status": "NOTSTARTEDYET", "start": NOW.isoformat(), "duration": "60"}],
    }
    page = read(make, {"/summary.json": told})
    assert not page.fine
    assert [one.name for one in page.incidents] == ["Slow"]
    (move,) = page.maintenances
    assert move.begins
    assert move.ends == move.begins + timedelta(hours=1)


def test_better_stack_tells_what_goes_on(make: Make) -> None:
    started = {"starts_at": NOW.isoformat(), "ends_at": None}
    parts = [
        {"type": "status_page_resource", "attributes": {"public_name": "API", "status": "degraded"}},
        {"type": "status_report", "attributes": {"title": "Slow", "aggregate_state": "degraded", **started}},
        {
            "type": "status_report",
            "attributes": {"title": "Old", "aggregate_state": "resolved", **started, "ends_at": NOW.isoformat()},
        },
        {
            "type": "status_report",
            "attributes": {"title": "Move", "report_type": "maintenance", "aggregate_state": "maintenance", **started},
        },
    ]
    page = read(make, {"/index.json": BETTER | {"included": parts}})
    assert page.impaired == ["API: degraded"]
    assert [one.name for one in page.incidents] == ["Slow"]
    assert [one.name for one in page.maintenances] == ["Move"]


def judged(make: Make, answers: Mapping[str, Any], vendor: str = "vendor", **more: Any) -> VendorOutages:
    with Server(pages(answers)) as server:
        clients = make(server.url)
        page = StatusPage(url=server.url, **more)
        known = Environment.model_construct(status_pages={"vendor": page})
        return vendor_outages(clients.status_pages, clients.readings, known, vendor)


def test_all_of_a_name_must_work(make: Make) -> None:
    regions = (("Auth", "operational"), ("Auth", "partial_outage"), ("Auth", "operational"))
    found = judged(make, summary(*regions), components=("Auth",))
    assert found.outages == ["vendor: Auth: partial_outage; no fallback is named"]


def test_a_word_that_is_not_known_is_no_good_news(make: Make) -> None:
    found = judged(make, summary(("API", "superb")))
    assert found.outages == ["vendor: API: superb; no fallback is named"]
    odd = {"status": {"indicator": "superb"}}
    assert judged(make, summary(("API", "operational"), **odd)).outages == [
        "vendor: the page says superb; no fallback is named"
    ]


def test_what_the_service_does_not_need_is_told_and_does_not_fail(make: Make) -> None:
    states = (("Database", "operational"), ("API Gateway", "degraded_performance"))
    found = judged(make, summary(*states), components=("Database",))
    assert found.outages == []
    assert found.elsewhere == ["vendor: API Gateway: degraded_performance"]
    assert judged(make, summary(*states)).outages


@pytest.mark.parametrize(
    ("told", "ours"),
    [
        (incident("Errors", components=[{"name": "Database", "status": "operational"}]), True),
        (incident("Errors", components=[{"name": "Images", "status": "operational"}]), False),
        (incident("Database is slow in one region"), True),
        (incident("Errors", "We look into the database."), True),
        (incident("Errors of Databases"), False),
        (incident("Errors", status="resolved"), False),
    ],
)
def test_an_incident_counts_when_it_names_what_we_need(make: Make, told: dict[str, Any], ours: bool) -> None:
    states = (("Database", "operational"), ("Images", "operational"))
    found = judged(make, summary(*states, incidents=[told]), components=("Database",))
    assert bool(found.outages) is ours


def test_a_component_that_is_not_there_is_unknown(make: Make) -> None:
    with pytest.raises(Unknown, match=r"names no component Databse; did you mean Database\?"):
        judged(make, summary(("Database", "operational")), components=("Databse",))
    with pytest.raises(Unknown, match="names no component Database"):
        judged(make, {"/summary.json": INSTATUS}, components=("Database",))


def test_a_page_that_nobody_keeps_is_unknown(make: Make) -> None:
    old = {"page": {"name": "Vendor", "updated_at": LONG_AGO}}
    with pytest.raises(Unknown, match="was last changed on"):
        judged(make, summary(("API", "operational"), **old))
    assert judged(make, summary(("API", "major_outage"), **old)).outages  # bad news does not age


def test_a_vendor_that_is_not_named_says_which_is_near(make: Make) -> None:
    with pytest.raises(NotConfigured, match=r"no status page of vendo is named; did you mean vendor\?"):
        judged(make, summary(), vendor="vendo")


def test_an_outage_is_told_with_its_fallback_and_beside_a_page_that_cannot_be_read(make: Make) -> None:
    with Server(pages(summary(("API", "major_outage")))) as server:
        for value, word in (("open", "its fallback is active"), (False, "its fallback is NOT active")):
            clients = make(server.url, readings={"plan_b": {"value": value}})
            bad = StatusPage(url=server.url, fallback="plan_b")
            gone = StatusPage(url=f"{server.url}/gone")
            known = Environment.model_construct(status_pages={"gone": gone, "bad": bad})
            found = vendor_outages(clients.status_pages, clients.readings, known, "")
            assert found.outages == [f"bad: API: major_outage; {word}"]
        known = Environment.model_construct(status_pages={"bad": StatusPage(url=server.url, fallback="plan_c")})
        (told,) = vendor_outages(clients.status_pages, clients.readings, known, "").outages
        assert "whether the fallback is active is unknown: no reading is called plan_c" in told
        with pytest.raises(NotConfigured, match="no vendor's status page is named"):
            vendor_outages(clients.status_pages, clients.readings, Environment.model_construct(status_pages={}), "")
