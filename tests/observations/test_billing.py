"""Billing refuses, serves, or says something that is neither."""

from __future__ import annotations

import pytest

from readiness.environment.probes import Billing, Stop
from readiness.environment.schema import Environment
from readiness.observations.business import billing_stops
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import Secret
from tests.clients.conftest import Make
from tests.clients.servers import Server, whole

KEY = Secret("acc-of-a-test")


def environment(refused_with: tuple[int, ...] = (402,)) -> Environment:
    stop = Stop(path="/v1/exports", token=KEY, refused_with=refused_with)
    return Environment.model_construct(billing=Billing(hard_limit=stop, paywall=stop))


@pytest.mark.parametrize(("status", "served"), [(402, []), (200, ["hard_limit", "paywall"])])
def test_it_refuses_or_serves(make: Make, status: int, served: list[str]) -> None:
    with Server(whole(status, "{}")) as server:
        found = billing_stops(make(server.url).http, environment())
    assert (found.asked, found.served) == (2, served)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_another_refusal_says_nothing_of_billing(make: Make, status: int) -> None:
    with Server(whole(status, "{}")) as server, pytest.raises(Unknown, match=rf"{status}.*billing\.hard_limit"):
        billing_stops(make(server.url).http, environment())


def test_what_means_no_is_for_the_environment_to_say(make: Make) -> None:
    with Server(whole(403, "{}")) as server:
        assert not billing_stops(make(server.url).http, environment((402, 403))).served


def test_without_test_accounts_it_is_not_configured(make: Make) -> None:
    with pytest.raises(NotConfigured, match="set billing"):
        billing_stops(make().http, Environment.model_construct(billing=None))
