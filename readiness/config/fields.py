"""What the sections of an environment file are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from readiness import timeline
from readiness.config.documents import Loc
from readiness.redaction.secret import Secret


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:  # not told: another variable's secret may be in it
        raise ValueError("this is not an http or https address such as https://host; is it the right variable?")
    if parts.username or parts.password:
        raise ValueError("an address carries no user or password here; give a token")
    return text.rstrip("/")


def _instant(value: object) -> object:
    if isinstance(value, datetime):
        value = value.isoformat()
    return timeline.parse_instant(value) if isinstance(value, str) else value


def _day(value: object) -> object:
    if isinstance(value, datetime):
        value = value.isoformat()  # an instant is not a day: which one it is depends on where one stands
    return timeline.parse_day(value) if isinstance(value, str) else value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such zone; no name of one; a folder of zones
        raise ValueError(f"{name!r} is no time zone known here; write an IANA name, as Asia/Tokyo") from None
    return name


def _secret(value: object) -> object:
    if not isinstance(value, Secret):
        raise ValueError("a secret comes from ${VARIABLE} or from file:/path/of/it, never from this file")  # noqa: TRY004
    return value


Url = Annotated[str, AfterValidator(_url)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Zone = Annotated[str, AfterValidator(_zone)]
Day = Annotated[date, BeforeValidator(_day)]
SecretReference = Annotated[Secret, BeforeValidator(_secret)]
Seconds = Annotated[float, Field(gt=0, le=600)]
STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
"""How a section takes its keys: none that it does not know."""
_ADDRESSES = {"url", "http", "server"}
"""The keys that hold one, in whatever section they stand."""


def addresses(section: BaseModel, loc: Loc = ()) -> Iterator[tuple[Loc, str]]:
    """Give every address that a section names, and those that are named within it."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        within = value.items() if isinstance(value, Mapping) else [(None, value)]
        for key, one in within:
            place = (*loc, name) if key is None else (*loc, name, key)
            if isinstance(one, BaseModel):
                yield from addresses(one, place)
            elif name in _ADDRESSES and one is not None:
                address = one.reveal() if isinstance(one, Secret) else one
                if not address.startswith("/"):
                    yield place, address
