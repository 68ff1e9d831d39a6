"""Ends the last phase in the page that approvers sign. The run and its verdict do not depend on it."""

from __future__ import annotations

from pathlib import Path

from readiness.errors import BadRun
from readiness.outcomes import Phase
from readiness.plugin.session import RunSession
from readiness.redaction.redactor import REDACTOR


def write_sign_off_page(session: RunSession) -> None:
    """Write the page and enter it into the ledger; a replay is no evidence, so there is nothing new to sign."""
    folder, sealing = session.folder, session.sealing
    if session.run.phase is not Phase.GA or session.run.replay or folder is None or sealing is None:
        return

    from readiness.rendering.dossier import gather  # noqa: PLC0415  only the last phase has this page
    from readiness.rendering.sign_off_page import write  # noqa: PLC0415  the same

    try:
        dossier = gather(folder.parents[1], folder.parent.name, sealing.trusted, session.run.environments)
        path, head = write(dossier, sealing.signer, REDACTOR.text)
    except (BadRun, OSError) as error:
        why = str(error).splitlines()[0]
        session.sign_off_page = f"was not written and entered: {why}; again with readiness sign-off"
        return

    sealing.head = head or sealing.head
    here = Path.cwd()
    session.sign_off_page = str(path.relative_to(here) if path.is_relative_to(here) else path)
