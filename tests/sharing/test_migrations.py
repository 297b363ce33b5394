"""Migrations that must not hold up, or be held up by, the release before this one."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from audit.log import audited_atomic
from sharing import quarantine, remarks
from sharing.models import QuarantineRemark, Source
from sharing.source.errors import BadAnswerError

on_server = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite's key has no cascade of its own."
)


@pytest.mark.django_db(transaction=True)
def test_writers_go_on_while_the_steps_get_their_index():
    out = StringIO()
    call_command("sqlmigrate", "sharing", "0019", stdout=out, no_color=True)
    assert 'INDEX "steps_by_remote_id"' in out.getvalue().replace("CONCURRENTLY ", "")
    assert ("CONCURRENTLY" in out.getvalue()) == (connection.vendor == "postgresql")
    assert "BEGIN" not in out.getvalue()


@on_server
@pytest.mark.django_db
def test_a_release_that_knows_of_no_remarks_deletes_an_answer_that_has_some(studio):
    source = Source.objects.create(athlete=studio.ben)
    with audited_atomic() as log:
        row = quarantine.keep(source, BadAnswerError("workouts", "", "not a day", b"[]"), log)
    remarks.write(row, "Asked TrainingPeaks.", studio.ana)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sharing_quarantine WHERE id = %s", [row.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert not QuarantineRemark.objects.exists()
