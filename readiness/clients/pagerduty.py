"""PagerDuty: who is on call, who is asked after them, and how they are reached.

Source: its OpenAPI description. Its token is sent as `Token token=`; lists come in pages, whose `more` says whether
there is a next one. A user's address and numbers are read as what kind they are, and go nowhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from readiness.environment import people
from readiness.outcomes import Unknown
from readiness.transport.answer import Answer
from readiness.transport.system import System
from readiness.transport.typed import at_key, typed

_OK = 200
PAGES_AT_MOST, PER_PAGE = 50, 100


class User(BaseModel):
    """Somebody who is called."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str = Field(alias="summary")


class OnCall(BaseModel):
    """Who has a level for how long. Without a start and an end it is for good."""

    model_config = ConfigDict(frozen=True)

    level: int = Field(alias="escalation_level", ge=1)
    user: User | None
    start: AwareDatetime | None
    end: AwareDatetime | None


class EscalationRule(BaseModel):
    """One level of a policy."""

    model_config = ConfigDict(frozen=True)

    minutes: float = Field(alias="escalation_delay_in_minutes", ge=0)
    targets: list[dict[str, Any]]


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

    LACK = ("no PagerDuty is configured", "set pagerduty.token and pagerduty.escalation_policy in the environment file")

    def on_calls(self, begin: datetime, end: datetime) -> list[OnCall]:
        """List who has which level of the policy between two moments. Raises Unknown."""
        words = {
            "escalation_policy_ids[]": self.settings.escalation_policy,
            "since": begin.isoformat(),
            "until": end.isoformat(),
            "limit": PER_PAGE,
        }
        found: list[OnCall] = []
        for _ in range(PAGES_AT_MOST):
            answer = self._get("/oncalls", {**words, "offset": len(found)})  # a page may be shorter than was asked for
            said = answer.json()
            found += self._typed(list[OnCall], at_key(said, "oncalls"), answer)
            if not self._typed(bool, at_key(said, "more"), answer):
                return found
        raise Unknown(
            f"{self.settings.url}/oncalls has more than {PAGES_AT_MOST} pages", "name a policy with fewer schedules"
        )

    def policy(self, policy: str) -> EscalationPolicy:
        """Fetch an escalation policy. Raises Unknown."""
        answer = self._get(f"/escalation_policies/{quote(policy, safe='')}", {})
        found: EscalationPolicy = self._typed(EscalationPolicy, at_key(answer.json(), "escalation_policy"), answer)
        return found

    def contact_methods(self, user: str) -> list[ContactMethod]:
        """List the ways in which a user is reached. Raises Unknown."""
        answer = self._get(f"/users/{quote(user, safe='')}/contact_methods", {})
        found: list[ContactMethod] = self._typed(list[ContactMethod], at_key(answer.json(), "contact_methods"), answer)
        return found

    def _get(self, path: str, words: dict[str, Any]) -> Answer:
        known = self.settings
        headers = {
            "Authorization": f"Token token={known.token.reveal()}",
            "Accept": "application/vnd.pagerduty+json;version=2",
        }
        asked = f"?{urlencode(words)}" if words else ""
        return self._http.get(f"{known.url}{path}{asked}", headers=headers).expect(_OK)

    @staticmethod
    def _typed(kind: Any, found: Any, answer: Answer) -> Any:
        return typed(kind, found, answer, "PagerDuty", "pagerduty.url")
