"""What stands in for Grafana and Sentry answers as their own descriptions say."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from readiness.sandbox import Sandbox
from readiness.sandbox.vendors import sentry_records
from readiness.sandbox.vendors.sentry import Sentry
from readiness.sandbox.web import Web

SPECS = os.environ.get("READINESS_VENDOR_SPECS")
"""The folder of the vendors' descriptions; they are too large to ship."""
ORGANIZATION = "/api/0/organizations/{organization_id_or_slug}/"
RULES = "/api/0/projects/{organization_id_or_slug}/{project_id_or_slug}/rules/"
EVENTS = "events/?field=count()&dataset=errors&query=&statsPeriod=1h"
PARTS = {
    "issues/?expand=integrationIssues&statsPeriod=30d": "issues/",
    "detectors/": "detectors/",
    "workflows/": "workflows/",
    EVENTS: "events/",
    "stats_v2/?groupBy=outcome&field=sum(quantity)": "stats_v2/",
}
ONLY_WHEN_ASKED_FOR = {"inbox", "owners", "sessionCount", "latestEventHasAttachments", "sentryAppIssues"}
"""Keys of an issue that come with `expand` alone; the description demands them always."""


def described(name: str, path: str, method: str = "get", status: str = "200") -> dict[str, Any]:
    """Give the schema of an answer, in the words of JSON Schema: OpenAPI 3.0 says `nullable`."""
    file = Path(str(SPECS)) / f"{name}.openapi.json"
    assert file.is_file(), f"READINESS_VENDOR_SPECS is set, and {file} does not exist"
    whole: dict[str, Any] = json.loads(file.read_text("utf-8"))
    answer = whole["paths"][path][method]["responses"][status]
    if "$ref" in answer:
        answer = whole["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    schema = answer["content"]["application/json"]["schema"]
    found: dict[str, Any] = _nullable({**schema, "components": whole.get("components", {})})
    return found


def _stripped(schema: Any) -> Any:
    """Take the spaces away that Grafana's description has before the types of contact points."""
    if isinstance(schema, dict):
        return {key: _stripped(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_stripped(each) for each in schema]
    return schema.strip() if isinstance(schema, str) else schema


def _nullable(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _nullable(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [{"type": "null"}, found]} if schema.get("nullable") is True else found


def grafana(sandbox: Sandbox, path: str, **more: Any) -> httpx.Response:
    known = sandbox.variables
    headers = {"Authorization": f"Bearer {known['SANDBOX_GRAFANA_TOKEN']}"}
    method = "POST" if more else "GET"
    return httpx.request(method, f"{known['SANDBOX_GRAFANA_URL']}/api{path}", headers=headers, trust_env=False, **more)


def sentry(sandbox: Sandbox, path: str) -> httpx.Response:
    known = sandbox.variables
    headers = {"Authorization": f"Bearer {known['SANDBOX_SENTRY_TOKEN']}"}
    return httpx.get(known["SANDBOX_SENTRY_URL"] + path, headers=headers, trust_env=False)


def query(expression: str) -> dict[str, Any]:
    asked = {"refId": "A", "datasource": {"uid": "sandbox-prometheus"}, "expr": expression, "instant": True}
    return {"from": "now-1h", "to": "now", "queries": [asked]}


if SPECS:

    @pytest.mark.parametrize(
        ("path", "operation", "status"),
        [
            ("/search?type=dash-db", "/search", "200"),
            ("/dashboards/uid/ingestion", "/dashboards/uid/{uid}", "200"),
            ("/dashboards/uid/none", "/dashboards/uid/{uid}", "404"),
            ("/datasources", "/datasources", "200"),
            ("/v1/provisioning/alert-rules", "/v1/provisioning/alert-rules", "200"),
            ("/v1/provisioning/contact-points", "/v1/provisioning/contact-points", "200"),
            ("/v1/provisioning/policies", "/v1/provisioning/policies", "200"),
        ],
    )
    def test_grafana_answers_as_its_description_says(sandbox: Sandbox, path: str, operation: str, status: str) -> None:
        answer = grafana(sandbox, path)
        assert str(answer.status_code) == status
        jsonschema.validate(answer.json(), _stripped(described("grafana", operation, status=status)))

    @pytest.mark.parametrize(("expression", "status"), [("vector(1)", "200"), ("sum(", "207")])
    def test_grafana_answers_queries_as_its_description_says(sandbox: Sandbox, expression: str, status: str) -> None:
        answer = grafana(sandbox, "/ds/query", json=query(expression))
        assert str(answer.status_code) == status
        # The description spells the keys of a result in upper case; real answers do not.
        upper = {
            ref: {key.capitalize(): value for key, value in result.items() if key != "frames"}
            for ref, result in answer.json()["results"].items()
        }
        jsonschema.validate({"results": upper}, described("grafana", "/ds/query", "post", status))

    @pytest.mark.parametrize("path", PARTS)
    def test_sentry_answers_as_its_description_says(sandbox: Sandbox, path: str) -> None:
        schema = described("sentry", ORGANIZATION + PARTS[path])
        if PARTS[path] == "issues/":
            schema["items"]["required"] = sorted(set(schema["items"]["required"]) - ONLY_WHEN_ASKED_FOR)
        if PARTS[path] == "workflows/":
            _comparison_may_be_an_object(schema)
        jsonschema.validate(sentry(sandbox, _at(path)).json(), schema)

    def test_the_older_sentry_answers_as_its_description_said() -> None:
        jsonschema.validate(
            sentry_records.metric_rules(), described("sentry-legacy-alerts", f"{ORGANIZATION}alert-rules/")
        )
        jsonschema.validate(sentry_records.issue_rules(), described("sentry-legacy-alerts", RULES))


def _at(path: str) -> str:
    return ORGANIZATION.replace("{organization_id_or_slug}", "sandbox") + path


def _comparison_may_be_an_object(schema: Any) -> None:
    """Correct what the description's own example contradicts: it has `{"value": 100, "interval": "1h"}` there."""
    if isinstance(schema, dict):
        if "comparison" in schema.get("properties", {}):
            schema["properties"]["comparison"] = {}
        for value in schema.values():
            _comparison_may_be_an_object(value)
    if isinstance(schema, list):
        for value in schema:
            _comparison_may_be_an_object(value)


def test_grafana_asks_the_real_prometheus(sandbox: Sandbox) -> None:
    (frame,) = grafana(sandbox, "/ds/query", json=query("sum(up)")).json()["results"]["A"]["frames"]
    assert [field["type"] for field in frame["schema"]["fields"]] == ["time", "number"]
    assert frame["data"]["values"][1] == [1.0]
    failed = grafana(sandbox, "/ds/query", json=query("sum("))
    assert failed.status_code == 207
    assert "parse error" in failed.json()["results"]["A"]["error"]


def test_strangers_are_refused(sandbox: Sandbox) -> None:
    known = sandbox.variables
    for name, path in (("GRAFANA", "/api/search"), ("SENTRY", _at("issues/")), ("TINYBIRD", "/v0/pipes/p95.json")):
        assert httpx.get(known[f"SANDBOX_{name}_URL"] + path, trust_env=False).status_code in {401, 403}


def test_sentry_is_of_one_age() -> None:
    server = Sentry()
    web = Web(server.application())
    with httpx.Client(headers={"Authorization": f"Bearer {server.token}"}, trust_env=False) as client:
        for older, newer_status, older_status in ((False, 200, 410), (True, 404, 200)):
            server.older = older
            assert client.get(web.url + _at("workflows/")).status_code == newer_status
            assert client.get(web.url + _at("alert-rules/")).status_code == older_status
    web.stop()
