"""What a signed statement about a run is about: the service that was judged, and the journal."""

from __future__ import annotations

import re
from collections.abc import Mapping

from readiness.evidence.journal import FILE, RecordedRun
from readiness.evidence.sealed_folder import file_digest

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def subjects_of(run: RecordedRun) -> list[Mapping[str, object]]:
    """Return what the statement is about: the service, where its revision is a whole commit, and the journal."""
    start = run.start
    journal_name = f"{start.env}/{start.run}/{FILE}"
    journal = {"name": journal_name, "digest": {"sha256": file_digest(run.folder / FILE)}}

    revision = start.target.revision or ""
    if not _COMMIT.fullmatch(revision):
        return [journal]
    return [{"name": start.target.url, "digest": {"gitCommit": revision}}, journal]
