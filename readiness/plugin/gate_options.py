"""Which of pytest's options a gate lets through: those that are known to neither narrow a run nor go round its nets."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from _pytest.config import default_plugins

FLAGS = {
    "--disable-warnings",
    "--exitfirst",
    "--full-trace",
    "--no-header",
    "--no-showlocals",
    "--no-summary",
    "--quiet",
    "--self-contained-html",
    "--showlocals",
    "--verbose",
}
VALUED = {
    "--allow",
    "--code-highlight",
    "--color",
    "--css",
    "--dist",
    "--durations",
    "--durations-min",
    "--html",
    "--junit-prefix",
    "--junit-xml",
    "--junitxml",
    "--max-worker-restart",
    "--maxfail",
    "--maxprocesses",
    "--metadata",
    "--numprocesses",
    "--report-chars",
    "--show-capture",
    "--tb",
    "--verbosity",
}
SHORT_FLAGS = set("vqxl")
SHORT_VALUED = set("nr")
TWO_VALUES = {"--metadata"}
WHY = {
    "--as-of": "it plans for another moment, and a gate asks about now",
    "--replay": "a replay looks at nothing, and is no evidence",
    "--collect-only": "it judges nothing (readiness plan --env NAME)",
    "--co": "it judges nothing (readiness plan --env NAME)",
    "-m": "the phase is the gate's own",
    "-s": "what is printed would pass the redaction of secrets",
    "--capture": "what is printed would pass the redaction of secrets",
    "--debug": "it writes down what is to be masked",
    "-c": "the project's own configuration counts",
    "--config-file": "the project's own configuration counts",
    "--rootdir": "the project's own root counts",
}
NARROWING = {"-k", "--deselect", "--ignore", "--ignore-glob", "--lf", "--last-failed", "--ff", "--failed-first"}
NARROWING |= {"--nf", "--new-first", "--sw", "--stepwise", "--sw-skip", "--pyargs", "--noconftest"}
ADDOPTS = "PYTEST_ADDOPTS"
UNWANTED_VARIABLES = {
    "PYTEST_DEBUG": "it writes down what is to be masked",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "the readiness plugin would not be loaded",
}
NEEDED = set(default_plugins) - {"cacheprovider", "faulthandler", "junitxml", "pastebin", "unraisableexception"}
NEEDED |= {"terminalreporter"}
"""Plugins of pytest that a run may not be without."""


def refusals(words: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """Return why a run is not to be started with these words of pytest and these variables; empty where it may.

    >>> refusals(["-n", "2", "-vv", "--tb=short"], {})
    []
    >>> refusals(["--lf"], {})
    ['--lf is refused: it narrows the run; leave it out']
    """
    problems = [f"{problem}; leave it out" for problem in _refused(list(words))]
    try:
        added = shlex.split(variables.get(ADDOPTS, ""))
    except ValueError as error:
        problems.append(f"{ADDOPTS} cannot be read: {error}")
        added = []
    problems += [f"{ADDOPTS}: {problem}; unset it" for problem in _refused(added)]
    problems += [f"{name} is refused: {why}; unset it" for name, why in UNWANTED_VARIABLES.items() if name in variables]
    return problems


def _refused(words: list[str]) -> Iterator[str]:
    """Yield what is refused of some words, in their order."""
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")

        if word == "-p" or (word.startswith("-p") and not word.startswith("--")):
            yield from _refused_plugin((word[2:] or next(rest, "")).strip())
        elif not word.startswith("-"):
            yield f"{word} is refused: a path narrows the run"
        elif option in VALUED:
            yield from _refused_value(option, value if equals else next(rest, ""))
            if option in TWO_VALUES:
                next(rest, "")
        elif word.startswith("--"):
            if word not in FLAGS:
                yield _unknown(option)
        else:
            yield from _refused_short(word, rest)


def _refused_value(option: str, value: str) -> Iterator[str]:
    if not value:
        yield f"{option} is refused: it has no value"


def _refused_short(word: str, rest: Iterator[str]) -> Iterator[str]:
    """Yield what is refused of a word such as `-vx` or `-n2`."""
    for place, letter in enumerate(word[1:], 1):
        if letter in SHORT_VALUED:
            yield from _refused_value(f"-{letter}", word[place + 1 :] or next(rest, ""))
            return
        if letter not in SHORT_FLAGS:
            yield _unknown(f"-{letter}")
            return


def _refused_plugin(name: str) -> Iterator[str]:
    """Yield that a plugin is not to be left out."""
    left_out = name.removeprefix("no:")
    if not name:
        yield "-p is refused: it has no value"
    elif left_out != name and (left_out.startswith("readiness") or left_out in NEEDED):
        yield f"-p {name} is refused: without it a run goes round its nets"


def _unknown(option: str) -> str:
    why = "it narrows the run" if option in NARROWING else WHY.get(option, "it is not known to be harmless in a gate")
    return f"{option} is refused: {why}"
