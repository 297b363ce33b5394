"""Each watchdog in both directions: it rises with its cause, not without, and goes with it."""

from datetime import timedelta

import pytest

from accounts.models import Athlete, Connection
from audit.log import audited_atomic
from audit.models import Checkpoint, Head, SignerState
from destinations import services
from destinations.errors import (
    GoneError,
    PayloadError,
    UnavailableError,
    UnknownOutcomeError,
    UnlistedError,
)
from destinations.models import Destination
from insight import alerts, watchdogs
from insight.alerts import Finding
from insight.models import Alert
from insight.selectors.alerts import details
from insight.watchdogs import installation
from sharing import (
    clock,
    consents,
    departures,
    health,
    hearing,
    intake,
    periodic,
    quarantine,
    redeliver,
    stops,
    trouble,
)
from sharing.models import (
    Attempt,
    BulkAction,
    Delivery,
    Drift,
    Hearing,
    Heartbeat,
    Lane,
    PeriodicJob,
    RemoteRecord,
    Source,
    Subscription,
)
from sharing.pump import beat
from sharing.source.errors import AthleteDetachedError, BadAnswerError
from tests.insight.conftest import alert, look, standing, work
from tests.sharing import world as worlds
from tests.sharing.world import session

pytestmark = pytest.mark.django_db


def ago(**past):
    return clock.now() - timedelta(**past)


def lane_is(studio, **columns):
    Lane.objects.filter(pk=studio.lane.pk).update(**columns)


def destination_is(studio, **columns):
    Destination.objects.filter(pk=studio.destination.pk).update(**columns)


def source_is(studio, **columns):
    Source.objects.filter(pk=studio.source.pk).update(**columns)


def connection_is(studio, **columns):
    Connection.objects.filter(pk=studio.connection.pk).update(**columns)


def in_a_minute_and_a_second(studio):
    lane_is(studio, due_at=ago(seconds=61))


# --- lanes -------------------------------------------------------------------------------------


def test_a_quiet_studio_has_no_alert(studio):
    studio.publish()
    work()
    assert standing() == set()


def test_a_lane_that_is_due_for_a_minute_is_late_until_it_is_sent(studio):
    studio.publish()
    lane_is(studio, due_at=ago(seconds=55))
    assert "lane_late" not in standing()
    in_a_minute_and_a_second(studio)
    assert "lane_late" in standing()
    raised = alert("lane_late")
    assert raised.destination_id == studio.destination.pk
    assert raised.facts["since"] == int(studio.lane.due_at.timestamp())
    work()
    assert standing() == set()


@pytest.mark.parametrize(
    "held",
    [
        lambda studio: destination_is(studio, breaker_state="open", breaker_opened_at=clock.now()),
        lambda studio: services.pause(studio.destination, "A person says so"),
        lambda studio: lane_is(studio, hold_until=ago(seconds=50)),
        lambda studio: lane_is(studio, lease_until=ago(seconds=50)),
        lambda studio: studio.route.__class__.objects.update(state="paused"),
    ],
    ids=["breaker", "paused", "held", "leased", "route paused"],
)
def test_a_lane_that_could_not_be_claimed_a_minute_ago_is_not_late(studio, held):
    studio.publish()
    in_a_minute_and_a_second(studio)
    held(studio)
    assert standing() <= {"breaker_open"}


def test_nothing_is_claimed_while_something_is_due(studio):
    studio.publish()
    in_a_minute_and_a_second(studio)
    assert "nothing_claimed" in standing()
    assert alert("nothing_claimed").organisation is None
    work()
    assert "nothing_claimed" not in standing()


def test_one_late_lane_among_others_that_are_served_is_no_standstill(studio):
    other = worlds.build(name="Another")
    other.agree()
    other.publish()
    work()
    studio.publish()
    in_a_minute_and_a_second(studio)
    assert standing() == {"lane_late"}


def test_an_attempt_that_nobody_settles_is_noticed_when_its_lease_is_over(studio, inbox):
    studio.publish()
    inbox.answers.append(SystemExit())
    with pytest.raises(SystemExit):
        work()
    assert "attempt_unsettled" not in standing()
    lane_is(studio, lease_until=ago(seconds=31))
    assert "attempt_unsettled" in standing()
    studio.make_due()
    work()
    assert standing() == set()


