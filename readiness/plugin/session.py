"""The run under way: one object for the run and one for each of its items is all that the hooks share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from readiness.evidence.journal import Journal, RecordedRun
from readiness.evidence.recorded_ahead import RecordedAhead
from readiness.evidence.recorded_deadline import RecordedDeadline
from readiness.evidence.recorded_request import RecordedRequest
from readiness.evidence.records import Finish, Result
from readiness.evidence.rejudge import Judged
from readiness.evidence.signing import PublicKey
from readiness.measurements import Measure
from readiness.outcomes import NotConfigured
from readiness.plugin.observer import NO_LIMITS, Observer
from readiness.plugin.run import Predecided, Run
from readiness.plugin.sealing import Sealing
from readiness.provenance import Provenance
from readiness.redaction.redactor import REDACTOR
from readiness.runbook.dated_limits import LimitsAhead
from readiness.runbook.limits import Limits
from readiness.runbook.lines import Item
from readiness.runbook.overrides import Override
from readiness.verdict import INCOMPLETE_EXIT, Verdict, VerdictStatus


@dataclass
class RunSession:
    """The run, who observes for it, and in the controller what came of it. In that order its fields are filled."""

    run: Run
    observer: Observer
    sealing: Sealing | None = None
    """Only where this process decides."""
    folder: Path | None = None
    """Where the run leaves its evidence."""
    is_beside_another: bool = False
    """Whether another run of the environment was under way when this one began."""
    journal: Journal | None = None
    opened: bool = False
    """Whether the journal says what is judged, and the ledger that the run has begun."""
    deadline: RecordedDeadline | None = None
    """How long the looks of the run may take; None where none began."""
    results: list[Result] = field(default_factory=list)
    failed_beside: list[str] = field(default_factory=list)
    """What failed and decides no line: a team's own test, a file of checks that cannot be read, another plugin."""
    failed_reports: int = 0
    """The failures that were reported here: pytest's own count is higher where another plugin has found one."""
    decided: Verdict | None = None
    """What the results add up to; None after a usage error, which decides nothing."""
    artefacts: dict[str, Path] = field(default_factory=dict)
    """What was rendered, by name."""
    finish: Finish | None = None
    """The journal's last record."""
    held_a_secret: bool = False
    proof: tuple[RecordedRun, Judged] | None = None
    """The journal as it was read back from the disk, and judged again."""
    trouble: list[str] = field(default_factory=list)
    """Why the evidence is not whole."""
    sign_off_page: str = ""
    """Where the page that approvers sign is, or why it is not there."""

    @property
    def verdict(self) -> Verdict | None:
        """The verdict that stands: a good one only as long as the evidence is whole."""
        if self.decided and self.decided.good and self.trouble:
            action = "the evidence is not whole: see above"
            return Verdict(VerdictStatus.INCOMPLETE, INCOMPLETE_EXIT, action, self.decided.counts)
        return self.decided

    def complain(self, why: str) -> None:
        """Keep why the evidence is not whole: from then on no good verdict stands."""
        text = REDACTOR.text(why)
        if text not in self.trouble:
            self.trouble.append(text)

    def fail_beside(self, what: str) -> None:
        """Keep what failed beside the lines: pytest does not end with 0 then, whatever the verdict is."""
        text = REDACTOR.text(what)
        if text not in self.failed_beside:
            self.failed_beside.append(text)

    def record(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Write a record to the journal."""
        if self.journal is None:
            return
        try:
            self.journal.write(kind, fields)
        except OSError as error:
            self.complain(f"the journal could not be written: {error}")


@dataclass
class ItemState:
    """The state of a pytest item that decides a line."""

    item: Item
    limits: Limits = NO_LIMITS
    limits_lack: NotConfigured | None = None
    """The limits that the line would have to state, and does not."""
    overrides: tuple[Override, ...] = ()
    """What the environment states of the line otherwise than the line and its check."""
    predecided: Predecided | None = None
    measure: Measure | None = None
    limits_ahead: tuple[tuple[LimitsAhead, Limits], ...] = ()
    """What binds from a later day, and the limits as they will stand then."""
    ahead: tuple[RecordedAhead, ...] | None = None
    """What the check came to under each of them; None where it did not begin."""
    stated: list[str] = field(default_factory=list)
    """What its looks rest on that nothing measured, each in a sentence."""
    provenance: tuple[Provenance, ...] = ()
    """How what its looks saw was come by."""
    attested: Result | None = None
    """Of an item whose set-up met nothing configured: the result that an attestation gives."""


SESSION = pytest.StashKey[RunSession]()
"""On the config; absent where no environment was named."""

STATE = pytest.StashKey[ItemState]()
"""On a pytest item that decides a line."""


def begin(config: pytest.Config, run: Run, trusted: Mapping[str, PublicKey]) -> RunSession:
    """Return what the hooks of this process share. Raises BadInput where the signing key cannot be used."""
    if not is_controller(config):
        return RunSession(run, Observer(run, trusted))

    def publish(record: RecordedRequest) -> None:
        config.hook.pytest_readiness_request(record=record)

    sealing = None if judges_nothing(config) else Sealing(run, trusted)
    return RunSession(run, Observer(run, trusted, publish), sealing)


def state_of(node: pytest.Item) -> ItemState | None:
    """Return the state of an item, or None where it decides no line."""
    return node.stash.get(STATE, None)


def is_controller(config: pytest.Config) -> bool:
    """Check whether this process decides; xdist's workers only observe and judge."""
    return not hasattr(config, "workerinput")


def is_real(config: pytest.Config) -> bool:
    """Check whether this is a run that judges, not a plan and not the suite's own tests."""
    return SESSION in config.stash and not judges_nothing(config)


def judges_nothing(config: pytest.Config) -> bool:
    """Check whether pytest ends when it has collected: a plan, or its list of fixtures."""
    options = config.option
    return bool(options.collectonly or options.showfixtures or options.show_fixtures_per_test)
