"""The deployed service was told what it needs, and nothing that is still to come."""

import pytest

from readiness import Limits, Measure
from readiness.observations.configuration import KillSwitch, Secrets


class KillSwitchPosition(Limits):
    variable: str
    before_launch: str
    after_launch: str


class RequiredVariables(Limits):
    variable: str


class NoPlaceholderSecrets(Limits):
    variables: tuple[str, ...] = ()


@pytest.mark.preflight
@pytest.mark.smoke
@pytest.mark.postlaunch
def test_kill_switch_position(kill_switch: KillSwitch, limits: KillSwitchPosition, measure: Measure) -> None:
    """The switch stands where this side of the launch wants it.

    Remedy: set the variable on the deployment and restart what reads it only once.
    """
    wanted = limits.after_launch if kill_switch.launched else limits.before_launch
    measure(kill_switch.position, limits.variable).is_(wanted)


@pytest.mark.preflight
def test_required_variables(variables_set: list[str], limits: RequiredVariables, measure: Measure) -> None:
    """The variable is set, and not empty.

    Remedy: set the variable on the deployment.
    """
    measure(limits.variable in variables_set, f"{limits.variable} is set").is_(True)


@pytest.mark.preflight
def test_no_placeholder_secrets(deployed_secrets: Secrets, limits: NoPlaceholderSecrets, measure: Measure) -> None:
    """Every secret is filled in; none is a placeholder.

    Remedy: put the real value into the deployment's secret store; rotate it if the placeholder was ever live.
    """
    # A line that names no variables wants at least one secret looked at.
    measure(len(deployed_secrets.examined), "secrets examined").at_least(len(limits.variables) or 1)
    measure(deployed_secrets.placeholders, "variables that hold a placeholder").is_none_of_them()
