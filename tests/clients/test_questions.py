"""Readings and service levels by POST, as Cloudflare tells them: a query of GraphQL, a statement of D1."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from readiness.environment.readings import WHEN_ASKED
from readiness.environment.schema import KnownReading, Reading
from readiness.environment.service_levels import Window
from readiness.observations.slo import WindowLimits, counted_events
from readiness.outcomes import Unknown
from readiness.redaction.secret import Secret
from readiness.sources.table import Clients
from readiness.transport.guard import Guard
from tests.clients.cloudflare import D1, GRAPHQL, TOKEN, Cloudflare
from tests.clients.conftest import Make
from tests.clients.servers import Server, document, whole

SPECS = os.environ.get("READINESS_VENDOR_SPECS")
FACT = KnownReading("fact", "a fact")
HOUR = timedelta(hours=1)
QUERY = """
query ($zone: string!, $from: Time!, $until: Time!, $statusAtLeast: uint16!) {
  viewer { zones(filter: {zoneTag: $zone}) {
    httpRequestsAdaptiveGroups(
      limit: 100, filter: {datetime_geq: $from, datetime_lt: $until, edgeResponseStatus_geq: $statusAtLeast}
    ) { count quantiles { edgeTimeToFirstByteMsP95 } }
  } }
}
"""
GROUPS = "/data/viewer/zones/0/httpRequestsAdaptiveGroups"
PLAIN_QUERY = QUERY.replace("quantiles { edgeTimeToFirstByteMsP95 }", "")


def graphql(url: str, floor: int = 0, query: str = PLAIN_QUERY, **more: Any) -> dict[str, Any]:
    variables = {"zone": "z", "from": "{from}", "until": "{until}", "statusAtLeast": floor}
    post = {"graphql": query, "variables": variables}
    return {"http": f"{url}{GRAPHQL}", "token": Secret(TOKEN), "post": post, "pointer": GROUPS, "sum": "/count", **more}


def requests(url: str) -> dict[str, Any]:
    latency = graphql(url, query=QUERY, pointer=f"{GROUPS}/0/quantiles/edgeTimeToFirstByteMsP{{percent}}", times=0.001)
    del latency["sum"]
    return {"count": graphql(url), "failed": graphql(url, 500), "latency": latency}


def d1(url: str, sql: str, pointer: str = "/result/0/results/0/n", **more: Any) -> Reading:
    asked = {"http": f"{url}{D1}", "token": Secret(TOKEN), "post": {"d1": sql}, "pointer": pointer} | more
    return Reading.model_validate(asked)


def clients_of(make: Make, url: str, **readings: Reading) -> Clients:
    return make(url, readings=readings, service_levels={"requests": requests(url)})


def busy(*, failed: int = 3, milliseconds: float = 120.0) -> list[tuple[datetime, int, float]]:
    now = datetime.now(UTC)
    fine = [(now - timedelta(seconds=30 * n), 200, milliseconds) for n in range(1, 101)]
    return [*fine, *((now - timedelta(minutes=n), 502, milliseconds) for n in range(1, failed + 1))]


def test_a_service_level_by_graphql(make: Make) -> None:
    with Server(Cloudflare(busy())) as server:
        levels = clients_of(make, server.url).levels
        assert levels.figure("requests", "count", Window("1h")) == 103
        assert levels.figure("requests", "failed", Window("1h")) == 3
        assert levels.figure("requests", "count", Window("10m")) == pytest.approx(23, abs=2)
        assert levels.figure("requests", "count", Window("1h", "1d")) == 0
        assert levels.quantile("requests", Window("1h", quantile=0.95)).seconds == pytest.approx(0.12)


@pytest.mark.parametrize("failed", [0, 40])
def test_the_observation_is_the_same_whatever_is_asked(make: Make, failed: int) -> None:
    with Server(Cloudflare(busy(failed=failed))) as server:
        levels = clients_of(make, server.url).levels
        events = counted_events(levels, datetime.now(UTC), None, WindowLimits("requests", "1h", None))
    assert (events.count, events.part) == (100 + failed, failed)


def test_a_plan_without_the_field_is_unknown_and_says_so(make: Make) -> None:
    with Server(Cloudflare(busy(), has_quantiles=False)) as server:
        levels = clients_of(make, server.url).levels
        with pytest.raises(Unknown, match=r"does not have access to the path \(may the token, and the plan, ask this"):
            levels.quantile("requests", Window("1h", quantile=0.95))
        assert levels.figure("requests", "count", Window("1h")) == 103


def test_no_group_has_no_latency(make: Make) -> None:
    with Server(Cloudflare()) as server:
        levels = clients_of(make, server.url).levels
        assert levels.figure("requests", "count", Window("1h")) == 0
        with pytest.raises(Unknown, match=r"the answer has nothing at .*/0"):
            levels.quantile("requests", Window("1h", quantile=0.95))


def groups(rows: Any) -> dict[str, Any]:
    return {"data": {"viewer": {"zones": [{"httpRequestsAdaptiveGroups": rows}]}}}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"data": None, "errors": [{"message": "syntax error"}]}, "answered an error .*: syntax error"),
        ({"data": {"viewer": {}}, "errors": [{"message": "partial"}]}, "partial"),
        ({"data": None}, "without data"),
        ({"errors": "no"}, "answered an error .*: no"),
        ([], "no JSON object"),
        (groups([{"count": "7"}]), "'7' at /count.*no number"),
        (groups({"count": 7}), "is no list to add up"),
        (groups([{"count": -7}]), "is -7, and it counts"),
        (groups([{"count": 1}] * 100), "has 100 entries, and there are more: its query has the limit 100"),
    ],
)
def test_what_is_no_answer_is_unknown(make: Make, answer: Any, says: str) -> None:
    with Server(document(answer)) as server, pytest.raises(Unknown, match=says):
        clients_of(make, server.url).levels.figure("requests", "count", Window("1h"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_question_is_carried_nowhere_else(make: Make, status: int) -> None:
    """Followed, it would be another question, or be sent with its variables to whoever the answer names."""
    with Server(Cloudflare(busy())) as there:
        elsewhere = whole(status, headers={"Location": f"{there.url}{GRAPHQL}"})
        with Server(elsewhere) as server, pytest.raises(Unknown, match=f"answered {status}"):
            clients_of(make, server.url).levels.figure("requests", "count", Window("1h"))
        assert there.asked == []


def test_a_host_that_is_not_allowed_is_not_asked(make: Make, guard: Guard) -> None:
    levels = make(service_levels={"requests": {"count": graphql("http://elsewhere.example.com")}}).levels
    with pytest.raises(Unknown, match=r"the host elsewhere\.example\.com is not allowed"):
        levels.figure("requests", "count", Window("1h"))
    assert [request.status.partition(":")[0] for request in guard.requests] == ["refused"]


def test_it_is_recorded_as_a_read(make: Make, guard: Guard) -> None:
    with Server(Cloudflare(busy())) as server:
        clients_of(make, server.url).levels.figure("requests", "count", Window("1h"))
    assert [(request.method, str(request.effect), request.status) for request in guard.requests] == [
        ("POST", "read", "200")
    ]
    assert TOKEN not in str(guard.requests)


TABLES = """
create table orders (id integer, state text, at text);
insert into orders values (1, 'paid', '2025-12-01T08:00:00Z'), (2, 'failed', '2025-12-01T09:00:00Z');
"""


def test_a_reading_by_d1(make: Make) -> None:
    cloudflare = Cloudflare()
    cloudflare.run(TABLES)
    with Server(cloudflare) as server:
        url = server.url
        clients = clients_of(
            make,
            url,
            fact=d1(url, "select count(*) as n from orders where state = 'failed'"),
            rows=d1(url, "select id, state from orders order by id", "/result/0/results"),
            none=d1(url, "select id from orders where id > 5", "/result/0/results"),
            bound=d1(url, "", post={"d1": "select count(*) as n from orders where at >= ?", "params": ["2025-12-01"]}),
            dated=d1(url, "select count(*) as n, max(at) as at from orders", at="/result/0/results/0/at"),
        )
        readings = clients.readings
        assert readings.number(readings.named("fact")) == 1
        assert readings.rows(readings.named("rows"), "id", "state")[1] == {"id": 2, "state": "failed"}
        assert readings.rows(readings.named("none")) == []
        assert readings.number(readings.named("bound")) == 2
        dated = readings.dated(readings.named("dated"))
    assert (dated.value, dated.at) == (2, datetime(2025, 12, 1, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("select count(*) as n from no_such_table", "answered 400"),
        ("select null as n from orders", "no single value but null"),
    ],
)
def test_what_d1_does_not_answer_is_unknown(make: Make, sql: str, says: str) -> None:
    cloudflare = Cloudflare()
    cloudflare.run(TABLES)
    with Server(cloudflare) as server, pytest.raises(Unknown, match=says):
        clients_of(make, server.url, fact=d1(server.url, sql)).readings.value(FACT)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"success": False, "errors": [], "result": []}, "did not answer .* with success"),
        ({"success": True, "errors": [], "result": [{"success": False}]}, "did not answer .* with success"),
        ({"success": True, "result": [{"success": True, "meta": {"changed_db": True}}]}, "has changed the database"),
        ({"success": True, "result": [{"success": True, "meta": {"changes": 3}}]}, "has changed the database"),
        ({"success": True, "result": [{"success": True, "meta": {"rows_written": 3}}]}, "has changed the database"),
        ({"success": False, "errors": [{"message": "denied"}]}, "answered an error .*: denied"),
    ],
)
def test_a_status_of_200_is_no_success_yet(make: Make, answer: Any, says: str) -> None:
    with Server(document(answer)) as server, pytest.raises(Unknown, match=says):
        clients_of(make, server.url, fact=d1(server.url, "select count(*) as n from orders")).readings.value(FACT)


@pytest.mark.parametrize(
    ("post", "says"),
    [
        ({"d1": "select id from orders limit 2"}, "there are more: its statement has the limit 2"),
        ({"d1": "select id from orders limit ?", "params": [2]}, "its statement has the limit 2"),
        ({"d1": "select id from orders limit 0"}, "has 0 entries, .* its statement has the limit 0"),
        ({"d1": "select id from orders limit 1 + 1"}, "the limit of its statement is no plain number"),
        ({"d1": "select id from orders limit 3"}, 2),
        ({"d1": "select id from orders"}, 2),
    ],
)
def test_a_statement_that_is_cut_is_not_the_whole_list(make: Make, post: dict[str, Any], says: str | int) -> None:
    cloudflare = Cloudflare()
    cloudflare.run(TABLES)
    with Server(cloudflare) as server:
        readings = clients_of(make, server.url, fact=d1(server.url, "", "/result/0/results", post=post)).readings
        if isinstance(says, int):
            assert len(readings.rows(FACT, "id")) == says
            return
        with pytest.raises(Unknown, match=says):
            readings.rows(FACT, "id")


@pytest.mark.parametrize("rows", [1, 2])
def test_a_query_that_is_cut_by_the_default_of_a_variable_is_not_the_whole_list(make: Make, rows: int) -> None:
    with Server(document({"data": {"a": [{"id": n} for n in range(rows)]}})) as server:
        post = {"graphql": "query ($n: Int = 2) { a(first: $n) { id } }"}
        source = Reading.model_validate({"http": server.url, "post": post, "pointer": "/data/a"})
        readings = make(server.url, readings={"fact": source}).readings
        if rows == 1:
            assert readings.rows(FACT, "id") == [{"id": 0}]
            return
        with pytest.raises(Unknown, match="its query has the limit 2"):
            readings.rows(FACT, "id")


@pytest.mark.parametrize(
    ("sql", "is_stated"),
    [
        ("select 5 as n", True),
        ("select 5 as n from (select 1)", True),
        ("select count(*) as n from orders", False),
        ("select 'from orders' as n", True),
    ],
)
def test_a_statement_that_reads_no_table_is_stated(make: Make, sql: str, is_stated: bool) -> None:
    cloudflare = Cloudflare()
    cloudflare.run(TABLES)
    told: list[str] = []
    with Server(cloudflare) as server:
        readings = make(server.url, readings={"fact": d1(server.url, sql)}, note=told.append).readings
        readings.value(FACT)
    assert told == (["readings.fact is stated in test.yaml: its D1 statement reads no table"] if is_stated else [])


def test_any_other_post_goes_by_the_word_of_the_team(make: Make) -> None:
    post = {"body": {"since": "{from_unix}", "until": "{until}"}, "reads": "a search, a read by its description"}
    with Server(document({"hits": {"total": 4}})) as server:
        asked = {"http": f"{server.url}/search", "post": post, "pointer": "/hits/total", "window": "1h"}
        reading = Reading.model_validate(asked)
        assert make(server.url, readings={"fact": reading}).readings.number(FACT) == 4
    sent = json.loads(server.asked[0].body)
    until = datetime.fromisoformat(sent["until"])
    assert abs(until - datetime.now(UTC)) < timedelta(minutes=1)
    assert sent["since"] == int((until - HOUR).timestamp())


def test_an_errors_field_of_a_team_s_own_is_theirs(make: Make) -> None:
    post = {"body": {"of": "uploads"}, "reads": "the counter of the service, which it only reads"}
    with Server(document({"errors": 12})) as server:
        reading = Reading.model_validate({"http": server.url, "post": post, "pointer": "/errors"})
        assert make(server.url, readings={"fact": reading}).readings.number(FACT) == 12


def test_a_span_in_an_address_is_escaped(make: Make) -> None:
    figure = {"pointer": "/n", "http": "SERVER/stats?from={from}&until={until}&path={path}"}
    with Server(document({"n": 4})) as server:
        figure["http"] = figure["http"].replace("SERVER", server.url)
        levels = make(server.url, service_levels={"endpoint": {"count": figure}}).levels
        assert levels.figure("endpoint", "count", Window("1h", path="/a?b&c")) == 4
    assert "path=%2Fa%3Fb%26c" in server.asked[0].path
    assert "%3A" in server.asked[0].path


PAGES = "SERVER/incidents?since={from}&until={until}&urgencies[]=high&total=true&limit=1"
TICKETS = "SERVER/search/issues?q=repo:acme/support+label:complaint+created:{from}..{until}&per_page=1"


@pytest.mark.parametrize(
    ("address", "pointer", "answer", "expected"),
    [
        (PAGES, "/total", {"incidents": [{"id": "P1"}], "limit": 1, "offset": 0, "more": True, "total": 12}, 12),
        (PAGES, "/total", {"incidents": [], "limit": 1, "offset": 0, "more": False, "total": 0}, 0),
        (PAGES, "/total", {"incidents": [{"id": "P1"}], "more": True, "total": None}, "is not a number: 'None'"),
        (TICKETS, "/total_count", {"total_count": 40, "incomplete_results": False, "items": [{}]}, 40),
        (TICKETS, "/total_count", {"total_count": 40, "incomplete_results": True}, "are incomplete"),
    ],
)
def test_pages_and_tickets_of_a_window(
    make: Make, address: str, pointer: str, answer: dict[str, Any], expected: float | str
) -> None:
    with Server(document(answer)) as server:
        figure = {"http": address.replace("SERVER", server.url), "pointer": pointer}
        levels = make(server.url, service_levels={"pages": {"count": figure}}).levels
        if isinstance(expected, str):
            with pytest.raises(Unknown, match=expected):
                levels.figure("pages", "count", Window("7d"))
            return
        assert levels.figure("pages", "count", Window("7d")) == expected
    until = datetime.now(UTC)
    assert f"{until - timedelta(days=7):%Y-%m-%d}" in server.asked[0].path
    assert f"{until:%Y-%m-%d}" in server.asked[0].path


MOMENTS = {"at": "2025-12-01T09:00:00Z", "unix": 1764579600, "none": None, "ahead": "2999-01-01T00:00:00Z"}
TIMED = {"n": 7, "meta": MOMENTS}


@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("/meta/at", datetime(2025, 12, 1, 9, tzinfo=UTC)),
        ("/meta/unix", datetime(2025, 12, 1, 9, tzinfo=UTC)),
        ("/meta/none", "the time at /meta/none is null"),
        ("/meta/at_", "the answer has nothing at /meta/at_"),
        ("/n", "is of no year|which is no second since 1970 of a year"),
        ("/meta/ahead", "is in the future"),
    ],
)
def test_the_time_beside_a_value(make: Make, at: str, found: datetime | str) -> None:
    with Server(document(TIMED)) as server:
        reading = Reading.model_validate({"http": server.url, "pointer": "/n", "at": at})
        readings = make(server.url, readings={"fact": reading}).readings
        if isinstance(found, datetime):
            assert readings.dated(FACT).at == found
            return
        with pytest.raises(Unknown, match=found):
            readings.dated(FACT)


def test_a_source_of_now_is_of_when_it_is_asked(make: Make) -> None:
    with Server(document(TIMED)) as server:
        reading = Reading.model_validate({"http": server.url, "pointer": "/n", "at": WHEN_ASKED})
        dated = make(server.url, readings={"fact": reading}).readings.dated(FACT)
        undated = make(server.url, readings={"fact": reading.model_copy(update={"at": None})}).readings.dated(FACT)
    assert dated.at
    assert abs(dated.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert undated.at is None


if SPECS:

    def test_the_stand_in_answers_as_cloudflare_describes_it() -> None:
        path = Path(str(SPECS)) / "cloudflare.openapi.json"
        whole_file = json.loads(path.read_text("utf-8"))
        # One result: the description of the whole answer asks for a list that is an object.
        schema = {"$ref": "#/components/schemas/d1_query-result-response", "components": whole_file["components"]}
        cloudflare = Cloudflare()
        cloudflare.run(TABLES)
        _, answer = cloudflare._d1("select * from orders", [])
        jsonschema.validate(answer["result"][0], schema)
