"""A secret in a variable that no file names: it is masked by the variable's name, and what may be a common word is not.

To add a row: a variable and its value, and whether it is masked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.redaction import secret
from readiness.redaction.redactor import Redactor
from readiness.redaction.surroundings import remember_surroundings
from tests.plugin.project import CONFTEST, Project, line

PUBLIC = "shop\nenvironment: shop\ntarget: {url: https://shop.example.com}\nallowed_hosts: [shop.example.com]\n"
MASKED: dict[str, tuple[str, str]] = {
    "a token": ("GITHUB_TOKEN", "ghx-7Qp7wR4t8Yb1Vb6Xc3"),
    "a key of AWS": ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzq7x"),
    "a key that begins like a path": ("AWS_SECRET_ACCESS_KEY", "/K7MDENG+bPxRfi/CYzq7xwJalrXUtn"),
    "an address with a password": ("DATABASE_URL", "postgresql://probe:s3zqam-91kw@db.example.com/shop"),
    "an address under any name": ("UPSTREAM", "amqps://queue:qu3ue-sezqam-82@mq.example.com"),
    "the address of a webhook": ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/xq7wR4t8Yb1"),
    "a pass phrase": ("PASSPHRASE", "gribzel-qunzok-vizzwak"),
    "a short password": ("DB_PASS", "hunt3r2x"),
    "a number": ("SMS_TOKEN", "8675309124"),
    "a key in PEM": ("DEPLOY_KEY", "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----"),
}
SHOWN: dict[str, tuple[str, str]] = {
    "a word": ("SECRET_BACKEND", "production"),
    "words": ("KEY_VAULT_NAME", "shop-vault"),
    "a small number": ("TOKEN_TTL", "86400"),
    "a switch": ("USE_TOKEN", "true"),
    "an algorithm": ("JWT", "HS256"),
    "a region": ("KEY_REGION", "eu-west-1"),
    "a date": ("KEY_ROTATED", "2026-12-01T08:00:00Z"),
    "a file": ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/hosts"),
    "a file that is not there yet": ("SSH_KEY_FILE", "/tmp/id-of-nobody.pem"),
    "one character again and again": ("SECRET_KEY", "0" * 64),
    "what the environment file states": ("TOKEN_AUDIENCE_KEY", "shop.example.com"),
    "its address": ("TOKEN_KEY", "https://shop.example.com"),
    "the suite itself": ("PROJECT_KEY", "production-readiness"),
    "a word of the evidence": ("APP_SECRET", "verificationResult"),
    "a variable that names no secret": ("RELEASE", "2f1c9a7e4b60d3558812"),
}


@pytest.fixture
def redactor(monkeypatch: pytest.MonkeyPatch) -> Redactor:
    monkeypatch.setattr(secret, "_seen", set())
    return Redactor()


@pytest.mark.parametrize("name", MASKED)
def test_a_secret_that_no_file_names_is_masked(name: str, redactor: Redactor) -> None:
    variable, value = MASKED[name]
    remember_surroundings({variable: value}, PUBLIC)
    assert value not in redactor.text(f"before {value} after")


@pytest.mark.parametrize("name", SHOWN)
def test_what_may_stand_in_the_open_is_shown(name: str, redactor: Redactor) -> None:
    variable, value = SHOWN[name]
    remember_surroundings({variable: value}, PUBLIC)
    assert redactor.text(f"before {value} after") == f"before {value} after"


ECHO = '''

@observation
def echo() -> str:
    """Give what the target says: it knows what this process knows."""
    said = json.loads((HERE / "said.json").read_text())
    print(said)
    return " and ".join(said)
'''
CHECK = '''\
import pytest

from readiness import Measure


@pytest.mark.preflight
def test_echo(echo: str, measure: Measure) -> None:
    """The target says nothing.

    Remedy: have it keep its secrets.
    """
    measure(echo, "what the target says").is_("")
'''


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes().decode("utf-8", "replace")


def test_no_artefact_of_a_run_shows_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    values = [value for _, value in MASKED.values() if not value.startswith("-----")]
    variables = {f"{name}_{number}" if number else name: value for number, (name, value) in enumerate(MASKED.values())}
    variables = {name.replace("_URL_5", "_5_URL"): value for name, value in variables.items()}
    variables |= {"UPSTREAM": MASKED["an address under any name"][1]}
    variables |= {"DB_8_PASS": MASKED["a short password"][1]}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    project = Project(tmp_path)
    project.write("conftest.py", CONFTEST + ECHO)
    project.write("checks/test_echo.py", CHECK)
    project.write("said.json", json.dumps(values))
    project.runbook(line("one", "echo.echo"))
    ran = project.preflight("-vv", "--junit-xml=junit.xml", "--html=page.html")
    assert ran.exit == 1, ran.out
    monkeypatch.chdir(tmp_path)
    main(["verify", "tiny", "preflight"])
    main(["next", "--env", "tiny", "--json"])
    main(["history", "--env", "tiny", "--html", "trend.html"])
    texts = dict(_texts(tmp_path / "reports")) | {name: (tmp_path / name).read_text("utf-8") for name in OUTPUTS}
    texts |= {"terminal": ran.out, "commands": capsys.readouterr().out}
    seen = {name: [value for value in values if value in text] for name, text in texts.items()}
    assert {name: found for name, found in seen.items() if found} == {}
    assert "***" in texts["journal.jsonl"]


OUTPUTS = ("junit.xml", "page.html", "trend.html")
