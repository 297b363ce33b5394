"""Celery's task: one connection for many of them, and a new one when the database has ended it."""

import pytest
from celery.fixups.django import DjangoWorkerFixup  # type: ignore[attr-defined] # not in its stubs
from django.db import connection, connections

from config.celery import app
from sharing import periodic, tasks
from tests.sharing import fake_destination
from tests.sharing.world import build

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_connection_lasts_longer_than_a_task():
    """A new one for each task costs PostgreSQL more than what the task asks."""
    connection.ensure_connection()
    held = connection.connection
    DjangoWorkerFixup(app).close_database()
    assert connection.connection is held


def test_a_task_goes_on_when_the_database_has_ended_its_connection(monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite is a file: nobody ends a connection to it.")
    monkeypatch.setattr(periodic, "_jobs", {})
    fake_destination.install(monkeypatch)
    studio = build()
    studio.agree()
    studio.publish()
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    other.close()
    tasks.drain()
    assert studio.states() == ["delivered"]
