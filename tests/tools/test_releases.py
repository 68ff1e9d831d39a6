"""Release archives from a server of our own: a download has the published digest, or does not happen."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from readiness.tools import BY_NAME, find, releases, version
from readiness.tools.places import NotFetched, cache
from readiness.tools.releases import ReleaseArchive, archive_for, bring, pinned, this_platform
from tests.tools.machine import machine

NAME = "prometheus-9.9.9.test"
PROGRAM = "#!/bin/sh\necho prometheus, version 9.9.9\n"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name that the library gives it
        del format, args


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder and its address, on a machine without tools."""
    for name, value in machine(tmp_path / "machine").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def packed(folder: Path, **members: str) -> Path:
    """Write an archive as the projects do: one folder with the programs in it."""
    path = folder / f"{NAME}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in members.items():
            member = tarfile.TarInfo(f"{NAME}/{name}")
            member.size, member.mode = len(text.encode()), 0o755
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def pin(address: str, path: Path, sha256: str = "") -> ReleaseArchive:
    """State an archive as `pins.toml` does."""
    digest = sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
    return ReleaseArchive("prometheus", "9.9.9", "test", f"{address}/{path.name}", digest, "a test")


def left() -> list[str]:
    """Name what lies in the cache."""
    return sorted(path.name for path in cache().rglob("*")) if cache().exists() else []


def test_an_archive_is_unpacked_and_its_tools_are_found(served: tuple[Path, str]) -> None:
    folder, address = served
    path = packed(folder, prometheus=PROGRAM, promtool=PROGRAM, LICENSE="free")
    archive = pin(address, path)
    bring(archive)
    for name in ("prometheus", "promtool"):
        found = find(BY_NAME[name])
        assert found
        assert version(found) == "9.9.9"
        assert found.resolve().parent == cache() / "releases" / NAME
    assert not [name for name in left() if name.startswith(".")], "nothing is left of the unpacking"
    path.unlink()
    bring(archive)  # what is there is not downloaded again


def test_another_digest_is_not_unpacked(served: tuple[Path, str]) -> None:
    folder, address = served
    path = packed(folder, prometheus=PROGRAM, promtool=PROGRAM)
    with pytest.raises(NotFetched, match=r"is not what was published.*expected \(a test\)"):
        bring(pin(address, path, sha256="0" * 64))
    assert left() == []
    assert find(BY_NAME["prometheus"]) is None


def test_what_is_larger_than_any_archive_is_not_read_to_its_end(
    served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = served
    monkeypatch.setattr(releases, "ARCHIVE_BYTES", 100)
    with pytest.raises(NotFetched, match="has more than 100 bytes"):
        bring(pin(address, packed(folder, prometheus=PROGRAM, promtool=PROGRAM)))
    assert left() == []


def test_what_unpacks_to_more_than_any_release_is_not_unpacked(
    served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = served
    monkeypatch.setattr(releases, "UNPACKED_BYTES", 10)
    with pytest.raises(NotFetched, match="more than 10 bytes unpacked"):
        bring(pin(address, packed(folder, prometheus=PROGRAM, promtool=PROGRAM)))
    assert left() == []


def test_an_archive_that_is_not_there_says_so(served: tuple[Path, str]) -> None:
    folder, address = served
    path = packed(folder, prometheus=PROGRAM)
    archive = pin(address, path)
    path.unlink()
    with pytest.raises(NotFetched, match=r"could not be downloaded: HTTP Error 404"):
        bring(archive)
    with pytest.raises(NotFetched, match=r"could not be downloaded: .*refused"):
        bring(ReleaseArchive("prometheus", "9.9.9", "test", "http://127.0.0.1:1/a.tar.gz", "0" * 64, "a test"))
    assert left() == []


def test_a_member_must_stay_in_its_folder(served: tuple[Path, str]) -> None:
    folder, address = served
    path = folder / "bad.tar.gz"
    for name, kind, target in (
        ("../outside", tarfile.REGTYPE, ""),
        ("link", tarfile.SYMTYPE, "/etc"),
        ("device", tarfile.CHRTYPE, ""),
    ):
        with tarfile.open(path, "w:gz") as archive:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
        with pytest.raises(NotFetched, match="could not be unpacked"):
            bring(pin(address, path))
        assert left() == [], name


def test_what_is_no_archive_says_so(served: tuple[Path, str]) -> None:
    folder, address = served
    path = folder / "page.tar.gz"
    path.write_text("<html>sign in first</html>")
    with pytest.raises(NotFetched, match="could not be unpacked"):
        bring(pin(address, path))


def test_a_release_without_a_tool_says_so(served: tuple[Path, str]) -> None:
    folder, address = served
    with pytest.raises(NotFetched, match="has no program promtool"):
        bring(pin(address, packed(folder, prometheus=PROGRAM)))


def test_the_pins_are_whole() -> None:
    archives = pinned()
    for archive in archives:
        assert re.fullmatch("[0-9a-f]{64}", archive.sha256), archive
        where = f"https://github.com/prometheus/{archive.release}/releases/download/v{archive.version}/"
        assert archive.url == f"{where}{archive.release}-{archive.version}.{archive.platform}.tar.gz"
        assert archive.source, archive
    assert len({(archive.release, archive.platform) for archive in archives}) == len(archives)
    assert len({archive.sha256 for archive in archives}) == len(archives)
    assert {archive.platform for archive in archives} == {
        f"{system}-{machine}" for system in ("linux", "darwin") for machine in ("amd64", "arm64")
    }


def test_a_platform_without_a_digest_has_no_archive() -> None:
    other = [archive for archive in pinned() if archive.platform != this_platform()]
    with pytest.raises(NotFetched, match=f"no release archive of prometheus for {this_platform()} has a digest"):
        archive_for(BY_NAME["prometheus"], other)
