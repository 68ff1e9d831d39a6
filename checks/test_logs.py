"""The logs arrive, and tell of no error."""

import pytest

from readiness import Limits, Measure
from readiness.observations.logs import LogSinceLaunch, LogStream, Since


class NoErrorsSinceLaunch(Limits):
    errors_at_most: int
    since: Since | None = None  # without it, where the launch is not yet: of the last hour


class Streaming(Limits):
    age_seconds_at_most: float  # of the newest line


@pytest.mark.smoke
@pytest.mark.postlaunch
def test_no_errors_since_launch(
    log_since_launch: LogSinceLaunch, limits: NoErrorsSinceLaunch, measure: Measure
) -> None:
    """The log shows no error since the launch.

    Remedy: read the error lines in the journal; the newest are kept there.
    """
    measure(log_since_launch.errors, f"error lines among {log_since_launch.lines}").at_most(limits.errors_at_most)


@pytest.mark.preflight
def test_streaming(log_stream: LogStream, limits: Streaming, measure: Measure) -> None:
    """The application's logs stream.

    Remedy: is the shipper running, and has the service restarted with other log settings?
    """
    age = f"age of the newest line in {log_stream.source}"
    measure(log_stream.age_seconds, age, "seconds").at_most(limits.age_seconds_at_most)
