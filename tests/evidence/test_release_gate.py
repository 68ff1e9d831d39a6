"""A release gate that does what docs/evidence.md tells it lets through the run that it waits for, and nothing else.

To add a row: what the gate has in its list or waits for, or what somebody wrote, and whether it lets that through.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from readiness.evidence.sealed_folder import SUMMARY
from readiness.evidence.signing import PublicKey, trusted_keys
from readiness.evidence.statements import signed_bytes
from tests.evidence.launch import Launch, make, new_key
from tests.evidence.test_forged_summary import GO, IS_FAILED, Fields, rewrite

PAGE = Path(__file__).parents[2] / "docs/evidence.md"
DEMANDED = {
    "predicateType": "https://slsa.dev/verification_summary/v1",
    "verifier.id": "urn:readiness:verifier:1",
    "verificationResult": "PASSED",
    "verifiedLevels": ["READINESS_PREFLIGHT_GO"],
    "resourceUri": "http://127.0.0.1:9",
    "policy.uri": "urn:readiness:runbook:tiny:preflight",
}


@dataclass(frozen=True)
class ReleaseGate:
    """A gate that knows nothing of runbooks: its own list of keys, and what it waits for."""

    keys: tuple[str, ...] = ("ci",)
    demanded: Mapping[str, Any] = field(default_factory=lambda: DEMANDED)
    digest: str = ""
    """Of the policy that was reviewed; empty where none was."""

    def lets_through(self, path: Path, known: Mapping[str, PublicKey]) -> bool:
        envelope = json.loads(path.read_text("utf-8"))
        payload = base64.b64decode(envelope["payload"])
        listed = {key_id: key for key_id, key in known.items() if key.name in self.keys}
        signed = [
            listed[each["keyid"]].verifies(base64.b64decode(each["sig"]), signed_bytes(payload))
            for each in envelope["signatures"]
            if each["keyid"] in listed
        ]
        statement = json.loads(payload)
        is_demanded = all(said(statement, name) == value for name, value in self.demanded.items())
        is_reviewed = not self.digest or said(statement, "policy.digest") == {"sha256": self.digest}
        return any(signed) and is_demanded and is_reviewed


def said(statement: Mapping[str, Any], path: str) -> Any:
    """Return what a statement says in a field, which may be one of its predicate."""
    value: Any = {**statement["predicate"], "predicateType": statement["predicateType"]}
    for name in path.split("."):
        value = value[name]
    return value


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    made = make(tmp_path_factory.mktemp("launch"))
    new_key(made.folder, "other")
    return made


def waits_for(name: str, value: object) -> ReleaseGate:
    return ReleaseGate(demanded={**DEMANDED, name: value})


def nothing(run: Path, folder: Path) -> None:
    """Leave it as it was written."""


def signed(key: str, predicate: Fields) -> Callable[[Path, Path], None]:
    def change(run: Path, folder: Path) -> None:
        rewrite(run, folder / f"{key}.key" if key else None, predicate)

    return change


GATE, WITHOUT, BOTH = ReleaseGate(), ReleaseGate(keys=()), ReleaseGate(keys=("ci", "other"))
GOOD, BAD = -1, 0
"""The newest run, which is GO, and the first one, which is NO-GO."""


@pytest.mark.parametrize(
    ("gate", "run", "change", "wanted"),
    [
        (GATE, GOOD, nothing, True),
        (BOTH, GOOD, nothing, True),
        (GATE, BAD, nothing, False),
        (GATE, GOOD, signed("ci", IS_FAILED), False),
        # The key of the run was revoked, and is out of the list.
        (WITHOUT, GOOD, nothing, False),
        (replace(GATE, keys=("other",)), GOOD, nothing, False),
        # A forger with a key that is not in the list.
        (GATE, BAD, signed("other", GO), False),
        (GATE, BAD, signed("", GO), False),
        (GATE, GOOD, signed("other", {}), False),
        # Another thing than the gate waits for.
        (waits_for("verifiedLevels", ["READINESS_GA_APPROVED"]), GOOD, nothing, False),
        (waits_for("resourceUri", "https://shop.example.com"), GOOD, nothing, False),
        (waits_for("policy.uri", "urn:readiness:runbook:prod:preflight"), GOOD, nothing, False),
        (replace(GATE, digest="d" * 64), GOOD, nothing, False),
    ],
)
def test_it_lets_through_the_run_that_it_waits_for(
    gate: ReleaseGate, run: int, change: Callable[[Path, Path], None], wanted: bool, launch: Launch, tmp_path: Path
) -> None:
    copy = launch.copy(tmp_path)
    folder = copy.runs()[run]
    change(folder, copy.folder)
    known = trusted_keys(copy.folder / "environments")
    assert gate.lets_through(folder / SUMMARY, known) is wanted


def test_the_digest_to_review_is_the_one_that_verify_prints(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    launch.verify("--all", "--env", "tiny")
    printed = re.findall(r"limits of preflight: ([0-9a-f]{64})", capsys.readouterr().out)
    gate = replace(GATE, digest=printed[-1])
    assert gate.lets_through(launch.runs()[-1] / SUMMARY, trusted_keys(launch.folder / "environments"))


@pytest.mark.parametrize("name", [*DEMANDED, "policy.digest", "subject", "timeVerified"])
def test_the_page_tells_a_release_gate_to_look_at_it(name: str) -> None:
    section = PAGE.read_text("utf-8").partition("## A release gate that reads the verdict")[2].partition("\n## ")[0]
    assert f"| `{name}` |" in section
