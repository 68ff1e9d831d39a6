"""Whole words: what a text says, and what it only has the letters of."""

from __future__ import annotations

import pytest

from readiness.incident.words import says_word

SAYS = [
    # text, word, whether it says so
    ("cooldown finished", "down", False),
    ("downtime", "down", False),
    ("it is down", "down", True),
    ("api: DOWN.", "down", True),
    ("(down)", "DOWN", True),
    ("down", "down", True),
    ("", "down", False),
    ("reopened", "open", False),
    ("storage open", "open", True),
    ("storage HALF-OPEN", "open", False),
    ("storage half_open", "half open", True),
    ("storage half open", "HALF-OPEN", True),
    ("half of it is open", "half open", False),
    ("unavailable", "available", False),
    ("non-critical", "critical", False),
    ("ROLLBACK", "ROLLBACK", True),
    ("error: statement timeout (55P03)", "timeout", True),
    ("'--timeout--'", "timeout", True),
    ("parsing failed", "pars*", True),
    ("parse_error", "pars*", True),
    ("sparse file", "pars*", False),
    ("statement_timeout", "*timeout*", True),
    ("ReadTimeoutError", "*timeout*", True),
    ("time is out", "*timeout*", False),
    ("D1_ERROR: no such table", "D1_*", True),
    ("D10", "D1", False),
    ("a.b", "a.b", True),
    ("axb", "a.b", False),
    ("größe überschritten", "GRÖSSE", True),
    ("false", "false", True),
    ("false_alarm", "false", False),
]


@pytest.mark.parametrize(("text", "word", "says"), SAYS)
def test_a_word_is_said_as_a_whole(text: str, word: str, says: bool) -> None:
    assert says_word(text, word) is says
