"""The rows of an uploaded file: how they are read, and what makes one valid."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from datetime import date

COLUMNS = ["day", "campaign", "impressions", "clicks", "spend"]
SURPLUS = "surplus"
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
COUNT_AT_MOST = 2_147_483_647  # an integer column
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # narrower than date.fromisoformat, which takes week dates
_COUNT = re.compile(r"[0-9]{1,10}")  # narrower than str.isdecimal, which takes all the world's digits
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")  # fits numeric(12, 2)


def read_rows(content: bytes) -> list[dict[str, object]]:
    """Read a CSV file, with or without a byte order mark. Raises ValueError where it is none."""
    text = content.decode("utf-8-sig", "replace").replace("\0", UNREADABLE)  # jsonb takes no NUL
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey=SURPLUS)
    try:
        if reader.fieldnames != COLUMNS:
            raise ValueError(f"the header is not {','.join(COLUMNS)}")
        return [dict(row) for row in reader]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None


def fault_of(row: Mapping[str, object]) -> str:
    """Return what is wrong with a row; nothing where it is valid. What is valid here, the database takes."""
    cells = {column: str(row.get(column) or "") for column in COLUMNS}
    if SURPLUS in row:
        return f"more than {len(COLUMNS)} columns"
    if not _is_day(cells["day"]):
        return f"day is no date: {cells['day']}"
    if not cells["campaign"] or UNREADABLE in cells["campaign"]:
        return "campaign is empty or not UTF-8 text"
    for column in ("impressions", "clicks"):
        if not _COUNT.fullmatch(cells[column]) or int(cells[column]) > COUNT_AT_MOST:
            return f"{column} is no count: {cells[column]}"
    if not _AMOUNT.fullmatch(cells["spend"]):
        return f"spend is no amount: {cells['spend']}"
    return ""


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False
