"""Files: what is not there, not readable or not whole never becomes a value."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from readiness.clients import files as module
from readiness.clients.files import Files
from readiness.outcomes import Unknown
from readiness.transport.guard import Guard

WAYS: dict[str, Callable[[Files, Path], object]] = {
    "text": Files.text,
    "json": Files.json,
    "jsonl": Files.json_lines,
    "dotenv": Files.dotenv,
}
Write = Callable[[str | bytes], Path]


@pytest.fixture
def files(guard: Guard) -> Files:
    return Files(guard)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(content: str | bytes) -> Path:
        path = tmp_path / "file"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


@contextmanager
def without_power() -> Iterator[None]:
    """Be nobody for a while, where this is root, who may read what is denied to others."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def unknown(way: str, files: Files, path: Path) -> Unknown:
    with pytest.raises(Unknown) as found:
        WAYS[way](files, path)
    assert str(path) in found.value.reason
    assert found.value.remedy
    return found.value


@pytest.mark.parametrize("way", WAYS)
class TestNothingToRead:
    def test_a_missing_file(self, way: str, files: Files, tmp_path: Path) -> None:
        assert "No such file" in unknown(way, files, tmp_path / "nothing").reason

    def test_a_folder(self, way: str, files: Files, tmp_path: Path) -> None:
        assert "no regular file" in unknown(way, files, tmp_path).reason

    def test_a_denied_file(self, way: str, files: Files, write: Write) -> None:
        path = write("A=1")
        path.chmod(0)
        with without_power():
            assert "Permission denied" in unknown(way, files, path).reason

    def test_a_pipe_that_nobody_writes(self, way: str, files: Files, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert "no regular file" in unknown(way, files, tmp_path / "pipe").reason

    def test_a_device_without_an_end(self, way: str, files: Files) -> None:
        assert "no regular file" in unknown(way, files, Path("/dev/zero")).reason

    def test_a_name_that_no_file_has(self, way: str, files: Files) -> None:
        assert "cannot be read" in unknown(way, files, Path("a\0b")).reason

    def test_a_file_too_large(self, way: str, files: Files, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "BYTES_AT_MOST", 10)
        assert "more than 10 bytes" in unknown(way, files, write("A=" + "1" * 10)).reason

    @pytest.mark.parametrize("content", ["", " \n\t\n"])
    def test_an_empty_file(self, way: str, content: str, files: Files, write: Write) -> None:
        assert "is empty" in unknown(way, files, write(content)).reason

    def test_no_text(self, way: str, files: Files, write: Write) -> None:
        assert "not UTF-8" in unknown(way, files, write(b"A=\xff\xfe")).reason


BAD_JSON = [
    "{",
    "words",
    "{'a': 1}",
    '{"a": NaN}',
    '{"a": -Infinity}',
    '{"a": 1e999}',
    '{"a": 1, "a": 2}',
    "[" * 99_999,
]


@pytest.mark.parametrize("content", BAD_JSON, ids=lambda content: content[:16])
def test_what_is_not_json_is_unknown(content: str, files: Files, write: Write) -> None:
    unknown("json", files, write(content))
    assert "file:1 " in unknown("jsonl", files, write(f"{content}\n{{}}\n")).reason


def test_reading_is_recorded(files: Files, guard: Guard, write: Write) -> None:
    path = write('{"a": 1}')
    assert files.json(path) == {"a": 1}
    assert (guard.requests[0].target, guard.requests[0].status) == (str(path), "8 bytes")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ('{"a": 1}\r\n\r\n{"a": 2}', [{"a": 1}, {"a": 2}]),
        ('{"a": 1}\n{"a": ', [{"a": 1}]),
        ('\ufeff{"a": "\u2028"}\n', [{"a": "\u2028"}]),
    ],
    ids=["whole", "a last line that is whole", "a last line under way", "a line separator in a text"],
)
def test_json_lines(content: str, found: list[Any], files: Files, write: Write) -> None:
    assert files.json_lines(write(content)) == found


@pytest.mark.parametrize(
    ("content", "line"),
    [('{"a": 1}\n{"a": \n{"a": 3}\n', 2), ('{"a": 1}\n{"a": \n', 2), ('{"a": ', 1), ('\n\n{"a": ', 3)],
    ids=["in the middle", "the last, ended", "the only one", "the only one after blanks"],
)
def test_a_torn_line_is_named(content: str, line: int, files: Files, write: Write) -> None:
    assert f"file:{line} is not JSON" in unknown("jsonl", files, write(content)).reason


def test_a_dotenv_file(files: Files, write: Write) -> None:
    content = """
    # a comment
    PLAIN=value
    export EXPORTED = spaced out   # said why
    EMPTY=
    EMPTY_WITH_COMMENT= # nothing yet
    HASH=a#b
    SINGLE='a # "b" \\n'   # said why
    DOUBLE="line\\nnext \\"quoted\\" # kept"
    TWICE=first
    TWICE=second
    URL=postgresql://a:b@c/d?e=f
    """
    assert files.dotenv(write(content)) == {
        "PLAIN": "value",
        "EXPORTED": "spaced out",
        "EMPTY": "",
        "EMPTY_WITH_COMMENT": "",
        "HASH": "a#b",
        "SINGLE": 'a # "b" \\n',
        "DOUBLE": 'line\nnext "quoted" # kept',
        "TWICE": "second",
        "URL": "postgresql://a:b@c/d?e=f",
    }


@pytest.mark.parametrize(
    "line", ["sesame", "1NAME=sesame", "A B=sesame", '="sesame"', 'A="sesame', "A='sesame", 'A="sesame" more']
)
def test_a_malformed_line_is_named_and_not_told(line: str, files: Files, write: Write) -> None:
    found = unknown("dotenv", files, write(f"GOOD=1\n{line}\n"))
    assert "file:2 is not NAME=value" in found.reason
    assert "sesame" not in str(found)


def test_a_dotenv_file_of_comments_sets_nothing(files: Files, write: Write) -> None:
    assert "sets no variable" in unknown("dotenv", files, write("# NAME=value\n")).reason


def test_a_folder_names_its_files_in_their_order(files: Files, tmp_path: Path) -> None:
    for name in ("b.md", "a.md", "c.txt"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "d.md").mkdir()
    assert files.names(tmp_path, ".md") == ["a.md", "b.md"]


@pytest.mark.parametrize("name", ["nowhere", "file", "a\0b"])
def test_what_is_no_folder_is_unknown(files: Files, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(Unknown, match="cannot be read") as found:
        files.names(tmp_path / name, ".md")
    assert found.value.remedy


def test_a_folder_of_far_too_many_files_is_unknown(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FILES_AT_MOST", 1)
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(Unknown, match="holds 2 files"):
        files.names(tmp_path, ".md")
