"""`readiness waive`: write down that one lives with a failed line, for a reason and until a day."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from readiness.commands.attest import add_line, last_day, line_among
from readiness.errors import BadInput, not_one_of
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Phase
from readiness.rendering.terminal import say
from readiness.runbook import editing, waivers
from readiness.runbook.approvers import Approvers
from readiness.runbook.lines import Runbook
from readiness.runbook.waivers import WaiverReason, subjects_of

HELP = "write that a failed line is lived with: who asked, who else approved, why, until when"
HEAD = "# What is waived, line by line. Reviewed as code is; written by `readiness waive`.\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_line(parser)
    parser.add_argument("--requested-by", required=True, metavar="NAME", help="who asks for it")
    parser.add_argument("--approved-by", required=True, metavar="NAME", help="who answers for it: someone else")
    parser.add_argument("--reason", required=True, choices=list(WaiverReason), help="why, from the list")
    parser.add_argument("--because", required=True, metavar="TEXT", help="why, in a sentence")
    parser.add_argument("--until", required=True, metavar="DATE", help="the last day it counts: 2026-12-01")
    scope = "one phase only (repeatable; default: all)"
    parser.add_argument("--scope", action="append", default=[], choices=list(Phase), metavar="PHASE", help=scope)
    subject = "one thing of the line only (repeatable; default: the whole line); the same as LINE:SUBJECT"
    parser.add_argument("--subject", action="append", default=[], metavar="SUBJECT", help=subject)


def run(options: argparse.Namespace) -> int:
    """Write the entry and return 0. Raises BadInput, and then nothing was written."""
    runbooks, stated = editing.runbooks_of(options.env, options.environments)
    names = _names_of(line_among(options.line, runbooks), options.subject, runbooks)
    path = options.environments / f"{options.env}{waivers.SUFFIX}"

    today = datetime.now(UTC).date()
    entry: dict[str, object] = {
        "requested_by": options.requested_by,
        "approved_by": options.approved_by,
        "reason": str(options.reason),
        "because": options.because,
        "at": today,
        "until": last_day(options.until, None, today, "--until"),
    }
    if options.scope:
        entry["phases"] = [str(phase) for phase in options.scope]

    edited = editing.text_of(path, HEAD)
    for name in names:
        edited = editing.put(edited, "waivers", name, entry)
    approvers, owners = Approvers(_people(stated, "approvers")), _people(stated, "owners")
    editing.write(path, edited, lambda draft: waivers.load(draft, runbooks, {}, approvers, owners))
    for name in names:
        whole = "" if ":" in name else _with_all_its_things(name, runbooks)
        say(f"{path}: {name}{whole} is waived until {entry['until']}; commit it, and have it reviewed")
    return 0


def _names_of(line: str, subjects: list[str], runbooks: list[Runbook]) -> list[str]:
    """Return the name of the entry for each thing, or that of the line. Raises BadInput with the nearest names."""
    if not subjects:
        return [line]
    if ":" in line:
        raise BadInput([f"--subject: {line} is one thing already; name the line alone, or leave --subject out"])

    valid = subjects_of(line, runbooks)
    if not valid:
        raise BadInput([f"--subject: {line} names no things of which one could be waived; leave --subject out"])
    problems = [f"--subject {not_one_of(subject, valid)}" for subject in subjects if subject not in valid]
    if problems:
        raise BadInput(problems)
    return [f"{line}:{subject}" for subject in dict.fromkeys(subjects)]


def _with_all_its_things(line: str, runbooks: list[Runbook]) -> str:
    """Return that a line is waived with all that it names; empty where it names nothing."""
    subjects = subjects_of(line, runbooks)
    return f" with all that it names ({', '.join(subjects)})" if subjects else ""


def _people(stated: JsonObject, key: str) -> dict[str, str]:
    """Return a section of the environment file that names people."""
    section = stated.get(key)
    return {str(name): str(value) for name, value in section.items()} if isinstance(section, dict) else {}
