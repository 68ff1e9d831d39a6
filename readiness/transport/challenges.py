"""Answers that are not the service's own: those of a wall in front of it that keeps programs out.

They say nothing of the service: people with a browser pass, and the probe does not.
"""

from __future__ import annotations

from readiness.outcomes import Unknown
from readiness.transport.answer import Answer

_STATUSES = {401, 403, 405, 406, 429, 503}
"""What walls answer with."""
_HEADERS = {
    "cf-mitigated": ("challenge",),
    "x-amzn-waf-action": ("challenge", "captcha"),
    "x-vercel-mitigated": ("challenge", "deny"),
    "x-datadome": ("protected",),
}
"""A header by which a vendor says that this is its own answer: Cloudflare, AWS, Vercel, DataDome."""
_PAGES = (
    b"_cf_chl_opt",
    b"/cdn-cgi/challenge-platform/",
    b"attention required! | cloudflare",
    b"_incapsula_resource",
    b"px-captcha",
    b"pardon our interruption",
    b"captcha-delivery.com",
    b"awswafintegration",
    b"ddos-guard",
)
"""What their pages hold, in small letters."""
_BEGINNING = 100_000
_TOO_MANY = 429


def require_let_through(answer: Answer) -> None:
    """Raise Unknown for a wall's answer, and where the probe itself has asked too often."""
    if answer.status not in _STATUSES:
        return
    if _is_challenge(answer):
        raise Unknown(
            f"{answer.url} answered {answer.status} with a challenge of a wall in front of it",
            "let the probe pass: allow its address or a header of its own there; the service itself was not seen",
        )
    if answer.status == _TOO_MANY:
        answer.expect(200)


def _is_challenge(answer: Answer) -> bool:
    for name, words in _HEADERS.items():
        if answer.headers.get(name, "").strip().lower() in words:
            return True

    page = answer.body[:_BEGINNING].lower()
    return any(mark in page for mark in _PAGES)
