"""What is about to be released: is it tested, does nothing stand against it, and has everybody said yes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from readiness.clients.github import GitHub
from readiness.clients.history import History
from readiness.clients.postgres import Row
from readiness.environment.people import without_contacts
from readiness.environment.schema import Environment, KnownReading
from readiness.environment.service_levels import ProbeHistory as Source
from readiness.observations import known_reading, observation
from readiness.observations.communication import GoDecision, go_decision, place_of_decision
from readiness.observations.maintenance import Maintenance, TimeOfDay, Weekday
from readiness.observations.needs import need, revision, stated
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.shown import shown
from readiness.sources.chat import Chats
from readiness.sources.readings import Readings, revision_of
from readiness.sources.roster import Roster

__all__ = ["Maintenance", "TimeOfDay", "Weekday"]

LAUNCH_DECISIONS = known_reading("launch_decisions", "the decisions on record (rows with at, by, decision)")
LAUNCH_APPROVALS = known_reading("launch_approvals", "the stakeholders' approvals (rows with at, by, decision)")
LAUNCH_TIME = known_reading("launch_time", "the launch time that was agreed on")
DEPLOYED_AT = known_reading("deployed_at", "when the version that runs was deployed")
DEPLOYMENT_LOOKS = known_reading("deployment_looks", "when somebody looked at the deployment (rows with at)")

_NOTHING_TESTED = {"neutral", "skipped"}
_GOOD = {"success"} | _NOTHING_TESTED
_APPROVED = {"approve", "approved", "go", "yes"}
_REFUSED = {"reject", "rejected", "refused", "denied", "no-go", "nogo", "no go", "no"}
_SHOWN = 80


@dataclass(frozen=True)
class CiResult:
    """What CI says of the revision that runs."""

    jobs: int
    failed: list[str]
    missing: list[str]
    """Those that are required, and of which nobody has heard."""


@observation(needs=revision)
def ci(github: GitHub, readings: Readings, environment: Environment) -> CiResult:
    """Return the latest run of each job, and the statuses of other systems. Raises Unknown while one is running.

    Two workflows may have a job of one name, and a status may share it: GitHub lists each, and each counts.
    """
    settings = github.settings
    runs_now = revision_of(environment.target, readings)
    combined = github.combined(github.ref(runs_now))
    runs = github.check_runs(combined.sha)

    ended = [(run.name, run.conclusion or "") for run in runs if run.status == "completed"]
    ended += [(status.context, status.state) for status in combined.statuses if status.state != "pending"]
    running = [run.name for run in runs if run.status != "completed"]
    running += [status.context for status in combined.statuses if status.state == "pending"]

    failed: list[str] = []
    for name, conclusion in sorted(set(ended)):
        if conclusion not in _GOOD:
            failed.append(f"{shown(name, _SHOWN)}: {conclusion or 'no conclusion'}")

    # A job that failed decides, whatever becomes of the others.
    if running and not failed:
        names = ", ".join(shown(name, _SHOWN) for name in running)
        raise Unknown(f"CI of {runs_now} is still running: {names}", "wait for it to end")
    if not ended and not running:
        raise Unknown(
            f"{settings.repository} has no CI result of {runs_now}",
            "does CI report to GitHub, and did it run for this?",
        )

    # A job that was skipped has ended well for GitHub, and has tested nothing.
    tested = {name for name, conclusion in ended if conclusion not in _NOTHING_TESTED}
    if not tested and not running:
        names = ", ".join(sorted(shown(name, _SHOWN) for name, _ in ended))
        raise Unknown(f"CI of {runs_now} skipped everything: {names}", "run the jobs for this revision")

    reporting = tested | set(running)
    missing = [name for name in settings.required_checks if name not in reporting]
    return CiResult(len(ended) + len(running), failed, missing)


@dataclass(frozen=True)
class Blockers:
    """The open issues that stand against a release."""

    found: list[str]


@observation
def blockers(github: GitHub, priorities: tuple[str, ...]) -> Blockers:
    """Return the open issues of these priorities, the most urgent priority first in the tuple."""
    labels = github.settings.labels
    lines: dict[int, str] = {}
    # The most urgent last: an issue with two labels is listed with the more urgent one.
    for priority in reversed(priorities):
        for issue in github.open_issues(labels.get(priority, priority)):
            title = shown(issue.title, _SHOWN)
            lines[issue.number] = f"{priority} #{issue.number} {title}"
    return Blockers(sorted(lines.values()))


@dataclass(frozen=True)
class Decision:
    """The last decision on record."""

    word: str
    """go, no-go, or whatever else stands there."""
    by: str
    hours: float
    """How long ago."""


def _decided_in_the_channel(readings: Readings, environment: Environment) -> bool:
    """Return whether the decision is made in the chat, and no reading tells of it."""
    named = environment.communication and environment.communication.decision
    return bool(named) and not readings.configured(LAUNCH_DECISIONS)


@need("readings.launch_decisions, or communication.decision with launch_at")
def record_of_decisions(readings: Readings, chats: Chats, environment: Environment, launch_at: datetime | None) -> None:
    """Make sure that something tells what was decided. Raises NotConfigured."""
    if _decided_in_the_channel(readings, environment):
        stated(launch_at)
        place_of_decision(chats, environment)
    else:
        readings.require(LAUNCH_DECISIONS)


@observation(needs=record_of_decisions)
def launch_decision(
    readings: Readings, chats: Chats, environment: Environment, moment: datetime, launch_at: datetime | None
) -> Decision:
    """Return what was decided last: by the reading `launch_decisions`, else by the chat's channel."""
    if _decided_in_the_channel(readings, environment):
        return _of_channel(go_decision(chats, environment, moment, stated(launch_at)), moment)

    decisions = _until(moment, readings, LAUNCH_DECISIONS)
    decisions = [(at, row) for at, row in decisions if not _is_hindsight(at, row, launch_at)]
    if not decisions:
        return Decision("none on record", "", 0.0)

    at, row = decisions[-1]
    hours = (moment - at) / timedelta(hours=1)
    return Decision(shown(_word(row["decision"]), _SHOWN), _person(_word(row["by"])), round(hours, 2))


