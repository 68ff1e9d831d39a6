"""Whom a message really goes to: Apprise asks no host that is not allowed, whatever the address, and no proxy.

To add a row, add to ADDRESSES one as Apprise has it, with {place} where it names its host.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from readiness.clients.notifying import Notifier
from readiness.environment.schema import Notify
from readiness.outcomes import Effect
from readiness.redaction.secret import Secret, known_secrets
from readiness.transport.guard import Guard
from readiness.transport.outgoing import NotAllowedThere, only_to

ADDRESSES = {
    "json": "json://{place}/hook",
    "xml": "xml://{place}/hook",
    "form": "form://{place}/hook",
    "ntfy": "ntfy://{place}/topic",
    "gotify": "gotify://{place}/AbCdEf123456789",
    "mattermost": "mmost://{place}/abcdefghijklmnopqrstuvwx",
    "apprise": "apprise://{place}/a-key-of-it",
    "rocket.chat": "rocket://user:a-pw-of-nobody-7@{place}/#ops",
    "matrix": "matrix://user:a-pw-of-nobody-7@{place}/#ops",
    "mail": "mailto://user:a-pw-of-nobody-7@{place}?from=a@b.example&to=c@d.example",
    "syslog": "rsyslog://{place}",
    "home assistant": "hassio://{place}/a-long-token-of-it",
    "nextcloud": "ncloud://user:a-pw-of-nobody-7@{place}/ada",
    "mastodon": "mastodon://token-of-it@{place}",
    "signal": "signal://{place}/15551234567/15557654321",
    "pushjet": "pjet://{place}/a-secret-key",
    "kodi": "kodi://{place}",
    "emby": "emby://user:a-pw-of-nobody-7@{place}",
}
VENDORS = {
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/",
    "discord": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "telegram": "tgram://123456789:abcdefg_hijklmnop/12315544/",
    "pagerduty": "pagerduty://abcdefghijklmnop@abcdefghijklmnop",
}


@dataclass
class Listener:
    """Counts who connects, and answers that it is well."""

    port: int = 0
    peers: list[str] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    with socket.create_server(("127.0.0.1", 0)) as stream:
        found.port = stream.getsockname()[1]

        def take() -> None:
            while True:
                try:
                    peer, _ = stream.accept()
                except OSError:
                    return
                found.peers.append("TCP")
                with peer:
                    peer.settimeout(5)
                    peer.recv(4096)
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

        taking = threading.Thread(target=take)
        taking.start()
        yield found
        stream.shutdown(socket.SHUT_RDWR)
        taking.join()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def told(address: str, *allowed: str) -> tuple[bool, str]:
    """Send one message; return whether it was delivered, and why not."""
    settings = Notify(urls=(Secret(address),), seconds_at_most=10)
    (delivery,) = Notifier(settings, Guard(allowed, (Effect.READ, Effect.NOTIFY))).send("A run", "ALERT")
    return delivery.delivered, delivery.why


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=list(ADDRESSES))
def test_nothing_goes_to_a_host_that_is_not_allowed(address: str, listener: Listener) -> None:
    delivered, why = told(address.format(place=f"127.0.0.1:{listener.port}"), "allowed.example")

    assert not delivered
    assert "allowed" in why
    assert listener.peers == []


@pytest.mark.parametrize("name", ["json", "ntfy", "gotify", "mattermost", "pushjet"])
def test_it_goes_to_a_host_that_is(name: str, listener: Listener) -> None:
    assert told(ADDRESSES[name].format(place=f"127.0.0.1:{listener.port}"), "127.0.0.1") == (True, "")
    assert listener.peers == ["TCP"]


@pytest.mark.parametrize("address", VENDORS.values(), ids=list(VENDORS))
def test_the_host_of_a_vendor_is_asked_of_the_list_too(address: str) -> None:
    delivered, why = told(address, "allowed.example")

    assert not delivered
    assert ".com, not in allowed_hosts" in why or ".org, not in allowed_hosts" in why


def test_the_host_of_an_address_is_no_key_and_can_be_read() -> None:
    delivered, why = told("ntfy://a-key-of-nobody-8@ntfy.internal-of-nobody.example/topic", "allowed.example")

    assert not delivered
    assert "ntfy.internal-of-nobody.example, not in allowed_hosts" in why
    assert "a-key-of-nobody-8" in known_secrets()


def test_no_proxy_of_this_machine_is_asked(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{listener.port}")

    delivered, why = told("json://allowed.example/hook", "allowed.example")

    assert not delivered
    assert "127.0.0.1, not in allowed_hosts" in why
    assert listener.peers == []


def test_a_name_leads_to_its_addresses_and_afterwards_everything_is_open_again(listener: Listener) -> None:
    with only_to(["localhost"]):
        socket.create_connection(("localhost", listener.port)).close()
        with pytest.raises(NotAllowedThere, match=r"192\.0\.2\.7 is not in allowed_hosts"):
            socket.create_connection(("192.0.2.7", listener.port))
        with pytest.raises(NotAllowedThere):
            socket.getaddrinfo("elsewhere.example", 80)
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams, pytest.raises(NotAllowedThere):
            datagrams.sendto(b"x", ("192.0.2.7", 9))

    with only_to(["elsewhere.example"]), pytest.raises(NotAllowedThere):
        socket.create_connection(("localhost", listener.port))
    socket.create_connection(("127.0.0.1", listener.port)).close()
