"""What the schedule of a runbook asks people to do, and whether it is on record that they did.

A review is on record by a run of its phase, by a row of the reading `reviews_held`, or by the word of a person. When a
record shows a review is the rule of `readiness next`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from readiness.environment.schema import Environment
from readiness.errors import BadRun, meant
from readiness.evidence.audit import read_ledger
from readiness.evidence.ledger import FILE
from readiness.files.evidence_file import EvidenceArchive
from readiness.files.read_from import read_from
from readiness.observations import known_reading, observation, runbook_of
from readiness.observations.attestations import attestation, attested
from readiness.observations.needs import need, stated
from readiness.observations.slo import Span
from readiness.outcomes import NotConfigured, Phase, Unknown
from readiness.provenance import note
from readiness.runbook.attestations import Attestation, Attestations
from readiness.runbook.schedule import Appointment, Meeting, Rhythm, meetings, pauses, shown_within, too_short
from readiness.sources.readings import Readings
from readiness.timeline import CLOCKS_DIFFER, parse_span

__all__ = ["Attestation", "Span", "attestation"]

REVIEWS_HELD = known_reading(
    "reviews_held",
    "the reviews that were held (rows with at, and review: the name of the entry in the schedule, or runbook/name)",
)
LISTED = 5
Appointments = Mapping[str, Appointment]


@dataclass(frozen=True)
class OnceLimits:
    """The limits of a line about one entry of the schedule."""

    review: str


@dataclass(frozen=True)
class RegularLimits(OnceLimits):
    """The limits of a line about an entry that comes back."""

    window: Span


@dataclass(frozen=True)
class ReviewRecord:
    """Whether a review that is held once is on record."""

    what: str
    """What it is, and when it was to be held."""
    held: bool
    shown_by: str
    """The first that shows it, or until when something would have."""


@dataclass(frozen=True)
class KeptUp:
    """How regularly something that comes back is on record."""

    what: str
    """What it is, and how often it comes back."""
    records: int
    pauses: list[str]
    """Those that were too long, the newest first."""


@dataclass(frozen=True)
class ReviewWord:
    """On which day people say that a review was held, beside the day on which it was to be."""

    what: str
    attested_on: str
    early: bool
    """It was attested on a day before it was to be held."""
    days: int
    """From the day on which it was to be held; of what comes back, since the day on which it was attested."""


def appointment_of(appointments: Appointments, review: str) -> Appointment:
    """Return the entry of the schedule that a line names. Raises Unknown."""
    if review not in appointments:
        raise Unknown(f"review {meant(review, appointments)}", "name an entry of the runbook's schedule")
    return appointments[review]


@need("readings.reviews_held, where the review has no phase in the runbook's schedule")
def record_of_reviews(readings: Readings, appointments: Appointments, review: str) -> None:
    """Make sure that something tells whether it was held. Raises NotConfigured."""
    appointment = appointment_of(appointments, review)
    if appointment.phase is None and not readings.configured(REVIEWS_HELD):
        raise NotConfigured(
            f"no run shows whether this was done: {appointment.what}",
            "set readings.reviews_held (rows with review and at) in the environment file",
        )


@observation(needs=record_of_reviews)
def review_record(
    readings: Readings,
    archive: EvidenceArchive,
    environment: Environment,
    moment: datetime,
    launch_at: datetime,
    line: str,
    appointments: Appointments,
    limits: OnceLimits,
) -> ReviewRecord:
    """Return whether a review was held in its time. Raises Unknown while nothing shows it and something still may."""
    planned = meetings(runbook_of(line), appointments, launch_at)
    meeting = _meeting(planned, appointments, limits.review)
    shown_by = shown_within(meeting, planned)
    what = f"{meeting.what}, {meeting.at:%Y-%m-%d %H:%M}Z"

    for source, records in _records(readings, archive, environment, meeting.phase, line, limits.review):
        first = shown_by.first(records, moment + CLOCKS_DIFFER)
        if first:
            return ReviewRecord(what, held=True, shown_by=f"{source} {first:%Y-%m-%d %H:%M}Z")

    if shown_by.ends_at is None or moment < shown_by.ends_at:
        raise Unknown(f"not on record yet: {what}", _hold_it(meeting))
    return ReviewRecord(what, held=False, shown_by=f"nothing until {shown_by.ends_at:%Y-%m-%d %H:%M}Z")


def _meeting(planned: Iterable[Meeting], appointments: Appointments, review: str) -> Meeting:
    appointment_of(appointments, review)
    for meeting in planned:
        if meeting.name == review:
            return meeting
    raise Unknown(f"{review} comes back again and again: it has no one time", "decide it by schedule.kept_up")


def _hold_it(meeting: Meeting) -> str:
    if meeting.phase:
        return f"hold it: pytest -m {meeting.phase} shows it"
    return "hold it, and write it where readings.reviews_held reads"


@observation(needs=record_of_reviews)
def kept_up(
    readings: Readings,
    archive: EvidenceArchive,
    environment: Environment,
    moment: datetime,
    launch_at: datetime | None,
    line: str,
    appointments: Appointments,
    limits: RegularLimits,
) -> KeptUp:
    """Return the pauses of a window, or since the launch, in which something that comes back was on no record.

    Raises Unknown where nothing is on record, and nothing is late yet.
    """
    appointment = appointment_of(appointments, limits.review)
    rhythm = _rhythm(appointment, limits.review, limits.window)
    begin = moment - parse_span(limits.window)
    if launch_at is not None:
        begin = max(begin, min(launch_at, moment))
    what = f"{appointment.what}, every {rhythm}"
    known: list[datetime] = []
    too_long: list[str] = []
    for _, records in _records(readings, archive, environment, appointment.phase, line, limits.review):
        known += [at for at in records if at <= moment + CLOCKS_DIFFER]
        found = pauses(rhythm, known, begin, moment + CLOCKS_DIFFER)
        too_long = [_pause_text(pause.begin, pause.end) for pause in reversed(found)]
        # What is shown already needs no further source.
        if known and not too_long:
            break

    if not known and not too_long:
        late_at = begin + rhythm.late_after
        raise Unknown(f"not on record yet: {what}, late from {late_at:%Y-%m-%d %H:%M}Z on", "do it, and record it")
    return KeptUp(what, sum(begin <= at <= moment for at in known), too_long[:LISTED])


def _rhythm(appointment: Appointment, review: str, window: Span) -> Rhythm:
    """Return how often something comes back. Raises Unknown where it does not, or cannot be late in a window."""
    if appointment.every is None:
        raise Unknown(f"{review} is held once, at {appointment.at}", "decide it by schedule.review_held")
    # An environment may state another window than the runbook, which is looked at where it is loaded.
    unfit = too_short(appointment.every, window)
    if unfit:
        raise Unknown(unfit, "correct window of the line in the environment file")
    return appointment.every


def _pause_text(begin: datetime, end: datetime) -> str:
    minutes = (end - begin) / timedelta(minutes=1)
    return f"{begin:%Y-%m-%d %H:%M}Z to {end:%Y-%m-%d %H:%M}Z, {minutes:,.0f} min"


def _records(
    readings: Readings,
    archive: EvidenceArchive,
    environment: Environment,
    phase: Phase | None,
    line: str,
    review: str,
) -> Iterator[tuple[str, list[datetime]]]:
    """Yield what may show a review, with its instants: the runs of its phase, then the reading. Raises Unknown."""
    if phase:
        home = archive.reports / environment.environment
        note(read_from(home / FILE))
        try:
            ledger = read_ledger(home, {})
        except BadRun as error:
            raise Unknown(str(error), "nobody knows which runs there were; see readiness verify") from None
        yield f"a run of {phase} began", ledger.begun(phase) if ledger else []
    if readings.configured(REVIEWS_HELD):
        yield "held", _of_reading(readings, runbook_of(line), review)


def _of_reading(readings: Readings, runbook: str, review: str) -> list[datetime]:
    """Return when a review was held by the reading. Raises Unknown."""
    names = {review, f"{runbook}/{review}"}
    rows = readings.rows(REVIEWS_HELD, "review", "at")
    return [readings.as_instant(REVIEWS_HELD, row["at"], "at") for row in rows if row["review"] in names]


@need("launch_at, where the review is held once")
def launch_of_a_meeting(launch_at: datetime | None, appointments: Appointments, review: str) -> None:
    """Make sure that the launch time is there where a review is held at a time from it. Raises NotConfigured."""
    if appointment_of(appointments, review).every is None:
        stated(launch_at)


@observation(needs=(attested, launch_of_a_meeting))
def review_word(
    attestations: Attestations,
    environment: Environment,
    moment: datetime,
    launch_at: datetime | None,
    line: str,
    appointments: Appointments,
    limits: OnceLimits,
) -> ReviewWord:
    """Return on which day a review was attested, beside the day on which it was to be held. Raises Unknown."""
    entry = attested(attestations, line, environment)
    appointment = appointment_of(appointments, limits.review)
    if appointment.every is not None:
        days = (moment.date() - entry.at).days
        return ReviewWord(f"{appointment.what}, every {appointment.every}", str(entry.at), early=False, days=days)

    planned = meetings(runbook_of(line), appointments, stated(launch_at))
    (meeting,) = (one for one in planned if one.name == limits.review)
    days = (entry.at - meeting.at.date()).days
    return ReviewWord(f"{meeting.what}, {meeting.at:%Y-%m-%d}", str(entry.at), early=days < 0, days=days)
