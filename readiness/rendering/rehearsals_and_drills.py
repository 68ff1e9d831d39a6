"""Rehearsals and drills as a sign-off tells them: judged again from their evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from readiness.drill import evidence as drill_evidence
from readiness.drill import verdict as drill_verdict
from readiness.errors import BadRun
from readiness.rehearsal import evidence as rehearsal_evidence
from readiness.rehearsal import verdict as rehearsal_verdict
from readiness.rehearsal.figures import Figures

READ_AT_MOST, REASONS_AT_MOST = 12, 2
"""Evidence of a rehearsal holds its histograms; older ones are only counted."""
PAGE, EVIDENCE = "page.html", "evidence.json"
_KINDS = {"pass": "good", "fail": "bad"}


@dataclass(frozen=True)
class Procedure:
    """One rehearsal or drill."""

    name: str
    folder: Path
    at: datetime | None
    word: str
    kind: str
    revision: str | None
    told: str
    """What was found, in one line."""
    digest: str = ""

    @property
    def link(self) -> str:
        """To its page, or to the evidence itself, from the page that lies beside the folder of all of them."""
        file = next((name for name in (PAGE, EVIDENCE) if (self.folder / name).is_file()), "")
        return f"{quote(self.folder.parent.name)}/{quote(self.folder.name)}/{file}" if file else ""


def rehearsals(reports: Path, environment: str) -> Iterator[Procedure]:
    """Give the newest load rehearsals, the newest first."""
    for folder in list(rehearsal_evidence.folders(reports, environment))[:READ_AT_MOST]:
        try:
            found = rehearsal_evidence.read(folder)
        except BadRun as error:
            yield Procedure(folder.name, folder, None, "not evidence", "bad", None, str(error))
            continue
        figures = Figures.of(found)
        judged = rehearsal_verdict.judge(figures)
        asked = f"{found.asked.users:,} users for {found.asked.hold_minutes:.3g} min"
        scaled = f", scaled by {found.scale:g}: proof of nothing but the sandbox" if found.scale != 1 else ""
        why = f"; {judged.reasons[0].says}" if judged.reasons else ""
        word = str(judged.word)
        told = f"{asked}, {figures.requests:,} requests, {figures.failed:,} failed{scaled}{why}"
        kind = _KINDS.get(word, "open")
        yield Procedure(found.stage, folder, found.started_at, word, kind, found.target.revision, told, found.digest)


def drills(reports: Path, environment: str) -> Iterator[Procedure]:
    """Give the newest drills, the newest first."""
    for folder in list(drill_evidence.folders(reports, environment))[:READ_AT_MOST]:
        try:
            found = drill_evidence.read(folder)
        except BadRun as error:
            yield Procedure(folder.name, folder, None, "not evidence", "bad", None, str(error))
            continue
        judged = drill_verdict.judge(found)
        word = str(judged.word)
        done = sum(step.done for step in found.steps)
        took = f" in {(found.finished_at - found.started_at).total_seconds():,.0f} s" if found.finished_at else ""
        why = "".join(f"; {reason.says}" for reason in judged.reasons[:REASONS_AT_MOST])
        told = f"{done} of {len(found.steps)} steps done{took}{why}"
        kind = _KINDS.get(word, "open")
        yield Procedure(found.drill, folder, found.started_at, word, kind, found.revision, told, found.digest)
