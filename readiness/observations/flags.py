"""For whom a feature flag is on."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.clients.postgres import Row
from readiness.environment.schema import Environment, Reading
from readiness.measurements import Plain
from readiness.observations import known_reading, observation
from readiness.observations.needs import need
from readiness.outcomes import NotConfigured, Unknown
from readiness.sources.readings import Readings

FEATURE_FLAGS = known_reading(
    "feature_flags",
    "the feature flags (columns name, enabled, rollout_share, allowlist)",
    Reading(sql="select name, enabled, rollout_share, allowlist from feature_flags"),
)


@observation(needs=FEATURE_FLAGS)
def flag_names(readings: Readings) -> list[str]:
    """Return the names of the flags of the store, sorted."""
    return sorted(str(row["name"]) for row in readings.rows(FEATURE_FLAGS, "name"))


@dataclass(frozen=True)
class Audience:
    """Who gets the feature: everyone, a share of all (0 to 1), and those who are listed."""

    everyone: bool
    share: float
    outsiders: list[str]
    """Workspaces on the allowlist that are not the team's own."""


@need("internal_workspaces")
def internal_workspaces(environment: Environment) -> tuple[str, ...]:
    """Return the workspaces of the team itself. Raises NotConfigured."""
    if not environment.internal_workspaces:
        raise NotConfigured("no internal workspace is named", "set internal_workspaces in the environment file")
    return environment.internal_workspaces


@observation(needs=(internal_workspaces, FEATURE_FLAGS))
def flag_audience(readings: Readings, environment: Environment, flag: str) -> Audience:
    """Return for whom a flag is on."""
    ours = internal_workspaces(environment)
    row = _row(readings, flag, "allowlist")
    return Audience(
        # A flag in any other state than off is taken to be on.
        everyone=row["enabled"] is not False,
        share=_share(readings, row),
        outsiders=_outsiders(row["allowlist"], ours),
    )


def _row(readings: Readings, flag: str, *columns: str) -> Row:
    """Return the row of a flag. Raises Unknown for none and for several."""
    rows = readings.rows(FEATURE_FLAGS, "name", "enabled", "rollout_share", *columns)
    matches = [row for row in rows if row["name"] == flag]
    if not matches:
        raise Unknown(f"the flag {flag} does not exist", "create it, or set readings.feature_flags to where it is")
    if len(matches) > 1:
        raise Unknown(
            f"the flag {flag} stands {len(matches)} times in its store",
            "let readings.feature_flags give the rows of this environment alone",
        )
    return matches[0]


def _share(readings: Readings, row: Row) -> float:
    share = readings.as_number(FEATURE_FLAGS, row["rollout_share"])
    if not 0 <= share <= 1:
        raise Unknown(
            f"the rollout_share of {row['name']} is {share:g}, which is no share from 0 to 1",
            "per cent? let readings.feature_flags divide it by 100",
        )
    return share


def _outsiders(allowlist: Plain, ours: tuple[str, ...]) -> list[str]:
    if not isinstance(allowlist, list):
        raise Unknown(f"the allowlist is no list: {allowlist!r}", "give readings.feature_flags a list of workspaces")
    return sorted(str(name) for name in allowlist if name not in ours)


@observation(needs=FEATURE_FLAGS)
def flag_share(readings: Readings, flag: str) -> float:
    """Return the share of all that get a flag: 1 where it is on for everyone, else the roll-out's share."""
    row = _row(readings, flag)
    share = _share(readings, row)
    return 1.0 if row["enabled"] is True else share
