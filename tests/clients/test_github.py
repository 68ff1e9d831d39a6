"""The client against the sandbox's GitHub, and what is made of its answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from socket import socket
from typing import Any

import pytest

from readiness.environment.schema import Environment, Reading
from readiness.observations.release import CiResult, blockers, ci
from readiness.observations.rollback import Review, previous_version, procedure_review
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import Secret
from readiness.sandbox.vendors.github import REPOSITORY, GitHub
from readiness.sandbox.vendors.tickets import Issue
from readiness.sandbox.web import Web
from readiness.sources.table import Clients
from tests.clients.conftest import Make
from tests.clients.servers import Asked, Server, packet

REVISION = "v1.4.0"


@pytest.fixture
def server() -> GitHub:
    return GitHub(REVISION)


@pytest.fixture
def section(server: GitHub) -> Iterator[dict[str, Any]]:
    web = Web(server.application())
    yield {
        "url": web.url,
        "token": Secret(server.token),
        "repository": REPOSITORY,
        "ref": "tags/{revision}",
        "required_checks": ("test",),
        "rollback_procedure": "docs/rollback.md",
    }
    web.stop()


@pytest.fixture
def clients(make: Make, section: dict[str, Any]) -> Clients:
    return make(systems=False, github=section)


def environment(revision: str | None = REVISION) -> Environment:
    target = {"url": "http://127.0.0.1:9", "revision": revision}
    return Environment.model_validate(
        {"environment": "test", "runbooks": ("ingestion",), "allowed_hosts": ("127.0.0.1",), "target": target}
    )


def looked(clients: Clients, revision: str | None = REVISION) -> CiResult:
    return ci(clients.github, clients.readings, environment(revision))


def before(clients: Clients, tag: str = "*") -> list[str]:
    return previous_version(clients.github, clients.readings, environment(), tag).found


def test_pull_requests_are_no_bugs_and_all_pages_are_read(clients: Clients, server: GitHub) -> None:
    assert blockers(clients.github, ("P1", "P2")).found == []
    server.issues += [Issue("Uploads vanish\n", ["P1"]), Issue("Slow", ["P2"]), Issue("Both", ["P1", "P2"])]
    server.per_page = 1
    assert blockers(clients.github, ("P1", "P2")).found == ["P1 #3 Uploads vanish", "P1 #5 Both", "P2 #4 Slow"]


def test_a_label_that_nobody_can_give_is_unknown(make: Make, section: dict[str, Any], server: GitHub) -> None:
    named = make(systems=False, github={**section, "labels": {"P1": "priority: critical"}})
    with pytest.raises(Unknown, match="priority: critical"):
        blockers(named.github, ("P1",))
    server.labels.add("priority: critical")
    assert blockers(named.github, ("P1",)).found == []


def test_pages_without_an_end_are_unknown(make: Make, section: dict[str, Any]) -> None:
    again = Server(lambda _server, link, _asked: link.sendall(packet(200, b"[]", {"Link": '<http://x/>; rel="next"'})))
    with again as endless, pytest.raises(Unknown, match="more than 20 pages"):
        make(systems=False, github={**section, "url": endless.url}).github.tags()


def test_ci_is_green_where_every_job_passed_or_was_skipped(clients: Clients) -> None:
    assert looked(clients) == CiResult(4, [], [])


@pytest.mark.parametrize(
    "conclusion", ["failure", "cancelled", "timed_out", "action_required", "stale", "startup_failure", None]
)
def test_a_job_with_any_other_end_has_failed(clients: Clients, server: GitHub, conclusion: str | None) -> None:
    server.runs["test"] = ("completed", conclusion)
    assert looked(clients).failed == [f"test: {conclusion or 'no conclusion'}"]


@pytest.mark.parametrize("state", ["failure", "error"])
def test_a_status_of_another_system_counts(clients: Clients, server: GitHub, state: str) -> None:
    server.statuses["security/scan"] = state
    assert looked(clients).failed == [f"security/scan: {state}"]


def test_jobs_of_one_name_each_count(make: Make, section: dict[str, Any]) -> None:
    def twice(_server: Server, link: socket, asked: Asked) -> None:
        runs = [{"name": "test", "status": "completed", "conclusion": word} for word in ("failure", "success")]
        statuses = [{"context": "test", "state": "success"}]
        found: dict[str, Any] = (
            {"check_runs": runs} if "check-runs" in asked.path else {"sha": "a" * 40, "statuses": statuses}
        )
        found["total_count"] = 2 if "check_runs" in found else 1
        link.sendall(packet(200, json.dumps(found).encode()))

    with Server(twice) as server:
        clients = make(systems=False, github={**section, "url": server.url, "required_checks": ["test"]})
        assert looked(clients) == CiResult(3, ["test: failure"], [])


def test_what_still_runs_is_unknown_unless_something_failed(clients: Clients, server: GitHub) -> None:
    server.statuses["security/scan"] = "pending"
    with pytest.raises(Unknown, match=r"still running: security/scan"):
        looked(clients)
    server.runs["lint"] = ("completed", "failure")
    assert looked(clients).failed == ["lint: failure"]


def test_no_result_is_no_pass(clients: Clients, server: GitHub) -> None:
    del server.runs["test"]
    assert looked(clients).missing == ["test"]
    server.runs.clear()
    server.statuses.clear()
    with pytest.raises(Unknown, match="no CI result"):
        looked(clients)


def test_a_revision_that_the_repository_does_not_know_is_unknown(clients: Clients) -> None:
    with pytest.raises(Unknown, match=r"knows no 'tags/v9'"):
        looked(clients, "v9")
    with pytest.raises(NotConfigured, match=r"target\.revision"):
        looked(clients, None)


def test_only_an_earlier_commit_is_a_way_back(clients: Clients, server: GitHub) -> None:
    assert before(clients) == ["v1.3.9"]
    assert before(clients, "backup-*") == ["backup-1"]
    assert before(clients, "release-*") == []
    server.tags = {REVISION: REVISION, "same": REVISION, "v2.0.0-rc1": "next"}
    assert before(clients) == []
    server.tags = {**{f"v3.{place}": "next" for place in range(21)}, "v1.3.9": "before"}
    server.tags[REVISION] = REVISION
    with pytest.raises(Unknown, match="newer commits"):
        before(clients)


def test_the_version_before_may_be_a_reading(make: Make) -> None:
    def told(value: str) -> list[str]:
        return before(make(systems=False, readings={"previous_version": Reading(value=value)}))

    assert told("dpl_of_last_week") == ["dpl_of_last_week"]
    assert told(REVISION) == []
    with pytest.raises(NotConfigured, match="go back to"):
        before(make(systems=False))


@pytest.mark.parametrize(
    ("said", "approvals"),
    [
        ([("grace", "APPROVED")], 1),
        ([("grace", "APPROVED"), ("edsger", "APPROVED"), ("grace", "COMMENTED")], 2),
        ([("grace", "CHANGES_REQUESTED"), ("grace", "APPROVED")], 1),
        ([("grace", "APPROVED"), ("grace", "DISMISSED")], 0),
        ([("grace", "APPROVED"), ("grace", "CHANGES_REQUESTED")], 0),
        ([("ada", "APPROVED")], 0),
        ([("grace", "COMMENTED")], 0),
        ([], 0),
    ],
)
def test_an_approval_is_somebody_elses_last_word(
    clients: Clients, server: GitHub, said: list[tuple[str, str]], approvals: int
) -> None:
    server.reviews = said
    assert procedure_review(clients.github, datetime.now(UTC) + timedelta(hours=1)) == Review(
        "docs/rollback.md", exists=True, approvals=approvals, days=20
    )


def test_a_document_that_is_not_there_is_told(make: Make, section: dict[str, Any]) -> None:
    other = make(systems=False, github={**section, "rollback_procedure": "docs/none.md"})
    assert not procedure_review(other.github, datetime.now(UTC)).exists
    unnamed = make(systems=False, github={**section, "rollback_procedure": None})
    with pytest.raises(NotConfigured, match="rollback procedure"):
        procedure_review(unnamed.github, datetime.now(UTC))
