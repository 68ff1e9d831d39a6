"""What a person can get wrong, one line of message for each.

ReadinessError
├── BadInput          files and options that cannot be used: every problem at once
│   ├── BadRunbook
│   └── BadEnvironment
└── BadRun            a run folder that cannot be read back
    └── NoRun         there is none: nothing is known
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any


class ReadinessError(Exception):
    """Base of the errors that end in a message, not in a traceback."""


class BadInput(ReadinessError):
    """One or more lines, each with its place, the value and what would be valid."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class BadRunbook(BadInput):
    """A runbook that cannot be used."""


class BadEnvironment(BadInput):
    """An environment that cannot be used.

    `of_surroundings` are those of its problems that other variables, or another machine, would mend.
    """

    def __init__(self, problems: Sequence[str], of_surroundings: Collection[str] = ()) -> None:
        super().__init__(problems)
        self.of_surroundings = frozenset(of_surroundings)

    @property
    def of_file(self) -> list[str]:
        """The problems that the files have wherever they are read."""
        return [problem for problem in self.problems if problem not in self.of_surroundings]


class BadRun(ReadinessError):
    """A run folder whose journal is missing or cannot be trusted."""


class NoRun(BadRun):
    """A run that is not there: nothing is known of it, and nothing was changed."""


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that `name` was most likely meant to be."""
    matches = difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.6)
    return matches[0] if matches else None


def not_one_of(name: str, choices: Iterable[str]) -> str:
    """Format that `name` is not among the choices, and what was probably meant.

    >>> not_one_of("preflihgt", ["smoke", "preflight"])
    "'preflihgt' is not known; did you mean 'preflight'? (known: preflight, smoke)"
    """
    names = sorted(choices)
    listed = ", ".join(names) or "none"
    near = nearest(name, names)
    # A name is no help to whoever has just written it.
    hint = f"; did you mean {near!r}?" if near and near != name else ""
    return f"{name!r} is not known{hint} (known: {listed})"


def meant(name: str, names: Iterable[str]) -> str:
    """Return that a name is none of these, and what was probably meant; all of them would fill a page."""
    return not_one_of(name, names).partition(" (known")[0]


_A_DATE = "a date such as 2026-12-01"
_AN_INSTANT = "a date and time with its zone such as 2026-12-01T09:00:00Z"
_KEYS = {"dict_type", "mapping_type", "model_type", "model_attributes_type"}
_WANTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    "finite_number": "a finite number",
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("string_type", "string_sub_type", "string_unicode"), "text"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), "a list"),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), _A_DATE),
    **dict.fromkeys(("datetime_type", "datetime_parsing", "datetime_from_date_parsing", "timezone_aware"), _AN_INSTANT),
    "path_type": "a path",
    "invalid_key": "text for a key",
    "none_required": "nothing",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "too_short": "a list of {min_length} or more",
    "too_long": "a list of {max_length} or fewer",
    "string_too_short": "text of {min_length} characters or more",
    "string_too_long": "text of {max_length} characters or fewer",
    "string_pattern_mismatch": "text of the form {pattern}",
    **dict.fromkeys(("literal_error", "enum"), "one of {expected}"),
}
"""What a kind of mistake lacks, as a person says it; the library's own words speak of tuples and strings."""
_OTHER_WORDS = ("Input should be ", "Value error, ", "Assertion failed, ")


def wrong_value(problem: Mapping[str, Any]) -> str:
    """Return what is wrong with one value of a model, from pydantic's account of it, in words for people.

    >>> wrong_value({"type": "too_short", "msg": "Tuple should have at least 1 item", "ctx": {"min_length": 1}})
    'a list of 1 or more is wanted'
    """
    kind, message = str(problem["type"]), str(problem["msg"])
    if kind == "missing":
        return "it is missing"
    if kind == "extra_forbidden":
        return "no such key is known here"
    if kind in _KEYS:
        return "keys with their values are wanted"
    if kind in _WANTED:
        limits = _plainly(problem.get("ctx", {}))
        is_empty = kind == "string_too_short" and limits.get("min_length") == 1
        return f"{'some text' if is_empty else _WANTED[kind].format(**limits)} is wanted"

    # Our own validators speak for themselves.
    for words in _OTHER_WORDS[1:]:
        if message.startswith(words):
            return message.removeprefix(words)
    is_plain = message.startswith(_OTHER_WORDS[0])
    return f"{message.removeprefix(_OTHER_WORDS[0])} is wanted" if is_plain else message


def _plainly(limits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the limits of a value with whole numbers as people write them: 600, not 600.0."""
    return {name: f"{limit:g}" if isinstance(limit, float) else limit for name, limit in limits.items()}
