"""SQLite: whether a text is one statement that reads. D1 takes any statement by the same address.

It is read by SQLite's own lexical rules, so that neither a text nor a comment hides a second statement. A word that
writes is refused wherever it stands: a column of such a name takes quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
    (?P<ignored>[ \t\n\r\f]+|--[^\n]*|/\*(?>(?!\*/).)*+\*/)
  | (?P<quoted>'(?>[^']|'')*+'|"(?>[^"]|"")*+"|`(?>[^`]|``)*+`|\[[^\]]*\])
  | (?P<name>[A-Za-z_\u0080-\ufefe\uff00-\U0010ffff][\w$\u0080-\ufefe\uff00-\U0010ffff]*)
  | (?P<variable>\?[0-9]*|[:@$][\w$\u0080-\ufefe\uff00-\U0010ffff]++(?!\(|::))
  | (?P<other>[0-9][0-9A-Za-z_.]*|[-+*/%<>=!|&~(),.;])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
"""Not read are two things that hide what follows: `$a(...)`, which SQLite takes for the name of one variable, and
U+FEFF, a blank to SQLite where a word would begin."""
_READS = {"select", "with", "values", "explain", "pragma"}
_WRITES = {"insert", "update", "delete", "create", "drop", "alter", "load_extension", "writefile", "fts3_tokenizer"}
"""Words that may stand behind `with` or `explain`, and functions that reach beyond the database."""
_PRAGMAS = {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo"}
_PRAGMAS |= {"foreign_key_list", "foreign_key_check", "quick_check", "integrity_check"}
SHOWN = 20
Token = tuple[str, str]
"""The kind of a token, and its text."""


def why_it_may_write(statement: str) -> str:
    """Return why a text is not one statement that reads; empty where it is.

    >>> why_it_may_write("select name from d1_migrations order by id")
    ''
    >>> why_it_may_write("with gone as (select 1) delete from orders")
    'the word delete may write: only one statement that reads is sent; a column of that name takes quotes'
    """
    tokens = list(tokens_of(statement))
    unread = next((text for kind, text in tokens if kind == "unread"), None)
    if unread is not None:
        return f"it cannot be read at {unread!r}"

    words = [text.lower() for kind, text in tokens if kind == "name"]
    first = tokens[0][1].lower() if tokens else ""
    if first not in _READS:
        return f"it begins with {first or 'nothing'}, and one of {', '.join(sorted(_READS))} is wanted"

    # One at the end says nothing; after any other a second statement begins.
    if any(text == ";" for _, text in tokens[:-1]):
        return "it has a second statement: one is sent"
    for word in [*words, *_replaces(tokens)]:
        if word in _WRITES | {"replace into"}:
            return (
                f"the word {word} may write: only one statement that reads is sent; a column of that name takes quotes"
            )
    return _why_pragma_may_write(tokens) if "pragma" in words else ""


def _replaces(tokens: list[Token]) -> Iterator[str]:
    """Yield the statement REPLACE: the function of that name has its bracket behind it."""
    for (kind, text), (_, following) in zip(tokens, [*tokens[1:], ("", "")], strict=True):
        if kind == "name" and text.lower() == "replace" and following != "(":
            yield "replace into"


def _why_pragma_may_write(tokens: list[Token]) -> str:
    texts = [text.lower() for _, text in tokens]
    name = texts[1] if texts[0] == "pragma" and len(texts) > 1 else ""
    if name not in _PRAGMAS or "=" in texts:
        return f"of the pragmas only these are sent: {', '.join(sorted(_PRAGMAS))}"
    return ""


def tokens_of(statement: str) -> Iterator[Token]:
    """Yield the kind and the text of each token; what cannot be read ends them."""
    position = 0
    while position < len(statement):
        match = _TOKEN.match(statement, position)
        if match is None:
            yield "unread", statement[position : position + SHOWN]
            return
        position = match.end()
        if match.lastgroup != "ignored":
            yield str(match.lastgroup), match[0]
