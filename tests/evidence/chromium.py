"""A page in a real Chromium: accessibility by axe-core, overflow, whatever it fetches or runs, and the PDF."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, ViewportSize, sync_playwright

from readiness.tools import BY_NAME, find
from readiness.tools.unpacked import libraries_of

PROGRAM = find(BY_NAME["chromium"])
"""None where the machine has none; `make setup` brings it."""
SIZES: dict[str, ViewportSize] = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 400, "height": 800}}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
AXE = files("axe_playwright_python").joinpath("axe.min.js")
# As root it does not start its own sandbox, and it looks for Google's hosts without being asked.
WORDS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@contextmanager
def browser() -> Iterator[Browser]:
    """Start it."""
    unpacked = libraries_of(BY_NAME["chromium"])
    with pytest.MonkeyPatch.context() as environment:
        if unpacked:  # Playwright's own driver needs a library that came with the browser
            environment.setenv("LD_LIBRARY_PATH", ":".join(unpacked), prepend=":")
        with sync_playwright() as playwright:
            started = playwright.chromium.launch(executable_path=PROGRAM, args=WORDS)
            yield started
            started.close()


def faults(path: Path) -> list[str]:
    """Look at a page in light and in dark, wide and narrow; tell what is wrong."""
    found: list[str] = []
    with browser() as started:
        for scheme in SCHEMES:
            for size, viewport in SIZES.items():
                # axe is brought in past the page's policy, which would refuse it
                context = started.new_context(color_scheme=scheme, viewport=viewport, bypass_csp=True)
                found.extend(f"{scheme}, {size}: {fault}" for fault in _looked(context, path))
        return found + _refused(started, path)


def _looked(context: BrowserContext, path: Path) -> list[str]:
    found: list[str] = []

    def ran(dialog: Dialog) -> None:
        found.append(f"a script ran: {dialog.message}")
        dialog.dismiss()

    page = context.new_page()
    page.on("dialog", ran)
    page.on("request", lambda one: found.extend([] if one.url == path.as_uri() else [f"fetched {one.url}"]))
    page.goto(path.as_uri())
    page.evaluate(AXE.read_text("utf-8"))
    for one in page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]:
        targets = ", ".join(str(node["target"]) for node in one["nodes"][:3])
        found.append(f"{one['id']} ({one['impact']}): {targets}")
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if over > 0:
        found.append(f"{over} px wider than the window")
    context.close()
    return found


def _refused(started: Browser, path: Path) -> list[str]:
    """Tell what the page's own policy refused: there should have been nothing to refuse."""
    found: list[str] = []
    page = started.new_page()
    page.on("console", lambda said: found.append(f"console: {said.text}"))
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.goto(path.as_uri())
    return found


def sheets(pdf: Path) -> int:
    """Count the pages of a PDF."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))
