"""What is in the place of a file that is written: it is written whole, or one line says why not and nothing changes.

To add a row: what is in its place, and the words of the refusal, or none where it is written.
"""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from readiness.files.atomic_write import PRIVATE, SHARED, NotReplaced, write_whole
from tests import warm
from tests.plugin.project import Project, line

Put = Callable[[Path], object]


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(os.path.relpath(path))  # its whole name is longer than such a name may be


def a_file(path: Path) -> None:
    path.write_text("before")


def to(put: Put) -> Put:
    """Return what puts a link to something in the place."""

    def link(path: Path) -> None:
        put(path.with_name("linked"))
        path.symlink_to("linked")

    return link


def twice(put: Put) -> Put:
    """Return what puts a link to a link to something in the place."""

    def link(path: Path) -> None:
        to(put)(path.with_name("link"))
        path.symlink_to("link")

    return link


def nothing(path: Path) -> None:
    del path


PLACES: dict[str, tuple[Put, str]] = {
    "nothing": (nothing, ""),
    "a file": (a_file, ""),
    "a link to a file": (to(a_file), ""),
    "a link to a link to a file": (twice(a_file), ""),
    "a pipe": (a_pipe, "is a pipe; name a file"),
    "a socket": (a_socket, "is a socket; name a file"),
    "a folder": (Path.mkdir, "is a folder; name a file"),
    "a link to a pipe": (to(a_pipe), "is a pipe; name a file"),
    "a link to a folder": (to(Path.mkdir), "is a folder; name a file"),
    "a link to a device": (lambda path: path.symlink_to("/dev/null"), "is a device; name a file"),
    "a link to nothing": (lambda path: path.symlink_to("gone"), "is a link to nothing"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "is a link to nothing"),
}


def everything(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return what is in a folder: kinds, numbers and where links lead."""
    states = {path: path.lstat() for path in folder.rglob("*")}
    return {
        path.name: (state.st_mode, state.st_ino, str(path.readlink()) if path.is_symlink() else "")
        for path, state in states.items()
    }


@pytest.mark.parametrize("place", PLACES)
def test_only_a_file_is_written_over(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put, refusal = PLACES[place]
    path = tmp_path / "page.html"
    put(path)
    before = everything(tmp_path)
    if refusal:
        with pytest.raises(NotReplaced, match=refusal):
            write_whole(path, "after")
        assert everything(tmp_path) == before
        return

    write_whole(path, "after")
    assert path.read_text() == "after"
    assert path.is_symlink() == place.startswith("a link")
    assert {*everything(tmp_path)} == {*before, "page.html"}, "nothing is left over"


def test_devices_are_refused() -> None:
    for device in ("/dev/null", "/dev/full", "/dev/zero", "/dev/tty"):
        with pytest.raises(NotReplaced, match="is a device; name a file"):
            write_whole(Path(device), "after")
        assert stat.S_ISCHR(Path(device).stat().st_mode)


@pytest.mark.parametrize(("mode", "expected"), [(PRIVATE, 0o600), (SHARED, 0o644)])
def test_a_new_file_has_the_mode_of_its_kind(mode: int, expected: int, tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        write_whole(tmp_path / "new", "text", mode)
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == expected


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664, 0o755])
def test_a_file_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("before")
    path.chmod(mode)
    write_whole(path, "after")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("after", mode)


NOBODY = 65534
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")


@contextmanager
def a_folder_of_all() -> Iterator[Path]:
    """Yield a folder that every user may write to: those of pytest are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


@contextmanager
def as_nobody() -> Iterator[None]:
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@only_root
def test_a_file_of_another_user_is_left_alone() -> None:
    with a_folder_of_all() as folder:
        path = folder / "page.html"
        path.write_text("before")
        path.chmod(0o666)
        with as_nobody(), pytest.raises(NotReplaced, match="belongs to another user"):
            write_whole(path, "after")
        assert (path.read_text(), path.stat().st_uid) == ("before", 0)


@only_root
def test_a_read_only_file_is_left_alone() -> None:
    with a_folder_of_all() as folder, as_nobody():
        path = folder / "page.html"
        path.write_text("before")
        path.chmod(0o444)
        with pytest.raises(NotReplaced, match="is read-only"):
            write_whole(path, "after")
        assert path.read_text() == "before"


@only_root
def test_root_leaves_a_file_to_its_owner() -> None:
    with a_folder_of_all() as folder:
        path = folder / "page.html"
        with as_nobody():
            path.write_text("before")
        write_whole(path, "after")
        assert (path.read_text(), path.stat().st_uid) == ("after", NOBODY)


OPTIONS: dict[str, Callable[[Path], list[str]]] = {
    "--html": lambda path: [f"--html={path}"],
    "--junitxml": lambda path: [f"--junitxml={path}"],
    "--junit-xml": lambda path: [f"--junit-xml={path}"],
    "--log-file": lambda path: [f"--log-file={path}"],
    "-o log_file": lambda path: ["-o", f"log_file={path}"],
}


@pytest.mark.parametrize("option", OPTIONS)
def test_a_run_writes_over_no_pipe_and_does_not_wait_for_it(option: str, tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", "demo.figure"))
    pipe = tmp_path / "out"
    os.mkfifo(pipe)
    ran = project.preflight(*OPTIONS[option](pipe))
    assert (ran.exit, ran.results) == (4, []), ran.out
    assert f"{pipe} is a pipe; name a file" in " ".join(ran.out.split())
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full"])
def test_the_page_of_the_history_is_no_device(device: str, tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", "demo.figure"))
    assert project.preflight().exit == 0
    words = ["history", "--env", "tiny", f"--html={device}"]
    ran = warm.run("readiness", *words, folder=tmp_path)
    assert (ran.returncode, ran.stderr) == (4, f"readiness: --html: {device} is a device; name a file\n")
    assert stat.S_ISCHR(Path(device).stat().st_mode)


FULL = """
import resource, signal, sys
from pathlib import Path
from readiness.files.atomic_write import write_whole

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write_whole(Path(sys.argv[1]), "after" * 1000)
"""


def test_what_does_not_fit_leaves_what_was_there(tmp_path: Path) -> None:
    """A full disk, as far as a file is concerned: the system takes no more than a thousand bytes."""
    path = tmp_path / "page.html"
    path.write_text("before")
    ran = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=False)
    assert "File too large" in ran.stderr
    assert (path.read_text(), [left.name for left in tmp_path.iterdir()]) == ("before", ["page.html"])
