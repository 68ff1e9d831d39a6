"""The client against a real Alertmanager, and its answers and ours against its description."""

from __future__ import annotations

import json
import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from readiness.outcomes import NotConfigured, Unknown
from readiness.sandbox import Sandbox
from readiness.sources.table import Clients
from tests.clients.conftest import Make
from tests.clients.servers import Server, document, whole

SPECS = os.environ.get("READINESS_VENDOR_SPECS")
"""The folder of the vendors' descriptions; they are too large to ship."""
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def clients(make: Make, sandbox: Sandbox) -> Clients:
    return make(alertmanager={"url": sandbox.variables["SANDBOX_ALERTMANAGER_URL"]})


def raise_alert(clients: Clients) -> str:
    mark, moment = uuid.uuid4().hex, datetime.now(UTC)
    labels = {"alertname": "Test", "mark": mark, "severity": "none"}
    clients.alertmanager.post(labels, {"summary": "a test"}, moment, moment + timedelta(minutes=1))
    return mark


def test_an_alert_is_raised_found_and_ended(clients: Clients) -> None:
    mark = raise_alert(clients)
    (found,) = clients.alertmanager.alerts(mark=mark)
    assert found.labels["alertname"] == "Test"
    assert [one.name for one in found.receivers] == ["catcher"]
    assert not found.status.silenced_by
    clients.alertmanager.post(found.labels, {}, datetime.now(UTC), datetime.now(UTC))
    assert clients.alertmanager.alerts(mark=mark) == []


def test_receivers(clients: Clients) -> None:
    assert clients.alertmanager.receivers() == ["catcher", "nobody"]


def test_what_it_refuses_is_unknown(clients: Clients) -> None:
    with pytest.raises(Unknown, match="answered 400 to the posted alert without a name: "):
        clients.alertmanager.post({}, {}, NOW, NOW)


@pytest.mark.parametrize(
    ("status", "body", "told", "remedy"),
    [
        (503, "no healthy upstream", ": no healthy upstream", "is Alertmanager up and ready?"),
        (403, "<html>sign in</html>", "", "the permission to read it"),
    ],
)
def test_a_refusal_says_what_was_asked_and_what_to_do(
    make: Make, status: int, body: str, told: str, remedy: str
) -> None:
    with Server(whole(status, body)) as server:
        with pytest.raises(Unknown) as posted:
            make(server.url).alertmanager.post({"alertname": "A"}, {}, NOW, NOW)
        with pytest.raises(Unknown) as asked:
            make(server.url).alertmanager.alerts()
    where = f"{server.url}/api/v2/alerts answered {status}"
    assert posted.value.reason == f"{where} to the posted alert A{told}"
    assert asked.value.reason == f"{where} to the question for its alerts{told}"
    assert remedy in posted.value.remedy


def test_a_post_that_is_answered_with_a_page_is_unknown(make: Make) -> None:
    with Server(whole(200, "<html>sign in</html>")) as server, pytest.raises(Unknown, match="something else"):
        make(server.url).alertmanager.post({"alertname": "A"}, {}, NOW, NOW)


def test_an_alert_without_a_status_is_unknown(make: Make) -> None:
    with Server(document([{"labels": {}, "receivers": []}])) as server, pytest.raises(Unknown, match=r"0\.status"):
        make(server.url).alertmanager.alerts()


def test_a_filter_is_quoted(make: Make) -> None:
    with Server(document([])) as server:
        assert make(server.url).alertmanager.alerts(mark="a&b") == []
        assert server.asked[0].path == "/api/v2/alerts?filter=mark%3D%22a%26b%22"


def test_not_configured_names_the_key(make: Make) -> None:
    with pytest.raises(NotConfigured, match=r"alertmanager\.url"):
        make(systems=False).alertmanager.receivers()


def schema(name: str) -> dict[str, Any]:
    path = Path(str(SPECS)) / "alertmanager.openapi.json"
    assert path.is_file(), f"READINESS_VENDOR_SPECS is set, and {path} does not exist"
    described = json.loads(path.read_text("utf-8"))
    return {"$ref": f"#/components/schemas/{name}", "components": described["components"]}


if SPECS:

    def test_what_is_posted_is_as_the_description_says(make: Make) -> None:
        with Server(whole(200)) as server:
            make(server.url).alertmanager.post({"alertname": "A"}, {"summary": "s"}, NOW, NOW)
        assert server.asked[0].path == "/api/v2/alerts"
        jsonschema.validate(json.loads(server.asked[0].body), schema("postableAlerts"))

    def test_the_real_server_answers_as_the_description_says(clients: Clients, sandbox: Sandbox) -> None:
        mark = raise_alert(clients)
        base = f"{sandbox.variables['SANDBOX_ALERTMANAGER_URL']}/api/v2"
        alerts = httpx.get(f"{base}/alerts", params={"filter": f'mark="{mark}"'}, trust_env=False).json()
        assert alerts
        for one in alerts:
            one["status"].setdefault("mutedBy", [])  # newer than the Alertmanager of some distributions
        jsonschema.validate(alerts, schema("gettableAlerts"))
