"""What Prometheus remembers when the sandbox starts: a past that every sandbox has, and what was since.

The past is the same for all, so that its block is made once and kept; what a fault changes is in the little that was
since.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import IO

from readiness.files.archives import unpack
from readiness.sandbox import front as fronts
from readiness.sandbox import kept
from readiness.sandbox.absent import broken, last_line, program
from readiness.sandbox.front import Front

BLOCKS = "blocks"
"""The folder of Prometheus's own files."""
ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""The letters of a block's name."""


def remember(folder: Path, front: Front, seconds: float) -> None:
    """Write two weeks of history for a Prometheus; `promtool` may take so long for each. Raises ServerFailed."""
    blocks = folder / BLOCKS
    blocks.mkdir(exist_ok=True)
    _remember_the_past(blocks, front.past_ends, seconds)
    _make_block(front.history(time.time()), blocks, seconds)


def _remember_the_past(blocks: Path, ends: float, seconds: float) -> None:
    """Put the block in place that every sandbox has; it is made once. Raises ServerFailed."""
    promtool = Path(program("promtool"))
    made_of = [kept.version(path) for path in (promtool, Path(__file__), Path(fronts.__file__))]
    packed = kept.place("past", made_of, ends)
    try:
        with kept.opened(packed) as file, tarfile.open(fileobj=file) as archive:
            unpack(archive, blocks)
        for block in blocks.iterdir():
            _rename(block)
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError):  # there is none that can be used
        for block in blocks.iterdir():
            shutil.rmtree(block)
        _make_block(fronts.past(ends), blocks, seconds)
        if any(blocks.iterdir()):
            kept.keep(packed, partial(_pack, blocks))


def _rename(block: Path) -> None:
    """Give a block a name of its own: a Prometheus takes one with a name that it knows for the one that it has."""
    file = block / "meta.json"
    meta = json.loads(file.read_text(encoding="utf-8"))
    meta["ulid"] = "01" + "".join(secrets.choice(ULID) for _ in range(24))
    meta["compaction"]["sources"] = [meta["ulid"]]
    file.write_text(json.dumps(meta), encoding="utf-8")
    block.rename(block.with_name(meta["ulid"]))


def _pack(blocks: Path, file: IO[bytes]) -> None:
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.add(blocks, ".")


def _make_block(lines: Iterable[str], blocks: Path, seconds: float) -> None:
    """Make a block of what is written in the OpenMetrics format. Raises ServerFailed."""
    text = blocks.parent / "history.txt"
    with text.open("w", encoding="utf-8") as file:
        file.writelines(lines)
    try:
        made = subprocess.run(  # noqa: S603  a tool of the machine, our own words
            # One block, not one for every two hours: the file is read once for each.
            [
                *(program("promtool"), "tsdb", "create-blocks-from", "openmetrics"),
                *("--max-block-duration=39366h", "--quiet", str(text), str(blocks)),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise broken("promtool", f"it did not take the history within {seconds:g} seconds") from None
    except OSError as error:
        raise broken("promtool", str(error.strerror)) from None
    finally:
        text.unlink()
    if made.returncode:
        raise broken("promtool", f"it ended with {made.returncode}: {last_line(made.stderr)}")
