"""What the sections of an environment file are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from readiness import timeline
from readiness.config.documents import Loc
from readiness.redaction.secret import Secret


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # brackets that are no IPv6 address, a port that is none
        parts, port = urlsplit(""), None

    # The text itself is not shown: where the variables are mixed up, it is a secret.
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or not _WRITTEN.fullmatch(text):
        raise ValueError("this is not an http or https address such as https://host; is it the right variable?")
    if "@" in parts.netloc:
        raise ValueError("an address carries no user or password here; give a token")
    return text.rstrip("/")


def _base(text: str) -> str:
    """Return an address that paths are put behind; a query or a fragment would swallow them."""
    text = _url(text)
    for mark in "?#":
        if mark in text:
            raise ValueError(f"paths are put behind this address, and a {mark} would swallow them; leave it out")
    return text


def _host(text: str) -> str:
    """Return a host as hosts are compared: in lower case, without the dot of a full name and IPv6's brackets."""
    if text.startswith("/"):  # the folder of a socket, which PostgreSQL's library takes for a host
        return text
    bare = text.removeprefix("[").removesuffix("]") if ":" in text else text.removesuffix(".")
    if not _HOST.fullmatch(bare):
        raise ValueError(f"{text!r} is no host: write it alone, with no scheme, port, path or star")
    return bare.lower()


def _path(value: object) -> object:
    # Python takes no name for the folder that a command is started in.
    if isinstance(value, str) and not value.strip():
        raise ValueError("no path stands here; write one, or leave the key out; is the variable empty?")
    return value


def _instant(value: object) -> object:
    _refuse_number(value, "2026-12-01T09:00:00Z")
    if isinstance(value, datetime):
        value = value.isoformat()
    return timeline.of_a_year_that_matters(timeline.parse_instant(value)) if isinstance(value, str) else value


def _refuse_number(value: object, example: str) -> None:
    """Raise ValueError for a number, which pydantic takes for the seconds since 1970."""
    if isinstance(value, int | float):
        raise ValueError(f"a text such as {example} is wanted, not {value}")  # noqa: TRY004  pydantic reports ValueError


def _day(value: object) -> object:
    _refuse_number(value, "2026-12-01")
    # An instant is not a day: which one it is depends on the zone. As text it is refused with its own message.
    if isinstance(value, datetime):
        value = value.isoformat()
    return timeline.parse_day(value) if isinstance(value, str) else value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such zone; no name of one; a folder of zones
        raise ValueError(f"{name!r} is no time zone known here; write an IANA name, as Asia/Tokyo") from None
    return name


def _secret(value: object) -> object:
    if not isinstance(value, Secret):
        raise ValueError("a secret comes from ${VARIABLE} or from file:/path/of/it, never from this file")  # noqa: TRY004  pydantic reports ValueError
    return value


_WRITTEN = re.compile(r"[!-\[\]-~\u00a1-\U0010ffff]+")
"""What an address is written with: no blank and no control character, and no backslash, which some read as a slash."""
Url = Annotated[str, AfterValidator(_url)]
"""A whole address, such as that of a page; it may have a query, and a fragment that no server is sent."""
BaseUrl = Annotated[str, AfterValidator(_base)]
"""The address of a system: each request adds a path to it."""
_HOST = re.compile(r"[^\s/:@?#*,\[\]\\]+|(?=[^:]*:[^:]*:)[0-9A-Fa-f:.]+(?:%\w+)?")
"""A name, an address of IPv4, or one of IPv6, which has two colons at least."""
Host = Annotated[str, AfterValidator(_host)]
UNLESS_EMPTY = BeforeValidator(lambda value: None if value == {} else value)
"""Of a section in which all may be left out, and is: it says no more than none."""
StatedPath = Annotated[Path, BeforeValidator(_path)]
"""The name of a file or a folder."""
Instant = Annotated[datetime, BeforeValidator(_instant)]
Zone = Annotated[str, AfterValidator(_zone)]
Day = Annotated[date, BeforeValidator(_day)]
SecretReference = Annotated[Secret, BeforeValidator(_secret)]
AgeSeconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""How old something may be."""
Seconds = Annotated[float, Field(gt=0, le=600)]
STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
"""The configuration of each section: a key that it does not know is a mistake, never ignored."""


@dataclass(frozen=True)
class AsWritten:
    """Marks a text in which no variable may stand, and says why."""

    why: str


_ADDRESSES = {"url", "http", "server", "controls"}
"""The keys that hold an address, in whatever section."""
_FREE_KEYS = {
    "approvers",
    "body",
    "evidence",
    "headers",
    "json",
    "labels",
    "lines",
    "not_applicable",
    "owners",
    "variables",
}
"""The keys below which the names are anybody's."""


def addresses(section: BaseModel, loc: Loc = ()) -> Iterator[tuple[Loc, str]]:
    """Yield every address that a section names, and those of the sections within it, each with its place."""
    for name in type(section).model_fields:
        for place, value in _values(getattr(section, name), (*loc, name)):
            if isinstance(value, BaseModel):
                yield from addresses(value, place)
            elif name in _ADDRESSES and value is not None:
                address = value.reveal() if isinstance(value, Secret) else value
                # A path of the target is no address of its own.
                if not address.startswith("/"):
                    yield place, address


def stated_addresses(data: object, loc: Loc = ()) -> Iterator[tuple[Loc, str]]:
    """Yield every address that a file names by its text, before any variable is filled in.

    >>> list(stated_addresses({"target": {"url": "http://shop.example", "headers": {"server": "http://x.example"}}}))
    [(('target', 'url'), 'http://shop.example')]
    """
    if isinstance(data, dict):
        for key, value in data.items():
            if key not in _FREE_KEYS:
                yield from stated_addresses(value, (*loc, str(key)))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from stated_addresses(value, (*loc, index))
    elif isinstance(data, str) and _is_address(data, loc):
        yield loc, data


def _is_address(text: str, loc: Loc) -> bool:
    key = next((part for part in reversed(loc) if isinstance(part, str)), "")
    return key in _ADDRESSES and text.startswith(("http://", "https://")) and "${" not in text


def _values(value: object, loc: Loc) -> Iterator[tuple[Loc, Any]]:
    """Yield the values of a mapping or a list, or the one value where it is neither."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield (*loc, key), part
    elif isinstance(value, tuple):
        for index, part in enumerate(value):
            yield (*loc, index), part
    else:
        yield loc, value
