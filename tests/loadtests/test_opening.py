"""Connecting and TLS belong to what a user waits for: a server that closes each connection and shakes hands slowly."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from loadtests.client import Client, ClientConfig
from loadtests.connection import trust
from loadtests.health import Health
from loadtests.recording import RequestRecorder
from loadtests.trial import Tls, Trial
from readiness.rehearsal.evidence import RehearsalEvidence
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.histogram import merged
from readiness.rehearsal.journeys import Step
from readiness.rehearsal.verdict import Conclusion, judge

SLOW = 0.4
"""Seconds before the server answers the first message of TLS."""
BODY = b'{"revision": "slow"}'
ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """Sign a certificate for 127.0.0.1 with itself."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    found = Tls(folder / "cert.pem", folder / "key.pem")
    found.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    found.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return found


def _answer(peer: socket.socket, context: ssl.SSLContext) -> None:
    # A user who is told to stop leaves in the midst of it.
    with suppress(OSError), peer:
        time.sleep(SLOW)
        with context.wrap_socket(peer, server_side=True) as secured:
            secured.recv(10_000)
            secured.sendall(ANSWER)


@contextmanager
def closing_each(tls: Tls) -> Iterator[int]:
    """Serve meanwhile, one request to a connection; yield the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certificate, tls.key)
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listening:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = listening.accept()
                    threading.Thread(target=_answer, args=(peer, context), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_what_opening_takes_is_in_both_bounds(tls: Tls) -> None:
    recorder = RequestRecorder(hold_from=0)
    with closing_each(tls) as port:
        health, trusted = Health("x", recorder), trust(also=tls.certificate)
        config = ClientConfig(f"https://127.0.0.1:{port}", ["127.0.0.1"], {}, 10, recorder, health, trusted)
        with closing(Client(config)) as user:
            for _ in range(3):
                assert user.ask(Step(path="/t")).error is None
    tally = recorder.counters.endpoints["/t"]
    assert min(tally.kernel) >= SLOW * 1e6 * 0.99
    assert merged([tally.naive]).middle(1.0) >= merged([tally.kernel]).middle(1.0)
    assert recorder.counters.connections.closed_by_target == 2


def rehearse(folder: Path, tls: Tls) -> RehearsalEvidence:
    """Rehearse with a few users, whose limit is half of what a connection takes."""
    stage = {
        "users": 20,
        "users_per_second": 20,
        "hold_minutes": 0.15,
        "think_seconds": [0.2, 0.4],
        "settle_seconds": 1,
        "p95_seconds_below": SLOW / 2,
    }
    with closing_each(tls) as port:
        return Trial(folder, f"https://127.0.0.1:{port}", stage, tls).run()


def test_a_target_that_shakes_hands_slowly_fails(tmp_path: Path, tls: Tls) -> None:
    judged = judge(Figures.of(rehearse(tmp_path, tls)))
    assert judged.word is Conclusion.FAIL
    assert "most of it is TLS, 0.4" in judged.reasons[0].says, judged.reasons[0].says
    assert "because the target had closed theirs" in judged.reasons[0].says
    assert judged.reasons[0].next == "keep connections alive, then mend this"
