"""What stands in for a vendor answers as the vendor's own description says."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import jsonschema

from readiness.sandbox import Sandbox

SPECS = os.environ.get("READINESS_VENDOR_SPECS")
"""The folder of the vendors' descriptions; they are too large to ship."""


def project(sandbox: Sandbox, ref: str = "sandboxprojectletter", token: str | None = None) -> httpx.Response:
    known = sandbox.variables
    given = known["SANDBOX_SUPABASE_TOKEN"] if token is None else token
    headers = {"Authorization": f"Bearer {given}"} if given else {}
    return httpx.get(f"{known['SANDBOX_SUPABASE_URL']}/v1/projects/{ref}", headers=headers, trust_env=False)


def described(specs: str) -> dict[str, Any]:
    path = Path(specs) / "supabase-management.openapi.json"
    assert path.is_file(), f"READINESS_VENDOR_SPECS is set, and {path} does not exist"
    whole: dict[str, Any] = json.loads(path.read_text("utf-8"))
    answer = whole["paths"]["/v1/projects/{ref}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return {**answer, "components": whole["components"]}


if SPECS:

    def test_supabase_lists_backups_as_its_specification_says(sandbox: Sandbox) -> None:
        whole: dict[str, Any] = json.loads((Path(str(SPECS)) / "supabase-management.openapi.json").read_text("utf-8"))
        schema = {"$ref": "#/components/schemas/V1BackupsResponse", "components": whole["components"]}
        jsonschema.validate(project(sandbox, "sandboxprojectletter/database/backups").json(), schema)

    def test_supabase_describes_the_project_as_its_specification_says(sandbox: Sandbox) -> None:
        jsonschema.validate(project(sandbox).json(), described(str(SPECS)))


def test_supabase_knows_its_own(sandbox: Sandbox) -> None:
    assert project(sandbox).json()["status"] == "ACTIVE_HEALTHY"
    assert project(sandbox, token="").status_code == 401
    assert project(sandbox, token="sbp_another").status_code == 401
    assert project(sandbox, ref="abcdefghijklmnopqrst").status_code == 404
