"""One answer, parsed by geventhttpclient's C parser as its bytes come in."""

from __future__ import annotations

from geventhttpclient._parser import HTTPParseError, HTTPResponseParser

from readiness.files import gzip_members

BYTES_KEPT = 4_000_000
"""Of a body; what comes beyond it is counted and let go. Hundreds of users share this process's memory."""
_FINAL = 200  # what comes with a lower status is followed by the answer

__all__ = ["HTTPParseError", "Reply"]


class Reply(HTTPResponseParser):
    """Status, headers (names in lower case) and body. The hooks (`_on_...`) are called by the parser."""

    def __init__(self, *, bodiless: bool = False) -> None:
        super().__init__()
        self._bodiless = bodiless
        self._complete = False
        self._in_value = True
        """The parser was last in a header's value: the next piece of a name begins a header."""
        self._lines: list[list[str]] = []
        """Name and value of each header line, as they came."""
        self._body: list[bytes] = []
        self._size = 0

    def _on_status(self, _text: str) -> None:
        pass

    def _on_message_begin(self) -> None:
        self._complete, self._in_value, self._lines = False, True, []

    def _on_header_field(self, text: str) -> None:
        if self._in_value:
            self._lines.append([text, ""])
            self._in_value = False
        else:
            self._lines[-1][0] += text

    def _on_header_value(self, text: str) -> None:
        self._in_value = True
        self._lines[-1][1] += text

    def _on_headers_complete(self) -> bool:
        return self._bodiless

    def _on_body(self, part: bytearray) -> None:
        self._size += len(part)
        if self._size <= BYTES_KEPT:
            self._body.append(bytes(part))

    def _on_message_complete(self) -> None:
        self._complete = True

    @property
    def complete(self) -> bool:
        """Whether all of the answer is there."""
        return self._complete and self.get_code() >= _FINAL

    @property
    def status(self) -> int:
        """The status code."""
        return self.get_code()

    def header(self, name: str) -> str:
        """Return a header (lower case); the empty string where there is none."""
        return next((value for key, value in self._lines if key.lower() == name), "")

    def headers(self, name: str) -> list[str]:
        """Return every line of a header."""
        return [value for key, value in self._lines if key.lower() == name]

    @property
    def size(self) -> int:
        """Bytes of the body as they came."""
        return self._size

    def content(self) -> bytes:
        """Return the body, unpacked. Raises ValueError, always in the same words, where it is damaged or too large."""
        if self._size > BYTES_KEPT:
            raise ValueError(f"the answer has more than {BYTES_KEPT:,} bytes, and is not looked into")
        body = b"".join(self._body)
        if self.header("content-encoding") != "gzip":
            return body
        try:
            return gzip_members.unpack(body, BYTES_KEPT)
        except gzip_members.TooLarge:
            raise ValueError(f"the answer unpacks to more than {BYTES_KEPT:,} bytes") from None
        except gzip_members.NotUnpacked:
            raise ValueError("the answer is not gzip as it says") from None
