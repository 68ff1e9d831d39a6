"""A torn ledger: what a crash leaves is sealed and told ever after, and what was changed is never taken for torn.

To add a row: what is done to the bytes of a ledger, and what `readiness ledger mend` then does.
"""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from readiness.__main__ import main
from readiness.evidence import ledger
from readiness.evidence.key_rules import FILE
from readiness.evidence.reasons import Reason
from readiness.evidence.signing import FILE_VARIABLE, KEYS, Signer, signer_of, trusted_keys
from readiness.evidence.torn_lines import tear_of
from tests.evidence.launch import Launch, make, new_key, signer

ENTRIES = 3
Damage = Callable[[Path], None]


def on_bytes(change: Callable[[bytes], bytes]) -> Damage:
    def put(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return put


def on_lines(change: Callable[[list[bytes]], list[bytes]]) -> Damage:
    return on_bytes(lambda data: b"".join(change(data.splitlines(keepends=True))))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def followed(path: Path) -> None:
    ledger.Ledger(path.parent, None).open(path.parent / f"later-{path.stat().st_size}")


def last(change: Callable[[bytes], bytes]) -> Damage:
    return on_lines(lambda lines: [*lines[:-1], change(lines[-1])])


def in_turn(*damages: Damage) -> Damage:
    def put(path: Path) -> None:
        for damage in damages:
            damage(path)

    return put


@dataclass(frozen=True)
class Row:
    name: str
    damage: Damage
    tears: int
    """How many are mended; 0 where the ledger is whole."""
    refused: str = ""


CHANGED = "only what is torn can be mended"
ROWS = [
    Row("whole", lambda _: None, 0),
    Row("cut at the end of an entry", on_lines(lambda lines: lines[:-1]), 0),
    Row("empty", on_bytes(lambda _: b""), 0),
    Row("cut", cut, 1),
    Row("cut after one byte", on_lines(lambda lines: [*lines[:-1], lines[-1][:1]]), 1),
    Row("only the end of the line is missing", on_bytes(lambda data: data[:-1]), 1),
    Row("NUL bytes behind it", on_bytes(lambda data: data + bytes(5000)), 1),
    Row("cut, and NUL bytes", in_turn(cut, on_bytes(lambda data: data + bytes(5000))), 1),
    Row("cut, and a million NUL bytes", in_turn(cut, on_bytes(lambda data: data + bytes(1_000_000))), 1),
    Row("nothing but NUL bytes", on_bytes(lambda data: bytes(len(data))), 1),
    Row("cut within a character", on_bytes(lambda data: data + '{"payload":"ä'.encode()[:-1]), 1),
    Row("cut, and a run followed", in_turn(cut, followed), 1),
    Row("NUL bytes, and a run followed", in_turn(on_bytes(lambda data: data + bytes(99)), followed), 1),
    Row("torn twice", in_turn(cut, followed, cut), 2),
    Row("torn twice, and a run followed each time", in_turn(cut, followed, followed, cut, followed), 2),
    Row("torn twice in a row", in_turn(cut, on_bytes(lambda data: data + b'\n{"payload":"ey')), 2),
    Row("a byte of the last entry was changed", last(lambda line: line[:9] + b"?" + line[10:]), 0, CHANGED),
    Row("the last entry has a key twice", last(lambda line: b'{"payload":"",' + line[1:]), 0, CHANGED),
    Row("the last entry is another text", last(lambda _: b"all is well\n"), 0, CHANGED),
    Row("the last entry begins as another object", last(lambda _: b'{"paid":"'), 0, CHANGED),
    Row("bytes of another file behind it", on_bytes(lambda data: data + bytes(range(1, 256))), 0, CHANGED),
    Row("nested without an end", on_bytes(lambda data: data + b'{"payload":' + b"[" * 200_000), 0, CHANGED),
    Row(
        "an entry in the middle was cut",
        on_lines(lambda lines: [lines[0], lines[1][:50] + b"\n", *lines[2:]]),
        0,
        CHANGED,
    ),
    Row("an entry in the middle is gone", on_lines(lambda lines: [lines[0], *lines[2:]]), 0, CHANGED),
    Row("cut, and an older entry is gone", in_turn(on_lines(lambda lines: lines[1:]), cut), 0, CHANGED),
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of an environment with a ledger of some entries, which nobody signed."""
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    (tmp_path / "environments").mkdir()
    home = tmp_path / "reports" / "tiny"
    home.mkdir(parents=True)
    for number in range(ENTRIES):
        ledger.Ledger(home, None).open(home / f"run-{number}")
    return home


def mend(home: Path, *words: str) -> int:
    places = ["--reports", str(home.parent), "--environments", str(home.parents[1] / "environments")]
    return main(["ledger", "mend", "--env", home.name, *words, *places])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_only_what_is_torn_is_mended(row: Row, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / ledger.FILE
    row.damage(path)
    before = path.read_bytes()
    assert mend(home, "--dry-run") == (4 if row.refused else 0)
    assert path.read_bytes() == before
    capsys.readouterr()

    assert mend(home) == (4 if row.refused else 0)
    printed = capsys.readouterr()
    if row.refused:
        assert row.refused in printed.err
        assert len(printed.err.splitlines()) == 1
    if row.refused or not row.tears:
        assert path.read_bytes() == before
        return

    reading = ledger.read(path, {})
    assert path.read_bytes().startswith(before)  # nothing is lost
    assert (reading.problems, len(list(reading.mends))) == ([], row.tears)
    assert len([line for line in printed.out.splitlines() if line.startswith("torn ")]) == row.tears
    followed(path)
    assert not ledger.read(path, {}).problems
    assert mend(home) == 0
    assert "nothing: the ledger is whole" in capsys.readouterr().out


def _changed_after(home: Path) -> None:
    path = home / ledger.FILE
    path.write_bytes(path.read_bytes().replace(b'{"payloadType"', b'{"payload" :"', 1))


def _mended_by_nobody(home: Path) -> None:
    _write_mend(home, None)


def _mended_by_a_stranger(home: Path) -> None:
    (home / "other").mkdir()
    _write_mend(home, signer_of({FILE_VARIABLE: str(new_key(home, "other", home / "other"))}))


def _mended_something_whole(home: Path) -> None:
    path = home / ledger.FILE
    first = path.read_bytes().split(b"\n")[0]
    changed = first[:-1] + b" }"
    path.write_bytes(path.read_bytes().replace(first, changed, 1))
    key = signer(home.parents[1] / "ci.key")
    ledger.Ledger(home, key).mend(path.read_bytes(), [tear_of(0, changed)])


def _mend_cut_off(home: Path) -> None:
    path = home / ledger.FILE
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def _write_mend(home: Path, key: Signer | None) -> None:
    path = home / ledger.FILE
    _mend_cut_off(home)
    book = ledger.Ledger(home, key)
    book.mend(path.read_bytes(), ledger.read(path, {}).tears)


ATTACKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "the mend is cut off": (_mend_cut_off, "is torn"),
    "mended by nobody": (_mended_by_nobody, "no key signed it that the project trusts"),
    "mended by a stranger": (_mended_by_a_stranger, "foreign key"),
    "an entry that is not torn is mended with the real key": (
        _mended_something_whole,
        "does not follow the entry before",
    ),
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """Give a launch that was signed: red, killed, green, whose last entry is torn."""
    launch = make(tmp_path_factory.mktemp("launch"))
    cut(launch.book)
    return launch


def test_verify_says_what_to_do_and_tells_it_ever_after(
    done: Launch, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = done.copy(tmp_path / "copy")
    asked = ("tiny", "preflight")
    assert launch.verify(*asked) == Reason.ALTERED.code
    assert "is torn" in (told := capsys.readouterr().out)
    assert "readiness ledger mend --env tiny" in told

    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    assert mend(launch.home) == 4
    assert f"set {FILE_VARIABLE}" in capsys.readouterr().err
    monkeypatch.setenv(FILE_VARIABLE, str(launch.folder / "ci.key"))
    assert mend(launch.home) == 0
    # Its seal is what was torn: the run is no evidence, and nothing is altered.
    assert launch.verify(*asked) == Reason.NOT_EVIDENCE.code
    assert "of the ledger was torn" in capsys.readouterr().out
    assert launch.verify("--all", "--env", "tiny") == Reason.NOT_EVIDENCE.code
    assert "by ci" in next(line for line in capsys.readouterr().out.splitlines() if "of the ledger was torn" in line)
    assert main(["history", "--env", "tiny", "--reports", str(launch.home.parent)]) == 0
    assert "ledger    entry 4 of the ledger was torn" in capsys.readouterr().out


@pytest.mark.parametrize("name", ATTACKS)
def test_a_mend_hides_nothing(
    name: str, done: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    attack, sentence = ATTACKS[name]
    launch = done.copy(tmp_path / "copy")
    monkeypatch.setenv(FILE_VARIABLE, str(launch.folder / "ci.key"))
    assert mend(launch.home) == 0
    attack(launch.home)
    capsys.readouterr()
    assert launch.verify("--all", "--env", "tiny") == Reason.ALTERED.code
    assert sentence in capsys.readouterr().out


def test_a_revoked_key_mends_nothing(
    done: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = done.copy(tmp_path / "copy")
    monkeypatch.setenv(FILE_VARIABLE, str(launch.folder / "ci.key"))
    rules = {"keys": {"ci": {"revoked": "2026-01-01T00:00Z", "reason": "the disk was copied"}}}
    (launch.folder / "environments" / KEYS / FILE).write_text(yaml.safe_dump(rules), "utf-8")
    before = launch.book.read_bytes()
    assert mend(launch.home) == 4
    assert "which was revoked at 2026-01-01" in capsys.readouterr().err
    assert launch.book.read_bytes() == before
    assert trusted_keys(launch.folder / "environments")


def _append_on_a_full_disk(home: Path, room: int) -> None:
    size = (home / ledger.FILE).stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, size + room))
    try:
        ledger.Ledger(home, None).open(home / "late")
    except OSError:
        raise SystemExit(7) from None


def test_an_entry_that_does_not_fit_is_taken_back_whole(home: Path) -> None:
    before = (home / ledger.FILE).read_bytes()
    writer = multiprocessing.get_context("fork").Process(target=_append_on_a_full_disk, args=(home, 50))
    writer.start()
    writer.join(60)
    assert writer.exitcode == 7
    assert (home / ledger.FILE).read_bytes() == before


def test_what_is_no_ledger_is_told_in_a_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / ledger.FILE
    for name in ("gone", "a folder", "a device"):
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        if name == "a folder":
            path.mkdir()
        if name == "a device":
            path.symlink_to("/dev/zero")
        assert mend(home) == 4
        assert len(capsys.readouterr().err.splitlines()) == 1
