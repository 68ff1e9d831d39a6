"""Locust's browser interface: what visitors raised, and what the target sent, is masked on its way to the browser."""

from __future__ import annotations

from typing import Any

from readiness.redaction.redactor import REDACTOR

TEXTS = ("text/", "application/json")


def mask_answers(app: Any) -> None:
    """Mask each answer of the interface (a Flask application): its pages, its figures, and the files to download."""
    app.after_request(_masked)


def _masked(response: Any) -> Any:
    # The files that ship with Locust are passed through as they are.
    if response.direct_passthrough or not response.mimetype.startswith(TEXTS):
        return response
    text = response.get_data().decode("utf-8", "replace")
    response.set_data(REDACTOR.text(text))
    return response
