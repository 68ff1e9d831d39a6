"""What ships with the suite: the runbooks."""

from __future__ import annotations

from pathlib import Path

RUNBOOKS = Path(__file__).parent / "runbooks"
