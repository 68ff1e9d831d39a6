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
    r"(secret|password|passwd|token|key|test|testing|example|dummy|default|admin|abc|123)\w*\d*", re.IGNORECASE
)


@dataclass(frozen=True)
class KillSwitch:
    """Where a switch stands, and on which side of the launch the moment that is judged lies."""

    position: str
    launched: bool


@observation(needs=DEPLOYED_VARIABLES)
def kill_switch(readings: Readings, variable: str, moment: datetime, launch_at: datetime) -> KillSwitch:
    """Read one switch of the deployed service."""
    deployed = readings.mapping(DEPLOYED_VARIABLES)
    position = deployed[variable].reveal().strip().lower() if variable in deployed else "not set"
    if names_a_secret(variable):
        raise Unknown(f"{variable} looks like a secret, not like a switch", "name the switch's own variable")
    return KillSwitch(position, launched=moment >= launch_at)


@observation(needs=DEPLOYED_VARIABLES)
def variables_set(readings: Readings) -> list[str]:
    """Name the variables that have a value."""
    return sorted(name for name, value in readings.mapping(DEPLOYED_VARIABLES).items() if value.reveal().strip())


@dataclass(frozen=True)
class Secrets:
    """The names of the deployed secrets, and of those among all variables that nobody has filled in."""

    examined: list[str]
    placeholders: list[str]


@observation(needs=DEPLOYED_VARIABLES)
def deployed_secrets(readings: Readings, variables: tuple[str, ...]) -> Secrets:
    """Look at the value of each variable (of those named, or of all) for what people write before they know it."""
    found = readings.mapping(DEPLOYED_VARIABLES)
    deployed = {name: value for name, value in found.items() if not variables or name in variables}
    return Secrets(
        examined=sorted(name for name in deployed if name in variables or names_a_secret(name)),
        placeholders=sorted(name for name, value in deployed.items() if is_placeholder(name, value.reveal())),
    )


def is_placeholder(name: str, value: str) -> bool:
    """Tell whether a variable's value stands for one that is still to come."""
    text = value.strip().strip("'\"")
    if _ALWAYS_A_PLACEHOLDER.fullmatch(text):
        return True
    return names_a_secret(name) and (not text or bool(_NO_SECRET.fullmatch(text)))
