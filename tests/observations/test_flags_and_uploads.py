"""Readings of flags and uploads that make no sense are unknown, and rows that belong together are added up."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.environment.schema import Environment, Reading
from readiness.observations.flags import flag_audience, flag_share
from readiness.observations.ingestion import upload_outcomes
from readiness.outcomes import Unknown
from readiness.sources.table import Clients
from tests.clients.conftest import Make
from tests.clients.servers import Server, document

OURS = Environment.model_construct(internal_workspaces=("ours",))


def flag(share: object = 0, enabled: bool = False) -> dict[str, Any]:
    return {"name": "v2", "enabled": enabled, "rollout_share": share, "allowlist": []}


def read(make: Make, server: Server, name: str) -> Clients:
    return make(server.url, readings={name: Reading(http=server.url)})


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([flag(50)], "the rollout_share of v2 is 50, which is no share from 0 to 1.*divide it by 100"),
        ([flag(-0.5)], "the rollout_share of v2 is -0.5"),
        ([flag(enabled=True, share=100)], "the rollout_share of v2 is 100"),
        ([flag(0), flag(1)], "the flag v2 stands 2 times in its store.*of this environment alone"),
    ],
)
def test_a_flag_that_makes_no_sense_is_unknown(make: Make, rows: list[Any], reason: str) -> None:
    with Server(document(rows)) as server:
        readings = read(make, server, "feature_flags").readings
        with pytest.raises(Unknown, match=reason):
            flag_share(readings, "v2")
        with pytest.raises(Unknown, match=reason):
            flag_audience(readings, OURS, "v2")


def test_the_rows_of_a_status_are_added_up(make: Make) -> None:
    counts = [("failed", 90), ("completed", 10), ("failed", 0)]
    rows = [{"status": status, "uploads": uploads} for status, uploads in counts]
    with Server(document(rows)) as server:
        found = upload_outcomes(read(make, server, "upload_outcomes").readings)
    assert found.by_status == {"failed": 90, "completed": 10}
    assert found.counted.share(0.05) == 0.9
