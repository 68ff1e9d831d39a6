"""`readiness sign-off`: the page that approvers sign, rendered again from the evidence alone, offline."""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

from readiness.commands import add_env, add_environments, add_reports
from readiness.errors import BadInput, BadRun
from readiness.evidence.signing import signer_of, trusted_keys
from readiness.rendering.dossier import gather
from readiness.rendering.sign_off_page import digest, headline, write
from readiness.tools import BY_NAME, find
from readiness.tools.places import cache
from readiness.verdict import INCOMPLETE_EXIT

HELP = "render the page that approvers sign, from the evidence of an environment alone"
PRINT_SECONDS = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command line may say."""
    add_env(parser)
    parser.add_argument("--pdf", action="store_true", help="print it to a PDF too, with the Chromium of this machine")
    add_environments(parser)
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Write it; 0 whatever its verdict is (`readiness verify ENV ga` is the gate), 10 where its evidence is none."""
    signer = signer_of(os.environ)
    dossier = gather(options.reports, options.env, trusted_keys(options.environments))
    try:
        page, head = write(dossier, signer)
    except OSError as error:
        raise BadRun(f"the page could not be written and entered into the ledger: {error}") from None
    found = headline(dossier)
    print(f"verdict   {found.word}: {found.says}")
    for why in dossier.untrusted:
        print(f"untrusted {why}")
    print(f"evidence  {len(dossier.runs)} journals, digest {digest(dossier)}")
    print(f"page      {page}")
    if head:
        print(f"ledger    head {head}")
    if options.pdf:
        print(f"pdf       {printed(page)}")
    return INCOMPLETE_EXIT if dossier.untrusted else 0


def printed(page: Path) -> Path:
    """Print a page to a PDF beside it. Raises BadInput where there is no browser, BadRun where it fails."""
    browser = find(BY_NAME["chromium"])
    if browser is None:
        remedy = f"run: readiness tools --fetch --only chromium, or open {page} and print it"
        raise BadInput([f"--pdf: there is no Chromium on this machine, which prints the page; {remedy}"])
    pdf = page.with_suffix(".pdf")
    pdf.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="readiness-pdf-") as profile:
        command = [str(browser), "--headless", "--disable-gpu", f"--user-data-dir={profile}", "--no-pdf-header-footer"]
        # A browser does not start its own sandbox as root, nor one that was unpacked into the cache where the system
        # allows it no namespaces; the page has no script, and its policy lets nothing in.
        if os.geteuid() == 0 or browser.is_relative_to(cache()):
            command.append("--no-sandbox")
        command += [f"--print-to-pdf={pdf.absolute()}", page.absolute().as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, timeout=PRINT_SECONDS, check=False)  # noqa: S603  our own words
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BadRun(f"{browser} did not print the page: {error}") from None
    if not pdf.is_file():
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise BadRun(f"{browser} did not print the page (exit {done.returncode}): {last}")
    return pdf
