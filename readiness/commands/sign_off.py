"""`readiness sign-off`: the page that approvers sign, rendered again from the evidence alone, offline."""

from __future__ import annotations

import argparse
import os

from readiness.commands import add_env, add_environments, add_reports
from readiness.errors import BadRun
from readiness.evidence.signing import signer_of, trusted_keys
from readiness.rendering.dossier import gather
from readiness.rendering.pdf import print_to_pdf
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
    """Write the page; return 0 whatever its verdict is, 10 where its evidence is none. Raises BadInput and BadRun.

    The gate is `readiness verify ENV ga`.
    """
    signer = signer_of(os.environ)
    dossier = gather(options.reports, options.env, trusted_keys(options.environments), options.environments)
    try:
        page, head = write(dossier, signer)
    except OSError as error:
        raise BadRun(f"the page could not be written and entered into the ledger: {error}") from None

    verdict = headline(dossier)
    say(f"verdict   {verdict.word}: {verdict.says}")
    for reason in dossier.untrusted:
        say(f"untrusted {reason}")
    say(f"evidence  {len(dossier.runs)} journals, digest {digest(dossier)}")
    say(f"page      {page}")
    if head:
        say(f"ledger    head {head}")
    if options.pdf:
        say(f"pdf       {print_to_pdf(page)}")
    return INCOMPLETE_EXIT if dossier.untrusted else 0
