"""A rehearsal in the ledger: entered as it begins, and at its end given its page and sealed with all its files.

    python -m readiness.rendering.rehearsal_entry begin environments reports/staging/rehearsals/... launch
    python -m readiness.rendering.rehearsal_entry end environments reports/staging/rehearsals/...

Locust does so in a process of its own: what makes load holds neither keys nor pages.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from readiness.environment.stated_secrets import remember_secrets
from readiness.errors import ReadinessError
from readiness.evidence import ledger
from readiness.evidence.key_worth import told_before
from readiness.rehearsal import evidence as rehearsal_evidence
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.verdict import judge
from readiness.rendering import rehearsal_page
from readiness.rendering.terminal import say


def begin(folder: Path, environments: Path, stage: str) -> None:
    """Enter it: one that is broken off stays visible. Say whether it will be evidence. Raises OSError and BadInput."""
    for line in told_before("rehearsal", _environment_of(folder), environments):
        say(line)
    ledger.open_evidence(folder, phase=stage)


def end(folder: Path, environments: Path) -> None:
    """Write its page and seal it as it was judged: not with a secret of its environment in it.

    Raises BadRun, NotSealed, BadInput and OSError.
    """
    remember_secrets([_environment_of(folder)], environments, os.environ)
    evidence = rehearsal_evidence.read(folder)
    rehearsal_page.write(folder)
    word = judge(Figures.of(evidence)).word
    ledger.seal_evidence(folder, str(word), word.exit, phase=evidence.stage)


def _environment_of(folder: Path) -> str:
    return folder.absolute().parents[1].name


def main(verb: str, environments: str, folder: str, *stage: str) -> None:
    """Do as the command line says."""
    if verb == "begin":
        begin(Path(folder), Path(environments), *stage)
    else:
        end(Path(folder), Path(environments))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (OSError, ReadinessError) as error:
        sys.exit(f"not in the ledger, so it is no evidence: {error}")
