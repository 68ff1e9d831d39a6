"""The vendors that watch the sandbox: dashboards, errors, logs, analytics."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.sandbox.database import Database
from readiness.sandbox.vendors.grafana import Grafana
from readiness.sandbox.vendors.loki import Loki
from readiness.sandbox.vendors.sentry import Sentry
from readiness.sandbox.vendors.tinybird import Tinybird
from readiness.sandbox.web import Web


@dataclass
class Watchers:
    """Each stand-in and its web server."""

    grafana: Grafana
    sentry: Sentry
    loki: Loki
    tinybird: Tinybird
    webs: dict[str, Web]

    def variables(self) -> dict[str, str]:
        """Return what an environment file needs to know."""
        tokens = {
            "GRAFANA": self.grafana.token,
            "SENTRY": self.sentry.token,
            "LOKI": self.loki.token,
            "TINYBIRD": self.tinybird.token,
        }
        urls = {f"SANDBOX_{name}_URL": web.url for name, web in self.webs.items()}
        return urls | {f"SANDBOX_{name}_TOKEN": token for name, token in tokens.items()}


def start(prometheus_url: str, database: Database) -> Watchers:
    """Start them all."""
    grafana, sentry, loki, tinybird = Grafana(prometheus_url, database), Sentry(), Loki(), Tinybird()
    webs = {
        "GRAFANA": Web(grafana.application()),
        "SENTRY": Web(sentry.application()),
        "LOKI": Web(loki.application()),
        "TINYBIRD": Web(tinybird.application()),
    }
    return Watchers(grafana, sentry, loki, tinybird, webs)
