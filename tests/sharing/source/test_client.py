"""Every documented answer of TrainingPeaks, and some it never documented, has one known meaning."""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
import requests
from django.db.models import F

from sharing import limiter
from sharing.models import Limiter
from sharing.source import endpoints, http, meaning, quota
from sharing.source.client import TrainingPeaks, address
from sharing.source.errors import (
    AthleteDetachedError,
    BadAnswerError,
    NotThereError,
    SourceDownError,
    SourceRefusedError,
    SourceRejectedError,
    SourceUnavailableError,
)
from tests.sharing.source.fake_trainingpeaks import HTML_404, INTERVALS

pytestmark = pytest.mark.django_db

CONNECTION = UUID(int=1)
MONDAY = date(2026, 3, 2)
BEN = 54321


@pytest.fixture
def client(api):
    with TrainingPeaks(CONNECTION) as opened:
        yield opened


def week(client):
    return client.workouts(BEN, MONDAY, MONDAY + timedelta(days=6))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, SourceRejectedError),
        (302, SourceRejectedError),
        (400, SourceRejectedError),
        (401, SourceRefusedError),
        (403, AthleteDetachedError),
        (404, NotThereError),
        (405, SourceRejectedError),
        (408, SourceUnavailableError),
        (415, SourceRejectedError),
        (422, SourceRejectedError),
        (429, SourceDownError),
        (500, SourceUnavailableError),
        (501, SourceRejectedError),
        (502, SourceDownError),
        (503, SourceDownError),
        (504, SourceDownError),
    ],
)
def test_each_refusal_has_one_meaning(api, client, status, error):
    api.will("workouts", status, {"error": "invalid"}, times=2)
    with pytest.raises(error) as raised:
        week(client)
    assert type(raised.value) is error
    assert raised.value.status == status


@pytest.mark.parametrize("status", [200, 201, 202])
def test_each_success_is_read(api, client, status):
    api.will("workouts", status, [{"Id": 1}])
    assert week(client) == [{"Id": 1}]


def test_deleting_answers_without_a_body(api, client):
    api.will("unsubscribe", 204)
    client.unsubscribe("sub-1")
    assert len(api.asked["unsubscribe"]) == 1


def test_a_refused_token_is_renewed_once_and_the_call_repeated(api, client):
    api.will("workouts", 401, "expired")
    assert week(client) == []
    tokens = [request.headers["Authorization"] for request in api.asked["workouts"]]
    assert tokens == ["Bearer token-1", "Bearer token-1-renewed"]


def test_a_second_refusal_is_about_the_scope_and_ends_there(api, client):
    api.will("structure", 401, "no", times=5)
    with pytest.raises(SourceRefusedError) as raised:
        client.structure(8)
    assert raised.value.scope == "workouts:wod"
    assert len(api.asked["structure"]) == 2


def test_a_403_that_names_no_athlete_is_about_the_scope(api, client):
    api.will("athletes", 403, "no")
    with pytest.raises(SourceRefusedError) as raised:
        client.athletes()
    assert raised.value.scope == "coach:athletes"


@pytest.mark.parametrize("failure", [requests.ConnectTimeout(), requests.ReadTimeout(),
                                     requests.ConnectionError("https://secret.example/x"),
                                     requests.exceptions.ChunkedEncodingError()])  # fmt: skip
def test_silence_means_later_and_its_words_hold_no_address(api, client, failure):
    api.will("workouts", body=failure)
    with pytest.raises(SourceUnavailableError) as raised:
        week(client)
    assert "secret.example" not in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [b"", HTML_404, '[{"Id": 1', '[{"Id": 1}, {"Id"', b"\xff\xfe", "[" * 100_000],
)
def test_what_is_not_json_means_later_not_an_empty_calendar(api, client, body):
    api.will("workouts", 200, body)
    with pytest.raises(SourceUnavailableError):
        week(client)


def test_an_answer_cut_anywhere_is_never_taken_for_a_whole_one(api, client):
    whole = '[{"Id": 1, "Title": "Ride", "Completed": false}, {"Id": 2}]'
    for length in range(1, len(whole)):
        api.will("workouts", 200, whole[:length])
        with pytest.raises(SourceUnavailableError):
            week(client)