def test_a_dead_delivery_alerts_once_for_each_destination_and_cause(studio, inbox):
    two = [_lane_of_another_athlete(studio, name) for name in ("Bo", "Bea")]
    for plan in two:
        worlds.publish(plan, [session("tp-9")])
    Delivery.objects.update(state="dead", reason="refused", settled_at=clock.now())
    assert "delivery_dead" in standing()
    assert alert("delivery_dead").count == 2
    assert alert("delivery_dead").facts["reason"] == "refused"
    Delivery.objects.filter(lane__plan=two[0]).update(reason="crashes")
    look()
    assert Alert.objects.filter(kind="delivery_dead", state="open").count() == 2
    Delivery.objects.update(archived_at=clock.now())
    assert "delivery_dead" not in standing()


def test_a_delivery_given_up_after_the_others_were_acknowledged_is_told(studio):
    studio.publish()
    Delivery.objects.update(state="dead", reason="refused", settled_at=clock.now())
    look()
    alerts.acknowledge(alert("delivery_dead"), studio.ana)
    look()
    assert alert("delivery_dead").state == "acknowledged"
    worlds.publish(_lane_of_another_athlete(studio, "Bo"), [session("tp-9")])
    Delivery.objects.update(state="dead", reason="refused", settled_at=clock.now())
    look()
    assert alert("delivery_dead").state == "open"


def test_an_athlete_whom_a_destination_does_not_list_is_told_until_they_are_listed(studio, inbox):
    inbox.answers.append(UnlistedError())
    studio.publish()
    work()
    assert standing() == {"athletes_unlisted"}
    raised = alert("athletes_unlisted")
    assert (raised.destination_id, raised.count) == (studio.destination.pk, 1)
    studio.make_due()
    work()
    assert standing() == set()


def fails(studio, inbox, times, code="unavailable"):
    for _ in range(times):
        inbox.answers.append(UnavailableError(code=code))
        studio.make_due()
        work()


def test_one_plan_whose_tries_fail_is_told_although_the_others_arrive(studio, inbox):
    """Its tries are too few and too far apart for the threshold and for the breaker."""
    studio.publish()
    fails(studio, inbox, 3, "tls_expired")
    assert standing() == set()
    fails(studio, inbox, 1, "tls_expired")
    assert standing() == {"tries_failing"}
    raised = alert("tries_failing")
    assert (raised.destination_id, raised.count) == (studio.destination.pk, 1)
    assert raised.facts["reason"] == "tls_expired"
    studio.make_due()
    work()
    assert standing() == set()


def test_a_new_version_of_a_plan_whose_tries_fail_does_not_hide_it(studio, inbox):
    studio.publish()
    fails(studio, inbox, 3)
    studio.publish(session("tp-1", title="Another"))
    fails(studio, inbox, 1)
    assert standing() == {"tries_failing"}


@pytest.mark.parametrize(
    "held",
    [
        lambda studio: destination_is(studio, breaker_state="open", breaker_opened_at=clock.now()),
        lambda studio: services.pause(studio.destination, "A person says so"),
        lambda studio: studio.route.__class__.objects.update(state="paused"),
        lambda studio: stops.put(studio.destination, "pause", reason="Wait", by=studio.ana),
    ],
    ids=["breaker", "paused", "route paused", "stopped"],
)
def test_where_nothing_is_tried_no_tries_fail(studio, inbox, held):
    studio.publish()
    fails(studio, inbox, 4)
    held(studio)
    assert standing() <= {"breaker_open"}


def test_a_dead_delivery_that_a_newer_promise_replaced_is_no_alert(studio):
    studio.publish()
    Delivery.objects.update(state="dead", reason="refused", settled_at=clock.now())
    lane_is(studio, settled=1)
    assert "delivery_dead" in standing()
    studio.publish(session("tp-1", title="Another"))
    assert "delivery_dead" not in standing()


