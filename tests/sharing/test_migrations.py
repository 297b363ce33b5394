"""Migrations that must not hold up, or be held up by, the release before this one."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection


@pytest.mark.django_db(transaction=True)
def test_writers_go_on_while_the_steps_get_their_index():
    out = StringIO()
    call_command("sqlmigrate", "sharing", "0019", stdout=out, no_color=True)
    assert 'INDEX "steps_by_remote_id"' in out.getvalue().replace("CONCURRENTLY ", "")
    assert ("CONCURRENTLY" in out.getvalue()) == (connection.vendor == "postgresql")
    assert "BEGIN" not in out.getvalue()
