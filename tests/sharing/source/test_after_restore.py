"""After a restore: the database knows of an earlier time than the destinations do (D36, F22).

A savepoint is the backup: what was done since is undone here, and stays done at the destination.
"""

from contextlib import contextmanager
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import transaction

from audit import fsck, stored, verify
from destinations.errors import UnavailableError, UnknownOutcomeError
from destinations.models import Destination
from sharing import (
    aftermath,
    claims,
    clock,
    consents,
    deliveries,
    feeds,
    incarnation,
    intake,
    mark,
    pump,
    routes,
)
from sharing.ledger import lanes_with_a_gap, ledger
from sharing.models import Delivery, Feed, Hint, Installation, Lane, Plan, RemoteRecord, Source
from sharing.redeliver import settle_unknown
from sharing.selectors import deliveries as selectors
from sharing.selectors import waiting
from tests.sharing import fake_destination, readable_destination
from tests.sharing import world as worlds
from tests.sharing.source.studio import BEN
from tests.sharing.test_deliveries import BY_LINK


@contextmanager
def lost_life():
    """Everything in this block happens to the outside world only."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def backup(ana):
    """Ben's plan was delivered once; then the backup was made."""
    ana.world.agree()
    edit(ana, "One")
    share(ana)
    return ana


def edit(ana, title, *, number=1):
    ana.api.put(BEN, number, ana.day(1), Title=title)
    intake.ask(ana.source, Hint.Kind.WEBHOOK)


def share(ana, limit=20):
    ana.read()
    ana.world.make_due()
    return sum(1 for _ in range(limit) if deliveries.deliver_due("worker"))


def inbox():
    return fake_destination.FakeAdapter.journal


def arrived():
    return [step.item.body["title"] if step.item else None for step in inbox().arrived]


def put_back(ana):
    out = StringIO()
    call_command("after_restore", stdout=out)
    return out.getvalue()


def test_f22_what_was_delivered_in_the_lost_life_is_delivered_under_numbers_never_used(backup):
    with lost_life():
        edit(backup, "Two")
        share(backup)
        lost = inbox().arrived[-1]
    put_back(backup)
    share(backup)
    again = inbox().arrived[-1]
    assert arrived() == ["One", "Two", "Two"]
    assert (lost.version, again.version) == (2, 1_000_001)
    assert again.revision > 1_000_000 > lost.revision
    assert len(set(inbox().keys())) == 3
    assert backup.world.states() == ["delivered", "delivered"]


def test_f22_other_content_under_a_number_that_was_used_in_the_lost_life_arrives(backup):
    with lost_life():
        edit(backup, "Lost")
        share(backup)
    edit(backup, "New")
    put_back(backup)
    share(backup)
    assert arrived() == ["One", "Lost", "New"]
    assert inbox().held[next(iter(inbox().held))]["title"] == "New"


def test_nothing_older_than_what_is_there_goes_out_before_the_calendar_was_read(backup):
    """At the backup, version two waited. In the lost life, three was delivered."""
    edit(backup, "Two")
    backup.read()
    with lost_life():
        edit(backup, "Three")
        share(backup)
    put_back(backup)
    backup.world.make_due()
    assert not deliveries.deliver_due("worker")
    share(backup)
    assert arrived() == ["One", "Three", "Three"]
    assert backup.world.states() == ["delivered", "superseded", "delivered"]


def next_tries(ana):
    """Of the newest delivery: as a list reads it, and read alone."""
    listed = selectors.deliveries(ana.world.ana).order_by("-revision").first()
    return [waiting.next_try(one) for one in (listed, Delivery.objects.get(pk=listed.pk))]


def test_what_waits_for_its_calendar_says_so_and_no_time(backup, django_assert_num_queries):
    edit(backup, "Two")
    backup.read()
    backup.world.make_due()
    before = next_tries(backup)
    assert all(found.at for found in before)
    put_back(backup)
    backup.world.make_due()
    assert not deliveries.deliver_due("worker")
    assert next_tries(backup) == [waiting.NextTry(None, waiting.CALENDAR)] * 2
    with django_assert_num_queries(1):
        waiting.next_try(selectors.deliveries(backup.world.ana).order_by("-revision").first())
    backup.read()
    assert all(found.at for found in next_tries(backup))


def test_the_calendar_as_it_was_is_sent_again_because_something_newer_may_be_there(backup):
    with lost_life():
        edit(backup, "Two")
        share(backup)
    edit(backup, "One")
    put_back(backup)
    share(backup)
    assert arrived() == ["One", "Two", "One"]
    assert inbox().arrived[-1].revision > 1_000_000


