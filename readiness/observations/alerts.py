"""What alerts there are."""

from __future__ import annotations

from readiness.observations.sentry import SentryAlert

__all__ = ["SentryAlert"]
