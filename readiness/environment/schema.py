"""Environments: where a target is, which runbook it follows, and how to reach each of its systems."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, ValidationError, field_validator, model_validator

from readiness.config.documents import Document, Loc, read
from readiness.config.fields import (
    STRICT,
    UNLESS_EMPTY,
    BaseUrl,
    Host,
    Instant,
    Seconds,
    SecretReference,
    StatedPath,
    Url,
    addresses,
)
from readiness.config.variables import Filling
from readiness.environment.communication import Communication, StatusPage, Support
from readiness.environment.declarations import Declaration
from readiness.environment.drills import Backup, Drills
from readiness.environment.incidents import Incidents
from readiness.environment.journey_files import bring_in
from readiness.environment.monitoring import Alerts, Grafana, Loki, Metrics, Sentry
from readiness.environment.names import names
from readiness.environment.people import PagerDuty, Team
from readiness.environment.poolers import Pooler
from readiness.environment.probes import Billing, SyntheticUpload
from readiness.environment.readings import KnownReading, Reading
from readiness.environment.repositories import GitHub
from readiness.environment.rollout import RolloutNow
from readiness.environment.running import EvidenceSettings, RunSettings
from readiness.environment.service_levels import ServiceLevel
from readiness.environment.stated_secrets import text_in_the_open
from readiness.environment.tables import TableHere
from readiness.environment.trust import OF_MACHINE, DatabaseTrust, HttpTrust
from readiness.environment.words import known_by, project_name, sentence
from readiness.errors import BadEnvironment, not_one_of
from readiness.outcomes import Effect
from readiness.redaction.surroundings import remember_surroundings
from readiness.rehearsal.journeys import Journey
from readiness.rehearsal.stages import STAGES, Stage
from readiness.runbook.approvers import Approvers
from readiness.runbook.line_overlay import LineOverlay
from readiness.runbook.lines import shipped
from readiness.runbook.links import link

__all__ = ["KnownReading", "Reading"]

NAMES_ITS_HOST = {"json", "jsons", "xml", "xmls", "form", "forms"}
"""The schemes of Apprise whose address names the host; any other names a vendor, whose host Apprise knows."""


def _runbooks(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not name.endswith((".yaml", ".yml")) and name not in shipped():
            raise ValueError(f"{not_one_of(name, shipped())}, or a file: {name}.yaml")
    return names


class Section(BaseModel):
    """Base of all that stands in an environment file."""

    model_config = STRICT


class Target(Section):
    """The service that is judged."""

    url: BaseUrl
    token: SecretReference | None = None
    """Bearer token of the probe account, sent to the target alone."""
    headers: dict[str, str] = {}
    revision: Reading | str | None = None
    """The revision that runs: a literal, or a reading that asks the target."""

    @field_validator("revision")
    @classmethod
    def _says_something(cls, value: Reading | str | None) -> Reading | str | None:
        if isinstance(value, str) and not value.strip():
            raise ValueError("no revision stands here; is the variable empty?")
        return value


class Http(HttpTrust):
    """How the suite speaks HTTP."""

    deadline_seconds: Seconds = 10.0
    """From the first byte sent to the last received, redirects and retries included."""
    body_bytes_at_most: Annotated[int, Field(gt=0)] = 5_000_000
    connections_per_host: Annotated[int, Field(gt=0, le=64)] = 32


class Postgres(DatabaseTrust):
    """The database, seen through a role that may only read."""

    url: SecretReference
    connect_seconds: Seconds = 5.0
    statement_timeout_seconds: Seconds = 5.0
    lock_timeout_seconds: Seconds = 1.0
    connections_at_most: Annotated[int, Field(gt=0, le=16)] = 4
    answer_bytes_at_most: Annotated[int, Field(gt=0)] = 5_000_000
    powerful_roles: tuple[str, ...] = ()
    """Roles that may be asked with in production though they may do more than read: superusers and the like."""
    schemas: Annotated[tuple[str, ...], Field(min_length=1)] = ("public",)
    """The schemas whose tables the checks look at."""
    application_role: str | None = None
    """The role that the service itself logs in with; its settings are what counts."""
    anonymous_role: str | None = None
    """The role by which whoever is not signed in asks: `anon` of PostgREST and Supabase. What it reads is looked at."""


class Replica(Section):
    """A read replica of `postgres`, asked with the same limits."""

    url: SecretReference


class Storage(Section):
    """The object store (Supabase Storage's REST interface)."""

    url: BaseUrl
    key: SecretReference
    """The service's own credential: what it may do is what is checked."""
    bucket: str


class Prometheus(Section):
    """The metrics server: Prometheus, or whatever speaks its API."""

    url: BaseUrl
    """Its base; Mimir's ends in /prometheus."""
    token: SecretReference | None = None
    headers: dict[str, str] = {}
    """For example X-Scope-OrgID, the tenant of a Mimir."""


class Load(Section):
    """Load rehearsals. They also need `allow: [load]`, or in production the command line's word."""

    users_at_most: Annotated[int, Field(ge=1)]
    """No stage with more users is let loose on this target."""
    stages: dict[str, Stage] = {}
    """Stages beyond the four that ship; a name that ships is not changed here."""
    journeys: dict[str, Journey] = {}
    """What users do; without any they look at `/`."""
    visitors: StatedPath | None = None
    """A Python file beside this one with `Visitor` classes, for journeys that need code."""
    rehearsed_in: str | None = None
    """The environment whose rehearsals count for this one: the staging copy of it."""
    scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """For the sandbox alone: users and minutes are multiplied by it, and the evidence says so."""
    request_seconds_at_most: Seconds = 10.0
    """A request that takes longer has failed."""


class Notify(Section):
    """Who is told of a change of the verdict, and of announcements; only where notifying is allowed."""

    urls: Annotated[tuple[SecretReference, ...], Field(min_length=1)]
    """Addresses as Apprise has them: slack://..., pagerduty://..., mailtos://..., jsons://host/path."""
    on_call: str = ""
    seconds_at_most: Seconds = 15.0


class Environment(Section):
    """One target. The field's name in the file is the field's name here."""

    environment: str
    project: Annotated[str, AfterValidator(project_name)] | None = None
    """What the project is called in its evidence; None is what its repository says: first commit or remote."""
    production: bool = True
    """Production is read-only; only the command line (`--allow write`) says otherwise."""
    sandbox: bool = False
    """The suite starts the embedded target itself and takes its `SANDBOX_*` variables."""
    runbooks: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_runbooks)]
    launch_at: Instant | None = None
    allowed_hosts: Annotated[tuple[Host, ...], Field(min_length=1)]
    """The only hosts that anything is sent to, redirects included."""
    allow: tuple[Effect, ...] = ()
    """Effects beyond reading that this environment permits without being asked; never in production."""
    target: Target
    http: Http = Http()
    run: RunSettings = RunSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    postgres: Postgres | None = None
    replica: Replica | None = None
    pooler: Pooler | None = None
    storage: Storage | None = None
    metrics: Metrics | None = None
    prometheus: Prometheus | None = None
    grafana: Grafana | None = None
    sentry: Sentry | None = None
    loki: Loki | None = None
    alertmanager: Prometheus | None = None
    alerts: Alerts = Alerts()
    synthetic_upload: SyntheticUpload | None = None
    load: Load | None = None
    notify: Notify | None = None
    communication: Annotated[Communication | None, UNLESS_EMPTY] = None
    status_pages: dict[str, StatusPage] = {}
    """Vendor, as the runbook calls it → its status page."""
    support: Support | None = None
    billing: Billing | None = None
    team: Annotated[Team | None, UNLESS_EMPTY] = None
    pagerduty: PagerDuty | None = None
    github: GitHub | None = None
    backup: Annotated[Backup | None, UNLESS_EMPTY] = None
    drills: Annotated[Drills | None, UNLESS_EMPTY] = None
    internal_workspaces: tuple[str, ...] = ()
    """The workspaces that belong to the team itself (phase P0)."""
    readings: dict[str, Reading] = {}
    service_levels: dict[str, ServiceLevel] = {}
    declared: dict[str, Declaration] = {}
    """A key whose value nobody measures (`readings.pool_size`, `team`) → who answers for it, and until when."""
    incidents: Incidents | None = None
    links: dict[str, Annotated[str, AfterValidator(link)]] = {}
    """What a runbook calls a key link (dashboard, logs) → its address; only one on an allowed host is asked."""
    rollout: RolloutNow = RolloutNow()
    tables: dict[str, TableHere] = {}
    """A table as a runbook's document calls it → what it is here, for the SQL that `readiness incident` prints."""
    documentation: dict[str, Url] = {}
    """The title of a page that must be published → its address."""
    sign_off: StatedPath | None = None
    """Where approvals and the decision lie; None is `<name>.sign-off.yaml` beside this file."""
    attestations: StatedPath | None = None
    """Where what people attest lies; None is `<name>.attestations.yaml` beside this file."""
    approvers: dict[str, Annotated[str, AfterValidator(known_by)]] = {}
    """Who may approve a waiver or the sign-off: name → mail address or id; without any, everybody but its owner may."""
    owners: dict[str, str] = {}
    """A line (`runbook/line`) or an area of checks (`database`) → who sees to it."""
    lines: dict[str, LineOverlay] = {}
    """A line (`runbook/line`, or its id alone) → what it needs to know here: limits of its check, its severity."""
    not_applicable: dict[str, Annotated[str, Field(min_length=10), AfterValidator(sentence)]] = {}
    """`runbook/line` → the written reason why the line cannot apply here."""

    @model_validator(mode="after")
    def _production_is_read_only(self) -> Environment:
        if self.production and self.allow:
            raise ValueError(
                "allow: production permits nothing beyond reading in a file; use --allow on the command line"
            )
        if self.production and self.sandbox:
            raise ValueError("sandbox: the embedded target is not production; say production: false")
        if self.incidents and self.incidents.alerts and not self.prometheus:
            raise ValueError("incidents.alerts needs the section prometheus")
        if self.load and self.load.scale != 1 and not self.sandbox:
            raise ValueError("load.scale: a rehearsal is made smaller on the sandbox only")

        # A rehearsal under a shipped name must be the shipped one: lines ask for it by its name.
        redefined = sorted(set(self.load.stages) & set(STAGES)) if self.load else []
        if redefined:
            raise ValueError(f"load.stages: {', '.join(redefined)}: a stage that ships")
        return self