def test_every_version_in_order_means_the_newest_only_after_a_restore(backup):
    Destination.objects.update(delivery_mode="every")
    for title in ("Two", "Three"):
        edit(backup, title)
        backup.read()
    with lost_life():
        share(backup)
    put_back(backup)
    share(backup)
    assert arrived() == ["One", "Two", "Three", "Three"]
    assert [d.reason for d in backup.world.deliveries()][1:3] == ["restored", "restored"]


def test_what_is_to_be_taken_back_does_not_wait_for_the_calendar(backup):
    consents.withdraw(backup.ben, backup.world.destination, basis=BY_LINK)
    put_back(backup)
    backup.world.make_due()
    assert deliveries.deliver_due("worker")
    assert inbox().arrived[-1].action == "remove"


def test_without_any_promise_of_the_destination_a_person_says_whether_it_is_there(backup):
    Destination.objects.update(idempotency_class="none")
    with lost_life():
        edit(backup, "Two")
        share(backup)
    put_back(backup)
    share(backup)
    assert arrived() == ["One", "Two"]
    last = backup.world.deliveries()[-1]
    assert (last.state, last.reason) == ("unknown", "unknown_since_restore")
    assert backup.world.lane.state == Lane.State.UNKNOWN


@pytest.mark.parametrize(("is_there", "sent"), [(True, 2), (False, 3)])
def test_a_person_is_asked_once(backup, is_there, sent):
    Destination.objects.update(idempotency_class="none")
    with lost_life():
        edit(backup, "Two")
        share(backup)
    put_back(backup)
    share(backup)
    settle_unknown(backup.world.deliveries()[-1], is_there=is_there)
    share(backup)
    assert len(inbox().arrived) == sent
    edit(backup, "Three")
    share(backup)
    assert arrived()[-1] == "Three"
    assert backup.world.states()[-1] == "delivered"


def test_a_lane_that_the_backup_did_not_know_yet_is_looked_at_first(ana):
    Destination.objects.update(idempotency_class="none")
    ana.world.agree()
    with lost_life():
        edit(ana, "One")
        share(ana)
    put_back(ana)
    share(ana)
    assert arrived() == ["One"]
    assert ana.world.states() == ["unknown"]


def test_what_can_be_read_back_is_compared_and_written_only_where_it_differs(ana, monkeypatch):
    there = readable_destination.install(monkeypatch)
    Destination.objects.update(idempotency_class="upsert")
    ana.world.agree()
    edit(ana, "Same", number=1)
    edit(ana, "Old", number=2)
    share(ana)
    with lost_life():
        edit(ana, "New", number=2)
        edit(ana, "Added", number=3)
        share(ana)
    there.written.clear()
    put_back(ana)
    share(ana)
    assert there.reads
    assert sorted(key for _, key in there.written) == ["tp-2", "tp-3"]
    assert {body["title"] for body in there.held.values()} == {"Same", "New", "Added"}
    assert {r.state for r in RemoteRecord.objects.all()} == {RemoteRecord.State.PRESENT}
    assert not ana.world.lane.verify_needed


def test_what_is_gone_there_is_written_again(ana, monkeypatch):
    there = readable_destination.install(monkeypatch)
    Destination.objects.update(idempotency_class="upsert")
    ana.world.agree()
    edit(ana, "One")
    share(ana)
    there.delete("tp-1")
    put_back(ana)
    share(ana)
    assert {body["title"] for body in there.held.values()} == {"One"}


def test_a_destination_that_cannot_be_read_now_is_asked_later_and_nothing_is_written(
    ana, monkeypatch
):
    there = readable_destination.install(monkeypatch)
    Destination.objects.update(idempotency_class="upsert")
    ana.world.agree()
    edit(ana, "One")
    share(ana)
    there.written.clear()
    there.faults.append(UnavailableError())
    put_back(ana)
    share(ana)
    assert there.written == []
    assert ana.world.states()[-1] == "waiting"
    share(ana)
    assert ana.world.states()[-1] == "delivered"


@pytest.fixture
def calendar(ana, monkeypatch):
    """One session was delivered to a calendar that can be read back."""
    there = readable_destination.install(monkeypatch)
    Destination.objects.update(idempotency_class="upsert")
    ana.world.agree()
    edit(ana, "One")
    share(ana)
    return there


def titles(there):
    return {body["title"] for body in there.held.values()}


def test_f22_what_only_the_lost_life_made_and_is_gone_from_the_plan_is_taken_away(ana, calendar):
    with lost_life():
        ana.api.put(BEN, 2, ana.day(7), Title="Lost")
        edit(ana, "One")
        share(ana)
    ana.api.delete(BEN, 2)
    assert titles(calendar) == {"One", "Lost"}
    put_back(ana)
    share(ana)
    assert titles(calendar) == {"One"}
    assert RemoteRecord.objects.get(item_key="tp-2").state == RemoteRecord.State.REMOVED
    assert lanes_with_a_gap() == []
    calendar.reads.clear()
    edit(ana, "Three")
    share(ana)
    assert calendar.reads == []  # it was looked at once


