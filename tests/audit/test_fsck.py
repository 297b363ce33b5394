"""Rows and entries against each other: what one side tells and the other does not know."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, connection

from accounts.models import ConsentDecision
from audit import fsck
from audit.models import Entry
from sharing.models import Delivery, Lane, PlanVersion
from tests.audit.conftest import forge, run, unguarded
from tests.sharing import world as worlds

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    world = worlds.build()
    world.agree()
    world.publish()
    return world


def said():
    report = fsck.fsck()
    assert report.exit_code == 1
    return [finding.words for finding in report.findings]


class FreeOfKeys:
    """Foreign keys are not looked after, as for somebody who owns the database."""

    def __enter__(self):
        if connection.vendor == "postgresql":
            run("SET session_replication_role = replica")
        else:
            run("PRAGMA foreign_keys = OFF")

    def __exit__(self, *args):
        if connection.vendor == "postgresql":
            run("SET session_replication_role = origin")
        else:
            run("PRAGMA foreign_keys = ON")


def test_an_honest_studio_agrees_with_its_log(world):
    report = fsck.fsck()
    assert (report.exit_code, report.findings) == (0, [])
    assert report.size == Entry.objects.count() > 0


def test_every_model_that_refers_to_an_entry_is_checked_without_being_named():
    models = {model for model, _ in fsck.references()}
    assert {ConsentDecision, PlanVersion, Delivery, Lane} <= models


def test_t22_a_row_whose_entry_was_cut_is_named(world):
    """This is what hashes alone cannot find: the end of the log, and its head, are gone."""
    lane = world.lane
    entry = Entry.objects.get(id=lane.audit_entry_id)
    with unguarded(), FreeOfKeys():
        run("DELETE FROM audit_entry WHERE seq = %s", entry.seq)
    assert f"The lane {lane.pk} has no entry." in said()


def test_t22_an_entry_whose_row_was_removed_is_named(world):
    delivery = Delivery.objects.get()
    entries = list(Entry.objects.filter(delivery=delivery.pk).values_list("seq", flat=True))
    with FreeOfKeys():
        Delivery.objects.all()._raw_delete("default")
    assert said() == [f"Entry {seq} tells of a delivery that is not there." for seq in entries]


def test_t22_a_consent_that_was_slipped_away_is_named(world):
    decision = ConsentDecision.objects.get()
    with unguarded("accounts_consentdecision"), FreeOfKeys():
        run("DELETE FROM accounts_consentdecision")
    assert len([words for words in said() if "consent decision that is not there" in words]) == 1
    assert decision.audit_entry_id is not None


def test_a_version_that_was_altered_is_named_by_its_room(world, monkeypatch):
    monkeypatch.setattr(fsck, "_checks", [lambda: iter([(3, "Entry 3: version 1 was altered.")])])
    assert said() == ["Entry 3: version 1 was altered."]


def test_a_row_without_its_entry_is_refused_by_the_database(world):
    with pytest.raises(IntegrityError):
        Lane.objects.update(audit_entry_id=uuid4())


def test_entries_that_name_nothing_sensible_stop_nothing(world):
    seq = Entry.objects.filter(action="delivery.accepted").latest("seq").seq
    for strange in (b'["x"]', b"7", b'"ben"', b'{"a":1}', b'"' + b"0" * 32 + b'"'):
        forge(seq, b'{"seq":%d,"delivery":%s}' % (seq, strange))
        assert f"Entry {seq} tells of a delivery that is not there." in said()
    forge(seq, b"nothing")
    assert fsck.fsck().exit_code == 0  # verifying names it


def test_entries_name_rows_under_the_names_they_have():
    with pytest.raises(ValueError, match="coach"):
        fsck.register(Delivery, named="coach")


def test_a_check_is_asked_once_however_often_it_is_said(monkeypatch):
    monkeypatch.setattr(fsck, "_checks", [])
    for _ in range(2):
        fsck.also(iter)
    assert fsck._checks == [iter]


def test_rows_that_cannot_be_read_are_not_called_good():
    run("ALTER TABLE sharing_lane RENAME TO sharing_elsewhere")
    try:
        report = fsck.fsck()
    finally:
        run("ALTER TABLE sharing_elsewhere RENAME TO sharing_lane")
    assert (report.exit_code, report.good) == (2, False)
