"""What a role may do by a query alone that no rollback undoes: on production such a role is not asked with.

A read-only transaction keeps a role from writing rows, whatever it has been granted. It does not keep a superuser from
the files of the server, nor a role with REPLICATION from a slot that fills the disk: those are functions, which any
`select` calls. Bypassing row security and creating roles are no part of it: the one only reads, the other writes rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from readiness.outcomes import Unknown
from readiness.redaction.shown import shown

NAME_SHOWN = 63
POWERS = {
    "pg_signal_backend": "ends the sessions of others",
    "pg_read_server_files": "reads the server's files",
    "pg_write_server_files": "writes the server's files",
    "pg_execute_server_program": "runs programs on the server",
}
"""PostgreSQL's own roles ("Predefined Roles") and what their members do by a function; an older server lacks some."""
GRANT = "create role probe login; grant pg_monitor, pg_read_all_data to probe"

# Both users: a query of the session may change from the one to the other.
QUESTION = f"""
select r.rolname, r.rolsuper, r.rolreplication,
  array(select p.rolname::text from pg_catalog.pg_roles p
    where p.rolname = any (array[{", ".join(f"'{name}'" for name in POWERS)}])
    and pg_catalog.pg_has_role(r.oid, p.oid, 'member'))
from pg_catalog.pg_roles r where r.rolname in (session_user, current_user)
"""  # noqa: S608  our own words


@dataclass(frozen=True)
class RoleSeen:
    """A role as the server describes it."""

    name: str
    is_superuser: bool
    is_replication: bool
    member_of: list[str]

    def powers(self) -> Iterator[str]:
        """Yield what it may do by a query, in words behind its name."""
        if self.is_superuser:
            yield "is a superuser"
            return
        if self.is_replication:
            yield "may make replication slots (REPLICATION)"
        for role in self.member_of:
            yield f"{POWERS[role]} ({role})"


def require_reading_only(roles: Collection[RoleSeen], accepted: Collection[str], section: str) -> None:
    """Raise Unknown where a role may do more than read and the environment does not accept that by its name."""
    if not roles:
        raise Unknown(
            f"what the role of {section}.url may do cannot be seen, and this is production",
            f"does something other than PostgreSQL answer? give it PostgreSQL itself, and a role of its own: {GRANT}",
        )

    for role in roles:
        powers = list(role.powers())
        if powers and role.name not in accepted:
            name = shown(role.name, NAME_SHOWN)
            raise Unknown(
                f"the role {name} of {section}.url {', '.join(powers)}: no rollback undoes what its queries may do,"
                " and this is production",
                f"ask by a role that only reads: {GRANT}; or accept it in the environment file:"
                f" postgres.powerful_roles: [{name}]",
            )
