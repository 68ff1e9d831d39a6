"""A page in a real Chromium: accessibility by axe-core, overflow, whatever it fetches or runs, and the PDF."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
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


class Shared:
    """The one browser of this process, started when the first page is looked at.

    It has a thread of its own: Playwright keeps an event loop there, and no test could run another one beside it.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "chromium")
        self._undo = ExitStack()
        self._browser: Browser | None = None

    def look(self, look: Callable[[Browser, Path], list[str]], path: Path) -> list[str]:
        """Have a page looked at."""
        return self._thread.submit(lambda: look(self._started(), path)).result()

    def close(self) -> None:
        """End it."""
        self._thread.submit(self._undo.close).result()
        self._thread.shutdown()

    def _started(self) -> Browser:
        if self._browser is None:
            unpacked = libraries_of(BY_NAME["chromium"])
            if unpacked:  # Playwright's own driver needs a library that came with the browser
                environment = self._undo.enter_context(pytest.MonkeyPatch.context())
                environment.setenv("LD_LIBRARY_PATH", ":".join(unpacked), prepend=":")
            playwright = self._undo.enter_context(sync_playwright())
            self._browser = playwright.chromium.launch(executable_path=PROGRAM, args=WORDS)
            self._undo.callback(self._browser.close)
        return self._browser


SHARED = Shared()


def faults(path: Path) -> list[str]:
    """Look at a page in light and in dark, wide and narrow; tell what is wrong."""
    return SHARED.look(_faults, path)


def _faults(browser: Browser, path: Path) -> list[str]:
    found: list[str] = []
    for scheme in SCHEMES:
        for size, viewport in SIZES.items():
            # axe is brought in past the page's policy, which would refuse it
            context = browser.new_context(color_scheme=scheme, viewport=viewport, bypass_csp=True)
            found.extend(f"{scheme}, {size}: {fault}" for fault in _looked(context, path))
    return found + _refused(browser, path)


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
    context = started.new_context()
    page = context.new_page()
    page.on("console", lambda said: found.append(f"console: {said.text}"))
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.goto(path.as_uri())
    context.close()
    return found


def sheets(pdf: Path) -> int:
    """Count the pages of a PDF."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))
