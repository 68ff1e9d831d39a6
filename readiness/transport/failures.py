"""What went wrong with an HTTP request, in words that hold nothing of the request's own headers."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

import httpx

TOLD_AT_MOST = 120


@dataclass(frozen=True)
class Failure:
    """The status for the record of requests, and the reason and the remedy for a person."""

    status: str
    reason: str
    remedy: str
    broke_off: bool = False
    """The connection ended before anything was answered; asking once more is worth it."""


def failure(error: Exception, *, answered: bool) -> Failure:
    """Classify what httpx or the operating system raised; `answered` once the answer's headers were there."""
    return _of_protocol(error) or _of_system(_cause(error)) or _of_connection(error, answered=answered)


def _of_protocol(error: Exception) -> Failure | None:
    if isinstance(error, httpx.LocalProtocolError | UnicodeError):
        return Failure(
            "not sent",
            "was not asked: a header has characters that HTTP does not know",
            "a line break or an accent in a token? renew the variable that holds it",
        )
    if isinstance(error, httpx.RemoteProtocolError) and "without sending a response" not in str(error):
        return Failure(
            "cut short",
            f"answered what is not whole HTTP: {str(error)[:TOLD_AT_MOST]}",
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
        told = getattr(cause, "verify_message", "") or cause.reason or type(cause).__name__
        return Failure("TLS failed", f"failed in TLS: {told}", "look at the certificate: name, chain, expiry")
    if isinstance(cause, ConnectionRefusedError):
        return Failure("connection refused", "refused the connection", "is it up, and is the port right?")
    return None


def _of_connection(error: Exception, *, answered: bool) -> Failure:
    cause = _cause(error)
    if isinstance(error, httpx.ConnectError) and not isinstance(cause, ConnectionResetError):
        told = getattr(cause, "strerror", None) or "no reason told"
        return Failure("cannot be reached", f"cannot be reached: {told}", "is there a way to it from here?")
    if answered:
        return Failure("reset", "broke off in its answer", "look at the service's log, then run again")
    return Failure(
        "reset before an answer",
        "broke off before it answered",
        "look at the service's log: does it crash on this request?",
        broke_off=True,
    )


def _cause(error: BaseException) -> OSError | None:
    """Find the operating system's own word for it, below what the libraries say."""
    here: BaseException | None = error
    while here:
        if isinstance(here, OSError):
            return here
        here = here.__cause__ or here.__context__
    return None
