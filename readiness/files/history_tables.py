"""The history of an environment as a SQLite file: where it lies and what its tables hold.

The evidence writes it after each run; a client reads it for the service levels of a team without a metrics server.
"""

from __future__ import annotations

from pathlib import Path

FILE = "history.sqlite"
"""In the folder of the environment: `reports/<env>/history.sqlite`."""
WAIT_SECONDS = 2.0
"""How long a reader waits for a run that is writing."""
TABLES = """
create table if not exists runs (
    run text primary key, phase text not null, started_at text not null, url text not null, revision text,
    verdict text not null, exit integer not null);
create table if not exists decisions (
    run text not null references runs, line text not null, check_id text not null, subject text not null,
    outcome text not null, step text, stands text, name text, value real, comparator text, limit_value real, unit text,
    primary key (run, line, check_id, subject));
create table if not exists measurements (
    run text not null references runs, line text not null, check_id text not null, subject text not null,
    number integer not null, name text not null, value real not null, unit text not null,
    primary key (run, line, check_id, subject, number));
create table if not exists bounds (
    run text not null references runs, line text not null, check_id text not null, subject text not null,
    number integer not null, name text not null, known text not null, unit text not null,
    primary key (run, line, check_id, subject, number));
"""
"""A decision holds its first measurement that is a number; `measurements` hold every one.

`bounds` say which of them are lower bounds, and where the other side refused a value. Older files have none.
"""


def address(path: Path) -> str:
    """Return the address under which SQLite opens the file for reading, and does not create it."""
    return f"{path.resolve().as_uri()}?mode=ro"
