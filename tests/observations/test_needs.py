"""What an observation needs is declared once, and the plan, the run and the look itself agree on it, line by line."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import threading
import typing
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness import Limits
from readiness.environment.schema import Environment, Reading
from readiness.environment.schema import load as load_environment
from readiness.files.evidence_file import EvidenceArchive
from readiness.observations import KNOWN_READINGS, OBSERVATIONS, Context, Given, load_all, observation
from readiness.observations.needs import either, need, reading, system
from readiness.outcomes import Effect, NotConfigured, Phase, Unknown
from readiness.plugin.embedded import stand_ins
from readiness.runbook.attestations import Attestations
from readiness.runbook.lines import Item, limits_of, planned_checks, shipped
from readiness.sources.readings import Readings
from readiness.sources.table import Clients
from readiness.transport.guard import Guard
from readiness.transport.http import Http
from tests import warm
from tests.house.test_catalogue import CHECKS, shipped_items

ROOT = Path(__file__).parents[2]
NOT_CONFIGURED = "not configured: "
LOCAL = ROOT / "environments" / "local.yaml"
NOW = datetime.now(UTC)
SECTIONS = [
    *("postgres", "replica", "storage", "metrics", "prometheus", "grafana", "sentry", "loki", "alertmanager"),
    *("communication", "status_pages", "support", "billing", "team", "pagerduty", "github", "backup", "drills"),
    *("internal_workspaces", "readings", "service_levels", "incidents", "documentation", "launch_at"),
]
load_all()


VARIABLES = stand_ins(LOCAL) | {"SANDBOX_LAUNCH_AT": (NOW - timedelta(days=8)).isoformat()}
"""Every system of the sandbox is at an address where nobody answers."""


@cache
def whole() -> dict[str, Any]:
    """Return the sandbox's environment, with all runbooks."""
    data: dict[str, Any] = yaml.safe_load(LOCAL.read_text("utf-8"))
    data |= {"runbooks": shipped(), "sandbox": False, "http": {"deadline_seconds": 0.2}}
    del data["load"]["scale"]
    return data


def without(*sections: str) -> dict[str, Any]:
    return {name: value for name, value in whole().items() if name not in sections}


BARE = {name: whole()[name] for name in ("environment", "production", "runbooks", "allowed_hosts")}
BARE["target"] = {"url": "http://127.0.0.1:1"}
PARTIAL = {
    "whole": whole(),
    "bare": BARE,
    **{f"without {section}": without(section) for section in SECTIONS},
    "without two that stand in for each other": without("pagerduty", "team", "loki", "github"),
    "of files alone": {**BARE, **{name: whole()[name] for name in ("team", "incidents", "backup", "launch_at")}},
}


def environment_of(data: Mapping[str, Any], folder: Path) -> Environment:
    """Load it; what would be refused at once (a reading of a system that is missing) is left out."""
    (folder / "local.yaml").write_text(json.dumps({**data, "environment": "local"}))
    return load_environment("local", folder, VARIABLES)


