"""From a hint to a version: once, from whole answers only, whoever dies on the way."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models import F

from accounts.models import Athlete, Connection
from audit.models import Entry
from destinations.models import Destination
from sharing import clock, deliveries, health, intake, latency, quarantine, reading, retry
from sharing.models import Delivery, Hint, Limiter, Plan, Quarantine, Source
from sharing.source import credentials
from sharing.source.errors import NeedsReconnectError
from tests.sharing import fake_destination
from tests.sharing.source.fake_trainingpeaks import HTML_404, INTERVALS
from tests.sharing.source.studio import BEN
from tests.sharing.test_deliveries import open_second_route
from tests.sharing.world import make_destination

pytestmark = pytest.mark.usefixtures("transactional_db")


def hint(ana, times=1, body=b'{"EventType":"workout-updated"}'):
    for _ in range(times):
        intake.record(ana.source, headers={}, body=body)


def test_a_hint_leads_to_a_version_that_is_promised_to_the_destination(ana, api):
    api.put(BEN, 1, ana.day(1), structure=INTERVALS)
    hint(ana)
    assert ana.read() == 1
    (version,) = ana.versions()
    (session,) = version.canonical().exercise_list
    assert (session.item_id, session.duration_seconds) == ("tp-1", 3600)
    assert session.intervals[0].count == 4
    assert Delivery.objects.filter(version=version).count() == 1


def test_the_version_says_where_it_came_from(ana, api):
    api.put(BEN, 1, ana.day(1))
    before = clock.now()
    hint(ana)
    ana.read()
    (version,) = ana.versions()
    assert before <= version.first_hint_at <= version.read_at <= version.published_at
    assert version.hint_seq == 1
    assert "window.rolling/1" in version.rules
    assert version.document()["source"]["1"].startswith("2026-03-01T10:00:00.")
    entry = Entry.objects.get(action="plan.version.recorded")
    assert version.audit_entry_id == entry.id


def test_reading_again_without_a_change_makes_no_version(ana, api):
    api.put(BEN, 1, ana.day(1))
    hint(ana)
    ana.read()
    hint(ana, times=3)
    assert ana.read() == 1
    assert len(ana.versions()) == 1


def test_the_same_content_announced_five_times_is_one_delivery_for_each_destination(ana, api):
    world = ana.world
    world.agree()
    for _ in range(2):
        open_second_route(world, make_destination(world.organisation, world.ana))
    api.put(BEN, 1, ana.day(1))
    for _ in range(5):
        hint(ana)
        assert ana.read() == 1
        while deliveries.deliver_due("worker"):
            pass
    (version,) = ana.versions()
    made = Delivery.objects.values_list("lane__destination", "version", "state")
    assert Counter(made) == {
        (place.pk, version.pk, "delivered"): 1 for place in Destination.objects.all()
    }
    assert len(fake_destination.FakeAdapter.journal.arrived) == Destination.objects.count() == 3


def test_what_we_do_not_share_makes_no_version(ana, api):
    api.put(BEN, 1, ana.day(1))
    hint(ana)
    ana.read()
    api.put(BEN, 1, ana.day(1), TotalTime=1.1, Feeling=3, Comments="felt good")
    hint(ana)
    ana.read()
    assert len(ana.versions()) == 1


def test_there_and_back_again_is_three_versions(ana, api):
    for title in ("Easy", "Hard", "Easy"):
        api.put(BEN, 1, ana.day(1), Title=title)
        hint(ana)
        ana.read()
    assert [v.canonical().exercise_list[0].title for v in ana.versions()] == [
        "Easy", "Hard", "Easy",
    ]  # fmt: skip
    assert [v.version for v in ana.versions()] == [1, 2, 3]


def test_an_empty_calendar_is_no_first_version_but_emptying_one_is_a_change(ana, api):
    hint(ana)
    ana.read()
    assert ana.versions() == []
    api.put(BEN, 1, ana.day(1))
    hint(ana)
    ana.read()
    api.delete(BEN, 1)
    hint(ana)
    ana.read()
    assert [v.session_count for v in ana.versions()] == [1, 0]


def test_a_calendar_that_is_suddenly_empty_is_asked_again_before_it_is_believed(ana, api):
    for number in range(1, 8):
        api.put(BEN, number, ana.day(number))
    hint(ana)
    ana.read()
    api.will("workouts", 200, [])
    hint(ana)
    ana.make_due()
    reading.read_due("test")
    assert len(ana.versions()) == 1
    assert ana.source.last_error == "emptied"
    ana.read()
    assert len(ana.versions()) == 1
    api.workouts[BEN].clear()
    hint(ana)
    assert ana.read() == 2
    assert ana.versions()[-1].session_count == 0


def test_80_events_of_applying_a_plan_make_at_most_two_versions(ana, api):
    for number in range(1, 81):
        api.put(BEN, number, ana.day(number % 40), Title=f"Day {number}")
        hint(ana)
        if number == 30:  # a worker looks in the middle of the burst, when it is due at the latest
            ana.read()
    ana.read()
    assert len(ana.versions()) <= 2
    assert ana.versions()[-1].session_count == 80


def test_a_burst_is_not_read_before_it_is_quiet(ana, api):
    hint(ana, times=80)
    assert not reading.read_due("test")
    assert ana.source.due_at > clock.now()


@pytest.mark.parametrize("order", [["c", "u", "d"], ["d", "u", "c"], ["d", "d", "c", "u", "u"]])
def test_duplicates_and_any_order_end_at_the_truth(ana, api, order):
    api.put(BEN, 1, ana.day(1), Title="Stays")
    api.put(BEN, 2, ana.day(2))
    hint(ana)
    ana.read()
    api.delete(BEN, 2)
    for letter in order:
        event = {"c": "created", "u": "updated", "d": "deleted"}[letter]
        hint(ana, body=f'{{"EventType":"workout-{event}","WorkoutId":2}}'.encode())
        ana.read()
    assert ana.titles() == ["Stays"]
    assert len(ana.versions()) == 2


def test_an_event_a_day_late_changes_nothing(ana, api):
    api.put(BEN, 1, ana.day(1), Title="Now")
    hint(ana)
    ana.read()
    hint(ana, body=b'{"EventType":"workout-updated","WorkoutId":1,"Title":"Yesterday"}')
    ana.read()
    assert ana.titles() == ["Now"]
    assert len(ana.versions()) == 1


def test_a_forged_deletion_deletes_nothing(ana, api):
    api.put(BEN, 1, ana.day(1))
    hint(ana)
    ana.read()
    hint(ana, body=b'{"EventType":"workout-deleted","WorkoutId":1}')
    ana.read()
    assert len(ana.versions()) == 1


def test_a_hint_that_comes_while_we_read_costs_another_reading(ana, api):
    api.put(BEN, 1, ana.day(1), Title="Before")
    hint(ana)

    def change():
        api.on_ask.clear()
        hint(ana)

    api.on_ask["strength-workouts"] = change  # after the workouts were listed
    ana.make_due()
    assert reading.read_due("test")
    assert ana.source.dirty_seq > ana.source.clean_seq
    api.put(BEN, 1, ana.day(1), Title="After")
    assert ana.read() == 1
    assert ana.titles() == ["After"]


def test_a_worker_that_lost_its_lease_records_nothing(ana, api):
    api.put(BEN, 1, ana.day(1))
    hint(ana)

    def other_worker():
        api.on_ask.clear()
        ana.make_due()
        assert reading._claim() is not None

    api.on_ask["strength-workouts"] = other_worker
    ana.make_due()
    assert reading.read_due("slow")
    assert ana.versions() == []
    assert ana.source.clean_seq == 0


def test_a_long_reading_keeps_its_lease_and_stops_when_it_is_lost(ana):
    hint(ana)
    ana.make_due()
    claim = reading._claim()
    claim.renewed -= 3_600
    claim.heed()
    assert ana.source.lease_until > clock.now()
    Source.objects.update(epoch=claim.epoch + 1)
    claim.renewed -= 3_600
    with pytest.raises(reading.FencedError):
        claim.heed()


def test_a_worker_that_died_leaves_the_source_to_the_next(ana, api):
    api.put(BEN, 1, ana.day(1))
    hint(ana)
    ana.make_due()
    assert reading._claim() is not None
    assert not reading.read_due("other")
    assert ana.read() == 1
    assert len(ana.versions()) == 1


def test_what_kills_its_readers_is_read_less_and_less_often(ana, api):
    """It is never given up, and one good reading makes it a calendar as any other."""
    api.put(BEN, 1, ana.day(1))
    hint(ana)
    for _ in range(retry.CRASHES):
        dies(ana)
    pauses = []
    for _ in range(2):
        ana.make_due()
        assert reading.read_due("alive")
        assert (ana.source.last_error, ana.versions()) == ("reader_crashed", [])
        pauses.append(ana.source.due_at - clock.now())
        assert pauses[-1] > timedelta(0)
        dies(ana)
    assert pauses[1] > pauses[0]
    Source.objects.update(unreturned=retry.CRASHES - 1)
    assert ana.read() == 1
    assert (ana.source.unreturned, ana.source.failures, ana.source.last_error) == (0, 0, "")


def test_readers_that_died_now_and_then_are_no_reason_to_wait(ana, api):
    api.put(BEN, 1, ana.day(1))
    for _ in range(retry.CRASHES):
        hint(ana)
        dies(ana)
        assert ana.read() == 1
        assert ana.source.last_error == ""


def dies(ana):
    """A reader takes the calendar up and never comes back; its lease ends."""
    ana.make_due()
    assert reading._claim() is not None
    Source.objects.update(lease_until=clock.now() - timedelta(seconds=1))


FAULTS = [
    ("workouts", 429, b""),
    ("workouts", 500, b"oops"),
    ("workouts", 503, HTML_404),
    ("workouts", 404, HTML_404),
    ("workouts", 200, '[{"Id": 1'),
    ("workouts", 200, HTML_404),
    ("workouts", 200, {"Message": "ok"}),
    ("workouts", 200, [{"Id": "one"}]),
    ("workouts", 400, ["Range is too long"]),
    ("strength-workouts", 500, b""),
    ("strength-workouts", 404, HTML_404),
    ("strength-workouts", 200, '"text"'),
    ("structure", 500, b""),
    ("structure", 200, {"Structure": [{"Type": "Jump"}]}),
]


@pytest.mark.parametrize(("name", "status", "body"), FAULTS)
def test_nothing_is_recorded_from_an_incomplete_answer(ana, api, settings, name, status, body):
    api.put(BEN, 1, ana.day(1), structure=INTERVALS)
    hint(ana)
    ana.read()
    api.put(BEN, 1, ana.day(1), Title="Changed")
    api.will(name, status, body)
    hint(ana)
    ana.make_due()
    assert reading.read_due("test")
    assert len(ana.versions()) == 1
    assert ana.source.failures == 1
    assert ana.source.last_error
    assert ana.source.dirty_seq > ana.source.clean_seq
    Limiter.objects.all().delete()
    ana.read()
    assert ana.titles() == ["Changed"]
    assert (ana.source.failures, ana.source.last_error) == (0, "")


def test_a_failing_source_waits_longer_and_hints_do_not_hurry_it(ana, api):
    hint(ana)
    waits = []
    for _ in range(6):
        api.will("workouts", 500)
        ana.make_due()
        before = clock.now()
        reading.read_due("test")
        waits.append(ana.source.due_at - before)
    assert waits[0] < timedelta(seconds=10)
    assert waits[-1] > timedelta(minutes=10)
    due = ana.source.due_at
    hint(ana, times=5)
    assert ana.source.due_at == due


def test_a_malformed_answer_is_kept_whole_and_names_the_field(ana, api):
    api.put(BEN, 1, ana.day(1), TotalTimePlanned="an hour")
    hint(ana)
    ana.make_due()
    reading.read_due("test")
    row = Quarantine.objects.get()
    assert (row.contract, row.field) == ("workouts", "[0].TotalTimePlanned")
    assert b"an hour" in quarantine.body_of(row)
    assert b"an hour" not in bytes(row.body)
    assert Entry.objects.filter(action="quarantine.kept").exists()


def test_the_same_malformed_answer_again_is_one_row(ana, api):
    api.put(BEN, 1, ana.day(1), TotalTimePlanned="an hour")
    hint(ana)
    for _ in range(3):
        ana.make_due()
        reading.read_due("test")
    assert Quarantine.objects.count() == 1


def test_a_repaired_calendar_settles_what_was_kept(ana, api):
    api.put(BEN, 1, ana.day(1), TotalTimePlanned="an hour")
    hint(ana)
    ana.make_due()
    reading.read_due("test")
    api.put(BEN, 1, ana.day(1), TotalTimePlanned=1.0)
    ana.read()
    assert Quarantine.objects.get().state == Quarantine.State.REPLAYED
    assert len(ana.versions()) == 1


def test_an_athlete_who_is_no_longer_the_coachs_is_not_asked_about_again(ana, api):
    api.will("workouts", 403, "no")
    hint(ana)
    ana.read()
    assert ana.source.state == Source.State.SUSPENDED
    assert Entry.objects.filter(action="source.suspended").exists()
    hint(ana)
    assert ana.read() == 0


def test_a_lost_permission_waits_for_the_coach_and_goes_on_by_itself(ana, api, monkeypatch):
    api.put(BEN, 1, ana.day(1))
    hint(ana)

    def gone(_):
        raise NeedsReconnectError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(credentials, "token", gone)
        Connection.objects.update(state=Connection.State.NEEDS_REAUTH)
        assert ana.read() == 0
        Connection.objects.update(state=Connection.State.HEALTHY)
        ana.read()
    assert ana.source.state == Source.State.NEEDS_RECONNECT
    assert health.resume_reconnected() == 1
    assert ana.read() == 1
    assert len(ana.versions()) == 1


def test_a_scope_that_is_missing_is_said_on_the_connection_and_costs_only_the_intervals(ana, api):
    api.put(BEN, 1, ana.day(1), structure=INTERVALS)
    api.will("structure", 401, "no", times=2)
    hint(ana)
    ana.read()
    (version,) = ana.versions()
    assert version.canonical().exercise_list[0].intervals == ()
    assert "intervals.not-allowed/1" in version.rules
    connection = Connection.objects.get()
    assert connection.state == Connection.State.SCOPE_MISSING
    assert "workouts:wod" in connection.last_error
    assert ana.source.last_error == "source_scope_missing"


def test_a_scope_that_comes_back_heals_the_connection(ana, api):
    api.put(BEN, 1, ana.day(1), structure=INTERVALS)
    api.will("structure", 401, "no", times=2)
    hint(ana)
    ana.read()
    hint(ana)
    intake.ask(ana.source, Hint.Kind.MANUAL)
    ana.read()
    assert ana.newest().exercise_list[0].intervals
    assert Connection.objects.get().state == Connection.State.HEALTHY


def test_intervals_are_not_asked_again_while_nothing_changed(ana, api):
    api.put(BEN, 1, ana.day(1), structure=INTERVALS)
    hint(ana)
    ana.read()
    api.put(BEN, 2, ana.day(2))
    hint(ana)
    ana.read()
    assert len(api.asked["structure"]) == 1
    assert ana.newest().exercise_list[0].intervals


def test_a_person_who_asks_has_everything_read_again(ana, api):
    api.put(BEN, 1, ana.day(1), structure=INTERVALS)
    hint(ana)
    ana.read()
    intake.ask(ana.source, Hint.Kind.MANUAL)
    ana.read()
    assert len(api.asked["structure"]) == 2


def test_an_athlete_without_a_time_zone_is_asked_about_and_never_read_by_utc(ana, api):
    Athlete.objects.update(time_zone="")
    api.put(BEN, 1, ana.day(1))
    hint(ana)
    ana.read()
    assert api.asked["workouts"] == []
    assert ana.source.last_error == "needs_time_zone"
    Athlete.objects.update(time_zone="Europe/Paris")
    assert health.resume_reconnected() == 1
    ana.read()
    assert len(ana.versions()) == 1


def test_two_plans_over_the_same_days_cost_one_reading(ana, api):
    Plan.objects.create(
        athlete=ana.ben, name="Race block", kind=Plan.Kind.BLOCK,
        starts_on=ana.day(7), ends_on=ana.day(20),
    )  # fmt: skip
    api.put(BEN, 1, ana.day(1))
    api.put(BEN, 2, ana.day(10))
    hint(ana)
    ana.read()
    assert len(api.asked["workouts"]) == 1
    counts = {p.name: p.versions.get().session_count for p in Plan.objects.all()}
    assert counts == {"Training plan": 2, "Race block": 1}


def test_a_fault_of_our_own_is_tried_again_later_and_loses_nothing(ana, api, monkeypatch):
    api.put(BEN, 1, ana.day(1))
    hint(ana)
    with monkeypatch.context() as broken:
        broken.setattr(reading.versions, "record", lambda *_: 1 / 0)
        ana.make_due()
        assert reading.read_due("test")
    assert ana.versions() == []
    ana.read()
    assert len(ana.versions()) == 1


def test_a_database_that_failed_over_a_reading_delays_it_by_seconds(ana, api, monkeypatch):
    """However often: what it says is not about the source, which was announced long ago."""
    api.put(BEN, 1, ana.day(1))
    hint(ana)
    with monkeypatch.context() as broken:
        broken.setattr(reading.versions, "record", full_disk)
        for _ in range(8):
            ana.make_due()
            assert reading.read_due("test")
    assert ana.versions() == []
    assert ana.source.due_at < clock.now() + timedelta(seconds=11)
    ana.read()
    assert len(ana.versions()) == 1


def full_disk(*_):
    raise OperationalError("No space left on device")


def test_no_transaction_is_open_while_we_ask(ana, api):
    open_then = []
    for name in ("workouts", "structure", "strength-workouts"):
        api.on_ask[name] = lambda: open_then.append(connection.in_atomic_block)
    api.put(BEN, 1, ana.day(1), structure=INTERVALS)
    hint(ana)
    ana.read()
    assert open_then == [False, False, False]


def renewing(*, token_left, lease_left):
    now = clock.now()
    Connection.objects.update(
        expires_at=now + timedelta(seconds=token_left),
        refresh_lease_until=now + timedelta(seconds=lease_left),
        refresh_owner="another",
    )


def test_nobody_waits_at_a_calendar_whose_new_token_another_worker_fetches(ana, api):
    api.put(BEN, 1, ana.day(1))
    hint(ana)
    renewing(token_left=-1, lease_left=30)
    ana.make_due()
    assert not reading.read_due("test")
    assert ana.source.failures == 0
    renewing(token_left=600, lease_left=-1)
    assert reading.read_due("test")
    assert len(ana.versions()) == 1


def test_a_calendar_is_read_while_its_token_is_renewed_early(ana, api):
    api.put(BEN, 1, ana.day(1))
    hint(ana)
    renewing(token_left=600, lease_left=30)
    ana.make_due()
    assert reading.read_due("test")
    assert len(ana.versions()) == 1


def test_each_call_of_a_reading_is_timed_at_its_endpoint(ana, api, monkeypatch):
    monkeypatch.setattr(latency, "_counted", {})
    api.put(BEN, 1, ana.day(1))
    hint(ana)
    ana.read()
    assert latency.Endpoint("workouts") in latency._counted


@pytest.fixture
def rosters(ana, monkeypatch):
    """Ana's five athletes have waited longer; then Dan's one. Yields what was read, and his."""
    for number in range(4):
        Source.objects.create(
            athlete=Athlete.objects.create(
                organisation=ana.world.organisation, name=f"Athlete {number}",
                connection=ana.connection, source_id=100 + number, time_zone="Europe/Paris",
            )
        )  # fmt: skip
    dans = Connection.objects.create(
        organisation=ana.world.organisation, user=ana.world.ana, name="Dan's TrainingPeaks"
    )
    last = Source.objects.create(
        athlete=Athlete.objects.create(
            organisation=ana.world.organisation, name="Dan's", connection=dans, source_id=200,
            time_zone="Europe/Paris",
        )
    )  # fmt: skip
    past = clock.now() - timedelta(hours=1)
    Source.objects.update(dirty_seq=1, due_at=past)
    Source.objects.filter(pk=last.pk).update(due_at=past + timedelta(minutes=30))
    read = []
    monkeypatch.setattr(reading, "_read", lambda claim: read.append(claim.source.pk))
    return read, last.pk


def test_a_large_roster_delays_no_other_coach(rosters):
    read, dans = rosters
    for _ in range(6):
        assert reading.read_due("worker")
    assert read.index(dans) == 1
    assert len(set(read)) == 6


def test_what_is_announced_of_one_coach_cannot_use_up_what_everybody_has(rosters, settings):
    """Half of an hour's readings at once; the others wait, and are read in the next hours."""
    settings.TRAININGPEAKS_READINGS_PER_HOUR = 4
    read, dans = rosters
    while reading.read_due("worker"):
        assert len(read) < 4
    assert dans in read
    assert len(set(read)) == 3
    Limiter.objects.update(on_time_at=F("on_time_at") - timedelta(hours=1))
    while reading.read_due("worker"):
        assert len(read) < 6
    assert len(set(read)) == 5
