"""The whole road against the real sandbox process: connect, change, be told, read, record."""

import time
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from accounts import oauth
from accounts.models import Athlete, Connection, Membership, Organisation, User
from sharing import clock, polling, reading, roster, subscriptions, upkeep
from sharing.models import Hint, Limiter, Plan, PlanVersion, Quarantine, Source
from tests.sandbox_process import SandboxProcess
from tests.sharing import fake_destination

pytestmark = [
    pytest.mark.processes,
    pytest.mark.urls("sharing.hooks"),
    pytest.mark.usefixtures("transactional_db"),
]

PATIENCE = 20.0  # seconds


class Sandbox:
    """The control API, as a script uses it."""

    def __init__(self, url):
        self.url = url

    def post(self, path, **body):
        answer = requests.post(f"{self.url}/control/{path}", json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def patch(self, path, **body):
        answer = requests.patch(f"{self.url}/control/{path}", json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def get(self, path):
        return requests.get(f"{self.url}/control/{path}", timeout=30).json()

    def delete(self, path):
        assert requests.delete(f"{self.url}/control/{path}", timeout=30).ok

    def switch(self, **values):
        self.post("switches", **values)


@pytest.fixture(scope="module")
def process():
    with SandboxProcess() as running:
        yield Sandbox(running.url)


def until(condition, what):
    """Wait for a condition, with a deadline."""
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends, f"waited in vain for {what}"
        time.sleep(0.02)


@pytest.fixture
def sandbox(process, settings, live_server, monkeypatch):
    settings.TRAININGPEAKS_API_URL = settings.TRAININGPEAKS_OAUTH_URL = process.url
    settings.TRAININGPEAKS_CLIENT_ID = "baton-sandbox"
    settings.TRAININGPEAKS_CLIENT_SECRET = "baton-sandbox-secret"
    settings.TRAININGPEAKS_INSECURE_TRANSPORT = True
    settings.TRAININGPEAKS_RATE_PER_SECOND = 1_000
    settings.TRAININGPEAKS_REDIRECT_URL = f"{live_server.url}/connections/trainingpeaks/callback/"
    settings.BATON_PUBLIC_URL = live_server.url
    settings.BATON_QUIET_PERIOD = timedelta(seconds=0.3)
    settings.BATON_FETCH_SPACING = timedelta(0)
    fake_destination.install(monkeypatch)
    process.post("reset")
    process.post("seed", studio="demo", athletes=5, weeks=3)
    return process


@pytest.fixture
def ana(sandbox):
    """Ana's connection, made the way her browser would make it; her roster is read."""
    organisation = Organisation.objects.create(name="Keller Endurance", slug="keller")
    user = User.objects.create_user(email="ana@example.com", password=None)
    Membership.objects.create(user=user, organisation=organisation, role="coach")
    asked = dict(parse_qsl(urlsplit(oauth.start(user, organisation, "browser")).query))
    back = dict(parse_qsl(urlsplit(sandbox.post("authorize", **asked)["redirect"]).query))
    connection = oauth.complete(user, "browser", state=back["state"], code=back["code"])
    roster.sync(connection)
    subscriptions.reconcile(connection)
    return connection


def read_all():
    """Everything that is due now, as a worker would."""
    while reading.read_due("test"):
        pass


def ben():
    return Athlete.objects.order_by("source_id").first()


def versions(athlete):
    return list(PlanVersion.objects.filter(plan__athlete=athlete).order_by("version"))


def hear(source, seq):
    """Wait for events until the counter stands there, then read what they announce."""
    until(lambda: Source.objects.get(pk=source.pk).dirty_seq >= seq, "webhook events")
    until(lambda: not reading.read_due("test") and not _dirty(source), "the reading")


def _dirty(source):
    row = Source.objects.get(pk=source.pk)
    return row.dirty_seq > row.clean_seq


def test_a_whole_studio_is_read_with_every_oddity(ana, sandbox):
    read_all()
    people = list(Athlete.objects.order_by("source_id"))
    assert len(people) == 5
    zoneless = [a for a in people if not a.time_zone]
    assert [Source.objects.get(athlete=a).last_error for a in zoneless] == ["needs_time_zone"]
    for athlete in people:
        made = versions(athlete)
        assert len(made) == (0 if athlete in zoneless else 1), athlete.name
    sessions = versions(people[0])[0].canonical().exercise_list
    assert any(session.intervals for session in sessions)
    assert any(session.strength for session in sessions)
    assert Quarantine.objects.count() == 0
    assert len(sandbox.get("subscriptions")) == 15


def test_a_coachs_edit_is_announced_read_and_recorded(ana, sandbox):
    read_all()
    athlete = ben()
    source = Source.objects.get(athlete=athlete)
    before = source.dirty_seq
    listed = sandbox.get(f"athletes/{athlete.source_id}/workouts")
    future = [w for w in listed if w.get("WorkoutDay", "")[:10] > str(clock.now().date())]
    sandbox.patch(f"workouts/{future[0]['Id']}", Title="Changed by hand")
    hear(source, before + 1)
    made = versions(athlete)
    assert len(made) == 2
    assert "Changed by hand" in [s.title for s in made[-1].canonical().exercise_list]
    hint = Hint.objects.filter(source=source, kind="webhook").latest("seq")
    assert (hint.event_type, hint.workout_id) == ("workout-updated", future[0]["Id"])


def test_applying_a_plan_is_a_burst_that_makes_at_most_two_versions(ana, sandbox):
    read_all()
    athlete = ben()
    source = Source.objects.get(athlete=athlete)
    sandbox.switch(duplicate_webhooks=1, reorder_webhooks=True)
    made = sandbox.post(f"athletes/{athlete.source_id}/apply-plan", weeks=12)["workouts"]
    calendar = sandbox.get(f"athletes/{athlete.source_id}/workouts")
    announced = [w for w in calendar if w["Id"] in made and "WorkoutDay" in w]  # strength is silent
    assert len(announced) > 60
    hear(source, source.dirty_seq + 2 * len(announced))
    known = versions(athlete)
    assert 2 <= len(known) <= 3
    shown = {s.item_id for s in known[-1].canonical().exercise_list}
    assert sum(f"tp-{number}" in shown for number in made) > 20


@pytest.mark.parametrize("shape", ["minimal", "full", "array", "nonsense"])
def test_whatever_an_event_looks_like_the_calendar_is_the_truth(ana, sandbox, shape):
    read_all()
    athlete = ben()
    source = Source.objects.get(athlete=athlete)
    sandbox.switch(webhook_body=shape)
    day = clock.now().date() + timedelta(days=2)
    sandbox.post(
        f"athletes/{athlete.source_id}/workouts",
        WorkoutDay=f"{day}T00:00:00", WorkoutType="Run", Title="New one", TotalTimePlanned=0.5,
    )  # fmt: skip
    hear(source, source.dirty_seq + 1)
    assert "New one" in [s.title for s in versions(athlete)[-1].canonical().exercise_list]


def test_what_no_event_announces_is_found_by_polling(ana, sandbox):
    read_all()
    polling.poll_due_sources()
    athlete = ben()
    sandbox.switch(drop_webhooks_percent=100)
    workout = versions(athlete)[0].canonical().exercise_list[-1].item_id
    sandbox.delete(f"workouts/{workout.removeprefix('tp-')}")
    Source.objects.update(polled_at=clock.now() - timedelta(hours=1))
    polling.poll_due_sources()
    source = Source.objects.get(athlete=athlete)
    hear(source, source.dirty_seq)
    assert workout not in {s.item_id for s in versions(athlete)[-1].canonical().exercise_list}


@pytest.mark.parametrize(
    "fault",
    [
        {"unavailable": 1, "retry_after": ""}, {"throttle": 1}, {"server_error": 1},
        {"truncate_json": 1}, {"html_instead": 1}, {"wrong_types": 1},
    ],
)  # fmt: skip
def test_a_fault_of_the_source_records_nothing_and_passes(ana, sandbox, fault):
    read_all()
    athlete = ben()
    source = Source.objects.get(athlete=athlete)
    sandbox.switch(**fault)
    upkeep.intake.ask(source, Hint.Kind.SCHEDULE, at_once=True)
    assert reading.read_due("test")
    assert len(versions(athlete)) == 1
    assert Source.objects.get(pk=source.pk).failures == 1
    Limiter.objects.all().delete()
    Source.objects.update(due_at=clock.now())
    assert reading.read_due("test")
    assert Source.objects.get(pk=source.pk).failures == 0
    assert len(versions(athlete)) == 1


@pytest.mark.parametrize(
    "oddity",
    [
        {"extra_keys": True}, {"tss_casing": "TSSPlanned"}, {"structure_wrapped": True},
        {"percent_as_fractions": True}, {"modified_in": "mountain"},
    ],
)  # fmt: skip
def test_an_oddity_of_the_source_changes_nothing(ana, sandbox, oddity):
    read_all()
    athlete = ben()
    sandbox.switch(**oddity)
    source = Source.objects.get(athlete=athlete)
    upkeep.intake.ask(source, Hint.Kind.MANUAL, at_once=True)
    assert reading.read_due("test")
    assert Source.objects.get(pk=source.pk).last_error == ""
    assert len(versions(athlete)) == 1


def test_an_athlete_who_is_detached_is_suspended_and_then_let_go(ana, sandbox):
    read_all()
    athlete = ben()
    sandbox.switch(detached_athletes=[athlete.source_id])
    source = Source.objects.get(athlete=athlete)
    upkeep.intake.ask(source, Hint.Kind.SCHEDULE, at_once=True)
    assert reading.read_due("test")
    assert Source.objects.get(pk=source.pk).state == Source.State.SUSPENDED
    assert roster.sync(ana).detached == 1
    assert Athlete.objects.get(pk=athlete.pk).state == Athlete.State.DETACHED


def test_a_token_that_ends_early_is_renewed_on_the_way(ana, sandbox):
    sandbox.switch(expires_in=1)
    Connection.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    read_all()
    assert Plan.objects.filter(newest__gt=0).count() == 4


def test_a_coach_who_disconnects_us_there_is_asked_to_connect_again(ana, sandbox):
    read_all()
    sandbox.switch(revoke_connections=True)
    source = Source.objects.get(athlete=ben())
    upkeep.intake.ask(source, Hint.Kind.SCHEDULE, at_once=True)
    assert reading.read_due("test")
    assert Source.objects.get(pk=source.pk).state == Source.State.NEEDS_RECONNECT
    assert Connection.objects.get().state == Connection.State.NEEDS_REAUTH


def test_subscriptions_that_vanish_without_a_word_are_made_again(ana, sandbox):
    sandbox.switch(subscriptions_vanish=True)
    sandbox.switch(subscriptions_vanish=False)
    subscriptions.reconcile(ana)
    assert len(sandbox.get("subscriptions")) == 15


def test_structure_that_a_coach_may_not_read_costs_only_the_intervals(ana, sandbox):
    sandbox.switch(coach_may_read_structure=False)
    read_all()
    sessions = versions(ben())[0].canonical().exercise_list
    assert sessions
    assert not any(session.intervals for session in sessions)
    assert Connection.objects.get().state == Connection.State.SCOPE_MISSING
