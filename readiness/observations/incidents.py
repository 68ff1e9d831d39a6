"""Incidents: which there were, and whether each has its report, whole and in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from readiness.clients.prometheus import Prometheus
from readiness.environment.incidents import NoReport, Report, parse
from readiness.environment.schema import Environment
from readiness.observations import known_reading, observation
from readiness.observations.needs import need
from readiness.outcomes import NotConfigured, Unknown
from readiness.sources.incident_reports import IncidentReports
from readiness.sources.readings import Readings

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


@dataclass(frozen=True)
class _Known:
    id: str | None
    title: str
    started_at: datetime
    ended_at: datetime | None
    alert: str | None = None

    @property
    def told(self) -> str:
        return f"{self.id}: {self.title}" if self.id else f"{self.title}, {self.started_at:%Y-%m-%d %H:%M}Z"

    def is_of(self, report: Report) -> bool:
        """Tell whether a report is about this."""
        if self.id:
            return report.id == self.id
        if report.ended_at and report.ended_at + BEFORE_IT_IS_SEEN < self.started_at:
            return False
        last = self.ended_at or self.started_at
        return last >= report.started_at - BEFORE_IT_IS_SEEN and (not report.alerts or self.alert in report.alerts)


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


@observation(needs=known_incidents, optional="prometheus")
def incident_review(
    incident_reports: IncidentReports,
    readings: Readings,
    prometheus: Prometheus,
    environment: Environment,
    moment: datetime,
    fields: tuple[str, ...],
    hours_at_most: float | None,
    days_back: float,
) -> IncidentReview:
    """Read the reports of the last days, and hold them against what else knows of incidents.

    With `hours_at_most` the time until a report is written is judged, and with `fields` what it tells.
    """
    known_incidents(incident_reports, readings, prometheus)
    section = incident_reports.settings
    since = moment - timedelta(days=days_back)
    severity = environment.alerts.severities.get(section.alerts, section.alerts) if section.alerts else None
    known = list(_known(readings, prometheus, severity, since, moment))
    reports = [one for one in _reports(incident_reports) if (one.ended_at or moment) >= since]
    about = [(one, next((report for report in reports if one.is_of(report)), None)) for one in known]
    ends = {report.id: one.ended_at for one, report in about if report and one.id}
    late = list(_late(reports, ends, moment, hours_at_most)) if hours_at_most is not None else []
    return IncidentReview(
        known=len(known),
        reports=len(reports),
        unreported=[one.told for one, report in about if report is None and _is_missed(one, moment, hours_at_most)],
        late=late,
        incomplete=[f"{one.id}: no {', '.join(lacks)}" for one in reports if (lacks := _lacks(one, fields))],
        open=[f"{one.id}: {one.title}" for one in reports if one.ended_at is None] if fields else [],
    )


def _is_missed(one: _Known, moment: datetime, hours_at_most: float | None) -> bool:
    """Tell whether its report should be there by now."""
    if hours_at_most is None:
        return True
    return one.ended_at is not None and moment - one.ended_at > timedelta(hours=hours_at_most)


def _late(
    reports: list[Report], ends: dict[str, datetime | None], moment: datetime, hours_at_most: float
) -> Iterator[str]:
    for report in reports:
        # The report may tell of a later end than the one that everybody else saw.
        end = min((at for at in (report.ended_at, ends.get(report.id)) if at), default=None)
        written = report.written_at if report.written_at and report.written_at <= moment else None
        if end and (written or moment) - end > timedelta(hours=hours_at_most):
            hours = ((written or moment) - end) / timedelta(hours=1)
            yield f"{report.id}: {f'written {hours:.0f} h' if written else f'not dated, {hours:.0f} h'} after its end"


def _lacks(report: Report, fields: tuple[str, ...]) -> list[str]:
    return [name for name in fields if name not in report.fields]


def _reports(places: IncidentReports) -> Iterator[Report]:
    """Read every report. Raises Unknown for one that cannot be read: nobody knows what it is about."""
    seen: dict[str, str] = {}
    for written in places.all():
        try:
            report = parse(written.text, written.known)
        except NoReport as error:
            hint = "correct it as environments/incident-report.md shows"
            raise Unknown(f"{written.where}: {error}", hint) from None
        if report.id in seen:
            both = f"{written.where} and {seen[report.id]}"
            raise Unknown(f"{both} both are of {report.id}", "give each incident one report")
        seen[report.id] = written.where
        yield report


def _known(
    readings: Readings, prometheus: Prometheus, severity: str | None, since: datetime, moment: datetime
) -> Iterator[_Known]:
    """Give what is known besides the reports. Raises Unknown."""
    told = readings.configured(KNOWN_INCIDENTS)
    # Prometheus first: a reading waits for one of the database's few connections, and meanwhile they are taken.
    fired = list(_fired(prometheus, severity, since, moment)) if severity is not None else []
    for row in readings.rows(KNOWN_INCIDENTS, "id", "title", "started_at", "ended_at") if told else ():
        ended = row["ended_at"]
        one = _Known(
            str(row["id"]),
            str(row["title"]),
            readings.as_instant(KNOWN_INCIDENTS, row["started_at"], "started_at"),
            None if ended is None else readings.as_instant(KNOWN_INCIDENTS, ended, "ended_at"),
        )
        if one.started_at <= moment and (one.ended_at or moment) >= since:
            yield one
    yield from fired


def _fired(prometheus: Prometheus, severity: str, since: datetime, moment: datetime) -> Iterator[_Known]:
    """Give the alerts that fired, each from its first to its last firing. Raises Unknown."""
    seconds = (moment - since).total_seconds()
    # The age of the moment that is judged; what lies ahead is not on record, so that now is asked instead.
    ago = max(0.0, (datetime.now(UTC) - moment).total_seconds())
    _must_be_on_record(prometheus, severity, seconds, ago)
    firing = f'ALERTS{{alertstate="firing",severity="{severity}"}}'
    # A subquery sees whole minutes alone; the last of them is asked for as it is.
    spans = (f"((max_over_time({firing}[1m]) > 0) * time())[{seconds:.0f}s:1m]", f"{firing}[2m]")
    first, last, lately = (
        {one.labels.get("alertname", "an alert without a name"): one.value for one in prometheus.vector(query, ago)}
        for query in (
            f"min by (alertname) (min_over_time({spans[0]}))",
            f"max by (alertname) (max_over_time({spans[0]}))",
            f"max by (alertname) ((max_over_time({spans[1]}) > 0) * time())",
        )
    )
    for name, at in (lately | first).items():
        ended = datetime.fromtimestamp((last | lately)[name], UTC)
        yield _Known(None, f"the alert {name}", datetime.fromtimestamp(at, UTC), ended, name)


def _must_be_on_record(prometheus: Prometheus, severity: str, seconds: float, ago: float) -> None:
    """Refuse to believe that nothing fired where nothing could, or where nobody kept it. Raises Unknown."""
    if not any(rule.labels.get("severity") == severity for rule in prometheus.rules()):
        raise Unknown(
            f"no alert rule has the severity {severity}, so that none could fire",
            "correct incidents.alerts, or say in alerts.severities what the severity is called here",
        )
    if not prometheus.vector(f"count(count_over_time(up[{seconds / 10:.0f}s]))", ago + seconds * 0.9):
        raise Unknown(
            f"Prometheus has no record of {seconds / 86_400:.0f} days ago",
            "is it new, or does it keep less? set incidents.alerts only where its record reaches back so far",
        )
