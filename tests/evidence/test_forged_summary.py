"""A summary says what its run says, under a key that may sign that run: whatever else lies there was altered.

To add a row: what a forger writes into the summary, and what `verify` ends with. GOOD is that of the run as it was.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from readiness.evidence.journal import FILE
from readiness.evidence.sealed_folder import SUMMARY, changed, files_of
from readiness.evidence.statements import enveloped
from readiness.evidence.verification_summary import FAILED, PASSED
from readiness.files.canonical_json import to_json
from tests.evidence.launch import Launch, make, new_key, signer

GOOD, BAD, ALTERED, SCOPE, REVOKED = 0, 1, 11, 19, 20
Fields = Mapping[str, Any]
IS_PASSED: Fields = {"verificationResult": PASSED, "verifiedLevels": ["READINESS_PREFLIGHT_GO"]}
IS_FAILED: Fields = {"verificationResult": FAILED, "verifiedLevels": [FAILED]}
GO: Fields = {**IS_PASSED, "urn:readiness:verdict": "GO"}
NOBODY = ""
"""Who signs nothing."""


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    return make(tmp_path_factory.mktemp("launch"))


def rewrite(run: Path, key: Path | None, predicate: Fields, **statement: object) -> None:
    """Change fields of a summary, and sign it with a key."""
    path = run / SUMMARY
    before = json.loads(base64.b64decode(json.loads(path.read_text("utf-8"))["payload"]))
    after = {**before, **statement, "predicate": {**before["predicate"], **predicate}}
    path.write_text(to_json(enveloped(after, signer(key) if key else None)), "utf-8")


def verified(launch: Launch, run: Path) -> int:
    """Return how a run ends by its folder; where it was altered the list of all runs says so too."""
    code = launch.verify(str(run))
    is_altered_in_list = launch.verify("--all", "--env", "tiny") == ALTERED
    assert is_altered_in_list == (code == ALTERED)
    return code


@pytest.mark.parametrize(
    ("predicate", "wanted"),
    [
        ({}, GOOD),
        (IS_FAILED, GOOD),  # its gate did not accept it: that alone no run says of itself
        ({"verificationResult": FAILED}, ALTERED),
        ({"verifiedLevels": [FAILED]}, ALTERED),
        ({"verifiedLevels": ["READINESS_GA_APPROVED"]}, ALTERED),
        ({"verifiedLevels": ["READINESS_PREFLIGHT_GO", "SLSA_BUILD_LEVEL_3"]}, ALTERED),
        ({"verifiedLevels": []}, ALTERED),
        ({"verificationResult": "passed"}, ALTERED),
        ({"verificationResult": None}, ALTERED),
        ({"dependencyLevels": {"SLSA_BUILD_LEVEL_3": 4}}, ALTERED),
        ({"resourceUri": "https://shop.example.com"}, ALTERED),
        ({"timeVerified": "2099-01-01T00:00:00Z"}, ALTERED),
        ({"policy": {"uri": "urn:readiness:runbook:prod:ga", "digest": {"sha256": "d" * 64}}}, ALTERED),
        ({"policy": None}, ALTERED),
        ({"inputAttestations": []}, ALTERED),
        ({"verifier": {"id": "urn:readiness:verifier:2"}}, ALTERED),
        ({"verifier": {}}, ALTERED),
        ({"verifier": "urn:readiness:verifier:1"}, ALTERED),
        ({"urn:readiness:verdict": "APPROVED"}, ALTERED),
        ({"urn:readiness:run": "20990101T000000Z-preflight"}, ALTERED),
        ({"urn:readiness:holds_until": "2099-01-01T00:00:00+00:00"}, ALTERED),
        ({"urn:readiness:runbooks": {}}, ALTERED),
        # What another version of this suite writes, and what says nothing of the run.
        ({"verifier": {"id": "urn:readiness:verifier:1", "version": {"production-readiness": "9.0"}}}, GOOD),
        ({"verifier": {"id": "urn:readiness:verifier:1"}}, GOOD),
        ({"slsaVersion": "1.1"}, GOOD),
        ({"urn:readiness:of_a_later_version": "yes"}, GOOD),
    ],
)
def test_what_a_summary_says_is_what_its_run_says(
    predicate: Fields, wanted: int, launch: Launch, tmp_path: Path
) -> None:
    copy = launch.copy(tmp_path)
    run = copy.runs()[-1]
    rewrite(run, copy.folder / "ci.key", predicate)
    assert verified(copy, run) == wanted
    assert copy.verify("tiny", "preflight") == wanted


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ({"subject": []}, ALTERED),
        ({"subject": [{"name": "https://shop.example.com", "digest": {"gitCommit": "a" * 40}}]}, ALTERED),
        ({"predicateType": "https://slsa.dev/verification_summary/v0.2"}, ALTERED),
        ({"_type": "https://in-toto.io/Statement/v0.1"}, ALTERED),
        ({"comment": "of another version"}, GOOD),
    ],
)
def test_what_it_is_about_is_what_its_run_is_about(
    statement: Fields, wanted: int, launch: Launch, tmp_path: Path
) -> None:
    copy = launch.copy(tmp_path)
    run = copy.runs()[-1]
    rewrite(run, copy.folder / "ci.key", {}, **statement)
    assert verified(copy, run) == wanted


@pytest.mark.parametrize(
    ("predicate", "key", "wanted"),
    [
        ({}, "ci", BAD),
        (IS_FAILED, "ci", BAD),
        (IS_PASSED, "ci", ALTERED),
        (GO, "ci", ALTERED),
        ({"verificationResult": PASSED}, "ci", ALTERED),
        ({"verifiedLevels": ["READINESS_PREFLIGHT_GO"]}, "ci", ALTERED),
        (GO, "other", ALTERED),
        (GO, NOBODY, ALTERED),
        ({}, NOBODY, ALTERED),
    ],
)
def test_no_run_that_is_not_good_is_passed(
    predicate: Fields, key: str, wanted: int, launch: Launch, tmp_path: Path
) -> None:
    copy = launch.copy(tmp_path)
    run = copy.runs()[0]
    new_key(copy.folder, "other")
    rewrite(run, copy.folder / f"{key}.key" if key else None, predicate)
    assert verified(copy, run) == wanted


REVOKED_RULES = "revoked: 2026-01-01T00:00:00Z, reason: the disk was copied"


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ("phases: [preflight]", GOOD),
        ("phases: [preflight, ga], environments: [tiny]", GOOD),
        ("valid_until: 2099-01-01T00:00:00Z", GOOD),
        ("phases: [ga]", ALTERED),
        ("environments: [prod]", ALTERED),
        ("valid_from: 2099-01-01T00:00:00Z", ALTERED),
        ("valid_until: 2026-01-01T00:00:00Z", ALTERED),
        (REVOKED_RULES, ALTERED),
    ],
)
def test_another_key_is_one_that_may_sign_the_run(rules: str, wanted: int, launch: Launch, tmp_path: Path) -> None:
    copy = launch.copy(tmp_path)
    run = copy.runs()[-1]
    key = new_key(copy.folder, "other")
    (copy.folder / "environments/keys/keys.yaml").write_text(f"keys: {{other: {{{rules}}}}}\n", "utf-8")
    rewrite(run, key, {})
    assert verified(copy, run) == wanted


def as_it_was(run: Path, folder: Path) -> None:
    """Leave the summary alone."""


def forged(run: Path, folder: Path) -> None:
    rewrite(run, folder / "ci.key", {"verifiedLevels": ["READINESS_GA_APPROVED"]})


def by_another(run: Path, folder: Path) -> None:
    rewrite(run, folder / "other.key", {})


@pytest.mark.parametrize(
    ("rules", "change", "wanted"),
    [
        ("phases: [ga]", as_it_was, SCOPE),
        (REVOKED_RULES, as_it_was, REVOKED),
        ("phases: [ga]", forged, ALTERED),
        (REVOKED_RULES, forged, ALTERED),
        (REVOKED_RULES, by_another, REVOKED),
    ],
)
def test_the_key_of_the_run_is_told_as_before_where_it_counts_no_more(
    rules: str, change: Callable[[Path, Path], None], wanted: int, launch: Launch, tmp_path: Path
) -> None:
    copy = launch.copy(tmp_path)
    run = copy.runs()[-1]
    new_key(copy.folder, "other")
    (copy.folder / "environments/keys/keys.yaml").write_text(f"keys: {{ci: {{{rules}}}}}\n", "utf-8")
    change(run, copy.folder)
    assert verified(copy, run) == wanted


@pytest.mark.parametrize(
    ("change", "wanted"),
    [(as_it_was, GOOD), (forged, ALTERED), (by_another, ALTERED)],
)
def test_one_that_an_earlier_version_sealed_is_what_its_seal_says(
    change: Callable[[Path, Path], None], wanted: int, launch: Launch, tmp_path: Path
) -> None:
    copy = launch.copy(tmp_path)
    run = copy.runs()[-1]
    new_key(copy.folder, "other")
    facts = copy.facts(run)
    rewrite(run, copy.folder / "ci.key", {"verifiedLevels": ["READINESS_GO"]})  # as no version of today would
    copy.seal_again(run, signer(copy.folder / "ci.key"), facts)
    change(run, copy.folder)
    assert verified(copy, run) == wanted


def no_summary(path: Path) -> None:
    path.unlink()


def no_json(path: Path) -> None:
    path.write_text("PASSED", "utf-8")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def of_a_good_run(path: Path) -> None:
    """Leave what was copied there."""


@pytest.mark.parametrize("has_journal", [True, False])
@pytest.mark.parametrize(
    ("change", "is_altered"),
    [(no_summary, False), (of_a_good_run, True), (no_json, True), (a_folder, True)],
)
def test_a_run_that_was_never_sealed_has_none(
    has_journal: bool, change: Callable[[Path], None], is_altered: bool, launch: Launch, tmp_path: Path
) -> None:
    copy = launch.copy(tmp_path)
    run = copy.runs()[1]
    shutil.copy(copy.runs()[-1] / SUMMARY, run / SUMMARY)
    change(run / SUMMARY)
    if not has_journal:
        (run / FILE).write_bytes(b"")
    ended = copy.verify("--all", "--env", "tiny")
    assert ended != GOOD
    assert (ended == ALTERED) is is_altered


@pytest.mark.parametrize(
    ("predicate", "key", "is_altered"),
    [({}, "ci", False), (IS_FAILED, "ci", False), ({"verifiedLevels": []}, "ci", True), ({}, NOBODY, True)],
)
def test_a_run_whose_seal_was_torn_off_keeps_its_own(
    predicate: Fields, key: str, is_altered: bool, launch: Launch, tmp_path: Path
) -> None:
    copy = launch.copy(tmp_path)
    run = copy.runs()[-1]
    rewrite(run, copy.folder / f"{key}.key" if key else None, predicate)
    lines = copy.book.read_bytes().splitlines(keepends=True)
    copy.book.write_bytes(b"".join(lines[:-1]))
    ended = copy.verify(str(run))
    assert ended != GOOD
    assert (ended == ALTERED) is is_altered


@pytest.mark.parametrize(
    ("later", "wanted"),
    [((), ["verification-summary.json was added after it was sealed"]), ((SUMMARY,), [])],
)
def test_what_is_no_run_has_none(later: tuple[str, ...], wanted: list[str], tmp_path: Path) -> None:
    (tmp_path / "evidence.json").write_text("{}", "utf-8")
    sealed = files_of(tmp_path)
    (tmp_path / SUMMARY).write_text("{}", "utf-8")
    assert list(changed(tmp_path, sealed, later)) == wanted


def test_where_no_key_is_trusted_any_more_what_it_says_is_still_compared(launch: Launch, tmp_path: Path) -> None:
    copy = launch.copy(tmp_path)
    run = copy.runs()[-1]
    for path in (copy.folder / "environments/keys").iterdir():
        path.unlink()
    without_key = copy.verify(str(run))
    assert without_key not in {GOOD, ALTERED}
    rewrite(run, None, {"resourceUri": "https://shop.example.com"})
    assert copy.verify(str(run)) == ALTERED


def test_it_names_the_fields_and_the_remedy(launch: Launch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = launch.copy(tmp_path)
    run = copy.runs()[0]
    rewrite(run, copy.folder / "ci.key", IS_PASSED)
    copy.verify(str(run))
    says = "verification-summary.json says something else than its run (verificationResult, verifiedLevels)"
    assert says in capsys.readouterr().out
