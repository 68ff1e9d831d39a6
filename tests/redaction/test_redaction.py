"""Secrets planted wherever a run could let one out: none is in any file, on the terminal, or in a part of either."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.redaction.redactor import Redactor, scan
from readiness.redaction.secret import encodings
from tests import warm

ROOT = Path(__file__).parents[2]
TOKEN = "hunter2-<Zk9&x>'Qp7-wR4t8Yb1"
PASSWORD = "p4ssW0rd-u8Jk2LmN6"
LATER = "l4ter-kN0wn-Vb6Xc3Zq"
SECRETS = (TOKEN, PASSWORD, LATER)
SETTINGS = """\
[pytest]
minversion = "9.2"
testpaths = ["checks"]
strict = true
addopts = ["--import-mode=importlib", "-p", "no:locust", "-p", "no:cacheprovider"]
filterwarnings = ["default"]
markers = ["preflight: p", "smoke: s", "postlaunch: o", "ga: g", "effect(name): e"]
log_level = "DEBUG"
"""
OBSERVATIONS = """\
import base64, json, logging, os, urllib.parse

from readiness.observations import observation
from readiness.outcomes import Unknown
from readiness.redaction.secret import Secret

pytest_plugins = ["readiness.plugin"]
TOKEN = os.environ["LEAK_TOKEN"]
URL = os.environ["LEAK_URL"]


@observation
def answer() -> dict[str, str]:
    return {
        "Authorization": f"Bearer {TOKEN}",
        TOKEN: "as a key",
        "quoted": urllib.parse.quote(TOKEN, safe=""),
        "encoded": base64.b64encode(f"user:{TOKEN}".encode()).decode(),
        "nested": json.dumps({"dsn": URL}),
        "shape": "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefgh",
        "key": "sk_" + "live_0123456789abcdefgh",
    }


@observation
def refusal() -> str:
    raise Unknown(f"GET {URL} answered 401 to {TOKEN}", f"renew {TOKEN}")


@observation
def broken() -> str:
    raise ValueError(f"cannot use {TOKEN} at {URL}")


@observation
def late() -> str:
    return Secret(os.environ["LEAK_LATER"]).reveal()
