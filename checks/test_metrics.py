"""The service measures itself, and the figures move."""

import pytest

from readiness import Limits, Measure
from readiness.observations.metrics import AnalyticsStore, MetricSamples, UploadTrace


class Emitting(Limits):
    metric: str


class Incrementing(Limits):
    uploads_at_least: float


class AnalyticsFresh(Limits):
    age_seconds_at_most: float  # of the newest row


@pytest.mark.preflight
@pytest.mark.postlaunch
def test_emitting(metric_samples: MetricSamples, limits: Emitting, measure: Measure) -> None:
    """The metric is emitted.

    Remedy: read the exposition page; deploy the revision that emits the metric.
    """
    measure(metric_samples.of(limits.metric), f"samples of {limits.metric}").at_least(1)


@pytest.mark.smoke
@pytest.mark.effect("write")
def test_incrementing(synthetic_upload: UploadTrace, limits: Incrementing, measure: Measure) -> None:
    """The metrics rise with an upload.

    Remedy: compare the exposition page before and after an upload; is another process answering it?
    """
    measure(synthetic_upload.counted, "uploads counted for the synthetic one").at_least(limits.uploads_at_least)


@pytest.mark.preflight
@pytest.mark.postlaunch
def test_analytics_fresh(analytics_store: AnalyticsStore, limits: AnalyticsFresh, measure: Measure) -> None:
    """The analytics store answers with fresh data.

    Remedy: does the service still send its events, and does the store take them in? See its quarantine.
    """
    age_at_most = limits.age_seconds_at_most
    measure(analytics_store.error_rate_age, "age of the newest error rate", "seconds").at_most(age_at_most)
    measure(analytics_store.p95_age, "age of the newest p95", "seconds").at_most(age_at_most)
