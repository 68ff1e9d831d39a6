"""Announcements, decisions and status pages as people write them, in the sandbox's Slack and on pages of a test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from readiness.environment.communication import PARTS, Communication, DecisionFormat
from readiness.environment.schema import Environment
from readiness.observations import release
from readiness.observations.communication import (
    PageState,
    Silence,
    attendance,
    channel_state,
    decided,
    go_decision,
    incident_silence,
    launch_announcement,
    mentions,
    missing_parts,
    page_state,
)
from readiness.observations.support import complaints, untriaged
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import Secret
from readiness.rendering.announcement_parts import AnnouncementKind
from readiness.rendering.announcements import Facts, announcement
from readiness.sandbox.vendors.slack import ADA, GRACE, ROLLOUT, Slack
from readiness.sandbox.vendors.status_pages import OWN, StatusPages
from readiness.sandbox.vendors.tickets import Issue, Tickets
from readiness.sandbox.web import Web
from readiness.sources.table import Clients
from readiness.sources.tickets import Tickets as Nobody
from tests.clients.conftest import Make
from tests.clients.servers import Server, document, packet, whole

LAUNCH = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
WHOLE = "time: 09:00Z\nstatus: GO\ntest upload: 3 of 3\nmonitoring: all well\non call: Ada"
ALL = list(PARTS)
DECISION = DecisionFormat(channel=ROLLOUT, deciders={"Ada": ADA})


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (WHOLE, []),
        (WHOLE.upper(), []),
        (WHOLE.replace("on call: Ada", ""), ["on-call"]),
        (WHOLE.replace("Ada", "unknown, set notify.on_call"), ["on-call"]),
        (WHOLE.replace("Ada", "TBD"), ["on-call"]),
        (WHOLE.replace("Ada", "-"), ["on-call"]),
        (WHOLE.replace("09:00Z", "soon"), ["time"]),
        (":rocket: *Time:* 9.30\n• *Status* \u2013 GO\n> test-upload = ok\n_monitoring_ - ok\n- *On-call:* <@U1>", []),
        ("*Time*\n09:00\n*Status*\nGO\nTest upload\nok\nMonitoring\nok\nOn call\nAda", []),
        ("time:\nstatus: GO", ["time", "test upload", "monitoring", "on-call"]),
        ("time flies, the status is good, monitoring: fine", ALL),
        ("monitoring wall is on in the office", ALL),
        ("status: GO\nstatus: unknown", ["time", "test upload", "monitoring", "on-call"]),
        ("", ALL),
    ],
)
def test_the_parts_of_an_announcement_are_found_however_it_is_written(text: str, missing: list[str]) -> None:
    assert missing_parts(text, PARTS) == missing


def test_what_readiness_announce_writes_is_understood() -> None:
    facts = Facts("prod", "https://x", LAUNCH, LAUNCH, LAUNCH, None, None, "Ada")
    assert missing_parts(announcement(AnnouncementKind.LAUNCH, facts).body, PARTS) == [
        "status",
        "test upload",
        "monitoring",
    ]
    body = announcement(AnnouncementKind.LAUNCH, facts).body.replace("unknown, ", "")
    assert missing_parts(body, PARTS) == []


@pytest.mark.parametrize(
    ("text", "go"),
    [
        ("GO", True),
        (":rocket: *GO* for launch", True),
        ("Decision: GO", True),
        ("All lines pass.\n- GO from me", True),
        ("NO-GO", False),
        ("No-GO, the pool is full", False),
        ("this is a no go", False),
        ("Decision: NOGO", False),
        ("GO? waiting for the pool", None),
        ("GO-live is at nine", None),
        ("GO\u2011live is at nine", None),
        ("GO \u2014 all is well. If not, call me", True),
        ("NO\u2011GO", False),
        ("no\u2014go", False),
        ("GO is not given yet", None),
        ("GO if the pool is mended", None),
        ("> GO\nNot yet: payments are still red", None),
        (">>> All lines pass.\nGO", None),
        ("> are we ready?\nGO", True),
        ("it is not a GO yet", None),
        ("let us go", None),
        ("GOOD morning", None),
        ("go", None),
    ],
)
def test_a_decision_is_known_by_its_words(text: str, go: bool | None) -> None:
    assert decided(text, DECISION) is go


def test_words_in_capitals_must_stand_so() -> None:
    assert mentions("we are GA now", ("GA",))
    assert not mentions("it began again: ga", ("GA",))
    assert mentions("New Ingestion pipeline", ("ingestion",))
    assert not mentions("preingestions", ("ingestion",))


@pytest.fixture
def workspace() -> Slack:
    return Slack()


@pytest.fixture
def clients(make: Make, workspace: Slack) -> Iterator[Clients]:
    web = Web(workspace.application())
    yield make(communication={"slack": {"url": web.url, "token": Secret(workspace.token)}})
    web.stop()


def known(**talk: Any) -> Environment:
    return Environment.model_construct(communication=Communication(**talk))


def announced(clients: Clients, moment: datetime | None = None) -> Any:
    return launch_announcement(clients.chats, known(), ROLLOUT, moment or LAUNCH + timedelta(minutes=10), LAUNCH)


def test_the_best_message_since_the_launch_is_the_announcement(clients: Clients, workspace: Slack) -> None:
    assert announced(clients).missing == ["the announcement itself"]
    workspace.say(ROLLOUT, ADA, WHOLE, LAUNCH - timedelta(hours=1))  # of a rehearsal
    workspace.say(ROLLOUT, ADA, "we are live", LAUNCH)
    assert announced(clients).missing == ["the announcement itself"]
    workspace.say(ROLLOUT, ADA, WHOLE.replace("on call: Ada", ""), LAUNCH + timedelta(minutes=2))
    workspace.say(ROLLOUT, ADA, "status: paused\non call: Ada", LAUNCH + timedelta(minutes=5))
    found = announced(clients)
    assert found.missing == ["on-call"]
    assert found.at == (LAUNCH + timedelta(minutes=2)).isoformat()
    assert announced(clients, LAUNCH + timedelta(minutes=1)).missing == ["the announcement itself"]


def decision(clients: Clients, moment: datetime = LAUNCH) -> Any:
    return go_decision(clients.chats, known(decision=DECISION), moment, LAUNCH)


def test_the_last_word_of_a_decider_counts(clients: Clients, workspace: Slack) -> None:
    workspace.say(ROLLOUT, ADA, "GO", LAUNCH - timedelta(hours=25))
    workspace.say(ROLLOUT, GRACE, "GO", LAUNCH - timedelta(hours=3))
    assert not decision(clients).made
    workspace.say(ROLLOUT, ADA, "GO, all lines pass", LAUNCH - timedelta(hours=2))
    workspace.say(ROLLOUT, ADA, "see you at nine", LAUNCH - timedelta(minutes=100))
    found = decision(clients)
    assert (found.made, found.go, found.who, found.text) == (True, True, "Ada", "GO, all lines pass")
    workspace.say(ROLLOUT, ADA, "sorry: NO-GO, the pool is full", LAUNCH - timedelta(hours=1))
    assert (decision(clients).made, decision(clients).go) == (True, False)
    assert decision(clients, LAUNCH - timedelta(minutes=90)).go


def test_a_go_to_a_launch_that_had_been_is_none(clients: Clients, workspace: Slack) -> None:
    later = LAUNCH + timedelta(hours=2)
    workspace.say(ROLLOUT, ADA, "GO, as we did", LAUNCH + timedelta(seconds=1))
    assert not decision(clients, later).made
    workspace.say(ROLLOUT, ADA, "NO-GO, it was too early", LAUNCH + timedelta(hours=1))
    assert (decision(clients, later).made, decision(clients, later).go) == (True, False)


def test_the_launch_is_decided_in_the_channel(clients: Clients, workspace: Slack) -> None:
    def found() -> release.Decision:
        return release.launch_decision(clients.readings, clients.chats, known(decision=DECISION), LAUNCH, LAUNCH)

    assert found().word == "none in the channel"
    workspace.say(ROLLOUT, ADA, "GO, all lines pass", LAUNCH - timedelta(hours=2))
    assert found() == release.Decision("go", "Ada", 2.0)
    workspace.say(ROLLOUT, ADA, "NO-GO", LAUNCH - timedelta(hours=1))
    assert found().word == "no-go"


def test_what_is_not_configured_says_so(clients: Clients) -> None:
    with pytest.raises(NotConfigured, match=r"set communication\.decision"):
        go_decision(clients.chats, known(), LAUNCH, LAUNCH)
    with pytest.raises(NotConfigured, match=r"set communication\.stakeholders"):
        attendance(clients.chats, known(), ROLLOUT)
    with pytest.raises(NotConfigured, match="not_applicable with the reason where there is none"):
        incident_silence(clients.status_pages, known())
    with pytest.raises(NotConfigured, match="set communication in the environment file"):
        incident_silence(clients.status_pages, Environment.model_construct(communication=None))
    with pytest.raises(NotConfigured, match="set support in the environment file"):
        complaints(Nobody(None, clients.http), clients.readings)


def test_in_a_channel_that_does_not_exist_nothing_is_seen(make: Make, workspace: Slack) -> None:
    web = Web(workspace.application())
    slack = {"url": web.url, "token": Secret(workspace.token)}
    chats = make(communication={"slack": slack, "channels_public": True}).chats
    assert not channel_state(chats, "nowhere").exists
    with pytest.raises(Unknown, match="the channel nowhere does not exist"):
        attendance(chats, known(stakeholders={"Ada": ADA}), "nowhere")
    web.stop()


@pytest.fixture
def site() -> Iterator[tuple[StatusPages, str]]:
    pages = StatusPages()
    web = Web(pages.application())
    yield pages, f"{web.url}/{OWN}"
    web.stop()


def shown(make: Make, url: str, shows: Any, health: bytes | None = None, status: int = 200) -> PageState:
    page = {"url": url, "launch": ["ingestion"], "live": ["is live"]}
    with Server(whole(status, health or b"ok")) as server:
        clients = make(server.url)
        return page_state(clients.status_pages, clients.http, known(status_page=page), LAUNCH, shows)


def test_the_page_announces_the_launch_and_its_time(make: Make, site: tuple[StatusPages, str]) -> None:
    pages, url = site
    assert shown(make, url, "launch").wrong == ["no notice names ingestion"]
    pages.plan(LAUNCH)
    assert shown(make, url, "launch").wrong == []
    pages.plan(LAUNCH + timedelta(days=1))
    (wrong,) = shown(make, url, "launch").wrong
    assert f"the launch is at {LAUNCH:%Y-%m-%d %H:%M}Z" in wrong
    pages.plan(LAUNCH)
    pages.sites[OWN].maintenances[0]["status"] = "completed"
    assert shown(make, url, "launch").wrong == ["no notice names ingestion"]
    pages.sites[OWN].incident("Ingestion is coming", 5.0)  # a notice without a time of its own
    assert shown(make, url, "launch").wrong == []


def test_the_page_says_that_the_launch_is_done(make: Make, site: tuple[StatusPages, str]) -> None:
    pages, url = site
    assert shown(make, url, "live").wrong == ["nothing since the launch says is live"]
    minutes_ago = (datetime.now(UTC) - LAUNCH) / timedelta(minutes=1)
    pages.sites[OWN].incident("The new ingestion is live", minutes_ago + 20)
    assert shown(make, url, "live").wrong  # it was said before the launch
    pages.sites[OWN].incident("The new ingestion is live", minutes_ago - 5)
    assert shown(make, url, "live").wrong == []


def test_the_page_does_not_hide_an_outage(make: Make, site: tuple[StatusPages, str]) -> None:
    pages, url = site
    assert shown(make, url, "health").wrong == []
    assert shown(make, url, "health", status=503).wrong == ["it says none, and /health answers 503"]
    pages.sites[OWN].turn("API", "major_outage")
    assert shown(make, url, "health", status=503).wrong == []
    pages.plan(LAUNCH - timedelta(hours=3))
    assert shown(make, url, "health").wrong == []
    pages.sites[OWN].maintenances[0]["status"] = "in_progress"
    assert "is still under way; it should have ended at" in shown(make, url, "health").wrong[0]


def test_the_silence_is_that_of_the_incident_that_waits_longest(make: Make, site: tuple[StatusPages, str]) -> None:
    pages, url = site
    clients, page = make(), known(status_page={"url": url})
    assert incident_silence(clients.status_pages, page) == Silence(0, 0.0)
    pages.sites[OWN].incident("One", 90.0, 5.0)
    pages.sites[OWN].incident("Two", 45.0)
    found = incident_silence(clients.status_pages, page)
    assert (found.incidents, found.incident, round(found.minutes)) == (2, "Two", 45)


def test_a_page_that_does_not_say_when_is_unknown(make: Make) -> None:
    told = {"page": {"name": "V", "status": "HASISSUES"}, "activeIncidents": [{"name": "Slow", "status": "IDENTIFIED"}]}
    with Server(document(told)) as server, pytest.raises(Unknown, match="does not say when it told of Slow"):
        incident_silence(make().status_pages, known(status_page={"url": server.url, "kind": "instatus"}))


@pytest.fixture
def tracker() -> Tickets:
    return Tickets()


@pytest.fixture
def support(make: Make, tracker: Tickets) -> Iterator[Clients]:
    web = Web(tracker.application())
    yield make(support={"url": web.url, "token": Secret(tracker.token), "repository": "sandbox/support"})
    web.stop()


def test_tickets_are_read_to_the_last_page_and_without_pull_requests(support: Clients, tracker: Tickets) -> None:
    assert complaints(support.tickets, support.readings).open == []
    tracker.issues += [Issue(f"Complaint {one}", ("complaint",), comments=one) for one in range(5)]
    found = complaints(support.tickets, support.readings)
    assert len(found.open) == 5
    assert found.unanswered == ["#5 Complaint 0"]


def test_triage_is_a_label_or_an_assignee(support: Clients, tracker: Tickets) -> None:
    assert untriaged(support.tickets, support.readings, 24) == []
    assert untriaged(support.tickets, support.readings, 0.5) == ["#4 How do I add a colleague? (1 h)"]
    tracker.issues.append(Issue("Both", ("security", "support"), hours_old=48.0))
    assert untriaged(support.tickets, support.readings, 24) == ["#5 Both (48 h)"]


def test_a_label_that_does_not_exist_is_unknown(support: Clients) -> None:
    assert support.tickets.open(("complaint",)) == []
    with pytest.raises(Unknown, match="has no label 'compliant'"):
        support.tickets.open(("compliant",))


def test_pages_without_an_end_are_unknown_and_no_other_host_is_asked(make: Make) -> None:
    more = {"Link": '<http://elsewhere.example/?page=2>; rel="next"'}
    with Server(lambda _server, connection, _asked: connection.sendall(packet(200, b"[]", more))) as server:
        with pytest.raises(Unknown, match="more than 20 pages"):
            make(server.url).tickets.open(("complaint",))
        assert len(server.asked) == 20


def test_other_trackers_are_read_as_readings(make: Make) -> None:
    rows = [{"name": "a", "answered": True}, {"name": "b", "answered": False}]
    waits = [{"name": "c", "age_hours": 30}, {"name": "d", "age_hours": 2}]
    with Server(document({"complaints": rows, "waits": waits})) as server:
        readings = {
            "open_complaints": {"http": server.url, "pointer": "/complaints"},
            "untriaged_tickets": {"http": server.url, "pointer": "/waits"},
        }
        clients = make(server.url, systems=False, readings=readings)
        assert complaints(clients.tickets, clients.readings).unanswered == ["b"]
        assert untriaged(clients.tickets, clients.readings, 24) == ["c (30 h)"]
