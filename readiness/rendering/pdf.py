"""A page printed to a PDF, with the Chromium of this machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from readiness.errors import BadInput, BadRun
from readiness.files.named_output import PDF, output_place
from readiness.tools import BY_NAME, find
from readiness.tools.places import cache

PRINT_SECONDS = 60
SIGNATURE = b"/ByteRange"
"""What a PDF has that somebody has signed (ISO 32000)."""


def print_to_pdf(page: Path) -> Path:
    """Print a page to a PDF beside it, and return its path.

    Raises BadInput where there is no browser, BadRun where it fails.
    """
    browser = find(BY_NAME["chromium"])
    if browser is None:
        remedy = f"run: readiness tools --fetch --only chromium, or open {page} and print it"
        raise BadInput([f"--pdf: there is no Chromium on this machine, which prints the page; {remedy}"])

    pdf = place_of_print(page)
    # An older one would pass for what this browser has printed.
    pdf.unlink(missing_ok=True)

    with tempfile.TemporaryDirectory(prefix="readiness-pdf-") as profile:
        command = _command(browser, page, pdf, profile)
        try:
            done = subprocess.run(command, capture_output=True, timeout=PRINT_SECONDS, check=False)  # noqa: S603  our own words
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BadRun(f"{browser} did not print the page: {error}") from None

    # What counts is the file, whatever the exit code.
    if not pdf.is_file():
        last_line = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise BadRun(f"{browser} did not print the page (exit {done.returncode}): {last_line}")
    return pdf


def place_of_print(page: Path) -> Path:
    """Return where the PDF of a page goes.

    Raises BadInput where something else is there, also where somebody has signed what was printed.
    """
    pdf = page.with_suffix(".pdf")
    try:
        place = output_place(pdf, PDF)
        is_signed = place.is_file() and SIGNATURE in place.read_bytes()
    except OSError as error:
        raise BadInput([f"--pdf: {error}"]) from None
    if is_signed:
        raise BadInput([f"--pdf: {pdf} was signed since it was printed; move it away first"])
    return place


def _command(browser: Path, page: Path, pdf: Path, profile: str) -> list[str]:
    command = [str(browser), "--headless", "--disable-gpu", f"--user-data-dir={profile}", "--no-pdf-header-footer"]
    # A browser does not start its own sandbox as root, nor one that was unpacked into the cache where the system
    # allows it no namespaces; the page has no script, and its policy lets nothing in.
    if os.geteuid() == 0 or browser.is_relative_to(cache()):
        command.append("--no-sandbox")
    return [*command, f"--print-to-pdf={pdf.absolute()}", page.absolute().as_uri()]
