"""Every line has its check, every check its line, its limits, its fault and its unknown case."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import typing
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import certifi
import pytest
from pydantic import ValidationError

from readiness import Limits
from readiness.environment.schema import load as load_environment
from readiness.outcomes import Phase
from readiness.runbook import lines as runbook_lines
from readiness.runbook import overlays
from readiness.runbook.dated_limits import in_force
from readiness.sandbox.faults import FAULTS

ROOT = Path(__file__).parents[2]
LINES = {"agency": 66, "ingestion": 87, "launch400k": 95, "playbook": 30, "umbrella": 57}
Check = Callable[..., None]
WITHOUT_A_LINE = {"readings.number_at_least", "readings.number_at_most", "readings.fact_is", "undecided.no_check_yet"}
"""For the runbooks that a team writes; proven in test_own_readings. The last one is proven by every planned check."""


def checks() -> dict[str, Check]:
    found: dict[str, Check] = {}
    for path in sorted((ROOT / "checks").glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"catalogue_{path.stem}", path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_"):
                found[f"{path.stem.removeprefix('test_')}.{name.removeprefix('test_')}"] = function
    return found


CHECKS = checks()


def shipped_items() -> Iterator[runbook_lines.Item]:
    for name in runbook_lines.shipped():
        yield from runbook_lines.load(runbook_lines.locate(name, ROOT)).items()


def stated_items() -> Iterator[runbook_lines.Item]:
    """Yield the items of the shipped runbooks as the sandbox's environment states them."""
    problems: list[str] = []
    books = overlays.load_stated(runbook_lines.shipped(), ROOT / "environments/local.yaml", problems)
    assert problems == []
    for book in books:
        yield from book.items()


def test_all_lines_of_the_five_runbooks_are_there() -> None:
    found = {name: len(runbook_lines.load(runbook_lines.locate(name, ROOT)).lines) for name in runbook_lines.shipped()}
    assert found == LINES
    assert sum(found.values()) == 335


def test_the_list_of_planned_checks_is_exact() -> None:
    named = {item.check for item in shipped_items()}
    assert runbook_lines.planned_checks() == named - set(CHECKS)


def test_every_check_decides_a_line() -> None:
    named = {item.check for item in shipped_items()}
    assert set(CHECKS) - named == WITHOUT_A_LINE


@pytest.mark.parametrize(
    "item",
    [item for item in shipped_items() if item.check in CHECKS],
    ids=lambda item: f"{item.runbook}.{item.local_id}-{item.check}",
)
def test_phases_and_limits_fit_the_check(item: runbook_lines.Item) -> None:
    check = CHECKS[item.check]
    marks = {mark.name for mark in getattr(check, "pytestmark", [])}
    assert set(item.line.phase) <= marks, f"{item.check} is not marked for {set(item.line.phase) - marks}"
    model = typing.get_type_hints(check).get("limits", Limits)
    assert set(item.limits) <= set(model.model_fields), f"{item.check} knows {sorted(model.model_fields)}"


MORE_THAN_ALL = {"business.lead_volume.share_of_baseline_at_least"}
"""Shares that may exceed 1: a share of what was there before, which may grow."""


def shares() -> Iterator[tuple[str, type[Limits], str]]:
    for check, function in CHECKS.items():
        model = typing.get_type_hints(function).get("limits", Limits)
        yield from ((f"{check}.{name}", model, name) for name in model.model_fields if "share" in name.split("_"))


SHARES = {key: (model, name) for key, model, name in shares()}


@pytest.mark.parametrize("key", sorted(set(SHARES) - MORE_THAN_ALL))
def test_a_share_is_never_per_cent(key: str) -> None:
    model, name = SHARES[key]
    with pytest.raises(ValidationError) as found:
        model.model_validate({name: 5})
    told = [one["msg"] for one in found.value.errors() if one["loc"] == (name,)]
    assert told == ["Value error, a share is 0 to 1, not 5: for 5 % write 0.05"]


def test_the_shares_that_may_exceed_1_are_there() -> None:
    assert set(SHARES) > MORE_THAN_ALL


BY_EVIDENCE = {"load.capacity", "load.error_rate", "load.rehearsal_passed", "load.response_time"}
"""They judge evidence that is made elsewhere; tests/rehearsal/test_load_checks.py plants the faults in it."""
BY_EVIDENCE |= {
    f"drills.{name}" for name in ("restore", "kill_switch", "rollback", "circuit_breaker", "fallback", "incident")
}
"""So do these; tests/drills plants the faults in it, and in the sandbox that the drills run on."""


