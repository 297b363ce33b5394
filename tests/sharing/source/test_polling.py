"""Polling finds what no event announced, exactly once, and says how silent the webhooks were."""

from datetime import timedelta

import pytest
from django.db import InterfaceError, OperationalError

from accounts.models import Athlete, Connection
from accounts.sealing import SealedError
from sharing import clock, intake, polling, subscriptions
from sharing.models import Hint, Limiter, Quarantine, Source, Subscription
from sharing.source import credentials
from sharing.source.errors import BadAnswerError, NoTokenError, SourceUnavailableError
from tests.sharing.source.studio import BEN

pytestmark = pytest.mark.usefixtures("transactional_db")


@pytest.fixture
def read(ana, api):
    """Ben's calendar with one workout, read and polled once."""
    api.put(BEN, 1, ana.day(1))
    intake.record(ana.source, headers={}, body=b"")
    ana.read()
    polling.poll(ana.source)
    subscriptions.reconcile(ana.connection)
    return ana


def test_f28_a_change_without_an_event_is_found_and_shared(read, api):
    api.put(BEN, 1, read.day(1), Title="Silently changed")
    assert polling.poll(read.source) == 1
    read.read()
    assert read.titles() == ["Silently changed"]


def test_a_deletion_without_an_event_is_found_and_proven(read, api):
    api.put(BEN, 2, read.day(2))
    intake.record(read.source, headers={}, body=b"")
    read.read()
    api.delete(BEN, 2)
    assert polling.poll(read.source) == 1
    read.read()
    assert read.newest().exercise_list[0].item_id == "tp-1"
    assert len(read.newest().exercise_list) == 1


def test_a_workout_that_moves_into_the_window_is_found(read, api):
    api.put(BEN, 3, read.day(200))
    assert polling.poll(read.source) == 0
    api.put(BEN, 3, read.day(3))
    assert polling.poll(read.source) == 1


def test_a_workout_that_moves_out_of_the_window_is_found(read, api):
    api.put(BEN, 1, read.day(200))
    assert polling.poll(read.source) == 1
    read.read()
    assert read.newest().exercise_list == ()


def test_what_was_read_already_is_no_finding(read):
    assert polling.poll(read.source) == 0
    assert read.hints(Hint.Kind.POLL) == []


def test_what_overlapping_looks_find_twice_is_one_hint(read, api):
    api.put(BEN, 1, read.day(1), Title="Once")
    polling.poll(read.source)
    polling.poll(read.source)
    assert len(read.hints(Hint.Kind.POLL)) == 1
    assert read.read() == 1


def test_a_finding_that_no_event_announces_by_the_next_look_counts_as_silent(read, api):
    Hint.objects.all().delete()
    api.put(BEN, 1, read.day(1), Title="Silent")
    polling.poll(read.source)
    assert read.source.silent_changes == 0  # the event may only be late
    polling.poll(read.source)
    assert read.source.silent_changes == 1
    polling.poll(read.source)
    assert read.source.silent_changes == 1


def test_before_subscriptions_were_asked_for_silence_means_nothing(read, api):
    Source.objects.update(hooks_asked_at=None)
    Hint.objects.all().delete()
    api.put(BEN, 1, read.day(1), Title="Silent")
    polling.poll(read.source)
    polling.poll(read.source)
    assert read.source.silent_changes == 0


def refused(read, api, *kinds):
    """TrainingPeaks refuses to announce these kinds, and always has."""
    Subscription.objects.all().delete()
    Source.objects.update(hooks_asked_at=None)
    api.subscriptions.clear()
    for event in subscriptions.EVENTS:
        status, body = (400, ["No."]) if event in kinds else (201, {"Id": event, "AthleteId": BEN})
        api.will("subscribe", status, body)
    subscriptions.reconcile(read.connection)
    Hint.objects.all().delete()
    polling.poll(read.source)


def test_where_subscriptions_are_refused_from_the_start_silence_counts(read, api):
    refused(read, api, *subscriptions.EVENTS)
    api.put(BEN, 1, read.day(1), Title="Silent")
    polling.poll(read.source)
    polling.poll(read.source)
    assert not Subscription.objects.exists()
    assert read.source.silent_changes == 1


