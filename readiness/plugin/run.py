"""What the modules of the plugin share about the run under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from readiness.environment import Environment
from readiness.measurements import Measure, Plain
from readiness.outcomes import Effect, Phase
from readiness.runbook import Item, Limits, Runbook


@dataclass
class Run:
    """One run of one phase against one environment. Made by `options`, the same in every worker."""

    environment: Environment
    runbooks: tuple[Runbook, ...]
    phase: Phase | None
    """None only for the plan view of all phases."""
    moment: datetime
    """The instant that is judged: now, or what `--as-of` says."""
    started_at: datetime
    allowed: frozenset[Effect]
    folder: Path | None = None
    """The run folder; None in a plan view. The controller makes it."""
    replay: Path | None = None
    items: dict[str, Item] = field(default_factory=dict)
    """Local id → the decision it stands for, for the items that this process collected."""

    def expected(self) -> list[Item]:
        """Give every decision that the runbooks demand in this phase, in their order."""
        return [item for runbook in self.runbooks for item in runbook.items(self.phase)]

    def local_id(self, item: Item) -> str:
        """Name an item as pytest shows it: with its runbook where there are several."""
        return item.local_id if len(self.runbooks) == 1 else f"{item.runbook}.{item.local_id}"


RUN = pytest.StashKey[Run]()
"""On the config; absent where no environment was named."""

ITEM = pytest.StashKey[Item]()
LIMITS = pytest.StashKey[Limits]()
MEASURE = pytest.StashKey[Measure]()
"""On a pytest item."""

RESULTS = pytest.StashKey[list[dict[str, Any]]]()
"""On the config of the controller: the settled `result` records, in order (see the journal's schema)."""

READINESS = "readiness"
"""The attribute of a report that carries what `judging` found: a mapping of plain values that crosses processes."""


def found_in(report: pytest.TestReport) -> Mapping[str, Plain] | None:
    """Return what `judging` attached to a report, or None for a test that decides no line."""
    found: Mapping[str, Plain] | None = getattr(report, READINESS, None)
    return found
