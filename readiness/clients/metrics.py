"""The exposition page of a service: Prometheus' text format, and OpenMetrics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from readiness import environment
from readiness.clients.http import Answer, Http
from readiness.outcomes import NotConfigured, Unknown


@dataclass(frozen=True)
class Sample:
    """One sample; `family` is the metric's name without `_total`, `_bucket` and the like."""

    family: str
    name: str
    labels: Mapping[str, str]
    value: float


class Exposition:
    """The page that the environment names under `metrics`."""

    def __init__(self, settings: environment.Metrics | None, http: Http) -> None:
        self._given = settings
        self._http = http

    @property
    def configured(self) -> bool:
        """Tell whether the environment names a page."""
        return self._given is not None

    def samples(self) -> list[Sample]:
        """Fetch and parse the page. Raises Unknown; an empty page is no answer either."""
        if self._given is None:
            raise NotConfigured("no metrics page is configured", "set metrics.url in the environment file")
        answer = self._http.get(self._given.url, token=self._given.token).expect(200)
        found = _parsed(answer)
        if not found:
            raise Unknown(f"{answer.url} shows no metric", "is it the right page?")
        return found

    def total(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """Add up the samples of one name that carry these labels. Raises Unknown where there is none."""
        wanted = (labels or {}).items()
        found = [sample.value for sample in self.samples() if sample.name == name and wanted <= sample.labels.items()]
        if not found:
            raise Unknown(f"the metric {name} {dict(wanted) or ''} has no sample".replace("  ", " "), "is it emitted?")
        if not all(map(math.isfinite, found)):
            raise Unknown(f"the metric {name} is not a number", "look at the exposition page")
        return math.fsum(found)


def _parsed(answer: Answer) -> list[Sample]:
    text = answer.text()
    if text.lstrip().startswith("<"):
        raise Unknown(f"{answer.url} answered HTML, not metrics", "a sign-in page? look at it in a browser")
    openmetrics = "openmetrics" in answer.headers.get("content-type", "")
    try:
        families = list((parse_openmetrics if openmetrics else parse_text)(text))
    except (ValueError, KeyError, IndexError) as error:
        raise Unknown(f"{answer.url} cannot be parsed as metrics: {error}", "look at the exposition page") from None
    return [
        Sample(family.name, one.name, one.labels, float(one.value)) for family in families for one in family.samples
    ]
