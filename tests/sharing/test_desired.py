"""diff(desired, known): the one function behind delivering, retrying, undoing and withdrawing."""

from datetime import date
from uuid import uuid4

from destinations.port import Item
from sharing import desired
from sharing.models import RemoteRecord

TODAY = date(2026, 3, 4)


def item(key, day=TODAY, **body):
    return Item(key=key, date=day, body=body or {"title": key})


def record(key, *, of=None, state="present", day=TODAY, remote_id="r"):
    content = of.content_hash if of else "old"
    return RemoteRecord(
        item_key=key, content_hash=content, state=state, day=day, remote_id=remote_id
    )


def steps(items, records, **options):
    return [
        (action.value, (row.item_key if row else made.key))
        for action, made, row in desired.changes(items, records, today=TODAY, **options)
    ]


def test_what_is_there_as_wanted_needs_nothing():
    a = item("a")
    assert steps([a], [record("a", of=a)]) == []


def test_removals_come_before_updates_before_creations():
    assert steps([item("new"), item("kept")], [record("kept"), record("gone")]) == [
        ("remove", "gone"),
        ("update", "kept"),
        ("create", "new"),
    ]


def test_a_day_gone_by_is_frozen():
    assert steps([], [record("past", day=date(2026, 3, 3))]) == []


def test_a_withdrawal_takes_back_the_past_too():
    assert steps([], [record("past", day=date(2026, 3, 3))], remove_past=True) == [
        ("remove", "past")
    ]


def test_what_was_removed_is_not_removed_again():
    assert steps([], [record("gone", state="removed")]) == []


def test_what_was_removed_and_is_wanted_again_is_created():
    assert steps([item("a")], [record("a", state="removed")]) == [("create", "a")]


def test_an_uncertain_record_is_written_again_even_if_the_content_is_the_same():
    a = item("a")
    assert steps([a], [record("a", of=a, state="uncertain")]) == [("update", "a")]


def test_an_uncertain_creation_stays_a_creation():
    assert steps([item("a")], [record("a", state="uncertain", remote_id="")]) == [("create", "a")]


def test_what_is_there_under_a_name_that_nobody_told_is_created_only_when_it_changes():
    a = item("a")
    assert steps([a], [record("a", of=a, remote_id="")]) == []
    assert steps([a], [record("a", remote_id="")]) == [("create", "a")]


def test_an_uncertain_creation_no_longer_wanted_is_removed():
    assert steps([], [record("a", state="uncertain", remote_id="")]) == [("remove", "a")]


def test_the_key_is_stable_over_tries_and_changes_with_content_version_and_incarnation():
    plan = uuid4()
    base = desired.Identity(incarnation=1, plan_id=plan, version=3, keyed_as=1, destination_id=plan)
    again = desired.Identity(
        incarnation=1, plan_id=plan, version=3, keyed_as=1, destination_id=plan
    )
    restored = desired.Identity(
        incarnation=2, plan_id=plan, version=3, keyed_as=1, destination_id=plan
    )
    assert base.key("a", "h1") == again.key("a", "h1")
    assert len({base.key("a", "h1"), base.key("a", "h2"), restored.key("a", "h1")}) == 3
    assert base.key("a", "h1") != base.key("b", "h1")
