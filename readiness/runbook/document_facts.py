"""What a runbook's document states beside its lines: what an incident report tells, vendors, and stages of a roll-out.

incident_report: {severity: SEV-1 to SEV-3, timeline: each event with its time}
vendors: {supabase: {support: support@supabase.com, documentation: https://supabase.com/docs}}
rollout: {P0: {means: internal workspaces alone, allowlist: internal, share_at_most: 0}, P4: {means: everybody}}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from readiness.errors import not_one_of
from readiness.files.canonical_json import JsonObject
from readiness.runbook.limits import Share
from readiness.runbook.links import link

REVIEWED = "signoff.incidents_reviewed"
"""The check whose limit `fields` is about incident reports."""
DISABLED = "disabled"
"""What a roll-out is behind its first stage."""
_FIELD = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*\Z")


def _field(text: str) -> str:
    if not _FIELD.match(text):
        raise ValueError(f"{text!r} is no field of a report; write it as root_cause")
    return text


Sentence = Annotated[str, Field(min_length=1)]
IncidentReport = dict[Annotated[str, AfterValidator(_field)], Sentence]
"""Field of a report → what stands there."""


class VendorSupport(BaseModel):
    """How a vendor is reached, as the document has it; who tried it and when stands in the environment (`team`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    support: Sentence
    documentation: Annotated[str, AfterValidator(link)] | None = None
    answers: str = ""
    """How soon, in the document's words."""


class RolloutStage(BaseModel):
    """One stage of a roll-out: what it means, and for whom the flag may be on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    means: Sentence
    allowlist: Literal["internal", "named", "anyone"] = "anyone"
    """Who may be on the flag's list: the team's own workspaces, those that the environment names for it, or all."""
    share_at_most: Share = 1.0
    share_at_least: Share = 0.0

    @model_validator(mode="after")
    def _has_room(self) -> RolloutStage:
        if self.share_at_least > self.share_at_most:
            raise ValueError("share_at_least is above share_at_most")
        return self

    def fits(self, share: float) -> bool:
        """Check whether a share of all is what the stage allows."""
        return self.share_at_least <= share <= self.share_at_most


Rollout = dict[Annotated[str, Field(min_length=1)], RolloutStage]
"""The stages in their order, the first one first."""


def stage_before(stages: Sequence[str], now: str) -> str:
    """Return the stage that a roll-out goes back to: the one before, or that it is disabled.

    >>> stage_before(["P0", "P1"], "P1"), stage_before(["P0", "P1"], "P0")
    ('P0', 'disabled')
    """
    place = stages.index(now)
    return stages[place - 1] if place else DISABLED


def stages_filled_in(stated: Mapping[str, str], stages: Sequence[str], now: str | None) -> dict[str, str]:
    """Return from which stage a rollback goes to which, as far as that follows: from the present one to the one before.

    >>> stages_filled_in({"from": "P2"}, ["P0", "P1", "P2", "P3"], "P3")
    {'from': 'P2', 'to': 'P1'}
    """
    begin = stated.get("from", now or "")
    # Where nobody states the present stage, people say both.
    return {"from": begin, "to": stage_before(stages, begin)} if {now, begin} <= set(stages) else {}


def stage_faults(stated: Mapping[str, str], stages: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the stages that somebody states, `from` and `to`: names that no runbook has, if one has.

    A step back that goes further on is wrong too, by the order of the runbook.
    """
    known = {name.casefold(): place for place, name in enumerate(stages)}
    places: list[int] = []
    for part in ("from", "to"):
        name = stated.get(part, "").strip()
        if not name or not known:
            continue
        if name.casefold() in known:
            places.append(known[name.casefold()])
        elif name.casefold() != DISABLED:
            yield f"--{part}: stage {not_one_of(name, [*stages, DISABLED])}"
    if len(places) == 2 and places[1] > places[0]:  # noqa: PLR2004  a rollback has two ends
        yield f"--to: {stages[places[1]]} is further than {stages[places[0]]}"


def field_faults(decided_by: Mapping[str, JsonObject], report: IncidentReport) -> Iterator[str]:
    """Yield what a line demands of incident reports and the runbook's own report does not have, if it has one."""
    stated = decided_by.get(REVIEWED, {}).get("fields", ())
    names: Iterable[object] = stated if report and isinstance(stated, list | tuple) else ()
    for name in names:
        if str(name) not in report:
            yield f"{REVIEWED}: field {not_one_of(str(name), report)}; see incident_report"


def template(title: str, report: IncidentReport) -> str:
    """Return an incident report to fill in: Markdown with front matter and a heading for each field.

    >>> template("Shop", {"root_cause": "why it could happen"}).splitlines()[-3:]
    ['## Root cause', '', '<!-- why it could happen -->']
    """
    front = [
        "---",
        "id: INC-1",
        f"title:                       # {title}",
        "started_at:                  # 2026-12-03T09:10:00Z",
        "ended_at: null               # null while it lasts",
        "written_at:",
        "alerts: []                   # that told of it",
        "---",
    ]
    sections = [f"## {name.replace('_', ' ').capitalize()}\n\n<!-- {hint} -->" for name, hint in report.items()]
    return "\n\n".join(["\n".join(front), *sections]) + "\n"