def test_what_only_the_lost_life_made_and_the_plan_still_has_is_adopted(ana, calendar):
    with lost_life():
        ana.api.put(BEN, 2, ana.day(7), Title="Lost")
        edit(ana, "One")
        share(ana)
    put_back(ana)
    share(ana)
    assert titles(calendar) == {"One", "Lost"}
    states = RemoteRecord.objects.values_list("item_key", "state")
    assert dict(states) == {"tp-1": "present", "tp-2": "present"}


def test_what_is_not_ours_or_gone_by_or_beyond_the_plan_stays_there(ana, calendar):
    for key, day in [
        ("own", ana.day(7)),
        ("remote-past", ana.day(-3)),
        ("remote-far", ana.day(90)),
    ]:
        calendar.held[key] = {"itemId": key, "title": key, "date": day.isoformat()}
    put_back(ana)
    share(ana)
    assert set(calendar.held) == {"remote-tp-1", "own", "remote-past", "remote-far"}


def test_what_another_plan_of_the_athlete_holds_or_owes_there_stays(ana, calendar):
    with lost_life():
        for number in (2, 3, 4):
            ana.api.put(BEN, number, ana.day(7), Title=f"Run {number}")
        edit(ana, "One")
        share(ana)
    block = Plan.objects.create(
        athlete=ana.world.ben, name="Camp", kind="block", starts_on=ana.day(0), ends_on=ana.day(20)
    )
    worlds.publish(block, [worlds.session("tp-2", day=ana.day(7))])
    beside = _lane_beside(ana, block)
    RemoteRecord.objects.create(
        lane=beside, item_key="tp-3", version=1, revision=1, written_at=clock.now()
    )
    for number in (2, 3, 4):
        ana.api.delete(BEN, number)
    put_back(ana)
    Plan.objects.filter(pk=block.pk).update(archived_at=clock.now())  # it is not read any more
    Lane.objects.filter(pk=beside.pk).update(state="paused")
    share(ana)
    assert {"Run 2", "Run 3"} < titles(calendar)
    assert "Run 4" not in titles(calendar)


def _lane_beside(ana, plan):
    """By another destination to the same calendar."""
    route = routes.open_route(
        ana.world.organisation,
        worlds.make_destination(ana.world.organisation, ana.world.ana),
        routes.RouteSettings(name="Blocks", purpose="training", plan_kind="block"),
    )
    return Lane.objects.get(plan=plan, route=route)


def test_a_calendar_that_does_not_say_what_is_ours_is_asked_again(ana, calendar):
    put_back(ana)
    calendar.faults.extend([lambda: None, UnknownOutcomeError()])
    share(ana)
    assert ana.world.states()[-1] == "waiting"
    ana.world.make_due()
    share(ana)
    assert ana.world.states()[-1] == "delivered"


def test_consent_given_in_the_lost_life_and_withdrawn_later_takes_back_what_was_shared(
    ana, calendar
):
    """At the backup, everything had been taken back."""
    withdraw(ana)
    with lost_life():
        ana.world.agree()
        ana.api.put(BEN, 2, ana.day(7), Title="Lost")
        edit(ana, "Again")
        share(ana)
    assert titles(calendar) == {"Again", "Lost"}
    put_back(ana)
    share(ana)
    assert titles(calendar) == {"Again", "Lost"}  # nothing is done about it unasked
    withdraw(ana)
    assert titles(calendar) == set()
    assert ana.world.lane.state == Lane.State.CLOSED


def test_where_nothing_can_be_listed_what_was_taken_back_before_is_taken_back_again(backup):
    withdraw(backup)
    with lost_life():
        backup.world.agree()
        edit(backup, "Again")
        share(backup)
    put_back(backup)
    withdraw(backup)
    assert arrived() == ["One", None, "Again", None]
    withdraw(backup)
    assert len(arrived()) == 4


def withdraw(studio):
    consents.withdraw(studio.ben, studio.world.destination, basis=BY_LINK)
    share(studio)


def test_a_worker_of_before_the_restore_can_settle_nothing(backup):
    edit(backup, "Two")
    backup.read()
    backup.world.make_due()
    claim = claims.claim("before")
    put_back(backup)
    assert backup.world.lane.epoch > claim.epoch


def test_the_log_goes_on_and_says_what_was_done(backup):
    put_back(backup)
    last = [entry for entry in stored.lines() if entry["action"] == "installation.restored"]
    assert last[-1]["extra"] == {
        "calendars": 1,
        "erased": 0,
        "incarnation": 2,
        "lanes": 1,
    }
    share(backup)
    assert verify.verify().good
    assert fsck.fsck().good
    assert ledger().balanced
    assert lanes_with_a_gap() == []


