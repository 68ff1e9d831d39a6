"""No command outside of a run shows a secret of its environment, however the variable is called that holds it.

To add a row: a command in COMMANDS, or a place of an environment's files that holds a secret in PLACES.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.evidence.signing import FILE_VARIABLE
from tests import warm
from tests.evidence.launch import Launch, make
from tests.redaction.secret_kinds import KINDS, Kind, parts_seen

State = Callable[[dict[str, Any], str], None]


def at(*keys: str) -> State:
    """Return what states a text at a place of the environment file."""

    def state(environment: dict[str, Any], text: str) -> None:
        section = environment
        for key in keys[:-1]:
            section = section.setdefault(key, {})
        section[keys[-1]] = text

    return state


def _one_of_a_list(environment: dict[str, Any], text: str) -> None:
    environment["notify"] = {"urls": [text]}


def _in_a_journey(environment: dict[str, Any], text: str) -> None:
    environment["load"] = {"users_at_most": 1, "journeys": {"buy": "buy.journey.yaml"}}
    journey = {"steps": [{"name": "home", "get": "/", "headers": {"X-Shop": text}}]}
    Path("environments/buy.journey.yaml").write_text(json.dumps(journey))


def _words(*words: str) -> State:
    """Return what states the words of a program that is run by a drill."""

    def state(environment: dict[str, Any], text: str) -> None:
        switch = environment.setdefault("drills", {}).setdefault("kill_switch", {})
        switch[f"switch_{len(switch)}"] = {"command": ["run", *(word.replace("{}", text) for word in words)]}

    return state


READING = ("readings", "orders")
PLACES: dict[str, tuple[str, State, str]] = {
    # What has the secret → a kind of secret, where its variable stands, and in which text.
    "a token": ("a passphrase", at("target", "token"), "{}"),
    "a token that is a number": ("a number", at("prometheus", "token"), "{}"),
    "a key": ("base64", at("storage", "key"), "{}"),
    "the address of a database": ("a short password in an address", at("postgres", "url"), "{}"),
    "a connection string": ("keywords of libpq", at("replica", "url"), "{}"),
    "a part of an address": ("a short password", at("drills", "restore", "server"), "postgresql://a:{}@h/x"),
    "an address beside one that is not set": ("AMQP", at("loki", "token"), "${{NOT_SET}}{}"),
    "one of a list": ("MongoDB", _one_of_a_list, "{}"),
    "a header": ("hexadecimal", at("target", "headers", "X-Shop"), "{}"),
    "a header of basic authentication": ("a cookie", at(*READING, "headers", "Authorization"), "Basic {}"),
    "a parameter": ("signs of every kind", at(*READING, "http"), "https://h.example/?token={}"),
    "a contact": ("words with blanks", at("team", "roles", "lead", "contact"), "{}"),
    "an option of a program": ("letters beyond ASCII", _words("--password={}"), "{}"),
    "a word behind an option": ("Redis of .NET", _words("--api-key", "{}"), "{}"),
    "a journey": ("a JSON Web Token", _in_a_journey, "{}"),
}
FILED = ("a file", "ADO")
"""What has its secret in a file."""
NAMED = ("a variable that says so", "Redis")
"""What nothing of the environment names."""

ASK = (
    # What asks the program, which prints all of them.
    ("verify", "tiny", "preflight"),
    ("verify", "tiny", "preflight", "--json"),
    ("verify", "tiny", "preflight", "--anchored"),
    ("verify", "{run}"),
    ("verify", "{run}", "--json"),
    ("verify", "--all", "--env", "tiny"),
    ("verify", "--all", "--env", "tiny", "--json"),
    ("history", "--env", "tiny", "--html", "history.html"),
    ("next", "--env", "tiny"),
    ("next", "--env", "tiny", "--json"),
    ("ledger", "anchor", "--env", "tiny"),
    ("sign-off", "--env", "tiny"),
)
ASK_NOT = (
    ("history", "--env", "tiny", "--json"),
    ("plan", "--env", "tiny"),
    ("ledger", "mend", "--env", "tiny"),
    ("announce", "launch", "--env", "tiny"),
    ("prune", "--env", "tiny", "--keep", "1d"),
    ("record", "none.har", "--env", "tiny"),
    ("ladder", "--replay", "{run}"),
    ("gate", "preflight", "--env", "tiny"),
    ("drill", "restore", "--env", "tiny"),
    ("rehearse", "--env", "tiny"),
)
COMMANDS = (*ASK, *ASK_NOT)


def _program(folder: Path, variables: Mapping[str, str], secrets: Mapping[str, str]) -> list[str]:
    """Return the words of a program that prints all that it was given, and fails."""
    prints = folder / "prints.py"
    # Of what stands in a file it knows the content too.
    known = "\n".join([*variables.values(), *secrets.values()])
    prints.write_text(f"import sys\nprint({known!r})\nprint({known!r}, file=sys.stderr)\nsys.exit(3)\n")
    return [sys.executable, str(prints)]


def _state_all(launch: Launch) -> dict[str, str]:
    """State each secret at its place, and return the variables that hold them."""
    environments = launch.folder / "environments"
    stated: dict[str, Any] = {}
    variables: dict[str, str] = {}
    for number, (kind, state, text) in enumerate(PLACES.values()):
        value = KINDS[kind].known
        encodes = "Basic" in text
        variables[f"SHOP_{number}"] = base64.b64encode(f"a:{value}".encode()).decode() if encodes else value
        state(stated, text.format(f"${{SHOP_{number}}}"))
    filed = launch.folder / "filed"
    filed.write_text(KINDS[FILED[1]].known)
    at("github", "token")(stated, f"file:{filed}")
    variables["SHOP_PASSWORD"] = KINDS[NAMED[1]].known

    program = _program(launch.folder, variables, {"filed": KINDS[FILED[1]].known})
    stated["evidence"] = {"anchor": {"command": program, "recall": program}}
    path = environments / "tiny.yaml"
    environment = yaml.safe_load(path.read_text())
    environment["target"] |= stated.pop("target")
    path.write_text(json.dumps(environment | stated))
    return variables


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> tuple[Launch, dict[str, str]]:
    launch = make(tmp_path_factory.mktemp("launch"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(launch.folder)
        return launch, _state_all(launch)


def _kinds() -> list[Kind]:
    return [KINDS[kind] for kind, *_ in PLACES.values()] + [KINDS[FILED[1]], KINDS[NAMED[1]]]


def _shown(launch: Launch, words: tuple[str, ...], held: Mapping[str, str]) -> str:
    """Return what a command prints, and the pages that it writes."""
    surroundings = {name: value for name, value in os.environ.items() if name != FILE_VARIABLE}
    filled = [word.format(run=launch.runs()[-1]) for word in words]
    ran = warm.run("readiness", *filled, folder=launch.folder, variables={**surroundings, **held})
    assert "Traceback" not in ran.stderr, ran.stderr
    assert ran.stdout + ran.stderr
    pages = [path.read_text("utf-8") for path in launch.folder.rglob("*.html")]
    return "\n".join([ran.stdout, ran.stderr, *pages])


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_shows_a_secret(
    words: tuple[str, ...], leaky: tuple[Launch, dict[str, str]], tmp_path: Path
) -> None:
    launch, held = leaky
    shown = _shown(launch.copy(tmp_path / "copy"), words, held)
    assert parts_seen(shown, *_kinds()) == []
    assert words in ASK_NOT or "***" in shown


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_needs_a_secret_to_be_set(
    words: tuple[str, ...], leaky: tuple[Launch, dict[str, str]], tmp_path: Path
) -> None:
    launch, _ = leaky
    _shown(launch.copy(tmp_path / "copy"), words, {})
