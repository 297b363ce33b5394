"""Append-only tables: the database itself refuses to change or remove what was written.

`AppendOnly("sharing_planversion")` in a migration installs the triggers, on SQLite and on
PostgreSQL alike; `protect` in an app's `ready` says that they belong there, and `missing()`
says which of them are gone or do something else today.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation

FUNCTION = "baton_refuse_change"
ONCE = "?"  # before the name of a column that may be set where nothing is set yet
# PostgreSQL. The trigger's arguments are the columns that may change while nothing else does.
REFUSAL = """
DECLARE
  free text[];
BEGIN
  IF TG_OP = 'UPDATE' AND TG_NARGS > 0 THEN
    SELECT array_agg(ltrim(arg, '?')) INTO free FROM unnest(TG_ARGV) AS arg
     WHERE arg NOT LIKE '?%' OR to_jsonb(OLD) -> ltrim(arg, '?') = 'null'::jsonb;
    IF to_jsonb(OLD) - coalesce(free, '{}') = to_jsonb(NEW) - coalesce(free, '{}') THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
"""
ROW, BEFORE, DELETE, UPDATE, TRUNCATE = 1, 2, 8, 16, 32  # the bits of pg_trigger.tgtype
KINDS = {
    "update": ROW | BEFORE | UPDATE,
    "delete": ROW | BEFORE | DELETE,
    "truncate": BEFORE | TRUNCATE,
}

_protected: dict[str, tuple[str, ...]] = {}


def protect(*tables: str, allow_update: Sequence[str] = (), set_once: Sequence[str] = ()) -> None:
    """Say that these tables must have their triggers, so that `missing()` can tell."""
    _protected.update(dict.fromkeys(tables, _allowed(allow_update, set_once)))


class AppendOnly(Operation):
    """A migration operation. Columns in `allow_update` may change if nothing else does; those in
    `set_once` while they are null.
    """

    reversible = True
    reduces_to_sql = True

    def __init__(
        self, table: str, allow_update: Sequence[str] = (), set_once: Sequence[str] = ()
    ) -> None:
        self.table = table
        self.allow_update = tuple(allow_update)
        self.set_once = tuple(set_once)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        given = {"allow_update": self.allow_update, "set_once": self.set_once}
        return type(self).__name__, [self.table], {name: of for name, of in given.items() if of}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models do not change."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        allowed = _allowed(self.allow_update, self.set_once)
        for statement in _install(schema_editor.connection, self.table, allowed):
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        on = f" ON {self.table}" if schema_editor.connection.vendor == "postgresql" else ""
        for name in names(self.table, schema_editor.connection.vendor):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}{on}", params=None)

    def describe(self) -> str:
        return f"Refuse changes to {self.table}"


def names(table: str, vendor: str) -> list[str]:
    return [_name(table, kind) for kind in KINDS if vendor == "postgresql" or kind != "truncate"]


def missing() -> list[str]:
    """The triggers that should be there and are not as they were made: somebody was at them."""
    server = connection.vendor == "postgresql"
    wanted = _wanted_on_server() if server else _wanted_in_file(connection)
    found = _found_on_server(connection) if server else _found_in_file(connection)
    return [name for name, made in wanted if found.get(name) != made]


def _allowed(allow_update: Sequence[str], set_once: Sequence[str]) -> tuple[str, ...]:
    return (*allow_update, *(f"{ONCE}{name}" for name in set_once))


def _name(table: str, kind: str) -> str:
    return f"{table}_no_{kind}"


def _install(database: BaseDatabaseWrapper, table: str, allowed: Sequence[str]) -> Iterable[str]:
    if database.vendor == "postgresql":
        return _postgres(table, allowed)
    return _sqlite(database, table, allowed).values()


# --- SQLite: a trigger is the text that made it ------------------------------------------------


def _sqlite(database: BaseDatabaseWrapper, table: str, allowed: Sequence[str]) -> dict[str, str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    update, delete = names(table, "sqlite")
    when = _changed(database, table, allowed) if allowed else ""
    return {
        update: f"CREATE TRIGGER {update} BEFORE UPDATE ON {table} {when}{refuse}",
        delete: f"CREATE TRIGGER {delete} BEFORE DELETE ON {table} {refuse}",
    }


def _changed(database: BaseDatabaseWrapper, table: str, allowed: Sequence[str]) -> str:
    """A condition over every column that may not change: those that the table has today."""
    with database.cursor() as cursor:
        described = database.introspection.get_table_description(cursor, table)
    columns = [column.name for column in described if column.name not in allowed]
    differs = (_differs(name, once=f"{ONCE}{name}" in allowed) for name in columns)
    return f"WHEN {' OR '.join(differs)} "


def _differs(name: str, *, once: bool) -> str:
    differs = f'OLD."{name}" IS NOT NEW."{name}"'
    return f'(OLD."{name}" IS NOT NULL AND {differs})' if once else differs


def _wanted_in_file(database: BaseDatabaseWrapper) -> Iterable[tuple[str, Any]]:
    for table, allowed in sorted(_protected.items()):
        yield from _sqlite(database, table, allowed).items()


def _found_in_file(database: BaseDatabaseWrapper) -> dict[str, Any]:
    with database.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        return dict(cursor.fetchall())


# --- PostgreSQL: a trigger is a row, and a function whose source counts as well ----------------


def _postgres(table: str, allowed: Sequence[str]) -> list[str]:
    made = f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql"
    run = f"EXECUTE FUNCTION {FUNCTION}"
    keep = ", ".join(f"'{name}'" for name in allowed)
    update, delete, truncate = names(table, "postgresql")
    return [
        f"{made} AS $${REFUSAL}$$",
        f"CREATE TRIGGER {update} BEFORE UPDATE ON {table} FOR EACH ROW {run}({keep})",
        f"CREATE TRIGGER {delete} BEFORE DELETE ON {table} FOR EACH ROW {run}()",
        f"CREATE TRIGGER {truncate} BEFORE TRUNCATE ON {table} {run}()",
    ]


def _wanted_on_server() -> Iterable[tuple[str, Any]]:
    for table, allowed in sorted(_protected.items()):
        for kind, bits in KINDS.items():
            keep = "".join(f"{name}\0" for name in allowed) if kind == "update" else ""
            yield _name(table, kind), (table, bits, keep.encode(), False, REFUSAL)


def _found_on_server(database: BaseDatabaseWrapper) -> dict[str, Any]:
    query = """
        SELECT t.tgname, c.relname, t.tgtype, t.tgargs, t.tgqual IS NOT NULL, p.prosrc
          FROM pg_trigger t
          JOIN pg_class c ON c.oid = t.tgrelid
          JOIN pg_proc p ON p.oid = t.tgfoid
         WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
    """
    with database.cursor() as cursor:
        cursor.execute(query)
        return {row[0]: (*row[1:3], bytes(row[3]), *row[4:]) for row in cursor.fetchall()}
