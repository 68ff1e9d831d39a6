"""Lines that nothing can decide yet."""

from __future__ import annotations

from readiness.observations import observation
from readiness.observations.needs import need
from readiness.outcomes import NotConfigured


@need("a check")
def check() -> bool:
    """Raise NotConfigured: a line without a check is unknown, and keeps a blocker's verdict from GO."""
    raise NotConfigured(
        "not configured: this version has no check that decides this line",
        "decide it by hand, and attest it: readiness attest LINE --env ENV",
    )


@observation(needs=check)
def no_check() -> bool:
    """Raise NotConfigured: nothing decides such a line yet."""
    return check()