Target.model_rebuild()


def load(name: str, folder: Path, variables: Mapping[str, str] | None = None) -> Environment:
    """Read `folder/name.yaml`. Raises BadEnvironment with every problem, before anything is contacted.

    >>> import json, tempfile
    >>> shop = {"environment": "shop", "runbooks": ["ingestion"], "allowed_hosts": ["shop.example.com"]}
    >>> shop["target"] = {"url": "https://shop.example.com", "revision": "${REVISION}"}
    >>> with tempfile.TemporaryDirectory() as name:
    ...     _ = Path(name, "shop.yaml").write_text(json.dumps(shop), encoding="utf-8")
    ...     load("shop", Path(name), {"REVISION": "4f2a1c"}).target.revision
    '4f2a1c'
    """
    path = folder / f"{name}.yaml"
    if path.exists() and not path.is_file():
        raise BadEnvironment([f"--env {name}: {path} is a folder, a pipe or a device; a file of YAML is wanted"])
    if not path.is_file():
        raise BadEnvironment([f"--env {not_one_of(name, names(folder))}, in {folder.name}/"])
    variables = os.environ if variables is None else variables
    remember_surroundings(variables, text_in_the_open(path))
    document = read(path)
    if document.problems:
        raise BadEnvironment(document.problems)

    filling = Filling(document, variables, Environment)
    data = bring_in(filling.fill(document.data, ()), folder, filling)
    try:
        environment = Environment.model_validate(data)
    except ValidationError as error:
        raise filling.refused(error, OF_MACHINE) from None

    if filling.problems:
        raise BadEnvironment(filling.problems, filling.of_surroundings)
    problems = list(_contradictions(environment, name, document))
    hosts = {f"{document.where(loc)}: {problem}": loc for loc, problem in _unlisted_hosts(environment)}
    if problems or hosts:
        lists_variables = any(loc[0] == "allowed_hosts" for loc in filling.filled)
        of_surroundings = [problem for problem, loc in hosts.items() if lists_variables or loc in filling.filled]
        raise BadEnvironment([*problems, *hosts], of_surroundings)
    return environment


