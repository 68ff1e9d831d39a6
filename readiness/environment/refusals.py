"""Why a new run would refuse an environment, as far as its files say: what rests on variables cannot be known here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from readiness.config.documents import read
from readiness.config.fields import stated_addresses
from readiness.environment.normal_form import normal_form
from readiness.environment.schema import Environment, host_of, load
from readiness.environment.stated import HOSTS
from readiness.errors import BadEnvironment, meant, not_one_of
from readiness.runbook.lines import Runbook
from readiness.runbook.overrides import overrides_of, unexplained
from readiness.verdict import DECIDING


def refusals(name: str, folder: Path, runbooks: Sequence[Runbook], variables: Mapping[str, str]) -> list[str]:
    """Return what keeps every new run from beginning, whatever the variables say and wherever it runs.

    Where the evidence is verified the secrets need not be set: that one is missing, or says something that is wrong, is
    no fault of the file.
    """
    try:
        environment = load(name, folder, variables)
    except BadEnvironment as error:
        return error.of_file or list(_unlisted_hosts(folder / f"{name}.yaml"))
    return [*unknown_names(environment, runbooks), *_unexplained(environment, runbooks)]


def _unexplained(environment: Environment, runbooks: Sequence[Runbook]) -> Iterator[str]:
    """Yield each limit of a deciding line in production that is looser than the line's own and says no word why."""
    if not environment.production:
        return
    for item in (item for book in runbooks for item in book.items()):
        if item.line.overlaid and item.line.gate in DECIDING:
            yield from unexplained(item, overrides_of(item, datetime.now(UTC)))


def _unlisted_hosts(path: Path) -> Iterator[str]:
    """Yield each host that an environment's file itself names and does not list: no variable changes that."""
    document = read(path)
    listed = normal_form(HOSTS, document.data.get(HOSTS))
    # What a variable lists may be that host.
    if not isinstance(listed, list) or any("${" in host for host in listed):
        return
    for loc, address in stated_addresses(document.data):
        host = host_of(address)
        if host not in listed:
            key = ".".join(map(str, loc))
            yield f"{document.where(loc)}: {key}: host {not_one_of(host, listed)}, see allowed_hosts"


def unknown_names(environment: Environment, runbooks: Sequence[Runbook]) -> Iterator[str]:
    """Yield what the environment says of lines and checks that no runbook has."""
    # Of a runbook that could not be read nobody knows what it has.
    if len(runbooks) < len(environment.runbooks):
        return

    file = f"{environment.environment}.yaml"
    lines = [f"{book.runbook}/{line.id}" for book in runbooks for line in book.lines]
    for key in environment.not_applicable:
        if key not in lines:
            yield f"{file}: not_applicable: {meant(key, lines)}"

    yield from _unknown_declared(environment, runbooks)
    lines_of_check: dict[str, set[str]] = {}
    for book in runbooks:
        for item in book.items():
            lines_of_check.setdefault(item.check, set()).add(item.line_id)

    for name, level in environment.service_levels.items():
        source = level.history
        if source is None:
            continue
        place = f"{file}: service_levels.{name}.history"
        if source.check not in lines_of_check:
            yield f"{place}.check: {meant(source.check, lines_of_check)}: no line asks for it"
        elif source.line and source.line not in lines_of_check[source.check]:
            yield f"{place}.line: {not_one_of(source.line, lines_of_check[source.check])}"
    yield from unknown_tables(environment, runbooks)


def _unknown_declared(environment: Environment, runbooks: Sequence[Runbook]) -> Iterator[str]:
    """Yield each key that somebody answers for and that no line can rest on."""
    declarable = list(_declarable(environment, runbooks))
    for key in environment.declared:
        if key not in declarable:
            unknown = not_one_of(key, declarable).partition(" (known")[0]
            yield f"{environment.environment}.yaml: declared: {unknown}"


def _declarable(environment: Environment, runbooks: Sequence[Runbook]) -> Iterator[str]:
    """Yield the keys that somebody can answer for: what a line may rest on without that anything was asked."""
    if environment.team:
        yield "team"
    if environment.links:
        yield "links"
    yield from (f"links.{name}" for name in environment.links)
    own = (name for book in runbooks for name in book.readings)
    yield from dict.fromkeys(f"readings.{name}" for name in (*environment.readings, *own))
    for name, level in environment.service_levels.items():
        yield f"service_levels.{name}"
        yield from (f"service_levels.{name}.{figure}" for figure, _ in level.figures())


def unknown_tables(environment: Environment, runbooks: Iterable[Runbook]) -> Iterator[str]:
    """Yield the tables and columns of the environment that no runbook names in a change by hand."""
    columns: dict[str, set[str]] = {}
    for repair in (repair for book in runbooks if book.incident for repair in book.incident.repairs):
        for table, named in repair.columns.items():
            columns.setdefault(table, set()).update(named)

    file = f"{environment.environment}.yaml"
    for table, here in environment.tables.items():
        if table not in columns:
            yield f"{file}: tables: {not_one_of(table, columns)}"
            continue
        for column in {**here.columns, **here.values}:
            if column not in columns[table]:
                yield f"{file}: tables.{table}: column {not_one_of(column, columns[table])}"
