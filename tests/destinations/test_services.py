"""What people do with destinations, what is recorded of it, and what is not (S53)."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from auditlog.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.models import Entry
from destinations import registry, selectors, services
from destinations.errors import CATALOGUE
from destinations.models import Destination
from tests.contracts.server import Server
from tests.destinations.factories import HOOK, KEY, intervals, person, studio, webhook

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def organisation():
    return studio()


@pytest.fixture
def ana(organisation):
    return person(organisation)


def entries(destination):
    return [
        json.loads(bytes(entry.body)) for entry in Entry.objects.filter(destination=destination.pk)
    ]


def whole_log():
    return b"".join(bytes(body) for body in Entry.objects.values_list("body", flat=True)).decode()


def test_a_destination_begins_in_test_with_what_its_kind_promises(organisation, ana):
    made = webhook(organisation, ana)
    assert (made.state, made.stage) == ("active", "test")
    assert made.idempotency_class == "keyed"
    assert made.endpoint == "webhook at hooks.example.com"
    assert intervals(organisation, ana).rate_per_second == 2.0


def test_its_settings_are_sealed_in_the_database_and_whole_in_the_adapter(organisation, ana):
    made = intervals(organisation, ana)
    with connection.cursor() as cursor:
        cursor.execute("SELECT settings FROM destinations_destination")
        [(stored,)] = cursor.fetchall()
    assert KEY not in stored
    adapter = registry.adapter_for(Destination.objects.get(pk=made.pk))
    assert adapter.config["credential"] == KEY
    assert KEY in adapter.http.secrets


def test_what_auditlog_keeps_of_a_destination_holds_no_setting(organisation, ana):
    made = intervals(organisation, ana)
    services.change(made, name="Renamed")
    kept = [row.changes for row in LogEntry.objects.filter(object_pk=str(made.pk))]
    assert any("name" in changes for changes in kept)
    assert not any("settings" in changes for changes in kept)
    assert KEY not in str(kept)


def test_every_change_is_recorded_with_before_and_after(organisation, ana):
    made = webhook(organisation, ana)
    services.change(made, answers={"url": "https://new.example.com/x"}, rate_per_second=1.5)
    services.pause(made, "Holidays")
    services.resume(made)
    services.set_stage(made, Destination.Stage.LIVE)
    recorded = entries(made)
    assert [
        entry["action"] for entry in recorded if entry["action"].startswith("destination.")
    ] == [
        "destination.created",
        "destination.changed",
        "destination.paused",
        "destination.resumed",
        "destination.staged",
    ]
    change = json.dumps(next(e for e in recorded if e["action"] == "destination.changed"))
    for value in ("webhook at hooks.example.com", "webhook at new.example.com", "5.0", "1.5"):
        assert value in change
    assert made.audit_entry_id is not None


def test_the_pace_has_bounds_and_each_figure_is_in_the_log(organisation, ana):
    made = webhook(organisation, ana)
    figures = {"rate_per_second": 0.5, "burst": 3, "slots": 4}
    services.change(made, **figures, late_apply_window=timedelta(seconds=90))
    change = entries(made)[-1]["extra"]
    assert [change[f"late_apply_window.{when}"] for when in ("before", "after")] == ["60 s", "90 s"]
    assert {name: float(change[f"{name}.after"]) for name in figures} == figures
    with pytest.raises(ValidationError) as refusal:
        services.change(made, slots=101, late_apply_window=timedelta(hours=2))
    assert refusal.value.message_dict == {
        "slots": ["Choose between 1 and 100."],
        "late_apply_window": ["Choose between 0 and 3,600."],
    }
    with pytest.raises(ValidationError):
        services.change(made, rate_per_second=float("nan"))


def test_a_figure_from_before_the_bounds_may_stay_and_no_other_may_follow(organisation, ana):
    made = webhook(organisation, ana)
    Destination.objects.update(rate_per_second=0.005)
    services.change(made, name="Renamed", rate_per_second=0.005)
    assert (made.name, made.rate_per_second) == ("Renamed", 0.005)
    with pytest.raises(ValidationError):
        services.change(made, rate_per_second=0.006)


def test_a_change_at_the_end_of_a_long_schedule_is_in_the_log(organisation, ana):
    waits = [0, *range(80_001, 80_030)]
    made = webhook(organisation, ana)
    services.change(made, schedule=waits)
    services.change(made, schedule=[*waits[:-1], 86_399])
    change = entries(made)[-1]["extra"]
    before, after = change["schedule.before"], change["schedule.after"]
    assert before != after
    assert before.startswith("0, 80001 s, 80002 s")
    assert after.startswith("0, 80001 s, 80002 s")


def test_no_secret_and_no_name_of_a_person_is_in_the_log(organisation, ana):
    made = webhook(organisation, ana, header_name="X-Key", header_value="h3ader-value")
    old = made.configuration["secret"]
    new = services.rotate_secret(made)
    other = intervals(organisation, ana, athletes="Ben Baker = i7")
    services.change(other, answers={"credential": "an0ther", "athletes": "Dan Doe = i8"})
    services.show_secret(made)
    log = whole_log().casefold()
    for secret in (old, new, KEY, "an0ther", "h3ader-value", HOOK, "t0k3n", "ben baker", "dan doe"):
        assert secret.casefold() not in log
    assert "masked" in log


def test_a_wrong_answer_changes_and_records_nothing(organisation, ana):
    made = webhook(organisation, ana)
    before = Entry.objects.count()
    with pytest.raises(ValidationError) as refusal:
        services.change(made, answers={"url": "http://insecure.example.com/"})
    assert "url" in refusal.value.message_dict
    with pytest.raises(ValidationError):
        services.change(made, slots=0)
    with pytest.raises(ValidationError):
        webhook(organisation, ana)  # the name is taken
    with pytest.raises(TypeError):
        services.change(made, state="active")
    assert Entry.objects.count() == before
    assert Destination.objects.get(pk=made.pk).endpoint == "webhook at hooks.example.com"


def test_an_empty_secret_keeps_its_value(organisation, ana):
    made = intervals(organisation, ana)
    services.change(made, answers={"credential": "", "athlete_id": "i9"})
    assert made.configuration["credential"] == KEY
    assert made.configuration["athlete_id"] == "i9"


def test_a_renewed_secret_leaves_the_old_one_valid_for_a_while(organisation, ana):
    made = webhook(organisation, ana)
    old = services.show_secret(made)
    new = services.rotate_secret(made, overlap=timedelta(hours=1))
    assert new != old
    assert made.configuration["previous_secret"] == old
    with pytest.raises(ValidationError):
        services.rotate_secret(intervals(organisation, ana))


def test_resuming_begins_with_a_clean_slate(organisation, ana):
    made = webhook(organisation, ana)
    with transaction.atomic():
        Destination.objects.filter(pk=made.pk).update(
            breaker_state="open",
            breaker_opened_at=made.created_at,
            breaker_step=4,
            consecutive_failures=12,
            failing_since=made.created_at,
        )
    resumed = services.resume(services.pause(made, "x"))
    assert (resumed.breaker_state, resumed.breaker_step) == ("closed", 0)
    assert (resumed.consecutive_failures, resumed.failing_since) == (0, None)


def test_testing_a_destination_says_what_answered_and_remembers_it(organisation, ana, settings):
    settings.BATON_ALLOW_LOOPBACK_DESTINATIONS = True
    answer = [b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n"]
    server = Server(lambda connection, _: connection.sendall(answer[0]))
    made = webhook(organisation, ana, url=server.url)
    assert services.test(made).ok
    assert selectors.health(made).word == "well"
    answer[0] = b"HTTP/1.1 410 X\r\nContent-Length: 0\r\n\r\n"
    checked = services.test(made)
    server.close()
    assert (checked.ok, checked.code) == (False, "gone")
    assert made.last_error_code == "gone"
    assert [e["action"] for e in entries(made)].count("destination.tested") == 2


def test_a_feed_has_nothing_to_connect_to(organisation, ana):
    made = services.create(organisation, ana, kind="icalendar", name="Calendar", answers={})
    assert services.test(made).ok


def test_dan_sees_nothing_of_anas_destinations(organisation, ana):
    made = webhook(organisation, ana)
    dan = person(studio("dans-studio"), "Dan")
    assert list(selectors.destinations_of(ana)) == [made]
    assert not selectors.destinations_of(dan).exists()


def test_what_is_shown_of_the_settings_holds_no_secret(organisation, ana):
    made = webhook(organisation, ana)
    shown = json.dumps(selectors.masked_settings(made))
    assert "t0k3n" not in shown
    assert made.configuration["secret"] not in shown


@pytest.mark.parametrize(
    "wrong", [{"slots": 0}, {"rate_per_second": 0}, {"breaker_state": "open"}, {"burst": 0}]
)
def test_the_database_refuses_a_row_that_makes_no_sense(wrong, organisation, ana):
    made = webhook(organisation, ana)
    with pytest.raises(IntegrityError), transaction.atomic():
        Destination.objects.filter(pk=made.pk).update(**wrong)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({}, "untested"),
        ({"state": "paused"}, "paused"),
        ({"state": "disabled"}, "off"),
        ({"breaker_state": "open"}, "failing"),
    ],
)
def test_health_is_one_word(change, word):
    assert selectors.health(Destination(**change)).word == word


def test_health_says_until_when_it_asked_us_to_wait():
    until = datetime(2126, 3, 2, 14, 30, tzinfo=UTC)
    waits = Destination(last_ok_at=timezone.now(), last_error_code="throttled", held_until=until)
    found = selectors.health(waits)
    assert (found.word, found.sentence) == (
        "unsteady",
        "It asked us to wait until 2 Mar, 14:30 UTC.",
    )
    assert found.error == CATALOGUE["throttled"]


@pytest.mark.parametrize("pause", [timedelta(seconds=30), timedelta(days=-1), None])
def test_a_pause_that_is_short_or_over_says_nothing_of_its_health(pause):
    until = None if pause is None else timezone.now() + pause
    waits = Destination(last_ok_at=timezone.now(), held_until=until)
    assert selectors.health(waits).sentence == "Everything arrived."


# --- what it promises -------------------------------------------------------------------------

ZAP = "https://hooks.zapier.com/hooks/catch/1/t0k3n/"


def test_what_a_webhook_promises_goes_by_its_address_until_a_person_says_it(organisation, ana):
    assert webhook(organisation, ana, url=ZAP).idempotency_class == "none"
    said = services.create(
        organisation,
        ana,
        kind="webhook",
        name="A careful Zap",
        answers={"url": ZAP},
        idempotency_class="upsert",
    )
    assert said.idempotency_class == "upsert"


def test_what_it_promises_can_be_changed_and_both_are_in_the_log(organisation, ana):
    made = webhook(organisation, ana)
    services.change(made, idempotency_class="none")
    change = entries(made)[-1]["extra"]
    assert (change["idempotency_class.before"], change["idempotency_class.after"]) == (
        "keyed",
        "none",
    )


def test_a_kind_whose_destinations_are_all_alike_takes_no_other_promise(organisation, ana):
    made = intervals(organisation, ana)
    with pytest.raises(ValidationError) as refusal:
        services.change(made, idempotency_class="keyed")
    [words] = refusal.value.message_dict["idempotency_class"]
    assert words == "A destination of the kind “intervals.icu” can be: upsert."
    services.change(made, idempotency_class="upsert")
    with pytest.raises(ValidationError):
        services.change(webhook(organisation, ana), idempotency_class="versioned")


def test_an_address_takes_a_promise_away_by_itself_and_never_gives_one(organisation, ana):
    made = webhook(organisation, ana)
    services.change(made, answers={"url": ZAP})
    assert made.idempotency_class == "none"
    services.change(made, answers={"url": HOOK})
    assert made.idempotency_class == "none"
    services.change(made, answers={"url": ZAP}, idempotency_class="keyed")
    assert made.idempotency_class == "keyed"


def test_a_promise_from_before_stays_and_is_doubted(organisation, ana):
    made = webhook(organisation, ana, url=ZAP)
    Destination.objects.update(idempotency_class="keyed")  # as every webhook once was
    services.change(made, name="Renamed", answers={"url": ZAP})
    services.rotate_secret(made)
    assert made.idempotency_class == "keyed"
    assert selectors.promises_too_much(made)
    assert not selectors.promises_too_much(services.change(made, idempotency_class="none"))
    assert not selectors.promises_too_much(webhook(organisation, ana, "Portal"))
