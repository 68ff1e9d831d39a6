"""What Git knows of the folder that a project lies in: which project it is, and which commit is checked out.

Git is asked in processes of its own, for a bounded time. Where there is no Git or no repository, nothing is known.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

SECONDS_AT_MOST = 5.0
"""A look through a long history may take so long; after that its beginning is not known."""
_QUIET = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never", "--no-pager")
"""Nothing that the repository's own settings name is run: no hook, no watcher, no pager, nothing that fetches."""
_OF_ANYBODY = ("-c", "safe.directory=*")
"""A checkout in a container is often another user's. Only to list names: that runs nothing of the repository's."""
_SCP = re.compile(r"^(?:[^@/]+@)?([^:/]+):(?!//)(.+)$")
_URL = re.compile(r"^[a-z][a-z0-9+.-]*://(?:[^@/]*@)?([^/:]+)(?::[0-9]+)?/(.+)$", re.IGNORECASE)
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True)
class Repository:
    """A repository as far as it is known."""

    root_commit: str = ""
    """The first commit of its history: the same in every clone, and unknown in a shallow one."""
    remote: str = ""
    """Host and path of `origin`, without a user, a password and a scheme."""
    place: str = ""
    """The folder in it that was asked about; empty for its top."""
    commit: str = ""
    is_dirty: bool | None = None
    """Whether a file that Git tracks is not as it was committed; None where nobody knows."""


def repository_of(folder: Path, besides: Path) -> Repository:
    """Return what is known of the repository around a folder; what changes in `besides` makes it no dirtier."""
    # Most of what is no repository needs no process to say so.
    if not _is_in_repository(folder.resolve()):
        return Repository()

    facts = _git(folder, "rev-parse", "--show-toplevel", "--is-shallow-repository").splitlines()
    if len(facts) != 2:  # noqa: PLR2004  one line for each of the two
        return Repository()

    top, is_shallow = Path(facts[0]), facts[1] != "false"
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD").strip()
    is_born = bool(_COMMIT.fullmatch(commit))
    return Repository(
        root_commit="" if is_shallow or not is_born else _first_commit(folder),
        remote=normalised(_git(folder, "config", "--get", "remote.origin.url").strip()),
        place=_below(top, folder),
        commit=commit if is_born else "",
        is_dirty=_is_dirty(top, besides) if is_born else None,
    )


def is_tracked(path: Path) -> bool | None:
    """Check whether a file is under version control; None where it lies in a repository and Git does not tell.

    A link is what it leads to: that is what is read.
    """
    try:
        real = path.resolve()
        if not _is_in_repository(real.parent):
            return False
        # The folder may be made only by the job that writes the file.
        folder = next(above for above in real.parents if above.is_dir())
    except (OSError, RuntimeError, ValueError):  # it leads to itself, no file can be called so, or we may not look
        return False

    question = ("ls-files", "--error-unmatch", "--", str(real.relative_to(folder)))
    ended = _ended(folder, *_OF_ANYBODY, "--literal-pathspecs", *question)
    return {0: True, 1: False}.get(ended.returncode) if ended else None


def _is_in_repository(folder: Path) -> bool:
    return any((above / ".git").exists() for above in (folder, *folder.parents))


def normalised(address: str) -> str:
    """Return host and path of a remote, the same for each way to reach it; empty for a folder of this machine.

    >>> normalised("git@GitHub.com:acme/shop.git"), normalised("https://bot:token@github.com/acme/shop/")
    ('github.com/acme/shop', 'github.com/acme/shop')
    >>> normalised("/srv/git/shop.git"), normalised("file:///srv/git/shop.git")
    ('', '')
    """
    match = _URL.match(address) or _SCP.match(address)
    if match is None or address.lower().startswith("file:"):
        return ""
    path = match[2].strip("/").removesuffix(".git")
    return f"{match[1].lower()}/{path}"


def _first_commit(folder: Path) -> str:
    # By first parents there is one beginning, also where histories of others were merged in.
    commits = _git(folder, "rev-list", "--first-parent", "--max-parents=0", "HEAD").split()
    return commits[0] if commits and _COMMIT.fullmatch(commits[0]) else ""


def _below(top: Path, folder: Path) -> str:
    here = folder.resolve()
    relative = here.relative_to(top.resolve()).as_posix() if here.is_relative_to(top.resolve()) else ""
    return "" if relative == "." else relative


def _is_dirty(top: Path, besides: Path) -> bool | None:
    out = _below(top, besides)
    spec = [":(top)", f":(top,exclude,literal){out}"] if out else [":(top)"]
    status = ask_git(top, "status", "--porcelain", "--untracked-files=no", "--", *spec)
    return None if status is None else bool(status.strip())


def _git(folder: Path, *words: str) -> str:
    return ask_git(folder, *words) or ""


def ask_git(folder: Path, *words: str, given: bytes = b"") -> str | None:
    """Return what Git answers, given some bytes on its standard input; None where it does not."""
    ended = _ended(folder, *words, given=given)
    return ended.stdout.decode("utf-8", "replace") if ended and ended.returncode == 0 else None


def _ended(folder: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes] | None:
    """Return how Git ended; None where there is none, and where it did not end in time."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # A folder of a repository may be a disk of its own, as a volume in a container is.
    variables |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_DISCOVERY_ACROSS_FILESYSTEM": "1", "LC_ALL": "C"}
    command = ["git", *_QUIET, "-C", str(folder), *words]
    try:
        return subprocess.run(  # noqa: S603  words of this module and folders
            command, capture_output=True, env=variables, timeout=SECONDS_AT_MOST, input=given, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
