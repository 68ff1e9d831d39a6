"""Programs that are known to look at nothing of their own: they repeat their words, or print the files they are given.

The list is short. What any other program does nobody here can see.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

_REPEAT_THEIR_WORDS = {"basename", "dirname", "echo", "expr", "printf", "seq", "true"}
_PRINT_FILES = {"cat", "head", "jq", "tail"}
_SHELLS = {"bash", "dash", "sh"}
_QUOTED = re.compile(r"'[^']*'")
_OF_A_SHELL = re.compile(r"[$`|&;<>(){}\[\]*?~!#\\\n]")
"""With one of these outside of single quotes a shell does more than to start one program."""
_WITHOUT_INPUT = re.compile(r"-[A-Za-z]*n[A-Za-z]*|--null-input")


def only_repeats(command: Sequence[str], variables: Sequence[str] = ()) -> bool:
    """Check whether a program only prints what its command line says.

    >>> only_repeats(["echo", "5"]), only_repeats(["sh", "-c", "echo 5"]), only_repeats(["sh", "-c", "echo 5 | wc"])
    (True, True, False)
    """
    name, words = _program(command)
    if name == "jq" and not variables:
        is_filter_alone = sum(not word.startswith("-") for word in words) == 1
        return is_filter_alone and any(_WITHOUT_INPUT.fullmatch(word) for word in words)
    return name in _REPEAT_THEIR_WORDS


def printed_files(command: Sequence[str], variables: Sequence[str] = ()) -> list[Path]:
    """Return the files that a program prints, or takes a part of; none where it may look at something else."""
    name, words = _program(command)
    if name not in _PRINT_FILES or (name == "jq" and variables):
        return []
    # A filter of jq may be too long for a name: these say no, where those of Path raise.
    return [Path(word) for word in words if os.path.exists(word) and not os.path.isdir(word)]  # noqa: PTH110, PTH112


def _program(command: Sequence[str]) -> tuple[str, list[str]]:
    """Return the name of a program and its words; those of the one program where a shell starts no more than that."""
    name, words = Path(command[0]).name, list(command[1:])
    if name not in _SHELLS or words[:1] != ["-c"]:
        return name, words

    script = words[1] if words[2:] == [] and words[1:] else ""
    started = [] if _OF_A_SHELL.search(_QUOTED.sub("", script)) else _split(script)
    return (Path(started[0]).name, started[1:]) if started else (name, words)


def _split(script: str) -> list[str]:
    try:
        return shlex.split(script)
    except ValueError:  # a quote is not closed: the shell will say so
        return []