def _of_channel(decision: GoDecision, moment: datetime) -> Decision:
    if not decision.made:
        return Decision("none in the channel", "", 0.0)
    hours = (moment - datetime.fromisoformat(decision.at)) / timedelta(hours=1)
    return Decision("go" if decision.go else "no-go", without_contacts(decision.who), round(hours, 2))


def _until(moment: datetime, readings: Readings, reading: KnownReading) -> list[tuple[datetime, Row]]:
    """Return the rows of a reading until a moment with their times, the oldest first. Raises Unknown."""
    rows = readings.rows(reading, "at", "by", "decision")
    dated = [(readings.as_instant(reading, row["at"], "at"), row) for row in rows]
    # Python's sort is stable: of two rows of one time the later one counts as the newer.
    dated.sort(key=lambda pair: pair[0])
    return [(at, row) for at, row in dated if at <= moment]


def _is_hindsight(at: datetime, row: Row, launch_at: datetime | None) -> bool:
    """Check whether somebody said yes to a launch that had been: such a word let nobody launch. A no always counts."""
    return launch_at is not None and at > launch_at and _word(row["decision"]) in _APPROVED


@dataclass(frozen=True)
class Approvals:
    """Who has approved, and who has not."""

    approved: list[str]
    missing: list[str]
    refused: list[str]


@need("readings.launch_approvals")
def record_of_approvals(readings: Readings) -> None:
    """Make sure that something tells who has approved. Raises NotConfigured."""
    if not readings.configured(LAUNCH_APPROVALS):
        raise NotConfigured(
            "nothing says who has approved", "set readings.launch_approvals, and team.stakeholders, in the environment"
        )


@need("team.stakeholders")
def stakeholders(roster: Roster) -> tuple[str, ...]:
    """Return those whose approval is needed. Raises NotConfigured, and Unknown where the roster cannot be read."""
    wanted = roster.people().stakeholders if roster.configured else ()
    if not wanted:
        raise NotConfigured("nothing says whose approval is needed", "set team.stakeholders in the environment file")
    return wanted


