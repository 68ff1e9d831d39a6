"""Whom does a run on production talk to, and does it only read? As the kernel and the database saw it.

    python tests/benchmarks/production_wire.py

A sandbox is described as production. The plan, files with a mistake, all four phases, drills and an announcement, each
with and without the word that allows it, are run as true processes under strace. It sees each connection and the first
bytes of what is sent, of libpq and of every child too; and the database logs each statement of the probe. The bars:
nothing is contacted by a plan or before a file is valid; no address but those of the file; every request one that
reads; every statement in a read-only transaction. A drill that is allowed writes by the requests of its own section
and tells nobody, and the announcement reaches its one place by one POST. Where TLS is verified, nothing is sent in
clear, and to a server that is not believed nothing at all.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psycopg
import yaml
from cryptography import x509

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from readiness.outcomes import Phase  # noqa: E402
from readiness.sandbox import Sandbox  # noqa: E402
from readiness.sandbox.database import PROBE  # noqa: E402
from tests.benchmarks.__main__ import BARS_MISSED, LACKS_A_TOOL  # noqa: E402
from tests.benchmarks.tls_front import TlsFront, tls_front  # noqa: E402
from tests.clients.certificates import certificate_for  # noqa: E402

NAME = "wire"
DATABASE = "SANDBOX_DATABASE_URL"
INDEXES = "database.indexes_valid"
WEEK = 7
READS = re.compile(
    r"(?:GET|HEAD|OPTIONS) .*"
    r"|POST /api/ds/query"  # how Grafana is asked for the data of a panel
    r"|POST /storage/v1/object/upload/sign/uploads/readiness-probe-\w+"  # whether we might upload; nothing is stored
)
DRILLS = {
    # A drill → the requests by which its section of the environment lets it write.
    "rollback": re.compile(r"POST /deploy"),
    "kill-switch": re.compile(r"POST /switch|POST /v1/uploads|DELETE /v1/uploads/[0-9a-f-]{36}"),
}
READ_CODES = {0, 1, 10}
"""Of a phase that came to a verdict, whatever it is."""
# sin_port=htons(5432), sin_addr=inet_addr("127.0.0.1"); of IPv6 the address stands in inet_pton.
_CONNECT = re.compile(r'connect\(\d+, \{sa_family=AF_INET6?, sin6?_port=htons\((\d+)\),.*?"([0-9a-f.:]+)"')
_LOCAL = re.compile(r'connect\(\d+, \{sa_family=AF_UNIX, sun_path=@?"([^"]*)"')
_REQUEST = re.compile(r'(?:sendto|sendmsg)\(.*?"([A-Z]{3,10}) (\S+) HTTP/1')
_LOGGED = re.compile(r"^(\d+) (\w*) LOG:  (?:statement|execute [^:]*): (.*)$")
_MISTAKES: dict[str, Mapping[str, Any]] = {
    "an unknown key": {"databse": {}},
    "a host that is not allowed": {"metrics": {"url": "http://192.0.2.7/metrics"}},
    "a runbook that is not there": {"runbooks": ["nothing.yaml"]},
    "an effect that a file may not allow": {"allow": ["write"]},
    "a variable that is not set": {"sentry": {"url": "${NOWHERE}", "token": "${NOWHERE}", "organization": "x"}},
}


@dataclass
class Seen:
    """What one command did to the network."""

    exit: int
    seconds: float
    output: str
    addresses: Counter[tuple[str, int]] = field(default_factory=Counter)
    sockets: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)


@dataclass
class Hook:
    """Where announcements go: a small server that counts what it is sent."""

    port: int = 0
    messages: list[bytes] = field(default_factory=list)


@contextmanager
def _hook() -> Iterator[Hook]:
    heard = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.messages.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        heard.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield heard
        server.shutdown()


def _traced(words: Sequence[str], variables: Mapping[str, str], folder: Path) -> Seen:
    """Run the readiness command under strace, and return what it did to the network."""
    trace = folder / "trace"
    began = time.monotonic()
    ran = subprocess.run(
        [
            *("strace", "-f", "--seccomp-bpf", "-qq", "-s", "160", "-o", str(trace)),
            *("-e", "trace=connect,sendto,sendmsg,sendmmsg", "-e", "signal=none"),
            *(sys.executable, "-m", "readiness", *words),
        ],
        cwd=folder,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    seen = Seen(ran.returncode, time.monotonic() - began, ran.stdout + ran.stderr)
    for line in trace.read_text(encoding="utf-8", errors="replace").splitlines():
        if address := _CONNECT.search(line):
            seen.addresses[(address[2], int(address[1]))] += 1
        elif local := _LOCAL.search(line):
            seen.sockets[local[1]] += 1
        elif request := _REQUEST.search(line):
            seen.requests[f"{request[1]} {request[2]}"] += 1
    return seen


def _environment(hook: Hook) -> dict[str, Any]:
    """Return the sandbox's environment as if it were production."""
    stated: dict[str, Any] = yaml.safe_load((ROOT / "environments" / "local.yaml").read_text(encoding="utf-8"))
    for key in ("sandbox", "allow", "load", "replica"):
        del stated[key]
    notify = {"urls": ["${HOOK}"]}
    assert hook.port
    return {**stated, "environment": NAME, "production": True, "notify": notify}


