"""The evidence of a load rehearsal: what was asked, what was reached, what was measured, and by whom.

One `evidence.json` in `reports/<environment>/rehearsals/<UTC time>-<stage>/`. Counts and histograms are kept, not
conclusions: anyone can work out the verdict again (`readiness.rehearsal.verdict.judge`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from readiness.files import evidence_file
from readiness.files.canonical_json import JsonObject
from readiness.redaction.redactor import REDACTOR
from readiness.rehearsal.histogram import Distribution, merged
from readiness.rehearsal.stages import Stage

FILE = evidence_file.FILE
FOLDER = "rehearsals"
SLICE_SECONDS = 10
"""How long one point of the curves of percentiles is."""

LACKED = "the generator: "
"""An error of the generator's own machine begins so."""

Counts = dict[int, int]
Entry = TypeVar("Entry")
Phase = Literal["ramp", "settle", "hold", "recovery", "drain"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EndpointStatistics(_Record):
    """The requests of one name that were sent during the hold."""

    ok: int = 0
    failed: int = 0
    errors: dict[str, int] = {}
    """What went wrong → how often."""
    kernel: Counts = {}
    """From the moment of sending to the arrival that the kernel stamped, in µs: the user felt no less.

    Where a connection had to be opened first, with what the target took for that; evidence without `quarters` has not.
    """
    naive: Counts = {}
    """From the moment of wanting to send to the end of parsing, in µs: the user felt no more."""
    late_microseconds: int = 0
    """The sum of naive less kernel: what the generator added."""
    bytes: int = 0
    unstamped: int = 0
    """Answers without a stamp of the kernel; their lower bound is guessed from the loop's lag."""

    @property
    def asked(self) -> int:
        """Requests with an outcome."""
        return self.ok + self.failed

    @property
    def lacked(self) -> dict[str, int]:
        """What the generator itself ran out of → how often: no failures of the target."""
        return {kind: times for kind, times in self.errors.items() if kind.startswith(LACKED)}


class OpenedConnections(_Record):
    """Why connections were opened, over the whole run. One for each user is right."""

    first: int = 0
    closed_by_target: int = 0
    after_failure: int = 0
    unexplained: int = 0
    """The generator lost one that was alive: users who reconnect all the time are no users."""
    failed: int = 0
    connect: Counts = {}
    """Time to connect, in µs, over the whole run; part of the latency of the request that needed it."""
    handshake: Counts = {}
    """Time for TLS, in µs."""

    @property
    def opened(self) -> int:
        """All of them."""
        return self.first + self.closed_by_target + self.after_failure + self.unexplained


class Generator(_Record):
    """The health of one process that made load, during the hold."""

    name: str
    host: str
    pid: int
    first_seen: float
    last_seen: float
    cpu_share_mean: float = 0.0
    cpu_share_most: float = 0.0
    queue_share: float = 0.0
    """Of the wall time, waiting for a processor: neighbours are at work."""
    lag: Counts = {}
    """How late the loop woke up, in µs: the measure of a generator that cannot keep up."""
    rss_megabytes: float = 0.0
    descriptors: int = 0
    collecting_seconds: float = 0.0
    steal_share: float = 0.0
    """Of the machine's time, taken by its host."""
    throttled_seconds: float = 0.0
    """By the container's quota."""
    course: dict[int, tuple[float, float, float]] = {}
    """Unix second of a slice's start → the most of its CPU share, of its wait for CPU, and of its lag (s)."""


class LoadTarget(_Record):
    """Who was under load."""

    url: str
    addresses: tuple[str, ...] = ()
    revision: str | None = None
    revision_at_end: str | None = None
    revision_unknown_because: str = ""


class RehearsalEvidence(_Record):
    """One rehearsal."""

    schema_: Literal["readiness/rehearsal/1"] = Field("readiness/rehearsal/1", alias="schema")
    run: str
    environment: str
    stage: str
    asked: Stage
    """As it was run: smaller than the table's where `scale` is not 1."""
    scale: float = 1.0
    target: LoadTarget
    started_at: AwareDatetime
    hold_from: AwareDatetime | None = None
    hold_until: AwareDatetime | None = None
    """When the hold ended, or would have ended."""
    finished_at: AwareDatetime | None = None
    ended: Literal["running", "whole", "cut short", "aborted"] = "running"
    ended_because: str = ""
    seconds: dict[int, tuple[int, int]] = {}
    """Unix second → requests sent, answers that arrived (kernel's time where it is known)."""
    users: dict[int, int] = {}
    """Unix second → users at work."""
    phases: dict[Phase, tuple[int, int]] = {}
    """Phase → requests sent in it, and how many of those were recorded."""
    endpoints: dict[str, EndpointStatistics] = {}
    recovery: dict[str, EndpointStatistics] = {}
    """The requests that few users sent once the load had gone, in the second half of that time."""
    slices: dict[int, tuple[Counts, Counts, int, int]] = {}
    """Unix second of the start → kernel, naive (coarse), ok, failed."""
    quarters: dict[int, tuple[int, int, Counts]] = {}
    """Quarter of a second since 1970 → requests sent, answers that arrived, and of those sent in it during the hold
    or the recovery the time by the kernel (coarser). Evidence of earlier versions has none."""
    connections: OpenedConnections = OpenedConnections()
    generators: tuple[Generator, ...] = ()
    lost_workers: tuple[str, ...] = ()
    late_workers: tuple[str, ...] = ()
    """They came when the hold had been announced, and took users over: what those felt is not in the hold."""
    outside: int = 0
    """Requests that Locust counted and that did not go through the client that measures."""
    broken_visits: int = 0
    """Visits that an exception broke off, in all phases: the rest of their steps was not sent."""
    broken_because: str = ""
    """What the first of them said."""
    versions: dict[str, str] = {}
    verdict: JsonObject = {}
    """As it was told at the end, for people who open the file; readers work it out again, so nothing depends on it."""
    digest: str = ""

    @property
    def sent(self) -> int:
        """Requests sent in all phases."""
        return sum(sent for sent, _ in self.phases.values())

    @property
    def recorded(self) -> int:
        """Requests of all phases whose outcome is known."""
        return sum(recorded for _, recorded in self.phases.values())

    @property
    def ok(self) -> int:
        """Requests of the hold that were answered as wanted."""
        return sum(endpoint.ok for endpoint in self.endpoints.values())

    @property
    def failed(self) -> int:
        """Requests of the hold that were not."""
        return sum(endpoint.failed for endpoint in self.endpoints.values())

    @property
    def kernel(self) -> Distribution:
        """The lower bound over all endpoints."""
        return merged(endpoint.kernel for endpoint in self.endpoints.values())

    @property
    def naive(self) -> Distribution:
        """The upper bound over all endpoints."""
        return merged(endpoint.naive for endpoint in self.endpoints.values())

    @property
    def held_seconds(self) -> float:
        """How long the hold lasted in fact: to the end of the run at most."""
        if not self.hold_from or not self.hold_until:
            return 0.0

        until = self.hold_until.timestamp()
        if self.ended != "whole":
            # `hold_until` may then be when the hold would have ended: nothing was sent after the last second on record.
            last_second_ended = max(self.seconds, default=0) + 1
            until = min(until, last_second_ended)
        return max(0.0, until - self.hold_from.timestamp())

    @property
    def users_held(self) -> int:
        """The least number of users that were at work in any second of the hold; 0 where nobody looked."""
        return min((users for second, users in self.users.items() if self._held(second)), default=0)

    def _held(self, second: int) -> bool:
        """Check whether the whole of a Unix second lies in the hold."""
        if not self.hold_from or not self.hold_until:
            return False
        return self.hold_from.timestamp() <= second and second + 1 <= self.hold_until.timestamp()

    def longest_silence(self) -> int:
        """Return the most seconds on end without an answer in the hold, though a tenth of the users waited."""
        # While few users wait, a second without an answer is chance: the others are thinking.
        many_users = max(1, self.asked.users / 10)
        first = min(self.seconds, default=0)
        last = max(self.seconds, default=-1)

        waiting = silent_seconds = longest = 0
        for second in range(first, last + 1):
            sent, answered = self.seconds.get(second, (0, 0))
            is_silent = self._held(second) and not answered and waiting >= many_users
            silent_seconds = silent_seconds + 1 if is_silent else 0
            longest = max(longest, silent_seconds)
            waiting += sent - answered
        return longest


def masked(evidence: RehearsalEvidence) -> RehearsalEvidence:
    """Return evidence whose texts hold no secret: names, errors and revisions may come from the target."""
    texts = {name: value for name, value in evidence.target if isinstance(value, str)}
    target = {name: REDACTOR.text(text) for name, text in texts.items()}
    return evidence.model_copy(
        update={
            "target": evidence.target.model_copy(update=target),
            "endpoints": {name: _masked(each) for name, each in _by_masked_name(evidence.endpoints)},
            "recovery": {name: _masked(each) for name, each in _by_masked_name(evidence.recovery)},
            "broken_because": REDACTOR.text(evidence.broken_because),
            "ended_because": REDACTOR.text(evidence.ended_because),
        }
    )


def _masked(endpoint: EndpointStatistics) -> EndpointStatistics:
    return endpoint.model_copy(update={"errors": dict(_by_masked_name(endpoint.errors))})


def _by_masked_name(entries: Mapping[str, Entry]) -> Iterator[tuple[str, Entry]]:
    """Yield entries by their masked names; of two that are the same then the second has its number behind it."""
    seen: Counter[str] = Counter()
    for name, entry in entries.items():
        masked_name = REDACTOR.text(name)
        seen[masked_name] += 1
        yield f"{masked_name} ({seen[masked_name]})" if seen[masked_name] > 1 else masked_name, entry


def write(evidence: RehearsalEvidence, folder: Path) -> None:
    """Write the evidence whole, with its digest."""
    evidence_file.write(evidence, folder)


def read(folder: Path) -> RehearsalEvidence:
    """Return the evidence of one rehearsal. Raises BadRun where it is missing, damaged or was altered."""
    return evidence_file.read(folder, RehearsalEvidence)


def folders(reports: Path, environment: str, stage: str | None = None) -> Iterator[Path]:
    """Return the folders of an environment's rehearsals, of one stage or of all, newest first."""
    return evidence_file.folders(reports / environment / FOLDER, stage)
