"""Questions by POST: what is listed as a read is sent, and everything else only by the word of whoever wrote it down.

post: {graphql: "query ($zone: string!) { viewer { zones(filter: {zoneTag: $zone}) { id } } }", variables: {zone: z}}
post: {d1: select name from d1_migrations where applied_at > ?, params: [2026-01-01]}
post: {body: {query: {term: {state: failed}}}, reads: a search of the log changes nothing}
"""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import unquote_plus, urlsplit

from pydantic import AfterValidator, BaseModel, Field, model_validator

from readiness.config.fields import STRICT, SecretReference, Url
from readiness.config.graphql_operation import why_no_query
from readiness.config.sqlite_statement import why_it_may_write
from readiness.config.wording import is_sentence
from readiness.environment.spans import Values, filled, places_of
from readiness.redaction.shown import shown

_KINDS = ("graphql", "d1", "body")
_IN_THE_BODY = {
    "graphql": {"query", "mutation", "operationname", "variables", "extensions"},
    "d1": {"sql", "params"},
}
"""Names that a server may take from the address first, and leave what is sent unread."""
_GOES_WITH = {"variables": "graphql", "params": "d1", "reads": "body"}


def _query(document: str) -> str:
    """Return a document that is one query. Raises ValueError."""
    why = why_no_query(document)
    if why:
        raise ValueError(f"{why}; write one query, as `query {{ ... }}`")
    return document


def _statement(statement: str) -> str:
    """Return a statement that reads. Raises ValueError."""
    why = why_it_may_write(statement)
    if why:
        raise ValueError(why)
    return statement


def _reason(text: str) -> str:
    """Return why a request changes nothing. Raises ValueError where it says nothing."""
    if not is_sentence(text):
        raise ValueError(f"{text!r} says nothing; write in a sentence how it is known that the request changes nothing")
    return text


class Post(BaseModel):
    """What is sent. Exactly one of `graphql`, `d1` and `body`."""

    model_config = STRICT

    graphql: Annotated[str, AfterValidator(_query)] | None = None
    """One query; what differs from call to call stands in `variables`."""
    variables: dict[str, Any] = {}
    d1: Annotated[str, AfterValidator(_statement)] | None = None
    """One statement that reads, for Cloudflare's D1; what differs from call to call is a `?` of it."""
    params: tuple[str | int | float, ...] = ()
    body: Annotated[dict[str, Any] | list[Any], Field(min_length=1)] | None = None
    """Any JSON; it needs `reads`."""
    reads: Annotated[str, AfterValidator(_reason)] | None = None
    """How it is known that this request changes nothing: a POST may write, and nothing here can see whether it does."""

    @model_validator(mode="after")
    def _is_one_thing(self) -> Post:
        stated = [name for name in _KINDS if getattr(self, name) is not None]
        if len(stated) != 1:
            raise ValueError(f"a post has one of graphql, d1 and body; here: {', '.join(stated) or 'none'}")
        for name, kind in _GOES_WITH.items():
            if name in self.model_fields_set and kind not in stated:
                raise ValueError(f"{name} goes with {kind}, and here is {stated[0]}")
        if self.body is not None and self.reads is None:
            raise ValueError(
                "a POST may write: say in `reads` how it is known that this one changes nothing"
                ' (reads: "a search, listed as a read in the vendor\'s description")'
            )
        places_of([self.variables, self.params, self.body])
        return self

    @property
    def places(self) -> frozenset[str]:
        """The places in what is sent. The text of a query has none: what differs is a variable of it."""
        return places_of([self.variables, self.params, self.body])

    @property
    def kind(self) -> str:
        """What is sent, for a person: a query by the rules of its language, or by whose word it changes nothing."""
        if self.reads is not None:
            return f"reads: {self.reads}"
        return "a query of GraphQL" if self.graphql is not None else "a statement of D1 that reads"

    def content(self, values: Values) -> Any:
        """Return the JSON that is sent."""
        if self.graphql is not None:
            return {"query": self.graphql, "variables": filled(self.variables, values)}
        if self.d1 is not None:
            return {"sql": self.d1, "params": filled(self.params, values)}
        return filled(self.body, values)


def _asked_by_address(address: str, post: Post) -> str:
    """Return the first parameter of an address that means what a query is sent as; empty for none."""
    names = next((names for kind, names in _IN_THE_BODY.items() if getattr(post, kind) is not None), set[str]())
    for part in re.split("[&;]", urlsplit(address).query):
        name = unquote_plus(part.partition("=")[0])
        # Some servers read `query[]` and `query[a]` as parts of `query`.
        if name.partition("[")[0].strip().lower() in names:
            return shown(name)
    return ""


class ByHttp(BaseModel):
    """The keys of a source that is asked by HTTP, beside its address `http`."""

    model_config = STRICT

    http: Url | None = None
    """A JSON answer; `pointer` (RFC 6901) finds the value in it."""
    post: Post | None = None
    """What is asked by POST; without it the address is asked by GET."""
    pointer: str = ""
    token: SecretReference | None = None
    headers: dict[str, str] = {}

    @model_validator(mode="after")
    def _posts_somewhere(self) -> ByHttp:
        if self.post is not None and self.http is None:
            raise ValueError("post needs http, the address that it is sent to")
        asked_besides = _asked_by_address(self.http or "", self.post) if self.post else ""
        if asked_besides:
            raise ValueError(
                f"the address has {asked_besides}, which a server may take instead of what is sent; leave it out there"
            )
        return self

    @property
    def places_of_http(self) -> frozenset[str]:
        """The places in the address and in what is sent. Raises ValueError for a name that is none."""
        places = places_of(self.http or "")
        return places | self.post.places if self.post else places
