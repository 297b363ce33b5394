"""The hook: an address nobody can guess, a body nobody believes, an answer that can be trusted."""

import json
import statistics
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from audit.models import Entry
from sharing import capability, clock, intake, wake
from sharing.models import Hint, Source

pytestmark = pytest.mark.urls("sharing.hooks")


def url(source, secret=None):
    secret = secret or capability.mint("hook", source.pk, source.hook_generation)
    return reverse("trainingpeaks-hook", args=[source.pk, secret])


def post(client, address, body=b"{}", **headers):
    return client.post(address, data=body, content_type="application/json", headers=headers)


def test_an_event_is_kept_counted_and_accepted(ana, client):
    body = b'{"EventType":"workout-updated","AthleteId":54321,"WorkoutId":9007199254740993}'
    assert post(client, url(ana.source), body).status_code == 202
    (hint,) = ana.hints()
    assert (hint.event_type, hint.workout_id) == ("workout-updated", 9007199254740993)
    assert intake.body_of(hint) == body
    assert ana.source.dirty_seq == hint.seq == 1


def test_what_is_kept_cannot_be_read_in_the_database(ana, client):
    post(client, url(ana.source), b'{"Title":"canary"}')
    assert b"canary" not in bytes(Hint.objects.get().body)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"[[]]", b'"text"', b"not json", b"\xff\xfe\x00", b"\x00",
        b'{"EventType": {"a": 1}, "WorkoutId": [1]}', b'{"Id": 1e400, "EventType": null}',
        b'{"Id": ' + b"9" * 400 + b"}", b'{"Id": ' + b"9" * 5000 + b"}", b'{"Id": NaN}',
        b'{"Id": true}', b'{"Id": -5}', b'{"Id": 1, "Id": 2}', b'{"EventType": "x\\u0000y"}',
        b'{"EventType": "' + b"x" * 1000 + b'"}', b"[" * 10_000, b'{"a":' * 10_000,
        '{"Id": "１２"}'.encode(), b'{"EventType": "\\ud800"}',
    ],
)  # fmt: skip
def test_whatever_comes_under_a_good_secret_is_kept_and_accepted(ana, client, body):
    assert post(client, url(ana.source), body).status_code == 202
    (hint,) = ana.hints()
    assert intake.body_of(hint) == body
    assert ana.source.dirty_seq == 1


@pytest.mark.parametrize(
    ("body", "event", "workout"),
    [
        ({"EventType": "workout-created", "Id": 5}, "workout-created", 5),
        ({"eventtype": "workout-created", "workoutid": "5"}, "workout-created", 5),
        ([{"EVENTTYPE": "Workout-Deleted", "WorkoutId": 5}, {}], "workout-deleted", 5),
        ({"WorkoutId": 5, "Id": 6}, "", 5),
        ({"Id": "0f8fad5b-d9cb-469f-a165-70867728950e"}, "", None),
    ],
)
def test_ids_are_found_in_any_casing_and_shape(body, event, workout):
    assert intake.said(json.dumps(body).encode()) == intake.Said(event, workout)


@given(st.one_of(st.binary(), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["Id", "WorkoutId", "EventType", "athleteid", ""]) | st.text(), inner),
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
@hypothesis_settings(max_examples=300, deadline=None)
def test_no_body_is_too_strange_to_look_at(body):
    about = intake.said(body)
    assert len(about.event_type) <= 64
    assert about.workout_id is None or 0 < about.workout_id < 2**63


def test_only_harmless_headers_are_kept(ana, client):
    post(client, url(ana.source), Authorization="Bearer canary", Cookie="canary",
         **{"User-Agent": "TP/1", "X-TrainingPeaks-Event": "e" * 999})  # fmt: skip
    (hint,) = ana.hints()
    assert hint.headers["user-agent"] == "TP/1"
    assert len(hint.headers["x-trainingpeaks-event"]) == intake.MOST_HEADER
    assert "canary" not in json.dumps(hint.headers)


def test_an_unknown_athlete_and_a_wrong_secret_get_the_same_answer(ana, client):
    good = capability.mint("hook", ana.source.pk, 1)
    unknown = post(client, reverse("trainingpeaks-hook", args=[uuid4(), good]))
    wrong = post(client, url(ana.source, "x" * 43))
    assert (unknown.status_code, wrong.status_code) == (404, 404)
    assert unknown.content == wrong.content
    assert ana.source.dirty_seq == 0


def test_one_athletes_secret_does_not_open_anothers_hook(ana, client):
    other = uuid4()
    assert post(client, url(ana.source, capability.mint("hook", other, 1))).status_code == 404
    assert (
        post(client, url(ana.source, capability.mint("feed", ana.source.pk, 1))).status_code == 404
    )


def test_the_time_of_a_refusal_does_not_tell_what_was_wrong(ana):
    """Two thousand tries; the medians differ by less than what one try differs from the next."""
    source = ana.source
    secret = capability.mint("hook", source.pk, 1)
    near = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    times = {"far": [], "near": [], "nobody": []}
    nobody = uuid4()
    for _ in range(700):
        for name, who, what in (
            ("far", source.pk, "x" * 43), ("near", source.pk, near), ("nobody", nobody, secret),
        ):  # fmt: skip
            began = time.perf_counter()
            intake.source_of(who, what)
            times[name].append(time.perf_counter() - began)
    medians = [statistics.median(found) for found in times.values()]
    spread = statistics.quantiles(times["far"], n=20)
    assert medians[1] - medians[0] < spread[-1] - spread[0]
    assert max(medians) - min(medians) < 0.005  # a network hides more than that


