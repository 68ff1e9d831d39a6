"""Who launches: the roster of an environment, and who is on call."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from readiness.config.contacts import ways_in
from readiness.config.fields import STRICT, BaseUrl, Day, SecretReference, StatedPath
from readiness.redaction.secret import MASK, Secret

_PERSONAL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|(?:\d[\s().-]*){7,}")


def _contact(value: object) -> object:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise ValueError("a contact is text: put the number in quotes")  # noqa: TRY004  pydantic reports ValueError
    # Each is remembered by itself: elsewhere one of several stands alone.
    personal = [way.text for way in ways_in(value) if way.is_personal]
    for text in personal:
        Secret(text)
    return Secret(value, remembered=bool(personal))


Contact = Annotated[Secret, BeforeValidator(_contact)]


def without_contacts(text: str) -> str:
    """Return a name as it may be shown: some systems put a mail address or a number in its place."""
    return _PERSONAL.sub(MASK, " ".join(text.split()))


class Person(BaseModel):
    """Somebody who has a part in the launch."""

    model_config = STRICT

    name: str
    contact: Contact
    verified: Day | None = None
    """When somebody reached them that way."""
    backup: str | None = None
    """Who stands in for them."""
    runbook_reviewed: Day | None = None
    access_verified: Day | None = None
    """When they last signed in to everything that they need on the day."""


class Level(BaseModel):
    """One level of the escalation."""

    model_config = STRICT

    role: str
    minutes: Annotated[float, Field(gt=0)]
    """How long it has to answer before the next one is asked."""


class Matter(BaseModel):
    """Who is asked about one kind of issue."""

    model_config = STRICT

    primary: str
    backup: str
    minutes: Annotated[float, Field(gt=0)]
    """When it is escalated."""


class Vendor(BaseModel):
    """How a vendor is reached in an emergency."""

    model_config = STRICT

    contact: Contact
    verified: Day | None = None


class Team(BaseModel):
    """The people of a launch by their roles, and who is asked after whom."""

    model_config = STRICT

    file: StatedPath | None = None
    """JSON with some of the keys below, kept apart from the code; they go before what stands here."""
    roles: dict[str, Person] = {}
    """`primary on-call`, `secondary on-call`, `database specialist`, ... → the person."""
    escalation: tuple[Level, ...] = ()
    matters: dict[str, Matter] = {}
    """`database`, `payments`, ... → who is asked; they are names of roles."""
    vendors: dict[str, Vendor] = {}
    stakeholders: tuple[str, ...] = ()
    """Whose approval the launch needs."""

    @model_validator(mode="after")
    def _roles_are_known(self) -> Team:
        # The roles of the file are known only when it is read.
        if self.file:
            return self

        asked = [level.role for level in self.escalation]
        for matter in self.matters.values():
            asked += [matter.primary, matter.backup]

        unknown = sorted({role for role in asked if role not in self.roles})
        if unknown:
            roles = ", ".join(self.roles) or "none"
            raise ValueError(f"no role is called {', '.join(unknown)} (roles: {roles})")
        return self


class PagerDuty(BaseModel):
    """Who is on call, and who is asked after them."""

    model_config = STRICT

    url: BaseUrl = "https://api.pagerduty.com"
    """https://api.eu.pagerduty.com for accounts of the EU region."""
    token: SecretReference
    """A read-only REST key."""
    escalation_policy: str
    """The id of the policy that the service's alerts go to."""
    policies: dict[str, str] = {}
    """Kind of issue → the id of its escalation policy, where it has one of its own."""
