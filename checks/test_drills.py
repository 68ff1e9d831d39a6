"""What is to be done when things go wrong has been done once when they did not."""

import pytest

from readiness import Measure
from readiness.observations.drills import Drilled, DrillLimits, IncidentDrill, RestoreDrill, RollbackDrill


class Restore(DrillLimits):
    hours_below: float | None = None
    backup_hours_at_most: float | None = None


class KillSwitch(DrillLimits):
    pass


class Rollback(DrillLimits):
    minutes_at_most: float


class CircuitBreaker(DrillLimits):
    pass


class Fallback(DrillLimits):
    pass


class Incident(DrillLimits):
    steps: tuple[str, ...]


@pytest.mark.preflight
@pytest.mark.ga
def test_restore(restore_drill: RestoreDrill, limits: Restore, measure: Measure) -> None:
    """A backup was restored, whole; as recent and in time as the line says.

    Remedy: read what the drill found in its evidence, mend it, and run the drill again.
    """
    measure(restore_drill.days, f"age of {restore_drill.run}", "days").at_most(limits.days_at_most)
    measure(restore_drill.faults, "what was wrong in it").is_none_of_them()
    if limits.backup_hours_at_most is not None:
        age = restore_drill.backup_hours
        measure(age, "age of the backup that was restored", "h").at_most(limits.backup_hours_at_most)
    if limits.hours_below is not None:
        measure(restore_drill.hours, "time to restore", "h").below(limits.hours_below)


@pytest.mark.preflight
def test_kill_switch(kill_switch_drill: Drilled, limits: KillSwitch, measure: Measure) -> None:
    """The switch stops what is new, lets what is under way complete, and lets new work in again.

    Remedy: mend what reads the switch, and run the drill again.
    """
    measure(kill_switch_drill.days, f"age of {kill_switch_drill.run}", "days").at_most(limits.days_at_most)
    measure(kill_switch_drill.faults, "what was wrong in it").is_none_of_them()


@pytest.mark.preflight
def test_rollback(rollback_drill: RollbackDrill, limits: Rollback, measure: Measure) -> None:
    """The version before was served and healthy in time after the order to go back.

    Remedy: make going back faster, or mend it, and run the drill again.
    """
    measure(rollback_drill.days, f"age of {rollback_drill.run}", "days").at_most(limits.days_at_most)
    measure(rollback_drill.faults, "what was wrong in it").is_none_of_them()
    measure(rollback_drill.minutes, "time to roll back", "min").at_most(limits.minutes_at_most)


@pytest.mark.preflight
def test_circuit_breaker(circuit_breaker_drill: Drilled, limits: CircuitBreaker, measure: Measure) -> None:
    """The breaker opens when its dependency breaks, and closes when that is mended.

    Remedy: mend the breaker, and run the drill again.
    """
    measure(circuit_breaker_drill.days, f"age of {circuit_breaker_drill.run}", "days").at_most(limits.days_at_most)
    measure(circuit_breaker_drill.faults, "what was wrong in it").is_none_of_them()


@pytest.mark.preflight
def test_fallback(fallback_drill: Drilled, limits: Fallback, measure: Measure) -> None:
    """The fallback serves while the dependency is broken, and steps back when that is mended.

    Remedy: mend the fallback, and run the drill again.
    """
    measure(fallback_drill.days, f"age of {fallback_drill.run}", "days").at_most(limits.days_at_most)
    measure(fallback_drill.faults, "what was wrong in it").is_none_of_them()


@pytest.mark.preflight
@pytest.mark.ga
def test_incident(incident_drill: IncidentDrill, limits: Incident, measure: Measure) -> None:
    """An incident was played through from its alert to its report.

    Remedy: mend what was not done, and run the drill again.
    """
    measure(incident_drill.days, f"age of {incident_drill.run}", "days").at_most(limits.days_at_most)
    measure(incident_drill.faults, "what was wrong in it").is_none_of_them()
    measure(incident_drill.steps, "steps that were done").is_(list(limits.steps))
