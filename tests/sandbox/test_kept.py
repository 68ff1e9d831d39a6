"""What is made once on a machine is used as long as it is whole, and made again where it is not."""

from __future__ import annotations

import os
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from readiness.files.archives import unpack
from readiness.sandbox import kept, postgres
from readiness.sandbox.front import Front
from readiness.sandbox.past import remember
from readiness.tools import BY_NAME, find

USUAL = tempfile.gettempdir()


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it is kept: nowhere that others use."""
    folder = tmp_path / "places"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that the server's user can reach."""
    with tempfile.TemporaryDirectory(dir=USUAL) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def write(text: bytes) -> Path:
    path = kept.place("thing", text.decode())
    kept.keep(path, lambda file: file.write(text))
    return path


def test_each_ingredient_counts() -> None:
    assert kept.place("thing", "a", 1) == kept.place("thing", "a", 1)
    assert len({kept.place(*words) for words in (("thing", "a"), ("thing", "b"), ("other", "a"), ("thing",))}) == 4


def test_another_version_of_a_program_is_another_ingredient(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("one")
    before = kept.version(program)
    program.write_text("three")
    assert kept.version(program) != before


def test_it_is_read_as_it_was_written(places: Path) -> None:
    with kept.opened(write(b"whole")) as file:
        assert file.read() == b"whole"
    assert len(list(places.iterdir())) == 1


def test_half_of_it_is_not_kept(places: Path) -> None:
    def breaks_off(file: IO[bytes]) -> None:
        file.write(b"half")
        raise OSError("the disk is full")

    kept.keep(kept.place("thing"), breaks_off)
    assert list(places.iterdir()) == []


def test_a_link_and_what_is_not_there_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("chosen by somebody else")
    path = kept.place("thing")
    with pytest.raises(FileNotFoundError):
        kept.opened(path)
    path.symlink_to(tmp_path / "theirs")
    with pytest.raises(OSError, match="symbolic links"):
        kept.opened(path)


def test_what_somebody_else_has_made_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(b"theirs")
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    with pytest.raises(PermissionError, match="is no file of ours"):
        kept.opened(path)


def test_the_next_one_removes_an_old_one_of_its_kind(places: Path) -> None:
    old, new, other = write(b"old"), write(b"new"), kept.place("other")
    other.touch()
    long_ago = time.time() - kept.OLD_SECONDS - 1
    os.utime(old, (long_ago, long_ago))
    os.utime(other, (long_ago, long_ago))
    third = write(b"third")
    assert set(places.iterdir()) == {new, other, third}


def test_a_broken_cluster_is_made_again(starts_servers: None, places: Path, outside: Path) -> None:
    del starts_servers
    postgres.start(outside / "first").stop()
    (packed,) = places.iterdir()
    whole = packed.read_bytes()
    packed.write_bytes(whole[: len(whole) // 2])
    postgres.start(outside / "second").stop()
    assert len(packed.read_bytes()) == len(whole)
    server = postgres.start(outside / "third")
    server.stop()
    assert server.password == (outside / "second" / "password").read_text()


if find(BY_NAME["promtool"]):

    def test_a_broken_past_is_made_again(places: Path, tmp_path: Path) -> None:
        front = Front()
        names: set[str] = set()
        for number in range(3):
            folder = tmp_path / str(number)
            folder.mkdir()
            remember(folder, front, seconds=60)
            blocks = [block.name for block in (folder / "blocks").iterdir()]
            assert len(blocks) >= 2
            assert names.isdisjoint(blocks), "a Prometheus takes it for the block that it has"
            names.update(blocks)
            (packed,) = places.iterdir()
            if number == 0:
                whole = packed.read_bytes()
                packed.write_bytes(whole[: len(whole) // 2])
            assert number == 0 or len(packed.read_bytes()) == len(whole)


def test_a_pipe_that_somebody_put_there_is_neither_waited_for_nor_replaced() -> None:
    path = kept.place("thing", "piped")
    os.mkfifo(path)
    with pytest.raises(PermissionError, match="is no file of ours"):
        kept.opened(path)
    kept.keep(path, lambda file: file.write(b"piped"))
    assert path.is_fifo()


def test_a_link_is_neither_followed_nor_replaced(tmp_path: Path) -> None:
    path = kept.place("thing", "linked")
    (tmp_path / "other").write_bytes(b"of somebody else")
    path.symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match=str(path)):
        kept.opened(path)
    kept.keep(path, lambda file: file.write(b"linked"))
    assert path.is_symlink()
    assert (tmp_path / "other").read_bytes() == b"of somebody else"


def test_it_is_unpacked_by_a_python_without_filters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian 12 has Python 3.11.2, whose tarfile knows no `filter`."""

    def older(archive: tarfile.TarFile, path: Path, members: Any = None) -> None:
        for member in members or archive.getmembers():
            archive.extract(member, path)

    monkeypatch.setattr(tarfile.TarFile, "extractall", older)
    monkeypatch.delattr(tarfile, "data_filter", raising=False)  # it may be one
    (tmp_path / "packed").write_text("text")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path / "packed", "packed")
    with tarfile.open(tmp_path / "a.tar") as archive:
        unpack(archive, tmp_path / "unpacked")
    assert (tmp_path / "unpacked" / "packed").read_text() == "text"
