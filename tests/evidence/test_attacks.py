"""Attacks on the evidence: each is caught, and the sentence says what was done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readiness.__main__ import main
from readiness.evidence import ledger
from readiness.evidence.journal import read_run
from readiness.evidence.signing import FILE_VARIABLE, KEYS
from tests.drills import evidence as drills
from tests.evidence.launch import Launch, judged, make, new_key, signer
from tests.plugin.project import Project

NOW = ("tiny", "preflight")
ALL = ("--all", "--env", "tiny")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """Give a launch as it was: red, killed, green."""
    return make(tmp_path_factory.mktemp("launch"))


@pytest.fixture
def launch(done: Launch, tmp_path: Path) -> Launch:
    """Give a copy that may be forged."""
    return done.copy(tmp_path / "copy")


def test_the_honest_launch_holds(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch.verify(*NOW) == 0
    assert "signed by ci" in capsys.readouterr().out
    assert launch.verify(str(launch.runs()[0])) == 1
    assert "NO-GO" in capsys.readouterr().out
    head = ledger.read(launch.book, {}).head
    assert launch.verify(*NOW, "--head", head) == 0


def test_run_until_green_and_seal_only_the_green_one(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch.verify(*NOW) == 0
    assert "2 other runs of preflight since" in (told := capsys.readouterr().out)
    assert "were not good: 1 NO-GO, 1 abandoned" in told
    assert launch.verify(*ALL) == 17
    told = capsys.readouterr().out
    assert "never sealed: abandoned" in told
    assert [word in told for word in ("NO-GO", "abandoned", "GO ")] == [True] * 3


def _edited(launch: Launch) -> None:
    path = launch.runs()[-1] / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"value":0.5', b'"value":0.4', 1))


def _edited_with_its_chain(launch: Launch) -> None:
    launch.turn_green(launch.runs()[0])


def _dropped(launch: Launch) -> None:
    def without(record: dict[str, Any]) -> dict[str, Any] | None:
        return None if record["record"] == "result" and record["outcome"] == "fail" else record

    launch.edit_journal(launch.runs()[0], without)


def _page(launch: Launch) -> None:
    path = launch.runs()[0] / "report.html"
    path.write_text(path.read_text("utf-8").replace("NO-GO", "GO"), "utf-8")


def _added(launch: Launch) -> None:
    (launch.runs()[-1] / "approval.txt").write_text("signed, the boss", "utf-8")


def _deleted(launch: Launch) -> None:
    shutil.rmtree(launch.runs()[0])


def _moved(launch: Launch) -> None:
    lines = launch.book.read_bytes().splitlines(keepends=True)
    launch.book.write_bytes(b"".join([*lines[2:], *lines[:2]]))


def _removed(launch: Launch) -> None:
    lines = launch.book.read_bytes().splitlines(keepends=True)
    launch.book.write_bytes(b"".join(lines[2:]))


def _torn(launch: Launch) -> None:
    launch.book.write_bytes(launch.book.read_bytes()[:-40])


def _key_twice(launch: Launch) -> None:
    data = launch.book.read_bytes()
    launch.book.write_bytes(data.replace(b'{"payloadType"', b'{"payloadType":"x","payloadType"', 1))


def _copied(launch: Launch) -> None:
    shutil.copytree(launch.runs()[-1], launch.home / "20990101T000000Z-preflight")


def _made_up(launch: Launch) -> None:
    drills.put(launch.home.parent, drills.evidence("restore", environment=launch.home.name))


ATTACKS: dict[str, tuple[Callable[[Launch], None], str]] = {
    "edited-value": (_edited, "does not follow the line before"),
    "edited-with-its-chain": (_edited_with_its_chain, "journal.jsonl was changed after it was sealed"),
    "dropped-failed-line": (_dropped, "journal.jsonl was changed after it was sealed"),
    "edited-page": (_page, "report.html was changed after it was sealed"),
    "added-file": (_added, "approval.txt was added after it was sealed"),
    "deleted-run": (_deleted, "its folder is missing: it was deleted or moved away"),
    "reordered": (_moved, "entries are missing or moved"),
    "removed": (_removed, "one was changed, moved or removed"),
    "torn": (_torn, "is torn"),
    "key-twice": (_key_twice, "a key stands twice"),
    "copied-in": (_copied, "the ledger does not know this run"),
    "made-up-drill": (_made_up, "the ledger does not know this drill"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_each_attack_is_told(name: str, launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    attack, sentence = ATTACKS[name]
    attack(launch)
    assert launch.verify(*ALL) == 11
    assert sentence in capsys.readouterr().out


def test_the_gate_of_one_run_sees_it_too(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    _edited_with_its_chain(launch)
    assert launch.verify(str(launch.runs()[0])) == 11
    assert "journal.jsonl was changed" in capsys.readouterr().out
    _page(launch)
    _moved(launch)
    assert launch.verify(*NOW) == 11
    assert "entries are missing or moved" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("who", "code", "sentence"),
    [("foreign", 11, "foreign key"), ("nobody", 14, "nobody signed it"), ("insider", 11, "add up to NO-GO")],
)
def test_a_flipped_verdict_that_is_sealed_again(
    who: str, code: int, sentence: str, launch: Launch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = launch.runs()[-1]
    facts = launch.facts(run)
    if who == "insider":  # has the real key, and lies about the verdict of a red run

        def red(record: dict[str, Any]) -> dict[str, Any]:
            if record["record"] == "result" and record["measurements"][0]["value"] == 0.5:
                taken = [{**one, "value": 0.9, "ok": False} for one in record["measurements"]]
                return {**record, "outcome": "fail", "measurements": taken}
            return record

        launch.edit_journal(run, red)
        facts["head"] = ""
    (tmp_path / "other").mkdir()
    path = {"foreign": new_key(tmp_path / "other", "other"), "insider": launch.folder / "ci.key"}.get(who)
    launch.seal_again(run, signer(path) if path else None, facts)
    capsys.readouterr()
    assert launch.verify(*NOW) == code
    assert sentence in capsys.readouterr().out


def test_a_run_of_another_environment(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    prod = launch.folder / "reports" / "prod"
    shutil.copytree(launch.home, prod)
    assert launch.verify("prod", "preflight") == 11
    told = capsys.readouterr().out
    assert "is of the environment tiny, this is the ledger of prod" in told
    assert "this is a run of tiny: it was copied in" in told
    (prod / ledger.FILE).unlink()
    assert launch.verify("prod", "preflight") == 11
    assert "this is a run of tiny" in capsys.readouterr().out


def test_a_pointer_to_an_older_good_run_changes_nothing(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    (launch.home / "latest-preflight").write_text(f"{launch.runs()[0].name}\n", "utf-8")
    assert launch.verify(*NOW) == 0
    assert f"run       {launch.runs()[-1].name}: " in capsys.readouterr().out


def test_a_cut_tail_is_seen_from_a_head_that_was_kept(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    book = ledger.read(launch.book, {})
    assert launch.verify(*ALL, "--head", book.digests[1]) == 17
    assert "anchor    3 entries since" in capsys.readouterr().out
    lines = launch.book.read_bytes().splitlines(keepends=True)
    launch.book.write_bytes(b"".join(lines[:2]))
    for run in launch.runs()[1:]:
        shutil.rmtree(run)
    assert launch.verify(*ALL) == 0  # nothing that is left contradicts it
    assert launch.verify(*ALL, "--head", book.head) == 11
    assert "the ledger never had the head" in capsys.readouterr().out
    for stated in (book.digests[1][:8], ""):  # too short to be unique, and an unset variable
        assert launch.verify(*ALL, "--head", stated) == 4


def test_without_the_ledger_a_signed_project_has_no_evidence(
    launch: Launch, capsys: pytest.CaptureFixture[str]
) -> None:
    launch.book.unlink()
    assert launch.verify(*NOW) == 14
    assert "no ledger lies beside it" in capsys.readouterr().out
    assert launch.verify(*ALL) == 12


def test_keys_that_are_not_found_trust_nobody(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    run, *others = launch.runs()
    facts = launch.facts(run)
    for other in others:
        shutil.rmtree(other)
    launch.turn_green(run)
    launch.book.unlink()
    facts |= {"verdict": "GO", "exit": 0, "head": read_run(run).head}
    fresh = ledger.Ledger(launch.home, None)
    fresh.open(run, **facts)
    fresh.seal(run, **facts)
    (launch.folder / "environments").rename(launch.folder / "kept")
    for words in ((str(run),), ALL):
        assert launch.verify(*words) == 4
        (told,) = capsys.readouterr().err.splitlines()
        assert "environments: there is no such folder" in told
    assert main(["key", "--environments", str(launch.folder / "environments")]) == 4
    (launch.folder / "environments").mkdir()
    for words in ((str(run),), ALL):  # the journal says that it was signed
        assert launch.verify(*words) == 14
        assert "GAP       " in (told := capsys.readouterr().out)
        assert "no trusted key verifies that" in told


def test_a_signed_ledger_needs_its_key(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(launch.folder / "environments" / KEYS)
    assert launch.verify(*NOW) == 14
    assert "verdict   none: recorded as GO, and this is not evidence" in capsys.readouterr().out
    assert launch.verify(*ALL) == 14
    assert capsys.readouterr().out.count("no trusted key verifies that") == 2


def _page_edited(launch: Launch) -> None:
    path = launch.home / ledger.PAGE
    path.write_text(path.read_text("utf-8").replace("INCOMPLETE", "APPROVED"), "utf-8")


def _page_edited_and_entered(launch: Launch) -> None:
    _page_edited(launch)
    ledger.Ledger(launch.home, None).enter(launch.home / ledger.PAGE)


def _page_deleted(launch: Launch) -> None:
    (launch.home / ledger.PAGE).unlink()


def _page_entry_cut(launch: Launch) -> None:
    lines = launch.book.read_bytes().splitlines(keepends=True)
    launch.book.write_bytes(b"".join(lines[:-1]))


PAGE_ATTACKS: dict[str, tuple[Callable[[Launch], None], int, str]] = {
    "edited": (_page_edited, 11, "it was changed since"),
    "edited-and-entered": (_page_edited_and_entered, 14, "nobody signed it whom the project trusts"),
    "deleted": (_page_deleted, 11, "the ledger has it, and it is gone"),
    "entry-cut": (_page_entry_cut, 11, "the ledger does not know this page"),
}


@pytest.mark.parametrize("name", PAGE_ATTACKS)
def test_the_page_that_approvers_sign_is_evidence(
    name: str, launch: Launch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    attack, code, sentence = PAGE_ATTACKS[name]
    monkeypatch.setenv(FILE_VARIABLE, str(launch.folder / "ci.key"))
    assert launch.sign_off() == 0
    assert launch.verify(*ALL) == 17  # a run was abandoned
    assert "evidence  sign-off.html: as it was rendered at" in (told := capsys.readouterr().out)
    assert f"ledger    head {ledger.read(launch.book, {}).head}" in told
    attack(launch)
    assert launch.verify(*ALL) == code
    (told,) = [one for one in capsys.readouterr().out.splitlines() if "sign-off.html: " in one]
    assert sentence in told
    assert told.endswith("render it anew: readiness sign-off --env tiny")
    assert launch.sign_off() == 0
    assert launch.verify(*ALL) == 17
    assert "as it was rendered at" in capsys.readouterr().out


def test_the_same_page_without_a_key_keeps_its_signature(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(launch.folder / "ci.key"))
    launch.sign_off()
    signed = launch.book.read_bytes()
    monkeypatch.delenv(FILE_VARIABLE)
    assert launch.sign_off() == 0
    assert launch.book.read_bytes() == signed


def _deciding_edited(launch: Launch) -> None:
    launch.lower(launch.runs()[-1])


def _deciding_deleted(launch: Launch) -> None:
    shutil.rmtree(launch.runs()[-1])


def _newer_cut_short(launch: Launch) -> None:
    launch.edit_journal(launch.runs()[-1], lambda record: None if record["record"] == "finish" else record)


def _sealed_by_nobody(launch: Launch) -> None:
    launch.seal_again(launch.runs()[-1], None, launch.facts(launch.runs()[-1]))


@pytest.mark.parametrize(
    ("attack", "sentence"),
    [
        (_deciding_edited, "(preflight): journal.jsonl was changed after it was sealed"),
        (_deciding_deleted, "is newer than the run that decides its phase, and it is gone: it was deleted"),
        (_newer_cut_short, "is newer: journal.jsonl was changed after it was sealed"),
        (_sealed_by_nobody, "(preflight): nobody signed it whom the project trusts"),
        (_removed, "one was changed, moved or removed"),
    ],
)
def test_a_page_does_not_believe_what_the_ledger_refutes(
    attack: Callable[[Launch], None], sentence: str, launch: Launch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch.sign_off() == 0
    assert "untrusted" not in capsys.readouterr().out
    _page_entry_cut(launch)
    attack(launch)
    assert launch.sign_off() == 10
    told = capsys.readouterr().out
    assert "verdict   INCOMPLETE: the evidence cannot be trusted" in told
    assert [one for one in told.splitlines() if one.startswith("untrusted 2") and sentence in one]
    page = (launch.home / ledger.PAGE).read_text("utf-8")
    assert "<strong>Not to be trusted:</strong>" in page
    assert sentence in page


def test_a_run_of_another_moment_is_no_evidence_of_today(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What has expired since would count in it: a waiver, an attestation."""
    monkeypatch.setenv(FILE_VARIABLE, str(launch.folder / "ci.key"))
    project = Project(launch.folder)
    judged(project, "0.9", 1)
    red = launch.runs()[-1]
    project.write("figure.txt", "0.5")
    ran = project.preflight("--as-of=2020-01-01T00:00:00Z")
    assert (ran.exit, "asks about another moment: that is a plan" in " ".join(ran.out.split())) == (10, True), ran.out
    assert "signed   in vain: judged as of a time that had passed is not evidence" in ran.out
    for words, code in ((NOW, 10), (ALL, 17)):
        assert launch.verify(*words) == code
        assert "judged as of 2020-01-01 00:00:00Z, which had passed when it ran" in capsys.readouterr().out
    assert launch.sign_off() == 0
    page = (launch.home / ledger.PAGE).read_text("utf-8")
    assert f'<strong>NO-GO</strong><a href="{red.name}/report.html">preflight' in page
    assert "is newer and judged another moment with --as-of (INCOMPLETE): nothing in it failed" in page
    assert project.preflight("--as-of=2099-01-01T00:00:00Z").exit == 10
    assert launch.verify(*NOW) == 10
    assert "which was ahead when it ran: a plan, and no evidence" in capsys.readouterr().out


