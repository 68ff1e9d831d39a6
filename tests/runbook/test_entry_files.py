"""A file that is nearly called as one that would be read is refused: who wrote it believes that it counts.

To add a row: a name, and whether it is told.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.config.misnamed import is_nearly
from readiness.runbook.entry_files import misnamed_files
from tests import warm
from tests.evidence.launch import Launch, make

TOLD = (
    "prod.waivers.yml",
    "prod.waiver.yaml",
    "prod.Waivers.yaml",
    "prod.waivers.YAML",
    "prod-waivers.yaml",
    "prod_attestations.yaml",
    "prod.waviers.yaml",
    "prod.waivers.yaml.txt",
    "prod.waivers.json",
    "prod.waivers",
    "Prod.waivers.yaml",
    "prod2.waivers.yaml",
    "prod.attestation.yaml",
    "prod.attestations.yml",
    "prod.atestations.yaml",
    "prod.signoff.yaml",
    "prod.sign_off.yaml",
    "prod.sign-off.yml",
    "prod.yml",
    "prod.YAML",
)
NOT_TOLD = (
    "prod.waivers.yaml",
    "prod.waivers.yaml~",
    "prod.waivers.yaml.bak",
    "prod.waivers.yaml.orig",
    ".prod.waivers.yaml.swp",
    ".#prod.waivers.yaml",
    "#prod.waivers.yaml#",
    "prod.waivers.example.yaml",
    "pro.yaml",
    "pro.waivers.yaml",
    "prods.yaml",
    "proof.yaml",
    "prod.runbook.yaml",
    "checkout.journey.yaml",
    "README.md",
    "prod.notes.md",
)


def _environments(folder: Path, **keys: str) -> Path:
    (folder / "prod.yaml").write_text(
        "".join(f"{key}: {value}\n" for key, value in {"environment": "prod", **keys}.items())
    )
    (folder / "pro.yaml").write_text("environment: pro\n")
    return folder


@pytest.mark.parametrize("name", [*TOLD, *NOT_TOLD])
def test_a_name_that_is_nearly_one_that_is_read(name: str, tmp_path: Path) -> None:
    folder = _environments(tmp_path)
    if name != "pro.yaml":
        (folder / name).write_text("a: b\n")
    problems = list(misnamed_files("prod", folder))
    assert [problem.partition(":")[0] for problem in problems] == ([name] if name in TOLD else [])


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({"attestations": "words.yaml"}, "prod.attestation.yaml"),
        ({"attestations": "prod.attestation.yaml"}, "prod.attestation.yaml"),
        ({"sign_off": "decision.yaml"}, "prod.signoff.yaml"),
        ({"runbooks": "[prod.yml]"}, "prod.yml"),
        ({"runbooks": "[prod.waiver.yaml]"}, "prod.waiver.yaml"),
    ],
)
def test_what_the_environment_names_itself_is_none(keys: dict[str, str], name: str, tmp_path: Path) -> None:
    folder = _environments(tmp_path, **keys)
    (folder / name).write_text("a: b\n")
    assert list(misnamed_files("prod", folder)) == []


@pytest.mark.parametrize(
    ("name", "is_near"),
    [
        ("abcd.yaml", True),
        ("acb.yaml", True),
        ("bac.yaml", True),
        ("axc.yaml", True),
        ("bc.yaml", True),
        ("ab.yaml", True),
        ("a.yaml", False),
        ("cba.yaml", False),
        ("abcde.yaml", False),
        ("abc.yaml", False),
    ],
)
def test_one_letter_and_no_more(name: str, is_near: bool) -> None:
    assert is_nearly(name, "abc.yaml") is is_near


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    return make(tmp_path_factory.mktemp("launch"))


COMMANDS: tuple[tuple[tuple[str, ...], int], ...] = (
    (("gate", "preflight", "--env", "tiny"), 4),
    (("verify", "tiny", "preflight"), 15),
    (("next", "--env", "tiny"), 4),
    (("plan", "--env", "tiny"), 4),
)


@pytest.mark.parametrize(("words", "code"), COMMANDS, ids=lambda part: part[0] if isinstance(part, tuple) else "")
def test_whoever_reads_the_entries_refuses_it(words: tuple[str, ...], code: int, done: Launch, tmp_path: Path) -> None:
    launch = done.copy(tmp_path / "copy")
    (launch.folder / "environments" / "tiny.attestation.yaml").write_text("attestations: {}\n")
    ran = warm.run("readiness", *words, folder=launch.folder)
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert (
        "tiny.attestation.yaml: attestations of tiny would be read from tiny.attestations.yaml"
        in ran.stdout + ran.stderr
    )
