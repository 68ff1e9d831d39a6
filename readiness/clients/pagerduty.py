"""PagerDuty: who is on call, who is asked after them, and how they are reached.

Source: its OpenAPI description. Its token is sent as `Token token=`; lists come in pages, whose `more` says whether
there is a next one. A user's address and numbers are read as what kind they are, and go nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from readiness.environment import people
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Unknown
from readiness.transport.answer import Answer
from readiness.transport.system import System
from readiness.transport.typed import at_key, typed

_OK = 200
PAGES_AT_MOST = 50
PER_PAGE = 100
T = TypeVar("T")


class User(BaseModel):
    """A user of PagerDuty."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str = Field(alias="summary")


class OnCall(BaseModel):
    """Who has a level of a policy, and for how long. Without a start and an end it is for good."""

    model_config = ConfigDict(frozen=True)

    level: int = Field(alias="escalation_level", ge=1)
    user: User | None
    start: AwareDatetime | None
    end: AwareDatetime | None


class EscalationRule(BaseModel):
    """One level of a policy."""

    model_config = ConfigDict(frozen=True)

    minutes: float = Field(alias="escalation_delay_in_minutes", ge=0)
    targets: list[JsonObject]


class EscalationPolicy(BaseModel):
    """Who is asked after whom, and when."""

    model_config = ConfigDict(frozen=True)

    name: str
    rules: list[EscalationRule] = Field(alias="escalation_rules")


class ContactMethod(BaseModel):
    """A way to reach a user: its kind alone."""

    model_config = ConfigDict(frozen=True)

    kind: str = Field(alias="type")


class PagerDuty(System[people.PagerDuty]):
    """The account that the environment names under `pagerduty`."""

    NAME = "PagerDuty"
    LACK = ("no PagerDuty is configured", "set pagerduty.token and pagerduty.escalation_policy in the environment file")

    def on_calls(self, begin: datetime, end: datetime) -> list[OnCall]:
        """Return who has which level of the policy between two moments. Raises Unknown."""
        parameters = {
            "escalation_policy_ids[]": self.settings.escalation_policy,
            "since": begin.isoformat(),
            "until": end.isoformat(),
            "limit": PER_PAGE,
        }
        rows = TypeAdapter(list[OnCall])
        on_calls: list[OnCall] = []
        for _ in range(PAGES_AT_MOST):
            # By what has come, not by pages: a page may be shorter than was asked for.
            answer = self._get("/oncalls", {**parameters, "offset": len(on_calls)})
            document = answer.json()
            page = self._typed(rows, at_key(document, "oncalls"), answer)
            on_calls += page

            has_more = self._typed(TypeAdapter(bool), at_key(document, "more"), answer)
            if not has_more:
                return on_calls
        raise Unknown(
            f"{self.settings.url}/oncalls has more than {PAGES_AT_MOST} pages",
            "name a policy with fewer schedules",
        )

    def policy(self, policy: str) -> EscalationPolicy:
        """Return the escalation policy of an id. Raises Unknown."""
        answer = self._get(f"/escalation_policies/{quote(policy, safe='')}", {})
        document = at_key(answer.json(), "escalation_policy")
        return self._typed(TypeAdapter(EscalationPolicy), document, answer)

    def contact_methods(self, user: str) -> list[ContactMethod]:
        """Return the ways in which a user, by id, is reached. Raises Unknown."""
        answer = self._get(f"/users/{quote(user, safe='')}/contact_methods", {})
        rows = at_key(answer.json(), "contact_methods")
        return self._typed(TypeAdapter(list[ContactMethod]), rows, answer)

    def _get(self, path: str, parameters: Mapping[str, object]) -> Answer:
        settings = self.settings
        headers = {
            "Authorization": f"Token token={settings.token.reveal()}",
            "Accept": "application/vnd.pagerduty+json;version=2",
        }
        query = f"?{urlencode(parameters)}" if parameters else ""
        return self._http.get(f"{settings.url}{path}{query}", headers=headers).expect(_OK)

    @staticmethod
    def _typed(adapter: TypeAdapter[T], value: Any, answer: Answer) -> T:
        return typed(adapter, value, answer, "PagerDuty", "pagerduty.url")