"""
CHECKS = '''\
"""Each check lets a secret out in its own way."""
import logging, os, sys, warnings

import pytest

from readiness import Measure, Unknown

TOKEN = os.environ["LEAK_TOKEN"]
URL = os.environ["LEAK_URL"]


@pytest.fixture
def noisy():
    print("set-up", TOKEN)
    yield
    print("tear-down", TOKEN, file=sys.stderr)
    raise OSError(f"cannot close {URL}")


@pytest.fixture
def telling(record_property):
    record_property("token", {"deep": [TOKEN]})


class TokenWarning(UserWarning):
    def __init__(self, first, second):
        super().__init__(first + second)
'''
BODIES = {
    "value": "measure(TOKEN, f'token {TOKEN}').is_('another')",
    "passes": "measure([TOKEN, URL], 'seen').is_([TOKEN, URL])",
    "compared": "expected = {'token': TOKEN}; assert expected == {'token': TOKEN + 'x'}, f'{TOKEN}'",
    "cut": "long = TOKEN * 20; assert long == 'x' * 400",
    "raised": "raise RuntimeError(f'{URL} refused {TOKEN}')",
    "chained": "try: int(TOKEN)\n    except ValueError as error: raise KeyError(URL) from error",
    "printed": "print(TOKEN); print(URL, file=sys.stderr); measure(2, 'x').below(1)",
    "logged": "logging.getLogger('x').error('sent %s', TOKEN, exc_info=ValueError(TOKEN)); measure(2, 'x').below(1)",
    "warned": "warnings.warn(TokenWarning(TOKEN, URL)); measure(1, 'x').below(2)",
    "unknown": "raise Unknown(f'{TOKEN}', f'{URL}')",
    "skipped": "measure(1, 'x').below(2); pytest.skip(TOKEN)",
    "recorded": "measure(1, 'x').below(2)",
    "cleaned": "measure(1, 'x').below(2)",
    "answered": "measure(answer, 'headers').is_({})",
    "refused": "measure(refusal, 'x').is_('')",
    "broke": "measure(broken, 'x').is_('')",
    "late": "measure(late, 'x').is_(late)",
}
FIXTURES = {"cleaned": "noisy", "recorded": "telling"}
ARGUMENTS = {"answered": ["answer"], "refused": ["refusal"], "broke": ["broken"]}
ARGUMENTS |= {"late": ["late"]}
ENVIRONMENT = {
    "environment": "leaky",
    "production": False,
    "runbooks": ["book.yaml"],
    "allowed_hosts": ["127.0.0.1", "db.example.com"],
    "target": {"url": "http://127.0.0.1:9", "token": "${LEAK_TOKEN}", "headers": {"X-Key": "${LEAK_TOKEN}"}},
    "postgres": {"url": "${LEAK_URL}"},
}


def make(folder: Path, bodies: dict[str, str] = BODIES) -> None:
    text = CHECKS
    for name, body in bodies.items():
        arguments = "".join(f", {argument}" for argument in ARGUMENTS.get(name, []))
        uses = f'@pytest.mark.usefixtures("{FIXTURES[name]}")\n' if name in FIXTURES else ""
        text += f"\n\n{uses}@pytest.mark.preflight\ndef test_{name}(measure: Measure{arguments}) -> None:\n"
        text += f'    """It holds.\n\n    Remedy: mend it.\n    """\n    {body}\n'
    lines: list[dict[str, Any]] = [
        {"id": name, "ref": "1", "says": f"{name} holds", "phase": ["preflight"], "gate": "blocker"}
        | {"decided_by": {f"leaky.{name}": {}}}
        for name in bodies
    ]
    book = {"runbook": "tiny", "title": "Tiny", "lines": lines}
    files = {"pytest.toml": SETTINGS, "conftest.py": OBSERVATIONS, "checks/test_leaky.py": text}
    files |= {"environments/book.yaml": yaml.safe_dump(book), "environments/leaky.yaml": yaml.safe_dump(ENVIRONMENT)}
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GITHUB_"))}
    variables |= {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "LEAK_TOKEN": TOKEN, "LEAK_LATER": LATER}
    variables |= {"LEAK_URL": f"postgresql://probe:{PASSWORD}@db.example.com/shop"}
    variables |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "reports" / "step.md")}
    return warm.run("pytest", "-m", "preflight", "--env", "leaky", *words, folder=folder, variables=variables)


def leaks(folder: Path, ran: subprocess.CompletedProcess[str]) -> list[str]:
    """Search all that a run left: the whole values in every encoding, and parts of eight characters."""
    terminal = folder / "reports" / "terminal.txt"
    terminal.write_text(ran.stdout + ran.stderr, encoding="utf-8")
    found = []
    for path in (path for path in (folder / "reports").rglob("*") if path.is_file()):
        text = path.read_text(encoding="utf-8", errors="replace")
        for secret in SECRETS:
            parts = {secret[at : at + 8] for at in range(len(secret) - 7)}
            found += [f"{path.name}: {form}" for form in encodings(secret) | parts if form in text]
    hits = scan(folder / "reports", Redactor(lambda: frozenset(SECRETS)))
    return found + [f"{hit.file.name}: {hit.what}" for hit in hits]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("-vv", "-l", "-o", "log_cli=true"),
        ("--tb=native", "-vv", "--setup-show", "-rA", "--log-file=reports/log.txt", "--junitxml=reports/own.xml"),
        ("-vv", "-n2", "--html=reports/own.html"),
    ],
    ids=" ".join,
)
def test_nothing_leaks(words: tuple[str, ...], tmp_path: Path) -> None:
    make(tmp_path)
    ran = run(tmp_path, *words)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "INTERNALERROR" not in ran.stdout
    journal = next((tmp_path / "reports").rglob("journal.jsonl")).read_text(encoding="utf-8")
    assert journal.count('"record":"result"') == len(BODIES), ran.stdout
    assert "***" in journal
    assert leaks(tmp_path, ran) == []


def test_a_broken_module_does_not_leak(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "checks" / "test_more.py").write_text("import os\nraise OSError(os.environ['LEAK_TOKEN'])\n", "utf-8")
    ran = run(tmp_path)
    assert ran.returncode != 0
    assert leaks(tmp_path, ran) == []


@pytest.mark.parametrize("words", [(), ("-n2",)], ids=["alone", "workers"])
def test_an_id_with_a_secret_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    make(tmp_path, {"passes": BODIES["passes"]})
    path = tmp_path / "checks" / "test_leaky.py"
    more = "\n\n@pytest.mark.preflight\n@pytest.mark.parametrize('key', [1], ids=[TOKEN])\ndef test_id(key): pass\n"
    path.write_text(path.read_text("utf-8") + more, "utf-8")
    ran = run(tmp_path, *words)
    assert ran.returncode == 4
    assert "the id of a parameter holds a secret" in ran.stdout + ran.stderr
    assert leaks(tmp_path, ran) == []


def test_a_secret_parameter_gets_another_id(tmp_path: Path) -> None:
    make(tmp_path, {"passes": BODIES["passes"]})
    path = tmp_path / "checks" / "test_leaky.py"
    more = "\n\n@pytest.mark.preflight\n@pytest.mark.parametrize('key', [TOKEN])\ndef test_id(key): pass\n"
    path.write_text(path.read_text("utf-8") + more, "utf-8")
    ran = run(tmp_path, "-v")
    assert "test_id[key-secret]" in ran.stdout
    assert leaks(tmp_path, ran) == []


def test_what_leaks_all_the_same_costs_the_verdict(tmp_path: Path) -> None:
    make(tmp_path, {"passes": BODIES["passes"]})
    text = "\n\ndef pytest_sessionfinish(session):\n    import pathlib\n"
    text += "    folder = next(pathlib.Path('reports').rglob('journal.jsonl')).parent\n"
    text += "    (folder / 'dump.txt').write_text(TOKEN)\n"
    (tmp_path / "conftest.py").write_text(OBSERVATIONS + text, encoding="utf-8")
    ran = run(tmp_path)
    assert ran.returncode == 10
    assert "WITHDRAWN  no good verdict stands: dump.txt held a known secret; it was masked or removed" in ran.stdout
    assert not list((tmp_path / "reports").rglob("dump.txt"))
    page = next((tmp_path / "reports").rglob("report.html")).read_text(encoding="utf-8")
    assert "<title>INCOMPLETE: " in page
    assert leaks(tmp_path, ran) == []
