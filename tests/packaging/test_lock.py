"""What is installed is locked: every dependency that is declared, in its range, each file by its digest."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
BESIDE = ROOT / "requirements-beside.lock"
DIGEST = re.compile(r"--hash=sha256:[0-9a-f]{64}")
PROJECT = "production-readiness"


def entries(lock: Path) -> dict[str, list[tuple[Requirement, int]]]:
    """Return what is locked under each name (several where platforms differ), with the number of its digests."""
    text = re.sub(r"^\s*#.*\n", "", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found: dict[str, list[tuple[Requirement, int]]] = {}
    for entry in text.replace("\\\n", " ").splitlines():
        requirement = Requirement(entry.partition("--hash")[0])
        found.setdefault(canonicalize_name(requirement.name), []).append((requirement, len(DIGEST.findall(entry))))
    return found


def declared() -> list[Requirement]:
    """Return what pyproject.toml declares: to run, for each extra, and to build."""
    content: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = content["project"]
    extras = [text for texts in project["optional-dependencies"].values() for text in texts]
    texts = dict.fromkeys([*project["dependencies"], *extras, *content["build-system"]["requires"]])
    return [one for one in map(Requirement, texts) if one.name != PROJECT]


def declared_beside() -> list[Requirement]:
    """Return the plugins that runs are tried beside."""
    content: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [Requirement(text) for text in content["dependency-groups"]["beside"]]


LOCKED = entries(LOCK)
LOCKED_BESIDE = entries(BESIDE)


def is_locked_in_range(wanted: Requirement, locked: dict[str, list[tuple[Requirement, int]]]) -> None:
    name = canonicalize_name(wanted.name)
    assert name in locked, f"{wanted} is not locked: make lock"
    for found, _ in locked[name]:
        (pin,) = found.specifier
        assert pin.operator == "=="
        assert wanted.specifier.contains(Version(pin.version)), f"{found} is out of the range {wanted}: make lock"


@pytest.mark.parametrize("wanted", declared(), ids=str)
def test_what_is_declared_is_locked_in_its_range(wanted: Requirement) -> None:
    is_locked_in_range(wanted, LOCKED)


@pytest.mark.parametrize("wanted", declared_beside(), ids=str)
def test_a_plugin_beside_is_locked_in_its_range_and_apart(wanted: Requirement) -> None:
    is_locked_in_range(wanted, LOCKED_BESIDE)
    assert canonicalize_name(wanted.name) not in LOCKED, f"{wanted} would be installed for everybody"


def test_no_package_is_in_both_locks() -> None:
    """The plugins' folder comes first on the path: a second pytest in it would be the one that runs."""
    assert not LOCKED.keys() & LOCKED_BESIDE.keys(), "add it to IN_BOTH in the Makefile, then: make lock"


@pytest.mark.parametrize("name", sorted(LOCKED | LOCKED_BESIDE))
def test_each_file_has_its_digest(name: str) -> None:
    for found, digests in [*LOCKED.get(name, []), *LOCKED_BESIDE.get(name, [])]:
        assert digests, f"{found} has no digest"
        assert found.url is None, f"{found} comes from an address"


@pytest.mark.parametrize("lock", [LOCK, BESIDE], ids=lambda lock: lock.name)
def test_the_lock_names_no_place_that_packages_come_from(lock: Path) -> None:
    """Where packages come from is each machine's own business, and no machine's is ours."""
    text = lock.read_text(encoding="utf-8")
    for word in ("://", "--index-url", "--extra-index-url", "--find-links", "--trusted-host", "file:", "/home/"):
        assert word not in text, f"{lock.name} says {word}"
