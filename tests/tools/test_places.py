"""Where a tool is found, and what is said of one that is there and does not start."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from readiness.tools import BY_NAME, find, places, version
from readiness.tools.places import BrokenTool, cache, forget, link, wrap
from tests.tools.machine import EXITS, HANGS, NO_PROGRAM, machine, script

ALERTMANAGER = BY_NAME["alertmanager"]
ANSWERS = "#!/bin/sh\necho 'alertmanager, version 0.32.2 (branch: HEAD, revision: 1)'\n"


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any tool."""
    for name, value in machine(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_the_path_comes_before_the_cache(empty: Path) -> None:
    assert find(ALERTMANAGER) is None
    wrap(ALERTMANAGER, ANSWERS)
    assert find(ALERTMANAGER) == empty / "cache" / "readiness" / "bin" / "alertmanager"
    own = script(empty / "bin" / "alertmanager", ANSWERS)
    assert find(ALERTMANAGER) == own
    debians = script(empty / "bin" / "prometheus-alertmanager", ANSWERS)
    assert find(ALERTMANAGER) == debians


def test_what_was_fetched_is_replaced_and_forgotten(empty: Path) -> None:
    link(ALERTMANAGER, script(empty / "one", ANSWERS))
    link(ALERTMANAGER, script(empty / "two", ANSWERS))
    found = find(ALERTMANAGER)
    assert found
    assert found.resolve() == empty / "two"
    (empty / "two").unlink()
    assert find(ALERTMANAGER) is None, "what the link points to was removed"
    forget(ALERTMANAGER)
    assert list((cache() / "bin").iterdir()) == []


@pytest.mark.parametrize("said", ["", "relative/folder"])
def test_the_cache_is_in_the_home_folder_unless_another_is_named(
    said: str, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", said)
    monkeypatch.setenv("HOME", str(empty))
    assert cache() == empty / ".cache" / "readiness"


def test_the_version_is_the_number_it_says(empty: Path) -> None:
    assert version(script(empty / "one", ANSWERS)) == "0.32.2"
    assert version(script(empty / "two", "#!/bin/sh\necho 2.42.0+ds built for Debian >&2\n")) == "2.42.0"
    assert version(script(empty / "three", "#!/bin/sh\n")) == "of no version"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (EXITS, "ended with 1: the template is gone"),
        (NO_PROGRAM, "does not start: Exec format error"),
        (HANGS, "does not answer --version within 0.2 seconds"),
    ],
)
def test_a_broken_program_is_said_to_be(text: str, message: str, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "VERSION_SECONDS", 0.2 if text is HANGS else 60.0)
    with pytest.raises(BrokenTool, match=re.escape(message)):
        version(script(empty / "broken", text))
