"""What stands in for PagerDuty and GitHub answers as their own descriptions say, and whoever is strange is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from readiness.sandbox.office import Office, start
from readiness.sandbox.vendors.github import REPOSITORY, sha
from readiness.sandbox.vendors.pagerduty import ADA, MAIN
from tests.sandbox.test_watchers import described

SPECS = os.environ.get("READINESS_VENDOR_SPECS")
REVISION = "v1.4.0"
REPOS, HERE = "/repos/{owner}/{repo}", f"/repos/{REPOSITORY}"
NOW = datetime.now(UTC)
WINDOW = f"since={NOW:%Y-%m-%dT%H:%M:%SZ}&until={NOW + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
PAGERDUTY = {
    "/oncalls": f"/oncalls?{WINDOW}",
    "/escalation_policies/{id}": f"/escalation_policies/{MAIN}",
    "/users/{id}/contact_methods": f"/users/{ADA}/contact_methods",
}
GITHUB = {
    f"{REPOS}/issues": f"{HERE}/issues?state=open&labels=P1",
    f"{REPOS}/tags": f"{HERE}/tags",
    f"{REPOS}/commits/{{ref}}/status": f"{HERE}/commits/tags/{REVISION}/status",
    f"{REPOS}/commits/{{ref}}/check-runs": f"{HERE}/commits/{sha(REVISION)}/check-runs",
}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    found = start(tmp_path_factory.mktemp("office") / "office", NOW, REVISION)
    yield found
    for web in found.webs.values():
        web.stop()


def asked(office: Office, vendor: str, path: str, token: str | None = None) -> httpx.Response:
    given = token or (office.pagerduty.token if vendor == "PAGERDUTY" else office.github.token)
    words = {"PAGERDUTY": f"Token token={given}", "GITHUB": f"Bearer {given}"}
    headers = {"Authorization": words[vendor]}
    return httpx.get(office.webs[vendor].url + path, headers=headers, trust_env=False)


def whole(schema: Any) -> Any:
    """Let anything be where our copy of a description leaves something out."""
    if isinstance(schema, list):
        return [whole(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {} if schema.get("x-pruned") is True else {key: whole(value) for key, value in schema.items()}


if SPECS:

    @pytest.mark.parametrize("path", PAGERDUTY)
    def test_pagerduty_answers_as_it_is_described(office: Office, path: str) -> None:
        answer: Any = asked(office, "PAGERDUTY", PAGERDUTY[path]).json()
        # That these are null for somebody who is always on call is said in words there, and not in the schema.
        for row in answer.get("oncalls", []):
            for name in [name for name in ("schedule", "start", "end") if row[name] is None]:
                del row[name]
        jsonschema.validate(answer, described("pagerduty", path))

    @pytest.mark.parametrize("path", GITHUB)
    def test_github_answers_as_it_is_described(office: Office, path: str) -> None:
        answer: Any = asked(office, "GITHUB", GITHUB[path]).json()
        assert answer
        jsonschema.validate(answer, whole(described("github", path)))


def test_who_is_strange_is_refused(office: Office) -> None:
    for vendor, path in (("PAGERDUTY", PAGERDUTY["/oncalls"]), ("GITHUB", f"{HERE}/tags")):
        assert asked(office, vendor, path).status_code == 200
        assert asked(office, vendor, path, "somebody-else").status_code == 401
    assert asked(office, "PAGERDUTY", "/escalation_policies/PNOBODY").status_code == 404
    assert asked(office, "GITHUB", f"{HERE}/labels/P9").status_code == 404


def test_what_was_rewritten_is_as_before(office: Office) -> None:
    def written() -> list[str]:
        return [Path(office.folder, f"{name}.json").read_text("utf-8") for name in ("team", "release")]

    before = written()
    with office.rewritten() as (roster, record):
        roster["roles"].clear()
        record["decisions"].clear()
        office.write()
        assert written() != before
    assert written() == before
