"""What comes after a decision: the announcement as a draft, and the commands that are next."""

from __future__ import annotations

from datetime import datetime, timedelta

from readiness.environment.schema import Environment
from readiness.evidence.journal import RecordedRun
from readiness.incident.walk import Move
from readiness.outcomes import Phase
from readiness.redaction.redactor import REDACTOR
from readiness.rendering.announcement_parts import AnnouncementKind, parts_of
from readiness.rendering.announcements import AnnouncementText, Facts, announcement

_ANNOUNCED = {Move.PAUSE: AnnouncementKind.PAUSE, Move.ROLL_BACK: AnnouncementKind.ROLLBACK}
_A_DAY = timedelta(days=1)


def announced(
    move: Move | None, environment: Environment, newest: RecordedRun | None, now: datetime
) -> AnnouncementText | None:
    """Return the draft of the announcement that a decision asks for; None where it asks for none."""
    kind = _ANNOUNCED.get(move) if move else None
    if kind is None:
        return None
    is_postlaunch = newest is not None and newest.start.phase is Phase.POSTLAUNCH
    facts = Facts(
        environment=environment.environment,
        url=environment.target.url,
        at=now,
        launch_at=environment.launch_at,
        since=now - _A_DAY,
        smoke=None,
        postlaunch=newest if is_postlaunch else None,
        on_call=environment.notify.on_call if environment.notify else "",
    )
    written = announcement(kind, facts)
    return AnnouncementText(REDACTOR.text(written.title), REDACTOR.text(written.body))


def next_steps(move: Move | None, environment: Environment) -> list[str]:
    """Return the commands that come next."""
    name = environment.environment
    kind = _ANNOUNCED.get(move) if move else None
    steps = []
    if kind:
        parts = " ".join(f'{part.option} "..."' for part in parts_of(kind))
        steps.append(f"readiness announce {kind} --env {name} {parts}  (sent with --allow notify)")
    drills = environment.drills
    if move is Move.ROLL_BACK and drills and drills.rollback:
        steps.append(
            f"readiness drill rollback --env {drills.drilled_in or name}  (how it was rehearsed, and is again)"
        )
    steps.append(f"pytest -m postlaunch --env {name}  (the verdict of now)")
    return steps
