"""No limit of 0 makes a line green whatever happens: it is refused where 0 keeps nothing out, or looks at nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from readiness import Limits, Share
from readiness.observations.slo import Quantile, Span
from readiness.runbook.limits import Minimum, Reach, WholeReach, kinds_of
from tests.house.test_catalogue import CHECKS
from tests.house.test_stated_limits import model_of

STRICT_AT_ZERO = ("_at_most", "_below", "_above", "_tolerated", "_floor")
"""How a limit ends at which 0 is the strictest there is, or nothing keeps it."""
ZERO_IS_MEANT = {
    "alerts.configured.firing_for": "somebody is told at once",
    "alerts.fires_on_any.firing_for": "the same",
    "alerts.sentry_rules.slower_than_seconds": "the rule counts what takes any time at all",
    "errors.recurring_tracked.days_apart": "what was seen twice on one day recurs",
    "health.live.status": "a number of HTTP: no answer has it",
    "health.ready.status": "the same",
    "readings.fact_is.equals": "a fact may be 0",
    "readings.number_at_least.at_least": "a figure of a team's own may be less than 0",
    "readings.number_at_most.at_most": "a ceiling",
    "team.primary_on_call.hours_before": "the hours after it are still looked at",
    "team.secondary_on_call.hours_before": "the same",
}


def numeric_fields() -> list[tuple[str, type[Limits], str]]:
    return [
        (f"{name}.{field}", model_of(check), field)
        for name, check in sorted(CHECKS.items())
        for field, info in model_of(check).model_fields.items()
        if {int, float, timedelta} & set(kinds_of(info.annotation)) or "Span" in repr(info)
    ]


def refuses(model: type[Limits], field: str, value: Any) -> bool:
    """Check whether a model complains of a field, whatever else it lacks."""
    try:
        model.model_validate({field: value})
    except ValidationError as error:
        return any(problem["loc"][0] == field for problem in error.errors())
    return False


@pytest.mark.parametrize(("key", "model", "field"), numeric_fields(), ids=lambda value: str(value)[:60])
def test_zero_is_refused_where_it_decides_nothing(key: str, model: type[Limits], field: str) -> None:
    is_meant = key in ZERO_IS_MEANT or field.endswith(STRICT_AT_ZERO)
    assert refuses(model, field, 0) or is_meant, f"{key}: 0 is taken; make it a Reach, or say why it means something"


@pytest.mark.parametrize("field", ["window", "within"])
def test_a_span_without_length_is_refused(field: str) -> None:
    spans = [(model_of(check), name) for name, check in CHECKS.items() if field in model_of(check).model_fields]
    spans = [(model, name) for model, name in spans if not refuses(model, field, "1h")]
    assert spans
    assert not [name for model, name in spans if not refuses(model, field, "0s")]


class Sample(Limits):
    share_at_least: Share = 0.5
    people_at_least: int | None = None
    uploads_at_least: Minimum = 1
    below: float = 1
    days_back: Reach = 7
    windows_before: WholeReach = 4
    window: Span = "1h"
    quantile: Quantile = 0.95


@pytest.mark.parametrize(
    ("stated", "says"),
    [
        ({"share_at_least": 0}, "0 is kept by everything"),
        ({"people_at_least": 0}, "state what is wanted, or leave the line out"),
        ({"people_at_least": -1}, "-1 is kept by everything"),
        ({"uploads_at_least": 0}, "greater than or equal to 1"),
        ({"days_back": 0}, "0 leaves nothing to look at"),
        ({"days_back": -3}, "-3 leaves nothing to look at"),
        ({"windows_before": 0}, "0 leaves nothing to look at"),
        ({"window": "0d"}, "'0d' is no time at all"),
        ({"quantile": 0}, "a quantile is more than 0 and at most 1"),
        ({"quantile": 95}, "a quantile is more than 0 and at most 1, as 0.95, not 95"),
        ({"below": 0}, None),
        ({"people_at_least": 1, "days_back": 0.5, "quantile": 1}, None),
    ],
)
def test_what_is_said_of_it(stated: dict[str, Any], says: str | None) -> None:
    if says is None:
        assert Sample.model_validate(stated)
        return
    with pytest.raises(ValidationError, match=says):
        Sample.model_validate(stated)


def test_each_exception_names_a_limit() -> None:
    taken = {key for key, model, field in numeric_fields() if not refuses(model, field, 0)}
    assert ZERO_IS_MEANT.keys() - {"readings.fact_is.equals"} <= taken
