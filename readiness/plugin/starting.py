"""A start that named an environment, until its run is in the ledger: whatever ends it before leaves an entry there.

Pytest may end before it comes to the options of a run: a `conftest.py` that cannot be imported, an option that nobody
knows, a plugin that breaks. An older GO would then be the newest that is known. Pytest's own clean-up is what comes in
each of these, so the entry is made there, unless the start came to something else meanwhile. A process that is killed
leaves a mark instead, which the next run enters.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from _pytest.config import ConftestImportFailure

from readiness.config.project_root import REPORTS, project_root
from readiness.plugin import INVOCATION

if TYPE_CHECKING:
    from readiness.evidence.pending_starts import Marker

LEDGER = "ledger.jsonl"
_TELLS = ("help", "version", "markers", "cacheshow", "collectonly", "showfixtures", "show_fixtures_per_test")
"""Options with which pytest tells about itself or about a suite, and runs nothing."""
_UNKNOWN = re.compile(r"error: unrecognized arguments: (.*)")
_OPTION_NAME = re.compile(r"(?<!\S)--[a-z][a-z-]*")


@dataclass
class Start:
    """A start whose run is not in the ledger yet."""

    home: Path
    """The folder of the environment's evidence."""
    expression: str
    """What `-m` says, as far as pytest knew it by then."""
    is_settled: bool = False
    marker: Marker | None = None
    """What is left where the process is killed."""

    def begin(self) -> None:
        """Leave a mark where there is a ledger, so that something good may be known that this would take away."""
        if not (self.home / LEDGER).is_file():
            return
        # A suite that has nothing to do with this one has no such ledger, and never imports this.
        from readiness.evidence.pending_starts import Marker  # noqa: PLC0415
        from readiness.plugin.command_line import phase_named  # noqa: PLC0415  the same

        with suppress(OSError):
            self.marker = Marker(self.home, phase_named(self.expression))

    def settle(self) -> None:
        """Note that it has come to something."""
        self.is_settled = True
        if self.marker:
            self.marker.remove()
            self.marker = None

    def end(self) -> None:
        """Enter that the start came to no run, where it has come to nothing else."""
        if not self.is_settled and (self.home / LEDGER).is_file():
            from readiness.plugin.command_line import phase_named  # noqa: PLC0415  as above
            from readiness.plugin.refusing import enter_refused  # noqa: PLC0415  the same

            enter_refused(self.home, phase_named(self.expression), "", reason_of(sys.exception()))
        self.settle()


START = pytest.StashKey[Start]()
"""On the config, from the moment that the plugin is there; absent where a gate has entered what it asked for."""


def note(config: pytest.Config, words: Sequence[str], variables: Mapping[str, str]) -> None:
    """Note a start that names an environment, and have it be entered if no run comes of it."""
    parsed = getattr(config, "known_args_namespace", None)
    if parsed is None or START in config.stash or variables.get(INVOCATION):
        return
    stated = _stated(words)
    if not is_name(stated.env) or stated.replay or any(getattr(parsed, name, None) for name in _TELLS):
        return

    reports = Path(stated.reports or project_root(config.invocation_params.dir) / REPORTS)
    start = Start(config.invocation_params.dir / reports / stated.env, getattr(parsed, "markexpr", "") or "")
    config.stash[START] = start
    config.add_cleanup(start.end)
    start.begin()


def settle(config: pytest.Config) -> None:
    """Note that a start has come to something: a run, a refusal that is entered, or nothing that anybody asked for."""
    if START in config.stash:
        config.stash[START].settle()


def is_name(word: str | None) -> bool:
    """Check whether a word can name an environment, whose folder lies in that of the reports and nowhere else."""
    return bool(word) and word not in {".", ".."} and Path(str(word)).name == word


def _stated(words: Sequence[str]) -> argparse.Namespace:
    """Return what a command line says of the environment, before pytest has our options."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for option in ("--env", "--reports", "--replay"):
        parser.add_argument(option, nargs="?")
    try:
        return parser.parse_known_args(words)[0]
    except argparse.ArgumentError:
        return argparse.Namespace(env=None, reports=None, replay=None)


def reason_of(error: BaseException | None) -> str:
    """Return why pytest ended, without what somebody has typed or a file has said: secrets are not known yet."""
    if isinstance(error, ConftestImportFailure):
        return f"{error.path.name} in {error.path.parent.name}/ cannot be imported: {type(error.cause).__name__}"
    if isinstance(error, pytest.UsageError):
        unknown = _UNKNOWN.search(str(error))
        names = _OPTION_NAME.findall(unknown[1]) if unknown else []
        about = f", which has {', '.join(names)}" if names else ""
        return f"pytest did not take its command line{about}"
    return f"pytest ended before the run began{f': {type(error).__name__}' if error else ''}"
