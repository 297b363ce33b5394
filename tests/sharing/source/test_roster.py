"""The roster decides who has a plan; it must be sure before it decides that somebody left."""

import pytest

from accounts.models import Athlete, Connection
from audit.models import Entry
from sharing import departures, intake, quarantine, roster
from sharing.models import Delivery, Plan, Quarantine, Source
from sharing.source.errors import BadAnswerError, NotThereError, SourceUnavailableError
from tests.sharing.source.studio import BEN, roster_entry

pytestmark = pytest.mark.usefixtures("transactional_db")


def sync(ana, **how):
    return roster.sync(Connection.objects.get(pk=ana.connection.pk), **how)


def fill(api, count):
    api.athletes = [
        roster_entry(BEN),
        *(roster_entry(n, FirstName=f"A{n}") for n in range(1, count)),
    ]


def test_an_athlete_gets_a_source_a_rolling_plan_and_a_first_reading(ana, api):
    api.athletes.append(roster_entry(77, FirstName="Mia", LastName="Long", IsPremium=False))
    assert sync(ana).created == 1
    mia = Athlete.objects.get(source_id=77)
    assert (mia.name, mia.time_zone, mia.is_premium) == ("Mia Long", "Europe/Paris", False)
    assert mia.plans.get().kind == Plan.Kind.ROLLING
    assert mia.source.dirty_seq == 1
    assert Entry.objects.filter(action="athlete.created", subject=mia.pseudonym).exists()


def test_looking_again_changes_nothing(ana, api):
    fill(api, 4)
    sync(ana)
    before = Source.objects.get(athlete__source_id=2).dirty_seq
    outcome = sync(ana)
    assert (outcome.created, outcome.updated, outcome.detached) == (0, 0, 0)
    assert Source.objects.get(athlete__source_id=2).dirty_seq == before


def test_a_missing_time_zone_is_left_for_the_coach_to_say(ana, api):
    api.athletes = [roster_entry(BEN), roster_entry(78, TimeZone=None), roster_entry(79)]
    del api.athletes[2]["TimeZone"]
    sync(ana)
    assert Athlete.objects.get(source_id=78).time_zone == ""
    roster.set_time_zone(Athlete.objects.get(source_id=79), "Asia/Tokyo")
    sync(ana)
    assert Athlete.objects.get(source_id=79).time_zone == "Asia/Tokyo"


def test_a_time_zone_that_does_not_exist_is_refused(ana):
    with pytest.raises(ValueError, match="not a time zone"):
        roster.set_time_zone(ana.ben, "Mars/Olympus")


def test_a_new_time_zone_has_the_calendar_read_again(ana, api):
    sync(ana)
    before = ana.source.dirty_seq
    api.athletes = [roster_entry(BEN, TimeZone="America/Denver")]
    assert sync(ana).updated == 1
    assert ana.ben.time_zone == "America/Denver"
    assert ana.source.dirty_seq == before + 1


def test_another_coachs_number_is_no_reason_to_drop_an_athlete(ana, api):
    api.athletes.append(roster_entry(80, CoachedBy=999))
    assert sync(ana).created == 1


def test_who_is_missing_from_the_list_is_detached_and_what_was_shared_is_taken_back(ana, api):
    fill(api, 3)
    sync(ana)
    ana.world.agree()
    api.put(BEN, 1, ana.day(1))
    intake.record(ana.source, headers={}, body=b"")
    ana.read()
    api.athletes = [entry for entry in api.athletes if entry["Id"] != BEN]
    assert sync(ana).detached == 1
    assert ana.ben.state == Athlete.State.DETACHED
    assert ana.source.state == Source.State.SUSPENDED
    assert not Delivery.objects.filter(state="waiting", intent="share").exists()
    assert Entry.objects.filter(action="athlete.detached").count() == 1


def test_who_comes_back_is_read_again(ana, api):
    fill(api, 3)
    sync(ana)
    listed, api.athletes = api.athletes, api.athletes[1:]
    sync(ana)
    api.athletes = listed
    sync(ana)
    assert ana.ben.state == Athlete.State.ACTIVE
    assert ana.source.state == Source.State.ACTIVE
    assert ana.source.dirty_seq > ana.source.clean_seq


def test_an_athlete_refused_once_but_still_listed_is_read_again(ana, api):
    Source.objects.update(state=Source.State.SUSPENDED)
    sync(ana)
    assert ana.source.state == Source.State.ACTIVE


