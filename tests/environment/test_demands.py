"""What a run reads of an environment file without complaint is read likewise where evidence is verified.

A row is what a file says, whether a run takes it, and whether evidence must be signed by it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from readiness.environment.anchoring import stated_anchors
from readiness.environment.demands import signature_demand, unknown_demand
from readiness.environment.schema import load
from readiness.errors import BadEnvironment
from tests.plugin.project import ENVIRONMENT

TEXT = yaml.safe_dump(ENVIRONMENT, sort_keys=False)
TAKEN, REFUSED = True, False
SIGNED, NOT_SIGNED = True, False
TURNED = "{http: 'http://127.0.0.1:9/uploads', body: {signed: true}}"
SWITCH = f"drills: {{kill_switch: {{switch_off: {TURNED}, switch_on: {TURNED}}}}}\n"
ADDED: list[tuple[str, str, bool, bool]] = [
    # What is added to a file; whether a run takes it; whether it demands a signature, or may.
    ("nothing", "", TAKEN, NOT_SIGNED),
    ("comments", "# evidence: {signed: true}\n", TAKEN, NOT_SIGNED),
    ("yes", "evidence: {signed: true}\n", TAKEN, SIGNED),
    ("yes in a text", "evidence: {signed: 'true'}\n", TAKEN, SIGNED),
    ("yes as a number", "evidence: {signed: 1}\n", TAKEN, SIGNED),
    ("no", "evidence: {signed: false}\n", TAKEN, NOT_SIGNED),
    ("no in a text", "evidence: {signed: 'false'}\n", TAKEN, NOT_SIGNED),
    ("no in another text", "evidence: {signed: 'off'}\n", TAKEN, NOT_SIGNED),
    ("no as a number", "evidence: {signed: 0}\n", TAKEN, NOT_SIGNED),
    ("yes by a variable", "evidence: {signed: '${TINY_YES}'}\n", TAKEN, SIGNED),
    ("no by a variable", "evidence: {signed: '${TINY_NO}'}\n", TAKEN, NOT_SIGNED),
    ("nobody knows the variable", "evidence: {signed: '${TINY_UNSET}'}\n", REFUSED, SIGNED),
    ("neither", "evidence: {signed: perhaps}\n", REFUSED, SIGNED),
    ("empty", "evidence: {signed: }\n", REFUSED, SIGNED),
    ("an empty section", "evidence:\n", REFUSED, SIGNED),
    ("a section of a comment", "evidence:\n  # signed: true\n", REFUSED, SIGNED),
    ("a section that is merged empty", "<<: {evidence: }\n", REFUSED, SIGNED),
    ("a section that demands nothing", "evidence: {}\n", TAKEN, NOT_SIGNED),
    ("yes of YAML 1.1", "evidence: {signed: yes}\n", REFUSED, SIGNED),
    ("no of YAML 1.1", "evidence: {signed: no}\n", REFUSED, SIGNED),
    ("merged", "evidence:\n  <<: {signed: true}\n", TAKEN, SIGNED),
    ("merged and overruled", "evidence:\n  <<: {signed: true}\n  signed: false\n", TAKEN, NOT_SIGNED),
    ("merged from a list", "evidence:\n  <<: [{signed: true}, {anchor: {file: kept}}]\n", TAKEN, SIGNED),
    ("merged twice", "evidence:\n  <<: [{signed: false}, {signed: true}]\n", REFUSED, SIGNED),
    ("merged twice by another", "evidence:\n  <<: [{<<: {signed: false}}, {signed: true}]\n", REFUSED, SIGNED),
    ("merged twice from one place", "evidence:\n  <<: [&a {signed: true}, *a]\n", TAKEN, SIGNED),
    (
        "merged by two of one",
        "evidence:\n  <<: [{<<: &a {signed: true}}, {<<: *a, anchor: {file: k}}]\n",
        TAKEN,
        SIGNED,
    ),
    ("merged by two that differ", "evidence:\n  <<: [{<<: &a {signed: true}, signed: false}, *a]\n", REFUSED, SIGNED),
    ("merged from the top", "<<: {evidence: {signed: true}}\n", TAKEN, SIGNED),
    ("an anchor", "owners: &names {Ada Byron: ada@shop.internal}\napprovers: *names\n", TAKEN, NOT_SIGNED),
    ("an anchor within", "run: {seconds_at_most: &most 60}\nevidence: &said {signed: true}\n", TAKEN, SIGNED),
    ("a key for anchors", "x-common: {retries: 3}\n", REFUSED, SIGNED),
    ("a demand by a key for anchors", "x-common: &said {signed: true}\nevidence: *said\n", REFUSED, SIGNED),
    ("a file to be included", "include: other.yaml\n", REFUSED, NOT_SIGNED),
    ("a tag that is known", "evidence: !!map {signed: !!bool true}\n", TAKEN, SIGNED),
    ("a tag that nobody knows", "evidence: !include other.yaml\n", REFUSED, SIGNED),
    ("a key twice", "evidence: {signed: true, signed: false}\n", REFUSED, SIGNED),
    ("a section twice", "evidence: {signed: true}\nevidence: {signed: false}\n", REFUSED, SIGNED),
    ("an end of it", "...\n", TAKEN, NOT_SIGNED),
    ("another document", "---\nevidence: {signed: true}\n", REFUSED, SIGNED),
    ("a key of another's", SWITCH, TAKEN, NOT_SIGNED),
    ("the section of another's", SWITCH.replace("signed: true", "evidence: {signed: true}"), TAKEN, NOT_SIGNED),
    (
        "a header of that name",
        "prometheus: {url: 'http://127.0.0.1:9', headers: {signed: 'true'}}\n",
        TAKEN,
        NOT_SIGNED,
    ),
    ("an anchor by a variable", "evidence: {anchor: {file: '${TINY_KEPT}/heads'}}\n", TAKEN, NOT_SIGNED),
    ("an anchor with a dollar", "evidence: {anchor: {file: '$TINY_KEPT/$$/heads'}}\n", TAKEN, NOT_SIGNED),
]
WRITTEN: dict[str, tuple[bytes, bool]] = {
    # A file as its bytes, and whether a run takes it; it demands a signature.
    "with a mark of its order": (b"\xef\xbb\xbf", TAKEN),
    "with a start": (b"---\n", TAKEN),
    "with a directive": (b"%YAML 1.1\n---\n", TAKEN),
    "with a byte of no text": (b"# \xfc\n", REFUSED),
    "with a character of control": (b"# \x07\n", REFUSED),
}


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"TINY_YES": "true", "TINY_NO": "false", "TINY_KEPT": "kept"}.items():
        monkeypatch.setenv(name, text)


def is_read_likewise(path: Path, *, is_taken: bool, is_signed: bool) -> bool:
    """Check what a run and what `verify` read of a file, and that they read the same where a run takes it."""
    try:
        stated = load(path.stem, path.parent).evidence
    except BadEnvironment:
        return not is_taken and bool(signature_demand(path)) == is_signed
    unknown = unknown_demand(path, "signed") or unknown_demand(path, "anchor")
    is_same = (stated.signed, stated.anchor) == (bool(signature_demand(path)), stated_anchors(path))
    return is_taken and is_same and stated.signed == is_signed and not unknown


@pytest.mark.parametrize(("text", "is_taken", "is_signed"), [row[1:] for row in ADDED], ids=[row[0] for row in ADDED])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_what_a_run_takes_is_read_likewise(
    ends: str, text: str, is_taken: bool, is_signed: bool, tmp_path: Path
) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_bytes(f"{TEXT}{text}".replace("\n", ends).encode())
    assert is_read_likewise(path, is_taken=is_taken, is_signed=is_signed)


@pytest.mark.parametrize(("before", "is_taken"), WRITTEN.values(), ids=WRITTEN)
def test_a_file_is_read_as_a_run_reads_its_bytes(before: bytes, is_taken: bool, tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_bytes(before + f"{TEXT}evidence: {{signed: true}}\n".encode())
    assert is_read_likewise(path, is_taken=is_taken, is_signed=SIGNED)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_a_file_is_read_in_the_encoding_of_a_run(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_bytes(f"{TEXT}# Zoë\nevidence: {{signed: true}}\n".encode(encoding))
    assert is_read_likewise(path, is_taken=encoding.startswith("utf-8"), is_signed=SIGNED)


def test_an_anchor_that_is_empty_is_refused_by_a_run_as_by_verify(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(f"{TEXT}evidence: {{anchor: }}\n", "utf-8")
    for reads in (lambda: load("tiny", tmp_path), lambda: stated_anchors(path)):
        with pytest.raises(BadEnvironment, match=r"evidence\.anchor.* is empty: name a place"):
            reads()
