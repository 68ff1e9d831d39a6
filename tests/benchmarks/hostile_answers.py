"""What may a hostile answer cost? Peak memory and time of whole runs, each against one of them.

    python tests/benchmarks/hostile_answers.py [WORD]

Each run is a true process with one line that reads one number, from a server that answers in a hostile way: by HTTP, on
a metrics page, as Prometheus, as PostgreSQL; or a small rehearsal of a target that answers so. Printed are the peak of
its memory and its work for the processor above those of a healthy run, and its time by the clock. The bars: at most
64 MB and five processor seconds above, and no later than the deadline of the phase beside three healthy runs. With a
WORD only the answers are tried whose name has it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from readiness.sandbox import postgres  # noqa: E402
from tests.benchmarks.__main__ import BARS_MISSED, LACKS_A_TOOL  # noqa: E402
from tests.clients.servers import (  # noqa: E402
    BAD_ANSWERS,
    Asked,
    Behaviour,
    Server,
    document,
    vector_of,
    whole,
)
from tests.on_production.false_database import false_database, message  # noqa: E402

MEGABYTES_MORE = 64.0
SECONDS_AT_MOST = 5
"""The deadline of the phase, as the environment states it."""
AT_ONCE = 2
TIMES_HEALTHY = 3
"""A busy machine starts and ends a process so much later, two of them at once and beside a flood."""
LARGE = 4_900_000
"""Just below what an answer may have."""
NUMBER = {"readings.number_at_most": {"reading": "n", "at_most": 5}}
LOOK_SECONDS = 0.02
OUTPUT_SHOWN = 1000
_HIGH_WATER = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
PHASE = ("pytest", "-q", "-m", "preflight")
REHEARSAL = ("readiness", "rehearse", "--stage", "tiny")
STAGE = {"users": 3, "hold_minutes": 0.1, "settle_seconds": 1, "drain_seconds": 5}
LOAD = {"allow": ["load"], "load": {"users_at_most": 3, "request_seconds_at_most": 3, "stages": {"tiny": STAGE}}}
PASSWORD = "role-of-a-benchmark"


@dataclass(frozen=True)
class Cost:
    """What one run cost."""

    megabytes: float
    seconds: float
    """By the clock, with the start of the interpreter."""
    processor: float
    """Processor seconds."""
    exit: int
    output: str


@dataclass(frozen=True)
class Trial:
    """One hostile answer, and how the run reads it."""

    name: str
    sections: dict[str, Any]
    behaviour: Behaviour | None = None
    variables: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = PHASE
    """What is run, but for the environment and where it is."""


def _page(lines: Iterator[str]) -> Behaviour:
    text = ""
    for line in lines:
        if len(text) + len(line) > LARGE:
            break
        text += line
    return whole(200, text, {"Content-Type": "text/plain"})


def _many(part: str) -> str:
    return part * (LARGE // len(part))


def _headers(server: Server, connection: socket.socket, asked: Asked) -> None:
    del server, asked
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(100_000)) + b"\r\n{}")


def _hints(server: Server, connection: socket.socket, asked: Asked) -> None:
    del asked
    while not server.stopped.is_set():
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1000)


def _trailers(server: Server, connection: socket.socket, asked: Asked) -> None:
    del asked
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")
    while not server.stopped.is_set():
        connection.sendall(b"X-Trailer: y\r\n" * 1000)


HTTP: dict[str, Behaviour] = {
    **{
        name: BAD_ANSWERS[name]
        for name in ("a gzip bomb", "gzip in too many pieces", "an endless body", "a body that drips")
    },
    **{name: BAD_ANSWERS[name] for name in ("a head that drips", "a redirect loop", "never")},
    "100,000 headers": _headers,
    "hints without an end": _hints,
    "trailers without an end": _trailers,
    "deep JSON": whole(200, "[" * LARGE),
    "JSON of empty lists": whole(200, '{"n": [' + _many("[],") + "0]}"),
    "JSON of small objects": whole(200, '{"n": [' + _many('{"a":0},') + "0]}"),
    "JSON of small texts": whole(200, '{"n": [' + _many('"ab",') + "0]}"),
    "JSON of many keys": whole(200, "{" + ",".join(f'"{n}":{n}' for n in range(300_000)) + "}"),
    "one huge number": whole(200, '{"n": ' + "9" * LARGE + "}"),
    "one huge fraction": whole(200, '{"n": 9.' + "9" * LARGE + "}"),
    "one huge text": whole(200, '{"n": "' + "9" * LARGE + '"}'),
}
REHEARSED = ("a gzip bomb", "an endless body", "a body that drips", "a head that drips", "never")
METRICS: dict[str, Behaviour] = {
    "a million series": _page(f"m{n} 1\n" for n in range(1_000_000)),
    "50,000 series with labels": _page(
        f'm{{path="/v1/things/{n}",method="GET",code="200",instance="a{n}"}} {n}\n' for n in range(49_000)
    ),
    "one line of many labels": whole(200, "m{" + ",".join(f'l{n}="x"' for n in range(400_000)) + "} 1\n"),
    "one huge label": whole(200, 'm{a="' + "x" * LARGE + '"} 1\n'),
    "comments alone": whole(200, _many("#\n")),
}
PROMETHEUS: dict[str, Behaviour] = {
    "a million series": lambda _server, connection, asked: document(
        vector_of([{"metric": {"n": str(n)}, "value": "1"} for n in range(70_000)], asked)
    )(_server, connection, asked),
    "not a number": lambda _server, connection, asked: document(vector_of([{"value": "NaN"}], asked))(
        _server, connection, asked
    ),
    "one huge label": lambda _server, connection, asked: document(
        vector_of([{"metric": {"a": "x" * LARGE}, "value": "99"}], asked)
    )(_server, connection, asked),
    "warnings without an end": document({"status": "success", "data": {}, "warnings": ["x" * 100] * 45_000}),
}
SQL = {
    "one text of 900 MB": "select repeat('x', 900000000)",
    "one bytea of 400 MB": "select convert_to(repeat('x', 400000000), 'utf8')",
    "a list of 30 million": "select array_fill(1, array[30000000])",
    "a list of 200,000 numbers": "select array_fill(1.5::numeric, array[200000])",
    "JSON of empty lists": "select ('[' || repeat('[],', 1500000) || '0]')::json",
    "ten million rows": "select n from generate_series(1, 10000000) n",
    "large rows": "select repeat('x', 100000) from generate_series(1, 100000)",
    "slow rows": "select pg_sleep(0.2)::text from generate_series(1, 1000)",
    "a message of 200 MB": "select repeat('x', 200000000)::int",
    "notices without an end": "select shout(1000000000)",
}
SHOUT = """
create function shout(times int) returns int language plpgsql as $$
begin
  for n in 1..times loop raise notice '%', repeat('x', 10000); end loop;
  return times;
