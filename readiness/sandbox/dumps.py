"""The sandbox's backups: real dumps of its database in a folder, one of yesterday and one of an hour ago."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from readiness.sandbox.postgres import PostgresFailed, Server, program

AGES = {"nightly": 20 * 3600.0, "hourly": 3600.0}
"""How long ago, in seconds, each of them was made."""
_DATE_AT = 12
"""In an archive of version 1.15 and later: PGDMP, version, sizes, format, compression; then seconds, minutes, ..."""


@dataclass(frozen=True)
class DumpFolder:
    """A folder of dumps."""

    folder: Path

    def newest(self) -> Path:
        """Return the newest."""
        return max(self.folder.glob("*.dump"), key=lambda path: path.stat().st_mtime)


def make(server: Server, folder: Path) -> DumpFolder:
    """Dump the database into a new folder. Raises PostgresFailed."""
    folder.mkdir()
    made = subprocess.run(  # noqa: S603  the wheel's own program
        [
            *(str(program("pg_dump")), "--format=custom", "--no-password"),
            *("-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", "postgres"),
        ],
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PGPASSWORD": server.password},
        check=False,
    )
    if made.returncode:
        raise PostgresFailed(f"pg_dump failed: {made.stderr.decode('utf-8', 'replace')[-800:]}")
    for name, age in AGES.items():
        path = folder / f"{name}.dump"
        then = time.time() - age
        path.write_bytes(dated(made.stdout, then))
        os.utime(path, (then, then))
    return DumpFolder(folder)


def dated(archive: bytes, moment: float) -> bytes:
    """Return an archive that states another moment as its own; each number there is a sign and four bytes."""
    then = time.gmtime(moment)
    numbers = (then.tm_sec, then.tm_min, then.tm_hour, then.tm_mday, then.tm_mon - 1, then.tm_year - 1900, 0)
    date = b"".join(b"\0" + number.to_bytes(4, "little") for number in numbers)
    return archive[:_DATE_AT] + date + archive[_DATE_AT + len(date) :]
