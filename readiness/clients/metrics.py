"""The exposition page of a service: Prometheus' text format, and OpenMetrics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from readiness.environment import schema
from readiness.errors import nearest
from readiness.outcomes import Unknown
from readiness.transport.http import Answer
from readiness.transport.system import System


@dataclass(frozen=True)
class Sample:
    """One sample; `family` is the metric's name without `_total`, `_bucket` and the like."""

    family: str
    name: str
    labels: Mapping[str, str]
    value: float


class Exposition(System[schema.Metrics]):
    """The page that the environment names under `metrics`."""

    LACK = ("no metrics page is configured", "set metrics.url in the environment file")

    def samples(self) -> list[Sample]:
        """Fetch and parse the page. Raises Unknown; an empty page is no answer either.

        A sample's value may be NaN here, as the format allows; `total` refuses it.
        """
        answer = self._http.get(self.settings.url, token=self.settings.token).expect(200)
        found = _parsed(answer)
        if not found:
            raise Unknown(f"{answer.url} shows no metric", "is it the right page, and has the service just started?")
        return found

    def family(self, name: str) -> list[Sample]:
        """Give the samples of a metric, by its family's name or by a sample's own. Raises Unknown where none is."""
        samples = self.samples()
        family = name.removesuffix("_total")
        found = [one for one in samples if name in {one.name, one.family} or one.family == family]
        if not found:
            raise _absent(name, "", samples)
        return found

    def total(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """Add up the samples of one name that carry these labels. Raises Unknown where there is none."""
        wanted = (labels or {}).items()
        samples = self.samples()
        found = [sample.value for sample in samples if sample.name == name and wanted <= sample.labels.items()]
        if not found:
            raise _absent(name, ", ".join(f"{key}={value}" for key, value in wanted), samples)
        if not all(map(math.isfinite, found)):
            raise Unknown(f"the metric {name} is not a number", "look at the exposition page: what computes it?")
        return math.fsum(found)


def _absent(name: str, labels: str, samples: Iterable[Sample]) -> Unknown:
    near = nearest(name, {sample.name for sample in samples} - {name})
    hint = f"; did you mean {near}?" if near else ""
    with_labels = f" with {labels}" if labels else ""
    return Unknown(f"the metric {name}{with_labels} has no sample{hint}", "is it emitted, and under this name?")


def _parsed(answer: Answer) -> list[Sample]:
    text = answer.text()
    if text.lstrip().startswith("<"):
        raise Unknown(f"{answer.url} answered HTML, not metrics", "a sign-in page? look at it in a browser")
    openmetrics = "openmetrics" in answer.headers.get("content-type", "")
    try:
        families = list((parse_openmetrics if openmetrics else parse_text)(text))
        found = [Sample(each.name, one.name, one.labels, float(one.value)) for each in families for one in each.samples]
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # the parser meets strange text unprepared
        raise Unknown(
            f"{answer.url} cannot be parsed as metrics: {str(error)[:120]}", "is it the right page?"
        ) from None
    series = {(one.name, *sorted(one.labels.items())) for one in found}
    if not openmetrics and len(series) != len(found):
        raise Unknown(f"{answer.url} shows a series twice: which one counts?", "correct what exposes it")
    return found
