"""Files that somebody names for an output: none replaces a file that no such output has written.

A wrong word on a command line, `--html environments/prod.yaml`, would be the end of that file. So what is there already
is looked at: it is replaced where it is empty, or where it bears the mark of its kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from readiness.files.atomic_write import SHARED, NotReplaced, place_of, write_whole

LOOKED_AT = 1_000_000
"""The bytes in which a mark stands: all kinds have theirs at the beginning."""
_MARKS_OF_A_RUN = ("journal.jsonl", "evidence.json")
"""The files that a run, a rehearsal or a drill leaves in its folder."""


@dataclass(frozen=True)
class OutputKind:
    """A kind of file that an option writes."""

    what: str
    """As people call it: `a calendar`."""
    marks: tuple[bytes, ...] = ()
    """What all of them hold. Of a kind without a mark the names decide."""
    suffixes: tuple[str, ...] = ()
    """The endings that its names have; empty where any will do."""

    def is_written_in(self, path: Path) -> bool:
        """Check whether a file holds such an output. Raises OSError."""
        if not self.marks:
            return path.suffix in self.suffixes
        with path.open("rb") as file:
            head = file.read(LOOKED_AT).lower()
        return all(mark.lower() in head for mark in self.marks)


CALENDAR = OutputKind("a calendar of readiness", (b"BEGIN:VCALENDAR", b"-//production-readiness//"), (".ics",))
HISTORY = OutputKind("a page of readiness history", (b"<!doctype html>", b"<title>History of "))
PYTEST_HTML = OutputKind(
    "a page of pytest-html",
    (b"<!doctype html>", b'<title id="head-title">', b"https://pypi.python.org/pypi/pytest-html"),
)
LOCUST = OutputKind("a report of Locust", (b"<!doctype html>", b"<title>locust"))
JUNIT = OutputKind("JUnit XML of pytest", (b"<?xml", b'<testsuites name="pytest tests"'))
LOG = OutputKind("a log", suffixes=(".log",))
PDF = OutputKind("a page that was printed to a PDF, and that nobody signed", (b"%PDF-", b"Skia/PDF"))


def output_place(path: Path, kind: OutputKind) -> Path:
    """Return where an output is written. Raises NotReplaced where another file is there, and OSError."""
    place = place_of(path)
    if place.is_file() and place.stat().st_size and not kind.is_written_in(place):
        is_named_so = kind.suffixes and not kind.marks
        lacks = f"is not called {' or '.join(kind.suffixes)}" if is_named_so else f"is not {kind.what}"
        raise NotReplaced(f"{path} is there already and {lacks}; name another file, or remove it first")
    return place


def outside_of_evidence(path: Path) -> None:
    """Make sure that an output lies in no folder of a run. Raises NotReplaced: what is sealed there stays as it is."""
    place = path.resolve()
    run = next((folder for folder in place.parents if any((folder / mark).exists() for mark in _MARKS_OF_A_RUN)), None)
    if run:
        raise NotReplaced(f"{path} lies in {run.name}, the evidence of a run; name a file elsewhere")


def write_named(path: Path, text: str, kind: OutputKind) -> None:
    """Write an output to the file that somebody named for it. Raises NotReplaced, and OSError."""
    outside_of_evidence(path)
    output_place(path, kind)
    write_whole(path, text, SHARED)
