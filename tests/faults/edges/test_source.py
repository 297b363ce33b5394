"""What TrainingPeaks answers: no version from anything incomplete, nothing taken back by a 404.

F30, F31, S68, S101, S183. The source is a raw socket, its tokens are real rows, and the road
leads on to a destination that keeps a journal.
"""

import json
import time
from datetime import timedelta

import pytest

from accounts.models import Athlete, Connection
from audit.models import Entry
from sharing import clock, departures, intake, quarantine, reading, roster, upkeep
from sharing.models import Delivery, Limiter, Quarantine, Source
from sharing.source import http
from tests.faults.edges import faults, road
from tests.faults.edges.conftest import WHOLE
from tests.faults.edges.receivers import GONE, KeyedInbox, answer
from tests.sharing.source import studio
from tests.sharing.source.fake_trainingpeaks import INTERVALS
from tests.sharing.source.studio import BEN

SLACK = 1.0


@pytest.fixture
def ana(tp, edges, transactional_db):
    """Ana's studio, connected by real tokens; Ben's first version has reached his inbox."""
    inbox = KeyedInbox()
    made = studio.build(tp)
    made.inbox = inbox
    tp.connect(made.connection)
    destination = made.world.destination
    destination.kind = inbox.kind
    destination.configure(inbox.settings())
    destination.save()
    made.world.agree()
    tp.put(BEN, 1, made.day(1), Title="v1", structure=INTERVALS)
    read(made)
    assert inbox.effects == ["v1"]
    yield made
    inbox.close()


def read(ana):
    """A hint comes, the source is read until nothing is dirty, and what follows is delivered."""
    hint(ana)
    while once(ana):
        pass
    deliver(ana)


def hint(ana):
    intake.record(ana.source, headers={}, body=b'{"EventType":"workout-updated"}')


def once(ana):
    """One reading; every wait is over."""
    ana.make_due()
    Limiter.objects.all().delete()
    return reading.read_due("worker")


def deliver(ana):
    road.Road(ana.world, ana.inbox).drain()


def change(ana, tp):
    """The coach edits; the next answers are the test's."""
    tp.put(BEN, 1, ana.day(1), Title="v2")
    hint(ana)


def assert_untouched(ana):
    """No version, nothing sent, nothing forgotten: the hint is still owed a reading."""
    deliver(ana)
    assert len(ana.versions()) == 1
    assert ana.inbox.effects == ["v1"]
    source = ana.source
    assert source.dirty_seq > source.clean_seq
    assert source.last_error


def assert_recovers(ana):
    while once(ana):
        pass
    deliver(ana)
    assert ana.inbox.effects == ["v1", "v2"]
    assert (ana.source.failures, ana.source.last_error) == (0, "")


LATER, REFUSED = "source_unavailable", "source_rejected"
SOON, FAR = timedelta(seconds=10), timedelta(minutes=50)
BY_STATUS = {
    # what the calendar call answers → the code, whether the source is read on, and how soon
    301: (REFUSED, "active", SOON),
    400: (REFUSED, "active", SOON),
    401: ("source_scope_missing", "active", SOON),
    403: ("athlete_not_shown", "suspended", None),
    404: ("source_not_found", "active", SOON),
    405: (REFUSED, "active", SOON),
    408: (LATER, "active", SOON),
    415: (REFUSED, "active", SOON),
    422: (REFUSED, "active", SOON),
    425: (LATER, "active", SOON),
    429: (LATER, "active", FAR),
    500: (LATER, "active", SOON),
    501: (REFUSED, "active", SOON),
    502: (LATER, "active", SOON),
    503: (LATER, "active", FAR),
    504: (LATER, "active", SOON),
}


@pytest.mark.parametrize("status", BY_STATUS)
def test_F30_S68_every_status_has_one_tested_behaviour(status, ana, tp):
    code, state, pause = BY_STATUS[status]
    headers = "Retry-After: 3600\r\n" if status in {429, 503} else ""
    change(ana, tp)
    tp.fails("workouts", *[faults.gives(status, {"error": "no"}, headers)] * 2)
    before = clock.now()
    assert once(ana)
    assert_untouched(ana)
    assert (ana.source.last_error, ana.source.state) == (code, state)
    if pause == FAR:
        assert ana.source.due_at - before > FAR
    elif pause == SOON:
        assert ana.source.due_at - before < SOON
    tp.faults.clear()
    mend(ana)
    assert_recovers(ana)


