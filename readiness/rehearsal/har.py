"""A browser's recording, as a HAR file holds it (HTTP Archive 1.2); what we have no use for is not read."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from email import message_from_string
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from readiness.errors import BadInput
from readiness.files import bounded_read, strict_json
from readiness.measurements import is_digits

BYTES_AT_MOST = 256_000_000
"""A recording has the bodies of all answers, pictures included."""
STATIC_KINDS = {"font", "image", "manifest", "media", "script", "stylesheet", "texttrack"}
"""Chromium's names of what a browser keeps, or has from a CDN."""
_STATIC_TYPES = ("image/", "font/", "video/", "audio/", "text/css", "text/javascript", "application/javascript")


FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


_HEADERS_OF_A_STREAM = re.compile(r"\A(?:Content-[A-Za-z]+:[^\r\n]*\r?\n)+\r?\n")


class _Part(BaseModel):
    # Browsers and tools add keys of their own, and leave out what they do not know.
    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, data: Any) -> Any:
        """Return what was stated: some tools write null for what they do not know."""
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


class Pair(_Part):
    """A header or a cookie."""

    name: str
    value: str = ""


class FormField(_Part):
    """A field of a form; of a file the recording may have the name alone."""

    name: str = ""
    value: str | None = None
    file_name: Annotated[str | None, Field(alias="fileName")] = None
    content_type: Annotated[str | None, Field(alias="contentType")] = None


class Body(_Part):
    """What was sent: as text, as the fields of a form, or both."""

    type: Annotated[str, Field(alias="mimeType")] = ""
    text: str | None = None
    fields: Annotated[tuple[FormField, ...], Field(alias="params")] = ()
    encoding: str | None = None

    @field_validator("text")
    @classmethod
    def _without_headers(cls, text: str | None) -> str | None:
        """Return what was sent without the headers of the stream that it came from, which Firefox writes before it."""
        return _HEADERS_OF_A_STREAM.sub("", text) if text else text

    @property
    def media_type(self) -> str:
        """The type without its parameters: `application/json`."""
        return self.type.partition(";")[0].strip().lower()

    @property
    def parts(self) -> list[tuple[str, str]]:
        """The fields of a form, however the recording has them: name and value. Of a file that is not there none."""
        # Some tools write an empty text beside the fields.
        if self.media_type == FORM and self.text:
            return parse_qsl(self.text, keep_blank_values=True)
        if self.media_type == MULTIPART and self.text:
            return list(_parts_of(self.type, self.text))
        return [(one.name, one.value) for one in self.fields if one.value is not None]


class Request(_Part):
    """What the browser asked for."""

    method: str
    url: str
    headers: tuple[Pair, ...] = ()
    cookies: tuple[Pair, ...] = ()
    """Proxies and some browsers have them here alone."""
    body_size: Annotated[int, Field(alias="bodySize")] = -1
    body: Annotated[Body | None, Field(alias="postData")] = None

    @property
    def host(self) -> str:
        """The host that was asked, without its port and as it stands on the wire; empty where the address has none."""
        try:
            return as_on_the_wire(urlsplit(self.url).hostname or "")
        except ValueError:
            return ""

    @property
    def lacks_its_body(self) -> bool:
        """Whether something was sent that the recording has not: browsers leave out what came from a file."""
        sizes = [header.value for header in self.headers if header.name.lower() == "content-length"]
        was_sent = self.body_size > 0 or any(is_digits(size) and int(size) for size in sizes)
        return was_sent and (self.body is None or not (self.body.text or self.body.fields))

    @property
    def path(self) -> str:
        """The path with the query, as it stands on the wire."""
        parts = urlsplit(self.url)
        return f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"


class Content(_Part):
    """The body of an answer."""

    type: Annotated[str, Field(alias="mimeType")] = ""
    text: str | None = None
    encoding: str | None = None


class Response(_Part):
    """What came back; the status is 0 or negative where the browser gave up."""

    status: int = 0
    headers: tuple[Pair, ...] = ()
    cookies: tuple[Pair, ...] = ()
    content: Content = Content()


class Entry(_Part):
    """One request and its answer."""

    request: Request
    response: Response | None = None
    """None where a tool or a person wrote down only what to send."""
    kind: Annotated[str, Field(alias="_resourceType")] = ""

    @property
    def is_web_socket(self) -> bool:
        """Whether it opened a connection that stays open in both directions."""
        is_upgraded = self.response is not None and self.response.status == HTTPStatus.SWITCHING_PROTOCOLS
        return is_upgraded or self.kind == "websocket" or self.request.url.lower().startswith(("ws://", "wss://"))

    @property
    def is_event_stream(self) -> bool:
        """Whether the answer goes on for as long as somebody listens."""
        answered = self.response.content.type if self.response else ""
        return self.kind == "eventsource" or answered.startswith("text/event-stream")

    @property
    def is_static(self) -> bool:
        """Whether it is a file that a browser keeps."""
        answered = self.response.content.type if self.response else ""
        return self.kind in STATIC_KINDS or (not self.kind and answered.startswith(_STATIC_TYPES))


class _Log(_Part):
    entries: tuple[Entry, ...]


class _Recording(_Part):
    log: _Log


def as_on_the_wire(host: str) -> str:
    """Return a host as requests name it: in small letters, in ASCII, without brackets and without the last dot.

    >>> as_on_the_wire("Bücher.example."), as_on_the_wire("[::1]")
    ('xn--bcher-kva.example', '::1')
    """
    plain = host.strip("[]").rstrip(".").lower()
    try:
        return plain.encode("idna").decode("ascii")
    except UnicodeError:  # no name that DNS knows, and then it is nobody's
        return plain


def _parts_of(content_type: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each part of a form in several parts (RFC 7578)."""
    message = message_from_string(f"Content-Type: {content_type}\n\n{text}")
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload()
        if isinstance(name, str) and isinstance(value, str):
            yield name, value


def _in_utf_8(content: bytes) -> bytes:
    """Return a document without the mark of its bytes' order: Windows' shell writes UTF-16. Raises UnicodeError."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16").encode("utf-8")
    return content.removeprefix(codecs.BOM_UTF8)


def read(path: Path) -> tuple[Entry, ...]:
    """Return the requests of a recording, in their order. Raises BadInput for what is no HAR."""
    try:
        content = bounded_read.read_bytes(path, BYTES_AT_MOST)
        document = strict_json.parse(_in_utf_8(content))
        entries = _Recording.model_validate(document).log.entries
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise BadInput(
            [f"{path.name} is no HAR: {place} is missing, or is something else than HAR 1.2 has there"]
        ) from None
    except (OSError, ValueError) as error:
        raise BadInput([f"{path.name} cannot be read as a HAR: {error}"]) from None
    if not entries:
        raise BadInput([f"{path.name} has no request: record again with the network tab open, and save it as HAR"])
    return entries