def test_where_every_version_is_wanted_a_newer_one_does_not_hide_a_dead_one(studio):
    destination_is(studio, delivery_mode="every")
    studio.publish()
    Delivery.objects.update(state="dead", reason="refused", settled_at=clock.now())
    lane_is(studio, settled=1)
    studio.publish(session("tp-1", title="Another"))
    work()
    assert Delivery.objects.get(revision=2).state == "delivered"
    assert "delivery_dead" in standing()
    Delivery.objects.filter(revision=1).update(settled_at=ago(hours=23, minutes=59))
    assert "delivery_dead" in standing()
    Delivery.objects.filter(revision=1).update(settled_at=ago(hours=24, minutes=1))
    assert "delivery_dead" not in standing()


def test_where_every_version_is_wanted_the_same_version_again_makes_up_for_a_dead_one(studio):
    destination_is(studio, delivery_mode="every")
    studio.publish()
    Delivery.objects.update(state="dead", reason="refused", settled_at=clock.now())
    lane_is(studio, settled=1, state="dead")
    assert "delivery_dead" in standing()
    redeliver.redeliver(Delivery.objects.get())
    assert "delivery_dead" not in standing()


def test_an_outcome_that_only_a_person_can_find_out_waits_for_one(studio, inbox):
    destination_is(studio, idempotency_class="none")
    inbox.answers.append(UnknownOutcomeError())
    studio.publish()
    work()
    assert "outcome_unknown" in standing()
    studio.publish(session("tp-1", title="Another"))
    assert "outcome_unknown" in standing(), "a newer promise waits; nobody has answered"
    redeliver.settle_unknown(Delivery.objects.get(state="unknown"), is_there=True)
    assert "outcome_unknown" not in standing()


@pytest.mark.parametrize("state", ["waiting", "unknown", "dead"])
def test_what_is_not_taken_back_within_a_day_is_an_alert(studio, state):
    studio.publish()
    work()
    consents.withdraw(studio.ben, studio.destination, basis=worlds.consent.Basis())
    removal = Delivery.objects.filter(intent="remove")
    assert removal.count() == 1
    if state != "waiting":
        removal.update(state=state, settled_at=clock.now())
    removal.update(accepted_at=ago(hours=23, minutes=59))
    assert "removal_late" not in standing()
    removal.update(accepted_at=ago(hours=24, minutes=1))
    assert "removal_late" in standing()
    removal.update(state="delivered", settled_at=clock.now())
    assert "removal_late" not in standing()


def test_drift_that_waits_for_a_person_is_an_alert(studio):
    studio.publish()
    work()
    drift = _drift(studio)
    assert "drift_found" in standing()
    Drift.objects.filter(pk=drift.pk).update(state="kept", settled_at=clock.now())
    assert "drift_found" not in standing()


# --- sources -----------------------------------------------------------------------------------


def test_a_calendar_that_stays_unread_is_an_alert_for_its_connection(studio):
    source_is(studio, dirty_seq=1, dirty_since=ago(minutes=4, seconds=50))
    assert standing() == set()
    source_is(studio, dirty_since=ago(minutes=5, seconds=10))
    assert standing() == {"source_dirty"}
    assert alert("source_dirty").connection == studio.connection
    source_is(studio, clean_seq=1)
    assert standing() == set()


def test_an_unread_calendar_of_a_broken_connection_has_that_alert_only(studio):
    source_is(studio, dirty_seq=1, dirty_since=ago(minutes=6))
    connection_is(studio, state="needs_reauth")
    assert standing() == {"needs_reauth"}
    connection_is(studio, state="healthy")
    assert standing() == {"source_dirty"}


def test_a_changed_feed_that_was_not_read_for_three_rounds_is_an_alert(studio, settings):
    settings.BATON_POLL_EVERY = timedelta(minutes=15)
    source_is(studio, cursor=ago(minutes=44), polled_at=ago(minutes=1))
    assert standing() == set()
    stuck = ago(minutes=46)
    source_is(studio, cursor=stuck, last_error="fault_of_our_own")
    assert standing() == {"polling_stuck"}
    raised = alert("polling_stuck")
    assert (raised.connection, raised.count) == (studio.connection, 1)
    assert raised.facts == {"since": int(stuck.timestamp()), "reason": "fault_of_our_own"}
    assert details(raised)[0] == "A fault of our own. Baton tries again by itself."
    source_is(studio, cursor=clock.now())
    assert standing() == set()


