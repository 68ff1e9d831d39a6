"""Packages of Debian and Ubuntu: installed as root, else downloaded and unpacked into the cache.

What apt downloads is checked by apt itself, against the digests of its signed lists.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from readiness.tools.catalogue import TOOLS, Tool
from readiness.tools.places import NotFetched, cache, is_program, link, settle, staging
from readiness.tools.unpacked import wrap_unpacked

APT_SECONDS = 1800
LISTS = Path("/var/lib/apt/lists")
QUIETLY = {
    "DEBIAN_FRONTEND": "noninteractive",
    "RUNLEVEL": "1",  # as in single-user mode: no package starts its service
    "LC_ALL": "C.UTF-8",
}
BRIEFLY = ("-qq", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=30", "-o", "Acquire::https::Timeout=30")
_INSTALLS = re.compile(r"^Inst (?P<name>\S+) (?:\[\S+\] )?\((?P<version>\S+) ", re.MULTILINE)
_DEPENDS = re.compile(r"(?:^|[,|] *)([a-z0-9][a-z0-9.+-]+)")
_LIBC = re.compile(r"libc6\b|libc-bin\b|libc-l10n\b")
"""What the machine's own loader must match: never unpacked beside it."""


def is_there() -> bool:
    """Return whether this machine is a Debian or Ubuntu with apt."""
    return bool(shutil.which("apt-get") and shutil.which("dpkg-deb") and {"debian", "ubuntu"} & _system())


def has_package(tool: Tool) -> bool:
    """Return whether the package has the program: Ubuntu's of Chromium only fetches a snap."""
    return not (tool.name == "chromium" and "ubuntu" in _system())


def _system() -> set[str]:
    """Return the names of this system and of those it descends from, from os-release."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return set()
    stated = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {*stated.get("ID", "").strip('"').split(), *stated.get("ID_LIKE", "").strip('"').split()}


def install(tool: Tool) -> None:
    """Install the package of a tool as root, and link its programs as the package lists them. Raises NotFetched."""
    arguments = (
        "-o",
        "DPkg::Lock::Timeout=120",
        "install",
        "-y",
        "--no-install-recommends",
        tool.package,
        *tool.companions,
    )
    if not _did(_has_lists(LISTS), lambda: _apt(*arguments)):
        # Without lists, or with old ones, whose files the mirror has no longer.
        _after_update((), lambda: _apt(*arguments))
    _link_installed(tool.package)


def _link_installed(package: str) -> None:
    """Link the package's programs, wherever it puts them: its folder need not be on our PATH. Raises NotFetched."""
    depends = _DEPENDS.findall(_run("dpkg-query", "--show", "--showformat=${Depends}", package))
    for tool in TOOLS:
        if tool.package != package:
            continue
        # Debian's prometheus has promtool in it, or needs a package of that name.
        packages = [package, *(name for name in depends if name in tool.programs)]
        paths = [Path(line) for name in packages for line in _run("dpkg", "-L", name).splitlines()]
        # A service's start script in /etc/init.d has the same name, and is executable too.
        programs = [path for path in paths if path.name in tool.programs and path.parent.name in {"bin", "sbin"}]
        if not programs or not is_program(programs[0]):
            raise NotFetched(f"the package {package} is installed and has no program {' or '.join(tool.programs)}")
        link(tool, programs[0])


def unpack(tool: Tool) -> None:
    """Download the package of a tool and what it needs, and unpack them into the cache. Raises NotFetched."""
    own = cache() / "apt"
    for folder in (own / "lists" / "partial", own / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    folders = ["-o", f"Dir::Cache={own}", "-o", f"Dir::Cache::archives={own / 'archives'}"]
    own_lists = [*folders, "-o", f"Dir::State::lists={own / 'lists'}"]
    if not _did(_has_lists(LISTS), lambda: _unpack(tool, folders)):
        _after_update(own_lists, lambda: _unpack(tool, own_lists))  # only root may renew the system's


def _did(possible: bool, step: Callable[[], object]) -> bool:
    """Return whether a step that may be possible was done."""
    if not possible:
        return False
    try:
        step()
    except NotFetched:
        return False
    return True


def _after_update(options: Sequence[str], step: Callable[[], object]) -> None:
    """Renew the lists, then do the step. Raises NotFetched with what went wrong first.

    A list that could not be renewed need not be the one that the step needs: it is tried all the same.
    """
    complaint = ""
    try:
        _apt(*options, "-o", "APT::Update::Error-Mode=any", "update")
    except NotFetched as error:
        complaint = str(error)
    try:
        step()
    except NotFetched as error:
        raise NotFetched(complaint or str(error)) from None


def _unpack(tool: Tool, options: Sequence[str]) -> None:
    planned = _apt(*options, "--simulate", "install", "--no-install-recommends", tool.package, *tool.companions)
    versions = {match["name"]: match["version"] for match in _INSTALLS.finditer(planned)}
    if tool.package not in versions:
        raise NotFetched(f"apt-get would not install {tool.package}; is it installed, and its program not on the PATH?")
    target = cache() / "packages" / f"{tool.package}_{versions[tool.package]}"
    if not target.is_dir():
        with staging() as folder:
            archives, root = folder / "archives", folder / "root"
            archives.mkdir()
            wanted = [f"{name}={version}" for name, version in versions.items() if not _LIBC.match(name)]
            _apt(*options, "download", *wanted, folder=archives)
            for archive in sorted(archives.glob("*.deb")):
                _run("dpkg-deb", "-x", str(archive), str(root))
            settle(root, target)
    for packaged in TOOLS:
        if packaged.package == tool.package:
            wrap_unpacked(packaged, target)


def _has_lists(folder: Path) -> bool:
    """Return whether apt has lists of packages: images of containers often come without."""
    return any(folder.glob("*_Packages*"))


def _apt(*arguments: str, folder: Path | None = None) -> str:
    return _run("apt-get", *BRIEFLY, *arguments, folder=folder)


def _run(program: str, *arguments: str, folder: Path | None = None) -> str:
    """Return what a program of the system printed. Raises NotFetched with the errors that it named."""
    try:
        ran = subprocess.run(  # noqa: S603  a program of the system with our own words
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, **QUIETLY},
            cwd=folder,
            timeout=APT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotFetched(f"{program}: {error}") from None
    if ran.returncode:
        output = ran.stderr.strip().splitlines() or ran.stdout.strip().splitlines() or ["it says nothing"]
        errors = [line for line in output if line.startswith("E: ")] or output[-1:]  # the first is the cause
        verbs = [argument for argument in arguments if argument in {"update", "install", "download"}]
        command = verbs[0] if verbs else arguments[0]
        raise NotFetched(f"{program} {command}: {errors[0].removeprefix('E: ')}")
    return ran.stdout
