"""What went wrong with an HTTP request, in words that hold nothing of the request's own headers.

Nothing of an exception's text is passed on, except where it cannot quote the request: a header may hold a token.
"""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import dataclass

import httpx

from readiness.redaction.shown import shown

MESSAGE_SHOWN = 120


@dataclass(frozen=True)
class Failure:
    """The status for the record of requests, and the reason and the remedy for a person."""

    status: str
    reason: str
    remedy: str
    broke_off: bool = False
    """The connection ended before anything was answered; asking once more is worth it."""
    refused: bool = False
    """The other side itself said no to the connection."""
    silent: bool = False
    """There is no way to the other side from here, or it is not there."""


def failure(error: Exception, *, answered: bool) -> Failure:
    """Return what an exception of httpx or of the operating system means.

    `answered` tells that the answer's headers were there: what broke off after them is not worth asking again.
    """
    return _of_protocol(error) or _of_system(_os_error(error)) or _of_connection(error, answered=answered)


def _of_protocol(error: Exception) -> Failure | None:
    # httpx encodes headers as ASCII and h11 refuses line breaks in them, each with an error of its own.
    if isinstance(error, httpx.LocalProtocolError | UnicodeError):
        return Failure(
            "not sent",
            "was not asked: a header has characters that HTTP does not know",
            "a line break or an accent in a token? renew the variable that holds it",
        )
    # "Server disconnected without sending a response" is a connection that broke off, whatever httpx calls it.
    if isinstance(error, httpx.RemoteProtocolError) and "without sending a response" not in str(error):
        return Failure(
            "cut short",
            f"answered what is not whole HTTP: {shown(str(error), MESSAGE_SHOWN)}",
            "look at the service's log and at the proxy in between, then run again",
        )
    return None


def _of_system(cause: OSError | None) -> Failure | None:
    if isinstance(cause, socket.gaierror):
        return Failure(
            "name not found",
            "cannot be found: its name has no address",
            "is the name right, and does DNS answer here?",
        )
    if isinstance(cause, ssl.SSLError):
        # Only the errors of a certificate have a `verify_message`.
        message = getattr(cause, "verify_message", "") or cause.reason or type(cause).__name__
        return Failure("TLS failed", f"failed in TLS: {message}", "look at the certificate: name, chain, expiry")
    if isinstance(cause, OSError) and cause.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT}:
        message = cause.strerror or "no way to it"
        reason = f"cannot be reached: {message}"
        # Without a way to its whole network it is the way that is closed, whatever the host does.
        is_silent = cause.errno != errno.ENETUNREACH
        return Failure("cannot be reached", reason, "is there a way to it from here?", silent=is_silent)
    if isinstance(cause, ConnectionRefusedError):
        return Failure("connection refused", "refused the connection", "is it up, and is the port right?", refused=True)
    return None


def _of_connection(error: Exception, *, answered: bool) -> Failure:
    cause = _os_error(error)
    # A reset while connecting is a server that is there and breaks off, as one that restarts does.
    if isinstance(error, httpx.ConnectError) and not isinstance(cause, ConnectionResetError):
        message = getattr(cause, "strerror", None) or "no reason told"
        return Failure("cannot be reached", f"cannot be reached: {message}", "is there a way to it from here?")

    if answered:
        return Failure("reset", "broke off in its answer", "look at the service's log, then run again")
    return Failure(
        "reset before an answer",
        "broke off before it answered",
        "look at the service's log: does it crash on this request?",
        broke_off=True,
    )


def _os_error(error: BaseException) -> OSError | None:
    """Return the operating system's error in the chain of causes, below what httpx and httpcore raised."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, OSError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None
