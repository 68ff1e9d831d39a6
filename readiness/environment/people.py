"""Who launches: the roster of an environment, who is on call, and what people write before they know a contact."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from readiness.config.fields import STRICT, BaseUrl, Day, SecretReference
from readiness.redaction.secret import MASK, Secret

_PERSONAL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|(?:\d[\s().-]*){7,}")
_UNDECIDED = re.compile(
    r"\bTB[ADC]\b|\bto be (?:defined|decided|confirmed|announced)\b|\bto[-_ ]?do\b|\bfix ?me\b|\bn/?a\b"
    r"|\?{2,}|_{3,}|\.{3,}"
    r"|place[-_ ]?holder|change[-_ ]?me|fill[-_ ]?(?:me|in)\b|\bx{3,}|lorem ipsum|<[^>]*>|\[[^\]]*\]|\{[^}]*\}"
    r"|\b(?:first|last|full|contact|phone|e-?mail|your|my|some|the)?[-_ ]?(?:name|number|address)[-_ ]?here\b"
    r"|^(?:none|null|nobody|unknown|someone|anyone|anybody|name|contact|phone|e-?mail|your[-_ ].*|-+|\.+)$"
    r"|\b(?:john|jane|max|erika) (?:doe|mustermann)\b",
    re.IGNORECASE,
)
_RESERVED = re.compile(
    r"[@./]example(?:\.(?:com|org|net|edu)\b|\b$)|\.(?:example|invalid|test|localhost)\b|^https?://example\.",
    re.IGNORECASE,
)
_FICTITIOUS = re.compile(
    r"^(?:1?\d{3}55501\d\d|1?555\d{4,}|1?5550?1?\d{2}|(?:44|0)2079460\d{3}|(\d)\1{6,}|0?123456789?0?)$"
)
"""Digits of numbers that are kept for films, or that are typed to fill a field."""
_REACHABLE = re.compile(r"^(?:[@#][\w.-]+|https?://\S+|\S+@\S+\.\S+|(?:sip|tel|mailto|slack|msteams):\S+)$")
DIGITS_AT_LEAST = 7


def _contact(value: object) -> object:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise ValueError("a contact is text: put the number in quotes")  # noqa: TRY004  pydantic reports ValueError
    # A phone number and a mail address are masked in all output; a link or the name of a channel is nobody's secret.
    return Secret(value, remembered=bool(_PERSONAL.search(value)))


Contact = Annotated[Secret, BeforeValidator(_contact)]


def is_undecided(text: str) -> bool:
    """Check whether a text stands for one that is still to come: TBD, name here, <name>."""
    written = text.strip()
    return not written or bool(_UNDECIDED.search(written))


def without_contacts(text: str) -> str:
    """Return a name as it may be shown: some systems put a mail address or a number in its place."""
    return _PERSONAL.sub(MASK, " ".join(text.split()))


def what_is_wrong_with(contact: str) -> str:
    """Return why nobody can be reached so; the empty text where somebody may be. The contact itself is not shown."""
    text = contact.strip()
    # The digits of an extension (ext 12) belong to no number.
    digits = re.sub(r"\D", "", text.partition("ext")[0])

    if is_undecided(text):
        return "a placeholder"
    if _RESERVED.search(text):
        return "at a domain that is reserved for examples"

    # Digits in a mail address or a link are no phone number.
    is_number = "@" not in text and "://" not in text
    if is_number and _FICTITIOUS.match(digits):
        return "a number that is reserved for examples"

    if len(digits) < DIGITS_AT_LEAST and not _REACHABLE.match(text):
        return "no phone number, mail address, link or channel"
    return ""


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

    file: Path | None = None
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
