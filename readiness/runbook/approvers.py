"""Approvers: who may approve a waiver or a sign-off of an environment, where it says so, and by what they are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from readiness.config.persons import could_be_one_person, is_same_person, what_is_wrong_with
from readiness.errors import not_one_of


@dataclass(frozen=True)
class Approvers:
    """The names that may approve, each with a mail address or an id; without any, everybody may."""

    ids: Mapping[str, str] = field(default_factory=dict)

    def what_is_wrong_with(self, name: str) -> str:
        """Return why somebody may not approve; the empty text where they may."""
        wrong = what_is_wrong_with(name)
        if wrong:
            return f"{name!r} {wrong}"
        if not self.ids or name in self.ids:
            return ""

        listed = next((other for other in self.ids if is_same_person(name, other)), None)
        if listed:
            return f"{name!r} only folds to {listed!r}, who stands in approvers; write {listed!r}"
        return f"{not_one_of(name, self.ids)}; see approvers in the environment file"

    def same(self, name: str, other: str) -> bool:
        """Check whether two names are one person: by what they are known by, or by how they are written."""
        known, other_known = self._id(name), self._id(other)
        if known and other_known:
            return known == other_known
        return could_be_one_person(name, other)

    def one_person(self, name: str, other: str, remedy: str) -> str:
        """Return how two names are the same one, and what to do; where they may be two, what to write."""
        known = self._id(name)
        if is_same_person(name, other) or (known and known == self._id(other)):
            return f"{name!r} and {other!r} are one person in two spellings; {remedy}"
        return (
            f"{name!r} and {other!r} may be one person, one of them shortened; "
            "write both names in full, or list both under approvers in the environment file"
        )

    def _id(self, name: str) -> str:
        # Owners may be named by what they are known by.
        said = name.strip().casefold()
        if said in {stated.casefold() for stated in self.ids.values()}:
            return said
        if name in self.ids:
            return self.ids[name].casefold()
        return next((self.ids[listed].casefold() for listed in self.ids if is_same_person(listed, name)), "")

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield each listed name that cannot stand in the list, and why."""
        seen: list[str] = []
        for name in self.ids:
            wrong = what_is_wrong_with(name)
            if wrong:
                yield name, f"{name!r} {wrong}"
            alike = next((other for other in seen if is_same_person(name, other)), None)
            if alike:
                yield name, f"{name!r} and {alike!r} are one name in two spellings; write one"
            seen.append(name)


ANYBODY = Approvers()
