"""What the object store grants and keeps."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.clients.storage import Storage
from readiness.observations import known_reading, observation
from readiness.sources.readings import Readings

RETENTION_RULES = known_reading("retention_rules", "the retention rules of the bucket (column days)")


@dataclass(frozen=True)
class Bucket:
    """The bucket that the service stores to."""

    name: str
    exists: bool


@observation
def bucket(storage: Storage) -> Bucket:
    """Return whether the bucket exists, seen with the service's own credential."""
    return Bucket(storage.bucket_name, storage.bucket().exists)


@observation
def upload_permission(storage: Storage) -> bool:
    """Return whether the service may upload: a signed upload proves it and stores nothing."""
    return storage.may_upload()


@observation(needs=RETENTION_RULES)
def retention_days(readings: Readings) -> float:
    """Return the shortest retention among the rules, in days; 0 where there is no rule."""
    rules = readings.rows(RETENTION_RULES, "days")
    return min((readings.as_number(RETENTION_RULES, rule["days"]) for rule in rules), default=0.0)
