"""The statements that take longest. A text is shown only without its literals: some of them are secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.clients.postgres import Postgres
from readiness.environment.schema import Reading
from readiness.observations import known_reading, observation
from readiness.outcomes import Unknown
from readiness.redaction.shown import shown
from readiness.sources.readings import Readings

STATEMENTS_SHOWN = 10
LETTERS_SHOWN = 300
_COMMENTS = r"/\*.*?\*/|--[^\n]*"
_KNOWN = r"(?:select|insert|update|delete|merge|with|values|table)"
SLOWEST_STATEMENTS = known_reading(
    "slowest_statements",
    "the statements with the longest mean time (columns queryid, calls, mean_seconds, statement)",
    # Utility statements are left out: PostgreSQL keeps their texts as they came, with their passwords.
    Reading(
        sql="select queryid::text as queryid, calls, mean_exec_time / 1000 as mean_seconds, query as statement"  # noqa: S608  constants
        " from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())"
        " and userid <> (select oid from pg_roles where rolname = current_user)"
        f" and (queryid is null or regexp_replace(query, '{_COMMENTS}', '', 'g') ~* '^[\\s(]*{_KNOWN}\\y')"
        f" order by queryid is null desc, mean_exec_time desc limit {STATEMENTS_SHOWN}"
    ),
)
_BEGINS = re.compile(rf"[\s(]*{_KNOWN}\b", re.IGNORECASE)
_PIECE = re.compile(
    r"""(?P<comment>/\*|--[^\n]*)
    | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z))
    | (?P<text>'(?:[^']|'')*(?:'|\Z))
    | (?P<dollars>(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?:(?P=tag)|\Z))
    | (?P<kept>"(?:[^"]|"")*(?:"|\Z) | \$[0-9]+ | [^\W\d][\w$]*)
    | (?P<number>\.?[0-9][\w.]*)
    | (?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)
_BOUNDARY = re.compile(r"/\*|\*/")
_CUT = " ..."


@dataclass(frozen=True)
class Statement:
    """One kind of statement, since the statistics' last reset."""

    queryid: str
    calls: int
    mean_seconds: float
    statement: str
    """Normalised: $n where PostgreSQL has replaced a literal, ? where this suite has."""


@observation(needs=SLOWEST_STATEMENTS)
def slowest_statements(readings: Readings) -> list[Statement]:
    """Return the ten slowest statements of pg_stat_statements, the probe's own and utility statements left out."""
    rows = readings.rows(SLOWEST_STATEMENTS, "queryid", "calls", "mean_seconds", "statement")
    if any(row["queryid"] is None for row in rows):
        raise Unknown("the statements of other roles are hidden from the probe's role", "grant pg_monitor to it")

    statements = []
    for row in rows[:STATEMENTS_SHOWN]:
        text = without_literals(str(row["statement"]))
        # Once more, after our own reading of it: a reading's source may not leave out utility statements.
        if not _BEGINS.match(text):
            continue
        calls = readings.as_number(SLOWEST_STATEMENTS, row["calls"])
        mean_seconds = readings.as_number(SLOWEST_STATEMENTS, row["mean_seconds"])
        statements.append(Statement(str(row["queryid"]), round(calls), mean_seconds, text))
    return statements


@dataclass(frozen=True)
class Running:
    """A session that is at work now, or holds its transaction open."""

    pid: str
    role: str
    state: str
    verb: str
    """The statement's first word; its text may hold secrets."""
    queryid: str
    """As in pg_stat_statements."""
    waits_for: str
    seconds: float
    transaction_seconds: float


@observation
def longest_queries(postgres: Postgres) -> list[Running]:
    """Return the ten statements and transactions that have been running for longest. Source: pg_stat_activity."""
    rows = postgres.rows(
        "select pid::text as pid, coalesce(usename, '') as role, coalesce(state, 'hidden') as state,"
        " coalesce(lower(substring(query from '^\\s*([A-Za-z]{2,10})\\y')), '') as verb,"
        " coalesce(query_id::text, '') as queryid, coalesce(wait_event_type || ' ' || wait_event, '') as waits_for,"
        " coalesce(extract(epoch from clock_timestamp() - query_start), 0)::float as seconds,"
        " coalesce(extract(epoch from clock_timestamp() - xact_start), 0)::float as transaction_seconds"
        " from pg_stat_activity where pid <> pg_backend_pid() and (backend_type is null or"
        " (backend_type = 'client backend' and state <> 'idle')) order by xact_start, query_start limit 10"
    )
    if any(row["state"] == "hidden" for row in rows):
        raise Unknown("what other roles run is hidden from the probe's role", "grant pg_monitor to it")
    return [Running(**row) for row in rows]  # type: ignore[arg-type]  # the query's columns are the fields, of their types


def without_literals(text: str) -> str:
    """Return a statement without comments and literals, in one line; what cannot be told apart is cut off.

    PostgreSQL replaces literals by itself, but not in comments, and not in an entry that was dropped meanwhile.
    """
    return shown("".join(_pieces(text)), LETTERS_SHOWN)


def _pieces(text: str) -> Iterator[str]:
    """Yield the pieces of a statement, "?" for each literal and a space for each comment."""
    position = 0
    while position < len(text):
        match = _PIECE.match(text, position)
        if match is None:
            return
        piece = match[0]
        position = match.end()

        if piece == "/*":
            position = _end_of_comment(text, position)
            yield " "
        elif match["text"] and "\\" in piece:
            # Whether a backslash hides the quote after it depends on a setting of the server.
            yield _CUT
            return
        elif match["escaped"] or match["text"] or match["dollars"] or match["number"]:
            yield "?"
        elif not match["comment"]:
            yield piece


def _end_of_comment(text: str, position: int) -> int:
    """Return where a comment ends that begins before `position`; comments may stand in comments."""
    depth = 1
    for boundary in _BOUNDARY.finditer(text, position):
        depth += 1 if boundary[0] == "/*" else -1
        if depth == 0:
            return boundary.end()
    return len(text)
