"""What happens without anybody calling: new coaches, new weeks, old events, blocks."""

from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection

from accounts.models import Athlete, Connection
from accounts.sealing import SealedError
from sharing import blocks, clock, intake, periodic, polling, reading, upkeep
from sharing.models import Hint, Plan, Source
from sharing.source import credentials
from tests.sharing.source.studio import BEN, roster_entry

pytestmark = pytest.mark.usefixtures("transactional_db")


def in_threads(count, work):
    """Run at once in several threads, each with a database connection of its own."""

    def run():
        try:
            work()
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_coach_who_connects_has_a_roster_and_subscriptions_at_once(ana, api):
    new = Connection.objects.create(organisation=ana.world.organisation, user=ana.world.ana)
    api.athletes = [roster_entry(901, FirstName="Mia")]
    assert upkeep.begin_new_connections() == 1
    assert Athlete.objects.get(source_id=901).connection_id == new.pk
    assert len(api.subscriptions) == 3
    assert upkeep.begin_new_connections() == 0


def test_one_connections_trouble_does_not_cost_the_others_their_turn(ana, api):
    Connection.objects.create(organisation=ana.world.organisation, user=ana.world.ana)
    api.will("athletes", 403, "no")
    assert upkeep.sync_all_rosters() == 1
    states = set(Connection.objects.values_list("state", flat=True))
    assert states == {Connection.State.HEALTHY, Connection.State.SCOPE_MISSING}


@pytest.mark.parametrize("job", ["sync_all_rosters", "reconcile_all_subscriptions"])
def test_a_fault_over_one_connection_does_not_cost_the_others_their_turn(ana, monkeypatch, job):
    other = Connection.objects.create(organisation=ana.world.organisation, user=ana.world.ana)

    def token(asked):
        if asked == ana.connection.pk:
            raise SealedError("The key “old” is not in BATON_KEYS.")
        return "token-1"

    monkeypatch.setattr(credentials, "token", token)
    assert getattr(upkeep, job)() == 1
    ana.connection.refresh_from_db()
    other.refresh_from_db()
    assert ana.connection.last_error.startswith("A fault of our own.")
    assert other.last_ok_at is not None


def test_a_new_week_has_the_calendar_read_and_a_new_day_alone_does_not(ana, api):
    intake.record(ana.source, headers={}, body=b"")
    ana.read()
    assert upkeep.roll_windows() == 0
    Source.objects.update(read_at=clock.now() - timedelta(days=7))
    assert upkeep.roll_windows() == 1
    assert ana.hints(Hint.Kind.SCHEDULE)
    assert upkeep.roll_windows() == 0


def test_everybody_is_read_once_a_day_whatever_was_or_was_not_announced(ana, api):
    intake.record(ana.source, headers={}, body=b"")
    ana.read()
    Source.objects.update(read_at=clock.now() - timedelta(hours=25))
    assert upkeep.roll_windows() == 1


def test_old_events_are_forgotten(ana):
    intake.record(ana.source, headers={}, body=b"")
    intake.record(ana.source, headers={}, body=b"")
    Hint.objects.filter(seq=1).update(received_at=clock.now() - timedelta(days=8))
    assert upkeep.forget_old_hints() == 1
    assert Hint.objects.get().seq == 2


def test_every_job_runs(ana, api):
    for name, every, run in upkeep.JOBS:
        assert every() > timedelta(0)
        run()
        periodic.register(name, every, run)


def test_a_block_is_read_as_soon_as_it_is_made(ana, api):
    api.put(BEN, 1, ana.day(10))
    plan = blocks.open_block(ana.ben, "Build", ana.day(7), ana.day(20))
    ana.read()
    assert plan.versions.get().session_count == 1
    blocks.archive(plan)
    assert Plan.objects.get(pk=plan.pk).archived_at is not None


def test_a_block_that_ends_before_it_begins_is_refused(ana):
    with pytest.raises(ValueError, match="block"):
        blocks.open_block(ana.ben, "Build", ana.day(7), ana.day(6))


def test_many_workers_read_one_source_once(ana, api):
    api.put(BEN, 1, ana.day(1))
    intake.record(ana.source, headers={}, body=b"")
    ana.make_due()
    in_threads(8, lambda: reading.read_due("worker"))
    assert len(ana.versions()) == 1
    assert len(api.asked["workouts"]) == 1


def test_hints_that_come_at_once_are_all_counted(ana, api):
    source = ana.source
    in_threads(8, lambda: [intake.record(source, headers={}, body=b"{}") for _ in range(5)])
    assert ana.source.dirty_seq == 40
    assert sorted(hint.seq for hint in ana.hints()) == list(range(1, 41))
    assert ana.read() == 1


def test_f28_a_lost_event_is_shared_by_the_next_look(ana, api):
    api.put(BEN, 1, ana.day(1))
    polling.poll(ana.source)
    intake.ask(ana.source, Hint.Kind.SCHEDULE)
    ana.read()
    api.put(BEN, 1, ana.day(1), Title="Never announced")
    Source.objects.update(polled_at=clock.now() - timedelta(minutes=16))
    polling.poll_due_sources()
    ana.read()
    assert ana.titles() == ["Never announced"]
