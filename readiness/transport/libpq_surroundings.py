"""What libpq takes from its surroundings: the variables that lead to another server, and passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path

from readiness.files import bounded_read
from readiness.redaction.secret import Secret

REDIRECTING = (
    *("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE", "PGSERVICEFILE", "PGOPTIONS"),
    *("PGTARGETSESSIONATTRS", "PGLOADBALANCEHOSTS"),
)
"""libpq reads each where an address says nothing of it ("Environment Variables" in PostgreSQL's chapter on libpq).

`PGHOSTADDR` beside an allowed host leads to a server that nobody has allowed, and the record would name the host. What
says how a server is trusted (`PGSSLMODE`, `PGSSLROOTCERT`) or who asks (`PGPASSFILE`) stays.
"""
_BYTES_AT_MOST = 1_000_000
_PARTS = re.compile(r"((?:[^:\\]|\\.)*)(?::|$)")
_PASSWORD_PART = 4
"""`host:port:database:user:password`, with backslashes before a colon or a backslash that belongs to a part."""


def forget_redirections(variables: MutableMapping[str, str]) -> list[str]:
    """Remove the variables that lead elsewhere, and return their names. Before any thread connects."""
    present = [name for name in REDIRECTING if name in variables]
    for name in present:
        del variables[name]
    return present


def remember_passwords(variables: Mapping[str, str]) -> None:
    """Remember the passwords that libpq would use, so that they are masked in all output."""
    password = variables.get("PGPASSWORD")
    if password:
        Secret(password)
    file = variables.get("PGPASSFILE") or Path.home() / ".pgpass"
    for kept in _passwords(Path(file)):
        Secret(kept)


def _passwords(file: Path) -> Iterator[str]:
    try:
        lines = bounded_read.read_text(file, _BYTES_AT_MOST).splitlines()
    except (OSError, UnicodeDecodeError):  # libpq reads it itself, and says what is wrong with it
        return
    for line in lines:
        parts = _PARTS.findall(line)
        if not line.startswith("#") and len(parts) > _PASSWORD_PART:
            yield re.sub(r"\\(.)", r"\1", parts[_PASSWORD_PART])
