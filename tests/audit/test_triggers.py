"""Append-only tables on both databases: what is refused, and that a lost trigger is noticed."""

from uuid import uuid4

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.migrations.state import ProjectState

from audit import triggers
from audit.append_only import AppendOnlyManager, AppendOnlyModel
from audit.log import audited_atomic
from audit.models import Entry
from audit.triggers import AppendOnly

pytestmark = pytest.mark.django_db(transaction=True)

POSTGRES = "connection.vendor == 'postgresql'"
SQLITE = "connection.vendor != 'postgresql'"
CHANGE = "UPDATE audit_notes SET"
REMADE = (
    "DROP TRIGGER audit_notes_no_update ON audit_notes; "
    "CREATE TRIGGER audit_notes_no_update BEFORE UPDATE ON audit_notes FOR EACH ROW"
)


def run(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def refused(sql, *params):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run(sql, *params)


@pytest.fixture
def entry():
    with audited_atomic() as log:
        log.record("route.made", plan=uuid4())
    return Entry.objects.get()


@pytest.fixture
def notes(monkeypatch):
    """A table of its own, protected except for the time at which it was read."""
    monkeypatch.setattr(triggers, "_protected", {})
    operation = AppendOnly("audit_notes", allow_update=("read_at", "reader"))
    columns = "id integer PRIMARY KEY, words text, read_at integer, reader text"
    run(f"CREATE TABLE audit_notes ({columns})")
    with connection.schema_editor() as editor:
        operation.database_forwards("audit", editor, ProjectState(), ProjectState())
    triggers.protect("audit_notes", allow_update=("read_at", "reader"))
    run("INSERT INTO audit_notes VALUES (1, 'said', NULL, NULL)")
    yield operation
    run("DROP TABLE audit_notes")


def test_an_entry_cannot_be_updated_by_any_statement(entry):
    refused("UPDATE audit_entry SET action = 'other' WHERE seq = 0")
    refused("UPDATE audit_entry SET seq = 5")
    refused("UPDATE audit_entry SET body = body")
    refused("DELETE FROM audit_entry WHERE seq = 0")
    refused("DELETE FROM audit_entry")
    assert Entry.objects.get().action == "route.made"


@pytest.mark.skipif(POSTGRES, reason="a statement of SQLite")
def test_an_entry_cannot_be_replaced(entry):
    refused("INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry")
    refused("REPLACE INTO audit_entry SELECT * FROM audit_entry")


@pytest.mark.skipif(SQLITE, reason="a statement of PostgreSQL")
def test_the_log_cannot_be_truncated(entry):
    refused("TRUNCATE audit_entry CASCADE")


@pytest.mark.skipif(SQLITE, reason="a statement of PostgreSQL")
def test_an_upsert_cannot_change_an_entry(entry):
    copied = "INSERT INTO audit_entry SELECT * FROM audit_entry"
    refused(f"{copied} ON CONFLICT (seq) DO UPDATE SET action = 'other'")


def test_every_protected_table_has_its_triggers():
    assert triggers.missing() == []
    assert {"audit_entry", "sharing_planversion"} <= set(triggers._protected)


def test_a_table_that_may_never_change_has_a_model_that_refuses_first():
    never = {table for table, allowed in triggers._protected.items() if not allowed}
    models = [model for model in apps.get_models() if model._meta.db_table in never]
    assert len(models) == len(never)
    for model in models:
        assert issubclass(model, AppendOnlyModel)
        assert isinstance(model._default_manager, AppendOnlyManager)


@pytest.mark.parametrize("change", ["read_at = 5", "read_at = 5, reader = 'ana', words = 'said'"])
def test_an_allowed_column_may_change_while_the_others_stay(notes, change):
    run(f"{CHANGE} {change}")


@pytest.mark.parametrize("change", ["words = 'other'", "id = 2", "words = NULL, read_at = 5"])
def test_no_other_column_may_change(notes, change):
    refused(f"{CHANGE} {change}")
    refused("DELETE FROM audit_notes")


def test_the_operation_can_be_undone(notes):
    with connection.schema_editor() as editor:
        notes.database_backwards("audit", editor, ProjectState(), ProjectState())
    run("UPDATE audit_notes SET words = 'other'")
    assert sorted(triggers.missing()) == sorted(triggers.names("audit_notes", connection.vendor))


def test_the_operation_is_written_into_migrations_as_it_was_made(notes):
    name, arguments, options = notes.deconstruct()
    again = AppendOnly(*arguments, **options)
    assert (name, again.table, again.allow_update) == (
        "AppendOnly",
        "audit_notes",
        ("read_at", "reader"),
    )
    assert AppendOnly("a").deconstruct() == ("AppendOnly", ["a"], {})
    once = AppendOnly("a", set_once=["b"]).deconstruct()
    assert once == ("AppendOnly", ["a"], {"set_once": ("b",)})


def test_a_trigger_that_is_gone_is_named(notes):
    on = " ON audit_notes" if connection.vendor == "postgresql" else ""
    run(f"DROP TRIGGER audit_notes_no_delete{on}")
    assert triggers.missing() == ["audit_notes_no_delete"]


@pytest.mark.skipif(POSTGRES, reason="the way it is done on SQLite")
def test_a_trigger_that_was_made_harmless_is_named(notes):
    run("DROP TRIGGER audit_notes_no_delete")
    run("CREATE TRIGGER audit_notes_no_delete BEFORE DELETE ON audit_notes BEGIN SELECT 1; END")
    assert triggers.missing() == ["audit_notes_no_delete"]


@pytest.mark.skipif(POSTGRES, reason="on PostgreSQL a new column is guarded by itself")
def test_a_column_that_came_later_and_is_not_guarded_is_noticed(notes):
    run("ALTER TABLE audit_notes ADD COLUMN more text")
    assert triggers.missing() == ["audit_notes_no_update"]


@pytest.mark.skipif(SQLITE, reason="the ways of PostgreSQL")
@pytest.mark.parametrize(
    "attack",
    [
        "ALTER TABLE audit_notes DISABLE TRIGGER audit_notes_no_update",
        f"{REMADE} EXECUTE FUNCTION baton_refuse_change('words')",
        f"{REMADE} WHEN (false) EXECUTE FUNCTION baton_refuse_change('read_at', 'reader')",
    ],
)
def test_a_trigger_that_was_switched_off_on_the_server_is_named(notes, attack):
    run(attack)
    assert triggers.missing() == ["audit_notes_no_update"]


@pytest.mark.skipif(SQLITE, reason="PostgreSQL has the function")
def test_a_function_that_no_longer_refuses_is_noticed_in_every_trigger(notes):
    with transaction.atomic():
        run(
            "CREATE OR REPLACE FUNCTION baton_refuse_change() RETURNS trigger LANGUAGE plpgsql "
            "AS $$ BEGIN RETURN NEW; END $$"
        )
        assert len(triggers.missing()) == 3
        transaction.set_rollback(True)
    assert triggers.missing() == []


@pytest.mark.skipif(SQLITE, reason="PostgreSQL compares whole rows")
def test_a_column_that_came_later_is_guarded(notes):
    run("ALTER TABLE audit_notes ADD COLUMN more text")
    refused("UPDATE audit_notes SET more = 'x'")
