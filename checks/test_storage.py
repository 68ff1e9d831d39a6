"""Files can be stored, and are kept for as long as they should be."""

import pytest

from readiness import Limits, Measure
from readiness.observations.storage import Bucket


class RetentionPolicy(Limits):
    days_at_least: float


@pytest.mark.preflight
def test_bucket_accessible(bucket: Bucket, measure: Measure) -> None:
    """The bucket exists and can be reached with the service's credential.

    Remedy: create the bucket, or correct its name in the deployed configuration.
    """
    measure(bucket.exists, f"bucket {bucket.name} exists").is_(True)


@pytest.mark.preflight
def test_upload_permitted(upload_permission: bool, measure: Measure) -> None:
    """The service's credential may upload.

    Remedy: grant insert on the bucket's objects to the service's role.
    """
    measure(upload_permission, "the service may upload").is_(True)


@pytest.mark.preflight
def test_retention_policy(retention_days: float, limits: RetentionPolicy, measure: Measure) -> None:
    """A rule says how long objects are kept.

    Remedy: set a retention rule on the bucket, or state in not_applicable why none applies.
    """
    measure(retention_days, "retention of the bucket", "days").at_least(limits.days_at_least)