@pytest.mark.parametrize(("heard", "left"), [("workout-created", 1), ("workout-updated", 0)])
def test_an_event_of_another_kind_than_the_refused_one_does_not_break_the_silence(
    read, api, heard, left
):
    refused(read, api, "workout-updated")
    Source.objects.update(silent_changes=1)
    intake.record(read.source, headers={}, body=b'{"EventType":"%s"}' % heard.encode())
    assert read.source.silent_changes == left


def test_the_first_look_only_sets_the_cursor(ana, api):
    api.put(BEN, 1, ana.day(1))
    assert polling.poll(ana.source) == 0
    assert api.asked["changed"] == []
    assert ana.source.cursor is not None


def test_a_late_event_is_not_silence(read, api):
    api.put(BEN, 1, read.day(1), Title="Late")
    polling.poll(read.source)
    intake.record(read.source, headers={}, body=b'{"EventType":"workout-updated","WorkoutId":1}')
    polling.poll(read.source)
    assert read.source.silent_changes == 0


def test_an_event_about_something_else_does_not_break_the_silence(read, api):
    Hint.objects.all().delete()
    api.put(BEN, 1, read.day(1), Title="Silent")
    polling.poll(read.source)
    intake.record(read.source, headers={}, body=b'{"EventType":"workout-updated","WorkoutId":9}')
    polling.poll(read.source)
    assert read.source.silent_changes == 1


def test_all_pages_are_read(read, api):
    for number in range(10, 260):
        api.put(BEN, number, read.day(3), Title=f"No {number}")
    api.asked["changed"].clear()
    assert polling.poll(read.source) == 250
    assert len(api.asked["changed"]) == 3


def test_what_slips_between_two_pages_is_found_by_a_whole_reading(read, api):
    for number in range(10, 120):
        api.put(BEN, number, read.day(3), Title=f"No {number}")
    intake.record(read.source, headers={}, body=b"")
    read.read()
    api.put(BEN, 119, read.day(3), Title="Slips to the first page")
    hundred = list(api.workouts[BEN].values())[: polling.CHANGED_PAGE]
    api.will("changed", 200, {"Deleted": [], "Modified": hundred})
    api.will("changed", 200, {"Deleted": [], "Modified": []})
    assert polling.poll(read.source) == 0
    read.read()
    assert "Slips to the first page" in read.titles()


@pytest.mark.parametrize("deleted", [[], [1]])
def test_one_page_alone_asks_for_no_whole_reading(read, api, deleted):
    api.deleted[BEN] += deleted
    polling.poll(read.source)
    assert read.hints(Hint.Kind.SCHEDULE) == []


def test_the_cursor_moves_only_after_success_and_looks_back_a_little(read, api):
    cursor = read.source.cursor
    api.will("changed", 500)
    with pytest.raises(SourceUnavailableError):
        polling.poll(read.source)
    assert read.source.cursor == cursor
    Limiter.objects.all().delete()
    polling.poll(read.source)
    assert read.source.cursor > cursor
    since = (cursor - polling.OVERLAP).strftime("%Y-%m-%dT%H%%3A%M%%3A%SZ")
    assert f"date={since}" in api.asked["changed"][-1].url


@pytest.mark.parametrize("body", [{"Deleted": ["x"]}, {"Modified": 5}, [], "text", {"Deleted": {}}])
def test_a_malformed_feed_is_an_error_not_an_empty_one(read, api, body):
    api.will("changed", 200, body if not isinstance(body, str) else '"text"')
    with pytest.raises(BadAnswerError):
        polling.poll(read.source)


def test_only_sources_whose_time_has_come_are_polled(read, api):
    assert polling.poll_due_sources() == 0
    Source.objects.update(polled_at=clock.now() - timedelta(hours=1))
    assert polling.poll_due_sources() == 1
    assert polling.poll_due_sources() == 0


def test_a_failing_feed_waits_for_its_next_turn_and_is_kept_when_malformed(read, api):
    Source.objects.update(polled_at=None)
    api.will("changed", 200, {"Deleted": ["x"]})
    polling.poll_due_sources()
    assert Quarantine.objects.get().contract == "changed"
    assert polling.poll_due_sources() == 0


