"""Whether a statement of PostgreSQL looks at anything, by its plan and by what the catalogue says of its functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from readiness import provenance as come_by
from readiness.clients.postgres import Postgres

_READS_WITHOUT_A_PLAN = re.compile(r"\s*(?:show|explain)\b", re.IGNORECASE)
"""PostgreSQL explains neither."""
_TEXT = re.compile(r"'(?:[^']|'')*'")
_TYPE = re.compile(r"::(?:(?:character|bit) varying|[\w.]+)\([0-9,]+\)", re.ASCII)
_CALL = re.compile(r'("(?:[^"]|"")+"|\w+)\s*\(')
_OF_THE_SESSION = re.compile(r"\b(?:CURRENT_USER|SESSION_USER|USER|CURRENT_ROLE|CURRENT_CATALOG|CURRENT_SCHEMA)\b")
_READ = {"Relation Name", "Relations", "Index Name", "Tuplestore Name", "Custom Plan Provider"}
"""With one of these a node of a plan looks at something."""
_NO_EXPRESSION = {"Node Type", "Schema", "Alias", "Subplan Name", "CTE Name", "Function Name", "Table Function Name"}
_WORDS = """\
AND OR NOT IN ANY ALL SOME CASE WHEN THEN ELSE FROM FOR AS IS OVER FILTER WHERE BY WITHIN GROUP ROW ARRAY VALUES
BETWEEN SYMMETRIC LIKE ILIKE DISTINCT GROUPING COALESCE GREATEST LEAST NULLIF EXTRACT SUBSTRING OVERLAY PLACING POSITION
TRIM BOTH LEADING TRAILING NORMALIZE CURRENT_TIME CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP
XMLTABLE XMLELEMENT XMLFOREST XMLATTRIBUTES XMLCONCAT XMLPARSE XMLSERIALIZE PASSING PATH COLUMNS DEFAULT DOCUMENT
CONTENT JSON_TABLE JSON_OBJECT JSON_ARRAY JSON_VALUE JSON_QUERY JSON_EXISTS JSON_SCALAR JSON_SERIALIZE JSON
"""
"""What stands before a bracket of a plan and is no function; PostgreSQL writes it so, and a function never."""
_LISTED = """\
now clock_timestamp statement_timestamp transaction_timestamp timeofday age date_add date_subtract
random random_normal setseed gen_random_uuid uuidv4 uuidv7 pg_sleep set_config
extract date_part date_trunc timezone make_timestamptz to_char to_date to_timestamp to_number overlaps
date time timetz timestamp timestamptz money numeric length convert convert_from convert_to
concat concat_ws format quote_literal quote_nullable array_to_string array_to_json generate_series
to_json to_jsonb row_to_json json_agg jsonb_agg json_object_agg jsonb_object_agg json_build_array jsonb_build_array
json_build_object jsonb_build_object json_populate_record jsonb_populate_record json_populate_recordset
jsonb_populate_recordset json_to_record jsonb_to_record json_to_recordset jsonb_to_recordset jsonb_path_exists_tz
jsonb_path_match_tz jsonb_path_query_tz jsonb_path_query_array_tz jsonb_path_query_first_tz
"""
"""PostgreSQL's own that are not immutable, and tell nothing of a database: the clock's, chance, and what only forms."""
_SYNTAX, _LOOK_AT_NOTHING = frozenset(_WORDS.split()), _LISTED.split()
_OF_FUNCTIONS = """\
select proname::text as name from pg_catalog.pg_proc where proname::text = any(%s) group by proname
having bool_and(provolatile = 'i' or pronamespace = 'pg_catalog'::regnamespace and proname::text = any(%s))"""


class ConstantSql:
    """Tells which statements look at nothing; what the catalogue has said of a function is kept."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._looks: dict[str, bool] = {}

    def is_constant(self, sql: str, *parameters: object) -> bool:
        """Check by its plan whether a statement looks at nothing of the database. Raises Unknown."""
        if _READS_WITHOUT_A_PLAN.match(sql):
            return False
        with come_by.unnoted():
            plan = self._postgres.rows(f"explain (verbose, format json) {sql}", *parameters)
            parts = list(_parts(plan))
            if any(key in _READ for key, _ in parts):
                return False
            # Of what a plan says only the expressions can call a function, and their text constants none.
            expressions = [_TYPE.sub("", _TEXT.sub("''", text)) for key, text in parts if key not in _NO_EXPRESSION]
            if any(_OF_THE_SESSION.search(text) for text in expressions):
                return False
            return not self._any_looks(_calls(expressions))

    def _any_looks(self, functions: set[str]) -> bool:
        """Check whether one of these functions may look at something: the catalogue knows which are immutable."""
        unknown = sorted(functions - self._looks.keys())
        if unknown:
            rows = self._postgres.rows(_OF_FUNCTIONS, unknown, _LOOK_AT_NOTHING)
            blind = {row["name"] for row in rows}
            self._looks |= {name: name not in blind for name in unknown}
        return any(self._looks[name] for name in functions)


def _calls(expressions: list[str]) -> set[str]:
    """Return the names of the functions that are called, in any schema."""
    words = {word for text in expressions for word in _CALL.findall(text)} - _SYNTAX
    names = {word[1:-1].replace('""', '"') if word.startswith('"') else word for word in words}
    # What the statement itself has set it may read back: that is no setting of the server.
    return names - {"current_setting"} if "set_config" in names else names


def _parts(plan: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield all texts of a plan, each with its key."""
    if isinstance(plan, str):
        yield key, plan
    elif isinstance(plan, list):
        for item in plan:
            yield from _parts(item, key)
    elif isinstance(plan, dict):
        for name, item in plan.items():
            yield from _parts(item, name)
