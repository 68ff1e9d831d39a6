"""What ships with the suite beside its code.

The runbooks lie here. The checks, the load tests and the example environments lie at the top of a checkout, and here in
a wheel.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
_CHECKOUT = Path(__file__).parents[2]

RUNBOOKS = _HERE / "runbooks"


def checks() -> Path:
    """Return the folder of the shipped checks."""
    return home() / "checks"


def loadtests() -> Path:
    """Return the folder of the load rehearsals; Locust's file in it is `locustfile.py`."""
    return home() / "loadtests"


def environments() -> Path:
    """Return the folder of the example environments; `local.yaml` is the sandbox's."""
    return home() / "environments"


def home() -> Path:
    """Return the folder that holds them: that of a wheel where it was built into this one, else the checkout's."""
    return _HERE if (_HERE / "loadtests").is_dir() else _CHECKOUT
