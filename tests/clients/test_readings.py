"""Readings: each way to find a fact, and each way in which it is not there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readiness.environment.schema import KnownReading, Reading, Target
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import Secret, known_secrets
from readiness.sandbox.postgres import Server as Database
from readiness.sources.readings import Readings, revision_of
from readiness.sources.table import Clients
from tests.clients.conftest import Make
from tests.clients.servers import Server, document, whole

FACT = KnownReading("fact", "the fact that is looked for")
WAYS: dict[str, Callable[[Readings, KnownReading], object]] = {
    "value": Readings.value,
    "number": Readings.number,
    "rows": Readings.rows,
    "mapping": Readings.mapping,
}
Kept = Callable[..., Readings]


@pytest.fixture
def kept(make: Make, tmp_path: Path) -> Kept:
    """Give readings whose fact stands in a file."""

    def keep(content: Any, kind: str = "json", pointer: str = "") -> Readings:
        path = tmp_path / "file"
        path.write_text(content if isinstance(content, str) and kind != "json" else json.dumps(content))
        reading = Reading.model_validate({"file": path, "format": kind, "pointer": pointer})
        return make(readings={"fact": reading}).readings

    return keep


def unknown(way: str, readings: Readings, known: KnownReading = FACT) -> Unknown:
    with pytest.raises(Unknown) as found:
        WAYS[way](readings, known)
    return found.value


@pytest.mark.parametrize("way", WAYS)
def test_a_fact_without_a_source_says_which_key_to_set(way: str, make: Make) -> None:
    found = unknown(way, make().readings)
    assert isinstance(found, NotConfigured)
    assert "the fact that is looked for" in found.reason
    assert "readings.fact" in found.remedy


@pytest.mark.parametrize(
    ("way", "reading", "key"),
    [
        ("value", Reading(sql="select 1"), "postgres.url"),
        ("rows", Reading(sql="select 1"), "postgres.url"),
        ("value", Reading(metric="a"), "metrics.url"),
    ],
)
def test_a_default_whose_system_is_not_there_says_which_key_to_set(
    way: str, reading: Reading, key: str, make: Make
) -> None:
    known = KnownReading("fact", "a fact", reading)
    readings = make(systems=False).readings
    assert not readings.configured(known)
    found = unknown(way, readings, known)
    assert isinstance(found, NotConfigured)
    assert key in found.remedy


def test_the_environment_goes_before_the_default(make: Make) -> None:
    known = KnownReading("fact", "a fact", Reading(value="the default"))
    assert make().readings.value(known) == "the default"
    readings = make(readings={"fact": Reading(value="the environment's")}).readings
    assert readings.value(known) == "the environment's"
    assert readings.configured(known)
    assert not readings.configured(KnownReading("other", "another"))


def test_a_reading_that_only_the_environment_knows(make: Make) -> None:
    readings = make(readings={"billing_lag": Reading(value=3)}).readings
    assert readings.value(readings.named("billing_lag")) == 3
    with pytest.raises(NotConfigured, match=r"did you mean billing_lag\?"):
        readings.named("billing_lags")


@pytest.mark.parametrize(
    "found", [None, "", "  ", {}, [], {"a": 1}, [1]], ids=["null", "empty", "blank", "{}", "[]", "object", "list"]
)
def test_what_is_no_single_value(found: Any, kept: Kept) -> None:
    assert "no single value" in unknown("value", kept({"a": found}, pointer="/a")).reason
    assert "no single value" in unknown("number", kept({"a": found}, pointer="/a")).reason


@pytest.mark.parametrize(
    ("found", "number"), [(3, 3.0), (2.5, 2.5), ("7", 7.0), (" 1e3 ", 1000.0), (0, 0.0), (-1, -1.0)]
)
def test_a_number(found: Any, number: float, kept: Kept) -> None:
    assert kept({"a": found}, pointer="/a").number(FACT) == number


@pytest.mark.parametrize("found", [True, False, "seven", "nan", "inf", "-Infinity", "1,5", "10 %", 10**400])
def test_what_is_no_number(found: Any, kept: Kept) -> None:
    assert "is not a number" in unknown("number", kept({"a": found}, pointer="/a")).reason


def test_a_text_file_is_a_value(kept: Kept) -> None:
    assert kept(" 42\n", "text").number(FACT) == 42
    assert kept(" ready\n", "text").value(FACT) == "ready"


def test_a_pointer_that_finds_nothing(kept: Kept) -> None:
    found = unknown("value", kept({"status": 1}, pointer="/stauts"))
    assert "did you mean status?" in found.remedy


ROWS = [{"name": "a", "age": 1}, {"name": "b", "age": 2}]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (ROWS, "json"),
        ({"a": {"age": 1}, "b": {"age": 2}}, "json"),
        ({"x": {"name": "a", "age": 1}, "y": {"name": "b", "age": 2}}, "json"),
        ("\n".join(map(json.dumps, ROWS)), "jsonl"),
    ],
    ids=["a list", "an object of objects", "objects that have names", "lines"],
)
def test_rows(content: Any, kind: str, kept: Kept) -> None:
    found = kept(content, kind).rows(FACT, "name", "age")
    assert sorted(found, key=str) == sorted(ROWS, key=str)
    assert [set(row) for row in found] == [{"name", "age"}] * 2


def test_rows_of_a_query(make: Make, database: Database) -> None:
    known = KnownReading("fact", "a fact", Reading(sql="select id, status from upload order by id"))
    readings = make(dsn=database.dsn("probe", "probe-password")).readings
    assert readings.rows(known, "status")[0] == {"id": 1, "status": "completed"}
    with pytest.raises(Unknown, match="has no column state; its columns: id, status"):
        readings.rows(known, "state")


@pytest.mark.parametrize("revision", [Reading(sql="select ' '"), Reading(sql="select ''"), Reading(value=" ")])
def test_blank_text_is_no_revision(revision: Reading, make: Make, database: Database) -> None:
    readings = make(dsn=database.dsn("probe", "probe-password")).readings
    target = Target.model_construct(revision=revision)
    with pytest.raises(Unknown, match=r"target\.revision is (empty|no single value but empty)"):
        revision_of(target, readings)


def test_no_rows_are_no_rows(kept: Kept) -> None:
    assert kept([]).rows(FACT, "name") == []


@pytest.mark.parametrize("content", [{}, {"a": 1}, [1], [{"a": 1}, None], "words", 3, {"a": {"b": 1}, "c": 2}])
def test_what_is_no_list_of_objects(content: Any, kept: Kept) -> None:
    assert "no list of objects" in unknown("rows", kept(content)).reason


def test_a_column_that_one_row_lacks(kept: Kept) -> None:
    with pytest.raises(Unknown, match=r"readings\.fact has no column age; its columns: name"):
        kept([{"name": "a", "age": 1}, {"name": "b"}]).rows(FACT, "name", "age")


def test_a_mapping_is_secret(kept: Kept) -> None:
    found = kept("API_KEY=a-key-of-this-test\nMODE='a mode of this test'\nEMPTY=\n", "dotenv").mapping(FACT)
    assert str(found) == "{'API_KEY': ***, 'MODE': ***, 'EMPTY': ***}"
    assert found["API_KEY"].reveal() == "a-key-of-this-test"
    assert found["EMPTY"].reveal() == ""
    assert "a-key-of-this-test" in known_secrets()
    assert "a mode of this test" not in known_secrets()


def test_a_mapping_of_json(kept: Kept) -> None:
    found = kept({"env": {"A": "x", "B": 1, "C": None}}, pointer="/env").mapping(FACT)
    assert {name: value.reveal() for name, value in found.items()} == {"A": "x", "B": "1", "C": ""}


@pytest.mark.parametrize("content", [{}, [], ["A"], "words", 3, {"A": {"deep": 1}}, {"A": [1]}])
def test_what_is_no_mapping(content: Any, kept: Kept) -> None:
    assert "no mapping" in unknown("mapping", kept(content)).reason


@pytest.mark.parametrize("way", ["value", "number", "rows"])
def test_secret_variables_are_no_value(way: str, kept: Kept) -> None:
    found = unknown(way, kept("API_KEY=a-key-of-this-test", "dotenv"))
    assert "cannot answer this" in found.reason
    assert "a-key-of-this-test" not in str(found)


@pytest.mark.parametrize("way", ["rows", "mapping"])
def test_a_metric_is_no_document(way: str, make: Make) -> None:
    known = KnownReading("fact", "a fact", Reading(metric="a"))
    assert "cannot answer this" in unknown(way, make().readings, known).reason


@pytest.mark.parametrize("way", WAYS)
def test_a_missing_file_is_unknown(way: str, make: Make, tmp_path: Path) -> None:
    known = KnownReading("fact", "a fact", Reading(file=tmp_path / "nothing"))
    assert "cannot be read" in unknown(way, make().readings, known).reason


def asked_with(clients: Clients, reading: Reading) -> object:
    return clients.readings.value(KnownReading("fact", "a fact", reading))


def test_the_target_is_asked_with_its_token_and_another_service_is_not(make: Make) -> None:
    with Server(document({"a": 1})) as target, Server(document({"a": 1})) as other:
        clients = make(target.url)
        asked_with(clients, Reading(http=f"{target.url}/x", pointer="/a"))
        asked_with(clients, Reading(http=f"{target.url}/x", pointer="/a", token=Secret("a-token-of-its-own")))
        asked_with(clients, Reading(http=f"{other.url}/x", pointer="/a"))
        asked_with(clients, Reading(http=f"{other.url}/x", pointer="/a", headers={"X-Team": "probe"}))
    tokens = [asked.headers.get("authorization") for asked in target.asked]
    assert tokens == ["Bearer target-token-of-a-test", "Bearer a-token-of-its-own"]
    assert [asked.headers.get("authorization") for asked in other.asked] == [None, None]
    assert other.asked[1].headers["x-team"] == "probe"


def test_a_status_other_than_200_is_no_fact(make: Make) -> None:
    with Server(whole(202, '{"a": 1}')) as server:
        known = KnownReading("fact", "a fact", Reading(http=server.url, pointer="/a"))
        assert "answered 202" in unknown("value", make(server.url).readings, known).reason


def test_a_metric_is_a_number(make: Make) -> None:
    known = KnownReading("fact", "a fact", Reading(metric="jobs", labels={"state": "stuck"}))
    page = 'jobs{state="stuck",queue="a"} 2\njobs{state="stuck",queue="b"} 3\njobs{state="done",queue="a"} 9\n'
    with Server(whole(200, page)) as server:
        assert make(server.url).readings.number(known) == 5
