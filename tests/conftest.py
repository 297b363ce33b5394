"""What every test may use. The network is closed: only loopback answers."""

import socket
from datetime import UTC, datetime
from ipaddress import ip_address
from uuid import uuid4

import pytest
from django.core.management.commands import flush
from django.db import connection, transaction
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.backends.signals import connection_created

from audit.models import Head
from sharing import wake

OTHERS_OUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
OF_THE_CODE = {"django_content_type", "auth_permission"}  # what `migrate` fills, the same for all


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """A test that reaches for the outside world fails at once, naming the address."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _loopback(address[0]):
            pytest.fail(f"A test tried to reach {address}: use `responses` or the sandbox.")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(scope="session", autouse=True)
def publishers():
    """Who publishes wake-up calls in a process of the product. In a test nobody listens to them."""
    hung = list(wake._publisher)
    wake._publisher.clear()
    return hung


@pytest.fixture(autouse=True)
def list_of_erasures(settings, tmp_path_factory):
    """Each test has a list of its own."""
    settings.BATON_ERASURES_FILE = str(tmp_path_factory.getbasetemp() / f"{uuid4()}.jsonl")


@pytest.fixture(scope="session", autouse=True)
def time_to_make_and_drop_a_database():
    """The limits of the product are for its own statements: a disk that is busy may take longer."""

    def unlimited(connection, **_):
        if connection.alias == NO_DB_ALIAS:
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 0")

    connection_created.connect(unlimited)
    yield
    connection_created.disconnect(unlimited)


@pytest.fixture(scope="session", autouse=True)
def nobody_else_at_the_end():
    """A thread that ends with its process may still be at a database that is dropped before."""
    creation = type(connection.creation)
    drop = creation._destroy_test_db

    def alone(self, name, verbosity):
        if self.connection.vendor == "postgresql":
            with self._nodb_cursor() as cursor:
                cursor.execute(OTHERS_OUT, [name])
        drop(self, name, verbosity)

    patch = pytest.MonkeyPatch()
    patch.setattr(creation, "_destroy_test_db", alone)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def emptying_between_tests():
    """Tests that commit are cleaned up by emptying every table, also the append-only ones.

    The triggers step aside for that moment only, and the log gets its head back. What only the
    code fills stays, which is far quicker than to work it out after each test. On PostgreSQL rows
    are deleted: for a few rows that is far quicker than new files for every table.
    """
    patch = pytest.MonkeyPatch()
    patch.setattr(flush, "emit_post_migrate_signal", lambda *_, **__: None)
    patch.setattr(type(connection.ops), "sql_flush", _deletions)
    patch.setattr(BaseDatabaseOperations, "execute_sql_flush", _flush_past_the_triggers)
    yield
    patch.undo()


def _deletions(self, style, tables, **_):
    names = [self.quote_name(table) for table in tables if table not in OF_THE_CODE]
    each = [f"DELETE FROM {name}" for name in names]  # noqa: S608 - our own tables
    return ["; ".join(each)] if self.connection.vendor == "postgresql" else each


def _flush_past_the_triggers(self, sql_list):
    on_server = self.connection.vendor == "postgresql"
    with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
        for statement in _step_aside(cursor, on_server=on_server):
            cursor.execute(statement)
        for statement in sql_list:
            cursor.execute(statement)
    _come_back(self.connection, on_server=on_server)


_taken_off: list[str] = []


def _step_aside(cursor, *, on_server):
    if on_server:
        return ["SET LOCAL session_replication_role = replica"]
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    rows = cursor.fetchall()
    _taken_off[:] = [sql for _, sql in rows]
    return [f"DROP TRIGGER {name}" for name, _ in rows]


def _come_back(connection, *, on_server):
    with connection.cursor() as cursor:
        if not on_server:
            for statement in _taken_off:
                cursor.execute(statement)
    Head.objects.get_or_create(pk=1, defaults={"last_at": datetime(2000, 1, 1, tzinfo=UTC)})
