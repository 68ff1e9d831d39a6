"""Which keys of what people wrote decide nothing: an edit there takes no good word away, and nobody is told of it.

Every other key decides something: `withdrawn` and `approval_changes` tell an edit by which it decides otherwise. A text
that says nothing and a link that leads nowhere are refused by a new run, whatever they decide.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from readiness.runbook.attestations import Attestation
from readiness.runbook.sign_off import Approval, FollowUp, SignOff
from readiness.runbook.waivers import Waiver

_CORRECTED = "who corrects a sentence takes nothing back: to take it back there are other keys"
_MOVED = "a page may move; what was seen there, somebody has seen"
_FOLLOWS = "what is to be done after the decision is no part of it"
DECIDES_NOTHING: Mapping[type[BaseModel], Mapping[str, str]] = {
    Attestation: {"statement": _CORRECTED, "evidence": _MOVED},
    Waiver: {"because": _CORRECTED, "reason": "each word of the list waives alike"},
    Approval: {"evidence": _MOVED},
    SignOff: {
        "reason": _CORRECTED,
        "review_on": "it says when a deferred launch is looked at again, and this one was approved",
        "actions": _FOLLOWS,
    },
    FollowUp: {"what": _FOLLOWS, "who": _FOLLOWS, "due_on": _FOLLOWS, "done": _FOLLOWS},
}
"""Of each model its keys, and why."""
