"""The lines that leave something to the product, decided for products that are none of ours."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from readiness.sandbox import postgres
from tests import warm

LEFT_OPEN = {
    "agency/recent-migrations": "migration",
    "launch400k/environment-variables": "variable",
    "playbook/sso-secrets": "variable",
    "umbrella/d1-tables": "table",
    "umbrella/d1-migrations": "migration",
    "umbrella/forward-fix": "migration",
}
"""The lines of the shipped runbooks that no product can do without saying something, and what."""
OF_FLYWAY = "select version, description as name from catalogue.flyway_schema_history where success"
OF_WRANGLER = (
    "select split_part(name, '_', 1) as version, substr(name, strpos(name, '_') + 1) as name from edge.d1_migrations"
)
SHAPES: dict[str, tuple[str, str, str]] = {
    # The schema of the tables, where the migrations are recorded, and what the last of them is called.
    "Flyway, in a schema of its own": ("catalogue", OF_FLYWAY, "2.1_add releases"),
    "Wrangler, with the names of files": ("edge", OF_WRANGLER, "0002_releases.sql"),
}
MADE = """\
create schema catalogue; create table catalogue.artists (id int); create table catalogue.releases (id int);
create table catalogue.flyway_schema_history (installed_rank int, version text, description text, success boolean);
insert into catalogue.flyway_schema_history values (1, '1', 'artists', true), (2, '2.1', 'add releases', true),
    (3, '2.2', 'broken', false);
create schema edge; create table edge.artists (id int); create table edge.releases (id int);
create table edge.d1_migrations (id int, name text);
insert into edge.d1_migrations values (1, '0001_artists.sql'), (2, '0002_releases.sql');
create role probe login password 'probe-password-1'; grant pg_monitor, pg_read_all_data to probe
"""


@pytest.fixture(scope="module")
def database(starts_servers: None) -> Iterator[str]:
    del starts_servers
    folder = Path(tempfile.mkdtemp(prefix="readiness-stated-"))
    folder.chmod(0o711)  # the server runs as somebody else where we are root
    server = postgres.start(folder / "postgres")
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(MADE)
    yield server.dsn("probe", "probe-password-1")
    server.stop()
    shutil.rmtree(folder)


def judge(folder: Path, database: str, schema: str, sql: str, lines: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Judge the lines that leave something open, and give their results by their names."""
    (folder / "deployed.env").write_text("SSO_SECRET=a-secret-0123\nAPI_URL=http://127.0.0.1:9\nEMPTY=\n", "utf-8")
    environment = {
        "environment": "shop",
        "runbooks": ["agency", "launch400k", "playbook", "umbrella"],
        "allowed_hosts": ["127.0.0.1"],
        "target": {"url": "http://127.0.0.1:9"},
        "postgres": {"url": "${SHOP_DATABASE_URL}", "schemas": [schema], "tls": "disable"},
        "readings": {
            "applied_migrations": {"sql": sql},
            "deployed_variables": {"file": str(folder / "deployed.env"), "format": "dotenv"},
        },
        **({"lines": lines} if lines else {}),
    }
    (folder / "shop.yaml").write_text(yaml.safe_dump(environment, sort_keys=False), "utf-8")
    chosen = " or ".join(name.partition("/")[2] for name in LEFT_OPEN)
    places = [f"--environments={folder}", f"--reports={folder / 'reports'}"]
    variables = {**os.environ, "SHOP_DATABASE_URL": database}
    ran = warm.run("pytest", "-m", "preflight", "--env", "shop", "-k", chosen, *places, variables=variables)
    (journal,) = (folder / "reports/shop").glob("2*-preflight/journal.jsonl")
    records = [json.loads(text) for text in journal.read_text("utf-8").splitlines()]
    found = {_name(record): record for record in records if record["record"] == "result"}
    assert found, ran.stdout + ran.stderr
    return {name: result for name, result in found.items() if name.partition(":")[0] in LEFT_OPEN}


def _name(record: dict[str, Any]) -> str:
    return f"{record['line']}:{record['subject']}" if record["subject"] else str(record["line"])


def lines_of(migration: str, *, table: str = "releases", variable: str = "SSO_SECRET") -> dict[str, Any]:
    return {
        "agency/recent-migrations": {"migration": migration},
        "launch400k/environment-variables": {"each": {"variable": ["API_URL", variable]}},
        "playbook/sso-secrets": {"variable": variable},
        "umbrella/d1-tables": {"each": {"table": ["artists", table]}},
        "umbrella/d1-migrations": {"migration": migration},
        "umbrella/forward-fix": {"migration": migration},
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_another_products_shape_is_decided(shape: str, database: str, tmp_path: Path) -> None:
    schema, sql, last = SHAPES[shape]
    (tmp_path / "well").mkdir()
    well = judge(tmp_path / "well", database, schema, sql, lines_of(last))
    assert {name: result["outcome"] for name, result in well.items()} == {
        "agency/recent-migrations": "pass",
        "launch400k/environment-variables:API_URL": "pass",
        "launch400k/environment-variables:SSO_SECRET": "pass",
        "playbook/sso-secrets": "pass",
        "umbrella/d1-tables:artists": "pass",
        "umbrella/d1-tables:releases": "pass",
        "umbrella/d1-migrations": "pass",
        "umbrella/forward-fix": "pass",
    }

    (tmp_path / "broken").mkdir()
    stated = lines_of("2.2_broken", table="albums", variable="EMPTY")
    broken = judge(tmp_path / "broken", database, schema, sql, stated)
    assert {name: result["outcome"] for name, result in broken.items()} == {
        "agency/recent-migrations": "fail",
        "launch400k/environment-variables:API_URL": "pass",
        "launch400k/environment-variables:EMPTY": "fail",
        "playbook/sso-secrets": "fail",
        "umbrella/d1-tables:artists": "pass",
        "umbrella/d1-tables:albums": "fail",
        "umbrella/d1-migrations": "fail",
        "umbrella/forward-fix": "fail",
    }


def test_without_a_word_of_the_environment_they_are_unknown(database: str, tmp_path: Path) -> None:
    found = judge(tmp_path, database, "catalogue", OF_FLYWAY, {})
    remedies = {name: result["remedy"].partition(", such as ")[0] for name, result in found.items()}
    assert {name: (result["outcome"], remedies[name]) for name, result in found.items()} == {
        line: ("unknown", f"state it in the environment file: lines: {{{line}: {{{limit}: ...}}}}")
        for line, limit in LEFT_OPEN.items()
    }
