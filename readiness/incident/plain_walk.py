"""The walk of a runbook whose document has none: what is red, and what the suite's own ladder says."""

from __future__ import annotations

from readiness.incident.facts import RED_LINES, VERDICT
from readiness.incident.walk import Choice, Condition, IncidentWalk, Move, WalkStep, Window

_SAYS = {Move.ROLL_BACK: "ROLLBACK", Move.PAUSE: "PAUSE"}
PLAIN_WALK = IncidentWalk(
    source="the runbook has no section `incident`: what is red, by its own severities and ladders",
    walk=(
        Window(
            minutes="0-30",
            steps=(
                WalkStep(says="what is red, since when, and how severe is it?", facts=(RED_LINES, VERDICT)),
                WalkStep(says="tell the others that you look into it", post="investigating {red_lines}; stand by"),
            ),
            decide=tuple(
                Choice(do=move, says="the ladder of a line says so", when=(Condition(fact=VERDICT, names=word),))
                for move, word in _SAYS.items()
            ),
        ),
    ),
)
