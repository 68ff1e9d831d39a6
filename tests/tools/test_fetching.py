"""Bringing what is missing, from a release archive of our own: said in one line, and undone where it does not start."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from readiness.tools import BY_NAME, TOOLS, find, releases
from readiness.tools.fetching import fetch, ways
from readiness.tools.releases import ReleaseArchive, this_platform
from tests.tools.machine import EXITS, machine

ANSWERS = "#!/bin/sh\necho version 9.9.9\n"
BOTH = [BY_NAME["prometheus"], BY_NAME["promtool"]]


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any tool and without apt."""
    for name, value in machine(tmp_path / "machine").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("READINESS_TOOLS", raising=False)


def release(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> ReleaseArchive:
    """Pin one archive for this machine, with programs of this text."""
    name = f"prometheus-9.9.9.{this_platform()}"
    path = folder / f"{name}.tar.gz"
    with tarfile.open(path, "w:gz") as packed:
        for program in ("prometheus", "promtool"):
            member = tarfile.TarInfo(f"{name}/{program}")
            member.size, member.mode = len(text), 0o755
            packed.addfile(member, io.BytesIO(text.encode()))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    archive = ReleaseArchive("prometheus", "9.9.9", this_platform(), path.as_uri(), digest, "a test")
    monkeypatch.setattr(releases, "pinned", lambda: [archive])
    return archive


def test_one_line_says_what_is_fetched_and_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = release(tmp_path, monkeypatch, ANSWERS)
    said: list[str] = []
    assert fetch(BOTH, said.append) == {}
    assert said == [f"prometheus: downloading {archive.url}; needed for {BOTH[0].needed_for}"]
    assert all(find(tool) for tool in BOTH)
    assert fetch(BOTH, said.append) == {}
    assert len(said) == 1, "what is there is not fetched again"


def test_what_does_not_start_counts_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release(tmp_path, monkeypatch, EXITS)
    failures = fetch(BOTH[:1], lambda _: None)
    assert [reason.rpartition(" --version ")[2] for reason in failures["prometheus"]] == [
        "ended with 1: the template is gone"
    ]
    assert find(BOTH[0]) is None


def test_what_comes_together_fails_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = release(tmp_path, monkeypatch, ANSWERS)
    Path(archive.url.removeprefix("file://")).unlink()
    said: list[str] = []
    failures = fetch(BOTH, said.append)
    assert set(failures) == {"prometheus", "promtool"}
    assert failures["prometheus"] == failures["promtool"]
    assert len(said) == 1


def test_where_there_is_no_way_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "pinned", list)
    assert [ways(tool) for tool in TOOLS] == [[]] * len(TOOLS)
    assert fetch([BY_NAME["chromium"]], lambda _: None) == {
        "chromium": [f"there is no way to bring it on {this_platform()}"]
    }
