"""What the service's exposition page shows."""

from __future__ import annotations

from readiness.clients.metrics import Exposition
from readiness.observations import observation
from readiness.observations.synthetic_upload import UploadTrace

__all__ = ["UploadTrace"]


@observation
def metric_samples(exposition: Exposition) -> dict[str, int]:
    """Count the samples of each metric, by family and by sample name."""
    counts: dict[str, int] = {}
    for sample in exposition.samples():
        for name in {sample.name, sample.family, f"{sample.family}_total"}:
            counts[name] = counts.get(name, 0) + 1
    return counts