def _write(folder: Path, environment: Mapping[str, Any]) -> None:
    (folder / f"{NAME}.yaml").write_text(json.dumps(environment), encoding="utf-8")


@dataclass
class Trial:
    """One sandbox as production, and what was found against the bars."""

    folder: Path
    variables: dict[str, str]
    hook: Hook
    missed: int = 0

    @property
    def ports(self) -> set[int]:
        """The ports that the environment names."""
        return {int(port) for text in self.variables.values() for port in re.findall(r"127\.0\.0\.1:(\d+)", text)}

    def command(self, *words: str) -> Seen:
        """Run a command on this environment."""
        places = ["--environments", str(self.folder)]
        if words[0] != "plan":
            places += ["--reports", str(self.folder / "reports")]
        return _traced([*words, "--env", NAME, *places], self.variables, self.folder)

    def tell(self, what: str, seen: Seen, wrong: Sequence[str]) -> None:
        """Print what was seen, and what of it should not be."""
        word = "MISSED" if wrong else "ok    "
        methods = Counter(request.partition(" ")[0] for request in seen.requests.elements())
        requests = ", ".join(f"{count} {method}" for method, count in sorted(methods.items())) or "no request"
        connections = f"{seen.addresses.total()} connections to {len(seen.addresses)} ports, {requests}"
        print(f"{word} {what:<52} exit {seen.exit:>2}, {seen.seconds:5.1f} s; {connections}", flush=True)
        for each in wrong:
            print(f"       {each}", flush=True)
        if wrong:
            print(seen.output[-1500:], flush=True)
        self.missed += bool(wrong)

    def strangers(self, seen: Seen) -> list[str]:
        """Return what was contacted and is in no file."""
        found = [f"connected to {host}:{port}" for host, port in seen.addresses if not self._is_named(host, port)]
        return found + [f"connected to the socket {path}" for path in seen.sockets if "nscd" not in path]

    def _is_named(self, host: str, port: int) -> bool:
        # getaddrinfo asks the kernel for a way to each address by a connection of UDP to no port.
        return host == "127.0.0.1" and (port in self.ports or port == 0)


def _contacts_nobody(trial: Trial, what: str, seen: Seen, codes: set[int]) -> None:
    wrong = [f"connected to {host}:{port}" for host, port in seen.addresses]
    if seen.exit not in codes:
        wrong.append(f"exit {seen.exit}")
    trial.tell(what, seen, wrong)


def _only_reads(trial: Trial, what: str, seen: Seen, codes: set[int]) -> None:
    wrong = trial.strangers(seen)
    wrong += [f"{request} ({count})" for request, count in seen.requests.items() if not READS.fullmatch(request)]
    if not seen.addresses:
        wrong.append("nothing was contacted: this proves nothing")
    if seen.exit not in codes:
        wrong.append(f"exit {seen.exit}")
    trial.tell(what, seen, wrong)


