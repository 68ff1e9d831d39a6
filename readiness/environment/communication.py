"""Communication: chat channels, status pages and support, as sections of an environment's file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from readiness.config.fields import STRICT, BaseUrl, SecretReference
from readiness.environment.repositories import Repository

Words = Annotated[tuple[str, ...], Field(min_length=1)]
People = dict[str, str]
"""Name → the chat's own id of that person."""
PARTS: dict[str, Words] = {
    "time": ("time",),
    "status": ("status",),
    "test upload": ("test upload", "test-upload"),
    "monitoring": ("monitoring",),
    "on-call": ("on-call", "on call", "oncall"),
}
"""What the announcement of a launch is made of → the words that begin its line."""


class Slack(BaseModel):
    """A Slack workspace."""

    model_config = STRICT

    token: SecretReference
    """A bot's: channels:read, groups:read, channels:history, groups:history; it is a member where messages are read."""
    url: BaseUrl = "https://slack.com/api"


class Discord(BaseModel):
    """A Discord server."""

    model_config = STRICT

    token: SecretReference
    """A bot's that sees the channels and may read their history, with the message content intent."""
    guild: str
    """The server's id."""
    url: BaseUrl = "https://discord.com/api/v10"


class DecisionFormat(BaseModel):
    """How the go decision is known when it stands in the channel."""

    model_config = STRICT

    channel: str
    deciders: Annotated[People, Field(min_length=1)]
    go: Words = ("GO",)
    """At the beginning of a line, or after a colon; capitals as they stand here."""
    no_go: Words = ("NO-GO", "NO GO", "NOGO")
    """Anywhere, in capitals or not; they win over the words of a go, which they may hold."""
    hours_before: Annotated[float, Field(gt=0)] = 24.0
    """How long before the launch a decision still counts."""


class StatusPage(BaseModel):
    """A vendor's status page."""

    model_config = STRICT

    url: BaseUrl
    kind: Literal["statuspage", "instatus", "betterstack", "rootly"] | None = None
    """What it is made with; None finds out. incident.io's answer as statuspage's."""
    components: tuple[str, ...] = ()
    """Those that the service depends on; none named: the whole page counts."""
    fallback: str | None = None
    """The reading that tells whether the service does without this vendor now: true or false."""


class OwnPage(BaseModel):
    """The service's own status page."""

    model_config = STRICT

    url: BaseUrl
    kind: Literal["statuspage", "instatus", "betterstack", "rootly"] | None = None
    launch: Words | None = None
    """Words by which a notice of the launch is known; any of them."""
    live: Words = ("generally available", "GA")
    """Words by which a notice that the launch is done is known."""
    health: str = "/health"
    """The path of the target whose answer the page must not contradict."""


class Communication(BaseModel):
    """The channels of the launch, and who is in them."""

    model_config = STRICT

    slack: Slack | None = None
    discord: Discord | None = None
    channels: dict[str, str] = {}
    """A channel in the runbook's words → its name or, better, its id here; slack/... or discord/... says where."""
    channels_public: bool = False
    """No channel that a runbook names is private: one that the bot does not see does not exist."""
    stakeholders: People = {}
    announcement: dict[str, Words] = PARTS
    """The parts of the launch's announcement → the words that begin the line of each."""
    decision: DecisionFormat | None = None
    status_page: OwnPage | None = None

    @model_validator(mode="after")
    def _reached(self) -> Communication:
        for name in self.channels.values():
            # A name without either is looked for wherever there is one.
            if name.startswith("slack/") and not self.slack:
                raise ValueError(f"channels: {name} needs communication.slack")
            if name.startswith("discord/") and not self.discord:
                raise ValueError(f"channels: {name} needs communication.discord")
        return self


class Support(Repository):
    """Support's tickets, kept as issues of a GitHub repository."""

    complaints: Words = ("complaint",)
    """The labels of a client's complaint; any of them."""
    queues: Words = ("incident", "security", "support")
    """The labels of what must be triaged."""
    triaged: Words = ("P1", "P2", "P3", "P4")
    """The labels that triage gives; an assignee counts as well."""
