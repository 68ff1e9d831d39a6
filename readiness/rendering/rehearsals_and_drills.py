"""Rehearsals and drills as a sign-off shows them: judged again from their evidence."""

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
    summary: str
    """What came of it, in one line."""
    digest: str = ""

    @property
    def link(self) -> str:
        """The address of its page, or of the evidence, from the page that lies beside the folder of all of them."""
        for file in (PAGE, EVIDENCE):
            if (self.folder / file).is_file():
                return f"{quote(self.folder.parent.name)}/{quote(self.folder.name)}/{file}"
        return ""


def rehearsals(reports: Path, environment: str) -> Iterator[Procedure]:
    """Yield the newest load rehearsals, the newest first."""
    for folder in list(rehearsal_evidence.folders(reports, environment))[:READ_AT_MOST]:
        try:
            evidence = rehearsal_evidence.read(folder)
        except BadRun as error:
            yield _not_evidence(folder, error)
        else:
            yield _rehearsal(folder, evidence)


def _rehearsal(folder: Path, evidence: rehearsal_evidence.RehearsalEvidence) -> Procedure:
    figures = Figures.of(evidence)
    judgement = rehearsal_verdict.judge(figures)
    asked = f"{evidence.asked.users:,} users for {evidence.asked.hold_minutes:.3g} min"
    summary = f"{asked}, {figures.requests:,} requests, {figures.failed:,} failed"
    if evidence.scale != 1:
        summary += f", scaled by {evidence.scale:g}: proof of nothing but the sandbox"
    if judgement.reasons:
        summary += f"; {judgement.reasons[0].says}"

    return Procedure(
        name=evidence.stage,
        folder=folder,
        at=evidence.started_at,
        word=str(judgement.word),
        kind=_KINDS.get(str(judgement.word), "open"),
        revision=evidence.target.revision,
        summary=summary,
        digest=evidence.digest,
    )


def drills(reports: Path, environment: str) -> Iterator[Procedure]:
    """Yield the newest drills, the newest first."""
    for folder in list(drill_evidence.folders(reports, environment))[:READ_AT_MOST]:
        try:
            evidence = drill_evidence.read(folder)
        except BadRun as error:
            yield _not_evidence(folder, error)
        else:
            yield _drill(folder, evidence)


def _drill(folder: Path, evidence: drill_evidence.DrillEvidence) -> Procedure:
    judgement = drill_verdict.judge(evidence)
    done = sum(step.done for step in evidence.steps)
    summary = f"{done} of {len(evidence.steps)} steps done"
    if evidence.finished_at:
        summary += f" in {(evidence.finished_at - evidence.started_at).total_seconds():,.0f} s"
    summary += "".join(f"; {reason.says}" for reason in judgement.reasons[:REASONS_AT_MOST])

    return Procedure(
        name=evidence.drill,
        folder=folder,
        at=evidence.started_at,
        word=str(judgement.word),
        kind=_KINDS.get(str(judgement.word), "open"),
        revision=evidence.revision,
        summary=summary,
        digest=evidence.digest,
    )


def _not_evidence(folder: Path, error: BadRun) -> Procedure:
    return Procedure(folder.name, folder, None, "not evidence", "bad", None, str(error))
