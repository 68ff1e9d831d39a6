"""Incidents: which there were, and whether each has its report, whole and in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from readiness.clients.prometheus import Prometheus
from readiness.environment.incidents import NoReport, Report, parse
from readiness.environment.schema import Environment
from readiness.observations import known_reading, observation
from readiness.observations.needs import need, stated
from readiness.observations.told import why_some_is_left_out
from readiness.outcomes import NotConfigured, Unknown
from readiness.runbook.template_words import shipped_words
from readiness.slo.since_launch import WRITE_AGAIN
from readiness.sources.incident_reports import IncidentReports
from readiness.sources.readings import Readings
from readiness.timeline import CLOCKS_DIFFER, parse_span

KNOWN_INCIDENTS = known_reading("known_incidents", "the incidents (columns id, title, started_at, ended_at)")
BEFORE_IT_IS_SEEN = timedelta(hours=1)
"""An alert may fire so long before the incident is said to begin, or after it is said to have ended."""


@dataclass(frozen=True)
class IncidentReview:
    """The incidents of late, and what is the matter with their reports."""

    known: int
    """Incidents that something besides the reports knows of."""
    reports: int
    unreported: list[str]
    late: list[str]
    incomplete: list[str]
    open: list[str]
    """Those that have not ended."""

    @property
    def is_wrong(self) -> bool:
        """Whether something is the matter with any of them."""
        return bool(self.unreported or self.late or self.incomplete or self.open)


@dataclass(frozen=True)
class _Incident:
    """An incident that something besides the reports knows of."""

    id: str | None
    """None of an alert that fired: alerts have no id that a report could name."""
    title: str
    started_at: datetime
    ended_at: datetime | None
    alert: str | None = None

    @property
    def name(self) -> str:
        """Its id, or else when it began, with its title."""
        if self.id:
            return f"{self.id}: {self.title}"
        return f"{self.title}, {self.started_at:%Y-%m-%d %H:%M}Z"

    def is_reported_by(self, report: Report) -> bool:
        """Check whether a report is about this incident: by its id, or else by the time and the alerts it names."""
        if self.id:
            return report.id == self.id

        began_after_it = report.ended_at is not None and self.started_at > report.ended_at + BEFORE_IT_IS_SEEN
        last_seen = self.ended_at or self.started_at
        ended_before_it = last_seen < report.started_at - BEFORE_IT_IS_SEEN
        if began_after_it or ended_before_it:
            return False
        # A report that names no alert speaks for all that fired in its time.
        return not report.alerts or self.alert in report.alerts


@need("readings.known_incidents, or incidents.alerts")
def known_incidents(incident_reports: IncidentReports, readings: Readings, prometheus: Prometheus) -> None:
    """Make sure that something besides the reports knows of incidents. Raises NotConfigured."""
    if incident_reports.settings.alerts:
        prometheus.require_configured()
    elif not readings.configured(KNOWN_INCIDENTS):
        raise NotConfigured(
            "only the reports tell of incidents, and one without a report would not be seen",
            "set readings.known_incidents, or incidents.alerts to a severity",
        )


@dataclass(frozen=True)
class ReviewLimits:
    """What a line demands of the reports of incidents."""

    fields: tuple[str, ...]
    """What a report must contain."""
    hours_at_most: float | None
    """From an incident's end until its report is written; None where that is not judged."""
    days_back: float
    since: str | None = None
    """Where it says launch, also the older incidents since then."""
    within: str | None = None
    """Of the incidents that began in so much time after the launch, whose reports are written in it; None for all."""


@dataclass(frozen=True)
class _Period:
    """The time whose incidents a line is about."""

    begin: datetime
    end: datetime
    deadline: datetime | None = None
    """By when their reports are written; None where the line states no such time."""
    told_from: datetime | None = None
    """What was told before that leaves incidents out; None where the line does not count from the launch."""


@need("launch_at, where the line says since: launch, or within")
def launch_of_review(launch_at: datetime | None, since: str | None, within: str | None) -> None:
    """Make sure that the launch time is there where a review counts from it. Raises NotConfigured."""
    if since or within:
        stated(launch_at)


