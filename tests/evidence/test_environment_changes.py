"""A change of the environment file takes a good word away where the run rests on it, and nowhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import main
from readiness.environment.schema import Environment
from readiness.evidence import ledger
from readiness.evidence.environment_changes import HELD_ELSEWHERE, OF_EVERY_RUN, OF_WHO_MAY
from readiness.evidence.journal import read_run
from readiness.evidence.reasons import Reason
from readiness.evidence.recorded_binding import RecordedBinding
from readiness.observations import OBSERVATIONS, load_all
from readiness.observations.needs import CLIENTS, sections_of
from tests.evidence.test_today import WAIVED
from tests.plugin.project import ENVIRONMENT, Project, line

ROOT = Path(__file__).parents[2]
LOOKS = """

from readiness.environment.schema import Environment
from readiness.observations.needs import named_reading
from readiness.sources.readings import Readings


@observation(needs=named_reading)
def orders(readings: Readings, reading: str) -> float:
    return readings.number(readings.named(reading))


@observation
def workspaces(environment: Environment) -> list[str]:
    return list(environment.internal_workspaces)


@observation(needs=())
def printers(readings: Readings, environment: Environment) -> float:
    return float(bool(environment.grafana) or len(environment.documentation))
"""
CHECKS = '''"""The orders."""
import pytest

from readiness import Limits, Measure


class Orders(Limits):
    reading: str


@pytest.mark.preflight
def test_come(orders: float, limits: Orders, measure: Measure) -> None:
    """Orders come.

    Remedy: none.
    """
    measure(orders, "orders").at_least(1)


@pytest.mark.preflight
def test_inside(workspaces: list[str], printers: float, measure: Measure) -> None:
    """There is a workspace.

    Remedy: none.
    """
    measure(len(workspaces) + printers, "workspaces").at_least(1)
'''
CALM: dict[str, Any] = {
    **ENVIRONMENT,
    "owners": {"orders": "Ada Byron"},
    "internal_workspaces": ["shop-team"],
    "readings": {
        "orders": {"file": "orders.txt", "format": "text"},
        "log_lines": {"file": "log.jsonl", "format": "jsonl"},
    },
}
GONE = object()
PAYMENTS = {"pay": {"count": {"promql": "increase(payments_total[{window}])"}}}
METRICS = {"url": "http://127.0.0.1:3"}
SENTRY = {"url": "http://127.0.0.1", "token": "${TINY_TOKEN}", "organization": "shop", "project": "shop"}


def with_keys(**keys: Any) -> str:
    return yaml.safe_dump({name: value for name, value in {**CALM, **keys}.items() if value is not GONE})


def reading(name: str, **source: Any) -> str:
    return with_keys(readings={**CALM["readings"], name: source})


WELL, NOT_TODAY = 0, Reason.NOT_TODAY.code
CHANGES: list[tuple[str, str, int, str]] = [
    # What is done to tiny.yaml; its text then; the exit of verify; a key that is named.
    ("nothing", with_keys(), WELL, ""),
    ("a comment", f"# somebody looked\n{with_keys()}", WELL, "in comments, order or form alone"),
    ("another order", yaml.safe_dump(dict(reversed(list(CALM.items()))), sort_keys=False), WELL, "order or form alone"),
    ("an owner", with_keys(owners={"orders": "Bo Chen"}), WELL, "does not rest on: owners"),
    ("no owners", with_keys(owners=GONE), WELL, "owners"),
    ("who is notified", with_keys(notify={"urls": ["${TINY_HOOK}"]}), WELL, "notify"),
    ("a contact", with_keys(team={"roles": {"launch": {"name": "Ada Byron", "contact": "@ada"}}}), WELL, "team"),
    ("a control", with_keys(run={"controls": ["http://127.0.0.1:7"]}), WELL, "run"),
    ("a deadline", with_keys(run={"seconds_at_most": 60}), WELL, "run"),
    ("a reading that nobody asks for", reading("backups", value=3), WELL, "readings.backups"),
    ("another source of such a reading", reading("log_lines", value=3), WELL, "readings.log_lines"),
    ("a level that no line asks for", with_keys(service_levels=PAYMENTS, prometheus=METRICS), WELL, "pay"),
    ("a system that no line asks", with_keys(sentry=SENTRY), WELL, "sentry"),
    ("what the project is called", with_keys(project="acme/shop"), WELL, "project"),
    ("approvers, where nothing is waived", with_keys(approvers={"Cy Diaz": "cy@shop.internal"}), WELL, "approvers"),
    ("a line of another phase", with_keys(not_applicable={"book/later": "there is no such thing"}), WELL, ""),
    ("the reading that a line names", reading("orders", value=3), NOT_TODAY, "readings.orders"),
    ("that reading is gone", with_keys(readings=GONE), NOT_TODAY, "readings.orders"),
    ("a key that a look reads", with_keys(internal_workspaces=["shop"]), NOT_TODAY, "internal_workspaces"),
    ("that key is gone", with_keys(internal_workspaces=GONE), NOT_TODAY, "internal_workspaces"),
    ("a system that a look missed", with_keys(grafana={"url": "http://127.0.0.1"}), NOT_TODAY, "grafana"),
    ("pages that a look counted", with_keys(documentation={"a": "http://127.0.0.1"}), NOT_TODAY, "documentation"),
    ("the target", with_keys(target={"url": "http://127.0.0.1:8"}), NOT_TODAY, "target"),
    ("what the target is asked with", with_keys(target={**CALM["target"], "headers": {"A": "b"}}), NOT_TODAY, "target"),
    ("how it speaks HTTP", with_keys(http={"deadline_seconds": 5}), NOT_TODAY, "http"),
    ("a host more", with_keys(allowed_hosts=["127.0.0.1", "localhost"]), WELL, "allowed_hosts.localhost"),
    ("an effect", with_keys(allow=GONE), NOT_TODAY, "allow"),
    ("production", with_keys(production=True, allow=GONE), NOT_TODAY, "production"),
    ("the launch", with_keys(launch_at="2099-01-01T09:00:00Z"), NOT_TODAY, "launch_at"),
    ("a line of the run", with_keys(not_applicable={"book/come": "there are no orders"}), NOT_TODAY, "book/come"),
    ("where people's words lie", with_keys(attestations="words.yaml"), NOT_TODAY, "attestations"),
    ("evidence must be signed", with_keys(evidence={"signed": True}), Reason.NOT_SIGNED.code, "evidence.signed"),
]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project whose GO rests on one reading and one key."""
    made = Project(tmp_path_factory.mktemp("judged"))
    made.write("conftest.py", (made.folder / "conftest.py").read_text("utf-8") + LOOKS)
    made.write("checks/test_orders.py", CHECKS)
    made.write("orders.txt", "3")
    later = line("later", "demo.figure", phase=["postlaunch"])
    made.runbook(line("come", {"orders.come": {"reading": "orders"}}), line("inside", "orders.inside"), later)
    made.write("environments/tiny.yaml", with_keys())
    ran = made.preflight()
    assert ran.exit == 0, ran.out
    return made