def mend(ana):
    """What a person does: the roster shows the athlete again, the scope is granted again."""
    Connection.objects.update(state=Connection.State.HEALTHY)
    if ana.source.state == Source.State.SUSPENDED:
        roster.sync(ana.connection)


class TestTokens:
    def test_F30_a_401_costs_one_refresh_and_the_call_is_repeated(self, ana, tp):
        tp.token = "another"
        change(ana, tp)
        assert_recovers(ana)
        assert tp.refreshes == 1

    def test_F30_a_refresh_that_is_refused_stops_until_the_coach_connects_again(self, ana, tp):
        tp.token, tp.refuse_refresh = "another", True
        change(ana, tp)
        assert once(ana)
        assert_untouched(ana)
        assert ana.source.state == Source.State.NEEDS_RECONNECT
        assert Connection.objects.get().state == Connection.State.NEEDS_REAUTH
        assert Entry.objects.filter(action="connection.needs_reauth").count() == 1
        asked = len(tp.requests)
        assert not once(ana)
        assert len(tp.requests) == asked  # nobody knocks at a closed door

    def test_F30_a_scope_that_is_missing_is_said_once(self, ana, tp):
        change(ana, tp)
        tp.fails("workouts", *[faults.gives(401, {"error": "scope"})] * 8)
        for _ in range(reading.DOUBTED):
            once(ana)
            assert ana.source.due_at - clock.now() < timedelta(minutes=10)  # perhaps a token ended
        once(ana)
        assert ana.source.due_at - clock.now() > FAR
        assert_untouched(ana)
        assert Connection.objects.get().state == Connection.State.SCOPE_MISSING
        assert "“workouts:read”" in Connection.objects.get().last_error
        assert Entry.objects.filter(action="connection.scope_missing").count() == 1
        assert_recovers(ana)
        assert Connection.objects.get().state == Connection.State.HEALTHY


def cut(exchange):
    """Half of the answer; the connection then ends as if that were all."""
    exchange.send(exchange.whole[: len(exchange.whole) - 40])


