"""The built wheel, in an environment that has the dependencies of this one and nothing of this folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.packaging.installed import Installed

ROOT = Path(__file__).parents[2]
SOURCES = ("readiness", "checks", "loadtests", "environments", "pyproject.toml", "setup.py", "README.md", "LICENSE")
BUILD_SDIST = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what the wheel is built from: a build leaves files behind, and takes along what others have left."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture(scope="session")
def installed(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build the source archive, from it the wheel, and install that; nothing is fetched."""
    built = tmp_path_factory.mktemp("built")
    _call(sys.executable, "-c", BUILD_SDIST, str(built), cwd=sources)
    (archive,) = built.glob("*.tar.gz")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    offline = ["--quiet", "--no-index", "--no-deps"]
    _call(*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", str(built), str(archive), cwd=built)
    (wheel,) = built.glob("*.whl")

    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    paths = {
        name: sysconfig.get_path(name, vars={"base": str(folder), "platbase": str(folder)})
        for name in ("purelib", "scripts")
    }
    # Python reads the folder that a .pth file names, but not the .pth files in it: our own checkout stays out of sight.
    (Path(paths["purelib"]) / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    python = str(Path(paths["scripts"]) / "python")
    _call(*pip, "--python", python, "install", *offline, str(wheel), cwd=built)
    return Installed(wheel, Path(paths["scripts"]))


def _call(*words: str, cwd: Path) -> None:
    ran = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
