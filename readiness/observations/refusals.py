"""What the target itself answers with a no, as a value that decides a line.

An observation that is about the target catches what the client raises:

    try:
        answer = http.get(path)
    except Refused as refused:
        return HealthAnswer(status=refusal(refused, environment), ...)

What is not about the target lets it pass: then it is unknown. A source that does not answer says nothing of the target.
"""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

from readiness.clients.controls import Controls
from readiness.environment.schema import Environment
from readiness.measurements import AtLeast, Refusal
from readiness.outcomes import Late, Refused, Silent
from readiness.transport.deadline import CUT_SHORT_SECONDS
from readiness.transport.this_machine import is_this_machine


def refusal(refused: Refused, environment: Environment) -> Refusal:
    """Return the refusal as a value. Raises Refused, which is Unknown, where it is a tunnel's and not the target's."""
    if _is_of_a_tunnel(refused.host, environment):
        raise refused
    return Refusal(refused.said)


def at_least(late: Late, environment: Environment) -> AtLeast:
    """Return how long there was no answer. Raises Late, which is Unknown, where a tunnel was waited for."""
    if _is_of_a_tunnel(late.host, environment):
        raise late
    return AtLeast(round(late.seconds, 3))


def given_up_after(waited: AtLeast, deadline_seconds: float) -> float:
    """Return the limit of a line that states none, for a wait without an answer: the deadline of a look, and reached.

    A wait that the run's own end cut short has not come to it: whether the answer would have come is not known.
    """
    was_cut = waited.at_least < deadline_seconds - CUT_SHORT_SECONDS
    return deadline_seconds if was_cut else waited.at_least


def silence(silent: Silent, environment: Environment, controls: Controls, called_off: threading.Event) -> Refusal:
    """Return a silence that is proven to be the target's own. Raises Unknown where it is not."""
    if _is_of_a_tunnel(silent.host, environment):
        raise silent
    return Refusal(controls.prove(silent, called_off), is_silence=True)


def _is_of_a_tunnel(host: str, environment: Environment) -> bool:
    """Check whether this machine answered for a target that is elsewhere: the end of a tunnel, or a local proxy."""
    target = urlsplit(str(environment.target.url)).hostname or ""
    return is_this_machine(host) and not is_this_machine(target)
