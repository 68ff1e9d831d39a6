"""An environment file that cannot be used is told in full, before anything is contacted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.environment.names import names
from readiness.environment.refusals import refusals
from readiness.environment.schema import Environment, load
from readiness.errors import BadEnvironment
from readiness.redaction.secret import known_secrets

GOOD = """\
environment: shop
production: false
runbooks: [ingestion]
launch_at: 2026-12-01T09:00:00+01:00
allowed_hosts: [shop.example.com, db.example.com]
target: {url: https://shop.example.com, token: "${SHOP_TOKEN}"}
postgres: {url: "${SHOP_DATABASE_URL}"}
"""
VARIABLES = {"SHOP_TOKEN": "tok-0123456789", "SHOP_DATABASE_URL": "postgresql://u:pw@db.example.com/shop"}


def read(folder: Path, text: str, variables: dict[str, str] | None = None) -> Environment:
    (folder / "shop.yaml").write_text(text, encoding="utf-8")
    return load("shop", folder, VARIABLES if variables is None else variables)


def problems(folder: Path, text: str, variables: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(BadEnvironment) as told:
        read(folder, text, variables)
    return told.value.problems


def test_a_good_file_is_typed(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    assert found.launch_at
    assert found.launch_at.isoformat() == "2026-12-01T08:00:00+00:00"
    assert found.postgres
    assert found.postgres.statement_timeout_seconds == 5.0
    assert found.target.token
    assert found.target.token.reveal() == "tok-0123456789"


LINES = """\
lines:
  pool-available: {share_below: 0.7, severity: SEV-2}
  umbrella/d1-tables: {each: {table: [artists]}, http: http://elsewhere.example.net}
"""


def test_what_a_line_needs_to_know_is_typed_and_names_no_host(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD + LINES)
    assert found.lines["pool-available"].limits == {"share_below": 0.7}
    assert found.lines["pool-available"].severity == "SEV-2"
    assert refusals("shop", tmp_path, [], VARIABLES) == []
    # Where the variables are not set the file is read for its own mistakes alone.
    assert refusals("shop", tmp_path, [], {}) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lines: {pool-available: 0.7}\n", "lines.pool-available: keys with their values are wanted"),
        ("lines: {pool-available: {}}\n", "lines.pool-available: nothing is stated of the line; write a limit"),
        ("lines: [pool-available]\n", "lines: keys with their values are wanted"),
        ("lines: {pool-available: {share_below: 0.9, because: TBD}}\n", "lines.pool-available.because: 'TBD' says not"),
    ],
)
def test_a_line_that_is_stated_wrongly_is_told_by_its_place(text: str, told: str, tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, GOOD + text)
    assert problem.startswith(f"shop.yaml:8: {told}")


def test_secrets_are_masked_and_remembered(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    assert "tok-0123456789" not in repr(found) + str(found) + found.model_dump_json()
    assert {"tok-0123456789", VARIABLES["SHOP_DATABASE_URL"]} <= known_secrets()


@pytest.mark.parametrize(
    ("line", "variable"),
    [
        ('metrics: {url: "https://shop.example.com/m?version=2&apikey=${MYKEY}"}', "MYKEY"),
        ('metrics: {url: "https://shop.example.com/m?p=${SHOP_API_KEY}"}', "SHOP_API_KEY"),
        ('prometheus: {url: https://shop.example.com, headers: {X-Api-Key: "${MYKEY}"}}', "MYKEY"),
        ('readings: {depth: {sql: "select 1 -- ${SHOP_SECRET}"}}', "SHOP_SECRET"),
        ('owners: {database: "${DBU}"}', "DBU"),
    ],
)
def test_a_secret_in_plain_text_is_remembered(tmp_path: Path, line: str, variable: str) -> None:
    value = f"postgresql://u:{variable}-{len(line)}@db" if variable == "DBU" else f"Zq81kd93-{variable}-{len(line)}"
    read(tmp_path, f"{GOOD}{line}\n", VARIABLES | {variable: value})
    assert value in known_secrets()


def test_a_harmless_variable_is_not_remembered(tmp_path: Path) -> None:
    line = 'metrics: {url: "https://shop.example.com/m?region=${REGION}"}'
    read(tmp_path, f"{GOOD}{line}\n", VARIABLES | {"REGION": "region-of-a-test"})
    assert "region-of-a-test" not in known_secrets()


@pytest.mark.parametrize("address", ["postgresql://u:pw-of-a-test@db/x", "https://[u:pw-of-a-test@db", "pw-of-a-test"])
def test_what_is_no_address_is_not_told(tmp_path: Path, address: str) -> None:
    (told,) = problems(tmp_path, GOOD + 'prometheus: {url: "${DBU}"}\n', VARIABLES | {"DBU": address})
    assert told.startswith("shop.yaml:8: prometheus.url: this is not an http or https address")
    assert "pw-of-a-test" not in told


def test_a_file_gives_a_secret(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file-42\n", encoding="utf-8")
    found = read(tmp_path, GOOD.replace("${SHOP_TOKEN}", f"file:{tmp_path / 'token'}"))
    assert found.target.token
    assert found.target.token.reveal() == "from-a-file-42"


@pytest.mark.parametrize("zone", ["Asia/Tokio", "../UTC", "Europe", "+09:00"])
def test_where_dumps_are_made_is_a_known_zone(zone: str, tmp_path: Path) -> None:
    told = problems(tmp_path, f'{GOOD}backup: {{folder: /var/backups, timezone: "{zone}"}}\n')
    assert any("backup.timezone" in one and f"{zone!r} is no time zone known here" in one for one in told), told


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("runbooks: [ingestion]", "runbooks: [ingestoin]").replace(
        "postgres: {", "postgres: {timeout: 3, "
    )
    told = problems(tmp_path, text.replace("${SHOP_TOKEN}", "plain"), {"SHOP_DATABASE_URLS": "x"})
    assert len(told) == 4
    assert told[0].startswith("shop.yaml:7: postgres.url: the variable SHOP_DATABASE_URL is not set; did you mean")
    assert any(line.startswith("shop.yaml:7: postgres: key 'timeout' is not known") for line in told)
    assert any("target.token: a secret comes from ${VARIABLE}" in line for line in told)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("environment: shop", "environment: shp", "shop.yaml:1: environment says 'shp', the file says 'shop'"),
        ("[ingestion]", "[ingestoin]", "runbooks: 'ingestoin' is not known; did you mean 'ingestion'?"),
        ("production: false", "prodution: false", "key 'prodution' is not known; did you mean 'production'?"),
        ("2026-12-01T09:00:00+01:00", "tomorrow", "launch_at: 'tomorrow' is not a date and time"),
        ("2026-12-01T09:00:00+01:00", '"2026-12-01T09:00:00"', "has no time zone"),
        ("2026-12-01T09:00:00+01:00", "20261201", "a text such as 2026-12-01T09:00:00Z is wanted, not 20261201"),
        ("2026-12-01T09:00:00+01:00", "2026", "is wanted, not 2026"),
        ("2026-12-01T09:00:00+01:00", "1796115600.0", "is wanted, not 1796115600.0"),
        ("https://shop.example.com", "shop.example.com", "is not an http or https address"),
        ("https://shop.example.com", "https://me:pw@shop.example.com", "carries no user or password"),
        ("[shop.example.com, db", "[shop.example.org, db", "host 'shop.example.com' is not known; did you mean"),
        ("runbooks: [ingestion]", "runbooks: []", "runbooks: a list of 1 or more is wanted"),
        ("production: false", "production: true\nallow: [write]", "production permits nothing beyond reading"),
        (
            "production: false",
            "production: false\nrun: {controls: [https://elsewhere.example.net/up]}",
            "run.controls.0: host 'elsewhere.example.net' is not known",
        ),
        ("production: false", "production: false\nallow: [wirte]", "'wirte' is not known; did you mean 'write'?"),
        ("production: false", "production: false\nproduction: true", "shop.yaml:3: production stands here twice"),
        ("environment: shop", "environment: [shop", "this is not YAML"),
    ],
)
def test_each_mistake_has_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    found = problems(tmp_path, GOOD.replace(old, new))
    assert any(told in line for line in found), found


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("{{ launch }}", "shop.yaml:2: a key is one word, and this one is a list or mapping; put {{ }} in quotes"),
        ("!ENV ${X}", "shop.yaml:2: the tag !ENV is not known; put text in quotes, write a variable as ${NAME}"),
        ("=", "shop.yaml:2: the tag tag:yaml.org,2002:value is not known; put text in quotes"),
        ("a\x01b", "shop.yaml:2: the character U+0001 is not allowed; remove it"),
        ("&x [*x]", "shop.yaml: nested too deeply, or an alias stands within what it repeats"),
        ("!!int abc", "shop.yaml:2: this cannot be read as int"),
        ("!!bool abc", "shop.yaml:2: this cannot be read as bool"),
        ("9" * 5000, "shop.yaml:2: this cannot be read as int"),
        ("!!set abc", "shop.yaml:2: launch_at: the tag !!set makes what no key takes"),
    ],
    ids=lambda value: value[:12],
)
def test_what_yaml_allows_and_nobody_can_use_is_one_line(tmp_path: Path, value: str, told: str) -> None:
    (found,) = problems(tmp_path, f"environment: shop\nlaunch_at: {value}\n")
    assert found.startswith(told)


@pytest.mark.parametrize("levels", [60, 3000])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [("[", "]"), ("[", ""), ("{a: ", "}"), ("- ", "")],
    ids=["list", "open list", "mapping", "block"],
)
def test_deep_nesting_has_our_words_whichever_library_reads_it(
    tmp_path: Path, opening: str, closing: str, levels: int
) -> None:
    value = f"\n  {opening * levels}1{closing * levels}"
    (told,) = problems(tmp_path, f"environment: shop\nlaunch_at: {value}\n")
    assert told == "shop.yaml: nested too deeply, or an alias stands within what it repeats"


@pytest.mark.parametrize(
    ("reading", "told"),
    [
        ("{sql: select 1, value: 2}", "a reading has one source"),
        ("{}", "a reading has one source"),
        ("{metric: orders}", "readings.orders needs the section metrics"),
        ("{http: https://elsewhere.example.net/x}", "host 'elsewhere.example.net' is not known"),
    ],
)
def test_readings_are_checked(tmp_path: Path, reading: str, told: str) -> None:
    found = problems(tmp_path, f"{GOOD}readings:\n  orders: {reading}\n")
    assert any(told in line for line in found), found


def test_the_address_that_tells_the_revision_is_checked_too(tmp_path: Path) -> None:
    elsewhere = "target: {url: https://shop.example.com, revision: {http: https://elsewhere.example.net/x}}"
    found = problems(
        tmp_path, "\n".join(elsewhere if line.startswith("target") else line for line in GOOD.splitlines())
    )
    assert any("target.revision.http: host 'elsewhere.example.net' is not known" in line for line in found), found


BASES = {
    "a query": ("https://shop.example.com/?utm=1", "paths are put behind this address, and a ? would swallow them"),
    "an empty query": ("https://shop.example.com/?", "paths are put behind this address, and a ? would swallow them"),
    "a fragment": ("https://shop.example.com/#/x", "paths are put behind this address, and a # would swallow them"),
    "an empty fragment": ("https://shop.example.com#", "paths are put behind this address, and a # would swallow them"),
    "no port": ("https://shop.example.com:99999", "is not an http or https address"),
    "port 0": ("https://shop.example.com:0", "is not an http or https address"),
    "a word for a port": ("https://shop.example.com:https", "is not an http or https address"),
    "a blank before it": (" https://shop.example.com", "is not an http or https address"),
    "a blank in it": ("https://shop.example.com/a b", "is not an http or https address"),
    "a tab": ("https://shop.example.com/\\t", "is not an http or https address"),
    "a backslash": ("https://shop.example.com\\\\@elsewhere.example.net", "is not an http or https address"),
    "an empty user": ("https://@shop.example.com", "carries no user or password"),
}


@pytest.mark.parametrize("section", ["target", "prometheus", "grafana"])
@pytest.mark.parametrize("what", BASES)
def test_an_address_that_would_swallow_paths_is_refused(tmp_path: Path, what: str, section: str) -> None:
    """`http://h/#/health` asks for /, and the evidence would say that it was /health."""
    address, told = BASES[what]
    stated = f'{section}: {{url: "{address}"}}'
    lines = [stated if line.startswith(section) else line for line in GOOD.splitlines()]
    text = "\n".join(lines if section == "target" else [*lines, stated])
    assert any(f"{section}.url: " in line and told in line for line in problems(tmp_path, text))


@pytest.mark.parametrize("address", ["https://shop.example.com/m?version=2", "https://shop.example.com/m#goroutines"])
def test_a_page_may_have_a_query(tmp_path: Path, address: str) -> None:
    environment = read(tmp_path, f'{GOOD}metrics: {{url: "{address}"}}\n')
    assert environment.metrics
    assert environment.metrics.url == address


@pytest.mark.parametrize("address", ["/", "ftp://shop.example.com/x", "shop.example.com"])
def test_the_address_that_tells_the_revision_is_named_as_the_file_has_it(tmp_path: Path, address: str) -> None:
    stated = f"target: {{url: https://shop.example.com, revision: {{http: {address}, pointer: /revision}}}}"
    lines = [stated if line.startswith("target") else line for line in GOOD.splitlines()]
    told = problems(tmp_path, "\n".join(lines))
    assert any(": target.revision.http: this is not an http or https address" in line for line in told), told


@pytest.mark.parametrize("revision", ["", "  "])
def test_an_empty_variable_is_no_revision(tmp_path: Path, revision: str) -> None:
    text = GOOD.replace('token: "${SHOP_TOKEN}"', 'token: "${SHOP_TOKEN}", revision: "${GIT_SHA}"')
    assert read(tmp_path, text, VARIABLES | {"GIT_SHA": "abc123"}).target.revision == "abc123"
    (told,) = problems(tmp_path, text, VARIABLES | {"GIT_SHA": revision})
    assert told == "shop.yaml:6: target.revision: no revision stands here; is the variable empty?"


def test_an_unknown_environment_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "staging.yaml").touch()
    with pytest.raises(BadEnvironment, match="'stagin' is not known; did you mean 'staging'"):
        load("stagin", tmp_path, {})


@pytest.mark.parametrize("text", ["runbook: rb\ntitle: t\nlines: []\n", "groups: []\n", "services: {}\n"])
def test_another_document_beside_it_is_no_environment(tmp_path: Path, text: str) -> None:
    (tmp_path / "rb.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "prod.yaml").write_text("environment: prod\n", encoding="utf-8")
    (tmp_path / "torn.yaml").write_text("environment: [\n", encoding="utf-8")
    assert names(tmp_path) == ["prod", "torn"]
    with pytest.raises(BadEnvironment, match=r"--env 'x' is not known \(known: prod, torn\)"):
        load("x", tmp_path, {})


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_told_by_its_own_name(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "bomb.yaml")
    with pytest.raises(BadEnvironment, match="is a folder, a pipe or a device; a file of YAML is wanted"):
        load("bomb", tmp_path, {})
    assert names(tmp_path) == []


def test_a_link_that_leads_nowhere_is_not_its_own_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "bomb.yaml").symlink_to(tmp_path / "gone.yaml")
    with pytest.raises(BadEnvironment) as raised:
        load("bomb", tmp_path, {})
    assert "did you mean" not in str(raised.value)


def test_waivers_beside_it_are_no_environment(tmp_path: Path) -> None:
    (tmp_path / "prod.yaml").touch()
    (tmp_path / "prod.waivers.yaml").touch()
    assert names(tmp_path) == ["prod"]


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ('communication: {slack: {token: "${SHOP_TOKEN}"}}', "communication.slack.url: host 'slack.com' is not known"),
        ("communication: {status_page: {url: https://up.example}}", "communication.status_page.url: host 'up.example'"),
        ("status_pages: {stripe: {url: https://s.example}}", "status_pages.stripe.url: host 's.example' is not known"),
        ('support: {token: "${SHOP_TOKEN}", repository: shop}', "support.repository: "),
        (
            'incidents: {tracker: {token: "${SHOP_TOKEN}", repository: a/b}}',
            "incidents.tracker.url: host 'api.github.com' is not known",
        ),
        ("communication: {channels: {x: slack/y}}", "slack/y needs communication.slack"),
        ("communication: {slack: {token: abc}}", "a secret comes from ${VARIABLE}"),
    ],
)
def test_where_people_are_told_is_checked_like_all_else(tmp_path: Path, section: str, told: str) -> None:
    assert any(told in one for one in problems(tmp_path, f"{GOOD}{section}\n")), problems(
        tmp_path, f"{GOOD}{section}\n"
    )
