"""A roll back and the calendar: a week goes by, the window moves on, and what is held stays so."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection  # noqa: F401 - the condition below names it

from audit.log import audited_atomic
from sharing import clock, deliveries, pinned, versions
from sharing.bulk import asking, running
from sharing.bulk.criteria import Criteria, To
from sharing.ledger import lanes_with_a_gap
from sharing.models import BulkAction
from sharing.source.window import Found
from sharing.windows import Window
from tests.sharing.world import session

pytestmark = [
    pytest.mark.usefixtures("transactional_db"),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has its own clock."),
]

SUNDAY = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)
DAYS = {"tp-1": date(2026, 12, 1), "tp-far": date(2027, 1, 5)}  # the latter in the sixth week


@pytest.fixture
def sunday():
    with time_machine.travel(SUNDAY) as traveller:
        yield traveller


@pytest.fixture
def rolled_back(sunday, ana):
    """Version 2 was wrong, so Ben's destination was brought back to version 1."""
    ana.world.agree()
    read(ana, session("tp-1", title="Right"))
    read(ana, session("tp-1", title="Wrong"))
    wish = Criteria(plan=ana.world.plan.pk, to=To.VERSION, version=1)
    action = asking.ask(
        ana.world.ana, ana.world.organisation, BulkAction.Kind.ROLL_BACK, wish, reason="wrong"
    )
    running.run_due()
    asking.start(action, ana.world.ana)
    running.run_due()
    work()
    return ana


def read(ana, *sessions):
    """What a reading of this week's window finds, made a version and delivered."""
    now = clock.now()
    here = [each.model_copy(update={"date": DAYS[each.item_id]}) for each in sessions]
    shown = [each for each in here if ana.monday <= each.date <= ana.day(41)]
    occasion = versions.Occasion(1, now, now)
    with audited_atomic() as log:
        made = versions.record(
            ana.world.plan, Found(tuple(shown), {}), Window(ana.monday, ana.day(41)), occasion, log
        )
    work()
    return made


def work():
    while deliveries.deliver_due("worker"):
        pass


def sent(ana):
    return [delivery.version.version for delivery in ana.world.deliveries()]


def test_a_week_that_comes_into_sight_ends_no_roll_back(rolled_back, sunday):
    before = sent(rolled_back)
    assert before[-1] == 1
    sunday.shift(timedelta(days=1))
    version = read(rolled_back, session("tp-1", title="Wrong"), session("tp-far"))
    assert (version.version, version.urgent) == (3, False)
    assert sent(rolled_back) == before
    assert pinned.owed(rolled_back.world.lane).version == 1
    assert lanes_with_a_gap() == []


def test_what_the_coach_changes_after_that_week_does_end_it(rolled_back, sunday):
    sunday.shift(timedelta(days=1))
    read(rolled_back, session("tp-1", title="Wrong"), session("tp-far"))
    read(rolled_back, session("tp-1", title="Right again"), session("tp-far"))
    assert sent(rolled_back)[-1] == 4
    assert pinned.pin(rolled_back.world.lane) is None


def test_a_change_that_comes_with_the_new_week_ends_it(rolled_back, sunday):
    sunday.shift(timedelta(days=1))
    read(rolled_back, session("tp-1", title="Right again"), session("tp-far"))
    assert sent(rolled_back)[-1] == 3
