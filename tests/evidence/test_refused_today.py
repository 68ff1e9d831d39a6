"""An environment file that no new run would take carries no good word; what only variables decide takes none away.

A row is what becomes of the file of a good run, the exit of `verify`, and what it says.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import yaml

from readiness import shipped
from readiness.__main__ import main
from readiness.environment.refusals import refusals
from readiness.evidence.reasons import Reason
from tests.plugin.project import ENVIRONMENT, Project, line

WELL, NOT_TODAY = 0, Reason.NOT_TODAY.code
TEXT = yaml.safe_dump(
    {
        **ENVIRONMENT,
        "postgres": {"url": "${TINY_DATABASE}"},
        "grafana": {"url": "http://127.0.0.1:3", "token": "${TINY_TOKEN}"},
        "load": {"users_at_most": 5, "journeys": {"buy": "buy.journey.yaml"}},
        "readings": {"log_lines": {"file": "${TINY_LOG}", "format": "jsonl"}},
    },
    sort_keys=False,
)
JOURNEY = 'steps: [{path: /buy, headers: {Authorization: "Bearer ${TINY_TOKEN}"}}]\n'
SECRETS = {"TINY_DATABASE": "postgresql://probe:s3cr3t-word@127.0.0.1/shop", "TINY_TOKEN": "tok_3141592653589793"}
ALL_SET = {**SECRETS, "TINY_LOG": "log.jsonl"}
NONE_SET: dict[str, str] = {}
WRONG_HERE = {"TINY_DATABASE": "", "TINY_TOKEN": "short", "TINY_LOG": "log.jsonl"}
"""As a pipeline has it that may not see the secrets."""

Edit = tuple[str, str, str, Mapping[str, str], int, str]
EDITS: list[Edit] = [
    # What is done, what is replaced (nothing: added at the end), by what, the variables of verify, exit, what is said.
    ("nothing", "", "", ALL_SET, WELL, ""),
    ("nothing, without the secrets", "", "", NONE_SET, WELL, ""),
    ("nothing, with other values", "", "", WRONG_HERE, WELL, ""),
    ("a comment", "", "# somebody looked\n", NONE_SET, WELL, "in comments, order or form alone"),
    ("an address that is none", "127.0.0.1:3", "'127.0.0.1:3'", NONE_SET, NOT_TODAY, "http or https address"),
    ("a reading", "log_lines:", "audit_trail: {file: '${X}'}\n  log_lines:", NONE_SET, WELL, "audit_trail"),
    ("authorities of another machine", "${TINY_DATABASE}", "${TINY_DATABASE}\n  ca_file: /x", NONE_SET, WELL, ""),
    ("a secret in a file elsewhere", "${TINY_TOKEN}", "file:/no/such/token", NONE_SET, WELL, "grafana"),
    ("who may approve, by a variable", "", "approvers: {Cy Diaz: '${TINY_CY}'}\n", NONE_SET, WELL, "approvers"),
    (
        "who may approve, as nobody is known",
        "",
        "approvers: {Cy Diaz: no one}\n",
        NONE_SET,
        NOT_TODAY,
        "no mail address",
    ),
    ("an unknown key", "", "lanch_at: 2100-01-01\n", ALL_SET, NOT_TODAY, "did you mean 'launch_at'?"),
    ("an unknown key, by a variable", "", "lanch_at: ${TINY_LAUNCH}\n", NONE_SET, NOT_TODAY, "mean 'launch_at'?"),
    ("a section by a variable", "", "sentry: ${TINY_SENTRY}\n", NONE_SET, NOT_TODAY, "sentry: keys with their values"),
    ("a list by a variable", "", "internal_workspaces: ${TINY_IDS}\n", NONE_SET, NOT_TODAY, "workspaces: a list is"),
    ("an unknown key, without the secrets", "", "lanch_at: 2100-01-01\n", NONE_SET, NOT_TODAY, "mean 'launch_at'?"),
    ("an unknown key, with other values", "", "lanch_at: 2100-01-01\n", WRONG_HERE, NOT_TODAY, "mean 'launch_at'?"),
    ("an unknown key of evidence", "", "evidence: {anchr: {file: kept}}\n", NONE_SET, NOT_TODAY, "mean 'anchor'?"),
    (
        "an unknown section of evidence",
        "",
        "evidnce: {anchor: {file: kept}}\n",
        NONE_SET,
        NOT_TODAY,
        "mean 'evidence'?",
    ),
    ("an unknown place of anchors", "", "evidence: {anchor: {fil: kept}}\n", NONE_SET, NOT_TODAY, "mean 'file'?"),
    ("an unknown key of what nobody asks", "  token", "  tokn: x\n  token", NONE_SET, NOT_TODAY, "mean 'token'?"),
    (
        "a text for a list",
        "allowed_hosts:\n-",
        "allowed_hosts:",
        NONE_SET,
        NOT_TODAY,
        "hosts: a list is wanted",
    ),
    ("a word for a number", "users_at_most: 5", "users_at_most: many", NONE_SET, NOT_TODAY, "a whole number is wanted"),
    ("a secret in the file", "${TINY_TOKEN}", "tok_2718281828", NONE_SET, NOT_TODAY, "comes from ${VARIABLE}"),
    ("a variable of no name", "${TINY_TOKEN}", "${TINY TOKEN}", NONE_SET, NOT_TODAY, "is not the name of a variable"),
    ("two sources of a reading", "format: jsonl", "value: 3", ALL_SET, NOT_TODAY, "a reading has one source"),
    ("a missing section", "file: ${TINY_LOG}\n    format: jsonl", "metric: a", ALL_SET, NOT_TODAY, "metrics"),
    ("a host that is not listed", "127.0.0.1:3", "grafana.shop.example", ALL_SET, NOT_TODAY, "see allowed_hosts"),
    ("another name", "environment: tiny", "environment: tyni", ALL_SET, NOT_TODAY, "environment says 'tyni'"),
    ("effects in production", "production: false", "production: true", ALL_SET, NOT_TODAY, "permits nothing beyond"),
    ("a journey that is not there", "buy.journey.yaml", "by.journey.yaml", NONE_SET, NOT_TODAY, "by.journey.yaml"),
    ("a line that nobody has", "", "not_applicable: {book/oen: there is none here}\n", ALL_SET, NOT_TODAY, "book/one"),
    ("a key twice", "", "environment: tiny\n", NONE_SET, NOT_TODAY, "stands here twice"),
    ("no YAML any more", "", "]\n", NONE_SET, NOT_TODAY, "cannot be read"),
]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project whose run had all variables, and was GO."""
    project = Project(tmp_path_factory.mktemp("judged"))
    project.write("environments/tiny.yaml", TEXT)
    project.write("environments/buy.journey.yaml", JOURNEY)
    project.runbook(line("one", "demo.figure"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ALL_SET.items():
            patch.setenv(name, value)
        ran = project.preflight()
    assert ran.exit == 0, ran.out
    return project


@pytest.mark.parametrize("edit", EDITS, ids=[row[0] for row in EDITS])
def test_a_file_that_a_new_run_would_refuse_carries_nothing(
    edit: Edit, judged: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, old, new, variables, code, says = edit
    assert old in TEXT
    monkeypatch.chdir(judged.folder)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    judged.write("environments/tiny.yaml", TEXT.replace(old, new, 1) if old else f"{TEXT}{new}")

    assert main(["verify", "tiny", "preflight"]) == code
    told = " ".join(capsys.readouterr().out.split())
    assert says in told
    assert "s3cr3t-word" not in told
    judged.write("environments/tiny.yaml", TEXT)


@pytest.mark.parametrize("text", [JOURNEY.replace("path:", "pth:"), "steps: ["])
def test_a_journey_that_a_new_run_would_refuse_carries_nothing(
    text: str, judged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(judged.folder)
    judged.write("environments/buy.journey.yaml", text)
    assert main(["verify", "tiny", "preflight"]) == NOT_TODAY
    judged.write("environments/buy.journey.yaml", JOURNEY)
    assert main(["verify", "tiny", "preflight"]) == WELL


@pytest.mark.parametrize("words", [("--all", "--env", "tiny"), ()], ids=["all", "by its folder"])
@pytest.mark.parametrize("typo", ["evidence: {anchr: {file: kept}}", "evidnce: {anchor: {file: kept}}"])
def test_a_typo_drops_no_demand_for_anchors(
    typo: str, words: tuple[str, ...], judged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(judged.folder)
    (run,) = (judged.folder / "reports/tiny").glob("2*-preflight")
    before = main(["verify", *(words or (str(run),))])
    judged.write("environments/tiny.yaml", f"{TEXT}{typo}\n")
    assert main(["verify", *(words or (str(run),))]) == Reason.NOT_ANCHORED.code
    judged.write("environments/tiny.yaml", TEXT)
    assert main(["verify", *(words or (str(run),))]) == before


def test_what_ships_is_refused_nowhere(judged: Project) -> None:
    """The examples, without one of their variables: nothing in the files themselves is wrong."""
    del judged
    for path in sorted(shipped.environments().glob("*.yaml")):
        if "." not in path.stem and "environment:" in path.read_text("utf-8"):
            assert refusals(path.stem, path.parent, [], {}) == [], path.name
