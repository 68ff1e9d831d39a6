"""An HTTP answer: bytes that came whole, and the only ways to make a value of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from readiness.errors import nearest
from readiness.outcomes import Unknown
from readiness.transport.strict_json import parse_json

KEYS_SHOWN, KEY_SHOWN = 8, 40

_REMEDIES = {
    401: "the token is missing, wrong or expired: renew the probe's token",
    402: "the plan does not include this: decide the line by hand",
    403: "the token may not see this: give the probe's account the permission to read it",
    404: "is the address right? some vendors answer 404 for what a token may not see",
    410: "this has been taken away: look for its successor in the vendor's documentation",
    429: "asked too often: wait, then run again",
}


@dataclass(frozen=True)
class Answer:
    """What came back, whole and within the deadline."""

    url: str
    """Where it came from in the end, without what may be secret."""
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    """From the first byte sent to the last received, connecting and redirects included."""
    redirects_to: str = ""
    """Where it sends us, if it was not to be followed, without what may be secret."""

    def text(self) -> str:
        """Decode the body. Raises Unknown."""
        try:
            return self.body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Unknown(f"{self.url} answered what is not UTF-8 text", "is it the right address?") from None

    def json(self) -> Any:
        """Parse the body as strict JSON. Raises Unknown for HTML, nothing, NaN and the like."""
        text = self.text()
        if text.lstrip().startswith("<"):
            raise Unknown(
                f"{self.url} answered {self.status} with HTML, not JSON",
                "a sign-in or error page? look at it in a browser",
            )
        return parse_json(text, f"the body of {self.url} (status {self.status})")

    def expect(self, *statuses: int) -> Answer:
        """Return itself, or say what another status means. Raises Unknown; without arguments any 2xx is good."""
        if self.status in statuses or (not statuses and 200 <= self.status < 300):  # noqa: PLR2004  any success
            return self
        after = self.headers.get("retry-after", "")[:KEY_SHOWN]
        raise Unknown(
            f"{self.url} answered {self.status}" + (f" (retry after {after})" if after else ""),
            _REMEDIES.get(self.status) or _remedy(self.status),
        )


def _remedy(status: int) -> str:
    if status >= 500:  # noqa: PLR2004  the server's own failures
        return "the other side fails: look at its status page and log, then run again"
    if 300 <= status < 400:  # noqa: PLR2004  redirects
        return "it sends us elsewhere: set the address where it really is"
    return "is it the right address? compare with the service's description"


def at_pointer(data: Any, pointer: str) -> Any:
    """Follow a JSON pointer (RFC 6901). Raises Unknown that names what is there instead."""
    if pointer and not pointer.startswith("/"):
        raise Unknown(f"{pointer!r} is not a JSON pointer", f"begin it with a slash: /{pointer}")
    here, walked = data, ""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict) and key in here:
            here = here[key]
        elif isinstance(here, list) and _is_index(key) and int(key) < len(here):
            here = here[int(key)]
        else:
            raise Unknown(f"the answer has nothing at {walked}/{part}", f"correct the pointer: {_there(here, key)}")
        walked += f"/{part}"
    return here


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdecimal() and len(key) < 10 and (key == "0" or not key.startswith("0"))  # noqa: PLR2004


def _there(here: Any, key: str) -> str:
    if isinstance(here, dict) and here:
        names = sorted(name if len(name) <= KEY_SHOWN else f"{name[:KEY_SHOWN]}…" for name in here)
        near = nearest(key, names)
        more = f" and {len(names) - KEYS_SHOWN} more" if len(names) > KEYS_SHOWN else ""
        return f"there is {', '.join(names[:KEYS_SHOWN])}{more}" + (f"; did you mean {near}?" if near else "")
    if isinstance(here, list):
        return f"there is a list of {len(here)}"
    return f"there is {'an empty object' if isinstance(here, dict) else type(here).__name__}"


def unpack(raw: bytes, encoding: str, at_most: int, url: str) -> bytes:
    """Undo the content encoding, never to more than `at_most` bytes. Raises Unknown also for what is cut short."""
    if not raw or encoding in {"", "identity"}:
        return raw
    if encoding not in {"gzip", "x-gzip"}:
        raise Unknown(f"{url} answered in the encoding {encoding[:KEY_SHOWN]}, not asked for", "serve gzip or plain")
    body = bytearray()
    while raw:
        stream = zlib.decompressobj(wbits=31)
        try:
            body += stream.decompress(raw, at_most + 1 - len(body))
        except zlib.error:
            raise Unknown(f"{url} answered what is not gzip", "look at the proxy in between") from None
        if len(body) > at_most:
            raise too_large(url, at_most)
        if not stream.eof:
            raise Unknown(f"{url} answered gzip that is cut short", "look at the service's log, then run again")
        raw = stream.unused_data
    return bytes(body)


def too_large(url: str, at_most: int) -> Unknown:
    """Say that a body is larger than this suite takes."""
    return Unknown(
        f"{url} answered more than {at_most:,} bytes", "is it the right address? else raise http.body_bytes_at_most"
    )
