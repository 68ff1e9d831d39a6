"""How a value was come by: asked of a system, or stated by whoever wrote it down. A stated value is no measurement.

Stated is what stands in the environment file, in a query that looks at nothing, in the words of a program that
only repeats them, or in a file under version control.
This tells whoever forgot to name a source. It is no proof against deceit: a page, a table or a file outside the
repository may hold what somebody typed into it, and nothing here can know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from readiness import provenance as come_by
from readiness.clients.postgres import Postgres
from readiness.clients.programs import shown_command
from readiness.config.repository import is_tracked
from readiness.config.sqlite_tables import names_no_table
from readiness.environment.commands import ByCommand
from readiness.environment.posts import ByHttp
from readiness.environment.schema import Reading
from readiness.environment.service_levels import Figure
from readiness.files.read_from import in_project
from readiness.provenance import Declared
from readiness.redaction.shown import shown
from readiness.sources.constant_sql import ConstantSql
from readiness.sources.repeating_programs import only_repeats, printed_files
from readiness.transport.shown_body import shown_query

Note = Callable[[str], None]
"""Takes what the look under way rests on without having measured it."""
_NO_TABLE = ": its SQL reads no table"
_NO_D1_TABLE = ": its D1 statement reads no table"
_ONLY_REPEATS = ": its program only repeats its words"
_NO_SERIES = ": its PromQL names no series"


class Provenance:
    """Tells of the sources of one environment which are stated."""

    def __init__(self, environment: str, postgres: Postgres, tell: Note) -> None:
        self._file = f"{environment}.yaml"
        self._sql = ConstantSql(postgres)
        self._tell = tell

    def tell_of(self, name: str, source: Reading, file: str = "") -> None:
        """Note that the look rests on a reading that is stated; on any other nothing. No `file`: the environment's."""
        place = file or self._file
        for declared in declared_ahead(name, source, place):
            self._keep(declared, source.file)
        if source.sql is not None and self._sql.is_constant(source.sql):
            self._keep(Declared(_key(name), place, _NO_TABLE, shown(source.sql)))

    def _keep(self, declared: Declared, file: Path | None = None) -> None:
        """Note what was only declared, in place of the file or the answer that it was repeated by."""
        self._tell(str(declared))
        read = in_project(file) if file else ""

        def is_repeated(earlier: come_by.Provenance) -> bool:
            is_answer = bool(declared.query) and come_by.is_answer_to(earlier, declared.query)
            return is_answer or (bool(read) and come_by.is_of(earlier, read))

        come_by.note(declared, instead_of=is_repeated)

    def declared_ahead(self, name: str, source: Reading, file: str = "") -> Iterator[Declared]:
        """Yield what of a reading is only declared, as far as its source says so before anything is asked."""
        yield from declared_ahead(name, source, file or self._file)

    def tell_of_figure(self, key: str, figure: Figure, query: str, parameters: tuple[object, ...] = ()) -> None:
        """Note that the look rests on a figure of a service level that is stated; on any other nothing."""
        if figure.promql is not None and is_constant_promql(query):
            self._keep(Declared(key, self._file, _NO_SERIES, shown(query)))
        if figure.sql is not None and self._sql.is_constant(query, *parameters):
            self._keep(Declared(key, self._file, _NO_TABLE, shown(query)))
        for declared in _declared_by_post(key, figure, self._file):
            self._keep(declared)


def declared_ahead(name: str, source: Reading, file: str) -> Iterator[Declared]:
    """Yield what of a reading is only declared, before anything is asked; `file` holds the source."""
    key = _key(name)
    if source.value is not None:
        yield Declared(key, file)
    versioned = how_versioned(source.file) if source.file else ""
    if source.file is not None and versioned:
        yield Declared(key, source.file.name, versioned)
    if source.command is not None:
        yield from _declared_by_program(key, source, file)
    if source.promql is not None and is_constant_promql(source.promql):
        yield Declared(key, file, _NO_SERIES, shown(source.promql))
    yield from _declared_by_post(key, source, file)


def _declared_by_post(key: str, source: ByHttp, file: str) -> Iterator[Declared]:
    """Yield what a statement for D1 only repeats: it reads no table."""
    if is_constant_post(source) and source.post and source.post.d1:
        yield Declared(key, file, _NO_D1_TABLE, shown_query(source.post.d1))


def _declared_by_program(key: str, source: ByCommand, file: str) -> Iterator[Declared]:
    """Yield what a program only repeats: its own words, or files that are all under version control."""
    command = source.command or ()
    if only_repeats(command, source.env):
        yield Declared(key, file, _ONLY_REPEATS, shown_command(command))

    files = printed_files(command, source.env)
    versioned = [how_versioned(printed) for printed in files]
    if files and all(versioned):
        how = next((how for how in versioned if how == come_by.IN_A_REPOSITORY), come_by.UNDER_VERSION_CONTROL)
        yield Declared(key, ", ".join(printed.name for printed in files), how, shown_command(command))


def how_versioned(file: Path) -> str:
    """Return how a file is known to be under version control, as part of a sentence; empty where it is not."""
    is_known = is_tracked(file)
    if is_known is None:
        return come_by.IN_A_REPOSITORY
    return come_by.UNDER_VERSION_CONTROL if is_known else ""


def _key(name: str) -> str:
    """Return where the source of a reading stands in the environment file."""
    return name if "." in name else f"readings.{name}"


def is_constant_promql(query: str) -> bool:
    """Check whether a query names no series: what it answers stands in the query itself, or is the time.

    >>> is_constant_promql("vector(0.34)"), is_constant_promql("sum(up)")
    (True, False)
    """
    import promql_parser  # noqa: PLC0415  slow to load: who asks pays

    parts: list[promql_parser.Expr] = []
    try:
        promql_parser.walk(promql_parser.parse(query), parts.append)
    except ValueError:  # the server will say what is wrong with it
        return False
    return not any(isinstance(part, promql_parser.VectorSelector | promql_parser.MatrixSelector) for part in parts)


def is_constant_post(source: ByHttp) -> bool:
    """Check whether what is sent looks at nothing of the database that it is sent to."""
    return source.post is not None and source.post.d1 is not None and names_no_table(source.post.d1)