def _writes_what_it_may(trial: Trial, what: str, seen: Seen, may_write: re.Pattern[str]) -> None:
    wrong = trial.strangers(seen)
    writes = [request for request in seen.requests if not READS.fullmatch(request)]
    wrong += [f"{request} is not of this drill" for request in writes if not may_write.fullmatch(request)]
    if not writes:
        wrong.append("nothing was written: this proves nothing")
    if trial.hook.messages:
        wrong.append("somebody was told, and only writing was allowed")
    if seen.exit not in READ_CODES:
        wrong.append(f"exit {seen.exit}")
    trial.tell(what, seen, wrong)


def _over_tls(trial: Trial, sandbox: Sandbox) -> None:
    """Judge two lines of the target and of its database through TLS, once believed and once not."""
    named, context = _certificate(trial.folder / "shown")
    another, _ = _certificate(trial.folder / "another")
    port_of = {name: int(re.findall(r":(\d+)", sandbox.variables[name])[-1]) for name in ("SANDBOX_URL", DATABASE)}
    for authority, is_believed in ((named, True), (another, False)):
        with (
            tls_front(port_of["SANDBOX_URL"], context) as target,
            tls_front(port_of[DATABASE], context, is_database=True) as database,
        ):
            trial.variables["TLS_DATABASE"] = re.sub(r":\d+/", f":{database.port}/", sandbox.variables[DATABASE])
            _write(trial.folder, _tls_environment(target, authority))
            seen = trial.command("gate", "preflight")
        word = "by an authority that is named" if is_believed else "by nobody that is named"
        trial.tell(f"over TLS, vouched for {word}", seen, list(_wrong_over_tls(seen, target, database, is_believed)))


def _wrong_over_tls(seen: Seen, target: TlsFront, database: TlsFront, is_believed: bool) -> Iterator[str]:
    ports = {target.port, database.port}
    yield from (f"connected to {host}:{port}" for host, port in seen.addresses if port not in {*ports, 0})
    yield from (f"{request} in clear" for request in seen.requests)
    yield from (f"{request} writes" for request in target.requests if not READS.fullmatch(request))
    if not ports <= {port for _, port in seen.addresses}:
        yield "one of them was not contacted: this proves nothing"
    if database.in_clear:
        yield f"{database.in_clear} connections to the database asked for no TLS"
    for name, front in (("the target", target), ("the database", database)):
        if bool(front.sessions) is not is_believed:
            yield f"{front.sessions} sessions with {name}"
    if seen.exit not in (READ_CODES if is_believed else {10}):
        yield f"exit {seen.exit}"


