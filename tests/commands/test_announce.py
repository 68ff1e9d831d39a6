"""What an announcement says beside the evidence: parts that only people know, stated, asked for or told as unknown."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.rendering.announcement_parts import PARTS, AnnouncementKind, faults, lines_of, missing, parts_of

WELL = {
    "from": "P2",
    "to": "P1",
    "reason": "a fifth of the uploads fails",
    "investigating": "Grace Hopper",
    "resolution": "the pool holds 200 connections now",
    "next steps": "Grace reads the parser's log, Ada asks the provider",
}
KINDS = [kind for kind in AnnouncementKind if parts_of(kind)]
Announce = Callable[..., int]


def of(kind: AnnouncementKind) -> dict[str, str]:
    return {part.name: WELL[part.name] for part in parts_of(kind)}


def options(stated: dict[str, str]) -> list[str]:
    return [word for part in PARTS if part.name in stated for word in (part.option, stated[part.name])]


@pytest.fixture
def announce(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Announce:
    monkeypatch.setenv("TINY_CHAT_URL", "json://127.0.0.1:9/hook")
    content = {
        "environment": "tiny",
        "production": False,
        "runbooks": ["ingestion"],
        "allowed_hosts": ["127.0.0.1"],
        "target": {"url": "http://127.0.0.1:9"},
        "notify": {"urls": ["${TINY_CHAT_URL}"], "on_call": "Ada", "seconds_at_most": 1},
    }
    (tmp_path / "tiny.yaml").write_text(json.dumps(content))

    def command(kind: str, *words: str) -> int:
        places = [f"--environments={tmp_path}", f"--reports={tmp_path / 'reports'}"]
        return main(["announce", kind, "--env", "tiny", *places, *words])

    return command


def sent(folder: Path) -> list[Path]:
    return sorted((folder / "reports" / "tiny" / "announcements").glob("*"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_stated_stands_in_it(
    kind: AnnouncementKind, announce: Announce, capsys: pytest.CaptureFixture[str]
) -> None:
    assert announce(kind, *options(of(kind))) == 0
    text = capsys.readouterr().out
    assert [f"{name}: {words}" for name, words in of(kind).items() if f"\n{name}: {words}\n" not in text] == []
    assert "say --" not in text.replace("say --allow notify", "")


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_terminal_what_nobody_stated_is_unknown(
    kind: AnnouncementKind, announce: Announce, capsys: pytest.CaptureFixture[str]
) -> None:
    assert announce(kind) == 0
    text = capsys.readouterr().out
    assert [part.name for part in parts_of(kind) if f"{part.name}: unknown, say {part.option}\n" not in text] == []


@pytest.mark.parametrize(("kind", "name"), [(kind, part.name) for kind in KINDS for part in parts_of(kind)])
def test_nothing_is_sent_that_lacks_a_part(
    kind: AnnouncementKind, name: str, announce: Announce, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stated = {key: words for key, words in of(kind).items() if key != name}
    assert announce(kind, "--allow", "notify", *options(stated)) == 4
    option = next(part.option for part in PARTS if part.name == name)
    assert f"{option} is missing" in capsys.readouterr().err
    assert sent(tmp_path) == []


@pytest.fixture
def staged(tmp_path: Path, announce: Announce) -> Callable[[str | None], Announce]:
    """Return what states the present stage of the roll-out."""

    def state(stage: str | None) -> Announce:
        content = json.loads((tmp_path / "tiny.yaml").read_text())
        (tmp_path / "tiny.yaml").write_text(json.dumps({**content, "rollout": {"stage": stage}}))
        return announce

    return state


@pytest.mark.parametrize(
    ("stage", "words", "begin", "end"),
    [
        ("P2", [], "P2", "P1"),
        ("P0", [], "P0", "disabled"),
        ("P3", ["--to", "disabled"], "P3", "disabled"),
        ("P3", ["--from", "P2"], "P2", "P1"),
        (None, [], "unknown, say --from", "unknown, say --to"),
        ("beta", [], "unknown, say --from", "unknown, say --to"),  # of no runbook that is followed
    ],
)
def test_a_rollback_goes_from_the_present_stage_to_the_one_before(
    staged: Callable[[str | None], Announce],
    stage: str | None,
    words: list[str],
    begin: str,
    end: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert staged(stage)("rollback", *words) == 0
    text = capsys.readouterr().out
    assert f"\nfrom: {begin}\nto: {end}\n" in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--from", "P7", "--to", "P1"], "--from: stage 'P7' is not known (known: P0, P1"),
        (["--from", "P1", "--to", "P3"], "is further than"),
        (["--to", "PO"], "--to: stage 'PO' is not known (known: P0, P1"),
    ],
)
def test_a_stage_that_the_runbook_does_not_have_is_refused(
    announce: Announce, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert announce("rollback", *words) == 4
    assert says in capsys.readouterr().err


def test_a_rollback_does_not_go_further_than_the_present_stage(
    staged: Callable[[str | None], Announce], capsys: pytest.CaptureFixture[str]
) -> None:
    assert staged("P1")("rollback", "--to", "P3") == 4
    assert "--to: P3 is further than P1" in capsys.readouterr().err


SAYS_NOTHING = ["", " ", "TBD", "-", "…", "<reason>", "n/a", "to be written", "..."]


@pytest.mark.parametrize("words", SAYS_NOTHING)
@pytest.mark.parametrize(("kind", "name"), [(kind, part.name) for kind in KINDS for part in parts_of(kind)])
def test_what_says_nothing_is_refused(kind: AnnouncementKind, name: str, words: str) -> None:
    (problem,) = faults(kind, {**of(kind), name: words})
    assert problem.startswith(f"--{name.replace(' ', '-')}: ")


@pytest.mark.parametrize("name", ["reason", "resolution", "next steps"])
def test_one_word_is_no_sentence(name: str) -> None:
    kind = next(kind for kind in KINDS if name in of(kind))
    (problem,) = faults(kind, {**of(kind), name: "errors"})
    assert "no sentence" in problem


@pytest.mark.parametrize(
    "reason", ["unknown cause, we look at the pool", "P1: 3 of 12 uploads fail", "原因不明、調査中です"]
)
def test_a_reason_may_be_that_it_is_not_known(reason: str) -> None:
    assert list(faults(AnnouncementKind.PAUSE, {**of(AnnouncementKind.PAUSE), "reason": reason})) == []


@pytest.mark.parametrize(
    ("begin", "end", "says"),
    [
        ("P2", "P2", "is the stage that it comes from"),
        ("P2", " p2 ", "is the stage that it comes from"),
        ("P1", "P3", "'p3' is further than 'p1'"),
        ("P9", "P10", "'p10' is further than 'p9'"),
        ("disabled", "P1", "--from: what is disabled goes no further back"),
        ("P3", "P1", ""),
        ("P1", "disabled", ""),
        ("a tenth of the clients", "internal", ""),
    ],
)
def test_a_rollback_goes_back(begin: str, end: str, says: str) -> None:
    problems = list(faults(AnnouncementKind.ROLLBACK, {**of(AnnouncementKind.ROLLBACK), "from": begin, "to": end}))
    assert [says in problem for problem in problems] == [True] * bool(says)


@pytest.mark.parametrize("who", ["the team", "on-call", "A.B."])
def test_who_investigates_is_one_person(who: str) -> None:
    (problem,) = faults(AnnouncementKind.PAUSE, {**of(AnnouncementKind.PAUSE), "investigating": who})
    assert problem.startswith("--investigating: ")


def test_a_part_of_another_announcement_is_refused(announce: Announce, capsys: pytest.CaptureFixture[str]) -> None:
    assert announce("resume", "--resolution", WELL["resolution"], "--reason", WELL["reason"]) == 4
    assert "--reason is for pause and rollback, not for resume" in capsys.readouterr().err


def test_what_is_stated_is_one_line_and_cut() -> None:
    stated = {**of(AnnouncementKind.PAUSE), "reason": "the pool\x1b[2J is\nfull " + "x" * 5000}
    (reason,) = (line for line in lines_of(AnnouncementKind.PAUSE, stated) if line.startswith("reason: "))
    assert reason.isprintable()
    assert len(reason) < 600


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Terminal]:
    """Return what puts a terminal in the place of the streams: it is given what is typed, and returns what is shown."""

    def typed(text: str) -> Terminal:
        screen = Terminal()
        monkeypatch.setattr("sys.stdin", Terminal(text))
        monkeypatch.setattr("sys.stdout", screen)
        return screen

    return typed


def test_at_a_terminal_what_is_missing_is_asked_for(announce: Announce, terminal: Callable[[str], Terminal]) -> None:
    screen = terminal("TBD\na fifth of the uploads fails\nGrace Hopper\n")
    assert announce("pause") == 0
    text = screen.getvalue()
    assert "reason (why, in a sentence): " in text
    assert "--reason: 'TBD' is no sentence; why, in a sentence" in text
    assert "\nreason: a fifth of the uploads fails\ninvestigating: Grace Hopper\n" in text


def test_who_gives_no_answer_announces_nothing(
    announce: Announce, terminal: Callable[[str], Terminal], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal("a fifth of the uploads fails\n")
    assert announce("pause", "--allow", "notify") == 4
    assert "--investigating is missing: who looks into it" in capsys.readouterr().err


def test_a_launch_lacks_no_part_of_people() -> None:
    assert missing(AnnouncementKind.LAUNCH, {}) == []
