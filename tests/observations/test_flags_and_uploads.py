"""Readings of flags and uploads that make no sense are unknown, and rows that belong together are added up."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.environment.schema import Environment, Reading
from readiness.observations.flags import flag_audience, flag_names, flag_share
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


INTERNAL = {"enabled": False, "allowlist": ["ours"]}
"""As the document of the ingestion runbook writes a flag."""
SAID_TO_BE_ON = (1, 1.0, "1", "on", "true", "yes", " TRUE ", "Enabled")
"""It is not known what these mean: never less than true, and never true itself."""
OF_NO_KNOWN_STATE: tuple[object, ...] = (None, [], {}, 0, "false", "off", "", "perhaps", 2)
NOBODY_KNOWS = r"the flag v2 has {} too: nobody knows whom that lets in"


@pytest.mark.parametrize(
    ("stored", "everyone", "share", "outsiders"),
    [
        ({"v2": INTERNAL}, False, 0, []),
        ({"v2": {**INTERNAL, "name": "Version 2", "updated_at": "2026-11-20"}, "dark_mode": True}, False, 0, []),
        ([{"name": "v2", **INTERNAL}], False, 0, []),
        ([{"flags": {"v2": INTERNAL}}], False, 0, []),  # one row of one column, as SQL answers JSON
        ({"v2": {"enabled": False, "allowlist": ["ours", "theirs"]}}, False, 0, ["theirs"]),
        ({"v2": {"enabled": True, "allowlist": []}}, True, 0, []),
        *(({"v2": {"enabled": word, "allowlist": ["ours"]}}, True, 0, []) for word in SAID_TO_BE_ON),
        *(([{"name": "v2", "enabled": word, "allowlist": ["ours"]}], True, 0, []) for word in SAID_TO_BE_ON),
        # Whoever is listed gets it, whatever the flag's state is.
        ({"v2": {"enabled": None, "allowlist": ["theirs"]}}, False, 0, ["theirs"]),
        ({"v2": False}, False, 0, []),
        ({"v2": True}, True, 0, []),
        ({"v2": {**INTERNAL, "rollout_percentage": 25}}, False, 0.25, []),
        ({"v2": {**INTERNAL, "percent": 0}}, False, 0, []),
        ({"v2": {**INTERNAL, "rollout_share": 0.1, "stage": "P1"}}, False, 0.1, []),
    ],
)
def test_the_document_s_own_json_is_read(
    make: Make, stored: Any, everyone: bool, share: float, outsiders: list[str]
) -> None:
    with Server(document(stored)) as server:
        readings = read(make, server, "feature_flags").readings
        assert "v2" in flag_names(readings)
        audience = flag_audience(readings, OURS, "v2")
    assert (audience.everyone, audience.share, audience.outsiders) == (everyone, share, outsiders)


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ({}, "the flag v2 does not exist"),
        ({"v3": INTERNAL}, "the flag v2 does not exist"),
        ({"v2": None}, "has no column enabled"),
        ({"v2": 25}, "has no column enabled"),
        ({"v2": {"enabled": False}}, "has no column allowlist"),
        ({"v2": {"allowlist": ["ours"]}}, "has no column enabled"),
        ({"v2": {"enabled": False, "allowlist": None}}, "the allowlist is no list"),
        *(({"v2": {"enabled": state, "allowlist": []}}, "neither true nor false") for state in OF_NO_KNOWN_STATE),
        ({"v2": {**INTERNAL, "rollout": 25}}, NOBODY_KNOWS.format("rollout")),
        ({"v2": {**INTERNAL, "rules": [{"country": "de"}]}}, NOBODY_KNOWS.format("rules")),
        ({"v2": {**INTERNAL, "percentage": 5, "segments": []}}, NOBODY_KNOWS.format("percentage, segments")),
        ({"v2": {**INTERNAL, "percentage": 250}}, "the rollout_share of v2 is 2.5"),
        ({"v2": {**INTERNAL, "percentage": None}}, "is not a number"),
        ([INTERNAL], "has no column name"),
        (None, "is no list of objects"),
    ],
)
def test_of_a_flag_that_says_less_or_more_nobody_knows(make: Make, stored: Any, reason: str) -> None:
    with Server(document(stored)) as server:
        readings = read(make, server, "feature_flags").readings
        with pytest.raises(Unknown, match=reason):
            flag_audience(readings, OURS, "v2")


@pytest.mark.parametrize("more", [{"rules": []}, {"rollout": 0}, {"rollout_share": None}, {"rollout_share": 50}])
def test_a_customer_on_the_list_gets_it_whatever_else_the_flag_says(make: Make, more: dict[str, Any]) -> None:
    stored = {"v2": {"enabled": False, "allowlist": ["ours", "a customer"], **more}}
    with Server(document(stored)) as server:
        audience = flag_audience(read(make, server, "feature_flags").readings, OURS, "v2")
    assert (audience.everyone, audience.outsiders) == (False, ["a customer"])


@pytest.mark.parametrize(
    ("stored", "share"), [({"v2": {"enabled": True, "allowlist": []}}, 1), ({"v2": INTERNAL}, 0), ({"v2": True}, 1)]
)
def test_who_gets_it_in_the_end(make: Make, stored: Any, share: float) -> None:
    with Server(document(stored)) as server:
        assert flag_share(read(make, server, "feature_flags").readings, "v2") == share


@pytest.mark.parametrize("state", [*SAID_TO_BE_ON, *OF_NO_KNOWN_STATE], ids=repr)
def test_of_a_flag_whose_state_is_no_truth_nobody_knows_who_gets_it(make: Make, state: object) -> None:
    with Server(document([{"name": "v2", "enabled": state, "allowlist": [], "rollout_share": 0.5}])) as server:
        readings = read(make, server, "feature_flags").readings
        with pytest.raises(Unknown, match="neither true nor false") as unknown:
            flag_share(readings, "v2")
    assert "give true or false" in unknown.value.remedy


def test_a_flag_that_is_on_for_a_quarter_is_not_taken_to_be_on_for_all(make: Make) -> None:
    stored = {"v2": {"enabled": True, "allowlist": [], "rollout_percentage": 25}}
    with Server(document(stored)) as server, pytest.raises(Unknown, match="rollout_percentage too"):
        flag_share(read(make, server, "feature_flags").readings, "v2")


def test_the_rows_of_a_status_are_added_up(make: Make) -> None:
    counts = [("failed", 90), ("completed", 10), ("failed", 0)]
    rows = [{"status": status, "uploads": uploads} for status, uploads in counts]
    with Server(document(rows)) as server:
        found = upload_outcomes(read(make, server, "upload_outcomes").readings)
    assert found.by_status == {"failed": 90, "completed": 10}
    assert found.counted.share(0.05) == 0.9


@pytest.mark.parametrize(
    ("counts", "share"),
    [
        ({"FAILED": 90, "Completed": 10}, 0.9),
        ({"failed": 40, "error": 1, "completed": 59}, 0.4),
        ({"error": 1, "completed": 99}, 0.01),
        ({"error": 90, "completed": 10}, None),
        ({"dead_letter": 6, "completed": 94}, None),
    ],
)
def test_of_a_status_of_other_people_s_nobody_knows_whether_it_is_a_failure(
    make: Make, counts: dict[str, int], share: float | None
) -> None:
    rows = [{"status": status, "uploads": uploads} for status, uploads in counts.items()]
    with Server(document(rows)) as server:
        uploads = upload_outcomes(read(make, server, "upload_outcomes").readings).counted
    if share is not None:
        assert uploads.share(0.05, 21) == share
        return
    with pytest.raises(Unknown, match="have a status that may say so: the share is between 0 and 0") as unknown:
        uploads.share(0.05, 21)
    assert unknown.value.remedy.endswith(f"in place of {next(iter(counts))}")
