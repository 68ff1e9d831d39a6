"""Text from outside as people may be shown it: of a target, a provider, a file. The one passage for it.

Whoever can choose such a text may be hostile: it may hold a secret that was echoed, be endless, or move the cursor.
"""

from __future__ import annotations

import re

from readiness.redaction.redactor import REDACTOR

LETTERS_AT_MOST = 200
LONGEST_FORM = 20_000
"""No form of a secret is longer: a text is masked so far beyond its cut that the cut divides none."""
_COMMAND = re.compile(r"(?<!\S)([:#])\1(?=[A-Za-z])")
"""How a line of a log begins that the runner of a pipeline obeys: `::error::` (GitHub), `##vso[` (Azure)."""


def shown(text: str, at_most: int = LETTERS_AT_MOST) -> str:
    r"""Return a text masked, then cut to so many letters, then on one line of what is printable.

    >>> shown("over\u202e and \x1b[8mout\n", 12)
    'over and […'
    """
    masked = REDACTOR.text(text[: at_most + LONGEST_FORM])
    cut = masked if len(masked) <= at_most else f"{masked[:at_most]}…"
    return " ".join(printable(cut).split())


def printable(text: str) -> str:
    """Return a text in which a space stands for each character that moves the cursor, turns the line, or is not seen.

    A command to the runner of a pipeline is pulled apart, so that it is none. Nothing is left out: letters that were
    apart stay apart, so that no word comes together that nobody masked.
    """
    if not text.isprintable():  # nearly every text is, and then each letter of it
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return _COMMAND.sub(r"\1 \1", text)
