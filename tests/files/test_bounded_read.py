"""Files that somebody else may have put there, and strict JSON: what is refused, and in which words."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.config import documents
from readiness.files import bounded_read, strict_json
from readiness.files.bounded_read import NotRead

NO_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pipe": (os.mkfifo, "it is a pipe and no regular file"),
    "a folder": (Path.mkdir, "it is a folder and no regular file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "it is a device and no regular file"),
    "eleven bytes": (lambda path: path.write_bytes(b"01234567890"), "it has more than 10 bytes"),
}


@pytest.mark.parametrize("what", NO_FILES)
def test_what_is_no_file_or_too_large_is_not_read(what: str, tmp_path: Path) -> None:
    put, reason = NO_FILES[what]
    put(tmp_path / "it")
    with pytest.raises(NotRead, match=reason):
        bounded_read.read_bytes(tmp_path / "it", 10)


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    (tmp_path / "it").symlink_to("file")
    assert bounded_read.read_bytes(tmp_path / "it", 10) == b"0123456789"


def test_an_environment_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "shop.yaml")
    (problem,) = documents.read(tmp_path / "shop.yaml").problems
    assert problem.startswith("shop.yaml: cannot be read: [Errno 22] it is a pipe and no regular file")


DOCUMENTS: dict[str, tuple[bytes, str]] = {
    "a hundred levels": (b"[" * 100 + b"]" * 100, ""),
    "brackets in a text": (b'["' + b"[{" * 200 + b'"]', ""),
    "brackets behind an escape": (b'["\\"' + b"[{" * 200 + b'"]', ""),
    "many brackets side by side": (b"[" + b"[]," * 500 + b"[]]", ""),
    "a hundred and one levels": (b"[" * 101 + b"]" * 101, "nested deeper than 100 levels"),
    "objects in lists": (b'[{"a":' * 60 + b"1" + b"}]" * 60, "nested deeper than 100 levels"),
    "levels that never close": (b"[" * 200_000, "nested deeper than 100 levels"),
    "a key twice": (b'{"a":1,"a":2}', "a key stands twice in one object"),
    "no number": (b'{"a":NaN}', "NaN is no number"),
    "an endless number": (b'{"a":-Infinity}', "-Infinity is no number"),
    "too large a number": (b'{"a":1e999}', "a number is too large"),
    "half of a pair": (b'{"a":"\\ud800"}', "half of a surrogate pair"),
    "half of a pair as a key": (b'{"\\uDFFF":1}', "half of a surrogate pair"),
    "a whole pair": (b'{"a":"\\ud83d\\ude00"}', ""),
    "other bytes": (b'{"a":"\xff"}', "can't decode byte"),
    "two documents": (b"{} {}", "Extra data"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_only_strict_json_is_a_value(name: str) -> None:
    document, reason = DOCUMENTS[name]
    if not reason:
        strict_json.parse(document)
        return
    with pytest.raises(ValueError, match=reason):
        strict_json.parse(document)
