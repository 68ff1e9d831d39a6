"""What people write before they know a contact is recognised, a real one is not, and neither is told to anybody."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from readiness.clients.files import Files
from readiness.config.persons import is_nobody
from readiness.environment.people import Team
from readiness.observations.team import role_contact, runbook_readers, vendor_contacts
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.redaction.secret import known_secrets
from readiness.sources.roster import Roster
from readiness.transport.guard import Guard

MOMENT = datetime(2028, 3, 1, 9, tzinfo=UTC)
NUMBER = "+49 30 23125 177"


@pytest.mark.parametrize(
    "name",
    [
        *("TBD", "Name here", "John Doe", "<name>", "someone", "  ", "n/a", "TBD - hiring", "Ada (TBD)", "to do"),
        *("vacant", "open position", "currently vacant", "unassigned", "new hire", "the team", "on-call", "me"),
    ],
)
def test_a_name_that_is_still_to_come_is_recognised(name: str) -> None:
    assert is_nobody(name)


@pytest.mark.parametrize(
    "name",
    [
        *("Ada Lovelace", "Tobias Xu", "Nobuo", "Todor Doev", "Jane Dow", "Noah Nameth"),
        *("Na Li", "Li Na", "Sam Todo", "TBA Bank", "Dev Das", "May On", "Openshaw", "Vacante"),
    ],
)
def test_a_name_is_not(name: str) -> None:
    assert not is_nobody(name)


def roster(**keys: Any) -> Roster:
    return Roster(Team.model_validate(keys), Files(Guard([], frozenset({Effect.READ}))))


def person(**keys: Any) -> dict[str, Any]:
    return {"name": "Ada Lovelace", "contact": NUMBER, "verified": "2028-02-29", **keys}


def test_a_number_is_masked_and_a_channel_is_not() -> None:
    known = Team.model_validate({"roles": {"a": person(), "b": person(contact="#launch-room-7")}})
    assert NUMBER not in repr(known)
    assert NUMBER in known_secrets()
    assert "#launch-room-7" not in known_secrets()


@pytest.mark.parametrize(
    ("verified", "days"), [("2028-02-29", 1), ("2028-03-01", 0), ("2027-03-01", 366), ("2028-02-01", 29)]
)
def test_days_are_counted_over_leap_days(verified: str, days: int) -> None:
    found = role_contact(roster(roles={"executive": person(verified=verified)}), MOMENT, "executive")
    assert (found.wrong, found.days) == ([], days)


@pytest.mark.parametrize("verified", ["2027-02-29", "yesterday", "01/02/2028", "2028-02-29T09:00:00Z", 7.5])
def test_a_malformed_date_is_an_error(verified: object) -> None:
    with pytest.raises(ValidationError):
        roster(roles={"executive": person(verified=verified)})


def test_a_number_without_quotes_is_an_error() -> None:
    with pytest.raises(ValidationError, match="put the number in quotes"):
        roster(roles={"executive": person(contact=493023125177)})


def test_what_is_wrong_is_said_without_the_contact() -> None:
    known = roster(
        roles={
            "executive": person(name="TBD", contact="+1-555-0100", verified="2028-03-02"),
            "security contact": person(verified=None),
        },
        vendors={"stripe": {"contact": "TBD"}},
    )
    assert role_contact(known, MOMENT, "executive").wrong == [
        "executive: the name is a placeholder",
        "executive: the contact is a number that is reserved for examples",
        "executive: on 2028-03-02, which is still to come",
    ]
    assert role_contact(known, MOMENT, "security contact").wrong == ["security contact: never"]
    assert role_contact(known, MOMENT, "scribe").wrong == ["nobody is on record as scribe"]
    assert vendor_contacts(known, MOMENT, ("aws",), 180).wrong == [
        "aws: not on record",
        "stripe: the contact is a placeholder",
        "stripe: never",
    ]


def test_what_nobody_records_is_not_configured_and_may_be_attested() -> None:
    with pytest.raises(NotConfigured, match="runbook_reviewed"):
        runbook_readers(roster(roles={"executive": person()}), MOMENT, 30)
    with pytest.raises(NotConfigured, match=r"team\.roles"):
        Roster(None, Files(Guard([], frozenset()))).people()


def test_the_file_goes_before_what_stands_in_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "team.json"
    path.write_text(json.dumps({"roles": {"primary on-call": person()}}), encoding="utf-8")
    level = {"role": "primary on-call", "minutes": 15}
    known = roster(file=str(path), escalation=[level], stakeholders=["Product"])
    assert [*known.people().roles] == ["primary on-call"]
    assert known.people().stakeholders == ("Product",)
    for text, said in (
        ('{"roles": {"a": {"name": "Ada", "contact": "+49 30 23125 188", "verified": 3.5}}}', "roles.a.verified"),
        ("[]", "no JSON object"),
        ('{"role": {}}', "role: no such key is known here"),
        ('{"roles": {}}', "no role is called primary on-call"),
        ("{", "team.json"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(Unknown, match=said) as told:
            known.people()
        assert "23125" not in str(told.value)


def test_a_level_of_nobody_is_refused() -> None:
    with pytest.raises(ValidationError, match="no role is called scribe"):
        Team.model_validate({"roles": {"a": person()}, "escalation": [{"role": "scribe", "minutes": 5}]})
