"""Connecting TrainingPeaks in the browser: whole, refused, forged, and ended."""

from base64 import urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import oauth as flows
from accounts.models import Connection, OAuthFlow
from audit.models import Entry

SCOPES = (
    "coach:athletes workouts:read workouts:wod "
    "webhook:read-subscriptions webhook:write-subscriptions"
)
PAIR = {
    "access_token": "access-canary-2",
    "token_type": "bearer",
    "expires_in": 600,
    "refresh_token": "refresh!canary-2",
    "scope": SCOPES,
}
START, BACK = reverse("connection_start"), reverse("connection_callback")


@pytest.fixture
def oauth(settings):
    """TrainingPeaks' OAuth server; the test says what it answers."""
    settings.TRAININGPEAKS_OAUTH_URL = "https://oauth.example"
    with responses.RequestsMock(assert_all_requests_are_fired=False) as server:
        yield server


@pytest.fixture
def browser(client, studio):
    client.force_login(studio.ana)
    return client


def answer(oauth, **how):
    oauth.post("https://oauth.example/oauth/token", **(how or {"json": PAIR}))


def begin(browser):
    return {name: values[0] for name, values in parse_qs(urlsplit(begun(browser)).query).items()}


def begun(browser):
    sent = browser.post(START)
    assert sent.status_code == 302
    return sent["Location"]


def come_back(browser, **query):
    return browser.get(BACK, query, follow=True)


def said(page):
    return page.content.decode()


def form(call):
    return {name: values[0] for name, values in parse_qs(call.request.body).items()}


def test_the_whole_way(browser, oauth, studio):
    answer(oauth)
    asked = begin(browser)
    page = come_back(browser, state=asked["state"], code="code-canary")
    assert "TrainingPeaks is connected" in said(page)
    made = Connection.objects.get()
    assert (made.access_token, made.refresh_token) == ("access-canary-2", "refresh!canary-2")
    assert (made.user, made.organisation) == (studio.ana, studio.organisation)
    assert (made.state, made.scope_findings) == ("healthy", [])
    assert made.lifetime == timedelta(seconds=600)
    assert Entry.objects.filter(action="connection.made").exists()


def test_what_is_asked_for_is_exactly_what_is_documented(browser, oauth, settings):
    asked = begin(browser)
    assert asked["scope"] == SCOPES
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == settings.TRAININGPEAKS_REDIRECT_URL
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 43


def test_credentials_and_the_proof_of_this_browser_travel_in_the_body(browser, oauth, settings):
    answer(oauth)
    asked = begin(browser)
    come_back(browser, state=asked["state"], code="code-canary")
    [call] = oauth.calls
    sent = form(call)
    assert "Authorization" not in call.request.headers
    assert call.request.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert sent["client_id"] == settings.TRAININGPEAKS_CLIENT_ID
    assert sent["client_secret"] == settings.TRAININGPEAKS_CLIENT_SECRET
    assert sent["grant_type"] == "authorization_code"
    assert sent["redirect_uri"] == settings.TRAININGPEAKS_REDIRECT_URL
    proof = urlsafe_b64encode(sha256(sent["code_verifier"].encode()).digest()).rstrip(b"=")
    assert proof.decode() == asked["code_challenge"]


def test_pkce_can_be_switched_off(browser, oauth, settings):
    settings.TRAININGPEAKS_PKCE = False
    answer(oauth)
    asked = begin(browser)
    come_back(browser, state=asked["state"], code="code-canary")
    assert "code_challenge" not in asked
    assert "code_verifier" not in form(oauth.calls[0])


def test_neither_state_nor_browser_is_kept_in_the_open(browser, oauth):
    asked = begin(browser)
    kept = repr(OAuthFlow.objects.values_list().get())
    assert asked["state"] not in kept
    assert browser.session["connecting-browser"] not in kept


def test_a_coach_who_says_no_is_told_so(browser, oauth):
    asked = begin(browser)
    page = come_back(browser, state=asked["state"], error="access_denied")
    assert "access was not allowed" in said(page)
    assert not Connection.objects.exists()
    assert not oauth.calls


def test_a_return_without_a_code_asks_nobody(browser, oauth):
    page = come_back(browser, state=begin(browser)["state"])
    assert "sent no code" in said(page)
    assert not oauth.calls


@pytest.mark.parametrize("state", ["", "never-given", "\u00e9"])
def test_a_forged_return_is_refused(browser, oauth, state):
    begin(browser)
    page = come_back(browser, state=state, code="attackers-code")
    assert "does not belong to this browser" in said(page)
    assert not oauth.calls


def test_a_state_works_once(browser, oauth):
    answer(oauth)
    asked = begin(browser)
    come_back(browser, state=asked["state"], code="code-canary")
    page = come_back(browser, state=asked["state"], code="code-canary")
    assert "used before" in said(page)
    assert len(oauth.calls) == 1


