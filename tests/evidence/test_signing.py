"""Keys: what cannot be used is told in a line, nothing secret is printed, and a signature is of exactly one text."""

from __future__ import annotations

import base64
import json
import multiprocessing
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from readiness.__main__ import main
from readiness.commands import gate
from readiness.errors import BadInput
from readiness.evidence import ledger
from readiness.evidence.reasons import Reason
from readiness.evidence.signing import FILE_VARIABLE, KEYS, VARIABLE, new_pair, signer_of, trusted_keys
from readiness.redaction.redactor import REDACTOR
from tests.commands.test_gate import forked
from tests.plugin.project import ROOT, Project, line


def pem(key: Ed25519PrivateKey | rsa.RSAPrivateKey, password: bytes | None = None) -> str:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()


def test_a_new_key_is_written_where_nobody_else_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    words = ["key", "ci", "--environments", str(tmp_path)]
    assert main(words) == 0
    private = tmp_path / "home" / "readiness" / "ci.key"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    told = capsys.readouterr().out
    body = private.read_text("utf-8").splitlines()[1]
    assert body not in told
    assert str(private) in told
    assert main(words) == 4
    assert "is there already" in capsys.readouterr().err
    monkeypatch.setenv(FILE_VARIABLE, str(private))
    assert main(["key", "--environments", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("trusted")
    assert body[30:] not in REDACTOR.text(f"the key is {body}")
    assert main(["key", "No Name", "--environments", str(tmp_path)]) == 4


def test_each_key_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    good, _ = new_pair()
    file = tmp_path / "ci.key"
    file.write_text(good, "utf-8")
    file.chmod(0o644)
    large = pem(rsa.generate_private_key(65537, 2048))
    cases = {
        "is no private key in PEM": {VARIABLE: "no key at all"},
        "has a passphrase": {VARIABLE: pem(Ed25519PrivateKey.generate(), b"long enough")},
        "an Ed25519 key is wanted": {VARIABLE: large},
        "chmod 600": {FILE_VARIABLE: str(file)},
        "cannot be read": {FILE_VARIABLE: str(tmp_path / "none.key")},
        "both set": {VARIABLE: good, FILE_VARIABLE: str(file)},
    }
    for sentence, variables in cases.items():
        with pytest.raises(BadInput, match=sentence) as told:
            signer_of(variables)
        assert len(str(told.value).splitlines()) == 1
        assert "BEGIN" not in str(told.value)
    assert signer_of({}) is None
    assert signer_of({VARIABLE: good})


def test_public_keys_that_are_none_are_told_all_at_once(tmp_path: Path) -> None:
    (tmp_path / KEYS).mkdir()
    (tmp_path / KEYS / "a.pub").write_text(new_pair()[0], "utf-8")
    (tmp_path / KEYS / "b.pub").write_text("ssh-ed25519 AAAA", "utf-8")
    with pytest.raises(BadInput) as told:
        trusted_keys(tmp_path)
    assert [problem.partition(":")[0] for problem in told.value.problems] == ["keys/a.pub", "keys/b.pub"]
    assert "private key: remove it" in told.value.problems[0]


@dataclass(frozen=True)
class Demand:
    """Whether a signature is demanded of the newest run, and what gate and verify come to."""

    name: str
    exit: int
    says: str = ""
    words: tuple[str, ...] = ()
    is_signed: bool = False
    is_trusted: bool = False
    """Its key's public half is in the project, still."""
    before: str = ""
    """What was signed earlier: a run, or only that a gate had asked for one."""


BEFORE = "runs of this ledger were signed before"
DEMANDS = [
    Demand("no key was ever in use", 0),
    Demand("demanded, and no key was ever in use", 10, "--require-signed: no key signed it", ("--require-signed",)),
    Demand("signed by a trusted key", 0, "", (), is_signed=True, is_trusted=True),
    Demand("demanded, and signed", 0, "", ("--require-signed",), is_signed=True, is_trusted=True),
    Demand("a key is trusted, and nobody signed", 10, "nobody signed it whom the project trusts", (), is_trusted=True),
    Demand("demanded of that", 10, "nobody signed it whom the project trusts", ("--require-signed",), is_trusted=True),
    Demand("signed, and the trusted key is gone", 10, "no trusted key verifies that", (), is_signed=True),
    Demand("a run was signed once, and the keys are gone", 10, BEFORE, before="run"),
    Demand("a gate's line was signed once, and the keys are gone", 10, BEFORE, before="asked"),
]


@pytest.mark.parametrize("demand", DEMANDS, ids=lambda demand: demand.name)
def test_a_signature_is_demanded_once_a_key_was_in_use(
    demand: Demand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gate, "run_pytest", forked)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    project = Project(tmp_path)
    project.runbook(line("one", "demo.figure"))
    private, public = new_pair()
    if demand.before == "run":
        monkeypatch.setenv(VARIABLE, private)
        assert project.preflight().exit == 0
    if demand.before == "asked":
        (tmp_path / "reports/tiny").mkdir(parents=True)
        ledger.Ledger(tmp_path / "reports/tiny", signer_of({VARIABLE: private})).ask("0" * 32, phase="smoke")
    if demand.is_trusted:
        project.write(f"environments/{KEYS}/ci.pub", public.to_pem())

    monkeypatch.delenv(VARIABLE, raising=False)
    if demand.is_signed:
        monkeypatch.setenv(VARIABLE, private)
    assert main(["gate", "preflight", "--env", "tiny", *demand.words]) == demand.exit
    gated = capsys.readouterr().out
    code = Reason.NOT_SIGNED.code if demand.exit else 0
    assert main(["verify", "tiny", "preflight", *demand.words]) == code
    verified = capsys.readouterr().out
    assert ("go on" in gated) is (demand.exit == 0)
    for report in (gated, verified):
        assert demand.says in report
        lacks = [
            text
            for text in report.splitlines()
            if text.startswith(("GAP", "gate ")) and "sign" in text and "files" not in text
        ]
        assert len(lacks) == bool(demand.says), report  # one sentence, and none where nothing is lacking

    assert main(["verify", "tiny", "preflight", "--json", *demand.words]) == code
    assert json.loads(capsys.readouterr().out)["signed_by"] == (
        "ci" if demand.is_signed and demand.is_trusted else None
    )
    assert (main(["verify", "--all", "--env", "tiny", *demand.words]) == 0) is (demand.exit == 0)


def _enter(folder: Path) -> None:
    book = ledger.Ledger(folder.parent, None)
    for number in range(20):
        book.open(folder / f"{multiprocessing.current_process().pid}-{number}")


def test_several_processes_write_one_chain(tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_enter, args=(tmp_path / "tiny" / "run",)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    book = ledger.read(tmp_path / "tiny" / ledger.FILE, {})
    assert (len(book.digests), len(book.problems)) == (60, 0)


def test_a_signature_is_of_one_text(tmp_path: Path) -> None:
    text, public = new_pair()
    (tmp_path / KEYS).mkdir()
    (tmp_path / KEYS / "ci.pub").write_text(public.to_pem(), "utf-8")
    home = tmp_path / "tiny"
    (home / "one").mkdir(parents=True)
    book = ledger.Ledger(home, signer_of({VARIABLE: text}))
    book.open(home / "one")
    trusted = trusted_keys(tmp_path)
    found = ledger.read(book.path, trusted)
    assert found.problems == []
    envelope = json.loads(book.path.read_bytes())
    other = base64.b64decode(envelope["payload"]).replace(b'"one"', b'"two"')
    book.path.write_text(json.dumps({**envelope, "payload": base64.b64encode(other).decode()}) + "\n", "utf-8")
    assert "it was changed" in ledger.read(book.path, trusted).problems[0]


def test_a_torn_entry_does_not_swallow_the_next(tmp_path: Path) -> None:
    home = tmp_path / "tiny"
    home.mkdir()
    book = ledger.Ledger(home, None)
    book.open(home / "one")
    whole = book.path.read_bytes()
    book.path.write_bytes(whole[:-30])
    book.open(home / "two")
    found = ledger.read(book.path, {})
    assert list(found.runs) == ["two"]
    assert len(found.problems) == 1
    assert "torn" in found.problems[0]
    assert "readiness ledger mend --env tiny" in found.problems[0]


def test_rehearsals_and_drills_are_sealed_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, new_pair()[0])
    drill = tmp_path / "tiny" / "drills" / "20261121T090000Z-restore"
    drill.mkdir(parents=True)
    (drill / "evidence.json").write_text("{}", "utf-8")
    ledger.open_evidence(drill)
    ledger.seal_evidence(drill, "pass", 0)
    load = tmp_path / "tiny" / "rehearsals" / "20261121T090000Z-smoke"
    load.mkdir(parents=True)
    (load / "evidence.json").write_text("{}", "utf-8")
    ledger.seal_evidence(load, "pass", 0)
    words = ["verify", "--all", "--env", "tiny", "--reports", str(tmp_path), "--environments", str(tmp_path)]
    capsys.readouterr()
    assert main(words) == 11
    told = capsys.readouterr().out
    for name in ("drills/20261121T090000Z-restore", "rehearsals/20261121T090000Z-smoke"):
        assert f"{name}: sealed as pass, its evidence adds up to" in told
    (drill / "evidence.json").write_text('{"seconds": 1}', "utf-8")
    assert main(words) == 11
    assert "evidence.json was changed after it was sealed" in capsys.readouterr().out
    (load / "notes.txt").write_text("ghp_" + "a1" * 15, "utf-8")
    with pytest.raises(ledger.NotSealed, match=r"notes\.txt holds a vendor's key"):
        ledger.seal_evidence(load, "fail", 1)


def test_nobody_pays_for_cryptography_who_does_not_sign() -> None:
    modules = "readiness.__main__, readiness.commands.verify, readiness.plugin.sealing"
    code = f"import sys, {modules}; print('cryptography' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_a_check_that_tells_the_key_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, public = new_pair()
    monkeypatch.setenv(VARIABLE, text)
    project = Project(tmp_path)
    conftest = (tmp_path / "conftest.py").read_text("utf-8")
    leaks = conftest.replace('"GET /figure answered 403"', f"__import__('os').environ['{VARIABLE}'].splitlines()[1]")
    project.write("conftest.py", leaks)
    project.runbook(line("one", "demo.hidden"))
    project.write(f"environments/{KEYS}/ci.pub", public.to_pem())
    ran = project.preflight()
    assert ran.exit == 10, ran.out
    told = text.splitlines()[1][24:]
    (folder,) = (tmp_path / "reports" / "tiny").glob("2*")
    files = [*folder.iterdir(), folder.parent / ledger.FILE]
    assert not [path for path in files if told in path.read_text("utf-8")]
    assert told not in ran.out
    assert f"signed   with the key ci, {public.key_id[:16]}" in ran.out
    assert ledger.read(folder.parent / ledger.FILE, trusted_keys(tmp_path / "environments")).runs[folder.name].key


def test_a_key_that_cannot_be_used_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "no key at all")
    project = Project(tmp_path)
    project.runbook(line("one", "demo.figure"))
    ran = project.preflight()
    assert (ran.exit, ran.looked) == (4, []), ran.out
    assert f"{VARIABLE}: this is no private key in PEM" in ran.out
