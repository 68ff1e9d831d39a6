"""What is lost can be brought back."""

import pytest

from readiness import Limits, Measure
from readiness.observations.backup import Checkpoint, NewestBackup, NewestObjectBackup


class Recent(Limits):
    hours_at_most: float


class PreLaunchCheckpoint(Limits):
    hours_at_most: float


@pytest.mark.preflight
@pytest.mark.postlaunch
@pytest.mark.ga
def test_recent(newest_backup: NewestBackup, limits: Recent, measure: Measure) -> None:
    """Every place of backups has a recent one.

    Remedy: make a backup now, and see why the scheduled one was not made.
    """
    age = f"age of {newest_backup.name} of {newest_backup.where}"
    measure(newest_backup.empty, "backups that hold nothing").is_none_of_them()
    measure(newest_backup.hours, age, "h").at_most(limits.hours_at_most)


@pytest.mark.preflight
@pytest.mark.postlaunch
def test_objects_recent(newest_object_backup: NewestObjectBackup, limits: Recent, measure: Measure) -> None:
    """The object storage has a recent backup beside that of the database.

    Remedy: copy the objects now, and see why the scheduled copy was not made.
    """
    measure(newest_object_backup.empty, f"{newest_object_backup.name} holds nothing").is_(False)
    age = f"age of {newest_object_backup.name} of the object storage"
    measure(newest_object_backup.hours, age, "h").at_most(limits.hours_at_most)


@pytest.mark.preflight
def test_pre_launch_checkpoint(checkpoint: Checkpoint, limits: PreLaunchCheckpoint, measure: Measure) -> None:
    """There is a backup that the launch can go back to.

    Remedy: make a backup now.
    """
    measure(checkpoint.empty, "backups that hold nothing").is_none_of_them()
    measure(checkpoint.hours_before_launch, f"from {checkpoint.name} to the launch", "h").at_most(limits.hours_at_most)


@pytest.mark.preflight
def test_point_in_time_recovery(point_in_time_recovery: bool, measure: Measure) -> None:
    """The database can be brought back as it was at any moment.

    Remedy: turn point-in-time recovery on.
    """
    measure(point_in_time_recovery, "point-in-time recovery").is_(True)
