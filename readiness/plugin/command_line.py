"""The ways of asking pytest that a readiness run refuses, each in one line, and the phase that `-m` asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from _pytest.mark.expression import Expression

from readiness import plugin
from readiness.config.command_words import empty_value
from readiness.errors import not_one_of
from readiness.outcomes import Phase

_REDACTED = {"fd", "sys"}
"""The ways of capturing that let nothing past the redaction."""
_PAST_THE_NETS = {
    "usepdb": ("--pdb", "a debugger shows what is to be masked"),
    "trace": ("--trace", "a debugger shows what is to be masked"),
    "debug": ("--debug", "it writes down what is to be masked"),
    "pastebin": ("--pastebin", "it sends the output of a run to a host that nobody has allowed"),
}
"""Options of pytest, by the names of their values, that let something past the nets of a run."""
_DEBUG = "PYTEST_DEBUG"
_OF_PYTEST = ("python", "terminal", "terminalreporter")
"""Pytest's own plugins that no run can be without: the one finds the checks, the others print the verdict."""
_OURS = "readiness"
"""How the names of our own plugins begin, those too that are registered when a run begins."""


def refuse_ways_round(config: pytest.Config) -> None:
    """Raise ValueError for what would go round the nets of a run."""
    reason = next(_reasons(config), "")
    if reason:
        raise ValueError(reason)


def _reasons(config: pytest.Config) -> Iterator[str]:
    if not __debug__:
        yield "python -O (or PYTHONOPTIMIZE) is refused: it leaves out what a check asserts; run python without it"

    empty = empty_value([*config.invocation_params.args, *_empty_ones(config)])
    if empty:
        yield empty

    asked_for = [word.removeprefix("no:") for word in config.getoption("plugins") if word.startswith("no:")]
    our_plugins = [name for name in asked_for if name.startswith(_OURS)]
    for name in dict.fromkeys([*_OF_PYTEST, *plugin.MODULES, *our_plugins]):
        if config.pluginmanager.is_blocked(name):
            yield f"-p no:{name} is refused: a readiness run needs it; leave that out"

    capture = config.getoption("capture")
    # A plan prints nothing of a target, and a worker's output is captured by the controller.
    prints_nothing = config.option.collectonly or hasattr(config, "workerinput")
    if capture not in _REDACTED and not prints_nothing:
        option = "-s (--capture=no)" if capture == "no" else f"--capture={capture}"
        yield f"{option} is refused: what is printed would pass the redaction of secrets; leave it out"

    yield from _past_the_nets(config)

    for name, option in (("setupplan", "--setup-plan"), ("setuponly", "--setup-only")):
        if getattr(config.option, name, False):
            yield f"{option} is refused: it would look at the target and judge nothing; use --collect-only"


def _past_the_nets(config: pytest.Config) -> Iterator[str]:
    """Yield why a run is not to be started with what lets something past the redaction of secrets."""
    for name, (option, why) in _PAST_THE_NETS.items():
        if getattr(config.option, name, None):
            yield f"{option} is refused: {why}; leave it out"
    if _DEBUG in os.environ:
        yield f"{_DEBUG} is refused: it writes down what is to be masked; unset it"


def _empty_ones(config: pytest.Config) -> Iterator[str]:
    """Yield our own options that are empty: a configuration file and PYTEST_ADDOPTS may state them too."""
    for option in plugin.OPTIONS:
        value = config.getoption(option.removeprefix("--").replace("-", "_"))
        if value == "" or (isinstance(value, list) and "" in value):
            yield f"{option}="


def phase_of(config: pytest.Config) -> Phase | None:
    """Return the phase that `-m` names; None for the plan of all. Raises ValueError: a verdict belongs to one."""
    expression = config.getoption("markexpr")
    words = _words(expression)
    named = _phases(expression)
    if len(named) == 1:
        _refuse_leaving_out(named[0], expression)
        return named[0]
    if named:
        raise ValueError(f"one phase a run: -m names {' and '.join(named)}, and a verdict belongs to one; run each")

    odd = [word for word in words if word not in {"and", "or", "not"}]
    if odd:
        raise ValueError(f"-m {not_one_of(odd[0], list(map(str, Phase)))}; choose one phase")
    if config.option.collectonly:
        return None
    raise ValueError(f"choose a phase: -m {' | -m '.join(Phase)} (or --collect-only for the plan of all)")


def phase_named(expression: str) -> Phase | None:
    """Return the one phase that an expression of marks names; None where it names none, or several."""
    named = _phases(expression)
    return named[0] if len(named) == 1 else None


def _phases(expression: str) -> list[Phase]:
    return [phase for phase in Phase if phase in _words(expression)]


def _words(expression: str) -> list[str]:
    return expression.replace("(", " ").replace(")", " ").split()


def _refuse_leaving_out(phase: Phase, expression: str) -> None:
    """Raise ValueError where an expression names a phase and takes none of its lines: `not preflight`."""
    try:
        compiled = Expression.compile(expression)
    except SyntaxError:
        return  # pytest says what is wrong with it

    def takes(*, with_other_marks: bool) -> bool:
        return compiled.evaluate(lambda name, /, **_: name == phase or with_other_marks)

    if not takes(with_other_marks=False) and not takes(with_other_marks=True):
        raise ValueError(f"-m {expression!r} leaves out what it names; choose one phase: -m {' | -m '.join(Phase)}")