def _period(limits: ReviewLimits, moment: datetime, launch_at: datetime | None) -> _Period:
    """Return the time whose incidents a line is about. Raises Unknown before its deadline: more may happen."""
    if limits.within:
        launch = stated(launch_at)
        deadline = launch + parse_span(limits.within)
        seen_until = min(moment, datetime.now(UTC))
        if seen_until < deadline:
            reason = f"the {limits.within} after the launch are over at {deadline:%Y-%m-%d %H:%M:%S}Z"
            raise Unknown(reason, "run again then; the time counts from launch_at")
        return _Period(launch, deadline, deadline, deadline)

    begin = moment - timedelta(days=limits.days_back)
    if not limits.since:
        return _Period(begin, moment)
    launch = stated(launch_at)
    return _Period(min(begin, launch), moment, told_from=min(launch, moment))


@observation(needs=(known_incidents, launch_of_review), optional="prometheus")
def incident_review(
    incident_reports: IncidentReports,
    readings: Readings,
    prometheus: Prometheus,
    environment: Environment,
    moment: datetime,
    launch_at: datetime | None,
    limits: ReviewLimits,
    template_words: frozenset[str] = frozenset(),
) -> IncidentReview:
    """Return what is the matter with the reports of a time, held against what else knows of incidents."""
    known_incidents(incident_reports, readings, prometheus)
    period = _period(limits, moment, launch_at)
    severity = _severity(incident_reports, environment)
    left_out = _why_some_are_left_out(readings, period)
    incidents = list(_incidents(readings, prometheus, severity, period, moment))
    reports = [report for report in _reports(incident_reports, template_words) if _is_of(period, report, moment)]

    unreported = [incident for incident in incidents if not any(map(incident.is_reported_by, reports))]
    missed = [incident.name for incident in unreported if _is_missed(incident, moment, limits.hours_at_most)]

    late = list(_before_it_began(reports, incidents))
    if limits.hours_at_most is not None:
        late += _late(reports, incidents, moment, limits.hours_at_most)
    if period.deadline:
        late += _after(period.deadline, reports, moment)

    # A line that demands no fields asks for punctual reports alone, whatever state they are in.
    ahead = list(_ends_ahead(reports, moment))
    unended = [f"{report.id}: {report.title}" for report in reports if report.ended_at is None]

    review = IncidentReview(
        known=len(incidents),
        reports=len(reports),
        unreported=missed,
        late=late,
        incomplete=list(_incomplete(reports, limits.fields)),
        open=[*unended, *ahead] if limits.fields else [],
    )
    return _decided(review, left_out, ahead)


def _decided(review: IncidentReview, left_out: str, ahead: list[str]) -> IncidentReview:
    """Return a review that decides: what is wrong stays so, whatever else there was. Raises Unknown."""
    if left_out and not review.is_wrong:
        raise Unknown(left_out, WRITE_AGAIN)
    if ahead and not review.is_wrong:
        raise Unknown(f"nobody knows whether a report is late: {'; '.join(ahead)}", "correct ended_at of the report")
    return review


def _ends_ahead(reports: list[Report], moment: datetime) -> Iterator[str]:
    """Yield the reports of incidents that are said to end at a time that has not come, by any clock."""
    now = max(moment, datetime.now(UTC)) + CLOCKS_DIFFER
    for report in reports:
        if report.ended_at and report.ended_at > now:
            yield f"{report.id}: {report.title}, ends {report.ended_at:%Y-%m-%d %H:%M}Z, which lies ahead"


def _before_it_began(reports: list[Report], incidents: list[_Incident]) -> Iterator[str]:
    """Yield the reports that are dated before their incidents began, by what everybody else saw of them."""
    for report in reports:
        # An alert may fire later than what it tells of began.
        begins = [
            incident.started_at - (timedelta(0) if incident.id else BEFORE_IT_IS_SEEN)
            for incident in incidents
            if incident.is_reported_by(report)
        ]
        if report.written_at and begins and report.written_at < min(begins):
            yield f"{report.id}: written {report.written_at:%Y-%m-%d %H:%M}Z, before the incident began"


