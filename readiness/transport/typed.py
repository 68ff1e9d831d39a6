"""A vendor's answer as the type that its description says it is."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from readiness.outcomes import Unknown
from readiness.transport.answer import Answer

T = TypeVar("T")
PLACE_SHOWN = 60


def typed(kind: type[T], found: Any, answer: Answer, vendor: str, setting: str) -> T:
    """Validate what was answered. Raises Unknown that names the place, and the setting to look at."""
    try:
        return TypeAdapter(kind).validate_python(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))[:PLACE_SHOWN] or "the answer"
        raise Unknown(
            f"{answer.url} answered something else than {vendor} does: {place}: {first['msg']}", f"is {setting} right?"
        ) from None


def at_key(found: Any, key: str) -> Any:
    """Take what stands at a key of an object; None where there is no object."""
    return found.get(key) if isinstance(found, dict) else None
