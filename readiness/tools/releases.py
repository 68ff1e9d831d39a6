"""The projects' release archives: downloaded with a digest that was published, or not at all."""

from __future__ import annotations

import hashlib
import http.client
import os
import platform
import sys
import tarfile
import time
import tomllib
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath

from readiness.files.archives import unpack
from readiness.tools.catalogue import TOOLS, Tool
from readiness.tools.places import NotFetched, cache, is_program, link, settle, staging

ARCHIVE_BYTES, UNPACKED_BYTES = 400_000_000, 2_000_000_000
"""Prometheus 3.5 has 130 MB, and 400 MB unpacked."""
SILENCE_SECONDS, DOWNLOAD_SECONDS = 30.0, 900.0
CHUNK = 1 << 20
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class ReleaseArchive:
    """One release archive for one platform, as `pins.toml` states it."""

    release: str
    version: str
    platform: str
    url: str
    sha256: str
    source: str
    """The published file that the digest was read from."""
    also: str = ""
    """A second, independent one that states the same."""


def pinned() -> list[ReleaseArchive]:
    """Return the archives that may be downloaded."""
    text = files("readiness.tools").joinpath("pins.toml").read_text(encoding="utf-8")
    return [ReleaseArchive(**stated) for stated in tomllib.loads(text)["archive"]]


def this_platform() -> str:
    """Return the platform as the projects name it in their archives, such as linux-amd64."""
    machine = platform.machine().lower()
    return f"{sys.platform}-{MACHINES.get(machine, machine)}"


def archive_for(tool: Tool, archives: Sequence[ReleaseArchive]) -> ReleaseArchive:
    """Return the archive that has this tool for this machine. Raises NotFetched."""
    here = this_platform()
    for archive in archives:
        if archive.release == tool.release and archive.platform == here:
            return archive
    raise NotFetched(f"no release archive of {tool.name} for {here} has a digest in pins.toml")


def bring(archive: ReleaseArchive) -> None:
    """Download and unpack an archive into the cache, and link each tool that it has. Raises NotFetched."""
    name = f"{archive.release}-{archive.version}.{archive.platform}"
    target = cache() / "releases" / name
    if not target.is_dir():
        with staging() as folder:
            packed = folder / "archive.tar.gz"
            _download(archive, packed)
            unpacked = folder / "unpacked"
            _unpack(packed, unpacked)
            # The projects' archives have one folder, named after the release.
            settle(unpacked / name if (unpacked / name).is_dir() else unpacked, target)
    _link_tools(archive, target)


def _download(archive: ReleaseArchive, packed: Path) -> None:
    """Download a file whose digest is as published; the size and the time that it may take are bounded."""
    digest = hashlib.sha256()
    end = time.monotonic() + DOWNLOAD_SECONDS
    size = 0
    try:
        with (
            urllib.request.urlopen(archive.url, timeout=SILENCE_SECONDS) as answer,  # noqa: S310  an address of our pin file
            packed.open("wb") as file,
        ):
            while chunk := answer.read(CHUNK):
                size += len(chunk)
                if size > ARCHIVE_BYTES:
                    raise NotFetched(f"{archive.url} has more than {ARCHIVE_BYTES} bytes")
                if time.monotonic() > end:
                    raise NotFetched(f"{archive.url} took longer than {DOWNLOAD_SECONDS:g} seconds")
                digest.update(chunk)
                file.write(chunk)
    except (OSError, http.client.HTTPException) as error:
        raise NotFetched(f"{archive.url} could not be downloaded: {error}") from None
    if digest.hexdigest() != archive.sha256:
        raise NotFetched(
            f"{archive.url} is not what was published: its digest is sha256 {digest.hexdigest()}, "
            f"and {archive.sha256} was expected ({archive.source})"
        )


def _unpack(packed: Path, into: Path) -> None:
    """Unpack an archive whose digest was right. Raises NotFetched."""
    try:
        with tarfile.open(packed, "r:gz") as archive:
            members = [_plain(member) for member in archive]
            if sum(member.size for member in members) > UNPACKED_BYTES:
                raise NotFetched(f"the archive would take more than {UNPACKED_BYTES} bytes unpacked")
            unpack(archive, into, members)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise NotFetched(f"the archive could not be unpacked: {error}") from None


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return a member that is a file or a folder of ours, inside the archive's folder. Raises NotFetched.

    A release has no others. This does by itself what Python's filter does, which its older versions do not have.
    """
    path = PurePosixPath(member.name)
    if not (member.isfile() or member.isdir()) or path.is_absolute() or ".." in path.parts:
        raise NotFetched(f"the archive could not be unpacked: {member.name!r} is no file or folder inside of it")
    member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    member.mode &= 0o755
    return member


def _link_tools(archive: ReleaseArchive, folder: Path) -> None:
    """Link every tool of the release. Raises NotFetched where one is missing."""
    for tool in TOOLS:
        if tool.release != archive.release:
            continue
        programs = [folder / name for name in tool.programs if is_program(folder / name)]
        if not programs:
            raise NotFetched(f"{archive.url} has no program {' or '.join(tool.programs)}")
        link(tool, programs[0])
