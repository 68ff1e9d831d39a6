"""What is sent with a question, as it may be shown: the text of a query first, what goes with it second, no secret."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from readiness.outcomes import Effect
from readiness.redaction.secret import MASK, names_a_secret
from readiness.redaction.shown import shown

_TEXTS = ("query", "sql")
"""The keys under which GraphQL and D1 take what is asked."""
_ALSO_SECRET = {"authorization", "proxy-authorization", "signature", "sig"}
_NAMED_TEXT = re.compile(
    r"""(?P<name>[A-Za-z_][\w-]*)(?P<is>["'`\]]?\s*(?:[:=]|<>|!=|\blike\b|\bis\b)\s*)"""
    r"""(?P<text>\"{3}.*?(?:\"{3}|\Z)|"(?:[^"\\]|\\.)*(?:"|\Z)|'(?:[^']|'')*(?:'|\Z))""",
    re.DOTALL | re.ASCII | re.IGNORECASE,
)
"""A text behind a name, in GraphQL (`login(password: "...")`) and in SQL (`token = '...'`)."""


def shown_body(content: Any) -> str:
    r"""Return the JSON that is sent, for people; empty where nothing is sent.

    >>> shown_body({"sql": "select count(*)\n from orders where at > ?", "params": ["2026-12-01"]})
    'select count(*) from orders where at > ? with {"params": ["2026-12-01"]}'
    >>> shown_body({"query": {"match_all": {}}, "apiKey": "of-the-shop"})
    '{"query": {"match_all": {}}, "apiKey": "***"}'
    """
    if content is None:
        return ""
    text_key = _text_key(content)
    if text_key is None:
        return shown(_as_json(content))

    text = shown_query(content[text_key])
    rest = {name: value for name, value in content.items() if name != text_key and value not in (None, {}, [], ())}
    return f"{text} with {shown(_as_json(rest))}" if rest else text


def with_body(address: str, content: Mapping[str, Any], effect: Effect) -> str:
    """Return what is asked at a shown address, with the JSON that is sent there; what is written is no question.

    >>> with_body("POST /query", {"json": {"sql": "select 1"}}, Effect.READ)
    'POST /query: select 1'
    """
    sent = content.get("json") if effect is Effect.READ else None
    return address if sent is None else f"{address}: {shown_body(sent)}"


def shown_query(text: str) -> str:
    """Return the text of a query, for people."""
    return shown(_NAMED_TEXT.sub(_masked, text))


def _text_key(content: Any) -> str | None:
    """Return under which key the text of a query stands; None where all is plain JSON."""
    if not isinstance(content, Mapping):
        return None
    return next((key for key in _TEXTS if isinstance(content.get(key), str)), None)


def _masked(match: re.Match[str]) -> str:
    return f"{match['name']}{match['is']}{MASK}" if _is_secret(match["name"]) else match[0]


def _as_json(content: Any) -> str:
    return json.dumps(_without_secrets(content), ensure_ascii=False, default=str)


def _without_secrets(value: Any) -> Any:
    """Return plain JSON with what stands behind the name of a secret masked, of whatever kind it is."""
    if isinstance(value, list | tuple):
        return [_without_secrets(part) for part in value]
    if not isinstance(value, Mapping):
        return value

    parts = {str(name): MASK if _is_secret(str(name)) else _without_secrets(part) for name, part in value.items()}
    # A header or a parameter may be two fields: its name, and what it holds.
    if any(isinstance(value.get(name), str) and _is_secret(value[name]) for name in ("name", "key", "header")):
        parts |= {name: MASK for name in ("value", "values", "content") if name in parts}
    return parts


def _is_secret(name: str) -> bool:
    return names_a_secret(name) or name.lower() in _ALSO_SECRET
