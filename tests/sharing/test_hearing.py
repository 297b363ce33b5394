"""Whether wake-up calls arrive: who takes them asks, who is woken answers, and silence is seen."""

from datetime import timedelta

import pytest

from sharing import clock, hearing, periodic, tasks, wake
from sharing.models import Hearing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rung(monkeypatch):
    """How often the bell was rung."""
    calls = []
    monkeypatch.setattr(wake, "_ring", lambda: calls.append(1))
    return calls


def ago(**past):
    return clock.now() - timedelta(**past)


def row_is(**columns):
    Hearing.objects.update_or_create(pk=1, defaults=columns)


def row():
    return Hearing.objects.get()


def silent():
    now = clock.now()
    found = hearing.listening(now)
    return found is not None and hearing.is_silent(found, now)


def test_one_of_many_asks_and_the_others_leave_it_at_that(rung):
    for _ in range(5):
        hearing.ask()
    assert len(rung) == 1
    row_is(rung_at=ago(seconds=8))
    hearing.ask()
    assert len(rung) == 2


def test_who_is_woken_answers(rung):
    hearing.ask()
    assert row().asked_at is not None
    hearing.heard()
    assert row().asked_at is None
    assert row().heard_at >= row().rung_at


def test_nobody_is_silent_before_the_patience_is_over(rung, settings):
    row_is(rung_at=ago(seconds=1), asked_at=ago(seconds=29))
    assert not silent()
    row_is(asked_at=ago(seconds=31))
    assert silent()
    settings.BATON_ALERT_BROKER = timedelta(seconds=40)
    assert not silent()
    settings.BATON_ALERT_BROKER = timedelta(seconds=30)
    hearing.heard()
    assert not silent()


def test_asking_again_does_not_make_the_silence_any_shorter(rung):
    began = ago(seconds=40)
    row_is(rung_at=ago(seconds=9), asked_at=began)
    hearing.ask()
    assert row().asked_at == began
    assert silent()


def test_a_night_in_which_nothing_ran_is_no_silence(rung):
    row_is(rung_at=ago(hours=9), asked_at=ago(hours=9), since=ago(days=2))
    assert not silent()
    hearing.ask()
    assert not silent()
    assert row().since is None


def test_how_long_calls_have_arrived_is_counted_anew_after_a_silence(rung):
    hearing.ask()
    hearing.heard()
    began = row().since
    row_is(rung_at=ago(seconds=9))
    hearing.ask()
    hearing.heard()
    assert row().since == began
    row_is(rung_at=ago(seconds=9), asked_at=ago(seconds=31))
    hearing.heard()
    assert row().since > began


def test_an_answer_that_nobody_asked_for_is_not_written_down(rung, django_assert_num_queries):
    hearing.heard()
    assert not Hearing.objects.exists()
    row_is(rung_at=ago(seconds=1))
    with django_assert_num_queries(1):
        hearing.heard()


# --- who asks and who answers -------------------------------------------------------------------


def test_the_task_that_a_call_wakes_answers(rung, monkeypatch):
    monkeypatch.setattr(periodic, "_jobs", {})
    row_is(rung_at=ago(seconds=1), asked_at=ago(seconds=40))
    assert silent()
    tasks.drain()
    assert not silent()


def test_who_is_at_work_on_a_call_takes_no_other_and_that_is_no_silence(rung, monkeypatch):
    def long_work(**_):
        row_is(rung_at=ago(seconds=1), asked_at=ago(seconds=40))  # while it lasts
        tasks._listen()
        assert not silent()

    monkeypatch.setattr(tasks.pump, "drain", long_work)
    tasks.drain()
    row_is(rung_at=ago(seconds=1), asked_at=ago(seconds=40))
    tasks._listen()
    assert silent()


def test_a_worker_asks_with_every_beat_and_a_pump_alone_never(rung, monkeypatch):
    monkeypatch.setattr(tasks.pump.Pump, "start", lambda self: None)
    tasks.start_pump()
    (of_a_worker,) = tasks._pumps
    monkeypatch.setattr(tasks, "_pumps", [])
    _beat_once(of_a_worker, monkeypatch)
    assert len(rung) == 1
    Hearing.objects.all().delete()
    _beat_once(tasks.pump.Pump("alone"), monkeypatch)
    assert not Hearing.objects.exists()


def _beat_once(pump, monkeypatch):
    monkeypatch.setattr(tasks.pump, "BETWEEN_BEATS", 0.0)
    inner = pump.beside

    def last():
        inner()
        pump._stop.set()

    pump.beside = last
    pump._beat_beside()
