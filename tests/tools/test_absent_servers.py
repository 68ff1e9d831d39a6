"""A server of the sandbox that is missing or broken costs its own lines: its address says why, and the rest goes on."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from readiness.sandbox import monitoring
from readiness.sandbox.front import Front
from readiness.sandbox.monitoring import Monitoring
from readiness.sandbox.web import Web
from readiness.tools import BY_NAME, find
from tests.tools.machine import EXITS, HANGS, NO_PROGRAM, machine

REAL = {name: find(BY_NAME[name]) for name in ("prometheus", "promtool", "alertmanager")}
EVERY = ("prometheus", "promtool", "prometheus-alertmanager", "alertmanager")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def front() -> Iterator[tuple[Front, str]]:
    """What Prometheus watches."""
    watched = Front()
    web = Web(watched.application())
    yield watched, web.url.removeprefix("http://")
    web.stop()


class Machine:
    """Starts the monitoring on a machine with these programs, and stops it."""

    def __init__(self, folder: Path, front: tuple[Front, str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._front, self._monkeypatch = folder, front, monkeypatch
        self._started: list[Monitoring] = []

    def start(self, *real: str, **broken: str) -> Monitoring:
        for name, value in machine(self._folder / "machine", *real, **broken).items():
            self._monkeypatch.setenv(name, value)
        watched, place = self._front
        self._started.append(monitoring.start(self._folder / "monitoring", watched, {"front": place}))
        return self._started[-1]

    def stop(self) -> None:
        for one in self._started:
            one.stop()


@pytest.fixture
def on(tmp_path: Path, front: tuple[Front, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine to start it on."""
    made = Machine(tmp_path, front, monkeypatch)
    yield made
    made.stop()


def answer(url: str, method: str = "GET") -> tuple[int, str]:
    """Ask an address, and return its status and its text."""
    try:
        with DIRECT.open(urllib.request.Request(url, method=method), timeout=60) as answered:
            return answered.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_without_any_tool_each_address_says_what_brings_it(on: Machine) -> None:
    found = on.start()
    assert not found.real
    for name, url in (("prometheus", found.prometheus_url), ("alertmanager", found.alertmanager_url)):
        says = f"{name} is not on this machine; run: readiness tools --fetch"
        assert answer(f"{url}/api/v1/query") == (503, says)
        assert answer(f"{url}/api/v2/alerts", "POST") == (503, says)
        assert json.loads(found.variables()["SANDBOX_ABSENT"])[name] == says
    found.settle()  # what waits for Prometheus does not wait for ever
    found.evaluated()
    found.again()


if all(REAL.values()):

    @pytest.mark.parametrize(
        ("text", "why"),
        [(EXITS, "it ended with 1: the template is gone"), (NO_PROGRAM, "Exec format error")],
        ids=["exits", "no program"],
    )
    def test_a_broken_alertmanager_leaves_prometheus(on: Machine, text: str, why: str) -> None:
        found = on.start("prometheus", "promtool", **{"prometheus-alertmanager": text})
        assert found.real
        assert found.value("count(up)") == 1
        assert set(found.absent) == {"alertmanager"}
        status, says = answer(f"{found.alertmanager_url}/api/v2/receivers")
        assert (status, says) == (503, f"alertmanager does not start; readiness tools says where it is: {why}")

    @pytest.mark.parametrize(
        ("text", "why"),
        [(EXITS, "it ended with 1: the template is gone"), (NO_PROGRAM, "Exec format error")],
        ids=["exits", "no program"],
    )
    @pytest.mark.parametrize("broken", ["prometheus", "promtool"])
    def test_a_broken_prometheus_leaves_alertmanager(on: Machine, broken: str, text: str, why: str) -> None:
        found = on.start(*(name for name in EVERY if name != broken), **{broken: text})
        assert not found.real
        assert set(found.absent) == {"prometheus"}
        assert answer(f"{found.alertmanager_url}/-/ready") == (200, "")
        says = f"{broken} does not start; readiness tools says where it is: {why}"
        assert answer(f"{found.prometheus_url}/api/v1/rules") == (503, says)

    def test_prometheus_goes_away_and_comes_back(on: Machine) -> None:
        found = on.start("prometheus", "promtool")  # an Alertmanager is not needed for it
        found.away()
        with pytest.raises(OSError, match="refused"):
            found.value("count(up)")
        found.back()
        assert found.value("count(up)") == 1
        found.again()
        assert found.value("count(up)") == 1

    def test_without_promtool_there_is_no_prometheus(on: Machine) -> None:
        found = on.start("prometheus", "prometheus-alertmanager", "alertmanager")
        assert {name: absent.reason for name, absent in found.absent.items()} == {
            "prometheus": "promtool is not on this machine; run: readiness tools --fetch"
        }


@pytest.mark.parametrize("hanging", ["prometheus", "promtool", "alertmanager"])
def test_one_that_hangs_is_given_up(on: Machine, hanging: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "READY_SECONDS", 0.5)
    monkeypatch.setattr(monitoring, "STOP_SECONDS", 0.5)
    texts = {"prometheus": HANGS, "promtool": "#!/bin/sh\n", "alertmanager": HANGS, hanging: HANGS}
    found = on.start(**texts)
    lost = "prometheus" if hanging == "promtool" else hanging
    status, says = answer(found.alertmanager_url if lost == "alertmanager" else found.prometheus_url)
    assert status == 503
    assert says.startswith(f"{hanging} does not start; readiness tools says where it is: it ")
    assert says.endswith("within 0.5 seconds")
    assert found.processes == {}