def test_a_state_is_used_up_by_a_failed_try_too(browser, oauth):
    asked = begin(browser)
    come_back(browser, state=asked["state"], error="access_denied")
    page = come_back(browser, state=asked["state"], code="code-canary")
    assert "used before" in said(page)
    assert not oauth.calls


def test_a_state_lives_for_ten_minutes(browser, oauth):
    asked = begin(browser)
    OAuthFlow.objects.update(started_at=timezone.now() - timedelta(minutes=10, seconds=1))
    page = come_back(browser, state=asked["state"], code="code-canary")
    assert "longer than ten minutes" in said(page)
    assert not oauth.calls


def test_yesterdays_tries_are_forgotten(browser, oauth):
    begin(browser)
    OAuthFlow.objects.update(started_at=timezone.now() - timedelta(days=1, seconds=1))
    begin(browser)
    assert OAuthFlow.objects.count() == 1


def test_another_browser_of_the_same_person_is_refused(browser, oauth, studio):
    asked = begin(browser)
    other = Client()
    other.force_login(studio.ana)
    page = come_back(other, state=asked["state"], code="code-canary")
    assert "does not belong to this browser" in said(page)
    assert not oauth.calls


def test_dan_cannot_finish_what_ana_began(browser, oauth, studio):
    asked = begin(browser)
    browser.force_login(studio.dan)
    page = come_back(browser, state=asked["state"], code="code-canary")
    assert "does not belong to this browser" in said(page)
    assert not oauth.calls
    assert not Connection.objects.exists()


def test_the_same_browser_is_not_enough_for_another_person(oauth, studio):
    """A shared computer: Ana began, and Dan's session was given her browser's mark."""
    url = flows.start(studio.ana, studio.organisation, "one browser")
    state = parse_qs(urlsplit(url).query)["state"][0]
    with pytest.raises(flows.ConnectRefused, match="does not belong"):
        flows.complete(studio.dan, "one browser", state=state, code="code-canary")
    assert not oauth.calls


def test_nobody_finishes_without_signing_in(browser, oauth):
    asked = begin(browser)
    browser.logout()
    answered = browser.get(BACK, {"state": asked["state"], "code": "code-canary"})
    assert answered.status_code == 302
    assert answered["Location"].startswith(reverse("account_login"))
    assert not oauth.calls


def test_somebody_who_lost_the_role_meanwhile_cannot_finish(browser, oauth, studio):
    asked = begin(browser)
    studio.ana.memberships.update(role="auditor")
    answered = browser.get(BACK, {"state": asked["state"], "code": "code-canary"})
    assert answered.status_code == 403
    assert not oauth.calls
    assert not Connection.objects.exists()


def test_cara_cannot_begin(client, studio):
    client.force_login(studio.cara)
    assert client.post(START).status_code == 403


def test_connecting_begins_by_a_button_only(browser):
    assert browser.get(START).status_code == 405


def test_the_return_leaks_nothing_to_the_next_page(browser, oauth):
    answer(oauth)
    back = browser.get(BACK, {"state": begin(browser)["state"], "code": "code-canary"})
    assert back["Referrer-Policy"] == "no-referrer"
    assert "code-canary" not in back["Location"]


@pytest.mark.parametrize(
    "body",
    [
        {"status": 400, "json": {"error": "invalid_grant"}},
        {"status": 400, "json": {"error": "invalid_request", "error_description": "Ben's"}},
        {"status": 400, "json": ["invalid_grant"]},
        {"status": 400, "json": "invalid_grant"},
        {"status": 400, "body": ""},
        {"status": 401, "json": {"error": "invalid_client"}},
    ],
)
def test_a_refused_code_is_told_and_connects_nothing(browser, oauth, body):
    answer(oauth, **body)
    page = come_back(browser, state=begin(browser)["state"], code="code-canary")
    assert "refused the code" in said(page)
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"status": 404, "body": "<html>Not found</html>", "content_type": "text/html"},
        {"status": 400, "body": "<html>Proxy</html>", "content_type": "text/html"},
        {"status": 500, "json": {"error": "invalid_grant"}},
        {"status": 503, "body": ""},
        {"status": 429, "json": {"error": "invalid_request"}},
        {"status": 200, "body": ""},
        {"status": 200, "json": []},
        {"status": 200, "json": ["access_token"]},
        {"status": 200, "json": "access_token"},
        {"status": 200, "json": None},
        {"status": 200, "json": {}},
        {"status": 200, "json": {"access_token": None}},
        {"status": 200, "json": {"access_token": ["x"]}},
        {"status": 200, "json": PAIR | {"expires_in": "soon"}},
        {"status": 200, "json": PAIR | {"scope": 5}},
        {"status": 200, "json": PAIR | {"scope": {"a": 1}}},
        {"status": 200, "body": "[" * 100_000},
        {"status": 302, "headers": {"Location": "https://elsewhere.example/"}},
        {"body": requests.ConnectionError("reset")},
        {"body": requests.Timeout("late")},
    ],
)
def test_a_server_that_does_not_answer_properly_is_told_and_connects_nothing(browser, oauth, body):
    oauth.post("https://oauth.example/oauth/token", **body)
    page = come_back(browser, state=begin(browser)["state"], code="code-canary")
    assert "did not answer properly" in said(page)
    assert not Connection.objects.exists()
    assert len(oauth.calls) == 1


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [(3600, 3600), ("900", 900), (None, 600), (-5, 1), (10**30, 30 * 86400)],
)
def test_whatever_the_server_says_of_a_tokens_life_is_taken_with_care(
    browser, oauth, seconds, kept
):
    answer(oauth, json=PAIR | {"expires_in": seconds})
    come_back(browser, state=begin(browser)["state"], code="code-canary")
    assert Connection.objects.get().lifetime == timedelta(seconds=kept)