def test_limits_loosened_between_runs(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(launch.folder / "ci.key"))
    project = Project(launch.folder)
    (launch.folder / "figure.txt").write_text("0.9", "utf-8")
    judged(project, "0.9", 1)
    judged(project, "0.9", 0, limit=0.95)
    assert launch.verify(*NOW) == 0
    assert "its limits are not those of the runs before it" in capsys.readouterr().out
    assert launch.verify(*ALL, "--json") == 18
    facts = json.loads(capsys.readouterr().out)
    assert any("LOOSENED" in gap and "share_below 0.7 -> 0.95" in gap for gap in facts["gaps"])
    approved = facts["told"][-1].rpartition(" ")[2]
    launch.verify(*ALL, "--json", "--limits", approved)
    assert not [gap for gap in json.loads(capsys.readouterr().out)["gaps"] if "LOOSENED" in gap]


def test_a_secret_in_an_artefact_refuses_the_seal(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(launch.folder / "ci.key"))
    project = Project(launch.folder)
    leaks = (
        "\n\n@__import__('pytest').hookimpl(tryfirst=True)\ndef pytest_sessionfinish():\n"
        "    (sorted(HERE.glob('reports/tiny/2*'))[-1] / 'notes.txt').write_text('ghp_' + 'a1' * 15)\n"
    )
    project.write("conftest.py", (launch.folder / "conftest.py").read_text("utf-8") + leaks)
    ran = judged(project, "0.5", 10)
    assert "notes.txt held a vendor's key" in ran.out
    assert launch.verify(*NOW) == 10
    assert "never sealed" in capsys.readouterr().out
