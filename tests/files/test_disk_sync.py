"""What was asked for is on the disk in the end, and whoever wrote need not wait for it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from readiness.files.disk_sync import DiskSync

NEVER_SECONDS = 60.0


class Disk:
    """Notes how much of a file each sync had before it; the first waits until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began = threading.Event()
        self.may_end = threading.Event()
        self.synced: list[int] = []
        monkeypatch.setattr(os, "fsync", self._sync)

    def _sync(self, handle: int) -> None:
        self.synced.append(os.fstat(handle).st_size)
        self.began.set()
        assert self.may_end.wait(NEVER_SECONDS)


@pytest.fixture
def handle(tmp_path: Path) -> int:
    return os.open(tmp_path / "kept", os.O_WRONLY | os.O_CREAT)


def write(handle: int, sync: DiskSync) -> None:
    os.write(handle, b"a")
    sync.ask()


def test_one_sync_is_for_all_that_was_written_during_the_one_before(
    handle: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, sync = Disk(monkeypatch), DiskSync(handle)
    write(handle, sync)
    assert disk.began.wait(NEVER_SECONDS)
    for _ in range(100):
        write(handle, sync)  # and does not wait
    disk.may_end.set()
    sync.finish()
    assert disk.synced == [1, 101]


def test_whatever_is_written_when_has_been_synced_in_the_end(handle: int, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, sync = Disk(monkeypatch), DiskSync(handle)
    disk.may_end.set()
    for _ in range(2_000):
        write(handle, sync)
    sync.finish()
    assert disk.synced[-1] == 2_000


def test_nothing_asked_for_is_nothing_synced(handle: int, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, sync = Disk(monkeypatch), DiskSync(handle)
    sync.finish()
    sync.finish()
    assert disk.synced == []


def test_a_sync_that_failed_is_told_to_all_who_come_after_it(handle: int, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Event()

    def full(_: int) -> None:
        failed.set()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    sync = DiskSync(handle)
    sync.ask()
    assert failed.wait(NEVER_SECONDS)
    with pytest.raises(OSError, match="No space left"):
        sync.finish()
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            sync.ask()
