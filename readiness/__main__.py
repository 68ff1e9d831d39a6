"""The `readiness` command: what there is to do around a run. Each verb is a module of `readiness.commands`."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn, Protocol, cast

from readiness import commands
from readiness.errors import ReadinessError, not_one_of
from readiness.redaction.redactor import REDACTOR

USAGE_ERROR = 4  # as pytest has it
INTERRUPTED = 130  # as a shell counts Ctrl-C
EXAMPLES = """\
examples:
  readiness plan --env prod                   each line: when and how it is decided, and what is not configured
  pytest -m preflight --env prod              judge the list before the launch
  pytest -m preflight --env prod --as-of T-1h as it must stand an hour before the launch
  readiness verify prod preflight             recompute the verdict from the evidence; gate pipelines on this
  readiness drill restore --env staging       rehearse a procedure; `--env local` to try it
  readiness sandbox --fault rls-off           a target of your own to try all that on
"""


class Command(Protocol):
    """What a module of `readiness.commands` offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command line may say."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it; the result is the exit code."""


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes end as pytest's do: one line, and 4."""

    def error(self, message: str) -> NoReturn:
        """Tell what is wrong and where to read on."""
        self.exit(USAGE_ERROR, f"{self.prog}: {message} (see {self.prog} --help)\n")


def verbs() -> list[str]:
    """Name the commands."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__))


def command(verb: str) -> Command:
    """Import one command."""
    return cast("Command", importlib.import_module(f"readiness.commands.{verb.replace('-', '_')}"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if not words or words[0] in {"-h", "--help"}:
            sys.stdout.write(overview())
            return 0 if words else USAGE_ERROR
        if words[0] in {"-V", "--version"}:
            sys.stdout.write(f"production-readiness {version('production-readiness')}\n")
            return 0
        if words[0] not in verbs():
            return _refuse(f"the command {not_one_of(words[0], verbs())}", USAGE_ERROR)
        chosen = command(words[0])
        parser = Parser(prog=f"readiness {words[0]}", description=_sentence(chosen.HELP))
        chosen.add_arguments(parser)
        return chosen.run(parser.parse_args(words[1:]))
    except ReadinessError as error:
        return _refuse(REDACTOR.text(str(error)), USAGE_ERROR)
    except KeyboardInterrupt:
        return _refuse("interrupted", INTERRUPTED)


def _refuse(message: str, code: int) -> int:
    sys.stderr.write("".join(f"readiness: {line}\n" for line in message.splitlines()))
    return code


def overview() -> str:
    """Write what there is to do."""
    width = max(map(len, verbs()))
    listed = "".join(f"  {verb:<{width}}  {command(verb).HELP}\n" for verb in verbs())
    return f"usage: readiness COMMAND [...]\n\nA launch runbook as executable checks.\n\n{listed}\n{EXAMPLES}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


if __name__ == "__main__":
    raise SystemExit(main())
