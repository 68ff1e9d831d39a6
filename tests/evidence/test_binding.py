"""What a run is bound to: the same project in every clone of it and in CI's checkout, another one elsewhere."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from readiness.config.pipeline import LETTERS_AT_MOST, SYSTEMS, pipeline_of
from readiness.config.repository import normalised, repository_of
from readiness.environment.schema import load
from readiness.errors import BadEnvironment
from readiness.evidence import ledger
from readiness.evidence.binding import binding_of
from readiness.evidence.journal import read_run
from readiness.evidence.recorded_binding import RecordedProject
from tests.evidence.launch import Launch, make
from tests.plugin.project import Project, line

ORIGIN = "git@github.com:acme/shop.git"
ENVIRONMENT = "environment: tiny\nrunbooks: [book.yaml]\nallowed_hosts: [shop.example.com]\n"


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "protocol.file.allow=always")
    command = ["git", *identity, "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def repository(folder: Path, text: str = "one", below: str = "") -> Path:
    """Make a repository of two commits with a project in it."""
    environments = folder / below / "environments"
    environments.mkdir(parents=True)
    (environments / "tiny.yaml").write_text(ENVIRONMENT, "utf-8")
    (environments / "book.yaml").write_text(text, "utf-8")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", text)
    git(folder, "commit", "-qm", "two", "--allow-empty")
    git(folder, "remote", "add", "origin", ORIGIN)
    return folder


def clone(home: Path, target: Path, *words: str, remote: str = ORIGIN) -> Path:
    git(home.parent, "clone", "-q", *words, f"file://{home}", str(target))
    git(target, "remote", "set-url", "origin", remote)
    return target


def project_of(folder: Path) -> RecordedProject:
    return binding_of(folder / "environments", "tiny", folder / "reports").project


def _itself(home: Path, target: Path) -> Path:
    del target
    return home


def _whole(home: Path, target: Path) -> Path:
    return clone(home, target)


def _shallow(home: Path, target: Path) -> Path:
    return clone(home, target, "--depth", "1", remote="https://x-access-token:t0ken@github.com/acme/shop")


def _fork(home: Path, target: Path) -> Path:
    return clone(home, target, remote="https://github.com/ada/shop")


def _later(home: Path, target: Path) -> Path:
    folder = clone(home, target)
    git(folder, "commit", "-qm", "three", "--allow-empty")
    return folder


def _local_clone(home: Path, target: Path) -> Path:
    return clone(home, target, remote=str(home))


def _shallow_of_another(home: Path, target: Path) -> Path:
    return clone(home, target, "--depth", "1", remote="https://github.com/acme/bank")


def _another(home: Path, target: Path) -> Path:
    del home
    return repository(target, "another")


def _template(home: Path, target: Path) -> Path:
    """Copy the files of a project and begin a history of its own."""
    git(home, "worktree", "prune")
    folder = repository(target, "one of our own")
    git(folder, "remote", "set-url", "origin", "https://github.com/acme/bank")
    return folder


def _no_repository(home: Path, target: Path) -> Path:
    del home
    (target / "environments").mkdir(parents=True)
    (target / "environments" / "tiny.yaml").write_text(ENVIRONMENT, "utf-8")
    (target / "environments" / "book.yaml").write_text("one", "utf-8")
    return target


SAME: dict[str, tuple[Callable[[Path, Path], Path], bool | None]] = {
    "the same folder": (_itself, True),
    "a whole clone": (_whole, True),
    "a clone that is ahead": (_later, True),
    "a clone of a folder of this machine": (_local_clone, True),
    "a shallow checkout with a token": (_shallow, True),
    "a fork": (_fork, True),
    "another project's shallow checkout": (_shallow_of_another, False),
    "another project": (_another, False),
    "a copy with a history of its own": (_template, False),
    "no repository": (_no_repository, None),
}


@pytest.mark.parametrize("name", SAME)
def test_a_project_is_known_again(name: str, tmp_path: Path) -> None:
    home = repository(tmp_path / "home")
    other, is_same = SAME[name]
    here, there = project_of(home), project_of(other(home, tmp_path / "there"))
    assert here.same_as(there) is is_same
    assert there.same_as(here) is is_same
    assert "t0ken" not in there.remote


def test_two_projects_of_one_repository_are_two(tmp_path: Path) -> None:
    home = repository(tmp_path / "home", below="shop")
    (home / "bank" / "environments").mkdir(parents=True)
    for name in ("tiny.yaml", "book.yaml"):
        (home / "bank" / "environments" / name).write_bytes((home / "shop" / "environments" / name).read_bytes())
    shop, bank = project_of(home / "shop"), project_of(home / "bank")
    assert (shop.place, bank.place) == ("shop", "bank")
    assert shop.same_as(bank) is False


STATED = [
    ({"stated": "shop"}, {"stated": "shop", "root_commit": "b"}, True),
    ({"stated": "shop", "root_commit": "a"}, {"stated": "bank", "root_commit": "a"}, False),
    ({"stated": "shop", "root_commit": "a"}, {"root_commit": "a"}, True),
    ({"stated": "shop"}, {"root_commit": "a"}, None),
    ({"root_commit": "a", "remote": "x"}, {"remote": "x"}, True),
    ({"remote": "***/x"}, {"remote": "y/x"}, None),
    ({}, {}, None),
]


@pytest.mark.parametrize(("one", "other", "is_same"), STATED)
def test_the_surest_that_both_are_known_by_decides(
    one: Mapping[str, str], other: Mapping[str, str], is_same: bool | None
) -> None:
    assert RecordedProject(root_commit="a").same_as(RecordedProject(root_commit="b")) is False
    assert RecordedProject.model_validate(one).same_as(RecordedProject.model_validate(other)) is is_same


@pytest.mark.parametrize("word", ["a b", "x", "", "shop\n", "${NAME}", "größe"])
def test_a_project_has_a_name_of_one_word(word: str, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(
        f"{ENVIRONMENT}project: {json.dumps(word)}\ntarget: {{url: http://shop.example.com}}\n"
    )
    with pytest.raises(BadEnvironment, match="project"):
        load("tiny", tmp_path, {"NAME": "shop"})


ADDRESSES = [
    ("git@github.com:acme/shop.git", "github.com/acme/shop"),
    ("https://github.com/acme/shop", "github.com/acme/shop"),
    ("https://ada:secret@GitHub.com/acme/shop.git/", "github.com/acme/shop"),
    ("ssh://git@git.example.com:2222/acme/shop.git", "git.example.com/acme/shop"),
    ("https://dev.azure.com/acme/shop/_git/shop", "dev.azure.com/acme/shop/_git/shop"),
    ("github.com:acme/shop", "github.com/acme/shop"),
    ("/srv/git/shop.git", ""),
    ("file:///srv/git/shop.git", ""),
    ("../shop", ""),
    ("", ""),
]


@pytest.mark.parametrize(("address", "name"), ADDRESSES)
def test_a_remote_has_one_name_however_it_is_reached(address: str, name: str) -> None:
    assert normalised(address) == name


def test_a_commit_is_dirty_by_what_git_tracks_and_not_by_evidence(tmp_path: Path) -> None:
    home = repository(tmp_path / "home")
    reports = home / "reports"
    reports.mkdir()
    (reports / "ledger.jsonl").write_text("1", "utf-8")
    git(home, "add", "-f", "reports")
    git(home, "commit", "-qm", "evidence")
    (reports / "ledger.jsonl").write_text("2", "utf-8")
    (home / "notes.txt").write_text("nobody tracks it", "utf-8")
    assert repository_of(home, reports).is_dirty is False
    (home / "environments" / "book.yaml").write_text("edited", "utf-8")
    found = repository_of(home, reports)
    assert (found.is_dirty, found.commit) == (True, git(home, "rev-parse", "HEAD"))


def test_the_settings_of_a_repository_run_nothing(tmp_path: Path) -> None:
    home = repository(tmp_path / "home")
    hostile = tmp_path / "hostile"
    hostile.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n", "utf-8")
    hostile.chmod(0o755)
    git(home, "config", "core.fsmonitor", str(hostile))
    assert repository_of(home, home / "reports").commit
    assert not (tmp_path / "ran").exists()


PIPELINES: dict[str, tuple[Mapping[str, str], tuple[str, ...]]] = {
    "GitHub Actions": (
        {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/shop"}
        | {"GITHUB_RUN_ID": "7", "GITHUB_WORKFLOW": "launch", "GITHUB_ACTOR": "ada"},
        ("https://github.com/acme/shop/actions/runs/7", "launch", "ada", "acme/shop"),
    ),
    "GitLab CI": (
        {"GITLAB_CI": "true", "CI_JOB_URL": "https://gitlab.com/acme/shop/-/jobs/7", "CI_JOB_NAME": "gate"}
        | {"GITLAB_USER_LOGIN": "ada", "CI_PROJECT_PATH": "acme/shop"},
        ("https://gitlab.com/acme/shop/-/jobs/7", "gate", "ada", "acme/shop"),
    ),
    "Buildkite": (
        {"BUILDKITE": "true", "BUILDKITE_BUILD_URL": "https://buildkite.com/acme/shop/builds/7"}
        | {"BUILDKITE_PIPELINE_SLUG": "shop", "BUILDKITE_BUILD_CREATOR": "Ada", "BUILDKITE_REPO": ORIGIN},
        ("https://buildkite.com/acme/shop/builds/7", "shop", "Ada", ORIGIN),
    ),
    "CircleCI": (
        {"CIRCLECI": "true", "CIRCLE_BUILD_URL": "https://circleci.com/gh/acme/shop/7", "CIRCLE_JOB": "gate"}
        | {"CIRCLE_USERNAME": "ada", "CIRCLE_PROJECT_USERNAME": "acme", "CIRCLE_PROJECT_REPONAME": "shop"},
        ("https://circleci.com/gh/acme/shop/7", "gate", "ada", "acme/shop"),
    ),
    "Azure Pipelines": (
        {"TF_BUILD": "True", "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/", "SYSTEM_TEAMPROJECT": "shop"}
        | {"BUILD_BUILDID": "7", "BUILD_DEFINITIONNAME": "launch", "BUILD_REQUESTEDFOR": "Ada"}
        | {"BUILD_REPOSITORY_NAME": "shop"},
        ("https://dev.azure.com/acme/shop/_build/results?buildId=7", "launch", "Ada", "shop"),
    ),
    "Jenkins": (
        {"JENKINS_URL": "https://ci.example.com/", "BUILD_URL": "https://ci.example.com/job/shop/7/"}
        | {"JOB_NAME": "shop", "BUILD_USER_ID": "ada", "GIT_URL": ORIGIN},
        ("https://ci.example.com/job/shop/7/", "shop", "ada", ORIGIN),
    ),
}


def test_each_system_has_a_row() -> None:
    assert {system.name for system in SYSTEMS} == set(PIPELINES)


@pytest.mark.parametrize("system", PIPELINES)
def test_a_pipeline_is_known_by_its_own_variables(system: str) -> None:
    variables, told = PIPELINES[system]
    found = pipeline_of(variables)
    assert found
    assert (found.system, found.execution, found.workflow, found.actor, found.repository) == (system, *told)


def test_the_words_of_a_pipeline_are_bounded_and_command_nothing() -> None:
    hostile = "launch\n::error::GO\x1b[8m" + "x" * 5000
    found = pipeline_of({"GITHUB_ACTIONS": "true", "GITHUB_WORKFLOW": hostile})
    assert found
    assert found.workflow.startswith("launch : :error::GO")
    assert found.workflow.isprintable()
    assert len(found.workflow) <= LETTERS_AT_MOST + 10
    assert (found.execution, found.actor) == ("", "")
    assert pipeline_of({"CI": "true"}) is None


def test_a_run_and_its_entries_are_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "conftest.py")
    git(tmp_path, "commit", "-qm", "one")
    for name, value in PIPELINES["GitLab CI"][0].items():
        monkeypatch.setenv(name, value)
    project.runbook(line("one", {"demo.figure": {"share_below": 0.7}}))
    assert project.preflight().exit == 0
    home = tmp_path / "reports" / "tiny"
    (folder,) = (path.parent for path in home.glob("*/journal.jsonl"))
    bound = read_run(folder).start.binding
    assert bound
    assert bound.pipeline
    assert bound.pipeline.actor == "ada"
    assert bound.commit
    assert (bound.commit.id, bound.project.root_commit) == (git(tmp_path, "rev-parse", "HEAD"),) * 2
    assert list(bound.runbooks) == ["book.yaml"]
    assert "example.com" not in bound.model_dump_json()  # what the file says is there as digests alone
    entries = ledger.read(home / ledger.FILE, {}).runs[folder.name]
    assert entries.opened
    assert entries.sealed
    assert (entries.opened.entry.binding, entries.sealed.entry.binding) == (bound.digest,) * 2


@pytest.mark.parametrize("part", ["project", "environment", "runbooks", "commit", "all of it"])
def test_a_journal_with_another_binding_is_refuted(
    part: str, launched: Launch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = launched.copy(tmp_path / "copy")
    others: dict[str, Any] = {"project": {"remote": "github.com/acme/bank"}, "environment": {"digest": "0" * 64}}
    others |= {"runbooks": {}, "commit": {"id": "0" * 40}}

    def forged(record: dict[str, Any]) -> dict[str, Any]:
        if record["record"] == "start":
            binding = None if part == "all of it" else {**record["binding"], part: others[part]}
            return {**record, "binding": binding}
        return record

    launch.edit_journal(launch.runs()[-1], forged)
    assert launch.verify("tiny", "preflight") not in {0, 10}
    assert "opened for another project, runbook or environment file" in capsys.readouterr().out


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    return make(tmp_path_factory.mktemp("launch"))
