"""`readiness sign-off`: the page that approvers sign, rendered again from the evidence alone, offline."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime

from readiness.commands import add_env, add_environments, add_reports
from readiness.errors import BadRun
from readiness.evidence.signing import signer_of, trusted_keys
from readiness.evidence.standing import Demands, in_a_line, standings
from readiness.outcomes import Phase
from readiness.rendering.dossier import Today, gather
from readiness.rendering.pdf import print_to_pdf
from readiness.rendering.run_summary import GOOD as GOOD_KIND
from readiness.rendering.sign_off_page import digest, headline, write
from readiness.rendering.terminal import say
from readiness.verdict import INCOMPLETE_EXIT

HELP = "render the page that approvers sign, from the evidence of an environment alone"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_env(parser)
    parser.add_argument("--pdf", action="store_true", help="print it to a PDF too, with the Chromium of this machine")
    add_environments(parser)
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Write the page; return 0 whatever its verdict is, 10 where its evidence is none or no longer of today.

    The page is the record of its moment, so how each phase stands today is said beside it. The gate is
    `readiness verify ENV ga`. Raises BadInput and BadRun.
    """
    signer = signer_of(os.environ)
    trusted = trusted_keys(options.environments)
    now = datetime.now(UTC)
    today = Today(now, options.environments)
    dossier = gather(options.reports, options.env, trusted, today)
    try:
        page, head = write(dossier, signer)
    except OSError as error:
        raise BadRun(f"the page could not be written and entered into the ledger: {error}") from None

    verdict = headline(dossier)
    say(f"verdict   {verdict.word}: {verdict.says}")
    for reason in dossier.untrusted:
        say(f"untrusted {reason}")
    place = today.place(options.env, options.reports)
    standing_now = standings(place, trusted, Demands(now), dossier.phases)
    for phase, standing in standing_now.items():
        say(f"today     {phase}: {in_a_line(standing)}")
    say(f"evidence  {len(dossier.runs)} journals, digest {digest(dossier)}")
    say(f"page      {page}")
    if head:
        say(f"ledger    head {head}")
    if options.pdf:
        say(f"pdf       {print_to_pdf(page)}")
    is_of_the_past = verdict.kind == GOOD_KIND and standing_now[Phase.GA].exit != 0
    return INCOMPLETE_EXIT if dossier.untrusted or is_of_the_past else 0
