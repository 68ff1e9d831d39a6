"""A vendor's answer as the type that the vendor's API description promises."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from readiness.errors import wrong_value
from readiness.outcomes import Unknown
from readiness.redaction.shown import shown
from readiness.transport.answer import Answer

T = TypeVar("T")
PLACE_SHOWN = 60


def typed(adapter: TypeAdapter[T], value: Any, answer: Answer, vendor: str, setting: str) -> T:
    """Return `value`, a part of `answer`, as the adapter's type.

    Raises Unknown that names the first place that is wrong, and the `setting` of the environment file to look at.
    """
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = shown(".".join(map(str, first["loc"])), PLACE_SHOWN) or "the answer"
        raise Unknown(
            f"{answer.url} answered something else than {vendor} does: {place}: {wrong_value(first)}",
            f"is {setting} right?",
        ) from None


def at_key(document: Any, key: str) -> Any:
    """Return the value under a key of a JSON object; None where the key is missing or the document is no object."""
    if not isinstance(document, dict):
        return None
    return document.get(key)
