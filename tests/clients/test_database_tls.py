"""Which server a password is given to: false servers in front of a database, with and without TLS of their own.

To add a row, add to FALSE what a server does and what is stated, with whether the password may reach it.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from psycopg.conninfo import conninfo_to_dict
from pydantic import ValidationError

from readiness.clients.dumps import Dumps
from readiness.clients.postgres import Postgres
from readiness.environment import schema
from readiness.outcomes import Effect, Unknown
from readiness.redaction.secret import Secret
from readiness.transport.database_tls import DatabaseTls
from readiness.transport.guard import Guard
from tests.clients.certificates import certificate_for

PASSWORD = "a-password-for-nobody-else"
WAIT_SECONDS = 10.0


@dataclass
class FalseServer:
    """Takes connections as PostgreSQL does, and asks for the password in clear."""

    context: ssl.SSLContext | None
    """None where it says that it has no TLS."""
    port: int = 0
    given: list[bytes] = field(default_factory=list)
    """What it was given for a password."""

    def serve(self, listening: socket.socket) -> None:
        """Serve until the socket is closed."""
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            peer.settimeout(WAIT_SECONDS)
            with peer:
                try:
                    self._ask(peer)
                except (OSError, struct.error):  # of it ssl.SSLError: it was not believed
                    continue

    def _ask(self, peer: socket.socket) -> None:
        wants_tls = struct.unpack("!II", peer.recv(8)) == (8, 80877103)
        talking = peer
        if wants_tls:
            peer.sendall(b"S" if self.context else b"N")
            talking = self.context.wrap_socket(peer, server_side=True) if self.context else peer
        with talking:
            talking.recv(4096)  # who it is, and which database
            talking.sendall(b"R" + struct.pack("!II", 8, 3))  # AuthenticationCleartextPassword
            answer = talking.recv(4096)
            # Before the connection is closed: the other side goes on then.
            if answer:
                self.given.append(answer)


@pytest.fixture
def files(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[FalseServer, Path]]:
    """A false server, with TLS by a certificate for a name where one is asked for, and that certificate."""
    named: x509.GeneralName | None = request.param
    context, certificate = None, tmp_path / "none"
    if named is not None:
        certificate, key = certificate_for(tmp_path, named)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = FalseServer(context, listening.getsockname()[1])
        serving = threading.Thread(target=server.serve, args=(listening,))
        serving.start()
        yield server, certificate
        listening.shutdown(socket.SHUT_RDWR)
        serving.join()


PLAIN = None
OF_HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
OF_ANOTHER = x509.DNSName("another.example")
BELIEVED = "believed"
"""Its own certificate is named by `ca_file`."""
FALSE: dict[str, tuple[x509.GeneralName | None, dict[str, Any], bool]] = {
    # What the server shows, what is stated, whether the password is given.
    "no TLS, and nothing stated": (PLAIN, {}, True),
    "no TLS, verify-full": (PLAIN, {"tls": "verify-full"}, False),
    "no TLS, verify-ca": (PLAIN, {"tls": "verify-ca", "ca_file": BELIEVED}, False),
    "no TLS, require": (PLAIN, {"tls": "require"}, False),
    "no TLS, prefer": (PLAIN, {"tls": "prefer"}, True),
    "no TLS, disable": (PLAIN, {"tls": "disable"}, True),
    "of nobody, nothing stated": (OF_HERE, {}, True),
    "of nobody, verify-full": (OF_HERE, {"tls": "verify-full"}, False),
    "of nobody, require": (OF_HERE, {"tls": "require"}, True),
    "of a believed authority, verify-full": (OF_HERE, {"tls": "verify-full", "ca_file": BELIEVED}, True),
    "for another name, verify-full": (OF_ANOTHER, {"tls": "verify-full", "ca_file": BELIEVED}, False),
    "for another name, verify-ca": (OF_ANOTHER, {"tls": "verify-ca", "ca_file": BELIEVED}, True),
    "an authority makes require to verify-ca": (OF_ANOTHER, {"tls": "require", "ca_file": BELIEVED}, True),
}


@pytest.mark.parametrize(
    ("files", "stated", "is_given"), [pytest.param(*row, id=name) for name, row in FALSE.items()], indirect=["files"]
)
def test_who_is_given_the_password(files: tuple[FalseServer, Path], stated: dict[str, Any], is_given: bool) -> None:
    server, certificate = files
    if stated.get("ca_file") == BELIEVED:
        # Where there is no TLS, any authority will do.
        stated = stated | {"ca_file": certificate if certificate.is_file() else a_certificate(certificate.parent)}
    section = schema.Postgres(url=Secret(f"postgresql://probe:{PASSWORD}@127.0.0.1:{server.port}/shop"), **stated)
    guard = Guard(["127.0.0.1"], database_tls=DatabaseTls(section.tls, section.ca_file))

    with pytest.raises(Unknown) as unknown:
        Postgres(section, guard).rows("select 1")

    assert bool(server.given) is is_given
    assert any(PASSWORD.encode() in given for given in server.given) is is_given
    if not is_given:
        assert "TLS failed" in unknown.value.reason
        assert "postgres.ca_file" in unknown.value.remedy


@pytest.mark.parametrize("files", [PLAIN], indirect=True, ids=["no TLS"])
def test_the_programs_of_a_drill_believe_no_other_server(
    files: tuple[FalseServer, Path], tmp_path: Path, starts_servers: None
) -> None:
    del starts_servers
    server, _ = files
    guard = Guard(["127.0.0.1"], tuple(Effect), database_tls=DatabaseTls("verify-full"))
    address = Secret(f"postgresql://probe:{PASSWORD}@127.0.0.1:{server.port}/shop")

    with pytest.raises(Unknown):
        Dumps(guard, None, 20).make(address, tmp_path / "dump")

    assert not server.given


def a_certificate(folder: Path) -> Path:
    return certificate_for(folder, OF_ANOTHER)[0]


IN_PRODUCTION: dict[str, tuple[str, str | None]] = {
    "over the network": ("postgresql://probe:pw@db.example.com/shop", "verify-full"),
    "by keywords": ("host=db.example.com user=probe password='a b'", "verify-full"),
    "one of two hosts": ("postgresql://probe:pw@localhost,db.example.com/shop", "verify-full"),
    "an address behind a name": ("host=localhost hostaddr=192.0.2.7", "verify-full"),
    "an IPv6 address": ("postgresql://probe:pw@[2001:db8::1]/shop", "verify-full"),
    "a weaker mode that is stated": ("postgresql://probe:pw@db.example.com/shop?sslmode=require", "require"),
    "stated by keywords": ("host=db.example.com sslmode = 'disable'", "disable"),
    "this machine": ("postgresql://probe:pw@127.0.0.1/shop", None),
    "this machine by IPv6": ("postgresql://probe:pw@[::1]/shop", None),
    "a socket": ("host=/var/run/postgresql dbname=shop", None),
    "no host": ("dbname=shop", None),
}


@pytest.mark.parametrize(("address", "mode"), IN_PRODUCTION.values(), ids=list(IN_PRODUCTION))
def test_production_is_believed_by_its_certificate(address: str, mode: str | None) -> None:
    applied = conninfo_to_dict(DatabaseTls(is_production=True).applied(address))

    assert applied.get("sslmode") == mode
    assert ("sslrootcert" in applied) is (mode == "verify-full")
    kept = conninfo_to_dict(address)
    assert {name: applied[name] for name in kept if name not in {"sslmode", "sslrootcert"}} == {
        name: value for name, value in kept.items() if name != "sslmode"
    }


def test_elsewhere_an_address_stays_as_it_is() -> None:
    address = "postgresql://probe:pw@db.example.com/shop"
    assert DatabaseTls().applied(address) == address


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no mode": ({"tls": "full"}, "tls"),
    "no file": ({"ca_file": "nowhere.pem"}, "nowhere.pem cannot be read as a file of authorities: No such file"),
    "no certificate": ({"ca_file": __file__}, "it holds no certificate in PEM"),
    "no authority for verify-ca": ({"tls": "verify-ca"}, "name that authority by ca_file"),
}


@pytest.mark.parametrize(("stated", "says"), BAD.values(), ids=list(BAD))
def test_what_cannot_be_believed_is_refused_when_it_is_read(stated: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        schema.Postgres(url=Secret("postgresql://probe@db/shop"), **stated)
