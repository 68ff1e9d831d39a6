"""`readiness waive`: write down that one lives with a failed line, for a reason and until a day."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from readiness.commands.attest import add_line, last_day, line_among
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Phase
from readiness.rendering.terminal import say
from readiness.runbook import editing, waivers
from readiness.runbook.approvers import Approvers
from readiness.runbook.waivers import WaiverReason

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
    scope = "one phase only (repeatable; default: all). One thing of a line: LINE:SUBJECT"
    parser.add_argument("--scope", action="append", default=[], choices=list(Phase), metavar="PHASE", help=scope)


def run(options: argparse.Namespace) -> int:
    """Write the entry and return 0. Raises BadInput, and then nothing was written."""
    runbooks, stated = editing.runbooks_of(options.env, options.environments)
    name = line_among(options.line, runbooks)
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

    edited = editing.put(editing.text_of(path, HEAD), "waivers", name, entry)
    approvers, owners = Approvers(_names(stated, "approvers")), _names(stated, "owners")
    editing.write(path, edited, lambda draft: waivers.load(draft, runbooks, {}, approvers, owners))
    say(f"{path}: {name} is waived until {entry['until']}; commit it, and have it reviewed")
    return 0


def _names(stated: JsonObject, key: str) -> dict[str, str]:
    """Return a section of the environment file that names people."""
    section = stated.get(key)
    return {str(name): str(value) for name, value in section.items()} if isinstance(section, dict) else {}
