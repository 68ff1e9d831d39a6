"""Where an environment's metrics, dashboards, errors and logs are collected, and what its alerts are called."""

from __future__ import annotations

from pydantic import BaseModel

from readiness.config.fields import STRICT, AgeSeconds, BaseUrl, Seconds, SecretReference, Url


class Metrics(BaseModel):
    """The exposition page of the service."""

    model_config = STRICT

    url: Url
    token: SecretReference | None = None
    age_seconds_at_most: AgeSeconds = 300.0
    """Of a sample that the page gives a time of its own."""


class Grafana(BaseModel):
    """The dashboards, and the alert rules where they are kept there."""

    model_config = STRICT

    url: BaseUrl
    """Its base, without /api."""
    token: SecretReference | None = None
    """Of a service account that may read dashboards and query data sources."""
    dashboards: dict[str, str] = {}
    """Name in the runbook → uid; `main` for the lines that name none."""
    alert_rules: bool = False
    """Whether alert rules are kept here, beside Prometheus' or in their place; the account must be let read them."""


class Sentry(BaseModel):
    """Where errors are collected."""

    model_config = STRICT

    url: BaseUrl = "https://sentry.io"
    """Its base, without /api/0; the organisation's region has one of its own."""
    token: SecretReference
    """With org:read, project:read, event:read, alerts:read."""
    organization: str
    project: str
    environment: str = "production"
    """The name that the service reports itself under."""
    sms_through: tuple[str, ...] = ()
    """Alert actions that end as a text message, such as pagerduty; Sentry itself sends none."""


class Loki(BaseModel):
    """Where the logs are collected."""

    model_config = STRICT

    url: BaseUrl
    """Its base, without /loki/api."""
    query: str
    """The streams of the service, in LogQL: {app="shop"}."""
    token: SecretReference | None = None
    tenant: str | None = None
    """Sent as X-Scope-OrgID."""


class Alerts(BaseModel):
    """What the runbooks' alerts are called here, and how a test alert is followed."""

    model_config = STRICT

    rules: dict[str, str] = {}
    """The alert in the runbook's words → the rule's name; without an entry the words themselves are looked for."""
    severities: dict[str, str] = {}
    """The runbook's severity → the label's value here: {critical: page}."""
    labels: dict[str, str] = {}
    """What the test alert carries beside its severity, so that it takes the route that matters."""
    receiver: str | None = None
    """The Alertmanager receiver that it must be routed to; None accepts any."""
    wait_seconds: Seconds = 60.0
    """How long to wait for it to arrive; `readings.alerts_received` lists what has."""
    probe_seconds: Seconds | None = None
    """Between two health checks; None asks Prometheus for the scrape interval."""
