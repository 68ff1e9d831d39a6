"""How a value was come by: a system was asked, a file was read, somebody declared it, or a person gave their word.

Whoever makes a value notes it there: the guard for what is sent, the clients for files, the sources for what is only
declared, the observations for what people said. The look under way gathers it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

UNDER_VERSION_CONTROL = ", a file under version control"
IN_A_REPOSITORY = ", a file in a repository, taken for one under version control as Git does not tell"
AT_MOST = 24
"""Of one look or result so many are kept; each kind, system and host first of all."""
_AGES = ((86_400 * 2, 86_400, "d"), (3_600 * 2, 3_600, "h"), (60 * 2, 60, "min"), (0, 1, "s"))


@dataclass(frozen=True)
class Asked:
    """A system was asked: which, on what host, and by what query.

    >>> str(Asked("PostgreSQL", "db.example.com", "select count(*) from orders"))
    'asked PostgreSQL at db.example.com: select count(*) from orders'
    """

    system: str
    host: str
    query: str = ""
    kind: Literal["asked"] = "asked"

    def __str__(self) -> str:
        query = f": {self.query}" if self.query else ""
        return f"asked {self.system} at {self.host}{query}"

    @property
    def source(self) -> tuple[str, ...]:
        """What it has in common with other questions to the same system."""
        return self.kind, self.system, self.host


@dataclass(frozen=True)
class FromFile:
    """A file of the machine that runs the suite was read.

    >>> str(FromFile("exports/backups.json", 7_500.0))
    'file exports/backups.json, 2 h old'
    """

    path: str
    """From the folder that the suite runs in, where it lies there."""
    age_seconds: float | None = None
    """How long ago it was last written, when it was read; None where nobody knows."""
    kind: Literal["file"] = "file"

    def __str__(self) -> str:
        age = "" if self.age_seconds is None else f", {_age(self.age_seconds)} old"
        return f"file {self.path}{age}"

    @property
    def source(self) -> tuple[str, ...]:
        """What it has in common with the same file, read again."""
        return self.kind, self.path


@dataclass(frozen=True)
class Declared:
    """Somebody wrote the value down, and nobody has looked: a literal, or a query that reads nothing.

    >>> str(Declared("readings.pool_size", "shop.yaml"))
    'readings.pool_size is stated in shop.yaml'
    """

    key: str
    file: str
    how: str = ""
    """What makes it known, such as `: its SQL reads no table`."""
    query: str = ""
    who: str = ""
    """Who answers for it; empty where the environment names nobody."""
    at: str = ""
    valid_until: str = ""
    kind: Literal["declared"] = "declared"

    def __str__(self) -> str:
        return f"{self.key} is stated in {self.file}{self.how}"

    @property
    def source(self) -> tuple[str, ...]:
        """What it has in common with the same key, read again."""
        return self.kind, self.key, self.file

    @property
    def vouched(self) -> str:
        """Who answers for it, since when and until when; empty where nobody does."""
        return f"declared by {self.who} on {self.at}, valid until {self.valid_until}" if self.who else ""

    @property
    def whole(self) -> str:
        """All of it in one line, for people."""
        query = f" ({self.query})" if self.query else ""
        person = f"; {self.vouched}" if self.who else ""
        return f"declared: {self}{query}{person}"


@dataclass(frozen=True)
class Word:
    """A person said so.

    >>> str(Word("Ada Example", "2026-11-20", "2026-12-20"))
    'word of Ada Example on 2026-11-20, valid until 2026-12-20'
    """

    who: str
    at: str
    valid_until: str = ""
    kind: Literal["word"] = "word"

    def __str__(self) -> str:
        until = f", valid until {self.valid_until}" if self.valid_until else ""
        return f"word of {self.who} on {self.at}{until}"

    @property
    def source(self) -> tuple[str, ...]:
        """What it has in common with the same person's other words."""
        return self.kind, self.who


Provenance = Asked | FromFile | Declared | Word
_NOTED: ContextVar[list[Provenance] | None] = ContextVar("what the look under way rests on", default=None)


@contextmanager
def noted() -> Iterator[list[Provenance]]:
    """Gather what is noted meanwhile in this thread."""
    gathered: list[Provenance] = []
    token = _NOTED.set(gathered)
    try:
        yield gathered
    finally:
        _NOTED.reset(token)


@contextmanager
def unnoted() -> Iterator[None]:
    """Ask something on which no value rests, such as how a statement would be carried out."""
    token = _NOTED.set(None)
    try:
        yield
    finally:
        _NOTED.reset(token)


def note(provenance: Provenance, instead_of: Callable[[Provenance], bool] | None = None) -> None:
    """Note how a value was come by, in place of what was noted of it before; outside of a look nothing."""
    gathered = _NOTED.get()
    if gathered is None:
        return
    if instead_of:
        gathered[:] = [earlier for earlier in gathered if not instead_of(earlier)]
    gathered.append(provenance)


def distinct(every: Iterable[Provenance], at_most: int = AT_MOST) -> tuple[Provenance, ...]:
    """Return each of them once, and no more than so many: first one of each kind, system, host, file and key.

    >>> [str(one) for one in distinct([Asked("HTTP", "a", "GET /1"), Asked("HTTP", "a", "GET /2"), Word("Ada", "")], 2)]
    ['asked HTTP at a: GET /1', 'word of Ada on ']
    """
    once = list(dict.fromkeys(every))
    if len(once) <= at_most:
        return tuple(once)
    first: dict[tuple[str, ...], Provenance] = {}
    for provenance in once:
        first.setdefault(provenance.source, provenance)
    kept = [*first.values(), *(one for one in once if one not in first.values())][:at_most]
    return tuple(one for one in once if one in kept)


def is_of(provenance: Provenance, file: str) -> bool:
    """Check whether a value was read from a file."""
    return isinstance(provenance, FromFile) and provenance.path == file


def is_answer_to(provenance: Provenance, query: str) -> bool:
    """Check whether a value is what a system answered: to SQL, a program, a query in an address or in a body."""
    if not isinstance(provenance, Asked):
        return False
    if provenance.query.startswith("POST "):
        return provenance.query.endswith(f": {query}") or f": {query} with " in provenance.query
    return provenance.query in {query, f"RUN {query}"} or f"query={query}" in provenance.query


def is_declared_alone(every: Iterable[Provenance]) -> bool:
    """Check whether all that something rests on was declared: nothing asked, no file read, nobody's word."""
    kinds = {provenance.kind for provenance in every}
    return kinds == {"declared"}


def declared(every: Iterable[Provenance]) -> tuple[Declared, ...]:
    """Return what was only declared."""
    return tuple(one for one in every if isinstance(one, Declared))


def vouched_by(one: Declared, who: str, at: date, valid_until: date) -> Declared:
    """Return what was declared with the person who answers for it."""
    return replace(one, who=who, at=str(at), valid_until=str(valid_until))


def shown_whole(provenance: Provenance) -> str:
    """Return how a value was come by, in one line for people."""
    return provenance.whole if isinstance(provenance, Declared) else str(provenance)


def _age(seconds: float) -> str:
    seconds = max(seconds, 0.0)
    return next(f"{seconds / unit:.0f} {name}" for least, unit, name in _AGES if seconds >= least)
