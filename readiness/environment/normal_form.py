"""What a key of an environment file says, however it is written: two ways to write one value have one normal form."""

from __future__ import annotations

from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter

from readiness.environment.schema import Environment
from readiness.files.canonical_json import as_plain, to_json
from readiness.redaction.secret import MASK

ENTRIES = ("readings", "service_levels")
"""Keys that hold many things, each of which is asked for by its name."""
LISTS_WITHOUT_ORDER = {"allow", "allowed_hosts"}
"""Keys whose list is a set: neither the order of its parts nor a repeated one says anything."""


def normal_form(key: str, value: Any) -> Any:
    """Return what the schema makes of a key's value, defaults left out; the value itself where it cannot be loaded.

    It cannot where a variable or a secret is to be put in, and what masks itself shows nothing: then the text is all
    that is known of it.

    >>> normal_form("target", {"url": "http://shop.example:9/", "headers": {}})
    {'url': 'http://shop.example:9'}
    >>> normal_form("target", {"url": "${SHOP}/"})
    {'url': '${SHOP}/'}
    """
    loaded = _loaded(_of_key(key), value) if key in Environment.model_fields else value
    if key in LISTS_WITHOUT_ORDER and isinstance(loaded, list):
        return sorted(set(map(str, loaded)))
    return loaded


def normal_entry(key: str, value: Any) -> Any:
    """Return the normal form of one entry of a key that holds many by their names."""
    return _loaded(_of_entry(key), value)


def is_left_out(key: str, value: Any) -> bool:
    """Check whether a key says no more than a file that leaves it out."""
    field = Environment.model_fields.get(key)
    if field is None or field.is_required():
        return False
    default = _of_key(key).dump_python(field.default, mode="json", exclude_defaults=True)
    return as_plain(normal_form(key, value)) == as_plain(default)


def _loaded(adapter: TypeAdapter[Any], value: Any) -> Any:
    if "${" in to_json(value):
        return value
    try:
        loaded = adapter.dump_python(adapter.validate_python(value), mode="json", exclude_defaults=True)
    except ValueError:  # a new run refuses it, or it names a file that is put in
        return value
    # What masks itself, such as a telephone number, would be the same whatever stands there.
    return value if MASK in to_json(loaded) else loaded


@cache
def _of_key(key: str) -> TypeAdapter[Any]:
    return TypeAdapter(Environment.model_fields[key].rebuild_annotation())


@cache
def _of_entry(key: str) -> TypeAdapter[Any]:
    _, entry = get_args(Environment.model_fields[key].annotation)
    return TypeAdapter(entry)
