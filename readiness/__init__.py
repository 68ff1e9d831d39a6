"""The names that a check may use.

A check is a function of a file `checks/test_<area>.py`, and a runbook's line names it by `<area>.<name>`:

    import pytest

    from readiness import Limits, Measure, Share
    from readiness.observations.orders import Payments

    class FewRefused(Limits):
        share_below: Share

    @pytest.mark.postlaunch
    def test_few_refused(payments: Payments, limits: FewRefused, measure: Measure) -> None:
        '''Hardly any payment is refused.

        Remedy: look at the payment provider's status page.
        '''
        measure(payments.refused / payments.tried, "share of refused payments").below(limits.share_below)

The line sets each limit: `decided_by: {orders.few_refused: {share_below: 0.01}}`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from readiness.measurements import Measure
    from readiness.outcomes import Unknown
    from readiness.runbook.limits import Limits, Share

__all__ = ["Limits", "Measure", "Share", "Unknown"]

if not TYPE_CHECKING:
    _MODULES = {"Limits": "runbook.limits", "Measure": "measurements", "Share": "runbook.limits", "Unknown": "outcomes"}

    def __getattr__(name: str) -> object:
        """Import a name when it is first asked for: pytest imports this package beside every test suite."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"readiness.{_MODULES[name]}"), name)
