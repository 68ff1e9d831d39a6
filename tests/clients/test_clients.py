"""The table of clients: making it contacts nobody, and closing it leaves nothing open."""

from __future__ import annotations

import dataclasses
import socket
import typing
from typing import Any

import pytest

from readiness.sandbox.postgres import Server as Database
from readiness.sources.table import Clients
from readiness.transport.deadline import Deadline, DeadlinePassed, Wire, within
from tests.clients.conftest import Make
from tests.clients.servers import Server, document


def test_the_names_that_an_observation_may_ask_for() -> None:
    names = {field.name: typing.get_type_hints(Clients)[field.name].__name__ for field in dataclasses.fields(Clients)}
    assert names == {
        "http": "Http",
        "postgres": "Postgres",
        "replica": "Postgres",
        "storage": "Storage",
        "exposition": "Exposition",
        "prometheus": "Prometheus",
        "alertmanager": "Alertmanager",
        "levels": "Levels",
        "grafana": "Grafana",
        "sentry": "Sentry",
        "loki": "Loki",
        "files": "Files",
        "readings": "Readings",
        "backups": "Backups",
        "operator": "Actions",
        "controls": "Controls",
        "pooler": "PgBouncer",
        "chats": "Chats",
        "status_pages": "StatusPages",
        "tickets": "Tickets",
        "incident_reports": "IncidentReports",
        "history": "History",
        "roster": "Roster",
        "pagerduty": "PagerDuty",
        "github": "GitHub",
    }


def test_making_clients_contacts_nobody(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def contacted(*_: object, **__: object) -> Any:
        pytest.fail("somebody was contacted")

    monkeypatch.setattr(socket, "socket", contacted)
    monkeypatch.setattr(socket, "getaddrinfo", contacted)
    clients = make("https://shop.example", dsn="postgresql://probe:probe-password@shop.example/shop")
    assert clients.postgres.configured
    assert clients.storage.configured
    assert clients.exposition.configured


def test_closing_twice_is_fine(make: Make, database: Database) -> None:
    with Server(document({})) as server:
        clients = make(server.url, dsn=database.dsn("probe", "probe-password"))
        clients.http.get("/")
        clients.postgres.value("select 1")
        clients.close()
        clients.close()


def test_work_in_time_gives_its_value_and_its_errors() -> None:
    assert within(Deadline.after(1), lambda _: 7) == 7
    assert within(Deadline.after(1), lambda _: None) is None
    with pytest.raises(ZeroDivisionError):
        within(Deadline.after(1), lambda _: 1 // 0)
    with pytest.raises(KeyboardInterrupt):
        within(Deadline.after(1), interrupted)


def interrupted(_: Wire) -> None:
    raise KeyboardInterrupt


def test_work_that_is_late_loses_its_wire() -> None:
    ours, theirs = socket.socketpair()

    def wait(wire: Wire) -> bytes:
        wire.hold(ours.fileno())
        return ours.recv(1)

    with ours, theirs:
        with pytest.raises(DeadlinePassed):
            within(Deadline.after(0.05), wait)
        assert theirs.recv(1) == b""


def test_a_wire_that_comes_after_the_cut_is_cut_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Wire()
        wire.cut()
        wire.hold(ours.fileno())
        assert theirs.recv(1) == b""
        wire.release()


def test_a_deadline_that_has_passed_leaves_a_moment() -> None:
    assert 0 < Deadline.after(-5).left() <= 0.001
