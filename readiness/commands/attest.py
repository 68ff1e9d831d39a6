"""`readiness attest`: write down what a person knows of a line, beside the environment file."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from pathlib import Path

from readiness.commands import add_env, add_environments
from readiness.errors import BadInput, not_one_of
from readiness.rendering.terminal import say
from readiness.runbook import attestations, editing
from readiness.runbook.attestations import names_in
from readiness.runbook.lines import Runbook
from readiness.timeline import parse_day, parse_span

HELP = "write what you know of a line that no machine can see: who says so, on what evidence, until when"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_line(parser)
    parser.add_argument("--statement", required=True, metavar="TEXT", help="what is true, in a sentence")
    parser.add_argument("--who", required=True, metavar="NAME", help="the person whose word it is")
    parser.add_argument("--evidence", required=True, metavar="LINK", help="where it can be seen: https://...")
    until = parser.add_mutually_exclusive_group(required=True)
    until.add_argument("--valid-until", metavar="DATE", help="the last day it counts: 2026-12-01")
    until.add_argument("--valid-for", metavar="SPAN", help="the same, from today: 7d, 4w")
    parser.add_argument("--does-not-hold", action="store_true", help="the line is not true; or takes back a word")


def add_line(parser: argparse.ArgumentParser) -> None:
    """Add the argument for a line and the options for its environment."""
    parser.add_argument("line", metavar="LINE", help="runbook/line, or runbook/line:subject")
    add_env(parser)
    add_environments(parser)


def run(options: argparse.Namespace) -> int:
    """Write the entry and return 0. Raises BadInput, and then nothing was written."""
    runbooks, stated = editing.runbooks_of(options.env, options.environments)
    name = line_among(options.line, runbooks)
    path = _path(options, stated.get("attestations"))

    today = datetime.now(UTC).date()
    entry = {"statement": options.statement}
    # The keys stand in the file in this order, as in its documentation.
    if options.does_not_hold:
        entry["holds"] = False
    entry |= {
        "who": options.who,
        "at": today,
        "valid_until": last_day(options.valid_until, options.valid_for, today, "--valid-until"),
        "evidence": options.evidence,
    }

    edited = editing.put(editing.text_of(path, HEAD), "attestations", name, entry)
    editing.write(path, edited, lambda draft: attestations.load(draft, runbooks, {}))
    say(f"{path}: {name} is attested until {entry['valid_until']}; commit it, and have it reviewed")
    if _needs_both(name, runbooks):
        say(f"{name} is decided by both: what a machine sees of it is needed beside this word")
    return 0


def _needs_both(name: str, runbooks: list[Runbook]) -> bool:
    """Check whether the line of a name is decided by a machine's part and a person's word together."""
    line = name.partition(":")[0]
    return any(f"{book.runbook}/{each.id}" == line and each.needs_both for book in runbooks for each in book.lines)


def _path(options: argparse.Namespace, stated: object) -> Path:
    """Return the path of the file that attestations go to. Raises BadInput where only a run knows it."""
    if stated and "${" in str(stated):
        raise BadInput([f"{options.env}.yaml: attestations: {stated} is written elsewhere; attest it there"])
    return attestations.path_of(options.env, options.environments, Path(str(stated)) if stated else None)


HEAD = "# What people attest, line by line. Reviewed as code is; written by `readiness attest`.\n"


def line_among(line: str, runbooks: list[Runbook]) -> str:
    """Return the full name of a line. Raises BadInput, with the nearest name, where no runbook has it."""
    names = list(dict.fromkeys(name for runbook in runbooks for name in names_in(runbook)))
    if line in names:
        return line

    # Without its runbook a line is meant where only one runbook has it.
    matches = [name for name in names if _without_runbook(name) == line]
    if len(matches) == 1:
        return matches[0]

    candidates = names if "/" in line else [_without_runbook(name) for name in names]
    # The runbooks have hundreds of lines: the nearest name suffices.
    unknown = not_one_of(line, candidates).partition(" (known")[0]
    raise BadInput([f"line {unknown}; see readiness plan"])


def _without_runbook(name: str) -> str:
    return name.partition("/")[2]


def last_day(until: str | None, span: str | None, today: date, option: str) -> date:
    """Return the last day that an entry counts, stated as a date or as a span from today.

    Raises BadInput, also for a day that is over.
    """
    try:
        day = parse_day(until) if until else today + parse_span(span or "")
    except (ValueError, OverflowError) as error:  # OverflowError: 99999999d
        raise BadInput([f"{option}: {error}"]) from None

    if day < today:
        raise BadInput([f"{option}: {day} is over; today is {today} (UTC)"])
    return day
