"""Rules of keys and public keys that lie where nobody reads them: whoever put them there believes that they bind.

To add a row: a path below the folder of the environments, what the file holds, and whether it is refused.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.evidence.signing import KEYS, new_pair
from tests import warm
from tests.evidence.launch import Launch, make

RULES = "keys: {ci: {revoked: 2026-01-01T00:00Z, reason: the disk was copied}}\n"
MISPLACED: dict[str, tuple[str, bool]] = {
    # A path below environments/ → what it holds, and whether it is refused.
    "keys/KEYS.YAML": (RULES, True),
    "keys/keys.yml": (RULES, True),
    "keys/Keys.Yaml": (RULES, True),
    "keys/key.yaml": (RULES, True),
    "keys/keys": (RULES, True),
    "keys/keys.yaml.txt": (RULES, True),
    "keys/keys.json": (RULES, True),
    "keys/rules.yaml": (RULES, True),
    "keys/ci.PUB": ("{public}", True),
    "keys/ci.pub.txt": ("{public}", True),
    "keys/ci.pem": ("{public}", True),
    "keys.yaml": (RULES, True),
    "keys.yml": (RULES, True),
    "KEYS.yaml": (RULES, True),
    "key.yaml": (RULES, True),
    "ci-2.pub": ("{public}", True),
    "Keys/keys.yaml": (RULES, True),
    "key/ci.pub": ("{public}", True),
    # What nobody means to be read, and what is something of its own.
    "keys/keys.yaml~": (RULES, False),
    "keys/keys.yaml.bak": (RULES, False),
    "keys/keys.yaml.orig": (RULES, False),
    "keys/.keys.yaml.swp": (RULES, False),
    "keys/#keys.yaml#": (RULES, False),
    "keys/keys.example.yaml": (RULES, False),
    "keys/README.md": ("What the keys are.", False),
    "keys/HOW.md": ("Such a file begins with:\n-----BEGIN PUBLIC KEY-----\n", False),
    "key/words.txt": ("What the keys of the piano are.", False),
    "keys/root.pem": ("-----BEGIN CERTIFICATE-----", False),
    "kegs.yaml": ("environment: kegs\n", False),
    "keys.yaml.bak": (RULES, False),
    "id.pub": ("ssh-ed25519 AAAA", False),
    "kits/notes.yaml": ("a: b\n", False),
}


@pytest.mark.parametrize("name", MISPLACED)
def test_what_lies_beside_the_rules_and_is_meant_to_be_them(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, is_refused = MISPLACED[name]
    public = new_pair()[1].to_pem()
    (tmp_path / KEYS).mkdir()
    (tmp_path / KEYS / "first.pub").write_text(public, "utf-8")
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.replace("{public}", public), "utf-8")

    assert main(["key", "--environments", str(tmp_path)]) == (4 if is_refused else 0)
    sentences = capsys.readouterr().err.splitlines()
    assert len(sentences) == is_refused
    shown = f"{path.parent.name}/" if path.parent.name in {"Keys", "key"} else name
    assert all(sentence.startswith(f"readiness: {shown}: ") for sentence in sentences)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    return make(tmp_path_factory.mktemp("launch"))


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "tiny", "preflight"),
        ("verify", "--all", "--env", "tiny"),
        ("gate", "preflight", "--env", "tiny"),
        ("next", "--env", "tiny"),
        ("sign-off", "--env", "tiny"),
    ],
    ids=" ".join,
)
def test_whoever_trusts_keys_refuses(words: tuple[str, ...], done: Launch, tmp_path: Path) -> None:
    launch = done.copy(tmp_path / "copy")
    (launch.folder / "environments" / "keys.yaml").write_text(RULES)
    ran = warm.run("readiness", *words, folder=launch.folder)
    assert ran.returncode == 4, ran.stdout + ran.stderr
    assert "keys.yaml: what keys may sign is read from keys/keys.yaml: move it there" in ran.stderr + ran.stdout


def test_a_run_refuses(done: Launch, tmp_path: Path) -> None:
    launch = done.copy(tmp_path / "copy")
    (launch.folder / "environments" / "keys" / "KEYS.YAML").write_text(RULES)
    ran = warm.run("pytest", "-m", "preflight", "--env", "tiny", folder=launch.folder)
    assert ran.returncode == 4, ran.stdout + ran.stderr
    assert "keys/KEYS.YAML: what keys may sign is read from keys.yaml: move it there" in ran.stderr
