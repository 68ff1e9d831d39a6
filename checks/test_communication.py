"""People are told: the channels are there, and what they and the status page say is true."""

import pytest

from readiness import Limits, Measure
from readiness.observations.communication import Announcement, Attendance, ChannelState, PageState, Shown, Silence


class InChannel(Limits):
    channel: str  # in the runbook's words: a name, slack/name or discord/name


class Shows(Limits):
    shows: Shown  # the launch to come, that it is done, or the present health


class Updates(Limits):
    minutes_at_most: float


@pytest.mark.preflight
def test_channel_exists(channel_state: ChannelState, limits: InChannel, measure: Measure) -> None:
    """The channel exists and is in use.

    Remedy: create it, or bring it back from the archive; its name here is set in communication.channels.
    """
    measure(channel_state.exists, f"the channel {limits.channel} exists").is_(True)
    measure(channel_state.archived, "it is archived").is_(False)


@pytest.mark.preflight
def test_stakeholders_in_channel(attendance: Attendance, limits: InChannel, measure: Measure) -> None:
    """Every stakeholder is in the channel.

    Remedy: invite those who are named.
    """
    expected = f"of {attendance.expected} stakeholders, not in {limits.channel}"
    measure(attendance.absent, expected).is_none_of_them()


@pytest.mark.smoke
def test_launch_announced(launch_announcement: Announcement, limits: InChannel, measure: Measure) -> None:
    """The launch is announced in the channel, with all that people need to know.

    Remedy: readiness announce launch --env ENV --allow notify, or write the missing parts: `on-call: name, number`.
    """
    where = f"missing in the announcement in {limits.channel}"
    measure(launch_announcement.missing, where).is_none_of_them()


@pytest.mark.preflight
@pytest.mark.postlaunch
@pytest.mark.ga
def test_status_page_current(page_state: PageState, limits: Shows, measure: Measure) -> None:
    """The status page tells what is true now.

    Remedy: correct it where it is kept: the launch's notice and its time, or the incident that it does not show.
    """
    measure(page_state.wrong, f"missing or wrong on the status page ({limits.shows})").is_none_of_them()


@pytest.mark.postlaunch
def test_incident_updates_timely(incident_silence: Silence, limits: Updates, measure: Measure) -> None:
    """An open incident is told of in good time.

    Remedy: publish an update now, also when there is nothing new; name the time of the next.
    """
    since = f"since the last update ({incident_silence.incidents} open) {incident_silence.incident}".strip()
    measure(incident_silence.minutes, since, "minutes").at_most(limits.minutes_at_most)
