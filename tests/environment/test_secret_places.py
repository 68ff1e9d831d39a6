"""Where an environment file may hold a secret: its model says so by a type; the name of the key is nothing to go by."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from readiness.config.documents import Loc
from readiness.config.secret_places import takes_secret, wants_reference
from readiness.environment.schema import Environment
from readiness.errors import BadEnvironment
from readiness.redaction.secret import known_secrets
from tests.environment.test_environment import GOOD, VARIABLES, read

REFERENCES: tuple[Loc, ...] = (
    ("target", "token"),
    ("postgres", "url"),
    ("replica", "url"),
    ("storage", "key"),
    ("notify", "urls", 0),
    ("drills", "restore", "server"),
    ("readings", "orders", "token"),
    ("target", "revision", "token"),
)
NONE: tuple[Loc, ...] = (
    ("target", "url"),
    ("metrics", "url"),
    ("owners", "token"),
    ("readings", "token", "pointer"),
    ("readings", "password", "sql"),
    ("token",),
    ("target", "token", "more"),
)


@pytest.mark.parametrize("loc", REFERENCES, ids=lambda loc: ".".join(map(str, loc)))
def test_a_secret_comes_from_outside(loc: Loc) -> None:
    assert wants_reference(Environment, loc)
    assert takes_secret(Environment, loc)


@pytest.mark.parametrize("loc", NONE, ids=lambda loc: ".".join(map(str, loc)))
def test_a_key_called_so_is_none(loc: Loc) -> None:
    assert not wants_reference(Environment, loc)
    assert not takes_secret(Environment, loc)


def _with_contact(contact: str) -> str:
    return f'{GOOD}team: {{roles: {{primary on-call: {{name: Ada Lovelace, contact: "{contact}"}}}}}}\n'


def test_a_contact_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "phone").write_text("+49 30 901820\n")
    environment = read(tmp_path, _with_contact(f"file:{tmp_path / 'phone'}"))
    assert environment.team
    (person,) = environment.team.roles.values()
    assert person.contact.reveal() == "+49 30 901820"


def test_what_basic_authentication_holds_is_known_too(tmp_path: Path) -> None:
    held = base64.b64encode(b"probe:an0ther-sesame").decode()
    more = 'prometheus: {url: https://shop.example.com, headers: {Authorization: "Basic ${CREDENTIALS}"}}\n'
    read(tmp_path, GOOD + more, {**VARIABLES, "CREDENTIALS": held})
    assert {held, "probe:an0ther-sesame", "an0ther-sesame"} <= known_secrets()


@pytest.mark.parametrize("words", ['[sh, -c, a, "${WORD}"]', '["${WORD}"]', '[a, "--key=${WORD}"]', '[a, "${NONE}"]'])
def test_the_words_of_a_program_that_is_asked_have_no_variable(words: str, tmp_path: Path) -> None:
    """They stand in the list of processes, in the plan and in the journal."""
    more = f"readings: {{orders: {{command: {words}, effect: reads}}}}\n"
    with pytest.raises(BadEnvironment) as found:
        read(tmp_path, GOOD + more, {**VARIABLES, "WORD": "word-gribzel-31"})
    (problem,) = found.value.problems
    assert f"readings.orders.command.{words.count(',')}: no variable may stand here: every user" in problem
    assert problem.endswith("name the variable in `env:`")
    assert found.value.of_file == [problem]


@pytest.mark.parametrize(
    ("words", "is_learned"),
    [
        ('[deploy, --token, "${WORD}"]', True),
        ('[deploy, "--api-key=${WORD}"]', True),
        ('[deploy, -password, "${WORD}"]', True),
        ('[deploy, --region, "${WORD}"]', False),
        ('[deploy, "--region=${WORD}", --token, a]', False),
        ('[deploy, --token, a, "${WORD}"]', False),
    ],
)
def test_what_the_option_of_a_program_names_as_secret_is_known_too(
    words: str, is_learned: bool, tmp_path: Path
) -> None:
    word = f"gribzel-{len(known_secrets())}-{len(words)}-qunzok"
    action = f"{{command: {words}}}"
    more = f"drills: {{rollback: {{to: r1, action: {action}, forward: {action}}}}}\n"
    read(tmp_path, GOOD + more, {**VARIABLES, "WORD": word})
    assert (word in known_secrets()) is is_learned


SENT: dict[str, tuple[str, bool]] = {
    # What is sent by POST, and whether what the variable holds is masked from then on.
    "a variable that is called a secret": ("{graphql: 'query { a }', variables: {apiKey: '${REGION_OF_A}'}}", True),
    "a part of one": ("{graphql: 'query { a }', variables: {credentials: {of: ['${REGION_OF_A}']}}}", True),
    "a field of a body": ("{body: {password: '${REGION_OF_A}'}, reads: a search changes nothing here}", True),
    "a variable that is not": ("{graphql: 'query { a }', variables: {zone: '${REGION_OF_A}'}}", False),
}


@pytest.mark.parametrize("name", SENT)
def test_what_is_sent_under_the_name_of_a_secret_is_one(name: str, tmp_path: Path) -> None:
    post, is_masked = SENT[name]
    value = f"sent-{name.replace(' ', '-')}-4711"
    reading = f"readings: {{sent: {{http: 'https://shop.example.com/q', post: {post}}}}}\n"
    read(tmp_path, GOOD + reading, {**VARIABLES, "REGION_OF_A": value})
    assert (value in known_secrets()) is is_masked
