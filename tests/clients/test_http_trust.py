"""Which server is believed over https: by a public authority or one that the environment names, and by its name."""

from __future__ import annotations

import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from readiness.environment import schema
from readiness.outcomes import Unknown
from readiness.transport.guard import Guard
from readiness.transport.http import Http
from tests.clients.certificates import certificate_for

OF_HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
OF_ANOTHER = x509.DNSName("another.example")


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers 200."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[str, Path]]:
    """A server whose certificate is for one name, and that certificate."""
    certificate, key = certificate_for(tmp_path, request.param)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"https://127.0.0.1:{server.server_port}", certificate
    server.shutdown()
    server.server_close()
    serving.join()


def status(url: str, authorities: Path | None) -> int:
    settings = schema.Http(ca_file=authorities)
    return Http(settings, schema.Target(url=url), Guard(["127.0.0.1"])).get("/").status


@pytest.mark.parametrize("served", [OF_HERE], indirect=True, ids=["its name"])
def test_an_authority_that_the_environment_names_is_believed(served: tuple[str, Path]) -> None:
    url, certificate = served

    assert status(url, certificate) == 200
    with pytest.raises(Unknown, match="certificate"):
        status(url, None)


@pytest.mark.parametrize("served", [OF_ANOTHER], indirect=True, ids=["another name"])
def test_the_name_is_verified_whoever_signed_it(served: tuple[str, Path]) -> None:
    url, certificate = served

    with pytest.raises(Unknown, match="certificate"):
        status(url, certificate)