def _contradictions(environment: Environment, name: str, document: Document) -> Iterator[str]:
    """Yield what no key shows by itself: the wrong name, a section that is missing."""
    if environment.environment != name:
        place = document.where(("environment",))
        yield f"{place}: environment says {environment.environment!r}, the file says {name!r}"

    # It must be the same whoever runs, and wherever.
    if "$" in str(document.data.get("project")):
        yield f"{document.where(('project',))}: project: no variable may stand here; write the name itself"

    for listed, wrong in Approvers(environment.approvers).faults():
        yield f"{document.where(('approvers', listed))}: approvers: {wrong}"

    for loc, system in _needed_systems(environment):
        if getattr(environment, system) is None:
            yield f"{document.where(loc)}: {'.'.join(loc)} needs the section {system}"


def _unlisted_hosts(environment: Environment) -> Iterator[tuple[Loc, str]]:
    """Yield the place of each host that is not on the allow-list, and what to write."""
    for loc, host in _hosts(environment):
        if host not in environment.allowed_hosts:
            key = ".".join(map(str, loc))
            yield loc, f"{key}: host {not_one_of(host, environment.allowed_hosts)}, see allowed_hosts"


_SYSTEM_OF_SOURCE = {"sql": "postgres", "metric": "metrics", "promql": "prometheus"}


def _needed_systems(environment: Environment) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each reading and each figure of a service level with the section that answers it."""
    for key, reading in environment.readings.items():
        for source, system in _SYSTEM_OF_SOURCE.items():
            if getattr(reading, source) is not None:
                yield ("readings", key), system

    for key, level in environment.service_levels.items():
        for figure_name, figure in level.figures():
            for source in ("promql", "sql"):
                if getattr(figure, source) is not None:
                    yield ("service_levels", key, figure_name), _SYSTEM_OF_SOURCE[source]


def _hosts(environment: Environment) -> Iterator[tuple[Loc, str]]:
    """Yield the place and the host of everything that is sent to."""
    for loc, address in addresses(environment):
        yield loc, host_of(address)
    for title, url in environment.documentation.items():
        yield ("documentation", title), host_of(url)

    if environment.notify is None:
        return
    for index, secret in enumerate(environment.notify.urls):
        address = secret.reveal()
        if urlsplit(address).scheme in NAMES_ITS_HOST:
            yield ("notify", "urls", index), host_of(address)


def host_of(url: str) -> str:
    """Return the host of an address without its port; the empty string where there is none."""
    return (urlsplit(url).hostname or "").lower()
