"""F31, D21: a source that is suddenly empty for many empties nobody's calendar without a person."""

from datetime import timedelta

import pytest
from django.db.models import F

from accounts import consent
from accounts.models import Athlete
from insight import watchdogs
from insight.models import Alert
from sharing import clock, deliveries, intake, reading, stops
from sharing.models import Hint, Lane, Plan, Source, Stop
from tests.sharing import fake_destination
from tests.sharing.source.studio import BEN
from tests.sharing.world import FIELDS

ATHLETES, SESSIONS = 8, 7
ALL = ATHLETES * SESSIONS
FEW = 5


@pytest.fixture
def inbox(ana, monkeypatch):
    return fake_destination.install(monkeypatch)


@pytest.fixture
def squad(ana, api, inbox):
    """Eight athletes, each with seven sessions that were delivered."""
    return assemble(ana, api, inbox)


def assemble(ana, api, inbox, sessions=SESSIONS, athletes=ATHLETES):
    ana.world.agree()
    for number in range(1, athletes):
        join(ana, number)
    for number in range(athletes):
        write(ana, api, number, sessions)
    come_in(ana)
    assert held(inbox) == athletes * sessions
    return ana


def join(ana, number):
    athlete = Athlete.objects.create(
        organisation=ana.world.organisation,
        connection=ana.connection,
        name=f"Athlete {number}",
        source_id=BEN + number,
        is_premium=True,
        time_zone="Europe/Paris",
    )
    terms = consent.Terms(fields=FIELDS, purpose="training")
    consent.decide(athlete, ana.world.destination.pk, "granted", consent.Basis(), terms)
    Plan.objects.create(athlete=athlete, name="Training plan")
    Source.objects.create(athlete=athlete)


def write(ana, api, number, sessions=SESSIONS):
    """The athlete's calendar from now on."""
    api.workouts[BEN + number] = {}
    for day in range(sessions):
        api.put(BEN + number, 100 * number + day + 1, ana.day(day + 7))


def come_in(ana, *who):
    """Every calendar is read, twice where it is in doubt, and everything that may leave does."""
    for source in (
        Source.objects.filter(athlete__source_id__in=who) if who else Source.objects.all()
    ):
        intake.ask(source, Hint.Kind.SCHEDULE, at_once=True)
    for _ in range(2 * ATHLETES):
        ana.make_due()
        reading.read_due("test")
    assert not Source.objects.filter(dirty_seq__gt=F("clean_seq")).exists()
    work()


def held(inbox):
    return sum(item is not None for item in inbox.held.values())


def work():
    Lane.objects.update(due_at=clock.now(), hold_until=clock.now())
    while deliveries.deliver_due("worker"):
        pass


@pytest.mark.parametrize("left", [0, 1])
def test_f31_many_calendars_that_are_emptied_at_once_wait_for_a_person(squad, api, inbox, left):
    for number in range(ATHLETES):
        write(squad, api, number, sessions=left)
    come_in(squad)
    stop = Stop.objects.get(lifted_at=None)
    assert (stop.destination, stop.mode, stop.guardrail) == (
        squad.world.destination, "pause", "emptying",
    )  # fmt: skip
    assert stop.reason.endswith("of 8 calendars lost most of their sessions within 24 hours.")
    assert held(inbox) >= ALL - FEW * SESSIONS  # at most the first few were believed
    watchdogs.look()
    alert = Alert.objects.get(kind="emptied_calendars", state="open")
    assert (alert.severity, alert.destination) == ("critical", squad.world.destination)


def test_f31_calendars_that_turn_out_empty_over_the_day_are_one_pass(squad, api, inbox):
    for number in range(ATHLETES):
        write(squad, api, number, sessions=0)
        come_in(squad, BEN + number)
        hours_pass(3)
    assert Stop.objects.get(lifted_at=None).guardrail == "emptying"
    assert held(inbox) == ALL - FEW * SESSIONS


def test_f31_what_was_emptied_the_day_before_is_not_counted(squad, api, inbox):
    for number in range(ATHLETES):
        write(squad, api, number, sessions=0)
        come_in(squad, BEN + number)
        hours_pass(5)
    assert not Stop.objects.exists()


def hours_pass(hours):
    for column in ("emptied_at", "read_at"):
        Source.objects.exclude(**{column: None}).update(
            **{column: F(column) - timedelta(hours=hours)}
        )


