"""Secrets in variables of the process that no file names: a target may know them too, and say them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from readiness.measurements import is_digits
from readiness.redaction.secret import Secret, is_masked, is_secret

SHORTEST = 8
"""Characters. What nobody names as secret may be a setting: `production`, `HS256`, `eu-west-1`."""
SHORTEST_APART = 12
"""The same where signs part it, as those of a name do."""
SHORTEST_WORDS = 16
"""The same of letters alone: a pass phrase is longer than what settings are made of."""
SHORTEST_NUMBER = 10
"""The same of digits alone."""
OF_THE_SUITE = "production-readiness"
"""What stands in each evidence, and in the variables of who packages it."""
_HOST_ALONE = re.compile(r"[a-z][a-z0-9+.-]*://[A-Za-z0-9.-]+(?::[0-9]+)?/?")
_APART = re.compile(r"[-_. ]")


def remember_surroundings(variables: Mapping[str, str], public: str) -> None:
    """Have masked what the variables of this process hold by their names: `GITHUB_TOKEN`, an unused `DATABASE_URL`.

    `public` is what the project states in the open: a value that stands there is no secret.
    """
    for name, value in variables.items():
        if is_secret(name, value) and not is_like_a_setting(value) and value not in public:
            Secret(value)


def is_like_a_setting(value: str) -> bool:
    """Check whether a value may be what stands elsewhere in the open: a word, a small number, a path.

    >>> [value for value in ("production", "eu-west-1", "hunter2x", "3600") if is_like_a_setting(value)]
    ['production', 'eu-west-1', '3600']
    """
    if not is_masked(value) or value == OF_THE_SUITE or _is_path(value):
        return True
    if is_digits(value):
        return len(value) < SHORTEST_NUMBER
    if _APART.sub("", value).isalpha():
        return len(value) < SHORTEST_WORDS
    return len(value) < (SHORTEST_APART if _APART.search(value) else SHORTEST)


def is_in_the_open(value: str) -> bool:
    """Check whether a value that a program is given says nothing in secret: a setting, or an address of a host alone.

    >>> [value for value in ("http://api.shop.internal:8080/", "https://h.example/T0/x9Kq2", "hunter2x") if
    ...     is_in_the_open(value)]
    ['http://api.shop.internal:8080/']
    """
    return is_like_a_setting(value) or bool(_HOST_ALONE.fullmatch(value))


def _is_path(value: str) -> bool:
    """Check whether a value names a file of this machine, or one beside others that are there."""
    if not value.startswith(("/", "~", "./", "../")) or "\n" in value:
        return False
    path = Path(os.path.expanduser(value))  # noqa: PTH111  pathlib raises for a home that nobody has
    try:
        return path.exists() or path.parent.is_dir()
    except (OSError, ValueError):
        return False
