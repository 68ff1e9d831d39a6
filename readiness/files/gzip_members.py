"""Gzip of somebody else, unpacked to a stated size: a small file may unpack to gigabytes, or into endless pieces."""

from __future__ import annotations

import zlib

MEMBERS_AT_MOST = 1_000
"""Gzip may have several members, one after the other (RFC 1952). Tools that write it in blocks make one of each 64 kB;
a hostile answer has a quarter of a million empty ones, and each costs as much as all that follow it."""
_GZIP = 31
"""zlib's `wbits`: a gzip header, and the largest window."""


class NotUnpacked(ValueError):
    """It is no gzip, is cut short, or is in too many pieces; the reason is the text."""


class TooLarge(NotUnpacked):
    """It unpacks to more bytes than stated."""


def unpack(raw: bytes, at_most: int) -> bytes:
    """Return what was packed. Raises NotUnpacked; of it TooLarge, before more than one byte too many is unpacked.

    >>> import gzip
    >>> unpack(gzip.compress(b"a") + gzip.compress(b"b"), 10)
    b'ab'
    """
    body = bytearray()
    for _ in range(MEMBERS_AT_MOST):
        stream = zlib.decompressobj(wbits=_GZIP)
        try:
            body += stream.decompress(raw, at_most + 1 - len(body))
        except zlib.error:
            raise NotUnpacked("what is not gzip") from None
        if len(body) > at_most:
            raise TooLarge(f"more than {at_most:,} bytes")
        if not stream.eof:
            raise NotUnpacked("gzip that is cut short")
        raw = stream.unused_data
        if not raw:
            return bytes(body)
    raise NotUnpacked(f"gzip in more than {MEMBERS_AT_MOST:,} pieces")
