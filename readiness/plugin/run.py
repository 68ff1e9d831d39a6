"""One run: what is judged, of which target, at which instant. The same in every process."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path

from _pytest.compat import ascii_escaped

from readiness.environment.schema import Environment
from readiness.evidence import ledger
from readiness.evidence.broken_off import broken_off
from readiness.evidence.earlier_evidence import borne_out
from readiness.evidence.earlier_phases import earlier_phases
from readiness.evidence.journal import read_run
from readiness.evidence.ledger_reading import LedgerReading
from readiness.evidence.lost_history import cut_off, cut_off_run, lost, traces
from readiness.evidence.phases_before import deciding_phases
from readiness.evidence.previous_run import ended_beside, newest, unsealed
from readiness.evidence.recorded_binding import RecordedBinding
from readiness.evidence.recorded_ladder import Before
from readiness.evidence.recorded_phases import EarlierPhase
from readiness.evidence.records import ReplayOf
from readiness.evidence.signing import trusted_keys
from readiness.ladder import Hysteresis, Ladder
from readiness.outcomes import DecisionKey, Effect, EscalationStep, Outcome, Phase
from readiness.runbook.attestations import Attestations
from readiness.runbook.consent import LaunchRecord
from readiness.runbook.lines import Item, Line, Runbook, planned_checks
from readiness.runbook.severity import Urgency, severity_at
from readiness.runbook.sign_off import SignOff
from readiness.runbook.waivers import Waivers
from readiness.timeline import due_at, is_due
from readiness.verdict import SIGN_OFF, Expected

UNDECIDED = "undecided.no_check_yet"
"""The check of the lines whose own check nobody has written yet."""


@dataclass
class Run:
    """One run of one phase against one environment. Made by `options`, the same in every worker."""

    environment: Environment
    runbooks: tuple[Runbook, ...]
    phase: Phase | None
    """None only for the plan of all phases."""
    moment: datetime
    """The instant that is judged: now, or what `--as-of` says."""
    started_at: datetime
    allowed: frozenset[Effect]
    reports: Path
    replay: Path | None = None
    as_of: str | None = None
    sign_off: SignOff | None = None
    """What people decided; only in the phase `ga`, and only where somebody has written it down."""
    attestations: Attestations = field(default_factory=Attestations)
    waivers: Waivers = field(default_factory=Waivers)
    invocation: str = ""
    """The id of the gate that asked for this run; empty where somebody ran pytest."""
    environments: Path | None = None
    """The folder of the environment files; None only where a test makes a run of its own."""
    binding: RecordedBinding | None = None
    """What the run is evidence about: the project, its files, the commit. In the controller, where it judges."""

    @cached_property
    def replay_of(self) -> ReplayOf | None:
        """The run whose observations are judged again; None where this one observes by itself."""
        recorded = read_run(self.replay) if self.replay else None
        return ReplayOf(run=recorded.start.run, head=recorded.head) if recorded else None

    @cached_property
    def replayed(self) -> str:
        """Whose answers are judged again, and of when; empty where this run observes by itself."""
        if not self.replay:
            return ""
        start = read_run(self.replay).start
        return f"the answers that {start.run} recorded at {start.started_at:%Y-%m-%d %H:%M}Z"

    @cached_property
    def before(self) -> Before | None:
        """The run before this one; a replay stands on what the recorded run stood on. For the controller."""
        if self.replay:
            return read_run(self.replay).start.before
        if self.phase is None:
            return None
        return newest(self._home, self.ledger, self.phase, self.environment.target.url, self.started_at)

    @cached_property
    def also_before(self) -> tuple[Before, ...]:
        """The runs that ended after the one before this one had begun: it did not know them. For the controller."""
        if self.replay:
            return read_run(self.replay).start.also_before
        if self.before is None or self.ledger is None:
            return ()
        return ended_beside(self._home, self.ledger, self.before, self.environment.target.url, self.started_at)

    @cached_property
    def unsealed(self) -> tuple[str, ...]:
        """The runs that never came to an end and have seen more than the last whole one. For the controller."""
        if self.replay:
            return read_run(self.replay).start.unsealed
        if self.phase is None or self.ledger is None:
            return ()
        url, began = self.environment.target.url, self.started_at
        killed_beside = [record.name for record in broken_off(self._home, self.ledger.earlier(self.phase, url, began))]
        return tuple(dict.fromkeys([*killed_beside, *unsealed(self.ledger, self.phase, url, began)]))

    @cached_property
    def earlier_phases(self) -> tuple[EarlierPhase, ...] | None:
        """How the phases before the last one stand; None where nobody asks. For the controller."""
        if self.replay:
            return read_run(self.replay).start.earlier_phases
        if self.phase is not Phase.GA:
            return None
        phases = deciding_phases(self.runbooks, self.environment.not_applicable)
        keys = trusted_keys(self.environments) if self.environments else {}
        with_keys = self._ledger_with_keys
        bears_out = partial(borne_out, home=self._home, ledger=with_keys, trusted=keys)
        return earlier_phases(phases, with_keys, self.environment.target.url, self.started_at, bears_out)

    @property
    def _ledger_with_keys(self) -> LedgerReading | None:
        """The same ledger with the keys that signed it, which takes longer: only a good word of other runs needs it."""
        if self.ledger is None or self.environments is None or not self.ledger.ever_signed:
            return self.ledger
        return ledger.read(self.ledger.path, trusted_keys(self.environments))

    @property
    def launch_record(self) -> LaunchRecord | None:
        """What is known of the launch when its last phase is judged; None in the others. For the controller."""
        if self.phase is not Phase.GA or self.earlier_phases is None:
            return None
        standings = tuple(phase.standing() for phase in self.earlier_phases)
        return LaunchRecord(self.moment, self.environment.launch_at, standings)

    @cached_property
    def ledger(self) -> LedgerReading | None:
        """The ledger of the environment as this run found it; None where there is none."""
        path = self._home / ledger.FILE
        return ledger.read(path, {}) if path.exists() else None

    @cached_property
    def lost_history(self) -> str:
        """That older runs lie here which no ledger knows; empty where nothing shows that. For the controller."""
        if self.replay:
            return ""
        not_here = lost(self._home, self.ledger)
        return not_here or (cut_off(self._home, self.phase, self.ledger) if self.phase and self.lying_beside else "")

    @cached_property
    def lying_beside(self) -> tuple[str, ...]:
        """What lies here of older runs that the ledger lost, before this run moves a pointer: its entry says so."""
        if self.replay:
            return ()
        if self.ledger is None:
            return tuple(traces(self._home)[: ledger.BESIDE_AT_MOST])
        if self.phase is None or self._is_accepted_as_first:
            return ()
        if not cut_off_run(self._home, self.phase, self.ledger):
            return ()
        # A run that began and ended since the ledger was read is in it by now.
        lost_run = cut_off_run(self._home, self.phase, ledger.read(self.ledger.path, {}))
        return (lost_run,) if lost_run else ()

    @property
    def _is_accepted_as_first(self) -> bool:
        """Whether the gate that started this run accepts that no older history is here."""
        starts = self.ledger.starts if self.ledger and self.invocation else ()
        return any(start.entry.first and start.entry.invocation == self.invocation for start in starts)

    @property
    def _home(self) -> Path:
        return self.reports / self.environment.environment

    @cached_property
    def hysteresis(self) -> Hysteresis:
        """How steps are released in this run."""
        recorded = read_run(self.replay).start.hysteresis if self.replay else None
        return recorded.hysteresis() if recorded else Hysteresis()

    def ladders(self) -> dict[DecisionKey, Ladder]:
        """Return the ladder of each decision; only the hours after the launch have one."""
        if self.phase is not Phase.POSTLAUNCH:
            return {}
        return {item.key: Ladder(item.line.ladder, item.line.consecutive, self.hysteresis) for item in self.demanded()}

    def demanded(self) -> list[Item]:
        """Return every decision that the runbooks demand in this phase, in their order."""
        return [item for runbook in self.runbooks for item in runbook.items(self.phase)]

    def expected(self) -> list[Expected]:
        """Return the same as the verdict wants it, and the lines that the sign-off decides."""
        of_checks = [self._expected(item.key, item.line) for item in self.demanded()]
        signed = [
            self._expected(DecisionKey(f"{book.runbook}/{line.id}", SIGN_OFF, None), line)
            for book in self.runbooks
            for line in book.lines
            if line.rendered_as == SIGN_OFF and self.phase in line.phase
        ]
        return of_checks + [decision for decision in signed if decision.decides]

    def _expected(self, key: DecisionKey, line: Line) -> Expected:
        due = due_at(line.due, self.environment.launch_at, self._signed_at)
        return Expected(key, line.gate, due=self._is_due(line), due_at=due)

    def urgency(self, item: Item, step: EscalationStep | None) -> Urgency:
        """Return how urgent a failure of this run is at a step, by the table of the item's runbook."""
        severity = severity_at(item.line.severity, step)
        tables = {book.runbook: book.severities for book in self.runbooks}
        level = tables.get(item.runbook, {}).get(severity)
        return Urgency(severity, level.deadline(self.started_at) if level else "")

    def due(self, item: Item) -> bool:
        """Check whether the item counts at the moment that is judged."""
        return self._is_due(item.line)

    def _is_due(self, line: Line) -> bool:
        return is_due(line.due, self.moment, self.environment.launch_at, self._signed_at)

    @property
    def _signed_at(self) -> datetime | None:
        return self.sign_off.signed_at if self.sign_off else None

    def local_id(self, item: Item) -> str:
        """Return the name of an item as pytest shows it: with its runbook where there are several."""
        name = item.local_id if len(self.runbooks) == 1 else f"{item.runbook}.{item.local_id}"
        return f"{name}:{item.check}" if item.check in planned_checks() else name

    def item_of(self, nodeid: str) -> Item | None:
        """Return the decision that a node id stands for; None for a test that decides no line."""
        path, _, rest = nodeid.partition("::")
        function, _, local = rest.partition("[")
        return self._by_name.get((check_id(Path(path).stem, function), local.removesuffix("]")))

    def items_of(self, check: str) -> list[Item]:
        """Return the decisions of a check, of all phases, in the order of the runbooks."""
        return self._by_check.get(check, [])

    @cached_property
    def rooms(self) -> set[str]:
        """What the ids of the checks that the lines name begin with: `health`, `database`."""
        return {check.partition(".")[0] for check in self._by_check}

    @cached_property
    def _by_check(self) -> dict[str, list[Item]]:
        """Every decision of all phases by its check; by UNDECIDED too, where its check is only planned."""
        by_check: dict[str, list[Item]] = {}
        for runbook in self.runbooks:
            for item in runbook.items():
                by_check.setdefault(item.check, []).append(item)
                if item.check in planned_checks():
                    by_check.setdefault(UNDECIDED, []).append(item)
        return by_check

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], Item]:
        """Every decision of the phase by the check that pytest runs for it and its local id, as pytest escapes that."""
        own = {(item.check, ascii_escaped(self.local_id(item))): item for item in self.demanded()}
        undecided = {(UNDECIDED, name): item for (check, name), item in own.items() if check in planned_checks()}
        return undecided | own


def check_id(module: str, function: str) -> str:
    """Return the id of a check: test_database, test_pool_headroom → database.pool_headroom."""
    return f"{module.rpartition('.')[2].removeprefix('test_')}.{function.removeprefix('test_')}"


@dataclass(frozen=True)
class Predecided:
    """The outcome of an item that is known before it runs: nothing is observed for it."""

    outcome: Outcome
    reason: str
    remedy: str = ""
    configured: bool = True
    """False: unknown because something is not configured, so that an attestation may decide it."""
