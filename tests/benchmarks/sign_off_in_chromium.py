"""A sign-off page in a real Chromium: accessibility by axe-core, overflow, script, and the pages of its PDF.

    pip install --target axe axe-playwright-python      # axe-core itself, MPL-2.0
    python tests/benchmarks/sign_off_in_chromium.py reports/local/sign-off.html axe/axe_playwright_python/axe.min.js

Needs a `chromium` on the PATH. Exit 0 when nothing is wrong.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

PAGES_AT_MOST = 12
SIZES: dict[str, ViewportSize] = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 400, "height": 800}}


def faults(page: Page, where: str, axe: str) -> Iterator[str]:
    """Tell what axe-core finds, and what sticks out."""
    page.evaluate(axe)
    for one in page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]:
        targets = ", ".join(str(node["target"]) for node in one["nodes"][:3])
        yield f"{where}: {one['id']} ({one['impact']}), {len(one['nodes'])} times: {targets}"
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if over > 0:
        yield f"{where}: {over} px wider than the window"


def main(path: Path, axe: Path) -> int:
    """Look at one page; print what is wrong."""
    found: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            for size, viewport in SIZES.items():
                # axe is brought in past the policy, which would refuse it; without it nothing else may be said either
                context = browser.new_context(color_scheme=scheme, viewport=viewport, bypass_csp=True)
                page = context.new_page()
                page.on("dialog", lambda dialog: found.append(f"a script ran: {dialog.message}"))
                page.on("request", lambda one: found.extend([] if one.url == path.as_uri() else [f"fetched {one.url}"]))
                page.goto(path.as_uri())
                found.extend(faults(page, f"{scheme}, {size}", axe.read_text("utf-8")))
                context.close()
        page = browser.new_page()
        page.on("console", lambda said: found.append(f"console: {said.text}"))
        page.goto(path.as_uri())
        pdf = page.pdf(format="A4", prefer_css_page_size=True)
        browser.close()
    sheets = len(re.findall(rb"/Type\s*/Page\b", pdf))
    if sheets > PAGES_AT_MOST:
        found.append(f"the PDF has {sheets} pages, at most {PAGES_AT_MOST} are read")
    print("\n".join(found) or f"nothing is wrong; the PDF has {sheets} pages")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]).absolute(), Path(sys.argv[2])))
