"""Whom load may be let loose on. Refused before anything is contacted; told in one line each."""

from __future__ import annotations

import math
import resource
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from readiness.environment.schema import Environment, host_of
from readiness.errors import BadInput, not_one_of
from readiness.outcomes import Effect
from readiness.rehearsal.stages import STAGES, Stage

DESCRIPTORS_BESIDE = 100
"""Of a process, for what is no user: logs, the leading process, the evidence."""


class Refused(BadInput):
    """No load will be made."""


@dataclass(frozen=True)
class Leave:
    """What the command line says: `--allow load`, and the host that it means."""

    allow: Collection[str] = ()
    confirmed: str | None = None
    host: str | None = None
    """Locust's own `--host`; it may repeat the environment's and say nothing else."""


def stages_of(environment: Environment) -> dict[str, Stage]:
    """Give the stages that ship and those that the environment adds."""
    return {**STAGES, **(environment.load.stages if environment.load else {})}


def stage_of(environment: Environment, name: str) -> Stage:
    """Find a stage and make it as small as the environment says. Raises Refused."""
    known = stages_of(environment)
    if name not in known:
        raise Refused([f"--stage {not_one_of(name, known)}"])
    scale = environment.load.scale if environment.load else 1.0
    return known[name].scaled(scale)


def permit(environment: Environment, stage: Stage, leave: Leave) -> None:
    """Return when load is allowed. Raises Refused with every reason against it."""
    problems = list(_against(environment, stage, leave))
    if problems:
        raise Refused(problems)


def _against(environment: Environment, stage: Stage, leave: Leave) -> list[str]:
    name, host, load = environment.environment, host_of(environment.target.url), environment.load
    problems = []
    if load is None:
        return [f"{name}: the environment has no section `load`: nobody said how much it bears"]
    if environment.production and Effect.LOAD not in leave.allow:
        problems.append(f"{name} is production: load needs --allow load and --confirm {host}")
    elif environment.production and leave.confirmed != host:
        said = f"--confirm {leave.confirmed} is another host" if leave.confirmed else f"say --confirm {host}"
        problems.append(f"{name} is production: load is for {host}: {said}")
    if not environment.production and Effect.LOAD not in environment.allow:
        problems.append(f"{name}: the environment does not allow load; write `allow: [load]` in its file")
    if stage.users > load.users_at_most:
        problems.append(f"{name}: {stage.users:,} users are asked, load.users_at_most is {load.users_at_most:,}")
    if host not in environment.allowed_hosts:
        problems.append(f"{name}: host {not_one_of(host, environment.allowed_hosts)}, see allowed_hosts")
    if leave.host and leave.host.rstrip("/") != environment.target.url:
        problems.append(f"--host {leave.host} is not the target of {name}, {environment.target.url}")
    return problems


def make_room(users: int, processes: int) -> None:
    """Let this process hold a connection for each of its users. Raises Refused where the system does not allow that."""
    needed = math.ceil(users / processes) + DESCRIPTORS_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    except (ValueError, OSError):
        most = soft if hard == resource.RLIM_INFINITY else hard
        several = math.ceil(users / max(1, most - DESCRIPTORS_BESIDE))
        says = f"{users:,} users in {processes} processes need {needed:,} open files each, this machine allows {most:,}"
        raise Refused([f"{says}: raise it (ulimit -n {needed}), or use --processes {several}"]) from None


def leads_out(location: str, allowed_hosts: Collection[str]) -> str | None:
    """Return the host outside the allow-list that a redirect leads to, or None. Raises ValueError where it is none."""
    try:
        host = (urlsplit(location).hostname or "").lower()
    except ValueError:
        raise ValueError("a redirect to what is no address") from None
    return host if host and host not in allowed_hosts else None