@pytest.mark.parametrize("sessions", [1, 3, 5])
def test_f31_small_calendars_count_like_large_ones(ana, api, inbox, sessions):
    assemble(ana, api, inbox, sessions)
    for number in range(ATHLETES):
        write(ana, api, number, sessions=0)
    come_in(ana)
    assert Stop.objects.get(lifted_at=None).guardrail == "emptying"
    assert held(inbox) >= (ATHLETES - FEW) * sessions


@pytest.mark.parametrize("sessions", [1, 3])
def test_f31_one_small_calendar_is_asked_for_twice_and_then_believed(squad, api, inbox, sessions):
    write(squad, api, 0, sessions=sessions)
    come_in(squad)
    write(squad, api, 0, sessions=0)
    intake.ask(squad.source, Hint.Kind.SCHEDULE, at_once=True)
    squad.make_due()
    reading.read_due("test")
    assert squad.source.last_error == "emptied"
    assert squad.versions()[-1].session_count == sessions
    assert squad.read() == 1
    work()
    assert squad.versions()[-1].session_count == 0
    assert held(inbox) == ALL - SESSIONS
    assert not Stop.objects.exists()


@pytest.mark.parametrize(("mode", "guardrail"), [("pause", ""), ("kill", ""), ("pause", "volume")])
def test_f31_another_stop_does_not_stand_in_for_the_question(squad, api, inbox, mode, guardrail):
    place = squad.world.destination
    other = stops.put(place, mode, reason="Maintenance", by=squad.world.ana, guardrail=guardrail)
    for number in range(ATHLETES):
        write(squad, api, number, sessions=0)
    come_in(squad)
    stops.lift(other, by=squad.world.ana)
    work()
    assert held(inbox) == ALL
    stops.lift(Stop.objects.get(lifted_at=None, guardrail="emptying"), by=squad.world.ana)
    work()
    assert held(inbox) == 0


def test_f31_what_a_person_says_is_true_goes_out_and_does_not_count_again(squad, api, inbox):
    for number in range(ATHLETES):
        write(squad, api, number, sessions=0)
    come_in(squad)
    stops.lift(Stop.objects.get(lifted_at=None), by=squad.world.ana)
    work()
    assert held(inbox) == 0
    come_in(squad)
    assert not Stop.objects.filter(lifted_at=None).exists()


def test_f31_when_the_calendars_come_back_nothing_was_ever_missing(squad, api, inbox):
    for number in range(ATHLETES):
        write(squad, api, number, sessions=0)
    come_in(squad)
    for number in range(ATHLETES):
        write(squad, api, number)
    come_in(squad)
    stops.lift(Stop.objects.get(lifted_at=None), by=squad.world.ana)
    work()
    assert held(inbox) == ALL


def test_f31_a_few_emptied_calendars_are_a_coach_at_work(squad, api, inbox):
    for number in range(FEW):
        write(squad, api, number, sessions=0)
    come_in(squad)
    assert not Stop.objects.exists()
    assert held(inbox) == ALL - FEW * SESSIONS


def test_f31_a_few_sessions_less_everywhere_are_a_coach_at_work(squad, api, inbox):
    for number in range(ATHLETES):
        write(squad, api, number, sessions=4)
    come_in(squad)
    assert not Stop.objects.exists()
    assert held(inbox) == ATHLETES * 4


@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("athletes", [2, FEW])
def test_f31_all_calendars_that_are_emptied_wait_for_a_person_however_few(
    ana, api, inbox, athletes, left
):
    assemble(ana, api, inbox, athletes=athletes)
    for number in range(athletes):
        write(ana, api, number, sessions=left)
    come_in(ana)
    stop = Stop.objects.get(lifted_at=None)
    assert (stop.destination, stop.guardrail) == (ana.world.destination, "emptying")
    assert stop.reason.startswith(f"{athletes} of {athletes} calendars lost most")
    assert held(inbox) >= SESSIONS  # the last of them at least
    stops.lift(stop, by=ana.world.ana)
    work()
    assert held(inbox) == athletes * left


def test_f31_the_only_calendar_that_is_emptied_is_believed(ana, api, inbox):
    assemble(ana, api, inbox, athletes=1)
    write(ana, api, 0, sessions=0)
    come_in(ana)
    assert not Stop.objects.exists()
    assert held(inbox) == 0


def test_f31_two_of_three_calendars_that_are_emptied_are_believed(ana, api, inbox):
    assemble(ana, api, inbox, athletes=3)
    for number in range(2):
        write(ana, api, number, sessions=0)
    come_in(ana)
    assert not Stop.objects.exists()
    assert held(inbox) == SESSIONS
