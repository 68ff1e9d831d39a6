"""Backups, and how each drill is done here: sections of an environment file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator

from readiness.config.fields import STRICT, BaseUrl, Seconds, SecretReference, StatedPath, Zone

Loc = tuple[str | int, ...]
Place = Annotated[str, Field(pattern=r"^(/|https?://)")]
"""A path of the target, or an address."""


class _Section(BaseModel):
    model_config = STRICT


def _one_of(section: BaseModel, *names: str) -> None:
    """Raise ValueError unless exactly one of some keys is stated."""
    stated = [name for name in names if getattr(section, name) is not None]
    if len(stated) != 1:
        raise ValueError(f"one of {', '.join(names)} is wanted; here: {', '.join(stated) or 'none'}")


class Action(_Section):
    """Something that is done to the target or its platform. Exactly one of `command` and `http`."""

    command: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """A program of this machine and its words; no shell reads them."""
    http: Place | None = None
    method: str = "POST"
    body: Any = None
    """Sent as JSON."""
    token: SecretReference | None = None
    headers: dict[str, str] = {}
    status: tuple[int, ...] = (200, 201, 202, 204)
    """The answers that mean that it was done."""
    seconds_at_most: Seconds = 60.0
    """For a command; HTTP has the deadline of all requests."""

    @model_validator(mode="after")
    def _is_one_thing(self) -> Action:
        _one_of(self, "command", "http")
        return self


class SupabaseBackups(_Section):
    """The backups that Supabase's management API lists."""

    url: BaseUrl = "https://api.supabase.com"
    project: Annotated[str, Field(pattern="^[a-z]{20}$")]
    token: SecretReference
    """With the permission backups_read."""


class Backup(_Section):
    """Where backups are. Each place that is named must have a recent one; `readings.backups` is one more."""

    folder: StatedPath | None = None
    """A folder of dumps that pg_restore can read."""
    pattern: str = "*.dump"
    timezone: Zone = "UTC"
    """Where dumps are made: an archive holds the wall time of its machine, without a zone."""
    supabase: SupabaseBackups | None = None


# Each drill is a class of its own, also where two of them break something and mend it again, and the ways of a rollback
# both go back and forward: the keys mean what the docstring beside them says, and each is read in the file by itself.


class RestoreDrill(_Section):
    """A backup restored into a scratch database, which is dropped again."""

    server: SecretReference
    """A role that may create databases, on the server that bears the scratch database."""
    of: Literal["newest", "dump"] = "newest"
    """`newest`: of backup.folder; `dump`: one that pg_dump makes now of the section postgres."""
    programs: StatedPath | None = None
    """The folder of pg_dump, pg_restore, createdb and dropdb; else the embedded ones, else those of the PATH."""
    changing: tuple[str, ...] = ()
    """`schema.table` whose rows change so much that their number proves nothing; they must exist."""


class KillSwitchDrill(_Section):
    """The switch that stops new uploads; `synthetic_upload` says how one is sent."""

    switch_off: Action
    switch_on: Action
    refused: tuple[int, ...] = (403, 409, 423, 503)
    """The answers that refuse an upload."""
    refused_says: str = ""
    """What such an answer says; an outage has the same status."""
    waiting: tuple[str, ...] = ("pending",)
    """The states of an upload that has been accepted and not been taken up."""
    in_flight_rows: Annotated[int, Field(ge=1)] = 4000
    """So long is the upload that is under way when the switch is turned."""
    seconds_at_most: Seconds = 30.0
    """For the switch to have its effect."""


class VercelRollback(_Section):
    """Vercel's instant rollback, and the promotion that undoes it."""

    url: BaseUrl = "https://api.vercel.com"
    project: str
    team: str | None = None
    token: SecretReference
    deployment: str
    """The one that is gone back to: dpl_..."""
    forward: str
    """The one that serves now."""

    def action(self, verb: Literal["v1/rollback", "v10/promote"], deployment: str) -> Action:
        """Return the request to serve a deployment. Source: Vercel's REST API, requestRollback and requestPromote."""
        version, _, operation = verb.partition("/")
        team = f"?teamId={self.team}" if self.team else ""
        address = f"{self.url}/{version}/projects/{self.project}/{operation}/{deployment}{team}"
        return Action(http=address, body={}, token=self.token)


