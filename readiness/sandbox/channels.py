"""Where the sandbox's people are told: chat, status pages, support's tickets, all on one server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.applications import Starlette
from starlette.routing import Mount

from readiness.sandbox.papers import FIELDS, report
from readiness.sandbox.vendors.discord import Discord
from readiness.sandbox.vendors.slack import Slack
from readiness.sandbox.vendors.status_pages import StatusPages
from readiness.sandbox.vendors.tickets import Issue, Tickets
from readiness.sandbox.web import Web

_DECIDED, _ANNOUNCED = timedelta(minutes=20), timedelta(minutes=2)


@dataclass
class Channels:
    """Each stand-in, and the web server of them all."""

    slack: Slack
    discord: Discord
    pages: StatusPages
    tickets: Tickets
    web: Web

    def variables(self) -> dict[str, str]:
        """Return what an environment file needs to know."""
        return {
            "SANDBOX_CHANNELS_URL": self.web.url,
            "SANDBOX_SLACK_TOKEN": self.slack.token,
            "SANDBOX_DISCORD_TOKEN": self.discord.token,
            "SANDBOX_TICKETS_TOKEN": self.tickets.token,
        }

    def launch(self, launch_at: datetime) -> None:
        """Announce the launch that was."""
        self.pages.plan(launch_at)
        self.pages.declare_live()
        self.slack.announce(launch_at + _ANNOUNCED)

    def age(self, launch_at: datetime, passed: timedelta) -> None:
        """Let time pass: the launch was planned for its new time, and all that was said was said so much earlier."""
        self.pages.plan(launch_at)
        self.slack.age(passed)


def start(launch_at: datetime) -> Channels:
    """Start them all, before a launch that is decided and announced."""
    slack, discord, pages, tickets = Slack(), Discord(), StatusPages(), Tickets()
    tickets.issues.append(postmortem())
    slack.decide(datetime.now(UTC) - _DECIDED)
    pages.plan(launch_at)
    parts = [
        Mount("/slack", slack.application()),
        Mount("/discord", discord.application()),
        Mount("/pages", pages.application()),
        Mount("/github", tickets.application()),
    ]
    web = Web(Starlette(routes=parts))
    return Channels(slack, discord, pages, tickets, web)


def postmortem(hours_after: float | None = 20.0, **fields: str) -> Issue:
    """Write an incident's report as an issue of the tracker, with other texts in these fields."""
    ended = datetime.now(UTC) - timedelta(days=10)
    front = {"written_at": (ended + timedelta(hours=hours_after)).isoformat()} if hours_after else {}
    opened, closed = ((datetime.now(UTC) - at) / timedelta(hours=1) for at in (ended - timedelta(hours=1), ended))
    text = report(front, FIELDS | fields)
    return Issue("Exports waited", ("postmortem",), 3, opened, body=text, closed_hours_ago=closed)
