"""Two values that say something else never have one normal form, also where what they say is masked."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.environment.normal_form import normal_form


def team(contact: str) -> dict[str, Any]:
    return {"roles": {"primary on-call": {"name": "Ada Byron", "contact": contact, "verified": "2026-11-25"}}}


def vendors(contact: str) -> dict[str, Any]:
    return {"postgres": {"contact": contact, "verified": "2026-11-25"}}


@pytest.mark.parametrize("make", [team, vendors])
@pytest.mark.parametrize("other", ["+49 30 5551235", "TBD", "old, do not use", "ada@example.org", ""])
def test_another_contact_is_another_value(make: Any, other: str) -> None:
    key = make.__name__
    as_judged = normal_form(key, make("+49 30 5551234"))
    assert normal_form(key, make(other)) != as_judged
    assert normal_form(key, make("+49 30 5551234")) == as_judged
