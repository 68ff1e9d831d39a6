"""How a database is trusted: libpq by itself gives the password in clear to whoever answers without TLS.

libpq's modes are those of https://www.postgresql.org/docs/current/libpq-ssl.html.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from readiness.environment.schema import Environment
from readiness.environment.trust import TlsMode
from readiness.transport.this_machine import is_this_machine

STRICTEST: TlsMode = "verify-full"
SYSTEM = "system"
"""The authorities that the machine believes, by libpq's name for them (since version 16)."""
_OWN_AUTHORITIES = Path("~/.postgresql/root.crt")
"""Where libpq looks by itself."""


@dataclass(frozen=True)
class DatabaseTls:
    """What an environment says of the trust in its databases."""

    mode: TlsMode | None = None
    authorities: Path | None = None
    is_production: bool = False

    @classmethod
    def of(cls, environment: Environment) -> DatabaseTls:
        """Return what an environment says."""
        stated = environment.postgres
        if stated is None:
            return cls(is_production=environment.production)
        return cls(stated.tls, stated.ca_file, environment.production)

    def applied(self, address: str) -> str:
        """Return an address that says how its server is trusted. Raises psycopg.Error for what is none.

        In production a database that is asked over the network shows a certificate for its name, of an authority that
        is believed, unless the environment or the address states a weaker mode.
        """
        from psycopg.conninfo import conninfo_to_dict, make_conninfo  # noqa: PLC0415  slow to load: who connects pays

        parts = conninfo_to_dict(address)
        hosts = f"{parts.get('host') or ''},{parts.get('hostaddr') or ''}".split(",")
        is_remote = not all(is_this_machine(host) for host in hosts)
        mode = self.mode or parts.get("sslmode") or (STRICTEST if self.is_production and is_remote else None)
        if mode is None:
            return address

        changed = {"sslmode": str(mode)}
        authorities = self.authorities or parts.get("sslrootcert") or _named_elsewhere()
        if authorities or mode == STRICTEST:
            changed["sslrootcert"] = str(authorities or SYSTEM)
        return make_conninfo(address, **changed)


def _named_elsewhere() -> str | None:
    """Return the authorities that libpq would use by itself: who runs the suite has named them."""
    if os.environ.get("PGSSLROOTCERT"):
        return os.environ["PGSSLROOTCERT"]
    kept = _OWN_AUTHORITIES.expanduser()
    return str(kept) if kept.is_file() else None
