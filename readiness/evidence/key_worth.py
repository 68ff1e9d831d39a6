"""Whether what the key of this process signs is going to count: known, and said, before anything is done."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from readiness.evidence.signing import SHOWN, PublicKey, Signer, signer_of, trusted_keys


def worth_of_key(signer: Signer | None, trusted: Mapping[str, PublicKey], subject: str, environment: str) -> str:
    """Return by which key something will be evidence, or why it will be none.

    `subject` is what is signed: a phase, or `rehearsal` or `drill`.
    """
    if signer is None:
        what = subject if subject in {"rehearsal", "drill"} else "run"
        return f"no: this {what} is not evidence (readiness key NAME makes a key)"

    key = trusted.get(signer.key_id)
    if key is None:
        return f"with the key {signer.key_id[:SHOWN]}, which this project does not trust: not evidence"

    refused = key.may_not_sign(subject, environment, datetime.now(UTC))
    if refused:
        return f"in vain, with {refused}: not evidence (readiness key lists what each may sign)"
    return f"with the key {key.name}, {key.key_id[:SHOWN]}"


def counts(signer: Signer, trusted: Mapping[str, PublicKey], subject: str, environment: str) -> bool:
    """Check whether what a key signs now is evidence: the project trusts it, and it may sign this."""
    key = trusted.get(signer.key_id)
    return key is not None and not key.may_not_sign(subject, environment, datetime.now(UTC))


def told_before(subject: str, environment: str, environments: Path) -> list[str]:
    """Return the line that says whether a rehearsal or a drill will be evidence; none where nobody uses keys.

    Raises BadInput for a key that cannot be used.
    """
    # Who reads the environment file is about to say so.
    if not environments.is_dir():
        return []
    trusted = trusted_keys(environments)
    signer = signer_of(os.environ)
    if signer is None and not trusted:
        return []
    return [f"signed    {worth_of_key(signer, trusted, subject, environment)}"]