def test_a_feed_that_never_answered_is_one_that_is_not_read(studio):
    source_is(studio, cursor=None, polled_at=ago(hours=1))
    assert standing() == {"polling_stuck"}


@pytest.mark.parametrize(
    "excused",
    [
        lambda studio: source_is(studio, polled_at=None),
        lambda studio: source_is(studio, state="needs_reconnect"),
        lambda studio: connection_is(studio, state="disconnected"),
        lambda studio: Athlete.objects.update(state="detached"),
    ],
    ids=["waits for its first look", "suspended", "disconnected", "left"],
)
def test_who_cannot_be_polled_is_not_missed(studio, excused):
    source_is(studio, cursor=ago(days=2), polled_at=ago(days=2))
    excused(studio)
    assert standing() == set()


def test_after_a_suspension_the_next_look_is_the_first(studio):
    source_is(studio, state="needs_reconnect", cursor=ago(days=2), polled_at=ago(days=2))
    assert health.resume_reconnected() == 1
    assert standing() == set()


def refused(studio):
    trouble.follows(studio.source.pk, AthleteDetachedError("TrainingPeaks no longer shows us Ben."))


def test_athletes_of_the_roster_who_are_not_shown_are_an_alert_that_names_nobody(studio):
    refused(studio)
    assert standing() == {"athletes_not_shown"}
    raised = alert("athletes_not_shown")
    assert (raised.connection, raised.athlete, raised.count) == (studio.connection, None, 1)
    assert raised.facts == {}
    Athlete.objects.update(state="detached")
    assert standing() == set()


def test_that_the_list_names_them_is_no_end_of_it_until_they_were_read(studio):
    refused(studio)
    with audited_atomic() as log:
        health.resume(Source.objects.select_related("athlete").get(), log)
    assert standing() == {"athletes_not_shown"}
    source_is(studio, last_error="", dirty_seq=0)
    assert standing() == set()


def test_a_missing_scope_is_an_alert(studio):
    connection_is(studio, state="scope_missing")
    assert standing() == {"scope_missing"}
    connection_is(studio, state="healthy")
    assert standing() == set()


def test_a_token_that_ended_and_cannot_be_renewed_is_an_alert(studio):
    connection_is(studio, expires_at=ago(minutes=1))
    assert standing() == set()  # nobody has needed a new one yet
    connection_is(studio, last_error="503")
    assert standing() == set()  # something else failed
    connection_is(studio, refresh_error="503")
    assert standing() == {"refresh_failing"}
    connection_is(studio, expires_at=clock.now() + timedelta(hours=1))
    assert standing() == set()


def test_a_connection_that_lacks_a_scope_is_not_failing_between_its_calls(studio):
    words = "TrainingPeaks does not let us use “webhook:read”. Connect again and allow it."
    connection_is(studio, state="scope_missing", last_error=words, expires_at=ago(minutes=1))
    assert standing() == {"scope_missing"}
    connection_is(studio, refresh_error="503")
    assert standing() == {"scope_missing", "refresh_failing"}


def test_silent_webhooks_name_the_athlete_and_the_hours(studio):
    Subscription.objects.create(
        source=studio.source, event_type="workout-created", remote_id="1", seen_at=clock.now()
    )
    assert standing() == set()
    last_heard = ago(hours=27, minutes=5)
    source_is(studio, silent_changes=2, last_webhook_at=last_heard)
    assert standing() == {"webhooks_silent"}
    raised = alert("webhooks_silent")
    assert raised.athlete == studio.ben
    assert raised.facts == {"heard": int(last_heard.timestamp())}
    intake.record(studio.source, headers={}, body=b'{"EventType":"workout-created"}')
    source_is(studio, dirty_seq=0)
    assert standing() == set()


def test_refused_webhooks_say_what_is_refused_and_since_when_nothing_came(studio):
    asked = ago(hours=27, minutes=5)
    source_is(
        studio, silent_changes=2, hooks_asked_at=asked,
        hooks_refused="workout-created workout-updated",
    )  # fmt: skip
    look()
    raised = alert("webhooks_silent")
    assert raised.athlete == studio.ben
    assert details(raised) == [
        "No webhook event ever came; they were asked for 27 hours ago.",
        "2 in all.",
        "TrainingPeaks refuses to announce: workout-created, workout-updated.",
    ]


