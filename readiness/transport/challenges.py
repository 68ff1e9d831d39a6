"""Answers that are not the service's own: those of a wall in front of it that keeps programs out.

They say nothing of the service: people with a browser pass, and the probe does not.
"""

from __future__ import annotations

from readiness.outcomes import Unknown
from readiness.transport.answer import Answer

_HEADERS = {
    "cf-mitigated": ("challenge",),
    "x-amzn-waf-action": ("challenge", "captcha"),
    "x-vercel-mitigated": ("challenge", "deny"),
}
"""A header by which a vendor says that this is its own answer, whatever its status: AWS challenges with 202."""
_STATUSES = {401, 403, 405, 406, 429, 503}
"""What walls without such a header answer with."""
_PAGES = (
    b"_cf_chl_opt",
    b"attention required! | cloudflare",
    b"incapsula incident id",
    b"px-captcha",
    b"pardon our interruption",
    b"captcha-delivery.com",
    b"ddos-guard",
)
"""What only their own pages hold, in small letters.

Walls put scripts into the service's pages too (Cloudflare's /cdn-cgi/challenge-platform/, Imperva's
_Incapsula_Resource, AWS' AwsWafIntegration): those say nothing, and would hide a 503 of the service itself.
"""
_BEGINNING = 100_000
_TOO_MANY = 429


def require_let_through(answer: Answer) -> None:
    """Raise Unknown for a wall's answer, and where the probe itself has asked too often."""
    if _says_so(answer) or (answer.status in _STATUSES and _is_page_of_wall(answer)):
        raise Unknown(
            f"{answer.url} answered {answer.status} with a challenge of a wall in front of it",
            "let the probe pass: allow its address or a header of its own there; the service itself was not seen",
        )
    if answer.status == _TOO_MANY:
        answer.expect(200)


def _says_so(answer: Answer) -> bool:
    """Check whether a header says that the answer is a wall's."""
    stated = {name: answer.headers.get(name, "").strip().lower() for name in _HEADERS}
    return any(stated[name] in words for name, words in _HEADERS.items())


def _is_page_of_wall(answer: Answer) -> bool:
    """Check whether the page is one that only walls have."""
    page = answer.body[:_BEGINNING].lower()
    return any(mark in page for mark in _PAGES)
