"""A rehearsal and a drill say, before anything is contacted, that the key of their process may not sign them.

To add a row: the rules of the key, and what is said for a drill and for a rehearsal.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from readiness.__main__ import main
from readiness.evidence.key_rules import FILE
from readiness.evidence.signing import FILE_VARIABLE, KEYS, VARIABLE
from readiness.rendering import rehearsal_entry
from tests.clients.servers import Server, packet
from tests.evidence.launch import new_key

WELL = "with the key ci, "
RULES: dict[str, tuple[dict[str, object], str, str]] = {
    "no rules": ({}, WELL, WELL),
    "of another phase": (
        {"phases": ["preflight"]},
        "in vain, with the key ci, which may sign preflight, and this is drill: not evidence",
        "in vain, with the key ci, which may sign preflight, and this is rehearsal: not evidence",
    ),
    "of the drills": (
        {"phases": ["drill"]},
        WELL,
        "in vain, with the key ci, which may sign drill, and this is rehearsal: not evidence",
    ),
    "of another environment": (
        {"environments": ["prod"]},
        "in vain, with the key ci, which may sign in the environments prod, and this is shop: not evidence",
        "in vain, with the key ci, which may sign in the environments prod, and this is shop: not evidence",
    ),
    "ended": (
        {"valid_until": "2026-01-01T00:00:00Z"},
        "in vain, with the key ci, which may sign until 2026-01-01T00:00:00Z",
        "in vain, with the key ci, which may sign until 2026-01-01T00:00:00Z",
    ),
    "not yet begun": (
        {"valid_from": "2100-01-01T00:00:00Z"},
        "in vain, with the key ci, which may sign from 2100-01-01T00:00:00Z on",
        "in vain, with the key ci, which may sign from 2100-01-01T00:00:00Z on",
    ),
    "revoked": (
        {"revoked": "2026-01-01T00:00:00Z", "reason": "the disk was copied"},
        "in vain, with the key ci, which was revoked at 2026-01-01T00:00:00Z (the disk was copied): not evidence",
        "in vain, with the key ci, which was revoked at 2026-01-01T00:00:00Z (the disk was copied): not evidence",
    ),
}


def _project(folder: Path, url: str, rules: dict[str, object] | None) -> Path:
    environments = folder / "environments"
    environments.mkdir(exist_ok=True)
    action = {"command": ["false"]}
    content = {
        "environment": "shop",
        "production": False,
        "runbooks": ["playbook"],
        "allowed_hosts": ["127.0.0.1"],
        "allow": ["write"],
        "target": {"url": url, "revision": {"http": f"{url}/revision", "pointer": "/revision"}},
        "drills": {"rollback": {"to": "r1", "action": action, "forward": action}},
    }
    (environments / "shop.yaml").write_text(json.dumps(content))
    if rules:
        (environments / KEYS / FILE).write_text(yaml.safe_dump({"keys": {"ci": rules}}))
    return environments


def _drill(environments: Path) -> int:
    places = [f"--environments={environments}", f"--reports={environments.parent}/reports"]
    return main(["drill", "rollback", "--env", "shop", *places])


@pytest.mark.parametrize("name", RULES)
def test_a_drill_says_it_before_it_begins(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, says, _ = RULES[name]
    monkeypatch.setenv(FILE_VARIABLE, str(new_key(tmp_path, "ci")))
    with Server(lambda _, connection, __: connection.sendall(packet(200, b'{"revision": "r2"}'))) as server:
        environments = _project(tmp_path, server.url, rules)
        capsys.readouterr()
        _drill(environments)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("drill rollback on shop")
    assert lines[1].startswith(f"signed    {says}")


@pytest.mark.parametrize("name", RULES)
def test_a_rehearsal_says_it_before_it_begins(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, _, says = RULES[name]
    monkeypatch.setenv(FILE_VARIABLE, str(new_key(tmp_path, "ci")))
    environments = _project(tmp_path, "http://127.0.0.1:9", rules)
    folder = tmp_path / "reports" / "shop" / "rehearsals" / "one"
    folder.mkdir(parents=True)
    capsys.readouterr()
    rehearsal_entry.main("begin", str(environments), str(folder), "smoke")
    assert capsys.readouterr().out.startswith(f"signed    {says}")


@pytest.mark.parametrize(
    ("has_key", "says"),
    [(False, ""), (True, "signed    no: this rehearsal is not evidence (readiness key NAME makes a key)\n")],
)
def test_without_a_key_it_is_said_where_the_project_trusts_one(
    has_key: bool, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    environments = _project(tmp_path, "http://127.0.0.1:9", None)
    if has_key:
        new_key(tmp_path, "ci")
    folder = tmp_path / "reports" / "shop" / "rehearsals" / "one"
    folder.mkdir(parents=True)
    capsys.readouterr()
    rehearsal_entry.main("begin", str(environments), str(folder), "smoke")
    assert capsys.readouterr().out == says


@pytest.mark.parametrize("words", [["drill", "rollback"], ["rehearse", "--stage", "smoke"]], ids=lambda words: words[0])
def test_a_key_that_cannot_be_used_is_refused_before_anything_is_contacted(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "no key at all")
    with Server(lambda _, connection, __: connection.sendall(packet(200))) as server:
        environments = _project(tmp_path, server.url, None)
        places = [f"--environments={environments}", f"--reports={tmp_path}/reports"]
        assert main([*words, "--env", "shop", *places]) == 4
        assert server.asked == []
    assert capsys.readouterr().err == (
        f"readiness: {VARIABLE}: this is no private key in PEM (readiness key NAME makes one)\n"
    )