def test_the_quarantine_names_the_field_once_however_often_it_is_broken(studio):
    for position in (3, 7):
        bad = BadAnswerError("workouts", f"[{position}].WorkoutDay", "is missing", b"[]")
        with audited_atomic() as log:
            quarantine.keep(studio.source, bad, log)
    assert standing() == {"quarantine_open"}
    raised = alert("quarantine_open")
    assert raised.facts == {"contract": "workouts", "field": "[3].WorkoutDay"}
    assert (raised.count, raised.athlete) == (2, studio.ben)
    for row in studio.source.quarantined.all():
        quarantine.dismiss(row, "known")
    assert standing() == set()


def test_a_list_that_was_too_short_is_an_alert_of_its_own_until_a_person_has_decided(studio):
    bad = BadAnswerError(departures.MASS_CHANGE, "", "9 athletes are missing at once", b"[]")
    with audited_atomic() as log:
        kept = quarantine.keep(studio.source, bad, log)
    assert standing() == {"mass_change"}
    look()
    assert alert("mass_change").connection == studio.connection
    quarantine.dismiss(kept, "they are still there")
    assert standing() == set()


# --- the installation --------------------------------------------------------------------------


def test_a_pump_that_stopped_is_an_alert_until_one_runs_again(studio):
    beat("one")
    assert standing() == set()
    Heartbeat.objects.update(beat_at=ago(seconds=31))
    assert standing() == {"pump_silent"}
    look()
    assert alert("pump_silent").organisation is None
    beat("two")
    assert standing() == set()


def test_a_broker_that_nobody_hears_is_a_warning_until_calls_arrive_again(studio):
    Hearing.objects.create(rung_at=ago(seconds=2), asked_at=ago(seconds=28), heard_at=ago(hours=1))
    assert standing() == set()
    Hearing.objects.update(asked_at=ago(seconds=31))
    assert standing() == {"broker_silent"}
    raised = alert("broker_silent")
    assert (raised.organisation, raised.severity) == (None, "warning")
    assert any(words.startswith("It was last well on") for words in details(raised))
    hearing.heard()
    assert standing() == set()


def test_where_no_worker_takes_calls_the_pump_alone_is_not_told_off(studio):
    beat("alone.pump.0")
    assert standing() == set()
    Hearing.objects.create(rung_at=ago(seconds=61), asked_at=ago(seconds=90))  # workers, once
    assert standing() == set()


@pytest.mark.parametrize(
    "trouble",
    [
        lambda: {"last_error": "SourceError", "last_ok_at": ago(seconds=301)},
        lambda: {"last_error": "SourceError", "last_ok_at": None},
        lambda: {"next_run_at": ago(seconds=301), "lease_until": ago(seconds=61)},
    ],
    ids=["fails", "never went well", "its worker died"],
)
def test_a_job_that_does_not_run_is_an_alert_until_it_does(studio, trouble):
    well = {"last_error": "", "last_ok_at": clock.now(), "next_run_at": clock.now()}
    job = PeriodicJob.objects.create(name="poll-sources", **well)
    assert standing() == set()
    PeriodicJob.objects.filter(pk=job.pk).update(**trouble())
    assert standing() == {"job_failing"}
    look()
    assert alert("job_failing").facts["job"] == "poll-sources"
    PeriodicJob.objects.filter(pk=job.pk).update(**well)
    assert standing() == set()


@pytest.mark.parametrize(
    "well",
    [
        lambda: {"last_error": "SourceError", "last_ok_at": ago(seconds=200)},
        lambda: {"next_run_at": ago(seconds=301), "lease_until": ago(seconds=-30)},
        lambda: {"name": "a-job-of-the-last-release", "next_run_at": ago(days=9)},
    ],
    ids=["failed once", "runs at this moment", "of an older release"],
)
def test_a_job_that_is_looked_after_is_no_alert(studio, well):
    columns = {"name": "poll-sources", "next_run_at": clock.now(), "last_ok_at": clock.now()}
    PeriodicJob.objects.create(**columns | well())
    assert standing() == set()


