"""Every kind of observation survives the journal: what a replay reads back is what was seen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from hypothesis.errors import ResolutionFailed, Unsatisfiable
from pydantic import JsonValue, TypeAdapter, ValidationError

from readiness.files.canonical_json import to_json
from readiness.files.strict_json import parse
from readiness.observations import OBSERVATIONS, load_all

load_all()
FEW = settings(max_examples=8, suppress_health_check=list(HealthCheck))
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text()
CELLS = SCALARS | st.lists(SCALARS) | st.dictionaries(st.text(), SCALARS)
ROWS = st.lists(st.dictionaries(st.text(), CELLS))
"""What a database answers. Hypothesis draws JSON of any depth for the type, which takes half a minute in all."""


@pytest.mark.filterwarnings("ignore:Ignoring unsupported")  # a constraint that Hypothesis does not know
@pytest.mark.parametrize("name", sorted(OBSERVATIONS))
def test_what_is_read_back_is_what_was_seen(name: str) -> None:
    kind: TypeAdapter[Any] = TypeAdapter(OBSERVATIONS[name].kind)
    values = ROWS if OBSERVATIONS[name].kind == list[dict[str, JsonValue]] else st.from_type(OBSERVATIONS[name].kind)

    @FEW
    @given(st.data())
    def comes_back(data: st.DataObject) -> None:
        try:
            seen = data.draw(values)
        except (ValidationError, ResolutionFailed):  # a kind that not any value will do for
            reject()
        written = kind.dump_python(seen, mode="json", warnings="error")
        again = kind.validate_python(parse(to_json(written).encode()))
        assert to_json(kind.dump_python(again, mode="json")) == to_json(written)

    try:
        comes_back()
    except Unsatisfiable:
        assert kind.json_schema()  # at least it can be described, so it can be read
