"""What is sent with a question is shown masked, then cut, then on one line.

To add a row, write what is sent and how it is shown.
"""

from __future__ import annotations

from typing import Any

import pytest

from readiness.provenance import Asked, is_answer_to
from readiness.redaction.secret import Secret
from readiness.redaction.shown import LETTERS_AT_MOST
from readiness.transport.shown_body import shown_body, shown_query

KNOWN = Secret("known-secret-of-a-body").reveal()
HIDDEN = "hunter2-of-the-shop"
SHOWN: dict[str, tuple[Any, str]] = {
    "nothing": (None, ""),
    "a query alone": ({"query": "query { viewer { id } }", "variables": {}}, "query { viewer { id } }"),
    "a query of several lines": ({"query": "query {\n  viewer\n}"}, "query { viewer }"),
    "a query with variables": (
        {"query": "query ($zone: String!) { z }", "variables": {"zone": "a"}},
        'query ($zone: String!) { z } with {"variables": {"zone": "a"}}',
    ),
    "a statement with parameters": (
        {"sql": "select 1 from t where a = ?", "params": [0, "x"]},
        'select 1 from t where a = ? with {"params": [0, "x"]}',
    ),
    "a search, whose query is no text": (
        {"query": {"term": {"state": "failed"}}},
        '{"query": {"term": {"state": "failed"}}}',
    ),
    "a list": ([{"metric": "errors"}], '[{"metric": "errors"}]'),
    "letters that turn the line": ({"sql": "select '\u202eabc\x1b[8m'"}, "select ' abc [8m'"),
}
MASKED: dict[str, Any] = {
    "a known secret in a variable": {"query": "query { a }", "variables": {"of": KNOWN}},
    "a known secret in a parameter": {"sql": "select ?", "params": [KNOWN]},
    "a known secret in the text": {"query": f'query {{ a(of: "{KNOWN}") }}'},
    "a known secret as a name": {"body": {KNOWN: 1}},
    "a known secret at the cut": {"sql": f"select '{'a' * (LETTERS_AT_MOST - 15)}{KNOWN}'"},
    "a name that is secret": {"query": "query { a }", "variables": {"apiKey": HIDDEN}},
    "within a variable": {"query": "query { a }", "variables": {"with": [{"password": HIDDEN}]}},
    "whole parts behind a secret name": {"credentials": {"of": [HIDDEN]}},
    "a header of two fields": {"headers": [{"name": "Authorization", "value": HIDDEN}]},
    "an argument of the text": {"query": f'query {{ a(password: "{HIDDEN}", first: 1) }}'},
    "a block string": {"query": f'query {{ a(apiToken: """{HIDDEN}""") }}'},
    "an argument that holds a quote": {"query": f'query {{ a(secret: "\\"{HIDDEN}") }}'},
    "a condition of SQL": {"sql": f"select 1 from t where api_token = '{HIDDEN}'"},
    "a condition with a quoted name": {"sql": f"select 1 from t where \"password\" <> 'it''s {HIDDEN}'"},
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_body_is_shown_for_people(name: str) -> None:
    sent, told = SHOWN[name]
    assert shown_body(sent) == told


@pytest.mark.parametrize("name", MASKED)
def test_a_body_shows_no_secret(name: str) -> None:
    told = shown_body(MASKED[name])
    assert KNOWN[:8] not in told
    assert HIDDEN[:8] not in told
    assert "***" in told


def test_a_long_body_is_cut_and_leaves_room_for_what_goes_with_it() -> None:
    told = shown_body({"query": "a" * 5_000, "variables": {"zone": "b" * 5_000}})
    text, _, rest = told.partition(" with ")
    assert (len(text), len(rest)) == (LETTERS_AT_MOST + 1, LETTERS_AT_MOST + 1)


ANSWERS = {
    # What was asked, whether it is the answer to `select 7`.
    "POST /query: select 7": True,
    'POST /query: select 7 with {"params": [1]}': True,
    "POST /query: select 7 from orders": False,
    "POST /select 7": False,
    "GET /query?query=select 7": True,
}


@pytest.mark.parametrize("asked", ANSWERS)
def test_an_answer_is_known_by_what_was_sent(asked: str) -> None:
    assert is_answer_to(Asked("HTTP", "a", asked), shown_query("select 7")) is ANSWERS[asked]