def test_clocks_that_disagree_are_an_alert_until_they_agree(studio):
    def wrong(seconds):
        at = clock.now() + timedelta(seconds=seconds)
        alerts.reconcile("clock_wrong", installation.clock_wrong(at))
        return Alert.objects.filter(kind="clock_wrong", state="open").count()

    assert [wrong(3), wrong(20), wrong(-20), wrong(0)] == [0, 1, 1, 0]
    assert Alert.objects.filter(kind="clock_wrong").count() == 1


# --- the signer ---------------------------------------------------------------------------------


def anchored(size):
    at = clock.now()
    Checkpoint.objects.create(size=size, root=b"", note=b"", signed_at=at, anchored_at=at)


def test_a_log_that_grew_without_a_checkpoint_outside_is_an_alert_until_there_is_one(studio):
    with audited_atomic() as log:
        log.record("route.made")
    soon, late = (clock.now() + timedelta(seconds=seconds) for seconds in (60, 121))
    assert (found(soon), found(late)) == ([], ["log_unanchored"])
    anchored(Head.objects.get().size)
    assert found(late) == []
    with audited_atomic() as log:
        log.record("route.made")
    assert (found(soon), found(late + timedelta(minutes=1))) == ([], ["log_unanchored"])


def test_a_checkpoint_that_is_not_outside_yet_covers_nothing(studio):
    Checkpoint.objects.create(
        size=Head.objects.get().size, root=b"", note=b"", signed_at=clock.now()
    )
    assert found(clock.now() + timedelta(seconds=121))


def found(now):
    return [finding.kind for finding in installation.log_unanchored(now)]


def test_a_signer_that_refuses_is_an_alert_until_it_signs(studio):
    SignerState.objects.create(refusal="smaller", since=clock.now())
    assert standing() == {"signer_refuses"}
    look()
    assert "It says: smaller." in details(alert("signer_refuses"))
    SignerState.objects.update(refusal="")
    assert standing() == set()


# --- destinations ------------------------------------------------------------------------------


def test_an_open_breaker_is_an_alert_until_it_closes(studio, inbox):
    studio.publish()
    destination_is(studio, consecutive_failures=9)
    inbox.answers.append(UnavailableError())
    work()
    assert standing() == {"breaker_open"}
    destination_is(studio, breaker_until=ago(seconds=1))
    studio.make_due()
    work()
    assert standing() == set()


def test_a_destination_that_an_error_stopped_is_an_alert(studio, inbox):
    studio.publish()
    inbox.answers.append(GoneError())
    work()
    assert "destination_stopped" in standing()
    assert alert("destination_stopped").facts == {"reason": "gone"}
    services.resume(Destination.objects.get())
    assert "destination_stopped" not in standing()


def test_a_destination_that_a_person_paused_is_no_alert(studio):
    services.pause(studio.destination, "We move house")
    assert standing() == set()


def test_a_destination_that_fails_for_days_is_an_alert_before_it_is_switched_off(studio):
    destination_is(studio, warned_percent=50)
    assert standing() == {"destination_failing"}
    destination_is(studio, warned_percent=90)
    look()
    assert alert("destination_failing").facts == {"percent": 90}
    destination_is(studio, warned_percent=0)
    assert standing() == set()


@pytest.mark.parametrize("percent", [70, 90])
def test_each_mark_on_the_way_opens_the_warning_again(studio, percent):
    destination_is(studio, warned_percent=50)
    look()
    alerts.acknowledge(alert("destination_failing"), studio.ana, assigned_to=studio.ana)
    look()
    assert alert("destination_failing").state == "acknowledged"
    destination_is(studio, warned_percent=percent)
    look()
    worse = alert("destination_failing")
    assert (worse.state, worse.acknowledged_by) == ("open", None)
    assert worse.assigned_to == studio.ana, "who takes care of it stays"
    assert Alert.objects.filter(kind="destination_failing").count() == 1
    destination_is(studio, warned_percent=0)
    assert standing() == set()