@pytest.mark.parametrize("scope", [None, "", []])
def test_an_answer_that_does_not_say_what_was_granted_connects(browser, oauth, scope):
    answer(oauth, json=PAIR | {"scope": scope})
    come_back(browser, state=begin(browser)["state"], code="code-canary")
    made = Connection.objects.get()
    assert (made.granted_scopes, made.state) == ([], "healthy")


def test_a_scope_that_was_not_granted_is_named(browser, oauth):
    answer(oauth, json=PAIR | {"scope": SCOPES.replace("workouts:wod ", "")})
    page = come_back(browser, state=begin(browser)["state"], code="code-canary")
    made = Connection.objects.get()
    assert made.state == "scope_missing"
    assert made.scope_findings == ["Not allowed: workouts:wod"]
    assert "workouts:wod" in said(page)


def test_a_scope_that_was_not_asked_for_is_named_and_does_no_harm(browser, oauth):
    answer(oauth, json=PAIR | {"scope": f"{SCOPES} athlete:profile"})
    come_back(browser, state=begin(browser)["state"], code="code-canary")
    made = Connection.objects.get()
    assert made.state == "healthy"
    assert made.scope_findings == ["Allowed without need: athlete:profile"]


def test_connecting_again_renews_the_connection_that_is_there(browser, oauth, connection):
    connection.state = Connection.State.NEEDS_REAUTH
    connection.refresh_owner, connection.refresh_lease_until = "dead", timezone.now()
    connection.save()
    answer(oauth)
    come_back(browser, state=begin(browser)["state"], code="code-canary")
    again = Connection.objects.get()
    assert (again.pk, again.state) == (connection.pk, "healthy")
    assert again.access_token == "access-canary-2"
    assert again.generation == connection.generation + 1


# --- ending it --------------------------------------------------------------------------------


def end(browser, connection):
    return browser.post(reverse("connection_disconnect", args=[connection.pk]), follow=True)


def gone(connection):
    row = Connection.objects.get(pk=connection.pk)
    assert (row.access_token, row.refresh_token, row.feed_url) == (None, None, None)
    assert row.state == "disconnected"
    assert Entry.objects.filter(action="connection.ended").exists()
    return True


def test_disconnecting_tells_trainingpeaks_and_destroys_the_tokens(browser, oauth, connection):
    oauth.post("https://oauth.example/oauth/deauthorize", status=200)
    end(browser, connection)
    [call] = oauth.calls
    assert call.request.headers["Authorization"] == "Bearer access-canary-1"
    assert gone(connection)


@pytest.mark.parametrize(
    "body", [{"status": 500}, {"status": 401}, {"body": requests.ConnectionError("down")}]
)
def test_disconnecting_destroys_the_tokens_even_when_the_server_is_down(
    browser, oauth, connection, body
):
    oauth.post("https://oauth.example/oauth/deauthorize", **body)
    end(browser, connection)
    assert gone(connection)


def test_disconnecting_twice_is_disconnecting_once(browser, oauth, connection):
    oauth.post("https://oauth.example/oauth/deauthorize", status=200)
    end(browser, connection)
    assert end(browser, connection).status_code == 200
    assert len(oauth.calls) == 1


def test_for_dan_anas_connection_does_not_exist(client, oauth, studio, connection):
    client.force_login(studio.dan)
    assert end(client, connection).status_code == 404
    assert Connection.objects.get().access_token == "access-canary-1"


def test_cara_sees_the_connection_and_cannot_end_it(client, oauth, studio, connection):
    client.force_login(studio.cara)
    page = client.get(reverse("connections"))
    assert page.status_code == 200
    assert end(client, connection).status_code == 403


def test_no_page_shows_a_token(browser, connection):
    page = said(browser.get(reverse("connections")))
    for secret in ("access-canary-1", "refresh-canary-1"):
        assert secret not in page
