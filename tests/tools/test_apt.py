"""Packages that are downloaded and unpacked without root: by the real apt, from a repository of our own."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from readiness.sandbox.processes import free_port, start_server
from readiness.tools import BY_NAME, apt, find, version
from readiness.tools.places import NotFetched, cache
from readiness.tools.unpacked import SHARED, libraries_of, wrap_unpacked
from tests.tools.machine import machine, script

SAYS = "#!/bin/sh\necho {name}, version 9.9.9\n"
TEMPLATE = '#!/bin/sh\n[ "$1" = --version ] && echo alertmanager, version 9.9.9 || cat {folder}/default.tmpl\n'
ALERTMANAGER = BY_NAME["alertmanager"]
READY_SECONDS = 60


def package(repository: Path, name: str, needs: str = "", **programs: str) -> None:
    """Build a package of these programs into a repository, with its entry in the list."""
    root = repository / f"{name}-root"
    control = f"Package: {name}\nVersion: 9.9.9\nArchitecture: all\nMaintainer: a test <test@example.org>\n"
    control += (f"Depends: {needs}\n" if needs else "") + "Description: a test\n"
    script(root / "DEBIAN" / "control", control)
    for program, text in programs.items():
        script(root / "usr" / "bin" / program, text)
    if name == "prometheus-alertmanager":
        shared = root / SHARED.decode().removeprefix("/")
        shared.mkdir(parents=True)
        (shared / "default.tmpl").write_text("the unpacked template")
    path = repository / f"{name}.deb"
    build = ["dpkg-deb", "--root-owner-group", "--build", str(root), str(path)]
    subprocess.run(build, check=True, capture_output=True)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = f"{control}Filename: ./{path.name}\nSize: {path.stat().st_size}\nSHA256: {digest}\n\n"
    with (repository / "Packages").open("a", encoding="utf-8") as listed:
        listed.write(entry)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system that has nothing installed and knows one repository: a folder."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] file:{folder} ./\n")
    (tmp_path / "status").touch()
    (tmp_path / "lists" / "partial").mkdir(parents=True)
    (tmp_path / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{tmp_path}/sources.list";\nDir::Etc::sourceparts "-";\n'
        f'Dir::State::status "{tmp_path}/status";\nDir::State::lists "{tmp_path}/lists";\n'
        'APT::Sandbox::User "root";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    monkeypatch.setattr(apt, "LISTS", tmp_path / "lists")
    system = ("apt-get", "dpkg", "dpkg-deb", "tar", "rm")
    for name, value in machine(tmp_path / "machine", *system).items():
        monkeypatch.setenv(name, value)
    return folder


if apt.is_there():

    def test_a_package_is_unpacked_with_what_it_needs(repository: Path) -> None:
        package(
            repository, "prometheus", "needed-by-it", prometheus=SAYS.format(name="prometheus"), promtool="#!/bin/sh\n"
        )
        package(repository, "needed-by-it", needed="#!/bin/sh\n")
        apt.unpack(BY_NAME["prometheus"])
        found = find(BY_NAME["prometheus"])
        assert found
        assert version(found) == "9.9.9"
        assert find(BY_NAME["promtool"]), "it is in the same package"
        root = cache() / "packages" / "prometheus_9.9.9"
        assert (root / "usr" / "bin" / "needed").is_file()
        assert not list(cache().glob(".staging-*"))

    def test_an_unpacked_alertmanager_finds_its_template(repository: Path) -> None:
        package(
            repository,
            "prometheus-alertmanager",
            **{
                "prometheus-alertmanager": TEMPLATE.format(folder=SHARED.decode()),
            },
        )
        apt.unpack(ALERTMANAGER)
        found = find(ALERTMANAGER)
        assert found
        ran = subprocess.run([found], capture_output=True, text=True, cwd="/", check=False)
        assert ran.stdout == "the unpacked template", ran.stderr

    @pytest.mark.parametrize(
        ("depends", "promtools"), [("adduser, libc6 (>= 2.34)", "prometheus"), ("adduser, promtool", "promtool")]
    )
    def test_an_installed_promtool_is_found_in_its_package(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depends: str, promtools: str
    ) -> None:
        """Newer releases of Debian have it in one of its own."""
        for name in ("prometheus", "promtool"):
            script(tmp_path / "installed" / "bin" / name, SAYS.format(name=name))
        places = {"prometheus": ["prometheus"], "promtool": []}
        places[promtools].append("promtool")
        for package_name, programs in places.items():
            listed = "".join(f"{tmp_path}/installed/bin/{program}\n" for program in programs)
            (tmp_path / f"{package_name}.list").write_text(listed)
        broken = {"dpkg": f'#!/bin/sh\ncat {tmp_path}/"$2".list\n', "dpkg-query": f"#!/bin/sh\necho '{depends}'\n"}
        for name, value in machine(tmp_path / "machine", **broken).items():
            monkeypatch.setenv(name, value)
        apt._link_installed("prometheus")
        assert find(BY_NAME["promtool"]) == cache() / "bin" / "promtool"

    def test_a_package_that_does_not_exist_says_so(repository: Path) -> None:
        (repository / "Packages").touch()
        with pytest.raises(NotFetched, match="apt-get install: Unable to locate package chromium"):
            apt.unpack(BY_NAME["chromium"])
        assert find(BY_NAME["chromium"]) is None

    def test_a_package_that_was_changed_on_the_way_is_not_unpacked(repository: Path) -> None:
        package(repository, "prometheus", prometheus=SAYS.format(name="prometheus"), promtool="#!/bin/sh\n")
        content = bytearray((repository / "prometheus.deb").read_bytes())
        content[-1] ^= 1
        (repository / "prometheus.deb").write_bytes(bytes(content))
        with pytest.raises(NotFetched, match="apt-get download: "):
            apt.unpack(BY_NAME["prometheus"])
        assert not (cache() / "packages").exists()


def test_an_unpacked_server_lies_in_sbin_and_finds_its_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    root = cache() / "packages" / "pgbouncer_9.9.9"
    script(root / "usr/sbin/pgbouncer", '#!/bin/sh\necho "$LD_LIBRARY_PATH $*"\n')
    script(root / "usr/lib/x/libevent.so.2", "")
    pooler = BY_NAME["pgbouncer"]
    wrap_unpacked(pooler, root)
    program = find(pooler)
    assert program
    ran = subprocess.run([program, "-q"], capture_output=True, text=True, check=False)
    assert ran.stdout == f"{root}/usr/lib/x -q\n"


def test_an_unpacked_chromium_has_its_libraries_and_fonts_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in machine(tmp_path / "machine").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/before")
    root = cache() / "packages" / "chromium_9.9.9"
    script(root / "usr/lib/chromium/chromium", '#!/bin/sh\necho "$LD_LIBRARY_PATH $FONTCONFIG_FILE $*"\n')
    usual = root / "usr" / "lib" / "x86_64-linux-gnu"
    script(usual / "libusual.so.1.2", "a library")
    script(usual / "pulseaudio" / "libcommon-16.1.so", "another, whose folder only its own user knows")
    script(root / "lib" / "systemd" / "one.socket", "no library")
    chromium = BY_NAME["chromium"]
    wrap_unpacked(chromium, root)
    found = find(chromium)
    assert found
    ran = subprocess.run([found, "--headless"], capture_output=True, text=True, check=True)
    assert ran.stdout == f"{usual}:{usual}/pulseaudio:/before {root}/fonts.conf --headless\n"
    assert f"<dir>{root}/usr/share/fonts</dir>" in (root / "fonts.conf").read_text()
    assert libraries_of(chromium) == [str(usual), str(usual / "pulseaudio")]


DEBIANS = Path("/usr/bin/prometheus-alertmanager")

if DEBIANS.is_file() and SHARED in DEBIANS.read_bytes():

    @pytest.mark.parametrize("whole", [True, False], ids=["whole", "broken"])
    def test_debians_own_alertmanager_reads_the_unpacked_template(
        whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The real program: with a broken template in the unpacked folder it must not start, and else it must."""
        for name, value in machine(tmp_path / "machine").items():
            monkeypatch.setenv(name, value)
        root = tmp_path / "root"
        shared = root / SHARED.decode().removeprefix("/")
        (root / "usr" / "bin").mkdir(parents=True)
        shutil.copy(DEBIANS, root / "usr" / "bin" / DEBIANS.name)
        shutil.copytree(SHARED.decode(), shared, symlinks=True)
        if not whole:
            (shared / "default.tmpl").write_text('{{ define "never.closed" }}')
        wrap_unpacked(ALERTMANAGER, root)
        assert starts(tmp_path) == whole


def starts(folder: Path) -> bool:
    """Start the Alertmanager that is found, and return whether it becomes ready."""
    (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    port = free_port()
    words = [f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data", "--cluster.listen-address="]
    program = find(ALERTMANAGER)
    process = start_server(
        [str(program), *words, f"--web.listen-address=127.0.0.1:{port}"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + READY_SECONDS
    try:
        while process.poll() is None and time.monotonic() < end:
            try:
                with direct.open(f"http://127.0.0.1:{port}/-/ready", timeout=5):
                    return True
            except OSError:
                time.sleep(0.05)
        return False
    finally:
        process.kill()
        process.wait()
