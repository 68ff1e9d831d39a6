"""The exposition page of a service: Prometheus' text format, and OpenMetrics."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from readiness.environment import monitoring
from readiness.errors import nearest
from readiness.outcomes import Unknown
from readiness.redaction.shown import shown
from readiness.timeline import why_not_of_now
from readiness.transport.http import Answer
from readiness.transport.system import System

LINES_AT_MOST = 50_000
LINE_AT_MOST = 16_000
"""The parser takes time by the square of a line's length: one line of 3 MB held a processor for minutes."""
STALE = "does what exposes it still count? an old sample is right where metrics.age_seconds_at_most is raised"
"""The remedy for a sample whose own time is not now's."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample; `family` is the metric's name without `_total`, `_bucket` and the like."""

    family: str
    name: str
    labels: Mapping[str, str]
    value: float
    second: float | None = None
    """When it was taken, in seconds since 1970, where the page says so."""


class Exposition(System[monitoring.Metrics]):
    """The page that the environment names under `metrics`."""

    NAME = "metrics page"
    LACK = ("no metrics page is configured", "set metrics.url in the environment file")

    def samples(self) -> list[Sample]:
        """Return all samples of the page. Raises Unknown, also for an empty page.

        A sample's value may be NaN here, as the format allows; `total` refuses it.
        """
        answer = self._http.get(self.settings.url, token=self.settings.token).expect(200)
        samples = _parsed(answer)
        if not samples:
            raise Unknown(f"{answer.url} shows no metric", "is it the right page, and has the service just started?")
        return samples

    def family(self, name: str) -> list[Sample]:
        """Return the samples of a metric, by its family's name or by a sample's own. Raises Unknown for none."""
        samples = self.samples()
        matches = [each for each in samples if name in {each.name, each.family}]
        if not matches:
            raise _absent(name, "", samples)
        return matches

    def total(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """Return the sum of the samples of one name that carry these labels. Raises Unknown for none, and for NaN."""
        values = [sample.value for sample in self._of_now(name, labels)]
        if not all(math.isfinite(value) for value in values):
            raise Unknown(f"the metric {name} is not a number", "look at the exposition page: what computes it?")
        return math.fsum(values)

    def taken_at(self, name: str, labels: Mapping[str, str] | None = None) -> datetime | None:
        """Return when the oldest of these samples was taken; None where the page gives no times. Raises Unknown."""
        seconds = [sample.second for sample in self._of_now(name, labels) if sample.second is not None]
        return datetime.fromtimestamp(min(seconds), UTC) if seconds else None

    def _of_now(self, name: str, labels: Mapping[str, str] | None) -> list[Sample]:
        """Return the samples of one name that carry these labels. Raises Unknown for none, and for a stale one."""
        wanted = (labels or {}).items()
        samples = self.samples()
        matches = [sample for sample in samples if sample.name == name and wanted <= sample.labels.items()]
        if not matches:
            raise _absent(name, ", ".join(f"{label}={value}" for label, value in wanted), samples)
        for stale in filter(None, map(self.why_stale, matches)):
            raise Unknown(f"the metric {name} {stale}", STALE)
        return matches

    def why_stale(self, sample: Sample) -> str:
        """Return why a sample says nothing of now, by the time that the page gives it; empty where it does."""
        if sample.second is None:
            return ""
        age_at_most = timedelta(seconds=self.settings.age_seconds_at_most)
        return why_not_of_now(sample.second, time.time(), age_at_most)


def _second(timestamp: Any) -> float | None:
    """Return the time of a sample in seconds since 1970; None where the page gives it none."""
    return None if timestamp is None else float(timestamp)


def _absent(name: str, labels: str, samples: Iterable[Sample]) -> Unknown:
    """Return the error for a metric without a sample, with the nearest name of the page."""
    near = nearest(name, {sample.name for sample in samples} - {name})
    hint = f"; did you mean {near}?" if near else ""
    with_labels = f" with {labels}" if labels else ""
    return Unknown(f"the metric {name}{with_labels} has no sample{hint}", "is it emitted, and under this name?")


def _has_stated_end(answer: Answer) -> bool:
    """Check whether an answer says how long it is; else it ends where the connection does, whole or not."""
    return "content-length" in answer.headers or "chunked" in answer.headers.get("transfer-encoding", "").lower()


def _require_readable(answer: Answer, text: str) -> None:
    """Raise Unknown for a page that would take more time and memory to read than any service's own."""
    lines = text.split("\n", LINES_AT_MOST)
    if len(lines) > LINES_AT_MOST:
        raise Unknown(f"{answer.url} has more than {LINES_AT_MOST:,} lines", "ask Prometheus, by promql")
    if max(map(len, lines)) > LINE_AT_MOST:
        raise Unknown(
            f"{answer.url} has a line of more than {LINE_AT_MOST:,} characters",
            "is it the right page? shorten its labels",
        )


def _parsed(answer: Answer) -> list[Sample]:
    """Return the samples of an answer, in the format that its content type names. Raises Unknown."""
    # Slow to load: only who reads such a page pays for it.
    from prometheus_client.openmetrics.parser import (  # noqa: PLC0415  slow to load: who asks pays
        text_string_to_metric_families as parse_openmetrics,
    )
    from prometheus_client.parser import text_string_to_metric_families as parse_text  # noqa: PLC0415  slow to load: who asks pays

    text = answer.text()
    if text.lstrip().startswith("<"):
        raise Unknown(f"{answer.url} answered HTML, not metrics", "a sign-in page? look at it in a browser")

    is_openmetrics = "openmetrics" in answer.headers.get("content-type", "")
    # In OpenMetrics the parser demands the last line, `# EOF`.
    if not is_openmetrics and not text.endswith("\n") and not _has_stated_end(answer):
        raise Unknown(f"{answer.url} ends within a line: it may be cut short", "run again; then look at what serves it")
    _require_readable(answer, text)
    parse = parse_openmetrics if is_openmetrics else parse_text
    try:
        samples = [
            Sample(family.name, sample.name, sample.labels, float(sample.value), _second(sample.timestamp))
            for family in parse(text)
            for sample in family.samples
        ]
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # the parser meets strange text unprepared
        raise Unknown(
            f"{answer.url} cannot be parsed as metrics: {shown(str(error), 120)}", "is it the right page?"
        ) from None

    # OpenMetrics has rules of its own for several points of a series, which its parser enforces.
    series = {(sample.name, *sorted(sample.labels.items())) for sample in samples}
    if not is_openmetrics and len(series) != len(samples):
        raise Unknown(f"{answer.url} shows a series twice: which one counts?", "correct what exposes it")
    return samples
