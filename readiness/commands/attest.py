"""`readiness attest`: write down what a person knows of a line, beside the environment file."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from pathlib import Path

from readiness.commands import add_env, add_environments
from readiness.errors import BadInput, not_one_of
from readiness.runbook import attestations, editing
from readiness.runbook.attestations import names_in
from readiness.runbook.lines import Runbook
from readiness.timeline import parse_day, parse_span

HELP = "write what you know of a line that no machine can see: who says so, on what evidence, until when"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command line may say."""
    add_line(parser)
    parser.add_argument("--statement", required=True, metavar="TEXT", help="what is true, in a sentence")
    parser.add_argument("--who", required=True, metavar="NAME", help="the person whose word it is")
    parser.add_argument("--evidence", required=True, metavar="LINK", help="where it can be seen: https://...")
    until = parser.add_mutually_exclusive_group(required=True)
    until.add_argument("--valid-until", metavar="DATE", help="the last day it counts: 2026-12-01")
    until.add_argument("--valid-for", metavar="SPAN", help="the same, from today: 7d, 4w")
    parser.add_argument("--does-not-hold", action="store_true", help="the line is not true; or takes back a word")


def add_line(parser: argparse.ArgumentParser) -> None:
    """Add the line, and where its environment is."""
    parser.add_argument("line", metavar="LINE", help="runbook/line, or runbook/line:subject")
    add_env(parser)
    add_environments(parser)


def run(options: argparse.Namespace) -> int:
    """Write the entry. Raises BadInput, and then nothing was written."""
    runbooks, stated = editing.runbooks_of(options.env, options.environments)
    name = line_among(options.line, runbooks)
    place = stated.get("attestations")
    if place and "${" in str(place):
        raise BadInput([f"{options.env}.yaml: attestations: {place} is written elsewhere; attest it there"])
    path = attestations.path_of(options.env, options.environments, Path(str(place)) if place else None)
    today = datetime.now(UTC).date()
    entry = {
        "statement": options.statement,
        **({"holds": False} if options.does_not_hold else {}),
        "who": options.who,
        "at": today,
        "valid_until": last_day(options.valid_until, options.valid_for, today, "--valid-until"),
        "evidence": options.evidence,
    }
    text = path.read_text(encoding="utf-8") if path.is_file() else HEAD
    fresh = editing.put(text, "attestations", name, entry)
    editing.write(path, fresh, lambda tried: attestations.load(tried, runbooks, {}))
    print(f"{path}: {name} is attested until {entry['valid_until']}; commit it, and have it reviewed")
    return 0


HEAD = "# What people attest, line by line. Reviewed as code is; written by `readiness attest`.\n"


def line_among(line: str, runbooks: list[Runbook]) -> str:
    """Give the full name of a line. Raises BadInput, with the nearest name, where no runbook has it."""
    known = list(dict.fromkeys(name for book in runbooks for name in names_in(book)))
    if line in known:
        return line
    short = [name for name in known if name.partition("/")[2] == line]
    if len(short) == 1:
        return short[0]
    among = known if "/" in line else [name.partition("/")[2] for name in known]
    raise BadInput([f"line {not_one_of(line, among).partition(' (known')[0]}; see readiness plan"])


def last_day(until: str | None, span: str | None, today: date, option: str) -> date:
    """Read the last day that an entry counts. Raises BadInput for a day that is over."""
    try:
        found = parse_day(until) if until else today + parse_span(span or "")
    except (ValueError, OverflowError) as error:
        raise BadInput([f"{option}: {error}"]) from None
    if found < today:
        raise BadInput([f"{option}: {found} is over; today is {today} (UTC)"])
    return found