end $$;
"""


def _trials(url: str, stack: ExitStack) -> Iterator[Trial]:
    """Yield all answers; `url` is of the database, and the stack holds the servers that are none."""
    for name, behaviour in HTTP.items():
        yield Trial(f"HTTP: {name}", {"readings": {"n": {"http": "{server}/n", "pointer": "/n"}}}, behaviour)
    for name, behaviour in METRICS.items():
        sections = {"metrics": {"url": "{server}/metrics"}, "readings": {"n": {"metric": "m"}}}
        yield Trial(f"metrics: {name}", sections, behaviour)
    for name, behaviour in PROMETHEUS.items():
        sections = {"prometheus": {"url": "{server}"}, "readings": {"n": {"promql": "m"}}}
        yield Trial(f"Prometheus: {name}", sections, behaviour)

    database = {"postgres": {"url": "${DATABASE_URL}"}}
    for name, sql in SQL.items():
        yield Trial(
            f"PostgreSQL: {name}", {**database, "readings": {"n": {"sql": sql}}}, None, (("DATABASE_URL", url),)
        )
    for name, sends in MESSAGES.items():
        false = f"postgresql://probe@127.0.0.1:{stack.enter_context(false_database(sends))}/shop"
        sections = {**database, "readings": {"n": {"sql": "select 1"}}}
        yield Trial(f"no PostgreSQL: {name}", sections, None, (("DATABASE_URL", false),))

    for name in REHEARSED:
        yield Trial(f"rehearsal: {name}", LOAD, BAD_ANSWERS[name], (), REHEARSAL)


# What a server that is none sends without an end, once it has let somebody in.
MESSAGES: dict[str, Callable[[int], bytes]] = {
    "settings without an end": lambda n: message(b"S", b"setting_%d\0" % n + b"x" * 10_000 + b"\0"),
    "notices without an end": lambda _: message(b"N", b"SNOTICE\0M" + b"x" * 10_000 + b"\0\0"),
    "one message without an end": lambda n: b"N" + struct.pack("!I", 1_000_000_000) if n == 0 else b"x" * 10_000,
}


def _write(folder: Path, server: str, sections: dict[str, Any]) -> None:
    """Write an environment and a runbook of one line."""
    line = {"id": "number", "says": "the number is low", "decided_by": NUMBER, "phase": ["preflight"]}
    lines = [{**line, "gate": "blocker", "ref": "1"}]
    # JSON is YAML.
    (folder / "book.yaml").write_text(json.dumps({"runbook": "book", "title": "Book", "lines": lines}))
    environment = {
        "environment": "hostile",
        "production": False,
        "runbooks": ["book.yaml"],
        "allowed_hosts": ["127.0.0.1"],
        "target": {"url": server},
        "run": {"seconds_at_most": SECONDS_AT_MOST},
        **json.loads(json.dumps(sections).replace("{server}", server)),
    }
    (folder / "hostile.yaml").write_text(json.dumps(environment))


def _run(trial: Trial) -> Cost:
    """Run a phase against one answer, and return what it cost."""
    with tempfile.TemporaryDirectory(prefix="readiness-hostile-") as name, ExitStack() as stack:
        server = stack.enter_context(Server(trial.behaviour)).url if trial.behaviour else "http://127.0.0.1:9"
        _write(Path(name), server, trial.sections)
        places = ["--env=hostile", f"--environments={name}", f"--reports={name}/reports"]
        output = Path(name) / "output"
        began = time.monotonic()
        with output.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", *trial.words, *places],
                cwd=ROOT,
                env={**os.environ, **dict(trial.variables)},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )
            megabytes, processor = _watched(process)
        seconds = time.monotonic() - began
        return Cost(megabytes, seconds, processor, process.returncode, output.read_text(errors="replace"))


def _watched(process: subprocess.Popen[bytes]) -> tuple[float, float]:
    """Wait for a process, and return the most memory that it has had, in megabytes, and its processor seconds.

    What the kernel tells of an ended child (`ru_maxrss`) has the memory of this process in it, from before the exec.
    """
    peak, ended = 0, 0
    while not ended:
        # Of the process and of those that it started, the largest: a rehearsal is led by one and done by another.
        with suppress(OSError):
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
            for number in (process.pid, *children):
                status = Path(f"/proc/{number}/status").read_text(encoding="ascii", errors="replace")
                peak = max([peak, *map(int, _HIGH_WATER.findall(status))])
        time.sleep(LOOK_SECONDS)
        ended, code, used = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(code)
    return peak / 1000, used.ru_utime + used.ru_stime


def _healthy(url: str) -> dict[str, Cost]:
    """Return what a run costs against a good answer: by HTTP, of a database (with its library), and rehearsed."""
    number = {"readings": {"n": {"http": "{server}/n", "pointer": "/n"}}}
    asked = {"postgres": {"url": "${DATABASE_URL}"}, "readings": {"n": {"sql": "select 1"}}}
    costs = {
        "HTTP": _run(Trial("", number, document({"n": 1}))),
        "PostgreSQL": _run(Trial("", asked, None, (("DATABASE_URL", url),))),
        "rehearsal": _run(Trial("", LOAD, document({"n": 1}), (), REHEARSAL)),
    }
    for name, cost in costs.items():
        figures = f"{cost.megabytes:.0f} MB, {cost.processor:.1f} s of work, {cost.seconds:.1f} s, exit {cost.exit}"
        print(f"       a good answer, {name}: {figures}", flush=True)
    return costs


def _like(trial: Trial, costs: dict[str, Cost]) -> Cost:
    """Return the healthy run that a trial is held against."""
    kinds = (kind for kind in ("PostgreSQL", "rehearsal") if kind in trial.name)
    return costs[next(kinds, "HTTP")]


def _tell(trial: Trial, cost: Cost, healthy: Cost) -> int:
    """Print a row; return whether it is over a bar."""
    more, work = cost.megabytes - healthy.megabytes, cost.processor - healthy.processor
    is_in_time = cost.seconds <= SECONDS_AT_MOST + TIMES_HEALTHY * healthy.seconds
    is_bounded = more <= MEGABYTES_MORE and work <= SECONDS_AT_MOST and is_in_time
    is_over = not is_bounded or cost.exit == 0  # none of these answers is good
    figures = f"{more:+7.1f} MB {work:+6.1f} s of work {cost.seconds:6.1f} s, exit {cost.exit}"
    print(f"{'MISSED' if is_over else 'ok    '} {trial.name:<44} {figures}", flush=True)
    if is_over:
        print(cost.output[-OUTPUT_SHOWN:], flush=True)
    return is_over


@contextmanager
def _database() -> Iterator[str]:
    """Give the address of a database whose role only reads."""
    folder = Path(tempfile.mkdtemp(prefix="readiness-hostile-"))
    server = postgres.start(folder / "cluster")
    try:
        with psycopg.connect(server.dsn(), autocommit=True) as admin:
            admin.execute(SHOUT.encode())
            admin.execute(f"create role probe login password '{PASSWORD}'".encode())
        yield server.dsn("probe", PASSWORD)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Try all answers and print the table; return whether a bar was missed."""
    if not Path("/proc/self/status").exists():
        print("not tried: this machine has no /proc, which tells the memory of a process")
        return LACKS_A_TOOL

    word = sys.argv[1] if len(sys.argv) > 1 else ""
    with ExitStack() as stack:
        url = stack.enter_context(_database())
        costs = _healthy(url)
        trials = [trial for trial in _trials(url, stack) if word in trial.name]
        missed = 0
        with ThreadPoolExecutor(AT_ONCE) as two:
            for trial, cost in zip(trials, two.map(_run, trials), strict=True):
                missed += _tell(trial, cost, _like(trial, costs))
    return BARS_MISSED if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
