"""Words that an environment file has for people, projects and reasons."""

from __future__ import annotations

import re

from readiness.config.wording import is_sentence

_ID = re.compile(r"[!-~]{2,100}")
"""What a person or a project is known by elsewhere: nothing in it can look like something else."""


def sentence(text: str) -> str:
    """Return the reason why a line cannot apply. Raises ValueError where it says nothing."""
    if not is_sentence(text):
        raise ValueError(f"{text!r} says nothing; write why the line cannot apply here, in a sentence")
    return text


def known_by(text: str) -> str:
    """Return the mail address or the id of a person. Raises ValueError."""
    if not _ID.fullmatch(text):
        raise ValueError(f"{text!r} is no mail address and no id; write one word of ASCII, as ada@shop.internal")
    return text


def project_name(text: str) -> str:
    """Return the name of a project. Raises ValueError."""
    if not _ID.fullmatch(text):
        raise ValueError(f"{text!r} is no name of a project; write one word of ASCII, as acme/shop")
    return text