def half_a_document(exchange):
    """A whole answer whose JSON is not."""
    body = exchange.whole.partition(b"\r\n\r\n")[2]
    exchange.send(answer(200, body[: len(body) // 2]))


class TestIncomplete:
    @pytest.mark.parametrize("name", ["workouts", "structure", "strength-workouts"])
    @pytest.mark.parametrize("fault", [cut, half_a_document, faults.hangs_up, faults.resets])
    def test_F30_an_answer_that_is_not_whole_is_no_calendar(self, fault, name, ana, tp):
        change(ana, tp)
        tp.fails(name, fault)
        assert once(ana)
        assert_untouched(ana)
        assert ana.source.last_error == LATER
        assert_recovers(ana)

    def test_F30_a_page_that_shifts_while_we_read_is_not_believed(self, ana, tp):
        tp.strength[BEN] = [strength(number, ana.day(2)) for number in range(1, 60)]
        change(ana, tp)
        tp.on_ask["strength-workouts"] = lambda: tp.strength[BEN].pop(0)
        assert once(ana)
        assert_untouched(ana)
        assert ana.source.last_error == LATER
        tp.on_ask.clear()
        tp.strength[BEN].clear()
        assert_recovers(ana)


def strength(number, day):
    return {"id": str(number), "title": f"Set {number}", "prescribedDate": str(day), "blocks": []}


class TestSlow:
    def test_F30_an_answer_that_takes_a_minute_is_given_up(self, ana, tp):
        silent = faults.Silent()
        change(ana, tp)
        tp.fails("workouts", silent)
        assert timed(ana) < WHOLE + SLACK
        silent.over.set()
        assert_untouched(ana)
        assert_recovers(ana)

    @pytest.mark.parametrize("where", ["headers", "body"])
    def test_F30_one_byte_at_a_time_does_not_outlast_the_deadline(self, where, ana, tp):
        head = b"HTTP/1.1 200 OK\r\n"
        text = head + b"X: " + b"a" * 900 if where == "headers" else answer(200, b" " * 900)
        drips = faults.Drips(text)
        change(ana, tp)
        tp.fails("workouts", drips)
        assert timed(ana) < WHOLE + SLACK
        drips.over.set()
        assert_untouched(ana)
        assert_recovers(ana)

    def test_F30_a_body_without_an_end_is_kept_from_memory(self, ana, tp, monkeypatch):
        monkeypatch.setattr(http, "LARGEST", 200_000)
        pours = faults.Pours(b"HTTP/1.1 200 OK\r\n\r\n", b"[" * 65_536)
        change(ana, tp)
        tp.fails("workouts", pours)
        assert once(ana)
        assert_untouched(ana)
        assert Quarantine.objects.get().contract == "workouts"


def timed(ana):
    started = time.monotonic()
    assert once(ana)
    return time.monotonic() - started


MISSING = object()
WRONG = {
    "text for hours": ("TotalTimePlanned", "an hour"),
    "a number for the title": ("Title", 7),
    "a list for the title": ("Title", ["Ride"]),
    "no such day": ("WorkoutDay", "2026-02-30T00:00:00"),
    "no day": ("WorkoutDay", MISSING),
    "text for the id": ("Id", "one"),
    "more hours than there are": ("TotalTimePlanned", 1e9),
}


def with_member(name, value):
    """The answer that would be given, but for one member of the first workout."""

    def fault(exchange):
        workouts = json.loads(exchange.whole.partition(b"\r\n\r\n")[2])
        workouts[0][name] = value
        if value is MISSING:
            del workouts[0][name]
        exchange.send(answer(200, workouts))

    return fault


class TestContract:
    @pytest.mark.parametrize(("member", "value"), WRONG.values(), ids=WRONG)
    def test_S101_S183_what_breaks_the_contract_is_kept_and_names_the_field(
        self, member, value, ana, tp
    ):
        change(ana, tp)
        tp.fails("workouts", with_member(member, value))
        assert once(ana)
        assert_untouched(ana)
        kept = Quarantine.objects.get()
        assert (kept.contract, kept.field, kept.state) == ("workouts", f"[0].{member}", "open")
        assert kept.problem
        assert Entry.objects.filter(action="quarantine.kept").count() == 1
        assert ana.source.last_error == "bad_answer"
        assert_recovers(ana)
        assert Quarantine.objects.get().state == "replayed"

    def test_S101_a_roster_with_one_bad_line_lets_nobody_go(self, ana, tp):
        tp.athletes = [studio.roster_entry(BEN, Id="ben")]
        with pytest.raises(roster.BadAnswerError) as raised:
            roster.sync(ana.connection)
        assert raised.value.field == "[0].Id"
        assert Athlete.objects.get().state == Athlete.State.ACTIVE


class TestF31:
    """Everything is 404 from one moment to the next."""

    def test_F31_a_404_for_everything_takes_nothing_back(self, ana, tp):
        change(ana, tp)
        tp.always = 404
        for _ in range(3):
            once(ana)
            upkeep_again()
        assert_untouched(ana)
        assert ana.source.last_error == "source_not_found"
        assert Athlete.objects.get().state == Athlete.State.ACTIVE
        assert not Delivery.objects.filter(intent=Delivery.Intent.REMOVE).exists()
        tp.always = None
        assert_recovers(ana)

    def test_F31_a_list_that_is_suddenly_empty_stops_and_asks(self, ana, tp):
        tp.athletes = [studio.roster_entry(BEN + n, FirstName=f"Ben {n}") for n in range(8)]
        roster.sync(ana.connection)
        everybody, tp.athletes = tp.athletes, []
        upkeep_again()
        assert not Athlete.objects.filter(state=Athlete.State.DETACHED).exists()
        assert ana.inbox.effects == ["v1"]
        stopped = Quarantine.objects.get(contract=departures.MASS_CHANGE)
        assert json.loads(quarantine.body_of(stopped)) == [person["Id"] for person in everybody]
        assert Entry.objects.filter(action="roster.mass_change_stopped").exists()

    def test_F31_one_who_leaves_by_a_whole_list_is_taken_back(self, ana, tp):
        """The other side of it: a deletion that is proven is one."""
        tp.athletes = [studio.roster_entry(BEN + 1)]
        upkeep_again()
        deliver(ana)
        assert ana.inbox.effects == ["v1", GONE]


def upkeep_again():
    """All that is done from time to time, as the pump would."""
    Source.objects.update(polled_at=clock.now() - timedelta(hours=1))
    for _, _, work in upkeep.JOBS:
        Limiter.objects.all().delete()
        work()
