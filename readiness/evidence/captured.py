"""What is saved of an incident before anybody changes anything: a folder of its own, whole files, nothing replaced."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from readiness.errors import BadInput
from readiness.files.atomic_write import write_whole
from readiness.files.canonical_json import JsonObject
from readiness.redaction.redactor import REDACTOR
from readiness.redaction.shown import printable

FOLDER = "incidents"
ROWS_AT_MOST = 1_000
CELL_AT_MOST = 2_000
"""Characters of one value in a file of rows."""
TRIES = 100
_SUFFIX = {"sql": "sql", "promql": "promql"}
_FORMULA = re.compile(r"""((?:^|;)[\s"']*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b])""")
"""How what a spreadsheet takes for one begins, full-width signs too. In some countries a cell ends at a semicolon."""


def new_folder(home: Path, at: datetime) -> Path:
    """Return a new folder of this moment. Raises BadInput where none can be made."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        for number in range(TRIES):
            folder = home / f"{at:%Y%m%dT%H%M%SZ}{f'-{number}' if number else ''}"
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise BadInput([f"what is captured cannot be saved in {home}: {error.strerror or error}"]) from None
    raise BadInput([f"what is captured cannot be saved in {home}: {TRIES} folders of this second lie there"])


def save_rows(folder: Path, name: str, kind: str, query: str, rows: Sequence[JsonObject]) -> str:
    """Write rows as JSON and as CSV, and the query beside them; return how many. Raises OSError."""
    kept = [_masked(row) for row in rows[:ROWS_AT_MOST]]
    write_whole(folder / f"{name}.{_SUFFIX.get(kind, 'txt')}", f"{REDACTOR.text(query).strip()}\n")
    write_whole(folder / f"{name}.json", json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    write_whole(folder / f"{name}.csv", _csv(kept))
    if len(rows) > ROWS_AT_MOST:
        return f"the first {ROWS_AT_MOST:,} of {len(rows):,} rows"
    return f"{len(rows):,} rows"


def save_text(folder: Path, name: str, text: str) -> None:
    """Write a text, masked. Raises OSError."""
    write_whole(folder / name, REDACTOR.text(text))


def _masked(row: JsonObject) -> JsonObject:
    """Return a row without secrets, its texts cut and without what moves a cursor."""
    masked = REDACTOR.plain(row)
    assert isinstance(masked, dict)  # of a mapping it makes one
    return {printable(str(name)): _cell(value) for name, value in masked.items()}


def _cell(value: object) -> object:
    if isinstance(value, dict):
        return {printable(str(name)): _cell(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_cell(part) for part in value]
    if not isinstance(value, str):
        return value
    return printable(value if len(value) <= CELL_AT_MOST else f"{value[:CELL_AT_MOST]}…")


def _csv(rows: Sequence[JsonObject]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_harmless, columns))
    writer.writerows([_harmless(row.get(name)) for name in columns] for row in rows)
    return text.getvalue()


def _harmless(value: object) -> object:
    """Return a value as a spreadsheet takes it for text: a formula that somebody uploaded would be run."""
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    return _FORMULA.sub(r"\1'", value) if isinstance(value, str) else value
