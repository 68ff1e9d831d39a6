"""Heads that are kept elsewhere: a ledger that was removed, cut or written anew contradicts them.

To add a row: what is done to the ledger or to the kept heads, and the reason that `readiness verify` ends with.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.commands import gate
from readiness.config.git_notes import REF
from readiness.evidence import ledger, team_program
from readiness.evidence.reasons import Reason
from readiness.evidence.signing import FILE_VARIABLE
from tests.commands.test_gate import forked
from tests.evidence.launch import Launch, make, signer
from tests.plugin.project import ROOT, Project, line

KEPT = "kept/tiny.jsonl"
NOW = ("tiny", "preflight")
Attack = Callable[[Launch, Path], None]


def states(launch: Launch, anchor: object) -> None:
    """State in the environment where heads are kept; JSON is YAML."""
    path = launch.folder / "environments" / "tiny.yaml"
    text = path.read_text("utf-8").partition("evidence:")[0]
    path.write_text(f"{text}evidence: {json.dumps({'anchor': anchor})}\n", "utf-8")


def keep(launch: Launch, *words: str) -> int:
    places = ["--reports", str(launch.home.parent), "--environments", str(launch.folder / "environments")]
    return main(["ledger", "anchor", "--env", "tiny", *words, *places])


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """Give a signed launch (red, killed, green), whose heads were kept before its last run and after it."""
    launch = make(tmp_path_factory.mktemp("launch"))
    states(launch, {"file": KEPT})
    whole = launch.book.read_bytes()
    launch.book.write_bytes(b"".join(whole.splitlines(keepends=True)[:3]))
    assert keep(launch) == 0
    launch.book.write_bytes(whole)
    assert keep(launch) == 0
    return launch


@pytest.fixture
def launch(done: Launch, tmp_path: Path) -> Launch:
    return done.copy(tmp_path / "copy")


def cut_to(entries: int) -> Attack:
    def put(launch: Launch, kept: Path) -> None:
        del kept
        launch.book.write_bytes(b"".join(launch.book.read_bytes().splitlines(keepends=True)[:entries]))
        for run in launch.runs()[1:]:
            shutil.rmtree(run)

    return put


def _removed(launch: Launch, kept: Path) -> None:
    del kept
    launch.book.unlink()


def _all_removed(launch: Launch, kept: Path) -> None:
    del kept
    shutil.rmtree(launch.home)
    launch.home.mkdir()


def _emptied(launch: Launch, kept: Path) -> None:
    del kept
    launch.book.write_bytes(b"")


def _written_anew(launch: Launch, kept: Path) -> None:
    """Have whoever has the key enter the last run alone, and as many others as there were."""
    del kept
    run = launch.runs()[-1]
    entries, facts = len(launch.book.read_bytes().splitlines()), launch.facts(run)
    for other in launch.runs()[:-1]:
        shutil.rmtree(other)
    launch.book.unlink()
    for pointer in launch.home.glob("history*"):
        pointer.unlink()
    book = ledger.Ledger(launch.home, signer(launch.folder / "ci.key"))
    for number in range(entries - 2):
        book.ask(f"{number}", phase="smoke")
    opened = {
        name: value for name, value in facts.items() if name in {"phase", "target", "started_at", "limits_digest"}
    }
    book.open(run, **opened, binding=facts["binding"])
    book.seal(run, **facts)


def on_kept(change: Callable[[list[str]], list[str]]) -> Attack:
    def put(launch: Launch, kept: Path) -> None:
        del launch
        kept.write_text("".join(f"{text}\n" for text in change(kept.read_text("utf-8").splitlines())), "utf-8")

    return put


def newest(**changes: object) -> Attack:
    return on_kept(lambda texts: [*texts[:-1], json.dumps({**json.loads(texts[-1]), **changes})])


def in_place(put: Callable[[Path], object]) -> Attack:
    def replace(launch: Launch, kept: Path) -> None:
        del launch
        kept.unlink()
        put(kept)

    return replace


def stating(anchor: object) -> Attack:
    return lambda launch, _: states(launch, anchor)


def _large(path: Path) -> None:
    path.touch()
    os.truncate(path, 6 * 10**9)


NO = Reason.NOT_ANCHORED
REFUSED = Reason.NOT_TODAY
"""What no new run would take."""
ATTACKS: dict[str, tuple[Attack, Reason]] = {
    "nothing": (lambda _launch, _kept: None, Reason.GOOD),
    "the ledger was removed": (_removed, Reason.LEDGER_GONE),
    "the ledger was removed, and all runs": (_all_removed, Reason.LEDGER_GONE),
    "the ledger was emptied": (_emptied, Reason.LEDGER_GONE),
    "the ledger was cut, with its newest runs": (cut_to(2), Reason.LEDGER_CUT),
    "the ledger was cut to what was kept first": (cut_to(3), Reason.LEDGER_CUT),
    "the ledger was written anew with the real key": (_written_anew, Reason.LEDGER_REWRITTEN),
    "the kept heads are gone": (in_place(lambda _: None), NO),
    "the kept heads were emptied": (on_kept(lambda _: []), NO),
    "the newest head is gone": (on_kept(lambda texts: texts[:-1]), NO),
    "heads of another environment alone": (
        on_kept(lambda texts: [text.replace('"tiny"', '"prod"') for text in texts]),
        NO,
    ),
    "a head of another ledger": (newest(head="a" * 64), Reason.LEDGER_REWRITTEN),
    "a head that is a part of one": (newest(head="a" * 16), NO),
    "more entries than there are": (newest(entries=999), Reason.LEDGER_CUT),
    "no entries": (newest(entries=0), NO),
    "entries before the first": (newest(entries=-1), NO),
    "entries in words": (newest(entries="many"), NO),
    "another schema": (newest(schema="readiness/anchor/2"), NO),
    "a key that no anchor has": (newest(note="trust me"), NO),
    "no time": (newest(at=""), NO),
    "a line that is none": (on_kept(lambda texts: [*texts, "all is well"]), NO),
    "a key twice": (on_kept(lambda texts: [*texts, texts[-1].replace("{", '{"env":"x",', 1)]), NO),
    "nested too deep": (on_kept(lambda texts: [*texts, "[" * 200_000]), NO),
    "no text": (in_place(lambda path: path.write_bytes(bytes(range(256)))), NO),
    "a pipe": (in_place(os.mkfifo), NO),
    "a folder": (in_place(Path.mkdir), NO),
    "a device without an end": (in_place(lambda path: path.symlink_to("/dev/zero")), NO),
    "a link to nothing": (in_place(lambda path: path.symlink_to("gone")), NO),
    "six gigabytes": (in_place(_large), NO),
    "no place is stated": (stating({}), REFUSED),
    "nothing is stated": (stating(None), REFUSED),
    "a word for a place": (stating("kept"), REFUSED),
    "a place that nobody knows": (stating({"flie": KEPT}), REFUSED),
    "what is kept is not read back": (stating({"command": ["true"]}), REFUSED),
    "what is read back fails": (stating({"command": ["true"], "recall": ["false"]}), NO),
    "what is read back is not there": (stating({"command": ["true"], "recall": ["/no/such/program"]}), NO),
    "what is read back is no anchor": (stating({"command": ["true"], "recall": ["echo", "yes"]}), NO),
    "a second place has none": (stating({"file": KEPT, "command": ["true"], "recall": ["true"]}), NO),
    "notes, and there is no repository": (stating({"git_note": True}), NO),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_each_attack_ends_with_its_word(name: str, launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    attack, reason = ATTACKS[name]
    attack(launch, launch.folder / KEPT)
    assert launch.verify(*NOW) == reason.code, capsys.readouterr().out
    told = capsys.readouterr().out
    assert (f"reason    {reason} ({reason.code})" in told) is (reason is not Reason.GOOD)
    assert launch.verify(*NOW, "--json") == reason.code
    assert json.loads(capsys.readouterr().out)["reason"] == reason

    code = launch.verify("--all", "--env", "tiny")
    assert code != 0
    if reason not in {Reason.GOOD, NO, REFUSED}:
        assert code in {reason.code, Reason.ALTERED.code}


def test_what_a_journal_calls_itself_chooses_no_program(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    spy = {"command": ["true"], "recall": ["touch", str(launch.folder / "spied")]}
    (launch.home / "spy.yaml").write_text(json.dumps({"evidence": {"anchor": spy}}), "utf-8")
    run = launch.runs()[-1]
    launch.edit_journal(
        run, lambda record: {**record, "env": "../reports/tiny/spy"} if record["record"] == "start" else record
    )
    assert launch.verify(str(run)) == Reason.ALTERED.code
    assert launch.verify(*NOW) == Reason.ALTERED.code
    assert not (launch.folder / "spied").exists(), capsys.readouterr().out


def test_an_anchor_can_be_demanded_and_named(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    states(launch, {"file": KEPT})
    path = launch.folder / "environments" / "tiny.yaml"
    path.write_text(path.read_text("utf-8").partition("evidence:")[0], "utf-8")
    assert launch.verify(*NOW) == 0
    assert launch.verify(*NOW, "--anchored") == NO.code
    assert "tiny.yaml states no evidence.anchor; or name a place: --anchor WHERE" in capsys.readouterr().out
    assert launch.verify(*NOW, "--anchored", "--anchor", f"file:{launch.folder / KEPT}") == 0
    assert launch.verify(str(launch.runs()[-1]), "--anchor", f"file:{launch.folder / 'none'}") == NO.code
    for wrong in ("flie:x", "file:", "git-note:x", "command:", "command:true", "x"):
        capsys.readouterr()
        assert launch.verify(*NOW, "--anchor", wrong) == 4
        assert keep(launch, "--anchor", wrong) == 4
        assert len(capsys.readouterr().err.splitlines()) == 2
    assert keep(launch) == 4
    assert "nothing says where" in capsys.readouterr().err


def test_what_is_no_file_of_heads_is_never_written_over(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, put in (
        ("notes.txt", lambda path: path.write_text("mine\n", "utf-8")),
        ("a-folder", Path.mkdir),
        ("a-pipe", os.mkfifo),
        ("a-device", lambda path: path.symlink_to("/dev/null")),
        ("a-link", lambda path: path.symlink_to("gone")),
    ):
        path = launch.folder / name
        put(path)
        before = path.lstat()
        assert keep(launch, "--anchor", f"file:{path}") == 4, name
        assert len(capsys.readouterr().err.splitlines()) == 1
        assert (path.lstat().st_mtime_ns, path.lstat().st_mode) == (before.st_mtime_ns, before.st_mode)
    launch.book.write_bytes(launch.book.read_bytes()[:-9])
    assert keep(launch) == 4
    assert "keeps no head of a damaged ledger" in capsys.readouterr().err


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "core.hooksPath=/dev/null"]
    subprocess.run(["git", *who, "-C", str(folder), *words], check=True, capture_output=True)


RUNS = ("core.fsmonitor", "core.pager", "core.editor", "gpg.program", "core.sshCommand", "notes.program", "alias.notes")


def test_a_note_is_kept_by_git_which_runs_nothing_of_the_repository(
    launch: Launch, capsys: pytest.CaptureFixture[str]
) -> None:
    states(launch, {"git_note": True})
    assert keep(launch) == 4
    assert "is it a repository with a commit?" in capsys.readouterr().err
    git(launch.folder, "init", "-q")
    git(launch.folder, "commit", "-q", "--allow-empty", "-m", "one")
    script = launch.folder / "spy"
    script.write_text(f"#!/bin/sh\ntouch {launch.folder}/spied\n", "utf-8")
    script.chmod(0o755)
    hooks = launch.folder / "hooks"
    hooks.mkdir()
    for hook in ("reference-transaction", "post-commit", "pre-commit", "post-rewrite", "pre-auto-gc"):
        shutil.copy(script, hooks / hook)
        shutil.copy(script, launch.folder / ".git" / "hooks" / hook)
    git(launch.folder, "config", "core.hooksPath", str(hooks))
    git(launch.folder, "config", "commit.gpgSign", "true")
    for setting in RUNS:
        git(launch.folder, "config", setting, f"!{script}" if setting.startswith("alias") else str(script))

    assert launch.verify(*NOW) == NO.code
    assert keep(launch) == 0
    assert keep(launch) == 0
    capsys.readouterr()
    assert launch.verify(*NOW) == 0
    assert "git-note: has kept 2 heads" in capsys.readouterr().out
    assert not (launch.folder / "spied").exists()
    cut_to(2)(launch, launch.folder)
    assert launch.verify(*NOW) == Reason.LEDGER_CUT.code
    git(launch.folder, "update-ref", "-d", REF)
    assert launch.verify("--all", "--env", "tiny") == NO.code


WRITES = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read()); assert len(sys.argv[2]) == 64"
READS = "import sys; print(open(sys.argv[1]).read())"
LEAVES_A_CHILD = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
HANGS = f"{LEAVES_A_CHILD}; import time; time.sleep(600)"


def test_a_program_of_the_team_keeps_and_recalls(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(launch.folder / "ci.key"))
    python = [sys.executable, "-c"]
    states(launch, {"command": [*python, WRITES, "$(touch spied)"], "recall": [*python, READS, "$(touch spied)"]})
    assert keep(launch) == 0
    assert (launch.folder / "$(touch spied)").is_file()  # no shell has read it
    assert launch.verify(*NOW) == 0

    key = f"import os, sys; sys.exit('{FILE_VARIABLE}' in os.environ)"
    states(launch, {"command": [*python, key], "recall": [*python, READS, "$(touch spied)"]})
    assert keep(launch) == 0
    monkeypatch.setattr(team_program, "SECONDS_AT_MOST", 1.0)
    monkeypatch.setenv("ANCHOR_API_TOKEN", "correct-horse-battery")
    for words, sentence in (
        (HANGS, "did not end in 1 s"),
        ("raise SystemExit('full\\x1b[2J')", "ended with 1: full [2J"),
        ("import os; raise SystemExit('of ' + os.environ['ANCHOR_API_TOKEN'])", "ended with 1: of ***"),
    ):
        states(launch, {"command": [*python, words], "recall": [*python, words]})
        capsys.readouterr()
        assert keep(launch) == 4
        assert sentence in capsys.readouterr().err
        assert launch.verify(*NOW) == NO.code
    states(launch, {"command": [*python, LEAVES_A_CHILD], "recall": [*python, LEAVES_A_CHILD]})
    assert keep(launch) == 0


def test_each_run_keeps_its_head_and_a_gate_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gate, "run_pytest", forked)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    project = Project(tmp_path)
    project.runbook(line("one", "demo.figure"))
    launch = Launch(tmp_path)
    states(launch, {"file": KEPT})
    ran = project.preflight()
    assert (ran.exit, f"anchored file:{tmp_path / KEPT}" in ran.out) == (0, True), ran.out
    assert main(["verify", *NOW]) == 0
    words = ["gate", "preflight", "--env", "tiny", "--anchor", "file:mine.jsonl"]
    assert main(words) == 0
    assert len((tmp_path / "mine.jsonl").read_text("utf-8").splitlines()) == 1
    assert len((tmp_path / KEPT).read_text("utf-8").splitlines()) == 2

    (tmp_path / "mine.jsonl").write_text("mine\n", "utf-8")
    capsys.readouterr()
    assert main(words) == 10
    assert "could not keep the head" in capsys.readouterr().out
    assert main(["gate", "preflight", "--env", "tiny", "--anchor", "flie:x"]) == 4
    launch.book.unlink()
    assert main(["gate", "preflight", "--env", "tiny"]) == 10
    assert "history not here: file:" in capsys.readouterr().out

    shutil.rmtree(tmp_path / "kept")
    (tmp_path / "kept").write_text("a file where a folder is wanted", "utf-8")
    ran = project.preflight()
    assert (ran.exit, "could not keep the head" in " ".join(ran.out.split())) == (10, True), ran.out