@observation(needs=(record_of_approvals, stakeholders), optional="roster")
def launch_approvals(readings: Readings, roster: Roster, moment: datetime, launch_at: datetime | None) -> Approvals:
    """Return the last word of each stakeholder. Raises Unknown for one that is neither yes nor no."""
    record_of_approvals(readings)
    words: dict[str, str] = {}
    for at, row in _until(moment, readings, LAUNCH_APPROVALS):
        if not _is_hindsight(at, row, launch_at):
            words[_word(row["by"])] = _word(row["decision"])

    unclear = {who: word for who, word in words.items() if word not in _APPROVED | _REFUSED}
    if unclear:
        listed = sorted(f"{_person(who)}: {word}" for who, word in unclear.items())
        raise Unknown(
            f"what was said is neither yes nor no: {shown(', '.join(listed), _SHOWN)}",
            "ask, and record approved or no",
        )

    wanted = stakeholders(roster)
    return Approvals(
        approved=[_person(who) for who, word in words.items() if word in _APPROVED],
        missing=[_person(who) for who in wanted if _word(who) not in words],
        refused=[_person(who) for who, word in words.items() if word in _REFUSED],
    )


@dataclass(frozen=True)
class LaunchTime:
    """Whether those who launch and this suite mean the same moment."""

    stated: str
    agreed: str
    minutes_apart: float


@observation(needs=LAUNCH_TIME)
def launch_time(readings: Readings, launch_at: datetime) -> LaunchTime:
    """Return the launch time of the environment beside the one that was agreed on."""
    agreed = readings.as_instant(LAUNCH_TIME, readings.value(LAUNCH_TIME))
    apart = abs((launch_at - agreed) / timedelta(minutes=1))
    return LaunchTime(f"{launch_at:%Y-%m-%d %H:%M}Z", f"{agreed:%Y-%m-%d %H:%M}Z", round(apart, 2))


@dataclass(frozen=True)
class Watch:
    """For how long a deployment was looked at after it."""

    looks: int
    minutes: float
    """Without too long a pause, from the deployment on."""


@need("readings.deployed_at, or launch_at")
def deployment(readings: Readings, launch_at: datetime | None) -> None:
    """Make sure that something says when it was deployed. Raises NotConfigured."""
    if launch_at is None and not readings.configured(DEPLOYED_AT):
        raise NotConfigured("nothing says when it was deployed", "set launch_at or readings.deployed_at")


@dataclass(frozen=True)
class WatchLimits:
    """How long a deployment must be watched, and how long nobody may look meanwhile."""

    minutes_at_least: float
    pause_minutes_at_most: float


@observation(needs=deployment)
def watch(
    readings: Readings, history: History, moment: datetime, launch_at: datetime | None, limits: WatchLimits
) -> Watch:
    """Return for how long the deployment was watched, until the first pause that was too long.

    Raises Unknown while the time of the watch is not over.
    """
    deployed = _deployed(readings, launch_at)
    pause = timedelta(minutes=limits.pause_minutes_at_most)
    end = deployed + timedelta(minutes=limits.minutes_at_least)
    if moment < end:
        raise Unknown(f"it was deployed at {deployed:%H:%M}Z: the watch is not over", f"run again after {end:%H:%M}Z")

    # One pause beyond the end: a look just after it closes the last pause of the watch.
    last_counted = end + pause
    looks = sorted(at for at in _looks(readings, history, deployed, last_counted) if deployed <= at <= last_counted)
    watched_until = deployed
    for at in looks:
        if at - watched_until > pause:
            break
        watched_until = at
    return Watch(len(looks), round((watched_until - deployed) / timedelta(minutes=1), 2))


def _deployed(readings: Readings, launch_at: datetime | None) -> datetime:
    deployment(readings, launch_at)
    if launch_at is None or readings.configured(DEPLOYED_AT):
        return readings.as_instant(DEPLOYED_AT, readings.value(DEPLOYED_AT))
    return launch_at


def _looks(readings: Readings, history: History, begin: datetime, end: datetime) -> list[datetime]:
    """Return when somebody looked: by a reading, or else by the suite's own probe runs."""
    if readings.configured(DEPLOYMENT_LOOKS):
        rows = readings.rows(DEPLOYMENT_LOOKS, "at")
        return [readings.as_instant(DEPLOYMENT_LOOKS, row["at"], "at") for row in rows]
    return [look.at for look in history.looks(Source(check="health.live"), begin, end).found]


def _word(value: object) -> str:
    """Return a text as it is compared: one space between words, in lower case.

    Neither cut nor masked: two people whose names begin alike, or hold a contact each, stay two.
    """
    return " ".join(str(value).split()).casefold()


def _person(name: str) -> str:
    """Return a name as it is shown: without contacts."""
    return shown(without_contacts(name), _SHOWN)
