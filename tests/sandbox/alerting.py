"""What can be seen of the sandbox's alerts: the rules, what they said, the route, the silences, the receiver."""

from __future__ import annotations

from typing import Any

import httpx

from tests.sandbox.visitor import Visitor

FIRED = 'max_over_time(ALERTS{alertstate="firing",severity="critical"}[1d])'


def alerting(visitor: Visitor) -> dict[str, Any]:
    known = visitor.sandbox.variables
    alertmanager, catcher = f"{known['SANDBOX_ALERTMANAGER_URL']}/api/v2", known["SANDBOX_CATCHER_URL"]
    with httpx.Client(trust_env=False, timeout=10) as http:
        status, silences = (http.get(f"{alertmanager}/{name}").json() for name in ("status", "silences"))
        return rules(http, known["SANDBOX_PROMETHEUS_URL"]) | {
            "route": status["config"]["original"],
            "silenced": [one["matchers"] for one in silences if one["status"]["state"] == "active"],
            "receiver": http.post(f"{catcher}/webhook", json={"alerts": []}).status_code,
            "received": http.get(f"{catcher}/alerts").status_code,
        }


def rules(http: httpx.Client, prometheus: str) -> dict[str, Any]:
    answer = http.get(f"{prometheus}/api/v1/rules")
    if answer.status_code != 200:
        return {"rules": answer.status_code}
    fired = http.get(f"{prometheus}/api/v1/query", params={"query": FIRED}).json()["data"]["result"]
    told = ("query", "duration", "labels", "health")
    return {
        "rules": {
            rule["name"]: [rule[key] for key in told]
            for group in answer.json()["data"]["groups"]
            for rule in group["rules"]
        },
        "fired": sorted(one["metric"]["alertname"] for one in fired),
    }
