"""Reads the documentation: its code, its links, its headings and its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "reports/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def show(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def fenced(text: str, language: str) -> list[str]:
    """Return the code blocks of one language."""
    return [code for word, code in _FENCED.findall(text) if word == language]


def inline(text: str) -> list[str]:
    """Return what stands in single backticks."""
    return _INLINE.findall(_without_blocks(text))


def commands(text: str) -> list[str]:
    """Return the commands of the indented blocks, and everything in backticks; comments are left out."""
    joined = _FENCED.sub("", text).replace("\\\n", " ")
    indented = [line.strip() for line in joined.splitlines() if line.startswith("    ")]
    written = [line.partition(" #")[0] for line in indented] + inline(text)
    parts = [part.strip() for line in written for part in line.split(";")]
    return [part.removeprefix("$ ").removeprefix(".venv/bin/") for part in parts]


def links(text: str) -> list[str]:
    """Return the targets of links, but those into the web."""
    return [target for target in _LINK.findall(_without_blocks(text)) if "://" not in target]


def anchors(text: str) -> set[str]:
    """Return the fragments that lead to a heading, as code forges spell them."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in _HEADING.findall(text)}


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one of its rank."""
    rank, _, _ = heading.partition(" ")
    _, _, rest = text.partition(f"\n{heading}\n")
    assert rest, f"there is no heading {heading!r}"
    return re.split(rf"^#{{1,{len(rank)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> Iterator[list[str]]:
    """Return the cells of each row of the tables in a text, without their heads."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        is_row = line.startswith("|") and not line.startswith("|---")
        is_head = number + 1 < len(lines) and lines[number + 1].startswith("|---")
        if is_row and not is_head:
            yield [cell.strip() for cell in line.strip("|").split("|")]


def _without_blocks(text: str) -> str:
    kept = _FENCED.sub("", text)
    return "\n".join(line for line in kept.splitlines() if not line.startswith("    "))
