"""The `readiness` command: all that is done around a run. Each verb is a module of `readiness.commands`."""

from __future__ import annotations

import argparse
import errno
import importlib
import pkgutil
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, redirect_stderr, suppress
from importlib.metadata import version
from io import StringIO
from typing import NoReturn, Protocol, cast

from readiness import commands
from readiness.commands import remember_secrets_of
from readiness.config.command_words import empty_value
from readiness.errors import ReadinessError, not_one_of
from readiness.files.output import leavable_output, reopen_closed
from readiness.redaction.redactor import REDACTOR
from readiness.redaction.stream import masked_output

USAGE_ERROR = 4  # as pytest has it
INTERRUPTED = 130  # as a shell counts Ctrl-C
EXAMPLES = """\
examples:
  readiness plan --env prod                   each line: when and how it is decided, and what is not configured
  pytest -m preflight --env prod              judge the list before the launch
  pytest -m preflight --env prod --as-of T-1h as it must stand an hour before the launch
  readiness gate preflight --env prod         the same in a pipeline: accept that run and no other
  readiness verify prod preflight             recompute the verdict of the newest run from its evidence
  readiness drill restore --env staging       rehearse a procedure; `--env local` to try it
  readiness sandbox --fault rls-off           a target of your own to try all that on
"""


class Command(Protocol):
    """What a module of `readiness.commands` offers."""

    HELP: str
    """With `TELLS_SECRETS = True` beside it, what the command prints is not masked."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments of the command."""

    def run(self, options: argparse.Namespace) -> int:
        """Run the command and return its exit code."""


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes end as pytest's do: one line, and 4."""

    def error(self, message: str) -> NoReturn:
        """Exit with what is wrong and where to read on."""
        self.exit(USAGE_ERROR, f"{self.prog}: {message} (see {self.prog} --help)\n")


def verbs() -> list[str]:
    """Return the names of the commands."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__))


def command(verb: str) -> Command:
    """Import one command; the others, and all that they import, are left alone."""
    return cast("Command", importlib.import_module(f"readiness.commands.{verb.replace('-', '_')}"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    reopen_closed()
    try:
        with leavable_output():
            return _run(list(sys.argv[1:] if arguments is None else arguments))
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        return _refuse(f"the output could not be written: {error.strerror}", USAGE_ERROR)


def _run(words: list[str]) -> int:
    try:
        if not words or words[0] in {"-h", "--help"}:
            sys.stdout.write(overview())
            return 0 if words else USAGE_ERROR
        if words[0] in {"-V", "--version"}:
            sys.stdout.write(f"production-readiness {version('production-readiness')}\n")
            return 0

        if words[0] not in verbs():
            return _refuse(f"the command {not_one_of(words[0], verbs())}", USAGE_ERROR)
        return _run_command(words[0], words[1:])
    except ReadinessError as error:
        return _refuse(REDACTOR.text(str(error)), USAGE_ERROR)
    except KeyboardInterrupt:
        return _refuse("interrupted", INTERRUPTED)


def _run_command(verb: str, words: list[str]) -> int:
    chosen = command(verb)
    parser = Parser(prog=f"readiness {verb}", description=_sentence(chosen.HELP))
    chosen.add_arguments(parser)

    mistake = empty_value(words)
    if mistake:
        _enter_refusal(chosen, parser, words, mistake)
        return _refuse(mistake, USAGE_ERROR)
    options = _parsed(parser, words)
    remember_secrets_of(options)
    # The words of the sandbox are to be pasted: they are secrets of nobody.
    with nullcontext() if getattr(chosen, "TELLS_SECRETS", False) else masked_output():
        return chosen.run(options)


def _parsed(parser: Parser, words: list[str]) -> argparse.Namespace:
    """Return the options; words that the command does not know go to the one that passes them on, as `more`."""
    options, more = parser.parse_known_args(words)
    if hasattr(options, "more"):
        options.more = more
    elif more:
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    return options


def _enter_refusal(chosen: Command, parser: Parser, words: list[str], reason: str) -> None:
    """Have a command enter that it was refused, where it keeps what it does: a gate beside its runs."""
    enter: Callable[[argparse.Namespace, str], None] | None = getattr(chosen, "enter_refusal", None)
    if enter is None:
        return
    # Where more is wrong with the words, nobody knows what they were meant for; one mistake is told.
    with suppress(SystemExit), redirect_stderr(StringIO()):
        enter(_parsed(parser, words), reason)


def _refuse(message: str, code: int) -> int:
    sys.stderr.write("".join(f"readiness: {line}\n" for line in message.splitlines()))
    return code


def overview() -> str:
    """Return the help text: each command in a line, then examples."""
    width = max(len(verb) for verb in verbs())
    listed = "".join(f"  {verb:<{width}}  {command(verb).HELP}\n" for verb in verbs())
    return f"usage: readiness COMMAND [...]\n\nA launch runbook as executable checks.\n\n{listed}\n{EXAMPLES}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


if __name__ == "__main__":
    raise SystemExit(main())
