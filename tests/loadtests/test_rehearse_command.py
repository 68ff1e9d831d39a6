"""`readiness rehearse` on the sandbox: stages in order, one summary, evidence that says it is scaled."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from loadtests.trial import ROOT
from readiness.rehearsal import folders, read

JOURNEYS = {
    "browse": {"weight": 4, "steps": [{"path": "/health"}, {"path": "/ready"}]},
    "upload": {
        "steps": [
            {
                "path": "/v1/uploads",
                "method": "POST",
                "headers": {"Authorization": "Bearer ${SANDBOX_API_TOKEN}"},
                "upload": {
                    "text": "day,campaign,impressions,clicks,spend\\n2026-01-01,{{unique}},10,1,1.50\\n",
                    "fields": {"workspace": "ws_internal", "platform": "meta", "source": "manual"},
                },
                "status": [202],
                "keep": {"id": "/id"},
            },
            {
                "path": "/v1/uploads/{{id}}",
                "name": "/v1/uploads/{id}",
                "headers": {"Authorization": "Bearer ${SANDBOX_API_TOKEN}"},
            },
        ]
    },
}


def rehearse(folder: Path, load: dict[str, Any], *words: str, allow: tuple[str, ...] = ("write", "load")) -> Any:
    content = yaml.safe_load((ROOT / "environments" / "local.yaml").read_text())
    content |= {"allow": list(allow), "load": load}
    (folder / "local.yaml").write_text(json.dumps(content))
    command = [sys.executable, "-m", "readiness", "rehearse", "--env", "local", *words]
    command += ["--environments", str(folder), "--reports", str(folder / "reports")]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_stages_run_in_order_on_the_sandbox(tmp_path: Path) -> None:
    load = {"users_at_most": 100, "scale": 0.05, "journeys": JOURNEYS}
    done = rehearse(tmp_path, load, "--stage", "smoke", "--stage", "load", "--keep-going")
    found = [read(next(folders(tmp_path / "reports", "local", stage))) for stage in ("smoke", "load")]
    assert "scaled by 0.05: proof of nothing but the sandbox" in done.stdout
    assert [one.scale for one in found] == [0.05, 0.05]
    assert found[0].started_at < found[1].started_at
    assert found[1].failed == 0, found[1].endpoints
    assert set(found[1].endpoints) == {"/health", "/ready", "/v1/uploads", "/v1/uploads/{id}"}
    assert found[1].target.revision
    assert "page.html" in done.stdout
    assert done.returncode in {0, 10}, done.stdout


def test_what_is_not_allowed_is_not_run(tmp_path: Path) -> None:
    done = rehearse(tmp_path, {"users_at_most": 100, "scale": 0.05}, "--stage", "smoke", allow=())
    assert done.returncode == 2
    assert "does not allow load" in done.stderr
    assert not list(folders(tmp_path / "reports", "local"))
