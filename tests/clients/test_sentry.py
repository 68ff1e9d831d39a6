"""The client against the sandbox's Sentry of both ages, and rules as people write them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from readiness.clients.sentry import Detector, Issue, IssueRule, MetricRule, Workflow
from readiness.clients.sentry_rules import Rule, past, present
from readiness.observations.errors import new_errors, recent_errors, recurring_errors
from readiness.observations.sentry import SentryAlert, SentryAlertLimits, sentry_alert
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import Secret
from readiness.sandbox.vendors import sentry_records as records
from readiness.sandbox.vendors.sentry import Sentry
from readiness.sandbox.web import Web
from readiness.sources.table import Clients
from tests.clients.conftest import Make
from tests.clients.servers import Server, document, packet

CHANNELS = ("slack", "email", "sms")


@pytest.fixture
def server() -> Sentry:
    return Sentry()


@pytest.fixture
def clients(make: Make, server: Sentry) -> Iterator[Clients]:
    web = Web(server.application())
    known = {"organization": "sandbox", "project": "shop", "sms_through": ("pagerduty",)}
    yield make(sentry={"url": web.url, "token": Secret(server.token), **known})
    web.stop()


def alert(clients: Clients, events: float = 5, slower: float | None = None) -> SentryAlert:
    return sentry_alert(clients.sentry, SentryAlertLimits(events, 300, slower, CHANNELS))


def test_all_pages_are_read(clients: Clients, server: Sentry) -> None:
    server.per_page = 1
    assert [issue.name for issue in clients.sentry.issues("is:unresolved", 86_400)] == ["SHOP-1", "SHOP-2"]
    assert len(clients.sentry.detectors() or []) == 3


def test_a_list_without_its_link_is_unknown(make: Make) -> None:
    with Server(document([])) as bare, pytest.raises(Unknown, match="whether there is another page"):
        make(bare.url).sentry.issues("", 3600)


def test_pages_without_an_end_are_unknown(make: Make) -> None:
    more = {"Link": '<http://x/>; rel="next"; results="true"; cursor="0:1:0"'}
    again = Server(lambda _server, connection, _asked: connection.sendall(packet(200, b"[]", more)))
    with again as endless, pytest.raises(Unknown, match="more than 50 pages"):
        make(endless.url).sentry.issues("", 3600)


def test_the_present_and_the_older_server_tell_the_same(clients: Clients, server: Sentry) -> None:
    for older in (False, True):
        server.older = older
        rules = 2 if older else 1  # the older one has an issue alert too, which is looser
        assert alert(clients) == SentryAlert(rules, records.ERRORS, 5, 300, 0, 3, [])
        assert alert(clients, 10, 2) == SentryAlert(1, records.SLOW, 10, 300, 2, 3, [])


def test_another_project_is_unknown(make: Make, server: Sentry) -> None:
    web = Web(server.application())
    known = {"url": web.url, "token": Secret(server.token), "organization": "other", "project": "shop"}
    with pytest.raises(Unknown, match="answered 404"):
        make(sentry=known).sentry.detectors()
    web.stop()


def test_not_configured(make: Make) -> None:
    with pytest.raises(NotConfigured, match="no Sentry is configured"):
        make(systems=False).sentry.detectors()


def test_text_messages_are_a_matter_of_the_pager(make: Make, clients: Clients, server: Sentry) -> None:
    web = Web(server.application())
    known = {"url": web.url, "token": Secret(server.token), "organization": "sandbox", "project": "shop"}
    silent = make(sentry=known)
    with pytest.raises(Unknown, match="whether pagerduty sends text messages"):
        alert(silent)
    server.workflows[1]["actionFilters"][0]["actions"].pop()
    assert alert(clients).missing_actions == ["sms"]
    sends = {"id": "9", "type": "plugin", "integrationId": None, "data": {"service": "twilio"}, "config": {}}
    server.workflows[1]["actionFilters"][0]["actions"].append({**sends, "status": "active"})
    assert alert(silent).missing_actions == []
    web.stop()


def test_database_and_authentication_stand_first(clients: Clients, server: Sentry) -> None:
    moment = datetime.now(UTC) - timedelta(hours=1)
    titles = ["KeyError: 'x'", "502 Bad Gateway", "AuthError: token", "psycopg.OperationalError: gone"]
    server.issues = [records.Seen(title, moment, moment, priority="high", unhandled=True) for title in titles]
    server.issues.append(records.Seen("strange", moment, moment, "fatal", "low"))
    kinds = [text.partition(":")[0] for text in new_errors(clients.sentry, 86_400).urgent]
    assert kinds == ["database", "authentication", "5xx", "unhandled", "other"]


def test_an_unknown_priority_counts(clients: Clients, server: Sentry) -> None:
    moment = datetime.now(UTC) - timedelta(hours=1)
    kinds = ("low", "urgent", None)  # `urgent` is none of Sentry's today
    server.issues = [records.Seen("A", moment, moment, priority=kind) for kind in kinds]
    assert len(new_errors(clients.sentry, 86_400).urgent) == 2


def test_many_errors_are_told_even_where_others_were_dropped(clients: Clients, server: Sentry) -> None:
    server.dropped, server.errors_lately = {"rate_limited": 4}, 12
    assert recent_errors(clients.sentry, 10, 3600).events == 12
    server.errors_lately = 9
    with pytest.raises(Unknown, match="9 errors, and dropped others: 4 rate limited"):
        recent_errors(clients.sentry, 10, 3600)


def test_what_comes_again(clients: Clients, server: Sentry) -> None:
    assert (recurring_errors(clients.sentry, 604_800, 1).recurring, len(server.issues)) == (1, 3)


def test_an_issue_that_does_not_say_whether_it_is_tracked() -> None:
    moment = datetime.now(UTC).isoformat()
    given = {"shortId": "A", "title": "t", "level": "error", "count": "1", "firstSeen": moment, "lastSeen": moment}
    assert Issue.model_validate(given).tracked is None
    assert Issue.model_validate({**given, "annotations": []}).tracked is None
    assert Issue.model_validate({**given, "annotations": ["<a>"]}).tracked is True
    assert Issue.model_validate({**given, "integrationIssues": []}).tracked is False


def workflow(conditions: list[dict[str, Any]], logic: str = "all", triggers: list[str] | None = None) -> list[Rule]:
    actions = [{"type": "slack", "status": "active"}, {"type": "email", "status": "disabled"}]
    found = {
        "id": "1",
        "name": "W",
        "enabled": True,
        "environment": None,
        "detectorIds": ["10"],
        "triggers": {"conditions": [{"type": kind} for kind in triggers or []]},
        "actionFilters": [{"logicType": logic, "conditions": conditions, "actions": actions}],
    }
    known = [Detector.model_validate(each) for each in records.detectors()[:1]]
    return list(present(known, [Workflow.model_validate(found)]))


FREQUENT = {"type": "event_frequency_count", "comparison": {"value": 5, "interval": "5m"}}


def test_an_issue_alert_is_read() -> None:
    assert workflow([FREQUENT]) == [Rule("W", 5, 300, None, frozenset({"slack"}))]
    assert workflow([FREQUENT], triggers=["every_event"])[0].narrowed == ""
    assert workflow([FREQUENT], triggers=["first_seen_event"])[0].narrowed == "first_seen_event"
    assert workflow([FREQUENT, {"type": "tagged_event"}])[0].narrowed == "tagged_event"
    assert workflow([FREQUENT, {"type": "tagged_event"}], "any-short")[0].narrowed == ""
    assert workflow([{"type": "event_frequency_percent", "comparison": {"value": 5, "interval": "5m"}}]) == []


def test_an_alert_that_no_monitor_feeds_is_none() -> None:
    alone = Workflow.model_validate(records.workflows()[0] | {"detectorIds": []})
    assert list(present([], [alone])) == []


@pytest.mark.parametrize(
    ("query", "slower", "narrowed"),
    [
        ("", 0.0, ""),
        ("transaction.duration:>2000", 2.0, ""),
        ("span.duration:>=1.5s is_transaction:true", 1.5, ""),
        ("transaction.duration:>2min transaction:/checkout", 120.0, "transaction:/checkout"),
    ],
)
def test_the_slowness_is_read_from_the_search(query: str, slower: float, narrowed: str) -> None:
    found = records.detectors()[2]
    found["dataSources"][0]["queryObj"]["snubaQuery"]["query"] = query
    (rule,) = present([Detector.model_validate(found)], [])
    assert (rule.slower_than, rule.narrowed) == (slower, narrowed)


@pytest.mark.parametrize("query", ["is:unresolved", "(event.type:error OR event.type:default)", "level:[error, fatal]"])
def test_words_that_leave_all_errors_in(query: str) -> None:
    found = records.detectors()[1]
    found["dataSources"][0]["queryObj"]["snubaQuery"]["query"] = query
    (rule,) = present([Detector.model_validate(found)], [])
    assert (rule.slower_than, rule.narrowed) == (None, "")


def test_rules_of_before() -> None:
    metric = [MetricRule.model_validate(each) for each in records.metric_rules()]
    snoozed = [MetricRule.model_validate(each | {"snooze": True}) for each in records.metric_rules()]
    elsewhere = [MetricRule.model_validate(each | {"projects": ["blog"]}) for each in records.metric_rules()]
    issue = [IssueRule.model_validate(each) for each in records.issue_rules()]
    assert [rule.events for rule in past(metric, issue, "shop")] == [5, 10, 100]
    assert list(past([*snoozed, *elsewhere], [], "shop")) == []
    (rule,) = past([], issue, "shop")
    assert (rule.seconds, rule.actions) == (3600, frozenset({"email"}))
