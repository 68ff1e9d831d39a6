"""The evidence of a drill: each step with its times, and what was found, not what was concluded.

One `evidence.json` in `reports/<environment>/drills/<UTC time>-<name>/`. Anyone can work out the verdict again
(`readiness.drill.verdict.judge`).

The names of the fields are the keys of the file: evidence of years ago must still be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from readiness.files import evidence_file

FILE = evidence_file.FILE
FOLDER = "drills"
DrillName = Literal["restore", "kill-switch", "rollback", "circuit-breaker", "fallback", "incident"]
NAMES: tuple[str, ...] = get_args(DrillName)
OF_A_REVISION = {"kill-switch", "rollback", "circuit-breaker", "fallback"}
"""They prove something of the version that ran. A restore proves the backups, an incident the alerting and the people:
both are renewed by the month, and no deployment between makes them untrue."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DrillStep(_Record):
    """One thing that was done, or that was waited for."""

    name: str
    says: str
    began: AwareDatetime
    ended: AwareDatetime
    done: bool
    found: str = ""
    """Why it was not done, or what was seen."""
    failed: bool = False
    """The target was seen to fail in it: what was waited for did not come in its time. A step may also be not done
    because the drill was cut short in it."""


class Table(_Record):
    """One table: as it was when the backup was made or compared, and as it came back."""

    name: str
    rows: int
    checksum: str
    rows_after: int | None = None
    """After the dump was made; None where the backup was not made here."""
    checksum_after: str = ""
    restored: int | None = None
    """None: it did not come back."""
    restored_checksum: str = ""
    changing: bool = False


# The facts of each drill are a class of their own, though some have a state before and seconds in common: a file states
# the facts of its one drill and nothing beside, and what `before` means differs from drill to drill.


class Restored(_Record):
    """What came back from a backup."""

    drill: Literal["restore"] = "restore"
    backup: str = ""
    size: int = 0
    taken_at: AwareDatetime | None = None
    """As the archive itself says, whatever its file's date is."""
    made_here: bool = False
    refused: str = ""
    """What pg_restore said where it failed."""
    tables: tuple[Table, ...] = ()
    seconds: float | None = None
    """From the decision to restore to the end of the comparison; None where it was not restored."""
    scratch: str = ""
    """The scratch database, once it was made."""
    dropped: bool = False
    """It is gone again."""


class Switched(_Record):
    """What the kill switch did."""

    drill: Literal["kill-switch"] = "kill-switch"
    accepted_before: bool = False
    in_flight: int = 0
    """Uploads that were being worked on when the switch was turned."""
    completed: int = 0
    """Of them, while it was off."""
    refused_seconds: float | None = None
    """Until a new upload was refused; None where none was."""
    told: str = ""
    """How the last new upload was answered while it was off."""
    accepted_after: bool = False


class RolledBack(_Record):
    """What was served after a rollback."""

    drill: Literal["rollback"] = "rollback"
    before: str = ""
    wanted: str = ""
    served: str = ""
    """At the end of the wait."""
    healthy: bool = False
    seconds: float | None = None
    """From the order to the wanted version being served and healthy; None where it never was."""
    forward_seconds: float | None = None
    """The same for the way back to the version that served before."""


class Broken(_Record):
    """What a circuit breaker did."""

    drill: Literal["circuit-breaker"] = "circuit-breaker"
    breaker: str = ""
    before: str = ""
    """Its state before."""
    opened_seconds: float | None = None
    closed_seconds: float | None = None
    """After the dependency was mended."""


class FellBack(_Record):
    """Who served while a dependency was broken."""

    drill: Literal["fallback"] = "fallback"
    before: str = ""
    during: str = ""
    after: str = ""
    """Status and server of the last answer of each part."""
    before_itself: bool = False
    """Before, the dependency served, and not already the fallback."""
    served_seconds: float | None = None
    """Until the fallback served."""
    recovered_seconds: float | None = None


class Incident(_Record):
    """How an incident went."""

    drill: Literal["incident"] = "incident"
    alert: str = ""
    firing_before: bool = False
    detected_seconds: float | None = None
    resolved_seconds: float | None = None
    """From the mitigation to the end of the alert."""
    document: str = ""


Facts = Restored | Switched | RolledBack | Broken | FellBack | Incident
BLANK: dict[str, Facts] = {
    facts.drill: facts for facts in (Restored(), Switched(), RolledBack(), Broken(), FellBack(), Incident())
}
"""The facts of each drill before anything was seen."""


class DrillEvidence(_Record):
    """One drill."""

    schema_: Literal["readiness/drill/1"] = Field("readiness/drill/1", alias="schema")
    run: str
    environment: str
    drill: DrillName
    url: str
    revision: str | None = None
    """Of the target, before anything was done to it."""
    revision_unknown_because: str = ""
    started_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    ended: Literal["running", "whole", "cut short"] = "running"
    ended_because: str = ""
    steps: tuple[DrillStep, ...] = ()
    facts: Annotated[Facts, Field(discriminator="drill")]
    left: tuple[str, ...] = ()
    """What could not be put back."""
    digest: str = ""


# A rehearsal's evidence has the same three: what they share is in `evidence_file`, and here is whose files these are.


def write(evidence: DrillEvidence, folder: Path) -> None:
    """Write the evidence whole, with its digest."""
    evidence_file.write(evidence, folder)


def read(folder: Path) -> DrillEvidence:
    """Return the evidence of one drill. Raises BadRun where it is missing, damaged or was altered."""
    return evidence_file.read(folder, DrillEvidence)


def folders(reports: Path, environment: str, drill: str | None = None) -> Iterator[Path]:
    """Return the folders of an environment's drills, of one name or of all, newest first."""
    return evidence_file.folders(reports / environment / FOLDER, drill)