def test_a_body_of_64_kib_is_taken_and_a_larger_one_is_not(ana, client):
    assert post(client, url(ana.source), b"x" * intake.LARGEST_BODY).status_code == 202
    assert post(client, url(ana.source), b"x" * (intake.LARGEST_BODY + 1)).status_code == 413
    assert post(client, url(ana.source), b"x" * 10_000_000).status_code == 413
    assert ana.source.dirty_seq == 1


def test_a_stranger_learns_nothing_about_sizes(ana, client):
    assert post(client, url(ana.source, "x"), b"x" * 10_000_000).status_code == 404


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "head"])
def test_only_posts_are_answered(ana, client, method):
    assert getattr(client, method)(url(ana.source)).status_code == 405


def test_no_cookie_no_session_and_no_csrf_are_needed(ana, client):
    client.handler.enforce_csrf_checks = True
    answer = post(client, url(ana.source))
    assert answer.status_code == 202
    assert not answer.cookies


def test_a_thousand_replays_cost_one_reading_and_bounded_room(ana, client, settings):
    settings.BATON_QUIET_PERIOD = timedelta(0)
    intake.MOST_KEPT, was = 50, intake.MOST_KEPT
    try:
        for _ in range(100):
            assert post(client, url(ana.source), b"x" * 1000).status_code == 202
    finally:
        intake.MOST_KEPT = was
    assert ana.source.dirty_seq == 100
    assert len(ana.hints()) == 50
    assert ana.read() == 1
    assert ana.source.clean_seq == 100


def test_a_quiet_period_is_waited_for_but_not_for_ever(ana, settings):
    settings.BATON_QUIET_PERIOD = timedelta(seconds=5)
    settings.BATON_MAX_WAIT = timedelta(seconds=30)
    intake.record(ana.source, headers={}, body=b"")
    first = ana.source
    assert timedelta(seconds=2) < first.due_at - clock.now() <= timedelta(seconds=5)
    Source.objects.update(dirty_since=clock.now() - timedelta(seconds=28))
    intake.record(ana.source, headers={}, body=b"")
    assert ana.source.due_at - clock.now() <= timedelta(seconds=2)


def test_readings_keep_their_distance(ana, settings):
    settings.BATON_FETCH_SPACING = timedelta(seconds=10)
    intake.record(ana.source, headers={}, body=b"")
    ana.read()
    read_at = ana.source.read_at
    intake.record(ana.source, headers={}, body=b"")
    assert ana.source.due_at >= read_at + timedelta(seconds=10)


def test_a_rotated_secret_works_beside_the_old_one_for_a_while(ana, client):
    old = url(ana.source)
    intake.rotate(ana.source.pk)
    assert url(ana.source) != old
    assert post(client, url(ana.source)).status_code == 202
    assert post(client, old).status_code == 202
    Source.objects.update(previous_hook_until=clock.now() - timedelta(seconds=1))
    assert post(client, old).status_code == 404
    assert Entry.objects.filter(action="source.hook.rotated").count() == 1


def test_addresses_survive_a_new_key_and_end_with_the_old_one(ana, client, settings):
    address = url(ana.source)
    (key,) = settings.BATON_KEYS.values()
    settings.BATON_KEYS = {"new": bytes(range(32, 64)), "test1": key}
    assert post(client, address).status_code == 202
    settings.BATON_KEYS = {"new": bytes(range(32, 64))}
    assert post(client, address).status_code == 404


def test_the_secret_is_not_in_the_database(ana):
    secret = capability.mint("hook", ana.source.pk, 1)
    row = Source.objects.filter(pk=ana.source.pk).values().get()
    assert secret not in str(row)


def test_a_database_that_does_not_answer_is_said_so_that_it_is_sent_again(ana, client, monkeypatch):
    def broken(*_, **__):
        raise DatabaseError

    monkeypatch.setattr(intake, "record", broken)
    answer = post(client, url(ana.source))
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"


def test_a_broker_that_fails_costs_the_sender_nothing(ana, client, monkeypatch):
    def fails():
        raise ConnectionError

    monkeypatch.setattr(wake, "_publisher", [fails])
    monkeypatch.setattr(wake, "_ring", wake._publish)
    assert post(client, url(ana.source)).status_code == 202


def test_the_worker_is_woken_after_the_commit_only(ana, monkeypatch):
    woken = []
    monkeypatch.setattr(wake, "_ring", lambda: woken.append(Hint.objects.count()))
    intake.record(ana.source, headers={}, body=b"")
    assert woken == [1]


def nested(levels):
    """A workout's id beside so many lists and objects, one in the other."""
    return b'{"WorkoutId": 7, "x": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize(("levels", "workout"), [(20, 7), (21, None), (500, None)])
def test_a_body_that_is_nested_deeper_than_anybody_would_says_nothing(levels, workout):
    assert intake.said(nested(levels)).workout_id == workout


def test_what_cannot_be_read_still_says_that_the_calendar_is_out_of_date(ana, client):
    assert post(client, url(ana.source), nested(21)).status_code == 202
    assert ana.source.dirty_seq > ana.source.clean_seq


def test_a_large_body_is_refused_by_its_announcement(ana, client):
    """Nothing of it is read."""
    answer = client.generic(
        "POST", url(ana.source), b"", CONTENT_LENGTH=str(intake.LARGEST_BODY + 1)
    )
    assert answer.status_code == 413


def test_an_unknown_athlete_and_a_wrong_secret_cost_the_same_queries(ana):
    counted = []
    for source in (ana.source.pk, uuid4()):
        with CaptureQueriesContext(connection) as asked:
            assert intake.source_of(source, "wrong") is None
        counted.append(len(asked))
    assert counted[0] == counted[1]
