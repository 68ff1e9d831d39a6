"""Which hosts are this machine itself."""

from __future__ import annotations

import ipaddress


def is_this_machine(host: str) -> bool:
    """Check whether a host is this machine itself. What a tunnel ends at is: its answers are not the target's."""
    # Without a name, and with a folder for one, PostgreSQL is asked over a socket of this machine.
    if not host or host.startswith("/") or host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