@pytest.mark.parametrize("check", sorted(set(CHECKS) - WITHOUT_A_LINE - BY_EVIDENCE))
@pytest.mark.parametrize("outcome", ["fail", "unknown"])
def test_every_check_is_proven_able_to_turn(check: str, outcome: str) -> None:
    turned = {key.split("[")[0] for fault in FAULTS.values() for key, found in fault.turns.items() if found == outcome}
    assert check in turned, f"no fault turns {check} to {outcome}: add one in readiness/sandbox/faults/"


def place(item: runbook_lines.Item) -> str:
    return item.local_id if item.runbook == "ingestion" else f"{item.runbook}/{item.local_id}"


def test_faults_name_items_that_exist() -> None:
    known = {f"{item.check}[{place(item)}]" for item in stated_items()}
    for fault in FAULTS.values():
        assert set(fault.turns) <= known, f"{fault.name} names {set(fault.turns) - known}"
        assert fault.says
        assert set(fault.phases) <= set(Phase)


def test_an_environment_can_state_all_that_the_shipped_lines_leave_open() -> None:
    for item in stated_items():
        if item.check in CHECKS:
            runbook_lines.limits_of(item, typing.get_type_hints(CHECKS[item.check]).get("limits", Limits))


def test_no_limit_has_the_name_of_a_key_that_only_a_runbook_has() -> None:
    models = {typing.get_type_hints(check).get("limits", Limits) for check in CHECKS.values()}
    assert not overlays.OF_THE_RUNBOOK & {name for model in models for name in model.model_fields}


def test_what_the_examples_state_of_lines_fits_their_checks() -> None:
    problems: list[str] = []
    path = ROOT / "environments/example.yaml"
    stated = [item for book in overlays.load_stated(["ingestion"], path, problems) for item in book.items()]
    assert problems == []
    of_example = [item for item in stated if item.line.overlaid]
    assert len(of_example) == 3
    written = [item for item in stated_items() if item.check in CHECKS]  # of the others nobody has written a check
    for item in [*of_example, *(item for item in written if item.line.overlaid)]:
        now = dataclasses.replace(item, limits=in_force(item.limits, datetime.now(UTC)).limits)
        runbook_lines.limits_of(now, typing.get_type_hints(CHECKS[item.check])["limits"])


def test_the_example_environment_is_whole() -> None:
    variables = dict.fromkeys(
        [
            "EXAMPLE_PROBE_TOKEN",
            "EXAMPLE_STORAGE_KEY",
            "EXAMPLE_METRICS_TOKEN",
            "EXAMPLE_PROMETHEUS_TOKEN",
            "EXAMPLE_GRAFANA_TOKEN",
            "EXAMPLE_SENTRY_TOKEN",
            "EXAMPLE_LOKI_TOKEN",
            "EXAMPLE_TINYBIRD_TOKEN",
            "EXAMPLE_UPLOAD_TOKEN",
            "EXAMPLE_CHAT_URL",
        ],
        "0123456789",
    )
    variables |= {"EXAMPLE_SUPABASE_TOKEN": "0123456789", "EXAMPLE_DATABASE_URL": "postgresql://u:p@db.example.com/x"}
    variables |= dict.fromkeys(("EXAMPLE_SLACK_TOKEN", "EXAMPLE_DISCORD_TOKEN", "EXAMPLE_TRACKER_TOKEN"), "0123456789")
    variables |= dict.fromkeys(
        ["EXAMPLE_PAGERDUTY_TOKEN", "EXAMPLE_GITHUB_TOKEN", "EXAMPLE_ADA", "EXAMPLE_GRACE", "EXAMPLE_SPENT_TOKEN"],
        "0123456789",
    )
    variables |= {"EXAMPLE_SCRATCH_URL": "postgresql://u:p@scratch.example.com/x", "EXAMPLE_VERCEL_TOKEN": "0123456789"}
    variables |= {"EXAMPLE_UNPAID_TOKEN": "0123456789", "EXAMPLE_CLOUDFLARE_TOKEN": "0123456789"}
    variables |= {"EXAMPLE_CA_FILE": certifi.where()}
    variables |= dict.fromkeys(("EXAMPLE_REPLICA_URL", "EXAMPLE_POOLER_URL"), "postgresql://u:p@db.example.com/x")
    found = load_environment("example", ROOT / "environments", variables)
    for section, model in [("", found), *((name, getattr(found, name)) for name in type(found).model_fields)]:
        if hasattr(model, "model_fields_set"):
            missing = set(type(model).model_fields) - model.model_fields_set
            assert not missing, f"environments/example.yaml does not show {section} {sorted(missing)}"
