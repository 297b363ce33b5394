"""Changes of tracked models are sealed: inside of a block, outside of one, and rechecked later."""

import json
from contextlib import suppress
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.db import transaction

from accounts.models import Organisation
from audit import actor, fsck
from audit.actor import Actor
from audit.log import audited_atomic
from audit.models import Entry
from audit.registry import track
from audit.verify import verify
from tests.audit.conftest import forge, said_by

pytestmark = pytest.mark.django_db(transaction=True)


class StoppedError(Exception):
    """Something that goes wrong inside of a block."""


def studio(name="Ana's studio", slug="ana"):
    return Organisation.objects.create(name=name, slug=slug)


def sealed():
    rows = Entry.objects.filter(action="model.changed").order_by("seq")
    return [json.loads(bytes(row.body)) for row in rows]


def findings():
    return [(finding.code, finding.seq) for finding in verify().findings]


def test_a_change_inside_of_a_block_is_sealed_in_its_transaction():
    with audited_atomic() as log:
        studio()
        log.record("studio.opened")
        assert not Entry.objects.exists()
    assert list(Entry.objects.values_list("action", flat=True)) == [
        "model.changed",
        "studio.opened",
    ]
    assert verify().good


def test_a_change_outside_of_any_block_is_sealed_by_itself():
    studio()
    assert len(sealed()) == LogEntry.objects.count() == 1
    assert verify().good


def test_a_change_inside_of_a_plain_transaction_is_sealed_with_it():
    with suppress(StoppedError), transaction.atomic():
        studio()
        raise StoppedError
    assert (sealed(), LogEntry.objects.count()) == ([], 0)
    with transaction.atomic():
        studio()
    assert len(sealed()) == 1


def test_a_block_that_fails_leaves_neither_change_nor_seal():
    with suppress(StoppedError), audited_atomic():
        studio()
        raise StoppedError
    assert (sealed(), LogEntry.objects.count(), Organisation.objects.count()) == ([], 0, 0)


def test_the_seal_says_which_row_and_what_was_done_but_not_what_it_says():
    with actor.acting(Actor("user", "00000000-0000-0000-0000-000000000009")):
        made = studio(name="Ana Lopez")
        made.name = "Ana Ruiz"
        made.save()
        made.delete()
    assert [line["extra"]["change"] for line in sealed()] == ["create", "update", "delete"]
    assert {line["extra"]["model"] for line in sealed()} == {"accounts.organisation"}
    assert {line["by"] for line in sealed()} == {"00000000-0000-0000-0000-000000000009"}
    assert "Ana" not in json.dumps(sealed())
    assert verify().good


@pytest.mark.parametrize(
    "alter",
    [
        lambda row: {"changes": row.changes | {"name": ["", "Dan's studio"]}},
        lambda row: {"object_pk": "0"},
        lambda row: {"action": LogEntry.Action.DELETE},
        lambda row: {"timestamp": row.timestamp - timedelta(days=1)},
        lambda row: {"content_type": row.content_type_id + 1},
    ],
)
def test_a_row_of_auditlog_that_was_altered_is_named_by_its_entry(alter):
    studio(slug="first")
    studio(slug="second")
    row = LogEntry.objects.order_by("pk").last()
    LogEntry.objects.filter(pk=row.pk).update(**alter(row))
    assert findings() == [("model", 1)]


def test_a_row_of_auditlog_that_was_deleted_is_named_by_its_entry():
    studio()
    LogEntry.objects.all().delete()
    assert findings() == [("model", 0)]
    assert "gone" in verify().findings[0].words


def test_what_erasing_a_person_takes_from_auditlog_leaves_the_log_valid():
    studio()
    LogEntry.objects.update(object_repr="", actor=None, actor_email=None)
    assert verify().good


def test_a_row_of_auditlog_that_was_never_sealed_is_named():
    studio()
    row = LogEntry.objects.get()
    row.pk = None
    row.save()
    report = fsck.fsck()
    assert [finding.words for finding in report.findings] == [
        f"Model change {row.pk} was never sealed."
    ]


def test_seals_that_cannot_be_read_are_left_to_the_check_of_the_entries():
    studio()
    forge(0, b"nothing")
    assert ("unreadable", 0) in findings()
    studio(slug="other")
    forge(1, said_by(1, extra={"row": "x"}))
    assert ("root", None) in findings()


def test_a_tracked_model_keeps_quiet_about_its_secrets(monkeypatch):
    asked = []
    monkeypatch.setattr("auditlog.registry.auditlog.register", lambda *a, **k: asked.append((a, k)))
    track(Organisation, exclude_fields=("slug",))
    assert asked == [((Organisation,), {"exclude_fields": ["slug"]})]
