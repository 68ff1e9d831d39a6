"""For whom a feature flag is on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from readiness.clients.postgres import Row
from readiness.environment.schema import Environment
from readiness.errors import meant
from readiness.measurements import AtLeast, Plain
from readiness.observations import known_reading, observation
from readiness.observations.needs import need
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.shown import shown
from readiness.runbook.document_facts import RolloutStage
from readiness.sources.readings import Readings

FEATURE_FLAGS = known_reading(
    "feature_flags",
    "the feature flags (columns name, enabled, allowlist, rollout_share; or JSON: name to enabled and allowlist)",
)
SHOWN = 80
_PER_CENT = ("rollout_percentage", "rollout_percent", "percentage", "percent")
"""What a roll-out to a part of all is called where it is given in per cent."""
_LETS_NOBODY_IN = {"id", "key", "name", "title", "description", "owner", "tags"}
_LETS_NOBODY_IN |= {f"{done}_{when}" for done in ("created", "updated") for when in ("at", "by")}
"""What a flag says besides, and that opens it to nobody."""
_MEANS_ON = {"1", "1.0", "on", "true", "yes", "enabled"}
"""What others write for true. It is never taken for less than true, and never for known."""


@observation(needs=FEATURE_FLAGS)
def flag_names(readings: Readings) -> list[str]:
    """Return the names of the flags of the store, sorted."""
    return sorted(str(row["name"]) for row in _flags(readings))


def _flags(readings: Readings) -> list[Row]:
    """Return the flags, each with its name: rows, or one object of JSON that has the name of each flag as its key."""
    table = readings.table(FEATURE_FLAGS)
    if _holds_one_document(table):
        (table,) = table[0].values()
    if isinstance(table, dict):
        return [{**_stated(flag), "name": name} for name, flag in table.items()]
    return readings.rows_of(FEATURE_FLAGS, table, "name")


def _holds_one_document(table: Any) -> TypeGuard[list[dict[str, Any]]]:
    """Check whether rows are a single one of a single column, with the flags in it as JSON."""
    is_one_row = isinstance(table, list) and len(table) == 1 and isinstance(table[0], dict)
    return is_one_row and len(table[0]) == 1 and isinstance(next(iter(table[0].values())), dict)


def _stated(flag: Any) -> Row:
    """Return what a document says of a flag: an object, or true and false for a flag that knows no exceptions."""
    if isinstance(flag, dict):
        return flag
    return {"enabled": flag, "allowlist": []} if isinstance(flag, bool) else {}


@dataclass(frozen=True)
class Audience:
    """Who gets the feature: everyone, a share of all (0 to 1), and those who are listed."""

    everyone: bool
    share: float | AtLeast
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
    outsiders = _outsiders(row["allowlist"], ours)
    share: float | AtLeast
    try:
        share = _share(readings, row)
    except Unknown:
        # Whoever is listed gets it, whomever the roll-out lets in besides.
        if not outsiders:
            raise
        share = AtLeast(0.0)
    everyone = _seems_on(row)
    # Whoever is listed gets it, whatever else its state means.
    if not everyone and not outsiders:
        everyone = _is_on(row)
    return Audience(everyone=everyone, share=share, outsiders=outsiders)


def _seems_on(row: Row) -> bool:
    """Check whether a flag is on, or is said to be in a word that others write for it."""
    return str(row["enabled"]).strip().casefold() in _MEANS_ON


def _is_on(row: Row) -> bool:
    """Return whether a flag is on. Raises Unknown for what is neither true nor false: its readers may differ."""
    enabled = row["enabled"]
    if isinstance(enabled, bool):
        return enabled
    raise Unknown(
        f"enabled of the flag {row['name']} is {shown(repr(enabled), SHOWN)}, neither true nor false",
        "let readings.feature_flags give true or false, in SQL by `enabled = 1 as enabled`",
    )


def _row(readings: Readings, flag: str, *columns: str) -> Row:
    """Return the row of a flag. Raises Unknown for none and for several."""
    matches = [row for row in _flags(readings) if row["name"] == flag]
    if not matches:
        raise Unknown(f"the flag {flag} does not exist", "create it, or set readings.feature_flags to where it is")
    if len(matches) > 1:
        raise Unknown(
            f"the flag {flag} stands {len(matches)} times in its store",
            "let readings.feature_flags give the rows of this environment alone",
        )
    (row,) = readings.rows_of(FEATURE_FLAGS, matches, "name", "enabled", *columns)
    return row


def _share(readings: Readings, row: Row) -> float:
    """Return the share of all that a roll-out lets in. Raises Unknown where something else may let people in."""
    if "rollout_share" in row:
        share = readings.as_number(FEATURE_FLAGS, row["rollout_share"])
    else:
        share = _share_without_column(readings, row)
    if not 0 <= share <= 1:
        raise Unknown(
            f"the rollout_share of {row['name']} is {share:g}, which is no share from 0 to 1",
            "per cent? let readings.feature_flags divide it by 100",
        )
    return share


def _share_without_column(readings: Readings, row: Row) -> float:
    """Return the share of a flag that has no column for it: 0 where nothing but its allowlist lets people in."""
    others = sorted(set(row) - _LETS_NOBODY_IN - {"enabled", "allowlist"})
    if len(others) == 1 and others[0] in _PER_CENT and row["enabled"] is False:
        return readings.as_number(FEATURE_FLAGS, row[others[0]]) / 100
    if others:
        raise Unknown(
            f"the flag {row['name']} has {shown(', '.join(others), SHOWN)} too: nobody knows whom that lets in",
            "let readings.feature_flags give it as rollout_share, from 0 to 1; 0 where it lets in nobody",
        )
    return 0.0


def _outsiders(allowlist: Plain, ours: tuple[str, ...]) -> list[str]:
    if not isinstance(allowlist, list):
        raise Unknown(f"the allowlist is no list: {allowlist!r}", "give readings.feature_flags a list of workspaces")
    return sorted(str(name) for name in allowlist if name not in ours)


@dataclass(frozen=True)
class StageAudience:
    """The stage of the roll-out, and what of the flag does not fit it."""

    stage: str
    """With what it means; that it was read from the flag where nobody stated it."""
    wrong: list[str]


@need("rollout of the runbook")
def stages_of_runbook(stages: Mapping[str, RolloutStage]) -> Mapping[str, RolloutStage]:
    """Return the stages in their order. Raises NotConfigured."""
    if not stages:
        raise NotConfigured("the line's runbook names no stages", "state rollout in the runbook")
    return stages


@observation(needs=(stages_of_runbook, internal_workspaces, FEATURE_FLAGS))
def stage_audience(
    readings: Readings, environment: Environment, stages: Mapping[str, RolloutStage], line: str, flag: str
) -> StageAudience:
    """Return what of a flag does not fit the present stage. Raises Unknown for a stage that the runbook does not have.

    Where nobody stated the stage it is the first that fits the flag; where none does, the first tells why.
    """
    del line  # the stages are those of its runbook
    row = _row(readings, flag, "allowlist")
    now = environment.rollout
    names = list(stages_of_runbook(stages))
    unknown = [name for name in (now.stage, *now.workspaces) if name is not None and name not in stages]
    if unknown:
        raise Unknown(f"stage {meant(unknown[0], names)}", "correct rollout in the environment file")

    def against_stage(share: float) -> StageAudience:
        def wrong_in(name: str) -> list[str]:
            return list(_unfit(stages[name], _let_in(environment, names, name), row["allowlist"], share))

        if now.stage is not None:
            return StageAudience(f"{now.stage}, {stages[now.stage].means}", wrong_in(now.stage))
        fitting = next((name for name in names if not wrong_in(name)), None)
        name = fitting or names[0]
        by_flag = "read from the flag" if fitting else "no stage fits the flag"
        return StageAudience(f"{name}, {stages[name].means} ({by_flag})", wrong_in(name))

    return _decided(row, [against_stage(share) for share in _possible_shares(readings, row)])


def _possible_shares(readings: Readings, row: Row) -> list[float]:
    """Return which share of all may get a flag: one, or two where it is not known whether it is on. Raises Unknown."""
    if _seems_on(row):
        return [1.0]
    share = _share(readings, row)
    return [share] if row["enabled"] is False else [1.0, share]


def _decided(row: Row, possible: list[StageAudience]) -> StageAudience:
    """Return what is so whatever the flag's state means. Raises Unknown where it may be well, and nobody knows."""
    if not all(one.wrong for one in possible):
        _is_on(row)
    return possible[-1]


def _let_in(environment: Environment, names: list[str], stage: str) -> tuple[str, ...]:
    """Return the workspaces that may be on the list in a stage: the team's own, and those of it and of earlier ones."""
    until = names[: names.index(stage) + 1]
    listed = (workspace for name in until for workspace in environment.rollout.workspaces.get(name, ()))
    return (*environment.internal_workspaces, *listed)


def _unfit(stage: RolloutStage, let_in: tuple[str, ...], allowlist: Plain, share: float) -> Iterator[str]:
    """Yield what of a flag a stage does not allow."""
    outsiders = _outsiders(allowlist, let_in) if stage.allowlist != "anyone" else []
    yield from (f"on the list: {shown(name, SHOWN)}" for name in outsiders)
    if not stage.fits(share):
        yield f"share {share:g}, allowed {stage.share_at_least:g} to {stage.share_at_most:g}"


@observation(needs=FEATURE_FLAGS)
def flag_share(readings: Readings, flag: str) -> float:
    """Return the share of all that get a flag: 1 where it is on for everyone, else the roll-out's share."""
    row = _row(readings, flag)
    share = _share(readings, row)
    return 1.0 if _is_on(row) else share