def test_errors_at_the_threshold_are_an_alert_and_fewer_are_none(studio, inbox, settings):
    settings.BATON_ALERT_ERRORS = 3
    studio.publish()
    for _ in range(2):
        inbox.answers.append(PayloadError())
        work()
        studio.make_due()
    assert "destination_errors" not in standing()
    inbox.answers.append(PayloadError())
    work()
    assert "destination_errors" in standing()
    assert alert("destination_errors").count == 3
    Attempt.objects.update(settled_at=ago(minutes=5, seconds=1))
    assert "destination_errors" not in standing()


def test_errors_that_come_right_after_a_look_are_told_once_and_within_a_minute(
    studio, inbox, settings
):
    settings.BATON_ALERT_ERRORS = 3
    studio.publish()
    assert periodic.run_due(only={"watchdogs"})
    for _ in range(3):
        inbox.answers.append(UnavailableError())
        studio.make_due()
        work()
    assert not periodic.run_due(only={"watchdogs"})
    told = Alert.objects.filter(kind="destination_errors")
    assert not told.exists()
    job = PeriodicJob.objects.filter(name="watchdogs")
    next_look = job.get().next_run_at - clock.now()
    between_pumps = timedelta(seconds=settings.BATON_PUMP_INTERVAL)
    assert next_look + between_pumps < timedelta(seconds=60)
    for _ in range(2):
        job.update(next_run_at=clock.now())
        assert periodic.run_due(only={"watchdogs"})
        assert told.count() == 1


def test_attempts_that_went_well_or_were_postponed_are_no_errors(studio, settings):
    settings.BATON_ALERT_ERRORS = 1
    studio.publish()
    work()
    assert standing() == set()
    Attempt.objects.update(outcome="postponed")
    assert standing() == set()


# --- the ledger, and the watchdogs themselves --------------------------------------------------


def test_a_gap_in_the_ledger_names_the_lanes(studio):
    studio.publish()
    work()
    lane_is(studio, desired=2, settled=2)
    assert standing() == {"conservation_gap"}
    assert alert("conservation_gap").facts == {"promises": {str(studio.lane.pk): [2]}}
    lane_is(studio, desired=1, settled=1)
    assert standing() == set()


def test_the_regular_look_at_the_ledger_finds_the_gap(studio):
    studio.publish()
    work()
    lane_is(studio, desired=2, settled=2)
    assert periodic.run_due(only={"watch-the-ledger"})
    assert alert("conservation_gap")


def test_promises_removed_behind_the_engines_back_are_named_by_the_next_look(studio):
    for title in ("One", "Two", "Three", "Four"):
        studio.publish(session("tp-1", title=title))
        work()
    assert standing() == set()
    Delivery.objects.filter(revision__in=[2, 4]).delete()
    look()
    named = alert("conservation_gap")
    assert named.facts == {"promises": {str(studio.lane.pk): [2, 4]}}
    assert details(named) == [f"Lane {studio.lane.pk}: promises 2, 4."]


def test_a_promise_too_many_and_one_that_nobody_owes_are_gaps_too(studio):
    studio.publish()
    work()
    Delivery.objects.update(state="waiting", settled_at=None)
    look()
    assert alert("conservation_gap").facts == {"promises": {str(studio.lane.pk): [1]}}
    Delivery.objects.update(state="delivered", settled_at=clock.now(), revision=7)
    look()
    assert alert("conservation_gap").facts == {"promises": {str(studio.lane.pk): [1, 7]}}
    Delivery.objects.update(revision=1)
    assert standing() == set()


def test_a_watchdog_that_fails_keeps_no_other_from_looking(studio, monkeypatch):
    def broken(now):
        raise RuntimeError

    connection_is(studio, state="needs_reauth")
    monkeypatch.setattr(
        watchdogs, "OFTEN", {"lane_late": broken, "needs_reauth": watchdogs.OFTEN["needs_reauth"]}
    )
    with pytest.raises(watchdogs.WatchdogError, match="lane_late"):
        watchdogs.look(watchdogs.OFTEN)
    assert alert("needs_reauth")


