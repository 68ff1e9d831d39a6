"""What an auditor with a grudge puts in the place of a file of evidence: told, never believed, never waited for.

To add a row: a file of the evidence, or what is put in its place.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from readiness.__main__ import USAGE_ERROR, main
from readiness.evidence.reasons import Reason
from tests.drills import evidence as drills
from tests.evidence.launch import Launch, make

NEVER_SECONDS = 300
DRILL = "restore"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """Give a launch as it was, with a drill beside it."""
    launch = make(tmp_path_factory.mktemp("launch"))
    drills.put(launch.home.parent, drills.evidence(DRILL, environment=launch.home.name))
    return launch


@pytest.fixture
def launch(done: Launch, tmp_path: Path) -> Launch:
    return done.copy(tmp_path / "copy")


@pytest.fixture(autouse=True)
def _nothing_waits() -> Iterator[None]:
    """Break off what waits for a pipe, so that it is red and not hung."""

    def late(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise TimeoutError("something is waited for")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(NEVER_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


PLACES: dict[str, Callable[[Launch], Path]] = {
    "journal": lambda launch: launch.runs()[-1] / "journal.jsonl",
    "journal of an older run": lambda launch: launch.runs()[0] / "journal.jsonl",
    "report": lambda launch: launch.runs()[-1] / "report.html",
    "ledger": lambda launch: launch.book,
    "pointer": lambda launch: launch.home / "latest-preflight",
    "history": lambda launch: launch.home / "history.sqlite",
    "key": lambda launch: next((launch.folder / "environments" / "keys").glob("*.pub")),
    "drill": lambda launch: next((launch.home / "drills").glob("*/evidence.json")),
}
NO_GOOD_WORD = {reason.code for reason in Reason if reason is not Reason.GOOD} | {USAGE_ERROR}
DECIDED_WITHOUT = {"journal of an older run", "pointer", "history", "drill"}
"""The verdict of the newest run does not rest on them: verify may say its good word."""


def written(content: bytes) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        path.write_bytes(content)

    return put


def after_its_lines(content: bytes) -> Callable[[Path], None]:
    """Return what appends to the file: what comes before it is as it was."""

    def put(path: Path) -> None:
        path.write_bytes((path.read_bytes() if path.is_file() else b"") + content)

    return put


def a_link_to(target: str) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        path.symlink_to(target)

    return put


def six_gigabytes(path: Path) -> None:
    path.touch()
    os.truncate(path, 6 * 10**9)


CONTENTS: dict[str, Callable[[Path], None]] = {
    "nothing": lambda _: None,
    "empty": written(b""),
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a link to a device without an end": a_link_to("/dev/zero"),
    "a link to nothing": a_link_to("gone"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "six gigabytes": six_gigabytes,
    "nested too deep": written(b"[" * 200_000 + b"\n"),
    "nested too deep, closed": written(b"[" * 500 + b"]" * 500 + b"\n"),
    "objects too deep": written(b'{"a":' * 500 + b"1" + b"}" * 500 + b"\n"),
    "half of a pair": written(b'{"seq":0,"prev":"\\ud800","record":"start"}\n'),
    "too large a number": written(b'{"seq":0,"prev":1e999}\n'),
    "a number of many digits": written(b'{"seq":' + b"9" * 6_000 + b"}\n"),
    "no text": written(bytes(range(256)) * 4),
    "only zeros": written(b"\0" * 10_000),
    "a list": written(b"[1,2]\n"),
    "a word": written(b"null\n"),
}
APPENDED: dict[str, Callable[[Path], None]] = {
    "half of a pair": after_its_lines(b'{"payload":"\\ud800","payloadType":"x","signatures":[]}\n'),
    "nested too deep": after_its_lines(b"[" * 200_000 + b"\n"),
    "a word": after_its_lines(b"null\n"),
    "no text": after_its_lines(b"\xff\xfe\n"),
    "a page without its fields": after_its_lines(b'{"payload":"e30=","payloadType":"x","signatures":[]}\n'),
}


def asked(launch: Launch, *words: str) -> int:
    places = ["--reports", str(launch.folder / "reports"), "--environments", str(launch.folder / "environments")]
    takes = places[:2] if words[0] in {"history", "ladder"} else places
    return main([*words, *takes])


def _verify_says_no_good_word(launch: Launch, place: str, captured: pytest.CaptureFixture[str]) -> None:
    code = asked(launch, "verify", "tiny", "preflight")
    printed = captured.readouterr()
    if place not in DECIDED_WITHOUT:
        assert code in NO_GOOD_WORD, printed
    assert printed.out.strip() or printed.err.strip()


def _others_end(launch: Launch, captured: pytest.CaptureFixture[str]) -> None:
    """Whatever the others say of it: each ends with a code of its own and a line."""
    for words in (
        ("verify", "tiny", "preflight", "--json"),
        ("verify", "--all", "--env", "tiny"),
        ("verify", "--all", "--env", "tiny", "--json"),
        ("next", "--env", "tiny"),
        ("history", "--env", "tiny"),
        ("history", "--env", "tiny", "--rebuild"),
        ("sign-off", "--env", "tiny"),
        ("prune", "--env", "tiny", "--keep", "90d"),
    ):
        code = asked(launch, *words)
        printed = captured.readouterr()
        assert code in NO_GOOD_WORD | {0}, (words, printed)
        assert printed.out.strip() or printed.err.strip(), words


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_evidence(place: str, content: str, launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    path = PLACES[place](launch)
    path.unlink(missing_ok=True)
    CONTENTS[content](path)
    _verify_says_no_good_word(launch, place, capsys)
    _others_end(launch, capsys)
    if path.is_dir():
        shutil.rmtree(path)


@pytest.mark.parametrize("content", APPENDED)
@pytest.mark.parametrize("place", ["journal", "ledger"])
def test_what_follows_the_evidence(
    place: str, content: str, launch: Launch, capsys: pytest.CaptureFixture[str]
) -> None:
    APPENDED[content](PLACES[place](launch))
    _verify_says_no_good_word(launch, place, capsys)
    _others_end(launch, capsys)


ADDED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file": (written(b"signed, the boss"), "was added after it was sealed"),
    "a pipe": (os.mkfifo, "is a pipe, and none was sealed"),
    "a link to nothing": (a_link_to("gone"), "is a link, and what it leads to was never sealed"),
    "a link to a file of the run": (a_link_to("journal.jsonl"), "is a link, and what it leads to was never sealed"),
    "a link to a folder": (a_link_to(".."), "is a link, and what it leads to was never sealed"),
    "a link to a device": (a_link_to("/dev/null"), "is a link, and what it leads to was never sealed"),
}


@pytest.mark.parametrize("what", ADDED)
def test_what_was_put_into_a_sealed_folder(what: str, launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    put, sentence = ADDED[what]
    put(launch.runs()[-1] / "approval")
    assert asked(launch, "verify", "tiny", "preflight") == Reason.ALTERED.code
    assert f"approval {sentence}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("below", ["", "/in", "/in/it"])
def test_an_empty_folder_is_told_and_holds_no_evidence(
    below: str, launch: Launch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(f"{launch.runs()[-1]}/approval{below}").mkdir(parents=True)
    assert asked(launch, "verify", "tiny", "preflight") == 0
    assert f"approval{below} is a folder without a file, which no seal covers" in " ".join(
        capsys.readouterr().out.split()
    )
