"""The release is tested, nothing stands against it, and everybody has said yes."""

import pytest

from readiness import Limits, Measure
from readiness.observations.release import (
    Approvals,
    Blockers,
    CiResult,
    Decision,
    LaunchTime,
    Maintenance,
    TimeOfDay,
    Watch,
    Weekday,
)


class Priorities(Limits):
    priorities: tuple[str, ...]


class Decided(Limits):
    decision: str
    hours_at_most: float


class Agreed(Limits):
    minutes_at_most: float


class Announced(Limits):
    hours_at_least: float
    emergency_hours_at_least: float


class WeeklyWindow(Limits):
    weekday: Weekday
    begins: TimeOfDay  # in UTC, as 02:00
    ends: TimeOfDay


class Watched(Limits):
    minutes_at_least: float
    pause_minutes_at_most: float


@pytest.mark.preflight
@pytest.mark.smoke
def test_ci_green(ci: CiResult, measure: Measure) -> None:
    """The automated tests passed for the revision that runs.

    Remedy: open the jobs that are named; deploy a revision whose tests pass.
    """
    measure(ci.failed, f"of {ci.jobs} jobs, those that did not pass").is_none_of_them()
    measure(ci.missing, "required jobs that have not run").is_none_of_them()


@pytest.mark.preflight
def test_no_open_blockers(blockers: Blockers, limits: Priorities, measure: Measure) -> None:
    """No issue of the highest priorities is open.

    Remedy: resolve each that is named, or let its owner lower the priority, with the reason.
    """
    measure(blockers.found, f"open issues of {', '.join(limits.priorities)}").is_none_of_them()


@pytest.mark.preflight
def test_decision_recorded(launch_decision: Decision, limits: Decided, measure: Measure) -> None:
    """The last decision on record is go, and it is of this launch.

    Remedy: decide, and record it where everybody can read it.
    """
    measure(launch_decision.word, "the last decision on record").is_(limits.decision)
    measure(launch_decision.hours, "hours since it was made", "h").at_most(limits.hours_at_most)


@pytest.mark.preflight
def test_stakeholders_approve(launch_approvals: Approvals, measure: Measure) -> None:
    """Every stakeholder approves.

    Remedy: ask whoever is named.
    """
    measure(launch_approvals.refused, "stakeholders who refuse").is_none_of_them()
    measure(launch_approvals.missing, "stakeholders who have not spoken").is_none_of_them()
    measure(len(launch_approvals.approved), "stakeholders who approve", "people").at_least(1)


@pytest.mark.preflight
def test_launch_time_confirmed(launch_time: LaunchTime, limits: Agreed, measure: Measure) -> None:
    """The launch time that was agreed on is the one that this list counts from.

    Remedy: correct launch_at in the environment file, or the announcement.
    """
    between = f"minutes between {launch_time.stated} here and {launch_time.agreed} as agreed"
    measure(launch_time.minutes_apart, between, "min").at_most(limits.minutes_at_most)


@pytest.mark.preflight
def test_maintenance_window(maintenance: Maintenance, limits: Announced, measure: Measure) -> None:
    """Each maintenance was announced long enough ahead.

    Remedy: announce it on the status page as soon as it is planned, or move it.
    """
    late = maintenance.late(limits.hours_at_least, limits.emergency_hours_at_least)
    measure(late, f"announced too late, of {len(maintenance.notices)} that are ahead or under way").is_none_of_them()


@pytest.mark.preflight
def test_maintenance_in_window(maintenance: Maintenance, limits: WeeklyWindow, measure: Measure) -> None:
    """Each maintenance that can wait lies in the weekly window.

    Remedy: move it into the window, or announce it as an emergency and say why it cannot wait.
    """
    outside = maintenance.outside(limits.weekday, limits.begins, limits.ends)
    window = f"{limits.weekday} {limits.begins} to {limits.ends} UTC"
    measure(outside, f"not in the window, {window}, of {len(maintenance.notices)} announced").is_none_of_them()


@pytest.mark.postlaunch
def test_watched_after_deploy(watch: Watch, limits: Watched, measure: Measure) -> None:
    """Somebody watched the deployment after it was made.

    Remedy: run the postlaunch phase every few minutes after a deployment, and stay with it.
    """
    pause = f"minutes watched with no pause over {limits.pause_minutes_at_most:g}, by {watch.looks} looks"
    measure(watch.minutes, pause, "min").at_least(limits.minutes_at_least)
