"""Where an environment's metrics, dashboards, errors and logs are collected: four sections of its file."""

from __future__ import annotations

from pydantic import BaseModel

from readiness.config.fields import STRICT, AgeSeconds, BaseUrl, SecretReference, Url


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
