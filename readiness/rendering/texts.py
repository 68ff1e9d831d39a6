"""How a page shows texts from outside: cut to a few lines, and as the place that a link leads to."""

from __future__ import annotations

from urllib.parse import quote

from readiness.redaction.shown import shown

SHORT_AT_MOST = 300


def shortened(text: str, at_most: int = SHORT_AT_MOST) -> str:
    """Return a text from outside on one line, cut to a length; the whole of it is in the journal."""
    return shown(text, at_most)


def anchor_of(line: str, subject: str | None = None) -> str:
    """Return the id that a decision has on the report of its run, which is also the fragment of a link to it.

    It is quoted as an address is, so that no text of a runbook can end the attribute or be taken for another one.
    """
    return quote(f"{line}:{subject}" if subject else line, safe="/:-._", errors="replace")
