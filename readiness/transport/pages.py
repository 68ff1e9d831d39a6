"""Whether a list that a service answered is all of it: what a second page hides is not seen, and so is no pass."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from readiness.redaction.shown import shown
from readiness.transport.answer import Answer

_LINK_TO_NEXT = re.compile(r'rel="?next\b')
_HAS_MORE = {"has_more", "hasMore", "has_next", "hasNext", "hasNextPage", "more", "truncated", "isTruncated"}
_NEXT = {"next_cursor", "nextCursor", "next_page", "nextPage", "nextPageToken", "next_page_token", "nextToken"}
_NEXT |= {"next_token", "nextLink", "@odata.nextLink", "next_url", "next_page_url"}
_ADDRESS = {"next"}
"""What may also mean something else: it counts where it is an address, or holds one."""
_TOTAL = {"total", "total_count", "totalCount", "totalResults", "total_results", "total_entries"}
_WRAPPERS = {"meta", "metadata", "pagination", "paging", "page", "page_info", "pageInfo", "links", "_links"}


def why_not_whole(answer: Answer, document: Any, rows: int) -> str:
    """Return by what an answer says that there is more of a list than these rows; empty where nothing says so."""
    if _LINK_TO_NEXT.search(answer.headers.get("link", "")):
        return "its Link header names a next page"
    for place, fields in _about_the_page(document):
        for key, value in fields.items():
            if _says_more(key, value, rows):
                return f"its {place}{key} is {shown(str(value), 60)!r}"
    return ""


def _about_the_page(document: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the objects of a document that may say something of its pages, each with the place of its keys."""
    if not isinstance(document, dict):
        return
    yield "", document
    for name in sorted(_WRAPPERS & document.keys()):
        if isinstance(document[name], dict):
            yield f"{name}.", document[name]


def _says_more(key: str, value: Any, rows: int) -> bool:
    if key in _HAS_MORE:
        return value is True
    if key in _NEXT:
        return bool(value)
    if key in _ADDRESS:
        address = value.get("href") if isinstance(value, dict) else value
        return isinstance(address, str) and address.startswith(("http", "/", "?"))
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return key in _TOTAL and is_count and value > rows
