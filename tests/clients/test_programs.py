"""A program that is asked: what it prints, what it is given, how it ends, and that nothing of it stays."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from readiness.environment.schema import KnownReading, Reading
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import known_secrets
from readiness.sources.readings import Readings
from readiness.transport.guard import Guard
from tests.clients.conftest import Make

FACT = KnownReading("fact", "a fact")
NODES = '{"at": "2025-12-01T09:00:00Z", "items": [{"name": "a", "ready": true}, {"name": "b", "ready": false}]}'


def readings_of(make: Make, script: str, **keys: Any) -> Readings:
    source = {"command": [sys.executable, "-S", "-c", script], "effect": "reads", **keys}
    return make(readings={"fact": Reading.model_validate(source)}).readings


def unknown(make: Make, script: str, **keys: Any) -> Unknown:
    with pytest.raises(Unknown) as found:
        readings_of(make, script, **keys).value(FACT)
    return found.value


def test_json_by_its_pointer_and_text(make: Make) -> None:
    readings = readings_of(make, f"print('''{NODES}''')", pointer="/items", at="/at")
    assert readings.rows(FACT, "name", "ready")[1] == {"name": "b", "ready": False}
    assert readings.told_at(FACT) == datetime(2025, 12, 1, 9, tzinfo=UTC)
    assert readings_of(make, "print(' 42 ')", format="text").number(FACT) == 42
    assert readings_of(make, f"print('''{NODES}''')", pointer="/items/0/ready").value(FACT) is True


def test_no_shell_reads_it(make: Make) -> None:
    words = ["$(id) `id` ; id | id > x", "a b"]
    source = {"command": [sys.executable, "-S", "-c", "import sys; print(sys.argv[1:])", *words], "effect": "reads"}
    readings = make(readings={"fact": Reading.model_validate({**source, "format": "text"})}).readings
    assert readings.value(FACT) == str(words)


def test_it_is_given_the_variables_that_are_named_and_no_others(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "a-secret-of-the-shop-0123")
    monkeypatch.setenv("OTHER_TOKEN", "a-secret-of-another-0123")
    script = "import os; print(sorted(name for name in os.environ if name.endswith('_TOKEN') or name == 'HOME'))"
    assert readings_of(make, script, format="text").value(FACT) == "[]"
    assert readings_of(make, script, format="text", env=["SHOP_TOKEN"]).value(FACT) == "['SHOP_TOKEN']"
    assert "a-secret-of-the-shop-0123" in known_secrets()

    monkeypatch.delenv("SHOP_TOKEN")
    lack = unknown(make, script, env=["SHOP_TOKEN"])
    assert isinstance(lack, NotConfigured)
    assert "the variable SHOP_TOKEN, which readings.fact gives its program, is not set" in lack.reason


@pytest.mark.parametrize(
    ("value", "is_masked"),
    [
        ("gribzel-41-qunzok", True),
        ("https://hooks.shop.internal/T0/gribzel42", True),
        ("gribzelqunzokgribzel", True),
        ("g41", False),
        ("blocker", False),
        ("production", False),
        ("2026-12-01", False),
        ("/tmp", False),
        ("https://api.shop.internal:8443", False),
    ],
)
def test_what_it_is_given_is_masked_whatever_its_name(
    make: Make, monkeypatch: pytest.MonkeyPatch, value: str, is_masked: bool
) -> None:
    monkeypatch.setenv("SHOP_REGION", value)
    readings_of(make, "print(7)", env=["SHOP_REGION"]).value(FACT)
    assert (value in known_secrets()) is is_masked


@pytest.mark.parametrize(
    ("script", "keys", "says"),
    [
        ("import sys; print(1); sys.exit(3)", {}, "ended with status 3: it said nothing"),
        ("import sys; sys.exit('error: no such cluster')", {}, "status 1: error: no such cluster"),
        ("import os, signal; print(1); os.kill(os.getpid(), signal.SIGTERM)", {}, "status -15"),
        ("print('x' * 2000)", {"bytes_at_most": 1000}, "printed more than 1,000 bytes"),
        ("while True: print('x' * 2000)", {"bytes_at_most": 1000}, "printed more than 1,000 bytes"),
        ("import time; time.sleep(60)", {"seconds_at_most": 0.3}, "did not end within 0.3 s"),
        ("print('not json')", {}, "the output of readings.fact is not JSON"),
        ("print()", {}, "the output of readings.fact is empty"),
        ("print()", {"format": "text"}, "no single value but empty"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", {"format": "text"}, "not UTF-8"),
        ("print('{}')", {"pointer": "/n"}, "the answer has nothing at /n"),
    ],
)
def test_what_is_no_answer_is_unknown(make: Make, script: str, keys: dict[str, Any], says: str) -> None:
    started = time.monotonic()
    assert says in unknown(make, script, **keys).reason
    assert time.monotonic() - started < 30


def test_a_program_that_is_not_there_is_not_configured(make: Make) -> None:
    source = Reading(command=("no-such-program-here",), effect="reads")
    with pytest.raises(NotConfigured, match="there is no program no-such-program-here on this machine"):
        make(readings={"fact": source}).readings.value(FACT)


CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(120)"])
open({path!r}, "w").write(str(child.pid))
{then}
"""


@pytest.mark.parametrize(
    ("then", "is_told"), [("time.sleep(120)", False), ("print(7)", True), ("print('x' * 9999)", False)]
)
def test_what_it_has_started_ends_with_it(make: Make, tmp_path: Path, then: str, is_told: bool) -> None:
    path = tmp_path / "pid"
    keys = {"seconds_at_most": 3.0, "bytes_at_most": 5000}
    script = CHILD.format(path=str(path), then=then)
    if is_told:
        assert readings_of(make, script, **keys).value(FACT) == 7
    else:
        unknown(make, script, **keys)
    child = int(path.read_text())
    end = time.monotonic() + 10
    while _runs(child) and time.monotonic() < end:
        time.sleep(0.02)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    """Check whether a process runs; one that is dead, and that nobody has asked after yet, does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return not (status.is_file() and "State:\tZ" in status.read_text())


def test_it_is_recorded_as_a_read_with_its_words(make: Make, guard: Guard) -> None:
    readings_of(make, "print(7)").value(FACT)
    (request,) = guard.requests
    assert (request.client, request.method, str(request.effect), request.status) == ("command", "RUN", "read", "exit 0")
    assert request.target == f"{sys.executable} -S -c print(7)"
