"""What whoever is not signed in reads of the database: as the anonymous role, in a read-only transaction of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from readiness.clients.postgres import Postgres
from readiness.observations import observation
from readiness.outcomes import Unknown
from readiness.transport.rows import Row

# A policy that lets all rows through is found by its words, too: of an empty table nobody reads any. A view shows what
# its owner may read, past the policies of its tables. What belongs to an extension, such as spatial_ref_sys of PostGIS,
# is no table of the service.
_TABLES = """
select n.nspname || '.' || c.relname as name, c.relname as short, format('%%I.%%I', n.nspname, c.relname) as place,
  pg_has_role(current_user, r.oid, 'member') as may_act,
  has_schema_privilege(r.oid, n.oid, 'usage') and (
    has_table_privilege(r.oid, c.oid, 'select') or has_any_column_privilege(r.oid, c.oid, 'select')) as is_granted,
  c.relrowsecurity and exists (
    select from pg_policy p where p.polrelid = c.oid and p.polpermissive and p.polcmd in ('r', '*')
      and (p.polroles @> array[0::oid] or p.polroles @> array[r.oid]) and pg_get_expr(p.polqual, p.polrelid) = 'true'
  ) and not exists (select from pg_policy p where p.polrelid = c.oid and not p.polpermissive) as lets_all
from pg_roles r, pg_class c join pg_namespace n on n.oid = c.relnamespace
where r.rolname = %s and c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname = any(%s) and not exists (
  select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e') order by 1"""


@dataclass(frozen=True)
class OpenTables:
    """The tables and views whose rows whoever is not signed in reads; `role` is None where nobody says who that is."""

    role: str | None
    readable: list[str] = field(default_factory=list)
    unseen: str = ""
    """Why some could not be tried; empty where all were."""

    def beyond(self, allowed: Collection[str]) -> list[str]:
        """Return those that are not meant for everybody. Raises Unknown where there is none, and not all were tried."""
        readable = [name for name in self.readable if name not in allowed]
        if not readable and self.unseen:
            raise Unknown(self.unseen, "grant the anonymous role to the probe's: grant anon to probe; or look by hand")
        return readable


@observation
def open_tables(postgres: Postgres) -> OpenTables:
    """Return the tables and views that the anonymous role reads: one row of each that it is granted is asked for."""
    role = postgres.anonymous_role
    if role is None:
        return OpenTables(None)
    tables = postgres.rows(_TABLES, role, list(postgres.schemas))
    if not tables:
        return OpenTables(role, unseen=f"there is no role {role}, or no table: postgres.anonymous_role")

    readable, unseen = [], []
    for table in tables:
        if not table["is_granted"]:
            continue
        # What a policy says in its words is known, whatever the probe may try.
        if table["lets_all"]:
            readable.append(str(table["short"]))
        elif not table["may_act"]:
            unseen.append(f"the probe's role may not act as {role}")
        elif _reads(postgres, role, table, unseen):
            readable.append(str(table["short"]))
    return OpenTables(role, readable, unseen[0] if unseen else "")


def _reads(postgres: Postgres, role: str, table: Row, unseen: list[str]) -> bool:
    """Check whether the role reads a row of a table; why that cannot be tried goes among the `unseen`."""
    try:
        (row,) = postgres.rows_as(role, f"select exists (select from {table['place']}) as is_readable")  # noqa: S608  quoted by the server
    except Unknown as unknown:
        unseen.append(f"{table['name']} as {role}: {unknown.reason}")
        return False
    return row["is_readable"] is True
