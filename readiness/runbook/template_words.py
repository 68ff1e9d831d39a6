"""What the templates of incident reports say by themselves: who leaves it as it is has told nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from readiness.config.wording import normalised
from readiness.runbook.lines import Runbook, load, locate, shipped
from readiness.shipped import environments

EXAMPLE = "incident-report.md"


def hints_of(runbooks: Iterable[Runbook]) -> frozenset[str]:
    """Return what runbooks say of the fields of their incident reports, normalised."""
    return frozenset(normalised(hint) for book in runbooks for hint in book.incident_report.values())


@cache
def shipped_words() -> frozenset[str]:
    """Return the hints of all shipped runbooks, and what the example says below its headings, normalised."""
    books = [load(locate(name, Path())) for name in shipped()]
    return hints_of(books) | frozenset(_of_example(environments() / EXAMPLE))


def _of_example(path: Path) -> Iterator[str]:
    # A team may have taken it away: nobody copies it then.
    if not path.is_file():
        return
    body = path.read_text(encoding="utf-8").split("\n---\n", 1)[-1]
    for line in body.splitlines():
        if line.strip() and not line.startswith("#"):
            yield normalised(line)
