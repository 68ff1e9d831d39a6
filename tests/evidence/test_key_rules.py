"""What keys may sign: scope, validity, revocation. A back-dated signature of a revoked key counts nothing.

To add a row: the entries of a ledger (whose key, when, of what), the rules of its keys, and what each entry is worth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from readiness.__main__ import main
from readiness.errors import BadInput
from readiness.evidence import ledger
from readiness.evidence.key_rules import FILE
from readiness.evidence.reasons import Reason
from readiness.evidence.signing import (
    FILE_VARIABLE,
    KEYS,
    VARIABLE,
    PublicKey,
    Signer,
    new_pair,
    signer_of,
    trusted_keys,
)
from tests.evidence.launch import Launch, make, new_key, signer
from tests.plugin.project import Project

OLD = {"revoked": "2026-03-01T00:00Z", "reason": "the disk was copied"}
"""Of the key that a row calls old."""
COUNTS, SCOPE, GONE = "good", str(Reason.KEY_SCOPE), str(Reason.REVOKED)


@dataclass(frozen=True)
class Row:
    name: str
    entries: tuple[str, ...]
    """Each: the key, the day that it states, of 2026 unless it has a year, and the phase, else `preflight`."""
    worth: tuple[str, ...]
    rules: dict[str, object] = field(default_factory=lambda: {"old": OLD})
    keep: int | None = None
    """The entry whose digest the project states in `stands_up_to` of the old key."""


ROWS = [
    Row("no rules", ("old 01-05", "new 01-06"), (COUNTS, COUNTS), {}),
    Row(
        "in its phase, and in another",
        ("old 01-05", "old 01-05 ga"),
        (COUNTS, SCOPE),
        {"old": {"phases": ["preflight"]}},
    ),
    Row("another environment", ("old 01-05",), (SCOPE,), {"old": {"environments": ["staging"]}}),
    Row("this environment", ("old 01-05",), (COUNTS,), {"old": {"environments": ["staging", "tiny"]}}),
    Row("before it began", ("old 01-05", "old 01-06"), (SCOPE, COUNTS), {"old": {"valid_from": "2026-01-06T00:00Z"}}),
    Row("after its end", ("old 01-05", "old 01-06"), (COUNTS, SCOPE), {"old": {"valid_until": "2026-01-06T00:00Z"}}),
    Row(
        "back-dated after its end: the chain says so",
        ("old 01-05", "new 01-07", "old 01-05"),
        (COUNTS, COUNTS, SCOPE),
        {"old": {"valid_until": "2026-01-06T00:00Z"}},
    ),
    Row(
        "a clock ahead of ours ends no other key",
        ("new 2126-12-31", "old 01-05"),
        (COUNTS, COUNTS),
        {"old": {"valid_until": "2026-01-06T00:00Z"}},
    ),
    Row("revoked, and signed later", ("old 03-02",), (GONE,)),
    Row("revoked, and says that it was before", ("old 02-01",), (GONE,)),
    Row("vouched for by another key in time", ("old 02-01", "new 02-02"), (COUNTS, COUNTS)),
    Row("the other key came too late", ("old 02-01", "new 03-02"), (GONE, COUNTS)),
    Row("back-dated, behind the other key", ("new 02-02", "old 02-01"), (COUNTS, GONE)),
    Row("back-dated, and the other key follows later", ("new 02-02", "old 02-01", "new 03-02"), (COUNTS, GONE, COUNTS)),
    Row("vouched for by itself alone", ("old 02-01", "old 02-02"), (GONE, GONE)),
    Row("vouched for by nobody whom the project trusts", ("old 02-01", "nobody 02-02"), (GONE, "not-signed")),
    Row("a head behind it is stated", ("old 02-01", "old 02-02", "old 02-03"), (COUNTS, COUNTS, GONE), keep=1),
    Row("a head behind it, and it says it is later", ("old 03-02", "old 02-02"), (GONE, COUNTS), keep=1),
    Row(
        "two revoked keys cannot vouch for each other",
        ("old 02-01", "new 02-02", "old 02-03"),
        (GONE, GONE, GONE),
        {"old": OLD, "new": OLD},
    ),
    Row(
        "revoked one after another, each vouched for in its time",
        ("old 02-01", "new 02-02", "third 03-15"),
        (COUNTS, COUNTS, COUNTS),
        {"old": OLD, "new": {**OLD, "revoked": "2026-04-01T00:00Z"}},
    ),
    Row(
        "who vouches for it may not sign this",
        ("old 02-01", "new 02-02 ga"),
        (GONE, SCOPE),
        {"old": OLD, "new": {"phases": ["preflight"]}},
    ),
    Row(
        "who vouches for it had ended, and says it had not",
        ("third 02-20", "old 02-01", "new 01-02"),
        (COUNTS, GONE, SCOPE),
        {"old": OLD, "new": {"valid_until": "2026-02-15T00:00Z"}},
    ),
    Row("all at once: the revocation is told", ("old 03-02 ga",), (GONE,), {"old": {**OLD, "phases": ["preflight"]}}),
]


@pytest.fixture(scope="module")
def pairs() -> dict[str, tuple[Signer | None, PublicKey | None]]:
    made: dict[str, tuple[Signer | None, PublicKey | None]] = {"nobody": (None, None)}
    for name in ("old", "new", "third"):
        private, public = new_pair()
        made[name] = (signer_of({VARIABLE: private}), public)
    return made


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_each_entry_is_worth(
    row: Row, pairs: dict[str, tuple[Signer | None, PublicKey | None]], tmp_path: Path
) -> None:
    home = tmp_path / "tiny"
    home.mkdir()
    for number, words in enumerate(row.entries):
        key, day, *phase = words.split()
        at = f"{day if day.count('-') > 1 else f'2026-{day}'}T12:00:00+00:00"
        book = ledger.Ledger(home, pairs[key][0])
        book.open(home / f"run-{number}", at=at, phase=phase[0] if phase else "preflight")

    folder = tmp_path / KEYS
    folder.mkdir()
    for name, (_, public) in pairs.items():
        if public:
            (folder / f"{name}.pub").write_text(public.to_pem(), "utf-8")
    rules = dict(row.rules)
    if row.keep is not None:
        rules["old"] = {**OLD, "stands_up_to": [ledger.read(home / ledger.FILE, {}).digests[row.keep]]}
    if rules:
        (folder / FILE).write_text(yaml.safe_dump({"keys": rules}), "utf-8")

    reading = ledger.read(home / ledger.FILE, trusted_keys(tmp_path))
    assert not reading.problems
    worth = []
    for record in reading.runs.values():
        line = record.opened
        assert line
        assert not (line.key and line.uncounted)
        worth.append(str(line.uncounted.reason) if line.uncounted else COUNTS if line.key else "not-signed")
    assert tuple(worth) == row.worth


AHEAD = f"{datetime.now(UTC) + timedelta(days=400):%Y-%m-%dT%H:%M:%SZ}"
MISTAKES = {
    "a key that is not there": (
        "keys: {cci: {}}",
        "the key 'cci' is not known; did you mean 'ci'",
    ),
    "a word that no rule has": ("keys: {ci: {phase: [ga]}}", "key 'phase' is not known; did you mean 'phases'"),
    "a phase that is none": ("keys: {ci: {phases: [smok]}}", "'smok' is not known; did you mean 'smoke'"),
    "no phase at all": ("keys: {ci: {phases: []}}", "a list of 1 or more is wanted"),
    "no time zone": ("keys: {ci: {valid_until: 2026-12-01T00:00}}", "has no time zone"),
    "a number for a time": ("keys: {ci: {revoked: 20261120}}", "a text such as"),
    "it could never sign": (
        "keys: {ci: {valid_from: 2026-12-01T00:00Z, valid_until: 2026-12-01T00:00Z}}",
        "never sign",
    ),
    "revoked without a reason": ("keys: {ci: {revoked: 2026-11-20T10:00Z}}", "needs a reason of two words"),
    "a reason that says nothing": (
        "keys: {ci: {revoked: 2026-11-20T10:00Z, reason: TBD}}",
        "needs a reason of two words",
    ),
    "revoked in the future": (f"keys: {{ci: {{revoked: '{AHEAD}', reason: it was lost}}}}", "revoked lies ahead"),
    "a reason without a revocation": ("keys: {ci: {reason: it was lost}}", "state revoked, with the time"),
    "a part of a head": (
        f"keys: {{ci: {{revoked: 2026-11-20T10:00Z, reason: it was lost, stands_up_to: [{'a' * 16}]}}}}",
        "all 64",
    ),
    "empty": ("", "keys.yaml"),
    "no YAML": ("keys: [", "this is not YAML"),
    "a list": ("[ci]", "a mapping of keys is wanted"),
    "rules without keys": ("ci: {}", "key 'ci' is not known"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_rules_is_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text, sentence = MISTAKES[name]
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    (tmp_path / KEYS).mkdir()
    (tmp_path / KEYS / "ci.pub").write_text(new_pair()[1].to_pem(), "utf-8")
    (tmp_path / KEYS / FILE).write_text(text, "utf-8")
    assert main(["key", "--environments", str(tmp_path)]) == 4
    told = [line for line in capsys.readouterr().err.splitlines() if sentence in line]
    assert len(told) == 1
    assert FILE in told[0]


SHORT: list[tuple[str, list[str]]] = [
    # What the rules say, and each sentence that is told: a list is not short of what is wrong in it.
    ("phases: [preflght]", ["phases.0: 'preflght' is not known; did you mean 'preflight'?"]),
    ("phases: [preflght, smok]", ["phases.0: 'preflght'", "phases.1: 'smok'"]),
    ("environments: [5]", ["environments.0: text is wanted"]),
    ("phases: []", ["phases: a list of 1 or more is wanted"]),
    ("environments: []", ["environments: a list of 1 or more is wanted"]),
]


@pytest.mark.parametrize(("rules", "sentences"), SHORT)
def test_one_mistake_in_a_list_is_told_once(
    rules: str, sentences: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / KEYS).mkdir()
    (tmp_path / KEYS / "ci.pub").write_text(new_pair()[1].to_pem(), "utf-8")
    (tmp_path / KEYS / FILE).write_text(f"keys: {{ci: {{{rules}}}}}", "utf-8")
    assert main(["key", "--environments", str(tmp_path)]) == 4
    told = [text for text in capsys.readouterr().err.splitlines() if FILE in text]
    assert len(told) == len(sentences), told
    assert all(sentence in text for sentence, text in zip(sentences, told, strict=True)), told


def test_no_way_round_the_rules(tmp_path: Path) -> None:
    public = new_pair()[1].to_pem()
    folder = tmp_path / KEYS
    folder.mkdir()
    (folder / "ci.pub").write_text(public, "utf-8")
    for name, put, sentence in (
        ("ci-2.pub", lambda path: path.write_text(public, "utf-8"), "this is the same key as ci"),
        ("keys.yml", lambda path: path.write_text("keys: {}", "utf-8"), f"is read from {FILE}"),
        (FILE, lambda path: path.symlink_to("gone"), "cannot be read"),
        (FILE, lambda path: path.symlink_to("/dev/zero"), "cannot be read"),
        (FILE, Path.mkdir, "cannot be read"),
    ):
        put(folder / name)
        with pytest.raises(BadInput, match=sentence):
            trusted_keys(tmp_path)
        (folder / name).rmdir() if (folder / name).is_dir() else (folder / name).unlink()
    assert trusted_keys(tmp_path)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """Give a launch that the key ci has signed: red, killed, green."""
    return make(tmp_path_factory.mktemp("launch"))


WORDS: dict[str, tuple[dict[str, object], Reason]] = {
    "revoked since long": ({"revoked": "2026-01-01T00:00Z", "reason": "the disk was copied"}, Reason.REVOKED),
    "revoked now, and nobody vouches": ({"revoked": "now", "reason": "the disk was copied"}, Reason.REVOKED),
    "of another phase": ({"phases": ["ga"]}, Reason.KEY_SCOPE),
    "of another environment": ({"environments": ["prod"]}, Reason.KEY_SCOPE),
    "ended": ({"valid_until": "2026-01-01T00:00Z"}, Reason.KEY_SCOPE),
    "not yet begun": ({"valid_from": AHEAD}, Reason.KEY_SCOPE),
    "all of it fits": ({"phases": ["preflight"], "environments": ["tiny"], "valid_until": AHEAD}, Reason.GOOD),
}


@pytest.mark.parametrize("name", WORDS)
def test_verify_tells_it_with_a_word_and_a_code(
    name: str, done: Launch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, reason = WORDS[name]
    launch = done.copy(tmp_path / "copy")
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    stated = {key: now if value == "now" else value for key, value in rules.items()}
    _state(launch, {"ci": stated})
    assert launch.verify("tiny", "preflight") == reason.code
    told = capsys.readouterr().out
    assert (f"reason    {reason} ({reason.code})" in told) is (reason is not Reason.GOOD)
    assert ("GAP       signed with the key ci, which" in told) is (reason is not Reason.GOOD)
    assert launch.verify("tiny", "preflight", "--json") == reason.code
    assert f'"reason": "{reason}"' in capsys.readouterr().out
    assert launch.verify("--all", "--env", "tiny") == (reason.code if reason is not Reason.GOOD else 17)
    assert ("signed, does not count" in capsys.readouterr().out) is (reason is not Reason.GOOD)


LIES: dict[str, tuple[dict[str, object], Reason]] = {
    "as another phase": ({"phase": "smoke"}, Reason.ALTERED),
    "as a drill": ({"kind": "drill"}, Reason.ALTERED),
    "as a drill of its phase": ({"kind": "drill", "phase": "smoke"}, Reason.ALTERED),
    "as a run of no phase": ({"phase": ""}, Reason.KEY_SCOPE),
    "as what it is": ({}, Reason.KEY_SCOPE),
}


@pytest.mark.parametrize("name", LIES)
def test_what_is_entered_as_something_else_gets_round_no_scope(
    name: str, done: Launch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lie, reason = LIES[name]
    launch = done.copy(tmp_path / "copy")
    key = signer(new_key(tmp_path, "few", launch.folder / "environments"))
    _state(launch, {"few": {"phases": ["smoke", "drill"]}})
    run = launch.runs()[-1]
    facts = launch.facts(run) | lie
    launch.book.write_bytes(b"".join(launch.book.read_bytes().splitlines(keepends=True)[:-2]))
    book = ledger.Ledger(launch.home, key)
    book.open(
        run, **{fact: facts[fact] for fact in ("kind", "phase", "target", "started_at", "limits_digest", "binding")}
    )
    book.seal(run, **facts)
    capsys.readouterr()
    assert launch.verify(str(run)) == reason.code, capsys.readouterr().out


def test_a_rehearsal_is_none_of_the_runs_that_a_key_may_sign(
    pairs: dict[str, tuple[Signer | None, PublicKey | None]], tmp_path: Path
) -> None:
    signed, public = pairs["old"]
    assert public
    (tmp_path / KEYS).mkdir()
    (tmp_path / KEYS / "old.pub").write_text(public.to_pem(), "utf-8")
    (tmp_path / KEYS / FILE).write_text("keys: {old: {phases: [preflight]}}", "utf-8")
    home = tmp_path / "tiny"
    (home / "rehearsals").mkdir(parents=True)
    ledger.Ledger(home, signed).open(home / "rehearsals" / "one", kind="run", phase="preflight")
    (record,) = ledger.read(home / ledger.FILE, trusted_keys(tmp_path)).runs.values()
    assert record.uncounted
    assert record.uncounted.reason is Reason.KEY_SCOPE


def test_a_run_says_before_it_begins_that_its_key_may_not_sign(
    done: Launch, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = done.copy(tmp_path / "copy")
    monkeypatch.setenv(FILE_VARIABLE, str(launch.folder / "ci.key"))
    _state(launch, {"ci": {"phases": ["ga"]}})
    ran = Project(launch.folder).preflight()
    header, _, _ = ran.out.partition("collected")
    assert "signed    in vain, with the key ci, which may sign ga, and this is preflight" in header
    assert launch.verify("tiny", "preflight") == Reason.KEY_SCOPE.code
    assert main(["key", "--environments", str(launch.folder / "environments")]) == 0
    assert "ci: may sign ga" in capsys.readouterr().out


def test_a_key_is_rotated_and_both_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    new_key(tmp_path, "ci", tmp_path)
    capsys.readouterr()
    words = ["--environments", str(tmp_path)]
    assert main(["key", "ci-2", "--out", str(tmp_path / "ci-2.key"), "--replaces", "ci", *words]) == 0
    _paste(tmp_path, capsys.readouterr().out)
    keys = {key.name: key.rules for key in trusted_keys(tmp_path).values()}
    assert keys["ci"].valid_until
    assert keys["ci-2"].valid_from
    assert keys["ci-2"].valid_from < keys["ci"].valid_until

    assert main(["key", "ci", "--revoke", *words]) == 0
    _paste(tmp_path, capsys.readouterr().out.replace("say here what happened to it", "the disk was copied"))
    assert main(["key", *words]) == 0
    assert "ci: REVOKED at" in capsys.readouterr().out
    for wrong in (["--revoke"], ["--replaces", "ci"], ["c", "--revoke"], ["ci-3", "--replaces", "c-i"]):
        assert main(["key", *wrong, *words]) == 4
        assert len(capsys.readouterr().err.splitlines()) == 1


def _state(launch: Launch, rules: dict[str, dict[str, object]]) -> None:
    path = launch.folder / "environments" / KEYS / FILE
    path.write_text(yaml.safe_dump({"keys": rules}), "utf-8")


def _paste(folder: Path, printed: str) -> None:
    """Put the printed entries into the file, as a person does."""
    lines = [line[10:] for line in printed.splitlines() if line.startswith(" " * 10)]
    (folder / KEYS / FILE).write_text("\n".join(lines), "utf-8")
