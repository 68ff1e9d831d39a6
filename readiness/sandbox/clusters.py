"""New clusters of PostgreSQL: made once on a machine, kept packed in a file, and unpacked for each sandbox."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

from readiness.sandbox import kept

DATA, PASSWORD = "data", "password"
INITDB_ARGUMENTS = (
    *("-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8"),
    *("--no-locale", "--no-sync", "--no-instructions"),
    "--wal-segsize=1",  # a replica copies whole segments, and the sandbox writes little
)
MADE_BY = ("bin/initdb", "bin/postgres", "share/postgres.bki")
"""The files of an installation that tell its version."""
ZONE = Path("/etc/localtime")
"""initdb writes the machine's time zone down."""


class NoCluster(RuntimeError):
    """Initdb or tar failed; the message ends with what it said."""


def make(binaries: Path, folder: Path, environment: dict[str, str], owner: dict[str, Any]) -> str:
    """Put a new cluster into a folder, and return its superuser's password. Raises NoCluster."""
    versions = [kept.version(path) for path in map(binaries.parent.joinpath, MADE_BY) if path.exists()]
    packed = kept.place("cluster", INITDB_ARGUMENTS, versions, owner, os.path.realpath(ZONE))
    try:
        _unpack(packed, folder, owner)
    except (OSError, NoCluster):  # there is none that can be used
        shutil.rmtree(folder / DATA, ignore_errors=True)
        (folder / PASSWORD).unlink(missing_ok=True)
        _initialise(binaries, folder, environment, owner)
        _pack(packed, folder, owner)
    return (folder / PASSWORD).read_text(encoding="ascii")


def _unpack(packed: Path, folder: Path, owner: dict[str, Any]) -> None:
    with kept.opened(packed) as file:
        _run(["tar", "-xf", "-"], owner, cwd=folder, stdin=file, stdout=subprocess.DEVNULL)


def _pack(packed: Path, folder: Path, owner: dict[str, Any]) -> None:
    def write(file: Any) -> None:
        try:
            _run(["tar", "-cf", "-", DATA, PASSWORD], owner, cwd=folder, stdout=file)
        except NoCluster as error:
            raise OSError(str(error)) from None

    kept.keep(packed, write)


def _initialise(binaries: Path, folder: Path, environment: dict[str, str], owner: dict[str, Any]) -> None:
    secret = folder / PASSWORD
    secret.write_text(secrets.token_hex(12), encoding="ascii")
    secret.chmod(stat.S_IRUSR | stat.S_IWUSR)
    if owner:
        os.chown(secret, owner["user"], owner["group"])
    arguments = [str(binaries / "initdb"), "-D", str(folder / DATA), "--pwfile", str(secret), *INITDB_ARGUMENTS]
    _run(arguments, owner, env=environment, cwd="/", stdout=subprocess.DEVNULL)


def _run(arguments: list[str], owner: dict[str, Any], **more: Any) -> None:
    """Run a program as the cluster's owner. Raises NoCluster, and OSError where there is no such program."""
    ran = subprocess.run(arguments, stderr=subprocess.PIPE, check=False, **owner, **more)  # noqa: S603  our own words
    if ran.returncode:
        raise NoCluster(f"{Path(arguments[0]).name} failed: {ran.stderr.decode('utf-8', 'replace')[-800:]}")
