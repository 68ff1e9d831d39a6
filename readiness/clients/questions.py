"""A question by HTTP as an environment states it: by GET, or by a POST that only reads."""

from __future__ import annotations

from typing import Any

from readiness.config.graphql_operation import page_sizes
from readiness.config.sqlite_tables import row_limits
from readiness.environment.posts import ByHttp, Post
from readiness.environment.spans import Values, filled, filled_address, filled_pointer
from readiness.outcomes import Effect, Unknown
from readiness.redaction.shown import shown
from readiness.transport.answer import Answer, at_pointer
from readiness.transport.http import Http
from readiness.transport.pages import why_not_whole

MESSAGE_SHOWN = 160
_NOT_ALLOWED = {"authz", "authentication", "FORBIDDEN", "UNAUTHENTICATED"}
"""Codes of GraphQL errors that say that the token, or the plan, does not reach so far."""
_ENVELOPE = {"success", "errors", "result"}
"""The keys of all answers of Cloudflare's API."""
_CHANGES = ("changed_db", "changes", "rows_written")
"""What D1 says of a statement that wrote: yes, how many rows it changed, how many it wrote with those of indexes."""


def asked(http: Http, source: ByHttp, values: Values, what: str) -> tuple[Answer, Any]:
    """Return the answer to a source's question, and its JSON; `what` names the source. Raises Unknown.

    A status of 200 is no success yet: GraphQL and Cloudflare say in the document what has failed.
    """
    url = filled_address(source.http or "", values)
    if source.post is None:
        answer = http.get(url, token=source.token, headers=source.headers)
        document = answer.expect(200).json()
        _require_complete(document, answer.url, what)
        return answer, document

    # Not followed: a redirect makes another question of what was sent, and would carry it elsewhere.
    content = source.post.content(values)
    answer = http.send(
        "POST", url, effect=Effect.READ, token=source.token, headers=source.headers, json=content, follow=False
    )
    document = answer.expect(200).json()
    _require_complete(document, answer.url, what)
    _require_success(source.post, document, answer.url, what)
    return answer, document


def found(source: ByHttp, answer: Answer, document: Any, values: Values, what: str) -> Any:
    """Return what an answer has at the source's pointer. Raises Unknown, also for a page of a longer list."""
    value = at_pointer(document, filled_pointer(source.pointer, values))
    rows = _length(value)
    if rows is None:
        return value

    hidden = why_not_whole(answer, document, rows) or _why_perhaps_more(source.post, rows, values)
    if hidden:
        raise Unknown(
            f"{what} has {rows} entries, and there are more: {hidden}",
            "ask for all in one page (such as ?per_page=1000), or for a count of them",
        )
    return value


def total(rows: Any, pointer: str, what: str) -> float:
    """Return the sum of what stands at a pointer in each entry of a list; of an empty one 0. Raises Unknown."""
    if not isinstance(rows, list):
        raise Unknown(
            f"{what} is no list to add up, but {type(rows).__name__}", "correct its pointer, or leave out sum"
        )
    numbers = [at_pointer(row, pointer) for row in rows]
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise Unknown(f"{what} has {shown(str(number), 60)!r} at {pointer}, which is no number", "correct sum")
    return float(sum(numbers))


def _length(value: Any) -> int | None:
    """Return how many entries a list has, or an object of objects, which is taken for one; None for anything else."""
    is_object_of_objects = (
        isinstance(value, dict) and bool(value) and all(isinstance(row, dict) for row in value.values())
    )
    return len(value) if isinstance(value, list) or is_object_of_objects else None


def _why_perhaps_more(post: Post | None, rows: int, values: Values) -> str:
    """Return why a list may have been cut: it is as long as a limit of its query. Empty where it is shorter."""
    if post is None:
        return ""
    if post.graphql is not None:
        sizes = page_sizes(post.graphql, filled(post.variables, values))
        return f"its query has the limit {rows}" if rows in sizes else ""
    if post.d1 is not None:
        limits = row_limits(post.d1, filled(post.params, values))
        if None in limits:
            return "perhaps, as the limit of its statement is no plain number"
        return f"its statement has the limit {rows}" if rows in limits else ""
    return ""


def _require_complete(document: Any, url: str, what: str) -> None:
    """Raise Unknown where a search says that it has given up before its end, as GitHub's does."""
    if isinstance(document, dict) and document.get("incomplete_results") is True:
        raise Unknown(f"{url} says that its results for {what} are incomplete", "run again, or ask for a shorter time")


def _require_success(post: Post, document: Any, url: str, what: str) -> None:
    """Raise Unknown where a document says that it is no answer."""
    if not isinstance(document, dict):
        if post.body is None:
            raise Unknown(f"{url} answered no JSON object to {what}", "is it the right address?")
        return

    errors = document.get("errors")
    # A body of a team's own may have a field of this name that means something else.
    if errors and (post.body is None or set(document) >= _ENVELOPE):
        message, is_not_allowed = _error_of(errors)
        remedy = "may the token, and the plan, ask this? else correct the question"
        raise Unknown(
            f"{url} answered an error to {what}: {message}", remedy if is_not_allowed else "correct the question"
        )
    if post.graphql is not None and document.get("data") is None:
        raise Unknown(f"{url} answered {what} without data", "is it the address of GraphQL?")
    if post.d1 is not None:
        _require_read(document, url, what)


def _error_of(errors: Any) -> tuple[str, bool]:
    """Return the first error's message, and whether it says that this may not be asked."""
    first = errors[0] if isinstance(errors, list) else errors
    if not isinstance(first, dict):
        return shown(str(first), MESSAGE_SHOWN), False
    extensions = first.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return shown(str(first.get("message") or code or "without a message"), MESSAGE_SHOWN), code in _NOT_ALLOWED


def _has_changed(meta: Any) -> bool:
    """Check whether what D1 says of a statement has it that something was written."""
    return isinstance(meta, dict) and any(meta.get(key) for key in _CHANGES)


def _require_read(document: dict[str, Any], url: str, what: str) -> None:
    """Raise Unknown where D1 says that a statement failed, or that it has changed something."""
    results = document.get("result")
    statements = results if isinstance(results, list) else []
    every_success = [document.get("success"), *(each.get("success") for each in statements if isinstance(each, dict))]
    if not statements or any(success is not True for success in every_success):
        raise Unknown(
            f"{url} did not answer {what} with success", "is it the address of D1's query, and the right token?"
        )
    if any(_has_changed(each.get("meta")) for each in statements):
        raise Unknown(
            f"{url} says that {what} has changed the database", "take it away, and give the token D1 read only"
        )