def test_an_object_where_a_list_belongs_is_kept_for_a_person(api, client):
    api.will("workouts", 200, {"Workouts": []})
    with pytest.raises(BadAnswerError) as raised:
        week(client)
    assert raised.value.contract == "workouts"
    assert raised.value.body == b'{"Workouts": []}'


def test_an_endless_answer_is_not_read_to_its_end(api, client, monkeypatch):
    monkeypatch.setattr(http, "LARGEST", 1_000)
    api.will("workouts", 200, "[" + " " * 200_000 + "]")
    with pytest.raises(BadAnswerError):
        week(client)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "invalid_request", "error_description": "No day."}, "invalid_request: No day."),
        (["No day.", "No title."], "No day.; No title."),
        ('"just a text"', "just a text"),
        ("plain text", "plain text"),
        ({"Message": "Somewhere else"}, "Somewhere else"),
        ({"odd": 1}, '{"odd": 1}'),
        (b"", ""),
        ("line\r\nbreak\x1b[31m", "line break [31m"),
    ],
)  # fmt: skip
def test_error_bodies_of_every_shape_are_kept_as_one_line(api, client, body, said):
    api.will("workouts", 400, body)
    with pytest.raises(SourceRejectedError) as raised:
        week(client)
    assert re.sub(" +", " ", raised.value.excerpt) == said


def test_an_error_body_is_kept_short_and_without_secrets(api, client):
    hook = "https://baton.example/hooks/trainingpeaks/1234/the-secret-part/"
    api.will("workouts", 400, f'"token-1 and Bearer abc.def {hook} {"x" * 2_000}"')
    with pytest.raises(SourceRejectedError) as raised:
        week(client)
    assert len(raised.value.excerpt) == meaning.EXCERPT
    for secret in ("token-1", "abc.def", "the-secret-part"):
        assert secret not in raised.value.excerpt


def test_every_call_says_who_we_are_and_what_we_read(api, client):
    week(client)
    headers = api.asked["workouts"][0].headers
    assert headers["User-Agent"].startswith("Baton/")
    assert headers["Accept"] == headers["Content-Type"] == "application/json"


def test_a_redirect_is_never_followed(api, client):
    api.will("workouts", 302, headers={"Location": "https://elsewhere.example/"})
    with pytest.raises(SourceRejectedError):
        week(client)
    assert len(api.asked["workouts"]) == 1


def test_a_token_never_goes_to_an_address_without_encryption(api, client, settings):
    settings.TRAININGPEAKS_API_URL = "http://api.example"
    with pytest.raises(SourceRejectedError, match="https"):
        week(client)


def test_a_longer_window_is_read_in_slices_of_42_days_with_descriptions(api, client):
    client.workouts(BEN, MONDAY, MONDAY + timedelta(days=99))
    spans = [re.findall(r"\d{4}-\d\d-\d\d", r.url) for r in api.asked["workouts"]]
    days = [(date.fromisoformat(end) - date.fromisoformat(start)).days + 1 for start, end in spans]
    assert days == [42, 42, 16]
    assert all("includeDescription=true" in r.url for r in api.asked["workouts"])


def test_ids_of_64_bits_keep_every_digit(api, client):
    api.put(BEN, 2**62 + 1, MONDAY)
    assert week(client)[0]["Id"] == 4611686018427387905


@pytest.mark.parametrize(
    "body",
    [
        '"Workout has no structure"',
        "Workout has no structure",
        ["Workout cannot be exported to format: 'json'."],
    ],
)
def test_having_no_structure_is_normal(api, client, body):
    api.will("structure", 400, body)
    assert client.structure(8) is None


def test_another_400_about_a_structure_is_a_fault(api, client):
    api.will("structure", 400, "Format is missing")
    with pytest.raises(SourceRejectedError):
        client.structure(8)


def test_a_structure_is_asked_for_as_json(api, client):
    api.structures[8] = INTERVALS
    assert client.structure(8) == {"Structure": INTERVALS}
    assert api.asked["structure"][0].url.endswith("/v2/workouts/wod/file/8/?format=json")


