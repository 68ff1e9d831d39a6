"""The last hour's uploads by status, and those of them that failed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.redaction.shown import shown
from readiness.slo.events import Events

HOUR = "1h"
FAILED = "failed"
STATUSES = {"pending", "processing", "promoting", "completed", FAILED}
"""Of an upload, in the document's words."""


@dataclass(frozen=True)
class UploadOutcomes:
    """The last hour's uploads."""

    by_status: dict[str, int]

    @property
    def total(self) -> int:
        """All uploads."""
        return sum(self.by_status.values())

    @property
    def unknown_statuses(self) -> list[str]:
        """The statuses that are none of the document's, whatever their case."""
        return sorted(status for status in self.by_status if status.casefold() not in STATUSES)

    @property
    def counted(self) -> Events:
        """The uploads, and those of them that failed; of an unknown status nobody knows whether it says so."""
        failed = sum(uploads for status, uploads in self.by_status.items() if status.casefold() == FAILED)
        unseen = sum(self.by_status[status] for status in self.unknown_statuses)
        return Events(
            "uploads",
            HOUR,
            self.total,
            failed,
            unseen=unseen,
            unseen_says="have a status that may say so",
            look_at=f"let readings.upload_outcomes say {FAILED} or another of the known words in place of"
            f" {shown(', '.join(self.unknown_statuses))}",
        )
