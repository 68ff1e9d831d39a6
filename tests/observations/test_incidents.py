"""Incident reports are read whatever people write, and held against everything else that knows of incidents."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.environment.incidents import NoReport, parse
from readiness.environment.schema import Environment, Reading
from readiness.observations.incidents import IncidentReview, ReviewLimits, incident_review
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.redaction.secret import Secret
from readiness.sources.table import Clients
from readiness.transport.guard import Guard
from tests.clients.servers import Server, document, vector_of
from tests.observations.incident_reviews import EXAMPLE, FIELDS, KNOWN, MOMENT, TEMPLATE, Review, nothing_wrong


def test_the_example_is_a_whole_report() -> None:
    found = parse(EXAMPLE)
    assert (found.id, found.title, found.alerts) == ("INC-12", "uploads were refused", ("IngestionHighErrorRate",))
    assert found.ended_at == datetime(2026, 12, 3, 9, 52, tzinfo=UTC)
    assert set(FIELDS) <= set(found.fields)


def test_a_section_goes_on_to_the_next_heading_of_its_level() -> None:
    assert (
        "root_cause" in parse(EXAMPLE.replace("The credential had expired.", "### The pool\n\nIt was full.\n")).fields
    )


def test_a_field_may_stand_in_the_front_matter() -> None:
    text = EXAMPLE.replace("## Summary", "## What?").replace("id: INC-12", "id: INC-12\nsummary: all was refused")
    assert "summary" in parse(text).fields


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The credential had expired.", ""),
        ("The credential had expired.", "TBD"),
        ("The credential had expired.", "<why it could happen>"),
        ("The credential had expired.", "<!-- why? -->"),
        ("The credential had expired.", "under investigation"),
        ("The credential had expired.", "Still under investigation."),
        ("The credential had expired.", "see above"),
        ("The credential had expired.", "- as above\n- TBD\n"),
        ("The credential had expired.", "unknown yet. To be confirmed."),
        ("The credential had expired.", "not yet known"),
        ("The credential had expired.", "### In short\n\nTBD\n"),
        ("## Root cause", "## Cause"),
    ],
)
def test_a_field_without_a_text_is_not_told(old: str, new: str) -> None:
    assert "root_cause" not in parse(EXAMPLE.replace(old, new)).fields


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("---\nid", "id", "does not begin with front matter"),
        ("id: INC-12\n", "", "id is missing"),
        ("id: INC-12", "id: TODO", "id: 'TODO' says nothing"),
        ("id: INC-12", "id: [INC-12", "its front matter is not YAML"),
        ("id: INC-12", "id: &a INC-12\nother: *a", "holds an alias"),
        ("id: INC-12", f"id: {'[' * 9000}", "front matter"),
        ("2026-12-03T09:10:00Z", "yesterday", "started_at: 'yesterday' is not a date and time"),
        ("2026-12-03T09:10:00Z", "2026-12-03T09:10:00", "has no time zone"),
        ("2026-12-03T09:10:00Z", "2026-02-30T09:10:00Z", "impossible date"),
        ("2026-12-03T09:52:00Z", "2026-12-03T09:00:00Z", "ended_at is before started_at"),
        ("2026-12-04T15:00:00Z", "2026-12-01T15:00:00Z", "written_at is before started_at"),
    ],
)
def test_what_is_no_report_says_why(old: str, new: str, told: str) -> None:
    with pytest.raises(NoReport) as raised:
        parse(EXAMPLE.replace(old, new, 1))
    assert told in str(raised.value)


@given(st.text() | st.text().map(lambda text: f"---\n{text}\n---\n# {text}\n"))
def test_any_text_is_a_report_or_none(text: str) -> None:
    with suppress(NoReport):
        assert parse(text).id


@pytest.mark.parametrize("fields", [FIELDS, ()])
def test_a_reported_incident_is_reviewed(review: Review, fields: tuple[str, ...]) -> None:
    found = review([KNOWN], EXAMPLE, fields=fields)
    assert nothing_wrong(found)
    assert (found.known, found.reports) == (1, 1)


def test_an_incident_without_a_report_is_told(review: Review) -> None:
    found = review([KNOWN, KNOWN | {"id": "INC-13", "title": "lag"}], EXAMPLE)
    assert found.unreported == ["INC-13: lag"]


def test_a_report_has_48_hours(review: Review) -> None:
    ended = MOMENT - timedelta(hours=47)
    fresh = KNOWN | {"id": "INC-13", "started_at": ended.isoformat(), "ended_at": ended.isoformat()}
    assert review([fresh], fields=()).unreported == []
    assert review([fresh]).unreported == ["INC-13: uploads were refused"]
    late = fresh | {"ended_at": (ended - timedelta(hours=2)).isoformat(), "started_at": "2026-12-03T00:00:00Z"}
    assert review([late], fields=()).unreported == ["INC-13: uploads were refused"]


@pytest.mark.parametrize(
    ("written", "late"),
    [
        ("2026-12-05T09:52:00Z", []),
        ("2026-12-05T09:53:00Z", ["INC-12: written 48 h after its end"]),
        ("2026-12-05T11:52:00Z", ["INC-12: written 50 h after its end"]),
        ("2026-12-30T11:52:00Z", ["INC-12: not dated, 125 h after its end"]),
        ("null", ["INC-12: not dated, 125 h after its end"]),
    ],
)
def test_a_report_is_written_within_48_hours(review: Review, written: str, late: list[str]) -> None:
    assert review([KNOWN], EXAMPLE.replace("2026-12-04T15:00:00Z", written), fields=()).late == late


def test_a_report_cannot_put_off_the_end_of_its_incident(review: Review) -> None:
    text = EXAMPLE.replace("T09:52:00Z", "T23:52:00Z").replace("2026-12-04T15", "2026-12-05T15")
    assert review([KNOWN], text, fields=()).late == ["INC-12: written 53 h after its end"]


@pytest.mark.parametrize("fields", [FIELDS, ()])
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("written_at: 2026-12-04", "written_at: 2025-12-04", "before the incident began"),
        ("written_at: 2026-12-04T15:00", "written_at: 2026-12-03T09:09", "before the incident began"),
        ("ended_at: 2026-12-03", "ended_at: 2027-12-03", "ends 2027-12-03 09:52Z, which lies ahead"),
        ("ended_at: 2026-12-03T09:52", "ended_at: 2026-12-08T15:02", "ends 2026-12-08 15:02Z, which lies ahead"),
    ],
)
def test_a_report_with_impossible_dates_is_not_in_time(
    review: Review, fields: tuple[str, ...], old: str, new: str, told: str
) -> None:
    text = EXAMPLE.replace("started_at: 2026", "started_at: 2025").replace(old, new)
    if "ends" in told and not fields:
        with pytest.raises(Unknown, match=f"nobody knows whether a report is late.*{told}"):
            review([KNOWN], text, fields=fields)
        return
    found = review([KNOWN], text, fields=fields)
    assert told in " ".join([*found.late, *found.open])


def test_a_report_may_be_written_while_the_incident_lasts(review: Review) -> None:
    for written in ("2026-12-03T09:10:00Z", "2026-12-03T09:30:00Z"):
        assert nothing_wrong(review([KNOWN], EXAMPLE.replace("2026-12-04T15:00:00Z", written), fields=()))


@pytest.mark.parametrize(
    ("said", "is_told"),
    [
        ("Why it could happen.", False),
        ("**why** it could\nhappen", False),
        ("- Why it could happen.\n- TBD", False),
        ("What happened, in two sentences.", False),  # another field's
        ("the suspected cause, and what confirmed it", False),  # of another runbook
        ("The hint of our own", False),
        ("Why it could happen. Nobody knew the day of its expiry.", True),
        ("It could happen: why?", True),
    ],
)
def test_what_the_template_says_by_itself_tells_nothing(review: Review, said: str, is_told: bool) -> None:
    text = EXAMPLE.replace("The credential had expired.", said)
    found = review([KNOWN], text, template_words=frozenset({"the hint of our own"}))
    assert found.incomplete == ([] if is_told else ["INC-12: no root_cause"])


def test_the_template_itself_is_no_report(review: Review) -> None:
    (told,) = review([KNOWN], TEMPLATE).incomplete
    assert told == f"INC-12: no {', '.join(FIELDS)}"


def test_an_incident_that_lasts_is_told(review: Review) -> None:
    text = EXAMPLE.replace("2026-12-03T09:52:00Z", "null")
    assert review([KNOWN | {"ended_at": None}], text).open == ["INC-12: uploads were refused"]


def test_a_report_that_lacks_something_is_told(review: Review) -> None:
    text = EXAMPLE.replace("The credential had expired.", "TBD").replace("## Mitigation", "## Else")
    assert review([KNOWN], text).incomplete == ["INC-12: no root_cause, mitigation"]


def test_old_reports_are_left_alone(review: Review) -> None:
    text = EXAMPLE.replace("2026-12", "2026-06").replace("The credential had expired.", "")
    assert nothing_wrong(review([], text))


@pytest.mark.parametrize(
    ("known", "texts", "told"),
    [
        ([KNOWN], (EXAMPLE, EXAMPLE), "both are of INC-12"),
        ([KNOWN], ("no front matter",), "0.md: it does not begin with front matter"),
        ([KNOWN | {"started_at": "2026-12-03"}], (), "readings.known_incidents: started_at"),
        ([{"id": "INC-12"}], (), "no column title"),
        ({"error": "denied"}, (), "no list of objects"),
    ],
)
def test_what_cannot_be_read_is_unknown(review: Review, known: object, texts: tuple[str, ...], told: str) -> None:
    with pytest.raises(Unknown) as raised:
        review(known, *texts)
    assert told in str(raised.value)


def test_reports_alone_do_not_tell_of_incidents_without_one(review: Review) -> None:
    with pytest.raises(NotConfigured, match=r"set readings\.known_incidents"):
        review(None, EXAMPLE)


def test_a_folder_that_is_not_there_is_unknown(review: Review) -> None:
    with pytest.raises(Unknown, match="No such file or directory"):
        review([KNOWN], folder=Path("nowhere"))


def issue(number: int, body: str | None, **changes: Any) -> dict[str, Any]:
    told = {"number": number, "title": "uploads were refused", "created_at": "2026-12-03T09:10:00Z", "comments": 2}
    return {**told, "closed_at": "2026-12-03T09:52:00Z", "labels": [{"name": "incident"}], "body": body, **changes}


BODY = EXAMPLE.partition("---\n\n")[2]
DATED = f"---\nwritten_at: 2026-12-04T15:00:00Z\n---\n{BODY}"


def tracked(*issues: object, known: object = (), fields: tuple[str, ...] = FIELDS, hours: float | None = 48.0) -> Any:
    """Review the reports that are issues of a tracker."""

    def behave(server: Server, connection: Any, asked: Any) -> None:
        found: object = list(issues) if "/issues?" in asked.path else {"name": "incident"}
        document(found if asked.path.startswith("/repos/shop/incidents/") else known)(server, connection, asked)

    with Server(behave) as server:
        tracker = {"url": server.url, "token": Secret("github_pat_1"), "repository": "shop/incidents"}
        environment = Environment(
            environment="shop",
            runbooks=("ingestion",),
            allowed_hosts=("127.0.0.1",),
            target={"url": server.url},  # type: ignore[arg-type]
            incidents={"tracker": tracker},  # type: ignore[arg-type]
            readings={"known_incidents": Reading(http=f"{server.url}/known")},
        )
        clients = Clients.of(environment, Guard(["127.0.0.1"], frozenset({Effect.READ})), Path("nowhere"))
        try:
            places, readings, prometheus = clients.incident_reports, clients.readings, clients.prometheus
            limits = ReviewLimits(fields, hours, 30.0)
            return incident_review(places, readings, prometheus, environment, MOMENT, None, limits)
        finally:
            clients.close()


def test_an_issue_is_a_report() -> None:
    found = tracked(issue(12, DATED), issue(13, None, pull_request={}), known=[KNOWN | {"id": "#12"}])
    assert nothing_wrong(found)
    assert (found.known, found.reports) == (1, 1)


def test_what_an_issue_says_of_itself_counts_more_than_what_its_tracker_knows() -> None:
    assert tracked(issue(12, EXAMPLE, closed_at=None), known=[KNOWN]).open == []
    assert tracked(issue(12, DATED, closed_at=None)).open == ["#12: uploads were refused"]


def test_an_issue_that_does_not_say_when_it_was_written_is_late() -> None:
    assert tracked(issue(12, BODY.replace("\n", "\r\n"))).late == ["#12: not dated, 125 h after its end"]


@pytest.mark.parametrize("body", [None, "", "it is mended"])
def test_an_issue_without_a_report_lacks_everything(body: str | None) -> None:
    assert tracked(issue(12, body)).incomplete == [f"#12: no {', '.join(FIELDS)}"]


@pytest.mark.parametrize(
    ("issues", "told"),
    [
        ([issue(12, EXAMPLE), issue(14, EXAMPLE)], "shop/incidents#14 and shop/incidents#12 both are of INC-12"),
        ([issue(12, "---\nstarted_at: yesterday\n---\n")], "shop/incidents#12: started_at"),
        ([issue(12, DATED, created_at="lately")], "created_at"),
        ([{"message": "Not Found"}], "is incidents.tracker.url right?"),
    ],
)
def test_an_issue_that_cannot_be_read_is_unknown(issues: list[object], told: str) -> None:
    with pytest.raises(Unknown) as raised:
        tracked(*issues)
    assert told in str(raised.value)


def prometheus(rules: object, *answers: list[dict[str, Any]]) -> Callable[[Server, Any, Any], None]:
    """Answer the rules, then one vector after the other: the record, the first, the last, the latest firing."""
    left = list(answers)

    def behave(server: Server, connection: Any, asked: Any) -> None:
        found: dict[str, Any] = {"status": "success", "data": {"groups": [{"name": "g", "rules": rules}]}}
        if "/api/v1/query" in asked.path:
            found = vector_of(left.pop(0), asked)
        document(found)(server, connection, asked)

    return behave


def fired(at: datetime, name: str = "HighErrorRate") -> list[dict[str, Any]]:
    return [{"metric": {"alertname": name}, "value": str(at.timestamp())}]


CRITICAL = [{"name": "HighErrorRate", "query": "up", "labels": {"severity": "page"}}]
RECORD = [{"value": "1"}]
DURING = datetime(2026, 12, 3, 9, 30, tzinfo=UTC)


def alerted(tmp_path: Path, behaviour: Callable[[Server, Any, Any], None], *texts: str) -> IncidentReview:
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.md").write_text(text, encoding="utf-8")
    with Server(behaviour) as server:
        environment = Environment(
            environment="shop",
            runbooks=("ingestion",),
            allowed_hosts=("127.0.0.1",),
            target={"url": server.url},  # type: ignore[arg-type]
            prometheus={"url": server.url},  # type: ignore[arg-type]
            alerts={"severities": {"critical": "page"}},  # type: ignore[arg-type]
            incidents={"folder": tmp_path, "alerts": "critical"},  # type: ignore[arg-type]
        )
        clients = Clients.of(environment, Guard(["127.0.0.1"], frozenset({Effect.READ})), tmp_path)
        try:
            places, readings, prometheus = clients.incident_reports, clients.readings, clients.prometheus
            limits = ReviewLimits(FIELDS, None, 14.0)
            return incident_review(places, readings, prometheus, environment, MOMENT, None, limits)
        finally:
            clients.close()


@pytest.mark.parametrize(
    ("first", "last", "lately", "unreported"),
    [
        ([], [], [], []),
        (fired(DURING), fired(DURING), [], []),
        (fired(DURING - timedelta(hours=2)), fired(DURING), [], []),
        (fired(DURING + timedelta(days=2)), fired(DURING + timedelta(days=2)), [], ["2026-12-05 09:30Z"]),
        ([], [], fired(MOMENT), ["2026-12-08 15:00Z"]),
        (fired(DURING, "Other"), fired(DURING, "Other"), [], ["2026-12-03 09:30Z"]),
    ],
)
def test_each_alert_that_fired_has_a_report(
    tmp_path: Path,
    first: list[dict[str, Any]],
    last: list[dict[str, Any]],
    lately: list[dict[str, Any]],
    unreported: list[str],
) -> None:
    text = EXAMPLE.replace("[IngestionHighErrorRate]", "[HighErrorRate]")
    found = alerted(tmp_path, prometheus(CRITICAL, RECORD, first, last, lately), text).unreported
    assert [told.rpartition(", ")[2] for told in found] == unreported


def test_that_nothing_fired_is_believed_only_where_something_could(tmp_path: Path) -> None:
    with pytest.raises(Unknown, match="no alert rule has the severity page"):
        alerted(tmp_path, prometheus([], RECORD, [], [], []))
    with pytest.raises(Unknown, match="Prometheus has no record of 14 days ago"):
        alerted(tmp_path, prometheus(CRITICAL, []))