def test_many_who_vanish_at_once_are_not_believed(ana, api):
    fill(api, 20)
    sync(ana)
    api.athletes = []
    outcome = sync(ana)
    assert (outcome.detached, outcome.stopped) == (0, 20)
    assert not Athlete.objects.filter(state=Athlete.State.DETACHED).exists()
    row = Quarantine.objects.get()
    assert row.problem.startswith("20 athletes are missing at once")
    sync(ana)
    assert Quarantine.objects.count() == 1


def test_two_of_two_who_vanish_at_once_are_not_believed(ana, api):
    fill(api, 2)
    sync(ana)
    listed, api.athletes = api.athletes, []
    outcome = sync(ana)
    assert (outcome.detached, outcome.stopped) == (0, 2)
    assert Quarantine.objects.get().problem.startswith("2 athletes are missing at once")
    quarantine.replay(Quarantine.objects.get())
    assert sync(ana).detached == len(listed)


def test_two_of_three_who_vanish_at_once_did_leave(ana, api):
    fill(api, 3)
    sync(ana)
    api.athletes = api.athletes[:1]
    assert sync(ana).detached == 2


def test_the_only_athlete_who_vanishes_did_leave(ana, api):
    sync(ana)
    api.athletes = []
    assert sync(ana).detached == 1
    assert not Quarantine.objects.exists()


def test_a_person_may_say_that_they_did_leave(ana, api):
    fill(api, 20)
    sync(ana)
    api.athletes = api.athletes[:10]
    sync(ana)
    quarantine.replay(Quarantine.objects.get())
    assert sync(ana).detached == 10
    assert Quarantine.objects.get().state == Quarantine.State.REPLAYED


def test_who_dismisses_the_short_list_lets_nobody_go_whatever_the_note_says(ana, api):
    fill(api, 20)
    sync(ana)
    api.athletes = api.athletes[:10]
    sync(ana)
    quarantine.dismiss(Quarantine.objects.get(), departures.CONFIRMED)
    assert sync(ana).detached == 0


def test_a_persons_word_is_about_those_who_were_missing_then(ana, api):
    fill(api, 20)
    sync(ana)
    listed, api.athletes = api.athletes, api.athletes[:12]
    sync(ana)
    quarantine.replay(Quarantine.objects.get())
    api.athletes = listed[12:]
    assert sync(ana).detached == 0


def test_they_are_back_and_the_finding_settles_itself(ana, api):
    fill(api, 20)
    sync(ana)
    listed, api.athletes = api.athletes, []
    sync(ana)
    api.athletes = listed
    sync(ana)
    assert Quarantine.objects.get().state == Quarantine.State.REPLAYED


@pytest.mark.parametrize(("status", "body"), [(404, "<html>"), (500, ""), (200, '[{"Id": 1')])
def test_a_roster_that_cannot_be_had_detaches_nobody(ana, api, status, body):
    api.will("athletes", status, body)
    with pytest.raises((SourceUnavailableError, NotThereError)):
        sync(ana)
    assert ana.ben.state == Athlete.State.ACTIVE


def test_one_athlete_who_cannot_be_read_stops_the_whole_list(ana, api):
    api.athletes = [roster_entry(BEN), {"FirstName": "Nobody"}]
    with pytest.raises(BadAnswerError):
        sync(ana)
    row = Quarantine.objects.get()
    assert (row.contract, row.field) == ("athletes", "[1].Id")
    api.athletes = [roster_entry(BEN)]
    sync(ana)
    assert Quarantine.objects.get().state == Quarantine.State.REPLAYED


def test_two_coaches_of_one_studio_share_an_athlete_without_quarrel(ana, api):
    other = Connection.objects.create(organisation=ana.world.organisation, user=ana.world.ana)
    roster.sync(other)
    sync(ana)
    assert Athlete.objects.filter(source_id=BEN).count() == 1
    assert ana.ben.connection_id == ana.connection.pk


def test_a_connection_that_ended_hands_its_athletes_to_one_that_works(ana, api):
    Connection.objects.update(state=Connection.State.DISCONNECTED)
    other = Connection.objects.create(organisation=ana.world.organisation, user=ana.world.ana)
    roster.sync(other)
    assert ana.ben.connection_id == other.pk


def test_a_published_calendar_becomes_one_athlete(ana):
    feed = Connection.objects.create(
        organisation=ana.world.organisation, user=ana.world.ana, name="Mia",
        kind=Connection.Kind.CALENDAR_FEED, feed_url="webcal://www.trainingpeaks.com/ical/x.ics",
    )  # fmt: skip
    assert roster.sync(feed).created == 1
    assert roster.sync(feed).created == 0
    mia = Athlete.objects.get(connection=feed)
    assert (mia.name, mia.source_id, mia.time_zone) == ("Mia", None, "")
