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
DIGEST = re.compile(r"--hash=sha256:[0-9a-f]{64}")
PROJECT = "production-readiness"


def entries() -> dict[str, list[tuple[Requirement, int]]]:
    """Return what is locked under each name (several where platforms differ), with the number of its digests."""
    text = re.sub(r"^\s*#.*\n", "", LOCK.read_text(encoding="utf-8"), flags=re.MULTILINE)
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


LOCKED = entries()


@pytest.mark.parametrize("wanted", declared(), ids=str)
def test_what_is_declared_is_locked_in_its_range(wanted: Requirement) -> None:
    name = canonicalize_name(wanted.name)
    assert name in LOCKED, f"{wanted} is not locked: make lock"
    for found, _ in LOCKED[name]:
        (pin,) = found.specifier
        assert pin.operator == "=="
        assert wanted.specifier.contains(Version(pin.version)), f"{found} is out of the range {wanted}: make lock"


@pytest.mark.parametrize("name", sorted(LOCKED))
def test_each_file_has_its_digest(name: str) -> None:
    for found, digests in LOCKED[name]:
        assert digests, f"{found} has no digest"
        assert found.url is None, f"{found} comes from an address"


def test_the_lock_names_no_place_that_packages_come_from() -> None:
    """Where packages come from is each machine's own business, and no machine's is ours."""
    text = LOCK.read_text(encoding="utf-8")
    for word in ("://", "--index-url", "--extra-index-url", "--find-links", "--trusted-host", "file:", "/home/"):
        assert word not in text, f"requirements.lock says {word}"
