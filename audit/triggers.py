"""Append-only tables: the database itself refuses to change or remove what was written.

`AppendOnly("sharing_planversion")` in a migration installs the triggers, on SQLite and on
PostgreSQL alike; `protect` in an app's `ready` says that they belong there, and `missing()`
says which of them are gone.
"""

from typing import Any

from django.db import connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation

_protected: set[str] = set()


def protect(*tables: str) -> None:
    """Say that these tables must have their triggers, so that `missing()` can tell."""
    _protected.update(tables)


REFUSE = """
CREATE OR REPLACE FUNCTION baton_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$
"""


class AppendOnly(Operation):
    """A migration operation. `allow` names columns that may change as long as nothing else does."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, table: str, allow: tuple[str, ...] = ()) -> None:
        self.table = table
        self.allow = allow

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.table, self.allow], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models do not change."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        statements = _postgres if schema_editor.connection.vendor == "postgresql" else _sqlite
        for statement in statements(self.table, self._guarded(schema_editor)):
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

    def _guarded(self, schema_editor: BaseDatabaseSchemaEditor) -> list[str]:
        """The columns that may not change; none when all of them may not."""
        if not self.allow:
            return []
        inspect = schema_editor.connection.introspection
        with schema_editor.connection.cursor() as cursor:
            columns = [c.name for c in inspect.get_table_description(cursor, self.table)]
        return [column for column in columns if column not in self.allow]


def names(table: str, vendor: str) -> list[str]:
    kinds = ["update", "delete"] + (["truncate"] if vendor == "postgresql" else [])
    return [f"{table}_no_{kind}" for kind in kinds]


def _sqlite(table: str, guarded: list[str]) -> list[str]:
    of = f" OF {', '.join(guarded)}" if guarded else ""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE{of} ON {table} {refuse}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
    ]


def _postgres(table: str, guarded: list[str]) -> list[str]:
    changed = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in guarded)
    when = f" WHEN ({changed})" if changed else ""
    run = "EXECUTE FUNCTION baton_refuse_change()"
    return [
        REFUSE,
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW{when} {run}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW {run}",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} {run}",
    ]


def missing() -> list[str]:
    """The triggers that should be there and are not: somebody took them off."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        there = {row[0] for row in cursor.fetchall()}
    wanted = [name for table in sorted(_protected) for name in names(table, connection.vendor)]
    return [name for name in wanted if name not in there]
