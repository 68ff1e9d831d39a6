"""Each kind of secret in each way that software writes it: more than four of its letters in a row are never seen.

To add a row: see `tests/redaction/secret_kinds.py`.
"""

from __future__ import annotations

import pytest

from readiness.redaction.redactor import Redactor
from tests.redaction.secret_kinds import KINDS, WRITINGS, Kind, parts_seen

SHORT = {"a short password", "a short password in an address", "a JSON Web Token"}
"""Cut, fewer than five letters are left of what is telling."""
HARDER_TO_READ = {"words with blanks", "letters beyond ASCII"}
"""The reader of the tests does not undo `+`, nor escapes of UTF-8."""
BEFORE, AFTER = "the answer was ", " and so on"


def _redactor_of(kind: Kind) -> Redactor:
    known = frozenset({kind.known})
    return Redactor(lambda: known)


@pytest.mark.parametrize("writing", WRITINGS)
def test_a_secret_is_masked_in_each_writing(writing: str) -> None:
    seen = {}
    for name, kind in KINDS.items():
        redactor = _redactor_of(kind)
        for echoed in {kind.echoed, kind.known}:
            masked = redactor.text(f"{BEFORE}{WRITINGS[writing](echoed)}{AFTER}")
            is_around_kept = masked.startswith(BEFORE) and masked.endswith(AFTER)
            if parts_seen(masked, kind, of_chance=5) or not is_around_kept:
                seen[name] = masked, parts_seen(masked, kind, of_chance=5)
    assert not seen


@pytest.mark.parametrize("writing", WRITINGS)
def test_what_a_reader_undoes_is_seen(writing: str) -> None:
    """So that the test above would fail."""
    unseen = {name for name, kind in KINDS.items() if not parts_seen(WRITINGS[writing](kind.echoed), kind, of_chance=5)}
    assert unseen <= {*SHORT, *HARDER_TO_READ}
