"""What stands in for Slack, Discord and GitHub answers as their own descriptions say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import jsonschema
import pytest

from readiness.sandbox import Sandbox
from readiness.sandbox.vendors.discord import GUILD
from readiness.sandbox.vendors.slack import ROLLOUT
from tests.sandbox.test_watchers import SPECS, described


def ask(sandbox: Sandbox, vendor: str, path: str, token: str | None = None) -> httpx.Response:
    known = sandbox.variables
    names = {"slack": ("SLACK", "Bearer"), "discord": ("DISCORD", "Bot"), "github": ("TICKETS", "Bearer")}
    name, word = names[vendor]
    headers = {"Authorization": f"{word} {token or known[f'SANDBOX_{name}_TOKEN']}"}
    return httpx.get(f"{known['SANDBOX_CHANNELS_URL']}/{vendor}{path}", headers=headers, trust_env=False)


def without_pruned(schema: Any) -> Any:
    """Let pass what was left out when the description was made smaller."""
    if isinstance(schema, list):
        return [without_pruned(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {} if schema.get("x-pruned") else {key: without_pruned(value) for key, value in schema.items()}


if SPECS:

    @pytest.mark.parametrize(
        ("vendor", "path", "operation"),
        [
            ("slack", "/conversations.list?limit=200", "/conversations.list"),
            ("slack", f"/conversations.info?channel={ROLLOUT}", "/conversations.info"),
            ("slack", f"/conversations.members?channel={ROLLOUT}", "/conversations.members"),
            ("discord", f"/guilds/{GUILD}/channels", "/guilds/{guild_id}/channels"),
            ("github", "/repos/sandbox/support/issues?labels=support&state=open", "/repos/{owner}/{repo}/issues"),
        ],
    )
    def test_they_answer_as_described(sandbox: Sandbox, vendor: str, path: str, operation: str) -> None:
        answer = ask(sandbox, vendor, path).json()
        assert answer
        jsonschema.validate(answer, without_pruned(described(vendor, operation)))

    @pytest.mark.parametrize("method", ["list", "info", "members"])
    def test_slack_refuses_as_described(sandbox: Sandbox, method: str) -> None:
        answer = ask(sandbox, "slack", f"/conversations.{method}", token="another")
        assert answer.status_code == 200
        jsonschema.validate(answer.json(), described("slack", f"/conversations.{method}", status="default"))


def test_every_list_of_slack_comes_in_pages(sandbox: Sandbox) -> None:
    first = ask(sandbox, "slack", "/conversations.list?limit=200").json()
    cursor = first["response_metadata"]["next_cursor"]
    second = ask(sandbox, "slack", f"/conversations.list?limit=200&cursor={cursor}").json()
    names = [one["name"] for one in first["channels"] + second["channels"]]
    assert names == ["general", "ingestion-rollout", "incidents", "customer-team"]


def test_the_launch_is_decided_and_after_it_announced(sandbox: Sandbox, launched_sandbox: Sandbox) -> None:
    said: dict[str, Any] = {}
    for name, which in (("before", sandbox), ("after", launched_sandbox)):
        answer = ask(which, "slack", f"/conversations.history?channel={ROLLOUT}").json()
        said[name] = [one["text"] or one["attachments"][0]["text"] for one in answer["messages"]]
    assert said["before"][-1].startswith(":rocket: *GO*")
    assert not said["before"][0].startswith("time: ")
    assert said["after"][0].startswith("time: ")


def test_the_status_page_announces_the_launch(sandbox: Sandbox) -> None:
    where = f"{sandbox.variables['SANDBOX_CHANNELS_URL']}/pages/own/api/v2/summary.json"
    (notice,) = httpx.get(where, trust_env=False).json()["scheduled_maintenances"]
    begins, ends = (datetime.fromisoformat(notice[key]) for key in ("scheduled_for", "scheduled_until"))
    launch = datetime.fromisoformat(sandbox.variables["SANDBOX_LAUNCH_AT"])
    assert begins < launch < ends
    assert begins.tzinfo is not None
    assert begins > datetime.now(UTC)


def test_the_status_page_says_that_the_launch_is_done(launched_sandbox: Sandbox) -> None:
    where = f"{launched_sandbox.variables['SANDBOX_CHANNELS_URL']}/pages/own/api/v2"
    (told,) = httpx.get(f"{where}/incidents.json", trust_env=False).json()["incidents"]
    assert (told["status"], told["name"]) == ("resolved", "New ingestion pipeline")
    assert "generally available" in told["incident_updates"][0]["body"]
    assert httpx.get(f"{where}/summary.json", trust_env=False).json()["incidents"] == []
