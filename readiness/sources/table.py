"""The table of systems: one field for each client; its name is what an observation asks for."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from readiness.clients.actions import Actions
from readiness.clients.alertmanager import Alertmanager
from readiness.clients.backups import Backups
from readiness.clients.controls import Controls
from readiness.clients.files import Files
from readiness.clients.github import GitHub
from readiness.clients.grafana import Grafana
from readiness.clients.history import History
from readiness.clients.loki import Loki
from readiness.clients.metrics import Exposition
from readiness.clients.pagerduty import PagerDuty
from readiness.clients.pgbouncer import PgBouncer
from readiness.clients.postgres import Postgres
from readiness.clients.programs import Programs
from readiness.clients.prometheus import Prometheus
from readiness.clients.sentry import Sentry
from readiness.clients.status_pages import StatusPages
from readiness.clients.storage import Storage
from readiness.environment import schema
from readiness.environment.schema import Environment
from readiness.files.history_tables import FILE
from readiness.sources.asking import Asking
from readiness.sources.chat import Chats
from readiness.sources.incident_reports import IncidentReports
from readiness.sources.levels import Levels
from readiness.sources.origins import OwnSources
from readiness.sources.provenance import Note, Provenance
from readiness.sources.readings import Readings
from readiness.sources.roster import Roster
from readiness.sources.tickets import Tickets
from readiness.transport import libpq_surroundings
from readiness.transport.guard import Guard
from readiness.transport.http import Http


def _to_nobody(stated: str) -> None:
    del stated


def _settle_surroundings() -> None:
    """Have libpq's variables lead nobody elsewhere, and their passwords masked."""
    libpq_surroundings.forget_redirections(os.environ)
    libpq_surroundings.remember_passwords(os.environ)


@dataclass(frozen=True)
class Clients:
    """All clients of one run. Making them contacts nobody; one that is not configured says so when it is used."""

    http: Http
    postgres: Postgres
    replica: Postgres
    pooler: PgBouncer
    storage: Storage
    exposition: Exposition
    prometheus: Prometheus
    grafana: Grafana
    sentry: Sentry
    loki: Loki
    alertmanager: Alertmanager
    files: Files
    readings: Readings
    levels: Levels
    chats: Chats
    status_pages: StatusPages
    tickets: Tickets
    incident_reports: IncidentReports
    history: History
    roster: Roster
    pagerduty: PagerDuty
    github: GitHub
    backups: Backups
    operator: Actions
    controls: Controls

    @classmethod
    def of(cls, environment: Environment, guard: Guard, reports: Path, note: Note = _to_nobody) -> Clients:
        """Return the clients of an environment; `reports` is the folder that its earlier runs are in.

        `note` takes what a look rests on that is stated and not measured, in the look's own thread.
        """
        _settle_surroundings()
        http = Http(environment.http, environment.target, guard)
        postgres = Postgres(environment.postgres, guard)
        asking = _asking(environment, http, postgres, guard)
        files, prometheus = asking.files, asking.prometheus
        provenance = Provenance(environment.environment, postgres, note)
        history = History(reports / environment.environment / FILE, environment.target.url, guard)
        return cls(
            http=http,
            postgres=postgres,
            replica=Postgres(_replica(environment), guard, "replica"),
            pooler=PgBouncer(environment.pooler, guard),
            storage=Storage(environment.storage, http),
            exposition=asking.exposition,
            prometheus=prometheus,
            grafana=Grafana(environment.grafana, http),
            sentry=Sentry(environment.sentry, http),
            loki=Loki(environment.loki, http),
            alertmanager=Alertmanager(environment.alertmanager, http),
            files=files,
            readings=Readings(environment.readings, asking, provenance),
            levels=Levels(environment.service_levels, postgres, prometheus, http, history, provenance),
            chats=Chats(environment.communication, http),
            status_pages=StatusPages(http),
            tickets=Tickets(environment.support, http),
            incident_reports=IncidentReports(environment.incidents, files, http),
            history=history,
            roster=Roster(environment.team, files, f"{environment.environment}.yaml"),
            pagerduty=PagerDuty(environment.pagerduty, http),
            github=GitHub(environment.github, http),
            backups=Backups(environment.backup, http, guard),
            operator=Actions(http, guard),
            controls=Controls(environment.run, http, guard),
        )

    def asking(self, own: OwnSources) -> Clients:
        """Return the same clients, with what runbooks ask by themselves among their readings."""
        return replace(self, readings=self.readings.asking(own))

    def close(self) -> None:
        """Close all connections."""
        self.postgres.close()
        self.replica.close()


def _asking(environment: Environment, http: Http, postgres: Postgres, guard: Guard) -> Asking:
    """Return the systems that the sources of readings are asked of."""
    exposition = Exposition(environment.metrics, http)
    prometheus = Prometheus(environment.prometheus, http)
    return Asking(http, postgres, exposition, prometheus, Files(guard), Programs(guard))


def _replica(environment: Environment) -> schema.Postgres | None:
    """Return the settings of the replica: an address of its own, and the timeouts and the rest of the primary."""
    if environment.postgres is None or environment.replica is None:
        return None
    return environment.postgres.model_copy(update={"url": environment.replica.url})