def _certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Return a certificate of this machine's address that signs itself, and what shows it."""
    folder.mkdir()
    certificate, key = certificate_for(folder, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def _tls_environment(target: TlsFront, authority: Path) -> dict[str, Any]:
    decided = {"health": {"health.live": {"path": "/health", "seconds_below": 2}}, "indexes": {INDEXES: {}}}
    lines = [
        {"id": name, "ref": "1", "says": name, "phase": ["preflight"], "gate": "blocker", "decided_by": by}
        for name, by in decided.items()
    ]
    book = {"runbook": "tls", "title": "TLS", "lines": lines}
    (authority.parents[1] / "tls-book.yaml").write_text(json.dumps(book), encoding="utf-8")
    return {
        "environment": NAME,
        "production": True,
        "runbooks": ["tls-book.yaml"],
        "allowed_hosts": ["127.0.0.1"],
        "target": {"url": f"https://127.0.0.1:{target.port}"},
        "http": {"ca_file": str(authority)},
        "postgres": {"url": "${TLS_DATABASE}", "tls": "verify-full", "ca_file": str(authority)},
    }


def _logging(admin: psycopg.Connection[Any]) -> Path:
    """Have the database log every statement of the probe, and return where."""
    admin.execute(f"alter role {PROBE} set log_statement = 'all'".encode())
    admin.execute("alter system set log_line_prefix = '%p %u '")
    admin.execute("select pg_reload_conf()")
    (row,) = admin.execute("show data_directory").fetchall()
    return Path(row[0]).parent / "log"


def _statements(log: Path) -> Iterator[tuple[str, str]]:
    """Yield the statements of the probe, each with its session."""
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        logged = _LOGGED.match(line)
        if logged and logged[2] == PROBE:
            yield logged[1], logged[3]


def _outside_transactions(log: Path) -> tuple[Counter[str], list[str]]:
    """Return how many statements of each kind there were, and those outside a read-only transaction of their own."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    open_in: dict[str, int] = {}
    for session, sql in _statements(log):
        if sql.startswith("begin transaction read only; set local"):
            counts["begin"] += 1
            open_in[session] = 0
        elif sql.endswith("rollback") and session in open_in:
            counts["rollback"] += 1
            del open_in[session]
        else:
            counts["asked"] += 1
            open_in[session] = open_in.get(session, 1) + 1
            if open_in[session] != 1:
                wrong.append(f"not alone in a read-only transaction: {sql[:100]}")
    return counts, wrong


def main() -> int:
    """Run everything and print it; return whether a bar was missed."""
    if shutil.which("strace") is None:
        print("not tried: this machine lacks strace")
        return LACKS_A_TOOL

    with tempfile.TemporaryDirectory(prefix="readiness-wire-") as name, Sandbox.start() as sandbox, _hook() as hook:
        variables = {**sandbox.variables, "HOOK": f"json://127.0.0.1:{hook.port}/hook"}
        trial = Trial(Path(name), variables, hook)
        admin = psycopg.connect(sandbox.variables["SANDBOX_SCRATCH_DATABASE_URL"], autocommit=True)
        log = _logging(admin)

        _before_the_first_connection(trial)
        _phases(trial, sandbox)
        _drill_and_announcement(trial)
        _over_tls(trial, sandbox)
        _tell_statements(trial, log)
        admin.close()
    return BARS_MISSED if trial.missed else 0


def _before_the_first_connection(trial: Trial) -> None:
    environment = _environment(trial.hook)
    for mistake, change in _MISTAKES.items():
        _write(trial.folder, {**environment, **change})
        _contacts_nobody(trial, f"a file with {mistake}", trial.command("gate", "preflight"), {3, 4})
    _write(trial.folder, environment)
    _contacts_nobody(trial, "the plan", trial.command("plan"), {0})


def _phases(trial: Trial, sandbox: Sandbox) -> None:
    for phase in Phase:
        if phase is Phase.SMOKE:
            sandbox.launch()
        if phase is Phase.GA:
            sandbox.age(WEEK)
        trial.variables |= sandbox.variables
        _only_reads(trial, f"the phase {phase}", trial.command("gate", phase), READ_CODES)


def _drill_and_announcement(trial: Trial) -> None:
    for drill in ("restore", *DRILLS):
        _contacts_nobody(trial, f"the drill {drill}, not allowed", trial.command("drill", drill), {4})
    for drill, may_write in DRILLS.items():
        seen = trial.command("drill", drill, "--allow", "write", "--confirm", "127.0.0.1")
        _writes_what_it_may(trial, f"the drill {drill}, allowed", seen, may_write)
    _contacts_nobody(trial, "an announcement, not allowed", trial.command("announce", "launch"), {0})

    seen = trial.command("announce", "launch", "--allow", "notify")
    wrong = trial.strangers(seen)
    if set(seen.addresses) != {("127.0.0.1", trial.hook.port)} or len(trial.hook.messages) != 1:
        wrong.append(f"{dict(seen.addresses)}, {len(trial.hook.messages)} messages came")
    trial.tell("an announcement", seen, wrong)


def _tell_statements(trial: Trial, log: Path) -> None:
    counts, wrong = _outside_transactions(log)
    if not counts["asked"]:
        wrong.append("the database logged no statement: this proves nothing")
    trial.missed += bool(wrong)
    word = "MISSED" if wrong else "ok    "
    print(f"{word} in the database's log: {dict(counts)}", flush=True)
    for each in wrong[:20]:
        print(f"       {each}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
