"""Archives of tar: unpacked into a folder, with any Python that we run on."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from pathlib import Path


def unpack(archive: tarfile.TarFile, into: Path, members: Iterable[tarfile.TarInfo] | None = None) -> None:
    """Unpack an archive of ours, or one whose digest was right and whose members are plain, into a folder.

    Raises tarfile.TarError, OSError.
    """
    if hasattr(tarfile, "data_filter"):
        archive.extractall(into, members, filter="data")
    else:  # Python before 3.11.4, such as Debian 12's
        archive.extractall(into, members)  # noqa: S202  see above: whoever calls knows its members
