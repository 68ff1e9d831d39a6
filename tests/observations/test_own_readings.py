"""No line asks by a name that only our sandbox has: of PostgreSQL itself, of the runbook's own document, or as told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from readiness.environment.schema import KnownReading, Reading
from readiness.observations import KNOWN_READINGS, OBSERVATIONS, load_all
from readiness.outcomes import NotConfigured, Unknown
from readiness.runbook.lines import load, locate, shipped
from readiness.runbook.own_readings import OwnReading, digest_of
from readiness.sandbox.postgres import Server as Database
from readiness.sources.origins import Origin, agreed, asks_otherwise
from tests.clients.conftest import Make

load_all()
ROOT = Path(__file__).parents[2]
OF_THE_SERVER = re.compile(r"pg_\w+|pg_catalog\.\w+|information_schema\.\w+")
"""What every PostgreSQL has, or an extension of its own."""
RELATION = re.compile(r"\b(?:from|join)\s+([a-z_][\w.]*)\b(?!\s*\()", re.IGNORECASE)
WORD = re.compile(r"[a-z_][a-z_0-9]*")
VOCABULARY = {
    # D8, Production Day-0 / Day-1 Runbook: 2.1, 3.2, 4.1, 4.2 and 5.5.
    "ingestion": {
        "data_uploads": {"id", "workspace_id", "status", "row_count", "error_text", "created_at"},
        "staging_rows": {"upload_id", "validation_status", "created_at"},
        "workspace_settings": {"workspace_id", "ingestion_paused"},
        "circuit_breaker_state": set(),
    },
    # Production readiness runbooks, authentication failures: sessions.
    "agency": {"user_sessions": {"user_id", "expires_at"}},
}
"""Runbook → the tables that its document names, and the columns that it quotes of each."""
OF_SQL = {
    *("select", "count", "as", "from", "where", "and", "in", "group", "by", "order", "desc", "limit", "filter", "true"),
    *("now", "interval", "extract", "epoch", "coalesce", "max", "min", "float"),
}
RUNBOOKS = {name: load(locate(name, ROOT)) for name in shipped()}
OWN = [(name, reading) for name, book in RUNBOOKS.items() for reading in book.readings]


def relations(sql: str) -> set[str]:
    return {name for name in RELATION.findall(sql) if name.lower() != "now"}


@pytest.mark.parametrize("known", [one for one in KNOWN_READINGS.values() if one.default], ids=lambda one: one.name)
def test_a_default_asks_postgresql_of_itself(known: KnownReading) -> None:
    assert known.default
    assert known.default.sql, f"{known.name}: only PostgreSQL knows something of itself that everybody has"
    assert relations(known.default.sql)
    assert {name for name in relations(known.default.sql) if not OF_THE_SERVER.fullmatch(name)} == set()


def test_there_are_such_defaults() -> None:
    assert {name for name, known in KNOWN_READINGS.items() if known.default} == {
        *("query_times", "row_counts", "slowest_statements")
    }


@pytest.mark.parametrize(("runbook", "name"), OWN, ids=["-".join(one) for one in OWN])
def test_a_runbook_asks_in_the_words_of_its_document(runbook: str, name: str) -> None:
    own, words = RUNBOOKS[runbook].readings[name], VOCABULARY[runbook]
    assert own.sql, "a metric would have to stand in the vocabulary too"
    assert set(words) >= relations(own.sql)
    columns = {column for table in relations(own.sql) for column in words[table]}
    labels = set(re.findall(r"\bas (\w+)", own.sql)) | set(re.findall(r"\bcount\(\*\) as (\w+)", own.sql))
    text = re.sub(r"'[^']*'", "", own.sql)
    assert set(WORD.findall(text)) - OF_SQL - labels - relations(own.sql) <= columns


def test_a_runbook_s_reading_is_one_that_a_check_or_its_incident_asks_for() -> None:
    walks = {name: book.incident for name, book in RUNBOOKS.items() if book.incident}
    captured = {(name, reading) for name, walk in walks.items() for reading in walk.captures}
    assert {name for runbook, name in OWN if (runbook, name) not in captured} <= set(KNOWN_READINGS)


STAGED = KNOWN_READINGS["staged_rows"]
TWO, SEVEN, NINE = (Reading(sql=f"select {number} from pg_class limit 1") for number in (2, 7, 9))


def test_each_line_asks_as_its_runbook_does_and_the_environment_goes_before(make: Make, database: Database) -> None:
    own = {"shop": {"staged_rows": TWO}, "depot": {"staged_rows": SEVEN}, "other": {}}
    readings = make(dsn=database.dsn(), own=own).readings
    assert [readings.of(name).number(STAGED) for name in ("shop", "depot")] == [2, 7]
    with pytest.raises(NotConfigured, match=r"set readings\.staged_rows in the environment file"):
        readings.of("other").number(STAGED)
    with pytest.raises(NotConfigured):  # of no runbook, and they do not agree
        readings.number(STAGED)

    stated = make(dsn=database.dsn(), readings={"staged_rows": NINE}, own=own).readings
    assert [stated.of(name).number(STAGED) for name in ("shop", "depot", "other", "")] == [9, 9, 9, 9]
    assert stated.of("shop").origin(STAGED) is Origin.ENVIRONMENT


def test_what_two_runbooks_agree_on_a_drill_may_ask() -> None:
    assert agreed({"a": {"x": TWO}, "b": {"x": TWO, "y": SEVEN}, "c": {"y": NINE}}) == {"x": TWO}


def test_looks_are_told_apart_where_runbooks_ask_otherwise() -> None:
    own = {"a": {"x": TWO}, "b": {"x": SEVEN}, "c": {}}
    assert asks_otherwise(own, "a", (), {"x"})
    assert asks_otherwise(own, "a", (), None)
    assert not asks_otherwise(own, "a", (), {"y"})
    assert not asks_otherwise(own, "a", ("x",), {"x"}), "the environment states it"
    assert not asks_otherwise(own, "c", (), {"x"})
    assert not asks_otherwise({"a": {"x": TWO}}, "a", (), {"x"}), "nobody else is there"


def test_a_look_names_the_readings_that_it_may_ask_for() -> None:
    assert OBSERVATIONS["staged_rows"].readings == frozenset({"staged_rows"})
    assert OBSERVATIONS["cache_use"].readings == frozenset({"cache_hits", "cache_lookups"})
    assert OBSERVATIONS["own_number"].readings is None, "whatever the line names"
    assert OBSERVATIONS["connection_pool"].readings == frozenset()


@pytest.mark.parametrize(
    ("own", "default", "told"),
    [
        ({"shop": {"staged_rows": Reading(sql="select count(*) from nowhere")}}, None, "is of the runbook"),
        ({}, Reading(sql="select count(*) from pg_nowhere"), "is PostgreSQL's own"),
    ],
)
def test_what_cannot_be_asked_says_whose_query_it_is(
    make: Make, database: Database, own: dict[str, dict[str, Reading]], default: Reading | None, told: str
) -> None:
    readings = make(dsn=database.dsn(), own=own).readings.of("shop")
    with pytest.raises(Unknown, match=r"nowhere.* does not exist") as unknown:
        readings.number(KnownReading("staged_rows", "rows in staging", default))
    assert f"the query of readings.staged_rows {told}: state another source in the environment file" in str(
        unknown.value
    )


def test_a_runbook_that_states_a_literal_measures_nothing(make: Make, database: Database) -> None:
    notes: list[str] = []
    own = {"shop": {"staged_rows": Reading(sql="select 2")}}
    assert make(dsn=database.dsn(), note=notes.append, own=own).readings.of("shop").number(STAGED) == 2
    assert notes == ["readings.staged_rows is stated in the runbook shop: its SQL reads no table"]


@pytest.mark.parametrize("stated", [{}, {"sql": "select 1", "metric": "a"}, {"labels": {"a": "b"}}])
def test_a_runbook_s_reading_has_one_source(stated: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="one source of sql, metric and promql"):
        OwnReading.model_validate(stated)


def test_a_changed_query_has_another_digest() -> None:
    one, other = ({"x": OwnReading(sql=f"select {number}")} for number in (1, 2))
    assert digest_of(one) == digest_of(dict(one)) != digest_of(other)
