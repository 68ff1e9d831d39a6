"""Text from outside in a post: it calls nobody. A chat would take `@everyone` of an error text for a call to all."""

from __future__ import annotations

import re

_CALL = re.compile(r"(<)(?=[!@#])|([@\uff20])(?=\w)")
"""`<!channel>`, `<@U123>` and `<#C123>` of Slack, `@here` of any chat."""


def calling_nobody(text: str) -> str:
    """Return a text whose mentions are pulled apart, so that they are none.

    >>> calling_nobody("<!channel> @everyone, a@b")
    '< !channel> @ everyone, a@ b'
    """
    return _CALL.sub(r"\g<0> ", text)
