"""A feature is on for those it is meant for, and for nobody else."""

import pytest

from readiness import Limits, Measure, Share
from readiness.observations.flags import Audience, StageAudience


class Configured(Limits):
    flag: str


class AllowlistInternalOnly(Limits):
    flag: str
    share_at_most: Share


class FullyRolledOut(Limits):
    flag: str
    share_at_least: Share


@pytest.mark.preflight
def test_configured(flag_names: list[str], limits: Configured, measure: Measure) -> None:
    """The flag exists.

    Remedy: create the flag, switched off.
    """
    measure(limits.flag in flag_names, f"flag {limits.flag} exists").is_(True)


@pytest.mark.preflight
@pytest.mark.smoke
def test_allowlist_internal_only(flag_audience: Audience, limits: AllowlistInternalOnly, measure: Measure) -> None:
    """The flag is off by default, and its allowlist holds internal workspaces alone.

    Remedy: switch the flag off for everyone and take the named workspaces off its allowlist.
    """
    measure(flag_audience.everyone, f"{limits.flag} is on for everyone").is_(False)
    measure(flag_audience.outsiders, "customers on the allowlist").is_none_of_them()
    measure(flag_audience.share, f"share of all who get {limits.flag}").at_most(limits.share_at_most)


@pytest.mark.postlaunch
def test_fits_stage(stage_audience: StageAudience, limits: Configured, measure: Measure) -> None:
    """The flag is on for those of the present stage of the roll-out, and for nobody else.

    Remedy: take off the flag whoever is named, or state the stage that is meant under rollout in the environment file.
    """
    measure(stage_audience.wrong, f"of {limits.flag}, against stage {stage_audience.stage}").is_none_of_them()


@pytest.mark.ga
def test_fully_rolled_out(flag_share: float, limits: FullyRolledOut, measure: Measure) -> None:
    """Everybody gets the feature.

    Remedy: raise the roll-out to 100 %, then watch the error rate for an hour.
    """
    measure(flag_share, f"share of all who get {limits.flag}").at_least(limits.share_at_least)