def test_a_watchdog_that_fails_resolves_nothing(studio, monkeypatch):
    def broken(now):
        yield Finding("needs_reauth", "another", organisation=studio.organisation.pk)
        raise RuntimeError

    connection_is(studio, state="needs_reauth")
    look()
    with pytest.raises(watchdogs.WatchdogError):
        watchdogs.look({"needs_reauth": broken})
    assert alert("needs_reauth").connection == studio.connection


def test_every_kind_of_alert_has_a_watchdog_and_its_words():
    from insight.catalogue import KINDS

    assert set(watchdogs.OFTEN) | set(watchdogs.SELDOM) == set(KINDS)


def test_the_thresholds_are_settings(studio, settings):
    settings.BATON_ALERT_LATE = timedelta(seconds=120)
    studio.publish()
    in_a_minute_and_a_second(studio)
    assert standing() == set()
    settings.BATON_ALERT_LATE = timedelta(seconds=30)
    assert "lane_late" in standing()


@pytest.mark.parametrize(
    ("setting", "kind", "cause"),
    [
        ("PUMP", "pump_silent", lambda studio: Heartbeat.objects.create(
            worker="one", beat_at=ago(seconds=20))),
        ("BROKER", "broker_silent", lambda studio: Hearing.objects.create(
            rung_at=clock.now(), asked_at=ago(seconds=20))),
        ("UNSETTLED", "attempt_unsettled", lambda studio: _abandoned(studio, seconds=20)),
        ("UNREAD", "source_dirty", lambda studio: source_is(
            studio, dirty_seq=1, dirty_since=ago(seconds=20))),
        ("JOB", "job_failing", lambda studio: PeriodicJob.objects.create(
            name="poll-sources", last_error="SourceError", last_ok_at=ago(seconds=20),
            next_run_at=clock.now())),
    ],
    ids=["pump", "broker", "unsettled", "unread", "job"],
)  # fmt: skip
def test_how_long_each_watchdog_waits_is_a_setting(studio, settings, setting, kind, cause):
    cause(studio)
    setattr(settings, f"BATON_ALERT_{setting}", timedelta(seconds=30))
    assert kind not in standing()
    setattr(settings, f"BATON_ALERT_{setting}", timedelta(seconds=10))
    assert kind in standing()
    setattr(settings, f"BATON_ALERT_{setting}", timedelta(seconds=30))
    assert kind not in standing()


def _lane_of_another_athlete(studio, name):
    athlete = Athlete.objects.create(
        organisation=studio.organisation, name=name, time_zone="Europe/Paris"
    )
    plan = worlds.Plan.objects.create(athlete=athlete, name="Training plan")
    terms = worlds.consent.Terms(fields=worlds.FIELDS, purpose="carry out the plan")
    with audited_atomic():
        worlds.consent.decide(
            athlete, studio.destination.pk, "granted", worlds.consent.Basis(), terms
        )
    return plan


def _abandoned(studio, **past):
    studio.publish()
    work()
    Attempt.objects.update(settled_at=None, outcome="")
    lane_is(studio, lease_until=ago(**past))


def _drift(studio):
    with audited_atomic() as log:
        return Drift.objects.create(
            lane=studio.lane, record=RemoteRecord.objects.get(), kind="missing", policy="ask",
            found_at=clock.now(), audit_entry_id=log.record("drift.found"),
        )  # fmt: skip


def test_a_bulk_action_that_wants_a_second_person_is_an_alert_until_somebody_has_agreed(studio):
    with audited_atomic() as log:
        entry = log.record("bulk.second_asked", organisation=studio.organisation.pk)
    action = BulkAction.objects.create(
        organisation=studio.organisation, kind="take_back", state="second", asked_by=studio.ana,
        asked_at=clock.now(), ready_at=clock.now(), forecast={"lanes": 900}, audit_entry_id=entry,
    )  # fmt: skip
    assert standing() == {"second_wanted"}
    assert alert("second_wanted").organisation == studio.organisation
    BulkAction.objects.update(ready_at=ago(minutes=61))
    assert standing() == set()
    BulkAction.objects.update(ready_at=clock.now())
    assert standing() == {"second_wanted"}
    BulkAction.objects.filter(pk=action.pk).update(state="running")
    assert standing() == set()
