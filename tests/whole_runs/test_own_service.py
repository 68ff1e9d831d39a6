"""The README's first environment, taken from the README: a service that is not the sandbox, by configuration alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest

from readiness.sandbox import postgres
from tests import warm

ROOT = Path(__file__).parents[2]
QUEUE = {"depth": 3}


class Shop(BaseHTTPRequestHandler):
    """Somebody else's service: it knows nothing of this suite."""

    def do_GET(self) -> None:
        body = json.dumps({"queue": QUEUE}).encode()
        self.send_response(200 if self.path in {"/healthz", "/status"} else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the base class calls it so
        del format, arguments


@pytest.fixture(scope="module")
def database(starts_servers: None) -> Iterator[str]:
    del starts_servers
    folder = Path(tempfile.mkdtemp(prefix="readiness-shop-"))
    folder.chmod(0o711)  # the server runs as somebody else where we are root
    server = postgres.start(folder / "postgres")
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute("create table orders (id int, created_at timestamptz not null default now())")
        admin.execute("insert into orders select generate_series(1, 7)")
        admin.execute("create role probe login password 'probe-password-1'")
        admin.execute("grant pg_monitor, pg_read_all_data to probe")
    yield server.dsn("probe", "probe-password-1")
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Path]:
    """Write what the README says into files, with the address of a shop that really runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    environment, runbook = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)[:2]
    address = f"http://127.0.0.1:{server.server_port}"
    environment = environment.replace("https://shop.example.com", address)
    environment = re.sub(r"allowed_hosts: .*", "allowed_hosts: [127.0.0.1]", environment)
    (tmp_path / "shop.yaml").write_text(environment, encoding="utf-8")
    (tmp_path / "shop-runbook.yaml").write_text(runbook, encoding="utf-8")
    yield tmp_path
    server.shutdown()
    server.server_close()


def judge(folder: Path, database: str, phase: str, *options: str) -> subprocess.CompletedProcess[str]:
    words = ["-m", phase, "--env", "shop", *options]
    words += [f"--environments={folder}", f"--reports={folder / 'reports'}"]
    variables = {**os.environ, "SHOP_DATABASE_URL": database}
    return warm.run("pytest", *words, variables=variables)


def test_the_environment_of_the_readme_is_ten_lines() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    environment = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)[0]
    assert len(environment.strip().splitlines()) <= 10


def test_preflight_goes(shop: Path, database: str) -> None:
    ran = judge(shop, database, "preflight")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "GO" in ran.stdout


def test_two_workers_find_the_same(shop: Path, database: str) -> None:
    ran = judge(shop, database, "preflight", "-n", "2")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_long_queue_pages_the_on_call(shop: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(QUEUE, "depth", 600)
    ran = judge(shop, database, "postlaunch")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "PAGE" in ran.stdout
    assert "queue_depth: 600" in ran.stdout


def test_a_missing_figure_is_unknown(shop: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(QUEUE, "depth")
    ran = judge(shop, database, "postlaunch")
    assert ran.returncode == 10, ran.stdout + ran.stderr
    assert "INCOMPLETE" in ran.stdout


def test_a_missing_variable_is_told_before_anything_is_contacted(shop: Path) -> None:
    ran = judge(shop, "", "preflight")
    assert ran.returncode == 4
    assert "shop.yaml:7: postgres.url: the secret has fewer than 6 characters" in ran.stderr + ran.stdout


def test_a_typo_in_the_runbook_names_the_nearest(shop: Path, database: str) -> None:
    runbook = shop / "shop-runbook.yaml"
    runbook.write_text(runbook.read_text("utf-8").replace("share_below", "share_belov"), encoding="utf-8")
    ran = judge(shop, database, "preflight")
    assert ran.returncode == 4
    assert "limit 'share_belov' is not known; did you mean 'share_below'?" in ran.stderr + ran.stdout
