"""A server whose times are known: it answers after a lognormal delay and keeps its own record of every request.

    python -m loadtests.truth --median 0.05 --p95 0.2        prints the port it listens on

`GET /t` obeys the law, anything else answers at once; `GET /record?from=A&until=B` (Unix seconds) gives what the server
saw of the requests that arrived between. The faults of a target can be planted: errors, a freeze, a slow law.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import json
import math
import random
import ssl
import time
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qs, urlsplit

from readiness.rehearsal.histogram import Distribution

Z95 = 1.6448536269514722
"""Standard deviations of the 95th percentile."""
HOST = "127.0.0.1"
PROBE_SECONDS = 0.02
_END = b"\r\n\r\n"
_BODY = b'{"revision":"truth","ok":true,"padding":"' + b"x" * 200 + b'"}'


@dataclass(frozen=True)
class Law:
    """How the server answers."""

    median: float = 0.05
    p95: float = 0.2
    errors: float = 0.0
    """Share of the requests that are answered with status 500."""
    freeze_seconds: float = 0.0
    freeze_every: float = 60.0
    """For so long in every so many seconds nothing is answered."""
    freeze_share: float = 1.0
    """The share of the requests that a freeze holds: those of one endpoint, say."""
    slow: float = 0.0
    slow_seconds: float = 0.0
    """A share of the requests takes so much longer, one as likely as another."""
    phase_seconds: float = 0.0
    phase_every: float = 60.0
    phase_longer: float = 0.0
    """For so long in every so many seconds each request that comes takes so much longer."""
    hang: float = 0.0
    """Share of the requests that are never answered."""
    breaks_at: float = 0.0
    """With so many requests at once it breaks for good (a metastable failure); 0 is never."""
    broken_seconds: float = 0.0
    """So much longer each answer takes from then on."""

    def delay(self, chance: random.Random) -> float:
        """Return one delay in seconds, drawn from the lognormal law with this median and p95."""
        mean = math.log(self.median)
        deviation = math.log(self.p95 / self.median) / Z95
        return math.exp(chance.gauss(mean, deviation))

    def seconds(self, moment: float, chance: random.Random) -> float:
        """Return how long the server takes for a request that comes at `moment`."""
        ready = self.delay(chance) + self.longer(moment, chance)
        is_held = self.freeze_share >= 1 or chance.random() < self.freeze_share
        return ready + is_held * self.held(moment + ready)

    def longer(self, moment: float, chance: random.Random) -> float:
        """Return how many seconds longer a request takes that comes at `moment`."""
        is_slow = self.slow > 0 and chance.random() < self.slow
        is_in_phase = moment % self.phase_every < self.phase_seconds
        return is_slow * self.slow_seconds + is_in_phase * self.phase_longer

    def held(self, moment: float) -> float:
        """Return how many seconds longer an answer that is ready at `moment` is held by a freeze."""
        since_freeze_began = moment % self.freeze_every
        return max(0.0, self.freeze_seconds - since_freeze_began)


@dataclass
class ServerRecord:
    """What the server itself saw."""

    arrivals: list[float] = field(default_factory=list)
    """When each answered request came, in Unix seconds."""
    durations: list[float] = field(default_factory=list)
    """Seconds from there to its answer, in the same order."""
    connections: int = 0
    requests: int = 0
    """Those that came, answered or not."""
    waiting: int = 0
    """Those that came and are not answered yet."""
    is_broken: bool = False
    lag: Distribution = field(default_factory=Distribution)
    """How late the server's own loop woke up: what waits unread in its sockets is in no record of its own."""

    async def watch(self) -> None:
        """Probe the server's own loop for ever."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(PROBE_SECONDS)
            self.lag.record(max(0, round((time.perf_counter() - before - PROBE_SECONDS) * 1e6)))

    def between(self, first: float, last: float) -> dict[str, float]:
        """Return the figures of the requests that arrived in a span of Unix seconds; percentiles in seconds."""
        answered = Distribution()
        for arrival, seconds in zip(self.arrivals, self.durations, strict=True):
            if first <= arrival < last:
                answered.record(round(seconds * 1e6))
        return {
            "answered": answered.total,
            "requests": self.requests,
            "connections": self.connections,
            "lag99": self.lag.middle(0.99),
            **{f"p{share * 100:g}": answered.middle(share) for share in (0.5, 0.9, 0.95, 0.99)},
        }


class ServerConnection(asyncio.Protocol):
    """One connection; a request is small and comes whole or in a few pieces."""

    def __init__(self, law: Law, record: ServerRecord, chance: random.Random) -> None:
        self._law, self._record, self._chance = law, record, chance
        self._loop = asyncio.get_running_loop()
        self._wall = time.time() - time.perf_counter()
        """Added to the precise clock it gives Unix seconds."""
        self._rest = b""
        """What has come of a request that is not whole yet."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it."""
        self._transport = cast("asyncio.Transport", transport)
        self._record.connections += 1

    def data_received(self, data: bytes) -> None:
        """Answer, at once or later."""
        came = time.perf_counter()
        head, end, body = (self._rest + data).partition(_END)
        if not end or len(body) < _length(head):
            self._rest += data
            return
        self._rest = b""

        path = head.split(b" ", 2)[1]
        if path.startswith(b"/record"):
            self._write(200, self._recorded(path))
            return
        if not path.startswith(b"/t"):
            self._write(200, _BODY)
            return

        self._record.requests += 1
        if self._law.hang and self._chance.random() < self._law.hang:
            return

        seconds = self._law.seconds(self._wall + came, self._chance)
        self._record.waiting += 1
        if self._law.breaks_at and self._record.waiting >= self._law.breaks_at:
            self._record.is_broken = True
        if self._record.is_broken:
            seconds += self._law.broken_seconds
        self._loop.call_later(seconds, self._answer, came)

    def _recorded(self, path: bytes) -> bytes:
        """Return the record of the span that a path asks for, as JSON."""
        query = parse_qs(urlsplit(path.decode()).query)
        span = {key: float(values[0]) for key, values in query.items()}
        figures = self._record.between(span.get("from", 0.0), span.get("until", 1e12))
        return json.dumps(figures).encode()

    def _answer(self, came: float) -> None:
        self._record.waiting -= 1
        # A user who no longer waits was not answered.
        if self._transport.is_closing():
            return

        failed = self._law.errors > 0 and self._chance.random() < self._law.errors
        self._write(500 if failed else 200, _BODY)
        self._record.arrivals.append(self._wall + came)
        self._record.durations.append(time.perf_counter() - came)

    def _write(self, status: int, body: bytes) -> None:
        self._transport.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)


def _length(head: bytes) -> int:
    """Return how long the body is, as the head says; 0 where it does not."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def serve(law: Law, port: int, certificate: str, key: str) -> None:
    """Serve until killed; the first line printed is the port."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

    record = ServerRecord()
    chance = random.Random(7)  # noqa: S311  delays, not secrets; the same ones in each run
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: ServerConnection(law, record, chance), HOST, port, backlog=4096, ssl=context
    )
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  who started it reads the port
    watching = loop.create_task(record.watch())
    await server.serve_forever()
    watching.cancel()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--certificate", default="")
    parser.add_argument("--key", default="")
    for name, kind in Law.__annotations__.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=getattr(Law, name), help=kind)
    options = vars(parser.parse_args())
    law = Law(**{name: options[name] for name in Law.__annotations__})
    if importlib.util.find_spec("uvloop"):  # a third of the time for each request, where it is installed
        importlib.import_module("uvloop").install()
    asyncio.run(serve(law, options["port"], options["certificate"], options["key"]))


if __name__ == "__main__":
    main()
