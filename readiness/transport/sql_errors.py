"""What an error of a database means, and what to do about it."""

from __future__ import annotations

import psycopg
from psycopg import errors

from readiness.outcomes import Refused, Unknown
from readiness.redaction.shown import shown
from readiness.transport.connecting import NoSlots

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

_TRUST = (
    "is this the right server? a private authority is named by postgres.ca_file, and a weaker trust is stated by"
    " postgres.tls"
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
        ("too many connections for role",),
        "the probe's role has all the connections that it may have",
        "raise its limit: alter role ... connection limit; the service's own role has another",
    ),
    (
        ("not permitted to log in", "no pg_hba.conf entry", "authentication failed", "role ", "user "),
        "the role may not log in",
        "look at the probe's role: alter role ... login; and at pg_hba.conf",
    ),
    (("unsupported startup parameter",), "a pooler is in between", "give postgres.url the database's direct port"),
    (
        ("statement pooling mode",),
        "a pooler in statement mode is in between, and a reading needs a transaction",
        "give postgres.url the database's direct port, or a pool in transaction or session mode",
    ),
    (("could not translate host", "resolve", "Name or service"), "the host's name has no address", "is it right?"),
    (("SSL", "certificate", "TLS"), "TLS failed", _TRUST),
    (("database ",), "the database is not there", "is the name at the end of postgres.url right?"),
    (("closed the connection", "connection is lost", "onnection reset"), "the connection broke off", "run again"),
)

# With these the server itself says no, to the service as to us. A role's own limit is none of them, see above.
_NO_SLOTS = (
    "too many clients",
    "too many connections for database",
    "remaining connection slots",
    "max clients reached",
    "max client connections reached",
    "no more connections allowed",
)
_ROWS_HIDDEN = "affected by row-level security policy"
_SHOW_ALL = "alter role ... bypassrls for the probe's role, or read through a view that the table's owner owns"
_NOT_READY = ("starting up", "shutting down", "in recovery mode", "not accepting connections", "not yet accepting")


def explained(error: psycopg.Error, place: str, host: str | None) -> Unknown:
    """Return what a database's error means and what to do next; Refused where the server itself says no.

    Only the first line of its message is passed on: the detail below it can quote rows. Without a `host`, where there
    are several, what one of them says is no refusal.
    """
    lines = str(error).splitlines()
    first = shown(lines[0], MESSAGE_SHOWN) if lines else ""

    for kind, reason, remedy in _BY_CLASS:
        if isinstance(error, kind):
            return Unknown(f"{reason}: {first}", _SHOW_ALL if _ROWS_HIDDEN in first else remedy)

    # What is no matter of the server's operation is the statement's fault.
    if not isinstance(error, psycopg.OperationalError):
        return Unknown(f"the query failed: {first}", "correct the query")

    # libpq puts the address that was tried in front of the server's own words.
    message = first.rpartition("FATAL: ")[2].strip()
    refusal = _refusal(message, place, host or place)
    if refusal and host is None:
        return Unknown(refusal.reason, refusal.remedy)
    if refusal:
        return refusal

    for words, reason, remedy in _BY_WORDS:
        if any(word in message for word in words):
            return Unknown(f"{place}: {reason}: {message}", remedy)
    return Unknown(f"{place} cannot be asked: {message}", "is it up, and is postgres.url right?")


def _refusal(message: str, place: str, host: str) -> Refused | None:
    """Return the server's own no to a connection; None where the message says something else."""
    if any(words in message for words in _NO_SLOTS):
        return NoSlots(
            f"{place}: the server takes no more connections: {message}",
            "free some: its slots are exhausted, also for the service itself",
            message,
            host,
        )
    if any(words in message for words in _NOT_READY):
        reason = f"{place}: the server is not ready: {message}"
        return Refused(reason, "wait until it is up, run again", message, host)

    # Of several addresses libpq tells what each said; one that was silent says nothing of the others.
    if "onnection refused" in message:
        reason = f"{place}: the server refused the connection: {message}"
        return Refused(reason, "is it up, and is the port right?", "connection refused", host)
    return None