@pytest.mark.parametrize(("text", "code", "named"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_a_change_takes_a_good_word_where_the_run_rests_on_it(
    text: str,
    code: int,
    named: str,
    judged: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(judged.folder)
    judged.write("environments/tiny.yaml", text)
    assert main(["verify", "tiny", "preflight"]) == code
    assert named in " ".join(capsys.readouterr().out.split())


OTHERS: list[tuple[str, dict[str, Any], int]] = [
    ("another line", {"book/later": WAIVED}, WELL),
    ("a line that is well", {"book/come": WAIVED}, WELL),
]


@pytest.mark.parametrize("waived", [row[1] for row in OTHERS], ids=[row[0] for row in OTHERS])
def test_a_new_waiver_takes_nothing(waived: object, judged: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(judged.folder)
    judged.write("environments/tiny.yaml", with_keys())
    judged.write("environments/tiny.waivers.yaml", yaml.safe_dump({"waivers": waived}))
    assert main(["verify", "tiny", "preflight"]) == WELL
    (judged.folder / "environments/tiny.waivers.yaml").unlink()


BESIDE = {"notify", "owners", "run", "sign_off", "approvers", "tables"}
"""What no look needs: who is told, who sees to it, how a run goes about its work, who may approve, what
tables are called in SQL that people run."""


def test_each_key_decides_by_itself_or_is_read_by_looks() -> None:
    load_all()
    text = "\n".join(path.read_text("utf-8") for path in (ROOT / "readiness/observations").glob("*.py"))
    by_clients = {section for client in CLIENTS for section in sections_of(client)}
    of_looks = by_clients | set(re.findall(r"environment\.([a-z_]+)", text)) | {"readings", "service_levels"}
    of_looks |= {"declared"}  # a look that rests on what is declared reads who answers for it
    fields = set(Environment.model_fields)
    assert fields - OF_EVERY_RUN - HELD_ELSEWHERE - BESIDE - of_looks == set()
    assert fields >= OF_EVERY_RUN | HELD_ELSEWHERE | BESIDE | set(OF_WHO_MAY) | by_clients


def test_each_client_that_is_made_of_a_section_names_it() -> None:
    """By how the clients are made: each `environment.KEY` in the table is noted when the client is asked for."""
    table = (ROOT / "readiness/sources/table.py").read_text("utf-8")
    made_of = set(re.findall(r"environment\.([a-z_]+)", table)) & set(Environment.model_fields)
    noted = {section for client in CLIENTS for section in sections_of(client)}
    assert made_of - noted - OF_EVERY_RUN - {"readings", "service_levels", "run"} == set()


def test_the_looks_of_the_suite_note_their_sections() -> None:
    load_all()
    assert {name for name, look in OBSERVATIONS.items() if "postgres" in look.sections} >= {"connection_pool"}
    for look in OBSERVATIONS.values():
        assert set(look.sections) <= set(Environment.model_fields), look.name


def edited(project: Project, change: Mapping[str, Any]) -> RecordedBinding:
    (folder,) = (path.parent for path in (project.folder / "reports/tiny").glob("*/journal.jsonl"))
    bound = read_run(folder).start.binding
    assert bound
    entry = ledger.read(folder.parent / ledger.FILE, {}).runs[folder.name].opened
    assert entry
    assert entry.entry.binding == bound.digest
    return RecordedBinding.model_validate({**bound.model_dump(), **change})


def test_what_is_known_of_the_keys_is_bound_by_the_ledger(judged: Project) -> None:
    bound = edited(judged, {})
    other = bound.environment.model_copy(update={"paths": {}})
    assert edited(judged, {"environment": other}).digest != bound.digest
    assert bound.environment.paths
    assert {"readings.orders", "readings.log_lines", "owners"} <= set(bound.environment.paths)
    assert "orders.txt" not in json.dumps(bound.environment.paths)