def systems_that_are_there(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out the readings and figures whose system is not there: the loader refuses them."""
    there = {"sql": "postgres" in data, "promql": "prometheus" in data, "metric": "metrics" in data}

    def answered(source: Mapping[str, Any]) -> bool:
        return all(there.get(name, True) for name in source)

    found = dict(data)
    found["readings"] = {name: one for name, one in data.get("readings", {}).items() if answered(one)}
    found["service_levels"] = {
        name: {figure: source for figure, source in level.items() if answered(source)}
        for name, level in data.get("service_levels", {}).items()
        if answered(level["count"])
    }
    if "prometheus" not in data and "incidents" in data:
        found["incidents"] = {name: one for name, one in data["incidents"].items() if name != "alerts"}
    return found


class Judge:
    """Asks the observations of every item of the shipped runbooks, where nothing can be reached."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self.environment = environment
        nobody = Guard(["nowhere.invalid"], frozenset(Effect))
        self.clients = Clients.of(environment, nobody, folder / "reports")
        self.archive = EvidenceArchive(folder / "reports", lambda _: [])

    def given(self, limits: Limits, line: str) -> Given:
        environment = self.environment
        context = Context(
            environment, NOW, environment.launch_at, self.archive, Attestations(), None, line, threading.Event()
        )
        return Given(context, self.clients, limits)


def observations_of(item: Item) -> Iterator[tuple[str, Limits]]:
    """Return the observations of an item whose line states all its limits."""
    check = CHECKS[item.check]
    model = typing.get_type_hints(check).get("limits", Limits)
    if any(field.is_required() and name not in item.limits for name, field in model.model_fields.items()):
        return
    limits = limits_of(item, model)
    yield from ((name, limits) for name in inspect.signature(check).parameters if name in OBSERVATIONS)


@pytest.mark.parametrize("name", sorted(PARTIAL))
def test_a_look_lacks_what_it_declares_and_nothing_else(name: str, tmp_path: Path) -> None:
    """The look itself, with nothing asked before, never finds missing what its declaration did not name."""
    judge = Judge(environment_of(systems_that_are_there(PARTIAL[name]), tmp_path), tmp_path)
    looked: set[tuple[str, str]] = set()
    for item in (item for item in shipped_items() if item.check not in planned_checks()):
        for observed, limits in observations_of(item):
            made, given = OBSERVATIONS[observed], judge.given(limits, item.name)
            key = (observed, limits.model_dump_json() if observed != "attestation" else item.name)
            if key in looked:
                continue
            looked.add(key)
            lack = made.lack(given)
            if lack:
                with pytest.raises(NotConfigured) as told:
                    made.call(given)
                assert (told.value.reason, told.value.remedy) == (lack.reason, lack.remedy)
                continue
            try:
                made.look(**made.bind(given))
            except NotConfigured as undeclared:
                pytest.fail(f"{item.name}: {observed} does not declare that it needs this: {undeclared}")
            except Unknown:
                pass
    assert len(looked) > 100


PROCESSES = {
    "bare": (BARE, tuple(Phase)),
    "whole": (whole(), (Phase.GA,)),
    "half": (without("prometheus", "pagerduty", "github", "launch_at"), (Phase.PREFLIGHT, Phase.POSTLAUNCH)),
}
Decided = tuple[str, str]
"""A line, with its runbook and its subject, and the check that decides it."""


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_the_plan_and_the_run_name_the_same_lines(name: str, tmp_path: Path) -> None:
    """Line by line, and with the same sentence."""
    data, phases = PROCESSES[name]
    environment_of(systems_that_are_there(data), tmp_path)
    planned = plan(tmp_path)
    for phase in phases:
        decided, told = run(tmp_path, phase)
        assert decided, f"the run of {phase} decided nothing"
        expected = {one: sentence for one, sentence in planned.items() if one in decided}
        assert sorted(expected) == sorted(told)
        assert not {one: (expected[one], told[one]) for one in told if not expected[one].startswith(told[one])}


def suite(folder: Path, *words: str) -> str:
    """Return what a whole run in the folder writes."""
    places = [f"--environments={folder}", f"--reports={folder / 'reports'}"]
    variables = {**os.environ, **VARIABLES, "COLUMNS": "5000"}
    ran = warm.run("pytest", "--env=local", *places, *words, variables=variables)
    return ran.stdout + ran.stderr


def plan(folder: Path) -> dict[Decided, str]:
    """Return what the plan says of each line that is not configured."""
    found: dict[Decided, str] = {}
    name = check = ""
    for text in suite(folder, "--collect-only").splitlines():
        if re.match(r" {4}\S", text):
            name = text.strip().partition(": ")[0]
        elif matched := re.search(r"due[^,]*, (\w+\.\w+)( with |$)", text):
            check = matched[1]
        elif text.strip().startswith(NOT_CONFIGURED):
            found[name, check] = text.strip().removeprefix(NOT_CONFIGURED)
    assert name, "there was no plan"
    return found


def run(folder: Path, phase: Phase) -> tuple[set[Decided], dict[Decided, str]]:
    """Return all that a run has decided, and what it says of each line that is not configured."""
    suite(folder, "-q", "-m", phase)
    (journal,) = (folder / "reports").rglob(f"*-{phase}/journal.jsonl")
    records = [json.loads(text) for text in journal.read_text("utf-8").splitlines()]
    unseen = [one["unknown"] for one in records if one["record"] == "observation" and "unknown" in one]
    lacks = {(one["reason"], one["remedy"]) for one in unseen if one.get("configured") is False}
    decided: set[Decided] = set()
    told: dict[Decided, str] = {}
    for one in records:
        if one["record"] != "result" or one["outcome"] == "not due" or one["check"] in planned_checks():
            continue
        name = one["line"].replace("/", ".", 1) + (f":{one['subject']}" if one["subject"] else "")
        decided.add((name, one["check"]))
        # A line of two parts says of the machine's what any other line says.
        reason = one["reason"].partition("; and the person's part is missing too: ")[0]
        remedy = one["remedy"].partition("; then look, then say so: ")[0]
        without_a_limit = reason.startswith(f"{NOT_CONFIGURED}the line states no ")
        if one["outcome"] == "unknown" and ((reason, remedy) in lacks or without_a_limit):
            told[name, one["check"]] = f"{reason.removeprefix(NOT_CONFIGURED)} ({remedy})"
    return decided, told


def test_only_a_need_says_that_something_is_not_configured() -> None:
    """What an observation finds missing while it looks the plan could not know."""
    for path in sorted((ROOT / "readiness" / "observations").glob("*.py")):
        if path.stem not in {"__init__", "needs"}:
            for function in ast.parse(path.read_text("utf-8")).body:
                if isinstance(function, ast.FunctionDef) and raises_not_configured(function):
                    assert is_a_need(function), f"{path.name}: {function.name} raises NotConfigured and is no need"


def raises_not_configured(function: ast.FunctionDef) -> bool:
    raised = (node.exc for node in ast.walk(function) if isinstance(node, ast.Raise))
    names = (call.func for call in raised if isinstance(call, ast.Call))
    return any(isinstance(name, ast.Name) and name.id == "NotConfigured" for name in names)


def is_a_need(function: ast.FunctionDef) -> bool:
    """Return whether it is decorated as one, or makes one."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return any(isinstance(call.func, ast.Name) and call.func.id == "need" for call in calls)


def test_what_is_asked_for_by_name_is_declared() -> None:
    with pytest.raises(ValueError, match=r"undeclared: what of readings does it ask for\? say needs="):

        @observation
        def undeclared(readings: Readings) -> str:
            return str(readings)


def test_what_is_optional_is_a_system_among_the_parameters() -> None:
    with pytest.raises(ValueError, match="optional: loki is no system among its parameters"):

        @observation(optional="loki")
        def without_loki(http: Http) -> str:
            return str(http)


def test_a_need_reads_no_limit_that_its_observation_does_not() -> None:
    @need("readings.{wanted}")
    def wanted_reading(wanted: str) -> None: ...

    with pytest.raises(ValueError, match=r"it needs readings\.\{wanted\} by wanted, which is no parameter of its own"):

        @observation(needs=wanted_reading)
        def of_the_wanted(http: Http) -> str:
            return str(http)


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    judge = Judge(environment_of(BARE, tmp_path), tmp_path)
    lack = OBSERVATIONS["replication"].lack(judge.given(Limits(), ""))
    assert lack
    assert lack.reason == "no database is configured; no replica is configured"
    assert lack.remedy == "set postgres.url in the environment file; set replica.url in the environment file"


@pytest.mark.parametrize("name", ["go_decision", "standby", "kill_switch", "launch_time", "checkpoint"])
def test_a_launch_time_is_needed_where_the_parameter_says_so(name: str) -> None:
    assert "launch_at" in [one.key for one in OBSERVATIONS[name].needs]
    assert "launch_at" not in [one.key for one in OBSERVATIONS["log_since_launch"].needs]


def test_of_alternatives_one_is_enough(tmp_path: Path) -> None:
    data = {**BARE, "readings": {"log_lines": {"file": "log.jsonl", "format": "jsonl"}}}
    log = either(system("loki"), KNOWN_READINGS["log_lines"])
    assert log.key == "loki or readings.log_lines"
    by_reading = Judge(environment_of(data, tmp_path), tmp_path).given(Limits(), "")
    log.find(**by_reading.values(log.parameters))
    neither = Judge(environment_of(BARE, tmp_path), tmp_path).given(Limits(), "")
    with pytest.raises(NotConfigured, match=r"set readings\.log_lines"):
        log.find(**neither.values(log.parameters))


def test_a_reading_needs_the_system_that_its_source_asks(tmp_path: Path) -> None:
    known = KNOWN_READINGS["query_times"]
    assert isinstance(known.default, Reading)
    given = Judge(environment_of(BARE, tmp_path), tmp_path).given(Limits(), "")
    with pytest.raises(NotConfigured, match=r"set postgres\.url"):
        reading(known).find(**given.values(("readings",)))
