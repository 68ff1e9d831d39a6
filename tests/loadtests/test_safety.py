"""Load is refused where nobody allowed it."""

from __future__ import annotations

import re
import resource
from typing import Any

import pytest

from loadtests.safety import LoadPermission, LoadRefused, forbidden_redirect, permit, raise_fd_limit, stage_of
from readiness.environment.schema import Environment
from readiness.outcomes import Effect
from readiness.rehearsal.stages import STAGES, Stage


def environment(**other: Any) -> Environment:
    base: dict[str, Any] = {
        "environment": "staging",
        "production": False,
        "runbooks": ["launch400k"],
        "allowed_hosts": ["staging.example.com"],
        "allow": ["load"],
        "target": {"url": "https://staging.example.com"},
        "load": {"users_at_most": 2000},
    }
    return Environment.model_validate({**base, **other})


Limits = list[int]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Limits:
    """The limits of this process, as the test sets them."""
    found = [0, 0]

    def change(_: int, wanted: tuple[int, int]) -> None:
        if wanted[0] > found[1]:
            raise ValueError
        found[:] = wanted

    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(found))
    monkeypatch.setattr(resource, "setrlimit", change)
    return found


LIVE: dict[str, Any] = {"production": True, "allow": []}
SURE = LoadPermission({Effect.LOAD}, "staging.example.com")


def test_an_environment_that_allows_it_is_let_through() -> None:
    permit(environment(), STAGES["launch"], LoadPermission())


def test_production_is_let_through_with_word_and_name() -> None:
    permit(environment(**LIVE), STAGES["launch"], SURE)


@pytest.mark.parametrize(
    ("other", "permission", "says"),
    [
        ({"allow": []}, LoadPermission(), "does not allow load"),
        ({"allow": []}, SURE, "does not allow load"),
        ({"load": None}, SURE, "no section `load`"),
        ({"allowed_hosts": ["other.example.com"]}, LoadPermission(), "'staging.example.com' is not known"),
        ({"load": {"users_at_most": 1999}}, LoadPermission(), "2,000 users are asked, load.users_at_most is 1,999"),
        ({}, LoadPermission(host="https://elsewhere.example.com"), "is not the target"),
        (LIVE, LoadPermission(), "needs --allow load and --confirm staging.example.com"),
        (LIVE, LoadPermission(confirmed="staging.example.com"), "needs --allow load"),
        (LIVE, LoadPermission({Effect.LOAD}), "say --confirm staging.example.com"),
        (LIVE, LoadPermission({Effect.LOAD}, "www.example.com"), "--confirm www.example.com is another host"),
        (LIVE, LoadPermission({Effect.WRITE}, "staging.example.com"), "needs --allow load"),
    ],
)
def test_everything_else_is_refused(other: dict[str, Any], permission: LoadPermission, says: str) -> None:
    with pytest.raises(LoadRefused, match=re.escape(says)):
        permit(environment(**other), STAGES["launch"], permission)


def test_a_stage_is_found_or_the_nearest_is_named() -> None:
    extra = environment(load={"users_at_most": 20_000, "stages": {"capacity": {"users": 20_000, "hold_minutes": 10}}})
    assert stage_of(extra, "capacity") == Stage(users=20_000, hold_minutes=10)
    with pytest.raises(LoadRefused, match="did you mean 'launch'"):
        stage_of(extra, "lunch")


def test_the_sandbox_scales() -> None:
    small = environment(sandbox=True, load={"users_at_most": 100, "scale": 0.01})
    assert stage_of(small, "launch").users == 20
    assert stage_of(small, "smoke").users == 10


def test_only_the_sandbox_scales_and_a_stage_that_ships_is_not_changed() -> None:
    with pytest.raises(ValueError, match="on the sandbox only"):
        environment(load={"users_at_most": 1, "scale": 0.5})
    with pytest.raises(ValueError, match="a stage that ships"):
        environment(load={"users_at_most": 1, "stages": {"smoke": {"users": 1, "hold_minutes": 1}}})


@pytest.mark.parametrize(
    ("users", "processes", "soft", "hard", "limit"),
    [
        (2000, 1, 10_000, 10_000, 10_000),
        (20_000, 1, 10_000, 1_000_000, 20_100),
        (20_000, 8, 1024, 4096, 2600),
        (20_000, 1, resource.RLIM_INFINITY, resource.RLIM_INFINITY, resource.RLIM_INFINITY),
    ],
)
def test_room_is_made_for_the_users(
    limits: Limits, users: int, processes: int, soft: int, hard: int, limit: int
) -> None:
    limits[:] = soft, hard
    raise_fd_limit(users, processes)
    assert limits == [limit, hard]


def test_more_users_than_may_have_connections_are_refused(limits: Limits) -> None:
    limits[:] = 1024, 4096
    says = (
        "20,000 users in 2 processes need 10,100 open files each, this machine allows 4,096: raise it (ulimit -n 10100)"
    )
    with pytest.raises(LoadRefused, match=re.escape(f"{says}, or use --processes 6")):
        raise_fd_limit(20_000, 2)


@pytest.mark.parametrize(
    ("location", "out"),
    [
        ("/login", None),
        ("https://staging.example.com/x", None),
        ("https://STAGING.example.com", None),
        ("https://pay.example.com/x", "pay.example.com"),
        ("//evil.example.com", "evil.example.com"),
        ("", None),
    ],
)
def test_a_redirect_out_is_seen(location: str, out: str | None) -> None:
    assert forbidden_redirect(location, ["staging.example.com"]) == out