def test_a_dry_run_says_the_same_and_changes_nothing(backup):
    out = StringIO()
    call_command("after_restore", "--dry-run", stdout=out)
    said = out.getvalue()
    assert "dry run" in said
    assert "Lanes that wait for that, and are then compared or written again: 1." in said
    assert not Installation.objects.exists()
    assert backup.source.read_at is not None
    assert not backup.world.lane.verify_needed


def test_it_says_what_it_cannot_know_and_what_to_set(backup):
    Destination.objects.update(idempotency_class="none")
    said = put_back(backup)
    assert "Record every withdrawal again" in said
    assert "1 of these lanes lead to destinations that cannot be asked" in said
    assert "BATON_INCARNATION=2" in said


def test_a_second_restore_begins_yet_another_life(backup, settings):
    put_back(backup)
    settings.BATON_INCARNATION = 2
    Installation.objects.all().delete()  # the same backup once more
    assert incarnation.behind()
    assert "BATON_INCARNATION=3" in put_back(backup)
    assert not incarnation.behind()


def test_an_old_database_is_recognised_and_nothing_is_done_with_it(backup, settings, monkeypatch):
    edit(backup, "Two")
    settings.BATON_INCARNATION = 2
    backup.make_due()
    assert pump.drain("worker", budget=5.0) == 0
    assert arrived() == ["One"]
    put_back(backup)
    backup.make_due()
    assert pump.drain("worker", budget=5.0) > 0


def test_an_operator_without_a_file_outside_raises_the_number_first(backup, settings):
    settings.BATON_INCARNATION = 2
    assert incarnation.behind() == incarnation.BEHIND
    assert "BATON_INCARNATION=3" in put_back(backup)
    assert not incarnation.behind()
    share(backup)
    assert backup.world.states()[-1] == "delivered"
    assert inbox().arrived[-1].revision > 2_000_000


def test_a_backup_put_back_is_recognised_by_the_mark_until_the_command_has_run(
    backup, settings, tmp_path
):
    settings.BATON_MARK_FILE = str(tmp_path / "mark.json")
    with lost_life():
        edit(backup, "Two")
        share(backup)
        mark.forget()
        assert not incarnation.look()
    mark.forget()
    assert incarnation.behind() == incarnation.LACKING
    backup.make_due()
    assert pump.drain("worker", budget=5.0) == 0
    mark.keep(incarnation.stored())  # nothing less than what is there is written
    assert mark.read().life == 1
    assert "BATON_INCARNATION=2" in put_back(backup)
    assert not incarnation.behind()
    mark.forget()
    assert not incarnation.look()
    assert mark.read().life == 2
    assert pump.drain("worker", budget=5.0) > 0


def test_who_was_signed_in_signs_in_again(backup, client):
    client.force_login(backup.world.ana)
    put_back(backup)
    assert not Session.objects.exists()


def test_a_calendar_that_cannot_be_read_keeps_its_lanes_waiting(backup):
    edit(backup, "Two")
    backup.read()
    put_back(backup)
    backup.api.will("workouts", status=500, times=3)
    backup.make_due()
    backup.world.make_due()
    assert not deliveries.deliver_due("worker")
    Source.objects.update(state=Source.State.SUSPENDED)
    assert claims.claim("worker")


def test_a_plan_that_is_new_since_the_restore_has_no_doubts(backup):
    put_back(backup)
    Installation.objects.update(restored_at=backup.world.plan.created_at)
    Lane.objects.update(verify_needed=False)
    share(backup)
    assert not backup.world.lane.verify_needed


def test_the_items_of_a_calendar_feed_carry_higher_sequences_than_ever(backup):
    earlier = feeds._published(RemoteRecord.objects.get(), incarnation.current()).sequence
    put_back(backup)
    later = feeds._published(RemoteRecord.objects.get(), incarnation.current()).sequence
    assert later > earlier + 900_000


def test_a_feed_is_not_read_before_its_plan_was_brought_again(backup, settings):
    """What it would show may be older than what it showed in the lost life."""
    feeds.address(backup.world.lane)
    feed = Feed.objects.get()
    assert not feeds.closed(feed)
    settings.BATON_INCARNATION = 2
    assert feeds.closed(feed)
    put_back(backup)
    feed = Feed.objects.get()
    assert feeds.closed(feed)
    share(backup)
    assert not feeds.closed(Feed.objects.get())


def test_a_feed_whose_consent_ended_is_empty_after_a_restore_too(backup):
    feeds.address(backup.world.lane)
    withdraw(backup)
    put_back(backup)
    assert not feeds.closed(Feed.objects.get())


def test_all_or_nothing(backup, monkeypatch):
    monkeypatch.setattr(aftermath, "_read_everything", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        put_back(backup)
    assert not Installation.objects.exists()
    assert not Lane.objects.filter(verify_needed=True).exists()
    assert Delivery.objects.filter(state="waiting").count() == 0