class GitRollback(_Section):
    """A platform that deploys what a branch points at."""

    repository: StatedPath
    tag: str
    """What is gone back to."""
    forward: str
    """The tag or commit that serves now."""
    branch: str
    remote: str = "origin"
    seconds_at_most: Seconds = 60.0

    def action(self, revision: str) -> Action:
        """Return the push that lets the branch point at a revision."""
        push = ("git", "-C", str(self.repository), "push", "--force-with-lease", self.remote)
        # A tag that has a message is an object of its own; the branch needs the commit it is about.
        refspec = f"{revision}^{{commit}}:refs/heads/{self.branch}"
        return Action(command=(*push, refspec), seconds_at_most=self.seconds_at_most)


class RollbackDrill(_Section):
    """Back to the previous version, and forward again. Exactly one of `action`, `vercel` and `git`."""

    to: str
    """The revision that must then be served, as `target.revision` tells it."""
    action: Action | None = None
    forward: Action | None = None
    """What undoes `action`."""
    vercel: VercelRollback | None = None
    git: GitRollback | None = None
    healthy: Annotated[str, Field(pattern="^/")] = "/health"
    """Answers 200 where the version that is served is well."""
    minutes_at_most: Annotated[float, Field(gt=0, le=120)] = 3.0

    @model_validator(mode="after")
    def _has_one_way(self) -> RollbackDrill:
        _one_of(self, "action", "vercel", "git")
        if (self.action is None) != (self.forward is None):
            raise ValueError("action and forward belong together: a drill goes forward again")
        return self

    def ways(self) -> tuple[Action, Action]:
        """Return the way back, and the way forward again."""
        if self.vercel:
            back = self.vercel.action("v1/rollback", self.vercel.deployment)
            forward = self.vercel.action("v10/promote", self.vercel.forward)
            return back, forward

        if self.git:
            return self.git.action(self.git.tag), self.git.action(self.git.forward)

        # The validator has seen to it; the type checker does not know.
        if self.action is None or self.forward is None:
            raise ValueError("action and forward belong together")
        return self.action, self.forward


class CircuitBreakerDrill(_Section):
    """A dependency that is broken until its breaker opens; `readings.circuit_breakers` tells the state."""

    breaker: str
    """Its name in the reading."""
    broken: Action
    mended: Action
    driven: Action | None = None
    """A request that uses the dependency; None sends the synthetic upload."""
    seconds_at_most: Seconds = 60.0
    """For the breaker to open, and again for it to close."""


class FallbackDrill(_Section):
    """What the target serves while a dependency is broken."""

    broken: Action
    mended: Action
    path: Annotated[str, Field(pattern="^/")]
    header: str
    """The header that tells who served."""
    fallback: str
    """Its value where the fallback did."""
    token: SecretReference | None = None
    seconds_at_most: Seconds = 30.0
    """For the fallback to serve, and again for the dependency to."""


class IncidentDrill(_Section):
    """An incident from its beginning to its report."""

    simulate: Action
    mitigate: Action
    """Ends what `simulate` began."""
    publish: Action
    """Tells those who must know, marked as a drill."""
    alert: Annotated[str, Field(pattern=r"^[\w .:/-]+$")]
    """The alert that must fire: its name in Alertmanager, or where there is none in Prometheus."""
    seconds_at_most: Seconds = 300.0
    """For the alert to fire, and again for it to end."""


class Drills(_Section):
    """The drills that `readiness drill` can run here."""

    restore: RestoreDrill | None = None
    kill_switch: KillSwitchDrill | None = None
    rollback: RollbackDrill | None = None
    circuit_breaker: CircuitBreakerDrill | None = None
    fallback: FallbackDrill | None = None
    incident: IncidentDrill | None = None
    drilled_in: str | None = None
    """The environment whose drills count for this one: the staging copy of it."""