def _why_some_are_left_out(readings: Readings, period: _Period) -> str:
    """Return why the reading of incidents leaves out some of a time; empty where it need not."""
    if period.told_from is None or not readings.configured(KNOWN_INCIDENTS):
        return ""
    return why_some_is_left_out(readings, KNOWN_INCIDENTS, period.told_from)


def _is_of(period: _Period, report: Report, moment: datetime) -> bool:
    """Check whether a report is about an incident of a time."""
    if period.deadline:
        return period.begin <= report.started_at < period.end
    return (report.ended_at or moment) >= period.begin


def _after(deadline: datetime, reports: list[Report], moment: datetime) -> Iterator[str]:
    """Yield the reports that were written after a deadline; one without a date may have been written just now."""
    for report in reports:
        written_at = report.written_at or moment
        if written_at > deadline:
            state = f"written {written_at:%Y-%m-%d %H:%M}Z" if report.written_at else "not dated"
            yield f"{report.id}: {state}, due {deadline:%Y-%m-%d %H:%M}Z"


def _severity(incident_reports: IncidentReports, environment: Environment) -> str | None:
    """Return what the environment calls the severity whose alerts each have a report; None where none have to."""
    alerts = incident_reports.settings.alerts
    if not alerts:
        return None
    return environment.alerts.severities.get(alerts, alerts)


def _is_missed(incident: _Incident, moment: datetime, hours_at_most: float | None) -> bool:
    """Check whether an incident's report should be there by now."""
    if hours_at_most is None:
        return True
    if incident.ended_at is None:
        return False
    return moment - incident.ended_at > timedelta(hours=hours_at_most)


def _late(reports: list[Report], incidents: list[_Incident], moment: datetime, hours_at_most: float) -> Iterator[str]:
    """Yield the reports that were written too late, or are not dated though their time is over."""
    ends = {incident.id: incident.ended_at for incident in incidents if incident.id}
    for report in reports:
        # The report may tell of a later end than the one that everybody else saw.
        known_ends = [end for end in (report.ended_at, ends.get(report.id)) if end]
        if not known_ends:
            continue
        end = min(known_ends)

        # A date that lies ahead is none: the report that is judged was not written then.
        written_at = report.written_at
        if written_at and written_at > moment:
            written_at = None

        elapsed = (written_at or moment) - end
        if elapsed <= timedelta(hours=hours_at_most):
            continue
        hours = f"{elapsed / timedelta(hours=1):.0f} h"
        state = f"written {hours}" if written_at else f"not dated, {hours}"
        yield f"{report.id}: {state} after its end"


def _incomplete(reports: list[Report], fields: tuple[str, ...]) -> Iterator[str]:
    for report in reports:
        missing = [name for name in fields if name not in report.fields]
        if missing:
            yield f"{report.id}: no {', '.join(missing)}"


def _reports(places: IncidentReports, template_words: frozenset[str]) -> Iterator[Report]:
    """Yield every report. Raises Unknown for one that cannot be read: nobody knows what it is about."""
    template = template_words | shipped_words()
    places_by_id: dict[str, str] = {}
    for written in places.all():
        try:
            report = parse(written.text, written.known, template)
        except NoReport as error:
            raise Unknown(f"{written.where}: {error}", "correct it as environments/incident-report.md shows") from None

        if report.id in places_by_id:
            both = f"{written.where} and {places_by_id[report.id]}"
            raise Unknown(f"{both} both are of {report.id}", "give each incident one report")
        places_by_id[report.id] = written.where
        yield report


