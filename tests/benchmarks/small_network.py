"""A network of network namespaces: this machine as the runner, a router, and two hosts behind it.

    runner 10.77.1.1 ── 10.77.1.254 router ─┬─ 10.77.2.2 target
                                            └─ 10.77.2.3 neighbour, behind the same doors

`enter` starts this program again inside namespaces of its own, as their root: nothing of it is seen outside, and all of
it is gone with the process. Linux only; needs `unshare`, `nsenter` and `ip`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

RUNNER, ROUTER = "10.77.1.1", "10.77.1.254"
TARGET, NEIGHBOUR = "10.77.2.2", "10.77.2.3"
BEHIND_THE_ROUTER = "10.77.2.0/24"
PORT = 8080
SERVICE = Path(__file__).with_name("small_service.py")
_INSIDE = "READINESS_SMALL_NETWORK"
_UP_SECONDS = 20.0
_LACKS_A_TOOL = 77


def enter() -> None:
    """Go on inside namespaces of its own. Raises SystemExit: with what is lacking, or how it went inside."""
    if os.environ.get(_INSIDE):
        return
    lacking = [tool for tool in ("unshare", "nsenter", "ip") if shutil.which(tool) is None]
    # Without being root the same works where the system permits namespaces of users.
    own_user = [] if os.geteuid() == 0 else ["--map-root-user"]
    # One of processes too: whatever is started inside ends with it.
    namespaces = ["unshare", *own_user, "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if not lacking and subprocess.run([*namespaces, "true"], capture_output=True, check=False).returncode:
        lacking = ["the right to make namespaces"]
    if lacking:
        print(f"not tried: this machine lacks {', '.join(lacking)}")
        raise SystemExit(_LACKS_A_TOOL)
    inside = subprocess.run([*namespaces, sys.executable, *sys.argv], env={**os.environ, _INSIDE: "1"}, check=False)
    raise SystemExit(inside.returncode)


@dataclass
class Host:
    """One network namespace, held by a process that sleeps."""

    name: str
    _holder: subprocess.Popen[bytes] = field(init=False)
    _service: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self._holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        # It is this machine's namespace until unshare has made another one.
        ours = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{self.pid}/ns/net").readlink() == ours:
            time.sleep(0.01)
        self.ip("link set lo up")

    @property
    def pid(self) -> int:
        """The process that holds the namespace."""
        return self._holder.pid

    def command(self, words: Sequence[str]) -> list[str]:
        """Return a command as it runs in this namespace."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", *words]

    def ip(self, words: str) -> None:
        """Run `ip` here."""
        subprocess.run(self.command(["ip", *words.split()]), check=True)

    def serve(self, address: str, *how: str) -> None:
        """Start the small service here, and wait until it takes connections."""
        self.stop()
        words = [sys.executable, str(SERVICE), address, str(PORT), *how]
        self._service = subprocess.Popen(self.command(words))
        _wait_until_there(address)

    def signal(self, number: int) -> None:
        """Send a signal to the service."""
        assert self._service
        self._service.send_signal(number)

    def stop(self) -> None:
        """End the service, however it stands."""
        if self._service:
            self._service.kill()
            self._service.wait()
            self._service = None

    def end(self) -> None:
        """End everything of this namespace."""
        self.stop()
        self._holder.kill()
        self._holder.wait()


def _wait_until_there(address: str) -> None:
    until = time.monotonic() + _UP_SECONDS
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection((address, PORT), 1.0):
            return
        time.sleep(0.02)
    raise TimeoutError(f"the service at {address} did not come up")


@dataclass
class Network:
    """The network as it is drawn above."""

    router: Host = field(default_factory=lambda: Host("router"))
    target: Host = field(default_factory=lambda: Host("target"))
    neighbour: Host = field(default_factory=lambda: Host("neighbour"))

    def __enter__(self) -> Self:
        here("link set lo up")
        here(f"link add outside type veth peer name runner netns {self.router.pid}")
        here(f"address add {RUNNER}/24 dev outside")
        here("link set outside up")
        self.router.ip(f"address add {ROUTER}/24 dev runner")
        self.router.ip("link set runner up")
        forward = "echo 1 > /proc/sys/net/ipv4/ip_forward"
        subprocess.run(self.router.command(["sh", "-c", forward]), check=True)
        for host, address in ((self.target, TARGET), (self.neighbour, NEIGHBOUR)):
            self._join(host, address)
        self.mend()
        return self

    def __exit__(self, *_: object) -> None:
        for host in (self.target, self.neighbour, self.router):
            host.end()

    def _join(self, host: Host, address: str) -> None:
        """Lay the line from the router to a host."""
        self.router.ip(f"link add {host.name} type veth peer name out netns {host.pid}")
        self.router.ip(f"link set {host.name} up")
        host.ip(f"address add {address}/32 dev out")
        host.ip("link set out up")
        host.ip(f"route replace {ROUTER} dev out")
        host.ip(f"route replace default via {ROUTER}")

    def mend(self) -> None:
        """Open every way again."""
        here("link set outside up")
        here(f"route replace default via {ROUTER}")
        for host, address in ((self.target, TARGET), (self.neighbour, NEIGHBOUR)):
            self.router.ip(f"route replace {address}/32 dev {host.name}")

    def cut(self, kind: str, *addresses: str) -> None:
        """Close the router's way to some hosts: `blackhole` says nothing, `unreachable` says so."""
        for address in addresses:
            self.router.ip(f"route replace {kind} {address}/32")


def here(words: str) -> None:
    """Run `ip` in the runner's own namespace."""
    subprocess.run(["ip", *words.split()], check=True)