def fails_for(monkeypatch, connection):
    """The token of this connection was sealed with a key that is gone."""

    def token(asked):
        if asked == connection.pk:
            raise SealedError("The key “old” is not in BATON_KEYS.")
        return "token-1"

    monkeypatch.setattr(credentials, "token", token)


def test_a_fault_over_one_athlete_costs_nobody_behind_them_their_turn(read, api, monkeypatch):
    eve = another(read, 7)
    fails_for(monkeypatch, read.connection)
    Source.objects.update(polled_at=clock.now() - timedelta(hours=1))
    Source.objects.filter(pk=read.source.pk).update(polled_at=clock.now() - timedelta(hours=2))
    assert polling.poll_due_sources() == 2
    assert read.source.last_error == "fault_of_our_own"
    assert polling.poll_due_sources() == 0, "who failed is not the first in the queue again"
    cursor = read.source.cursor
    eve.refresh_from_db()
    assert eve.cursor > cursor, "the cursor moves only after success"


def test_a_fault_in_what_follows_from_an_error_is_nobody_elses_either(read, api, monkeypatch):
    another(read, 7)

    def no_key(*_):
        raise SealedError("This athlete's key was destroyed.")

    monkeypatch.setattr(polling.trouble, "follows", no_key)
    Source.objects.update(polled_at=None)
    api.will("changed", 200, {"Deleted": ["x"]})
    assert polling.poll_due_sources() == 2


def test_where_one_connection_has_no_token_the_others_are_polled(read, api, monkeypatch):
    eve = another(read, 7)
    asked = []

    def token(connection):
        asked.append(connection)
        if connection == read.connection.pk:
            raise NoTokenError("TrainingPeaks gave no token.")
        return "token-1"

    monkeypatch.setattr(credentials, "token", token)
    mia = Athlete.objects.create(
        organisation=read.world.organisation, connection=read.connection, name="Mia", source_id=8
    )
    Source.objects.create(athlete=mia, cursor=clock.now())
    Source.objects.update(polled_at=clock.now() - timedelta(hours=1))
    Source.objects.filter(pk=eve.pk).update(polled_at=clock.now() - timedelta(minutes=30))
    polling.poll_due_sources()
    assert asked == [read.connection.pk, eve.athlete.connection_id]


def goes_on_after(studio, api, status):
    """Whether the next athlete is asked about after this answer to the first."""
    another(studio, 7)
    Source.objects.update(polled_at=None)
    api.asked["changed"].clear()
    api.will("changed", status, headers={"Retry-After": "0"})
    polling.poll_due_sources()
    return len(api.asked["changed"]) == 2


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_when_the_source_is_down_nobody_else_is_asked_about(read, api, status):
    assert not goes_on_after(read, api, status)


@pytest.mark.parametrize("status", [400, 404, 500])
def test_what_goes_wrong_for_one_athlete_ends_no_pass(read, api, status):
    assert goes_on_after(read, api, status)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_while_our_own_database_is_unwell_nobody_is_blamed(read, monkeypatch, error):
    def unwell(source):
        raise error

    monkeypatch.setattr(polling, "poll", unwell)
    Source.objects.update(polled_at=None)
    with pytest.raises(error):
        polling.poll_due_sources()
    assert read.source.last_error == ""


def another(studio, number):
    """Eve, whom another coach of the same organisation has connected; read before."""
    connection = Connection.objects.create(
        organisation=studio.world.organisation, user=studio.world.ana
    )
    eve = Athlete.objects.create(
        organisation=studio.world.organisation, connection=connection, name="Eve",
        source_id=number, time_zone="Europe/Paris",
    )  # fmt: skip
    return Source.objects.create(athlete=eve, cursor=clock.now() - timedelta(hours=1))


def test_an_athlete_who_left_the_coach_is_suspended_by_polling_too(read, api):
    Source.objects.update(polled_at=None)
    api.will("changed", 403)
    polling.poll_due_sources()
    assert read.source.state == Source.State.SUSPENDED


def test_a_published_calendar_is_read_at_every_look(ana, api):
    Connection.objects.update(kind=Connection.Kind.CALENDAR_FEED)
    before = ana.source.dirty_seq
    polling.poll(ana.source)
    assert ana.source.dirty_seq == before + 1
    assert api.asked["changed"] == []
