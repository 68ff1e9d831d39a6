"""A short launch of a tiny project, signed: a red run, a run that was killed, a green one; and a forger's tools."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from readiness.__main__ import main
from readiness.evidence import journal, ledger
from readiness.evidence.signing import FILE_VARIABLE, Signer, signer_of
from readiness.files.canonical_json import to_json
from tests.plugin.project import Project, Ran, line

DIES = "import os\n\ndef pytest_runtest_teardown():\n    os._exit(0)\n"


def new_key(folder: Path, name: str, environments: Path | None = None) -> Path:
    """Make a key as a person does; its public half is trusted by the project in that folder."""
    path = folder / f"{name}.key"
    assert main(["key", name, "--out", str(path), "--environments", str(environments or folder / "environments")]) == 0
    return path


def signer(path: Path) -> Signer:
    found = signer_of({FILE_VARIABLE: str(path)})
    assert found
    return found


@dataclass
class Launch:
    """The project and its evidence."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "reports" / "tiny"

    @property
    def book(self) -> Path:
        return self.home / ledger.FILE

    def runs(self) -> list[Path]:
        return sorted(path.parent for path in self.home.glob("*/journal.jsonl"))

    def copy(self, folder: Path) -> Launch:
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Launch(folder)

    def verify(self, *words: str) -> int:
        places = ["--reports", str(self.folder / "reports"), "--environments", str(self.folder / "environments")]
        return main(["verify", *words, *places])

    def sign_off(self) -> int:
        """Render the page that approvers sign."""
        places = ["--reports", str(self.folder / "reports"), "--environments", str(self.folder / "environments")]
        return main(["sign-off", "--env", "tiny", *places])

    def edit_journal(self, run: Path, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
        """Change records, or drop them, and make the chain fit again."""
        path = run / journal.FILE
        kept = [change(json.loads(text)) for text in path.read_bytes().splitlines()]
        prev, lines = journal.FIRST, []
        for seq, record in enumerate(one for one in kept if one is not None):
            lines.append(to_json({**record, "seq": seq, "prev": prev}).encode() + b"\n")
            prev = hashlib.sha256(lines[-1]).hexdigest()
        path.write_bytes(b"".join(lines))

    def turn_green(self, run: Path) -> None:
        """Make a red run look green, as one would who knows the journal well."""

        def green(record: dict[str, Any]) -> dict[str, Any] | None:
            if record["record"] == "result" and record["outcome"] == "fail":
                taken = [{**one, "value": 0.1, "ok": True} for one in record["measurements"]]
                return {**record, "outcome": "pass", "measurements": taken, "reason": "", "remedy": ""}
            if record["record"] == "finish":
                return {**record, "verdict": "GO", "exit": 0, "counts": {"pass": 2}, "holding": []}
            return record

        self.edit_journal(run, green)

    def lower(self, run: Path) -> None:
        """Lower every figure of a run, and make the chain fit again."""

        def lowered(record: dict[str, Any]) -> dict[str, Any]:
            taken = [{**one, "value": 0.1} for one in record.get("measurements", ())]
            return {**record, "measurements": taken} if taken else record

        self.edit_journal(run, lowered)

    def seal_again(self, run: Path, key: Signer | None, facts: Mapping[str, Any]) -> None:
        """Replace the last entry, which is that of this run, by another one."""
        lines = self.book.read_bytes().splitlines(keepends=True)
        self.book.write_bytes(b"".join(lines[:-1]))
        ledger.Ledger(self.home, key).seal(run, **facts)

    def facts(self, run: Path) -> dict[str, Any]:
        """Give what the seal of a run says of it."""
        entry = ledger.read(self.book, {}).runs[run.name].entry
        return entry.model_dump(mode="json", exclude={"entry", "prev", "at", "env", "run"})


def make(folder: Path) -> Launch:
    """Take the launch through its three runs."""
    project = Project(folder)
    key = new_key(folder, "ci")
    before = os.environ.get(FILE_VARIABLE)
    os.environ[FILE_VARIABLE] = str(key)
    try:
        judged(project, "0.9", 1)
        conftest = (folder / "conftest.py").read_text("utf-8")
        project.write("conftest.py", conftest + DIES)
        judged(project, "0.9", 0)
        project.write("conftest.py", conftest)
        judged(project, "0.5", 0)
    finally:
        os.environ.pop(FILE_VARIABLE)
        if before is not None:
            os.environ[FILE_VARIABLE] = before
    return Launch(folder)


def judged(project: Project, figure: str, wanted: int, limit: float = 0.7) -> Ran:
    """Run preflight once, with this figure and this limit."""
    project.write("figure.txt", figure)
    project.runbook(line("one", {"demo.figure": {"share_below": limit}}), line("two", {"demo.named": {"name": "a"}}))
    ran = project.preflight()
    assert ran.exit == wanted, ran.out
    return ran
