"""Where a database is, by the address that libpq is given."""

from __future__ import annotations

import re
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict

from readiness.environment import schema
from readiness.measurements import is_digits
from readiness.outcomes import Unknown

_POOLER_PORTS = {"6432", "6543"}
"""Of PgBouncer, and of Supabase's pooler."""
_POOLER_HOST = re.compile(r"(?:^|[.-])(?:pooler|pgbouncer|pgcat)(?:[.-]|$)")
_REFUSED = {
    "service": (
        "a service: which host that is stands in another file",
        "write the host itself: postgresql://role:password@host:port/name",
    ),
    "oauth_issuer": (
        "an oauth_issuer: libpq would go there by itself, and wait for a person",
        "give the role a password or a certificate",
    ),
    "sslkeylogfile": (
        "a sslkeylogfile: libpq would write there what the connection is encrypted with",
        "leave it out",
    ),
}
"""What libpq takes in an address, and would be led by to what nobody sees: why not, and what to do instead."""


@dataclass(frozen=True)
class DatabaseAddress:
    """Where the database is, as the record of requests shows it."""

    hosts: tuple[str, ...]
    port: str
    database: str

    @classmethod
    def of(cls, settings: schema.Postgres, key: str = "postgres.url") -> DatabaseAddress:
        """Return the place of an address, by the `key` where it stands. Raises Unknown for what libpq does not take."""
        try:
            parts = conninfo_to_dict(settings.url.reveal())
        except psycopg.Error:  # its message would hold a part of the address
            raise Unknown(
                f"{key} is not the address of a database", "write it as postgresql://role:password@host:port/name"
            ) from None

        for word, (why, remedy) in _REFUSED.items():
            if parts.get(word):
                raise Unknown(f"{key} names {why}", remedy)

        # libpq tries several hosts in turn, and connects to `hostaddr` where it is given: all must be allowed.
        hosts = f"{parts.get('host') or ''},{parts.get('hostaddr') or ''}".rstrip(",").split(",")
        return cls(
            hosts=tuple(hosts),
            port=str(parts.get("port") or 5432),
            database=str(parts.get("dbname") or ""),
        )

    @property
    def only_host(self) -> str | None:
        """The host, where there is no more than one."""
        return self.hosts[0] if len(self.hosts) == 1 else None

    @property
    def only_door(self) -> tuple[str, int] | None:
        """The host and port, where it is asked over the network and at no other place besides."""
        # Without a name, and with a folder for one, it is asked over a socket of this machine.
        host = self.only_host
        is_over_network = bool(host) and not str(host).startswith("/")
        if host is None or not is_over_network or not is_digits(self.port):
            return None
        return host, int(self.port)

    @property
    def leads_to_pooler(self) -> bool:
        """Whether a pooler stands at that place: by its port, or by the name of its host.

        >>> [DatabaseAddress((host,), port, "").leads_to_pooler for host, port in (("db.shop.internal", "5432"),
        ...     ("db.shop.internal", "6543"), ("aws-0-eu-central-1.pooler.supabase.com", "5432"))]
        [False, True, True]
        """
        return self.port in _POOLER_PORTS or any(_POOLER_HOST.search(host.lower()) for host in self.hosts)

    def __str__(self) -> str:
        return f"postgres://{','.join(self.hosts)}:{self.port}/{self.database}"
