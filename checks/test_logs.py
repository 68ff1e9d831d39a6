"""The logs arrive, and tell of no error."""

import pytest

from readiness import Limits, Measure
from readiness.observations.logs import LogSinceLaunch


class NoErrorsSinceLaunch(Limits):
    errors_at_most: int = 0


@pytest.mark.smoke
@pytest.mark.postlaunch
def test_no_errors_since_launch(
    log_since_launch: LogSinceLaunch, limits: NoErrorsSinceLaunch, measure: Measure
) -> None:
    """The log shows no error since the launch.

    Remedy: read the error lines in the journal; the newest are kept there.
    """
    measure(log_since_launch.errors, f"error lines among {log_since_launch.lines}").at_most(limits.errors_at_most)
