"""Whom load may be let loose on. Refused before anything is contacted; told in one line each."""

from __future__ import annotations

import math
import resource
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from readiness.environment.schema import Environment, host_of
from readiness.errors import BadInput, not_one_of
from readiness.outcomes import Effect
from readiness.rehearsal.stages import STAGES, Stage

DESCRIPTORS_BESIDE = 100
"""Of a process, for what is no user: logs, the leading process, the evidence."""


class LoadRefused(BadInput):
    """No load will be made."""


@dataclass(frozen=True)
class LoadPermission:
    """What the command line says: `--allow load`, and the host that it means."""

    allow: Collection[str] = ()
    confirmed: str | None = None
    host: str | None = None
    """Locust's own `--host`; it may repeat the environment's and say nothing else."""


def stages_of(environment: Environment) -> dict[str, Stage]:
    """Return the stages that ship and those that the environment adds, by name."""
    added = environment.load.stages if environment.load else {}
    return {**STAGES, **added}


def stage_of(environment: Environment, name: str) -> Stage:
    """Return a stage, as small as the environment's `scale` makes it. Raises LoadRefused where there is none."""
    stages = stages_of(environment)
    if name not in stages:
        raise LoadRefused([f"--stage {not_one_of(name, stages)}"])

    scale = environment.load.scale if environment.load else 1.0
    return stages[name].scaled(scale)


def permit(environment: Environment, stage: Stage, permission: LoadPermission) -> None:
    """Return when load is allowed. Raises LoadRefused with every reason against it."""
    reasons = list(_reasons_against(environment, stage, permission))
    if reasons:
        raise LoadRefused(reasons)


def _reasons_against(environment: Environment, stage: Stage, permission: LoadPermission) -> Iterator[str]:
    name = environment.environment
    host = host_of(environment.target.url)
    load = environment.load

    # Without the section there is no limit to hold the stage against: the other reasons would be guesses.
    if load is None:
        yield f"{name}: the environment has no section `load`: nobody said how much it bears"
        return

    if environment.production:
        yield from _reasons_against_production(name, host, permission)
    elif Effect.LOAD not in environment.allow:
        yield f"{name}: the environment does not allow load; write `allow: [load]` in its file"

    if stage.users > load.users_at_most:
        yield f"{name}: {stage.users:,} users are asked, load.users_at_most is {load.users_at_most:,}"

    if host not in environment.allowed_hosts:
        yield f"{name}: host {not_one_of(host, environment.allowed_hosts)}, see allowed_hosts"

    # Locust would send to its own --host: a second word on the target that nobody has checked.
    if permission.host and permission.host.rstrip("/") != environment.target.url:
        yield f"--host {permission.host} is not the target of {name}, {environment.target.url}"


def _reasons_against_production(name: str, host: str, permission: LoadPermission) -> Iterator[str]:
    """Yield what the command line lacks: its file alone never opens production to load."""
    if Effect.LOAD not in permission.allow:
        yield f"{name} is production: load needs --allow load and --confirm {host}"
    elif permission.confirmed == host:
        return
    elif permission.confirmed:
        yield f"{name} is production: load is for {host}: --confirm {permission.confirmed} is another host"
    else:
        yield f"{name} is production: load is for {host}: say --confirm {host}"


def raise_fd_limit(users: int, processes: int) -> None:
    """Raise the limit of open files, so that each user of this process can hold a connection.

    Raises LoadRefused where the system does not allow that.
    """
    needed = math.ceil(users / processes) + DESCRIPTORS_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return

    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    except (ValueError, OSError):
        # An unlimited hard limit that is refused all the same is the kernel's: what we have is then all there is.
        allowed = soft if hard == resource.RLIM_INFINITY else hard
        enough_processes = math.ceil(users / max(1, allowed - DESCRIPTORS_BESIDE))
        shortage = (
            f"{users:,} users in {processes} processes need {needed:,} open files each, this machine allows {allowed:,}"
        )
        raise LoadRefused(
            [f"{shortage}: raise it (ulimit -n {needed}), or use --processes {enough_processes}"]
        ) from None


def forbidden_redirect(location: str, allowed_hosts: Collection[str]) -> str | None:
    """Return the host outside the allow-list that a redirect leads to, or None.

    Raises ValueError where `location` is no address.
    """
    try:
        host = (urlsplit(location).hostname or "").lower()
    except ValueError:
        raise ValueError("a redirect to what is no address") from None

    # A path alone stays on the host that answered.
    if not host or host in allowed_hosts:
        return None
    return host