def test_strength_workouts_are_read_page_by_page(api, client):
    api.strength[BEN] = [{"Id": n} for n in range(120)]
    pages = client.strength_workouts(BEN, MONDAY, MONDAY + timedelta(days=6))
    assert [len(page) for page in pages] == [50, 50, 20]


def test_pages_that_shift_while_they_are_read_are_not_believed(api, client):
    api.strength[BEN] = [{"Id": n} for n in range(60)]
    api.on_ask["strength-workouts"] = lambda: api.strength[BEN].pop(0)
    with pytest.raises(SourceUnavailableError):
        client.strength_workouts(BEN, MONDAY, MONDAY + timedelta(days=6))


def test_the_changed_feed_is_asked_in_utc(api, client):
    since = datetime(2026, 3, 2, 10, 30, tzinfo=UTC).astimezone()
    next(client.changed_pages(BEN, since))
    assert "date=2026-03-02T10%3A30%3A00Z" in api.asked["changed"][0].url


def test_a_changed_feed_without_an_end_is_given_up(api, client):
    with pytest.raises(SourceUnavailableError):
        list(client.changed_pages(BEN, datetime(2026, 3, 2, tzinfo=UTC)))


def test_a_sign_of_life_needs_no_token(api, client):
    assert client.version()["Version"] == "1.0"
    assert "Authorization" not in api.asked["version"][0].headers


def test_what_goes_into_an_address_stays_in_its_place():
    assert address(endpoints.DELETE_HOOK, subscription="../x?y").endswith(
        "/v1/webhook/subscriptions/..%2Fx%3Fy"
    )


def test_somebody_is_heard_before_every_call(api):
    calls = []
    with TrainingPeaks(CONNECTION, heed=lambda: calls.append("heed")) as client:
        client.coach()
        client.athletes()
    assert calls == ["heed", "heed"]


def passing(waits):
    """A wait in which time passes in the limiter's row, not in the test."""

    def pause(seconds):
        waits.append(seconds)
        Limiter.objects.update(on_time_at=F("on_time_at") - timedelta(seconds=seconds))

    return pause


class TestOurOwnLimit:
    def test_calls_wait_for_their_turn(self, api, settings):
        settings.TRAININGPEAKS_RATE_PER_SECOND = 2
        waits = []
        with TrainingPeaks(CONNECTION, pause=passing(waits)) as client:
            for _ in range(quota.BURST + 6):
                client.coach()
        assert 2.5 < sum(waits) < 4  # six calls beyond the burst, half a second each

    def test_a_retry_after_holds_every_call_of_every_worker(self, api, settings):
        api.will("coach", 429, headers={"Retry-After": "20"})
        waits = []
        with TrainingPeaks(CONNECTION) as one, pytest.raises(SourceUnavailableError) as raised:
            one.coach()
        assert raised.value.retry_after == timedelta(seconds=20)
        with TrainingPeaks(CONNECTION, pause=passing(waits)) as other:
            other.athletes()
        assert 19 < waits[0] <= 24

    def test_a_pause_longer_than_our_patience_is_later(self, api):
        api.will("coach", 503, headers={"Retry-After": "3600"})
        with TrainingPeaks(CONNECTION, pause=pytest.fail) as client:
            with pytest.raises(SourceUnavailableError):
                client.coach()
            with pytest.raises(SourceUnavailableError) as raised:
                client.coach()
        assert raised.value.retry_after > timedelta(minutes=59)
        assert len(api.asked["coach"]) == 1

    @pytest.mark.parametrize("asked", ["", "soon", "-1", "9" * 12])
    def test_a_senseless_retry_after_costs_a_bounded_pause(self, api, asked):
        api.will("coach", 429, headers={"Retry-After": asked})
        with TrainingPeaks(CONNECTION) as client, pytest.raises(SourceUnavailableError):
            client.coach()
        wait = limiter.take(quota.KEY, rate=1_000)
        assert timedelta(0) < wait <= quota.LONGEST_HOLD
