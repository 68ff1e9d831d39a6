"""What an error of a database means, and what to do about it."""

from __future__ import annotations

import psycopg
from psycopg import errors

from readiness.outcomes import Unknown

MESSAGE_SHOWN = 240

_BY_CLASS: tuple[tuple[type[psycopg.Error], str, str], ...] = (
    (errors.ReadOnlySqlTransaction, "the statement writes, and readings only read", "correct the query"),
    (
        errors.InsufficientPrivilege,
        "the probe's role may not see this",
        "grant it pg_read_all_data, or select on the table",
    ),
    (errors.UndefinedTable, "the table does not exist", "is the schema migrated? else set the reading's own sql"),
    (errors.InvalidSchemaName, "the schema does not exist", "is the schema migrated? else correct the query"),
    (errors.UndefinedColumn, "the column does not exist", "is the schema migrated? else set the reading's own sql"),
    (
        errors.QueryCanceled,
        "the statement took too long",
        "give it an index, or raise postgres.statement_timeout_seconds",
    ),
    (errors.LockNotAvailable, "the statement waited for a lock", "look for who holds it: select * from pg_locks"),
    (errors.SyntaxError, "the query cannot be parsed", "correct it; a reading has exactly one statement"),
    (errors.AdminShutdown, "the server ended the connection", "is it being restarted? run again when it is up"),
)

# While connecting there is no SQLSTATE; the words are the server's and libpq's own. The first that fits counts: what is
# said of a role or a database in general stands below what is said of its password or its slots.
_BY_WORDS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("password authentication failed", "no password supplied", "SASL authentication failed"),
        "the password is wrong",
        "renew the variable that postgres.url names",
    ),
    (
        ("too many clients", "too many connections", "remaining connection slots", "max clients reached"),
        "the server takes no more connections",
        "free some: its slots are exhausted, also for the service itself",
    ),
    (
        ("not permitted to log in", "no pg_hba.conf entry", "authentication failed", "role ", "user "),
        "the role may not log in",
        "look at the probe's role: alter role ... login; and at pg_hba.conf",
    ),
    (("unsupported startup parameter",), "a pooler is in between", "give postgres.url the database's direct port"),
    (("starting up", "shutting down", "recovery mode"), "the server is not ready", "wait until it is up, run again"),
    (("could not translate host", "resolve", "Name or service"), "the host's name has no address", "is it right?"),
    (("onnection refused",), "the server refused the connection", "is it up, and is the port right?"),
    (("SSL", "certificate", "TLS"), "TLS failed", "look at sslmode in postgres.url, and at the certificate"),
    (("database ",), "the database is not there", "is the name at the end of postgres.url right?"),
    (("closed the connection", "connection is lost", "onnection reset"), "the connection broke off", "run again"),
)


def explained(error: psycopg.Error, place: str) -> Unknown:
    """Return what a database's error means and what to do next.

    Only the first line of its message is passed on: the detail below it can quote rows.
    """
    lines = str(error).splitlines()
    first = lines[0].strip()[:MESSAGE_SHOWN] if lines else ""

    for kind, reason, remedy in _BY_CLASS:
        if isinstance(error, kind):
            return Unknown(f"{reason}: {first}", remedy)

    # What is no matter of the server's operation is the statement's fault.
    if not isinstance(error, psycopg.OperationalError):
        return Unknown(f"the query failed: {first}", "correct the query")

    # libpq puts the address that was tried in front of the server's own words.
    message = first.rpartition("FATAL: ")[2].strip()
    for words, reason, remedy in _BY_WORDS:
        if any(word in message for word in words):
            return Unknown(f"{place}: {reason}: {message}", remedy)
    return Unknown(f"{place} cannot be asked: {message}", "is it up, and is postgres.url right?")
