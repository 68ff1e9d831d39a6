"""A drill is refused where nobody allowed it, before anything is contacted."""

from __future__ import annotations

import argparse
import re
from typing import Any

import pytest

from readiness.commands.drill import permit
from readiness.environment.schema import Environment
from readiness.errors import BadInput
from readiness.outcomes import Effect

ACTION = {"command": ["true"]}
DRILLS = {
    "rollback": {"to": "r1", "action": ACTION, "forward": ACTION},
    "incident": {"simulate": ACTION, "mitigate": ACTION, "publish": ACTION, "alert": "ApiDown"},
}
LIVE: dict[str, Any] = {"production": True, "allow": []}
HOST = "api.example.com"


def environment(**other: Any) -> Environment:
    base: dict[str, Any] = {
        "environment": "staging",
        "production": False,
        "runbooks": ["playbook"],
        "allowed_hosts": [HOST],
        "allow": ["write", "notify"],
        "target": {"url": f"https://{HOST}"},
        "drills": DRILLS,
    }
    return Environment.model_validate({**base, **other})


def words(*allow: str, confirm: str | None = None) -> argparse.Namespace:
    return argparse.Namespace(allow=list(allow), confirm=confirm)


def test_an_environment_that_allows_it_is_let_through() -> None:
    assert set(permit(environment(), "rollback", words())) == {Effect.READ, Effect.WRITE}
    assert set(permit(environment(), "incident", words())) == {Effect.READ, Effect.WRITE, Effect.NOTIFY}


def test_production_is_let_through_with_word_and_name() -> None:
    assert Effect.WRITE in permit(environment(**LIVE), "rollback", words("write", confirm=HOST))


@pytest.mark.parametrize(
    ("name", "other", "given", "says"),
    [
        ("rollback", LIVE, words(), f"a drill needs --allow write --confirm {HOST}"),
        ("rollback", LIVE, words("write"), f"a drill needs --allow write --confirm {HOST}"),
        ("rollback", LIVE, words(confirm=HOST), f"a drill needs --allow write --confirm {HOST}"),
        ("rollback", LIVE, words("write", confirm="www.example.com"), "--confirm www.example.com is another host"),
        ("incident", LIVE, words("write", confirm=HOST), "a drill needs --allow write --allow notify"),
        ("incident", {"allow": ["write"]}, words(), "write `allow: [notify]` in it"),
        ("rollback", {"allow": []}, words("write", confirm=HOST), "does not allow write"),
        ("kill-switch", {}, words(), "no section drills.kill_switch"),
        ("rollback", {"drills": None}, words(), "no section drills.rollback"),
    ],
)
def test_everything_else_is_refused(name: str, other: dict[str, Any], given: argparse.Namespace, says: str) -> None:
    with pytest.raises(BadInput, match=re.escape(says)):
        permit(environment(**other), name, given)


@pytest.mark.parametrize(
    ("rollback", "says"),
    [
        ({"to": "r1"}, "one of action, vercel, git is wanted; here: none"),
        ({"to": "r1", "action": ACTION}, "action and forward belong together"),
        ({"to": "r1", "action": {"command": ["a"], "http": "/b"}, "forward": ACTION}, "here: command, http"),
    ],
)
def test_a_way_back_is_exactly_one(rollback: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        environment(drills={"rollback": rollback})
