"""What the benchmarks of whole runs share: a run as a true process, and what its journal says it came to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BARS_MISSED = 3
"""The exit code of a benchmark that worked and whose figures are worse than its bars."""
NEVER_SECONDS = 600.0
_FINE = {"pass", "warn", "not_due", "not_applicable"}
_TAIL = 1500


@dataclass(frozen=True)
class Ended:
    """How one whole run ended."""

    word: str
    """Its verdict; `no verdict` where the journal has none."""
    exit: int
    seconds: float
    """By the clock, with the start of the interpreter."""
    failed: tuple[str, ...]
    """The lines that failed, with their reasons."""
    unknown: tuple[str, ...]
    output: str


def run(phase: str, env: str, environments: Path, reports: Path, variables: Mapping[str, str]) -> Ended:
    """Run a phase as a process of its own, as a user would, and return how it ended."""
    words = ["-m", phase, "--env", env, f"--environments={environments}", f"--reports={reports}"]
    return run_words(words, reports / env, variables)


def run_words(words: Sequence[str], home: Path, variables: Mapping[str, str]) -> Ended:
    """Run pytest with these words, and return how the run ended that it left in `home`."""
    before = set(_journals(home))
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *words],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=NEVER_SECONDS,
    )
    seconds = time.monotonic() - began

    records = [record for journal in set(_journals(home)) - before for record in _records(journal)]
    finishes = [record for record in records if record["record"] == "finish"]
    results = [record for record in records if record["record"] == "result"]
    return Ended(
        word=finishes[-1]["verdict"] if finishes else "no verdict",
        exit=ran.returncode,
        seconds=seconds,
        failed=tuple(_told(result) for result in results if result["outcome"] == "fail"),
        unknown=tuple(_told(result) for result in results if result["outcome"] not in {*_FINE, "fail"}),
        output=(ran.stdout + ran.stderr)[-_TAIL:],
    )


def _journals(home: Path) -> list[Path]:
    return sorted(home.glob("*/journal.jsonl"))


def _records(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]


def _told(result: Mapping[str, Any]) -> str:
    return f"{result['line']} {result['outcome']}: {result['reason']}"