def _incidents(
    readings: Readings, prometheus: Prometheus, severity: str | None, period: _Period, moment: datetime
) -> Iterator[_Incident]:
    """Yield the incidents of a time that are known besides the reports. Raises Unknown.

    The reading's come first, then the alerts of a severity.
    """
    since = period.begin
    has_reading = readings.configured(KNOWN_INCIDENTS)
    # Prometheus first: a reading waits for one of the database's few connections, and meanwhile they are taken.
    alerts: list[_Incident] = []
    if severity is not None:
        alerts = list(_fired_alerts(prometheus, severity, since, moment))

    if has_reading:
        for incident in _of_reading(readings):
            has_begun = incident.started_at <= moment
            if has_begun and (incident.ended_at or moment) >= since and _began_in(period, incident):
                yield incident
    yield from (alert for alert in alerts if _began_in(period, alert))


def _began_in(period: _Period, incident: _Incident) -> bool:
    """Check whether an incident began in a time with a deadline; in one without, all that reach into it count."""
    return period.deadline is None or period.begin <= incident.started_at < period.end


def _of_reading(readings: Readings) -> Iterator[_Incident]:
    for row in readings.rows(KNOWN_INCIDENTS, "id", "title", "started_at", "ended_at"):
        started_at = readings.as_instant(KNOWN_INCIDENTS, row["started_at"], "started_at")
        ended_at = None
        if row["ended_at"] is not None:
            ended_at = readings.as_instant(KNOWN_INCIDENTS, row["ended_at"], "ended_at")
        yield _Incident(str(row["id"]), str(row["title"]), started_at, ended_at)


def _fired_alerts(prometheus: Prometheus, severity: str, since: datetime, moment: datetime) -> Iterator[_Incident]:
    """Yield the alerts that fired, each from its first to its last firing. Raises Unknown."""
    seconds = (moment - since).total_seconds()
    # The age of the moment that is judged; what lies ahead is not on record, so that now is asked instead.
    seconds_ago = max(0.0, (datetime.now(UTC) - moment).total_seconds())
    _require_record(prometheus, severity, seconds, seconds_ago)

    # A subquery sees whole minutes alone; the last of them is asked for as it is.
    firing = f'ALERTS{{alertstate="firing",severity="{severity}"}}'
    firing_times = f"((max_over_time({firing}[1m]) > 0) * time())[{seconds:.0f}s:1m]"
    first = _by_alert(prometheus, f"min by (alertname) (min_over_time({firing_times}))", seconds_ago)
    last = _by_alert(prometheus, f"max by (alertname) (max_over_time({firing_times}))", seconds_ago)
    lately = _by_alert(prometheus, f"max by (alertname) ((max_over_time({firing}[2m]) > 0) * time())", seconds_ago)

    started = lately | first
    ended = last | lately
    for name, at in started.items():
        yield _Incident(
            None,
            f"the alert {name}",
            started_at=datetime.fromtimestamp(at, UTC),
            ended_at=datetime.fromtimestamp(ended[name], UTC),
            alert=name,
        )


def _by_alert(prometheus: Prometheus, query: str, seconds_ago: float) -> dict[str, float]:
    """Return the values of a vector by the name of their alert."""
    vector = prometheus.vector(query, seconds_ago)
    return {series.labels.get("alertname", "an alert without a name"): series.value for series in vector}


def _require_record(prometheus: Prometheus, severity: str, seconds: float, seconds_ago: float) -> None:
    """Raise Unknown where nothing could fire, or where nobody kept it: that nothing fired means nothing then."""
    has_rule = any(rule.labels.get("severity") == severity for rule in prometheus.rules())
    if not has_rule:
        raise Unknown(
            f"no alert rule has the severity {severity}, so that none could fire",
            "correct incidents.alerts, or say in alerts.severities what the severity is called here",
        )

    # `up` is there whatever is scraped; the first tenth of the window is asked for.
    first_tenth = f"count(count_over_time(up[{seconds / 10:.0f}s]))"
    if not prometheus.vector(first_tenth, seconds_ago + seconds * 0.9):
        raise Unknown(
            f"Prometheus has no record of {seconds / 86_400:.0f} days ago",
            "is it new, or does it keep less? set incidents.alerts only where its record reaches back so far",
        )
