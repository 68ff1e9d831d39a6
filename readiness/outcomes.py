"""The vocabulary of a run: phases, gates, effects, outcomes and the steps of a ladder."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple


class Phase(StrEnum):
    """When a line is judged. The values are the pytest markers."""

    PREFLIGHT = "preflight"
    SMOKE = "smoke"
    POSTLAUNCH = "postlaunch"
    GA = "ga"


class Gate(StrEnum):
    """What a line's outcome does to the verdict."""

    BLOCKER = "blocker"
    WARNING = "warning"
    ACTION = "action"
    REPORT = "report"


class Effect(StrEnum):
    """What a check or a client does to the target."""

    READ = "read"
    WRITE = "write"
    LOAD = "load"
    NOTIFY = "notify"


class Outcome(StrEnum):
    """What a check came to. Only `PASS` and `WARN` are good news, and unknown is never one of them."""

    PASS = "pass"  # noqa: S105  not a password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not applicable"
    NOT_DUE = "not due"
    NOT_RUN = "not run"


class DecisionKey(NamedTuple):
    """What one result decides: a line, the check that decides it, and the one thing that it is about, if any."""

    line: str
    """`runbook/line`."""
    check: str
    subject: str | None

    @property
    def name(self) -> str:
        """The decision as people name it: `runbook/line`, or `runbook/line:subject`."""
        return f"{self.line}:{self.subject}" if self.subject else self.line

    @property
    def local_name(self) -> str:
        """The same without the runbook, for where there is only one."""
        return self.name.partition("/")[2]


class EscalationStep(StrEnum):
    """The steps of a ladder, lowest first."""

    WARN = "warn"
    ALERT = "alert"
    CRITICAL = "critical"
    INCIDENT = "incident"
    PAGE = "page"
    PAUSE = "pause"
    ROLLBACK = "rollback"

    @property
    def height(self) -> int:
        """Position on the ladder: a higher step is the stronger action."""
        return list(EscalationStep).index(self)


class Unknown(BaseException):
    """It could not be seen: denied, timed out, empty, unparsable or not configured.

    Not an `Exception` on purpose: `except Exception` in a check cannot turn it into a pass.

    >>> try:
    ...     raise Unknown("GET /orders answered 403", "give the probe's account the role viewer")
    ... except Unknown as unknown:
    ...     print(unknown.reason)
    GET /orders answered 403
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason} ({remedy})")
        self.reason = reason
        self.remedy = remedy

    # Exceptions are pickled with their `args`, here the one message; between processes the two texts must arrive.
    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.remedy)


class Refused(Unknown):
    """The other side itself said no: it refused the connection, or takes no more of them.

    An observation that is about the other side makes a `Refusal` of it, which fails the line. To all others it is
    what it was: unknown.
    """

    def __init__(self, reason: str, remedy: str, said: str, host: str) -> None:
        super().__init__(reason, remedy)
        self.said = said
        """What came back, in a few words."""
        self.host = host
        """Who said it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.remedy, self.said, self.host)


class Late(Unknown):
    """The other side took the connection, and had not answered in full when we stopped waiting.

    It took connections before and after, so there was a way to it: this is no silence. An observation that is about
    the other side makes `AtLeast` of it. To all others it is unknown.
    """

    def __init__(self, reason: str, remedy: str, seconds: float, host: str) -> None:
        super().__init__(reason, remedy)
        self.seconds = seconds
        """How long it had not answered."""
        self.host = host

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.remedy, self.seconds, self.host)


class Silent(Unknown):
    """The other side neither took nor refused a connection. It may be dead, or there is no way to it from here."""

    def __init__(self, reason: str, remedy: str, host: str, port: int) -> None:
        super().__init__(reason, remedy)
        self.host = host
        self.port = port

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.remedy, self.host, self.port)


class NotConfigured(Unknown):
    """The environment does not say where to look; the remedy names the key to set."""


STATES_NO = "not configured: the line states no "
"""How the reason of a line begins that is short of limits; their names follow."""
