"""The key links and the vendors' contacts of a run, as its looks found them: a section of the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from readiness.evidence.journal import RecordedRun

LINK, VENDORS, STAGE = "key_link", "vendor_contacts", "stage_audience"
"""The observations that the section is made from."""


@dataclass(frozen=True)
class LinkRow:
    """One link as the report shows it."""

    name: str
    address: str
    state: str
    kind: str
    """The class of its colour."""


@dataclass(frozen=True)
class VendorRow:
    """One vendor's contact: who tried it, and when."""

    name: str
    verified: str


def links_of(run: RecordedRun) -> list[LinkRow]:
    """Return the key links that the run looked at, by their names; one link of two runbooks stands once."""
    rows: dict[str, LinkRow] = {}
    for value in _values(run, LINK):
        name, address, state = (str(value.get(key, "")) for key in ("name", "address", "state"))
        rows[name] = LinkRow(name, address, state, _kind_of(value))
    return [rows[name] for name in sorted(rows)]


def _kind_of(link: dict[str, Any]) -> str:
    """Return the class of a link's colour: of one that nobody asked nothing is known."""
    if link.get("broken"):
        return "bad"
    return "good" if link.get("asked") else "none"


def vendors_of(run: RecordedRun) -> list[VendorRow]:
    """Return the vendors whose contacts the run looked at, by their names, each with its last verification."""
    rows: dict[str, str] = {}
    for value in _values(run, VENDORS):
        verified = value.get("verified")
        rows |= {str(name): str(said) for name, said in verified.items()} if isinstance(verified, dict) else {}
    return [VendorRow(name, rows[name]) for name in sorted(rows)]


def stage_of(run: RecordedRun) -> str:
    """Return the stage of the roll-out that the run found; empty where it did not look."""
    return next((str(value.get("stage", "")) for value in _values(run, STAGE)), "")


def _values(run: RecordedRun, name: str) -> list[dict[str, Any]]:
    found = (record.value for record in run.observations if record.name == name and record.has_value)
    return [value for value in found if isinstance(value, dict)]
