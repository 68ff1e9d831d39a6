"""What the deployed service was told: its variables. Values of secrets never leave this module."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from readiness.observations import known_reading, observation
from readiness.outcomes import Unknown
from readiness.redaction.secret import names_a_secret
from readiness.sources.readings import Readings

DEPLOYED_VARIABLES = known_reading("deployed_variables", "the variables of the deployed service (name to value)")

_ALWAYS_A_PLACEHOLDER = re.compile(
    r"change[-_ ]?(me|this|it)|to[-_ ]?do|fill[-_ ]?(me|in).*|replace[-_ ]?.*|place[-_ ]?holder"
    r"|(your|my|insert|enter)[-_ ].*|x{3,}|\*{3,}|\.{3}|<.*>|\$?\{.*\}|null|none|undefined|n/?a|tbd",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(
    r"(secret|password|passwd|token|key|test|testing|example|dummy|default|admin|abc|123)\w*[0-9]*", re.IGNORECASE
)


@dataclass(frozen=True)
class KillSwitch:
    """Where a switch stands, and on which side of the launch the moment that is judged lies."""

    position: str
    launched: bool


@observation(needs=DEPLOYED_VARIABLES)
def kill_switch(readings: Readings, variable: str, moment: datetime, launch_at: datetime) -> KillSwitch:
    """Return where a switch of the deployed service stands. Raises Unknown for a variable that looks like a secret."""
    deployed = readings.mapping(DEPLOYED_VARIABLES)
    # Its position is shown to everybody who reads the report.
    if names_a_secret(variable):
        raise Unknown(f"{variable} looks like a secret, not like a switch", "name the switch's own variable")

    position = "not set"
    if variable in deployed:
        position = deployed[variable].reveal().strip().lower()
    return KillSwitch(position, launched=moment >= launch_at)


@observation(needs=DEPLOYED_VARIABLES)
def variables_set(readings: Readings) -> list[str]:
    """Return the names of the variables that have a value, sorted."""
    deployed = readings.mapping(DEPLOYED_VARIABLES)
    return sorted(name for name, value in deployed.items() if value.reveal().strip())


@dataclass(frozen=True)
class Secrets:
    """The names of the deployed secrets, and of those among all variables that nobody has filled in."""

    examined: list[str]
    placeholders: list[str]


@observation(needs=DEPLOYED_VARIABLES)
def deployed_secrets(readings: Readings, variables: tuple[str, ...]) -> Secrets:
    """Return which secrets are deployed, and which variables hold a placeholder; of those named, or of all."""
    deployed = readings.mapping(DEPLOYED_VARIABLES)
    if variables:
        deployed = {name: value for name, value in deployed.items() if name in variables}

    # What a line names is a secret by that, whatever it is called.
    secrets = [name for name in deployed if name in variables or names_a_secret(name)]
    placeholders = [name for name, value in deployed.items() if is_placeholder(name, value.reveal())]
    return Secrets(examined=sorted(secrets), placeholders=sorted(placeholders))


def is_placeholder(name: str, value: str) -> bool:
    """Check whether a variable's value stands for one that is still to come."""
    text = value.strip().strip("'\"")
    if _ALWAYS_A_PLACEHOLDER.fullmatch(text):
        return True

    # "test" and nothing at all are good values of other variables, but no secrets.
    if not names_a_secret(name):
        return False
    return not text or _NO_SECRET.fullmatch(text) is not None
