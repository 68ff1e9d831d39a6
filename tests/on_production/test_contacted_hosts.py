"""Environment files and answers that would lead elsewhere: a machine that nobody allowed hears nothing of it.

To add a row, write what the file says, with {here} for the allowed address and {there} for the one that is not: both
are on this machine, and the second one listens. Messages have a table of their own, see test_message_hosts.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from readiness.clients.dumps import Dumps
from readiness.environment import schema
from readiness.errors import BadEnvironment
from readiness.outcomes import Effect, Unknown
from readiness.procedures.restore import SECONDS_AT_MOST
from readiness.sources.table import Clients
from readiness.transport.database_tls import DatabaseTls
from readiness.transport.guard import Guard
from tests.clients.servers import Behaviour, Server, packet

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has 127.0.0.2 by itself")

HERE, THERE = "127.0.0.1", "127.0.0.2"
NUMBER = int.from_bytes(socket.inet_aton(THERE))


@dataclass
class Trap:
    """A machine that nobody allowed, and how often somebody connected to it."""

    port: int = 0
    connections: list[str] = field(default_factory=list)


@pytest.fixture
def trap() -> Iterator[Trap]:
    heard = Trap()
    with socket.create_server((THERE, 0)) as listener:
        heard.port = int(listener.getsockname()[1])

        def take() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.settimeout(2)
                        with suppress(OSError):
                            heard.connections.append(connection.recv(100).decode("latin-1"))

        taking = threading.Thread(target=take)
        taking.start()
        yield heard
        listener.shutdown(socket.SHUT_RDWR)
        taking.join()


def loaded(folder: Path, sections: dict[str, Any], database: str = "") -> schema.Environment:
    """Return the environment of a file that allows one host, and of these sections. Raises BadEnvironment."""
    stated: dict[str, Any] = {"environment": "shop", "runbooks": ["ingestion"], "allowed_hosts": [HERE]}
    stated |= {"target": {"url": f"http://{HERE}:9"}, "http": {"deadline_seconds": 5}, **sections}
    (folder / "shop.yaml").write_text(json.dumps(stated), encoding="utf-8")
    return schema.load("shop", folder, {"DATABASE_URL": database})


def with_database(folder: Path, address: str) -> schema.Environment:
    """Return the environment of a file that names this database, and the same one as its replica."""
    url = "${DATABASE_URL}"
    return loaded(folder, {"postgres": {"url": url, "tls": "prefer"}, "replica": {"url": url}}, address)


def made(environment: schema.Environment) -> Clients:
    guard = Guard(environment.allowed_hosts, (Effect.READ,), database_tls=DatabaseTls.of(environment))
    return Clients.of(environment, guard, Path("nowhere"))


ADDRESSES = {
    "another host": "http://{there}",
    "behind a user": "http://{here}@{there}",
    "behind a backslash": "http://{here}\\@{there}",
    "behind a slash of a percent code": "http://{here}%2f@{there}",
    "before a fragment": "http://{there}#@{here}",
    "one number": f"http://{NUMBER}:{{port}}",
    "in base sixteen": f"http://{NUMBER:#x}:{{port}}",
    "in base eight": "http://0177.0.0.2:{port}",
    "two parts": "http://127.2:{port}",
    "inside IPv6": "http://[::ffff:127.0.0.2]:{port}",
    "wide digits": "http://\uff11\uff12\uff17.0.0.2:{port}",
    "a tab in the name": "http://127.0.0\t.2:{port}",
    "two slashes more": "http:////{there}",
    "a name that has the address": "http://127.0.0.1.:{port}",
}
PATHS = {
    "a path that is a user": "@{there}/x",
    "a path that begins a host": "//{there}/x",
    "a path with a backslash": "/\\{there}/x",
    "a path that is an address": "http://{there}/x",
    "a path that goes on with the port": "0@{there}/",
}
REDIRECTS = {
    "a whole address": "http://{there}/",
    "without a scheme": "//{there}/",
    "with backslashes": "\\\\{there}/",
    "behind a user": "http://{here}@{there}/",
    "one number": f"http://{NUMBER}:{{port}}/",
    "inside IPv6": "http://[::ffff:127.0.0.2]:{port}/",
    "another scheme": "ftp://{there}/",
    "in capitals": "HTTP://{there}/",
}


def written(text: str, trap: Trap, here: str = f"{HERE}:9") -> str:
    return text.format(here=here, there=f"{THERE}:{trap.port}", port=trap.port)


@pytest.mark.parametrize("place", ["target", "reading", "metrics"])
@pytest.mark.parametrize("case", ADDRESSES)
def test_an_address_of_the_file(case: str, place: str, trap: Trap, tmp_path: Path) -> None:
    address = written(ADDRESSES[case], trap)
    sections: dict[str, dict[str, Any]] = {
        "target": {"target": {"url": address}},
        "reading": {"readings": {"n": {"http": address}}},
        "metrics": {"metrics": {"url": address}},
    }
    with pytest.raises((BadEnvironment, Unknown)):
        made(loaded(tmp_path, sections[place])).http.get(address)
    assert trap.connections == []


@pytest.mark.parametrize("case", PATHS)
def test_a_path_of_a_runbook(case: str, trap: Trap, tmp_path: Path) -> None:
    with pytest.raises(Unknown):
        made(loaded(tmp_path, {})).http.get(written(PATHS[case], trap))
    assert trap.connections == []


def redirecting(location: str, status: int) -> Behaviour:
    headers = {"Location": location, "Refresh": f"0; url={location}", "Alt-Svc": f'http/1.1="{location}"'}
    return lambda _server, connection, _asked: connection.sendall(packet(status, b"{}", headers))


@pytest.mark.parametrize("status", [200, 301, 303, 308])
@pytest.mark.parametrize("case", REDIRECTS)
def test_an_answer_that_leads_away(case: str, status: int, trap: Trap, tmp_path: Path) -> None:
    with Server(redirecting(written(REDIRECTS[case], trap), status)) as server, suppress(Unknown):
        made(loaded(tmp_path, {"target": {"url": server.url}})).http.get("/")
    assert server.asked
    assert trap.connections == []


DATABASES = {
    "another host": "postgresql://probe:pw@{there}/shop",
    "the second of two": "postgresql://probe:pw@{here},{there}/shop",
    "in a percent code": "postgresql://probe:pw@127.0.0.1%2C127.0.0.2:{port}/shop",
    "by its address": "postgresql://probe:pw@127.0.0.1:{port}/shop?hostaddr=127.0.0.2",
    "twice": "host=127.0.0.1 host=127.0.0.2 port={port} user=probe dbname=shop",
    "the name of a database": "postgresql://probe:pw@{here}/host%3D127.0.0.2%20port%3D{port}",
    "the name of a database that is an address": "postgresql://probe:pw@{here}/postgresql%3A%2F%2F{there}%2Fshop",
    "one number": f"postgresql://probe:pw@{NUMBER}:{{port}}/shop",
    "a service": "postgresql://probe:pw@127.0.0.1:{port}/shop?service=elsewhere",
    "a file of services": "postgresql://probe:pw@/shop?service=elsewhere&servicefile={folder}/services",
    "whom to ask who it is": (
        "postgresql://probe@{here}/shop?oauth_issuer=https://{there}&oauth_client_id=x&require_auth=oauth"
    ),
    "a socket of this machine": "host={folder} user=probe dbname=shop",
    "a socket in a percent code": "postgresql://probe:pw@%2Ftmp:{port}/shop",
    "a socket in the parameters": "postgresql://probe:pw@/shop?host=/tmp&port={port}",
    "a file for the keys of TLS": "postgresql://probe:pw@{here}/shop?sslkeylogfile={folder}/keys",
    "no host": "postgresql://probe:pw@/shop?port={port}",
    "inside IPv6": "postgresql://probe:pw@[::ffff:127.0.0.2]:{port}/shop",
}
SURROUNDINGS = {
    "PGHOST": "127.0.0.2",
    "PGHOSTADDR": "127.0.0.2",
    "PGSERVICE": "elsewhere",
    "HTTP_PROXY": "http://{there}",
    "HTTPS_PROXY": "http://{there}",
    "ALL_PROXY": "http://{there}",
    "http_proxy": "http://{there}",
    "NO_PROXY": "",
}


def ask(environment: schema.Environment, folder: Path) -> None:
    del folder
    made(environment).postgres.value("select 1")


def ask_the_replica(environment: schema.Environment, folder: Path) -> None:
    del folder
    made(environment).replica.value("select 1")


def dump(environment: schema.Environment, folder: Path) -> None:
    assert environment.postgres
    guard = Guard(environment.allowed_hosts, (Effect.READ,), database_tls=DatabaseTls.of(environment))
    Dumps(guard, None, SECONDS_AT_MOST).make(environment.postgres.url, folder / "made")


WAYS: dict[str, Callable[[schema.Environment, Path], None]] = {
    "a reading": ask,
    "the replica": ask_the_replica,
    "a dump": dump,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", DATABASES)
def test_an_address_of_a_database(
    case: str, way: str, trap: Trap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "services").write_text(f"[elsewhere]\nhost={THERE}\nport={trap.port}\n", encoding="utf-8")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    address = DATABASES[case].replace("{folder}", str(tmp_path))
    with pytest.raises((BadEnvironment, Unknown)) as refusal:
        WAYS[way](with_database(tmp_path, written(address, trap)), tmp_path)
    assert "a secret comes from" not in str(refusal.value), "the address itself is to be tried"
    assert trap.connections == []
    assert {path.name for path in tmp_path.iterdir()} <= {"services", "shop.yaml", "made"}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_a_variable_of_the_machine(name: str, trap: Trap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "services").write_text(f"[elsewhere]\nhost={THERE}\nport={trap.port}\n", encoding="utf-8")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    monkeypatch.setenv(name, written(SURROUNDINGS[name], trap))
    url = f"postgresql://probe:pw@{HERE}:{trap.port}/shop"
    environment = with_database(tmp_path, url)
    clients = made(environment)
    for act in (lambda: clients.postgres.value("select 1"), lambda: clients.http.get("/")):
        with pytest.raises(Unknown):
            act()
    with pytest.raises(Unknown):
        dump(environment, tmp_path)
    assert trap.connections == []
