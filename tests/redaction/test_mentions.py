"""A text from outside calls nobody in a chat, and stays one that people can read."""

from __future__ import annotations

import pytest

from readiness.redaction.mentions import calling_nobody

TEXTS = [
    ("<!channel> is away", "< !channel> is away"),
    ("<!subteam^S1|all>", "< !subteam^S1|all>"),
    ("<@U0123>", "< @ U0123>"),
    ("<#C0123>", "< #C0123>"),
    ("@everyone @here", "@ everyone @ here"),
    ("x@everyone", "x@ everyone"),
    ("\uff20here", "\uff20 here"),
    ("@@here", "@@ here"),
    # nobody is called by these
    ("a < b, 5 @ 3", "a < b, 5 @ 3"),
    ("<html> & #1", "<html> & #1"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "told"), TEXTS)
def test_mentions_are_pulled_apart(text: str, told: str) -> None:
    assert calling_nobody(text) == told
