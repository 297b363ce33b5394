"""Access tokens: renewed early, once, by one worker, and never lost without a word."""

import time
from datetime import UTC, datetime, timedelta
from threading import Barrier, Lock, Thread
from urllib.parse import parse_qs

import pytest
import requests
import responses
import time_machine
from django.db import connection as database
from django.utils import timezone
from werkzeug import Response

from accounts import tokens
from accounts.models import Connection
from accounts.tokens import NeedsReauthError, TokenUnavailableError
from audit import verify
from audit.models import Entry

LIFE = timedelta(seconds=600)
THREADS = 6


@pytest.fixture
def oauth(settings):
    settings.TRAININGPEAKS_OAUTH_URL = "https://oauth.example"
    with responses.RequestsMock(assert_all_requests_are_fired=False) as server:
        yield server


@pytest.fixture
def sold(connection):
    """A connection whose token is spent."""
    return aged(connection, left=timedelta(seconds=-1))


def aged(connection, *, left):
    connection.lifetime = LIFE
    connection.expires_at = timezone.now() + left
    connection.save()
    return connection


def answer(oauth, access="access-2", refresh="refresh-2", **more):
    pair = {"access_token": access, "expires_in": 600, "refresh_token": refresh, **more}
    oauth.post("https://oauth.example/oauth/token", json=pair)


def fresh(connection, **how):
    return tokens.fresh_access_token(connection.pk, **how)


def row(connection):
    return Connection.objects.get(pk=connection.pk)


def test_a_young_token_is_used_as_it_is(oauth, connection):
    aged(connection, left=LIFE)
    assert fresh(connection) == "access-canary-1"
    assert not oauth.calls


def test_a_token_is_renewed_before_it_ends(oauth, connection):
    answer(oauth)
    aged(connection, left=LIFE * 0.15)
    assert fresh(connection) == "access-2"
    renewed = row(connection)
    assert (renewed.access_token, renewed.refresh_token) == ("access-2", "refresh-2")
    assert renewed.generation == connection.generation + 1
    assert (renewed.refresh_owner, renewed.refresh_lease_until) == ("", None)
    assert Entry.objects.filter(action="connection.refreshed").exists()


def test_the_request_carries_its_credentials_in_the_body(oauth, sold, settings):
    answer(oauth)
    fresh(sold)
    [call] = oauth.calls
    sent = {name: values[0] for name, values in parse_qs(call.request.body).items()}
    assert sent["grant_type"] == "refresh_token"
    assert sent["refresh_token"] == "refresh-canary-1"
    assert sent["client_id"] == settings.TRAININGPEAKS_CLIENT_ID
    assert sent["client_secret"] == settings.TRAININGPEAKS_CLIENT_SECRET
    assert "Authorization" not in call.request.headers


def test_a_token_whose_life_is_unknown_is_renewed(oauth, connection):
    answer(oauth)
    assert fresh(connection) == "access-2"


def test_a_server_that_does_not_rotate_leaves_the_refresh_token(oauth, sold):
    oauth.post("https://oauth.example/oauth/token", json={"access_token": "a2", "expires_in": 600})
    assert fresh(sold) == "a2"
    assert row(sold).refresh_token == "refresh-canary-1"


def test_no_transaction_is_open_while_the_server_is_asked(oauth, sold, settings):
    seen = []

    def listen(request):
        seen.append(len(database.savepoint_ids))
        return (200, {}, '{"access_token": "a2", "expires_in": 600}')

    oauth.add_callback("POST", "https://oauth.example/oauth/token", callback=listen)
    outside = len(database.savepoint_ids)
    fresh(sold)
    assert seen == [outside]


def test_a_token_that_was_refused_is_renewed_though_it_looks_young(oauth, connection):
    answer(oauth)
    aged(connection, left=LIFE)
    assert fresh(connection, refused="access-canary-1") == "access-2"
    assert fresh(connection, refused="access-canary-1") == "access-2"
    assert len(oauth.calls) == 1


def test_a_refused_refresh_asks_the_coach_once_and_then_nobody(oauth, sold):
    oauth.post("https://oauth.example/oauth/token", status=400, json={"error": "invalid_grant"})
    for _ in range(3):
        with pytest.raises(NeedsReauthError):
            fresh(sold)
    assert len(oauth.calls) == 1
    ended = row(sold)
    assert (ended.state, ended.last_error) == ("needs_reauth", "invalid_grant")
    assert Entry.objects.filter(action="connection.needs_reauth").count() == 1


def test_a_refusal_that_comes_after_somebody_connected_anew_is_ignored(oauth, sold):
    def meanwhile(request):
        again = row(sold)
        again.access_token, again.refresh_token = "by-hand", "by-hand-too"
        again.generation += 1
        again.save()
        return (400, {}, '{"error": "invalid_grant"}')

    oauth.add_callback("POST", "https://oauth.example/oauth/token", callback=meanwhile)
    assert fresh(sold) == "by-hand"
    assert row(sold).state == "healthy"


def test_a_pair_that_comes_after_somebody_connected_anew_is_not_kept(oauth, sold):
    def meanwhile(request):
        again = row(sold)
        again.access_token, again.refresh_token = "by-hand", "by-hand-too"
        again.generation += 1
        again.save()
        return (200, {}, '{"access_token": "late", "expires_in": 600, "refresh_token": "late"}')

    oauth.add_callback("POST", "https://oauth.example/oauth/token", callback=meanwhile)
    assert fresh(sold) == "by-hand"
    assert row(sold).refresh_token == "by-hand-too"


def test_a_pair_that_comes_after_disconnecting_is_given_back_and_not_kept(oauth, sold):
    def meanwhile(request):
        Connection.objects.filter(pk=sold.pk).update(
            state="disconnected", access_token=None, refresh_token=None, generation=99
        )
        return (200, {}, '{"access_token": "late", "expires_in": 600, "refresh_token": "late"}')

    oauth.add_callback("POST", "https://oauth.example/oauth/token", callback=meanwhile)
    back = oauth.post("https://oauth.example/oauth/deauthorize", status=200)
    with pytest.raises(NeedsReauthError):
        fresh(sold)
    assert back.calls[0].request.headers["Authorization"] == "Bearer late"
    assert (row(sold).access_token, row(sold).state) == (None, "disconnected")


def test_a_refusal_that_comes_after_disconnecting_leaves_it_disconnected(oauth, sold):
    def meanwhile(request):
        Connection.objects.filter(pk=sold.pk).update(
            state="disconnected", access_token=None, refresh_token=None, generation=99
        )
        return (400, {}, '{"error": "invalid_grant"}')

    oauth.add_callback("POST", "https://oauth.example/oauth/token", callback=meanwhile)
    with pytest.raises(NeedsReauthError):
        fresh(sold)
    assert row(sold).state == "disconnected"


@pytest.mark.parametrize(
    "trouble",
    [
        {"body": requests.ConnectionError("reset")},
        {"body": requests.Timeout("late")},
        {"status": 500, "json": {"error": "invalid_grant"}},
        {"status": 503, "body": "<html>", "content_type": "text/html"},
        {"status": 200, "body": "<html>", "content_type": "text/html"},
        {"status": 200, "json": []},
    ],
)
def test_trouble_on_the_way_keeps_the_refresh_token_and_gives_the_lease_back(oauth, sold, trouble):
    oauth.post("https://oauth.example/oauth/token", **trouble)
    with pytest.raises(TokenUnavailableError):
        fresh(sold)
    kept = row(sold)
    assert (kept.refresh_token, kept.state) == ("refresh-canary-1", "healthy")
    assert (kept.refresh_owner, kept.refresh_lease_until) == ("", None)
    assert kept.last_error
    assert kept.refresh_error
    oauth.reset()
    answer(oauth)
    assert fresh(sold) == "access-2"
    assert row(sold).refresh_error == ""


def test_trouble_with_the_token_does_not_hide_which_scope_is_missing(oauth, sold):
    Connection.objects.filter(pk=sold.pk).update(state="scope_missing", last_error="Allow it.")
    oauth.post("https://oauth.example/oauth/token", status=503)
    with pytest.raises(TokenUnavailableError):
        fresh(sold)
    assert (row(sold).last_error, row(sold).refresh_error != "") == ("Allow it.", True)


def test_early_trouble_does_not_waste_a_token_that_still_works(oauth, connection):
    oauth.post("https://oauth.example/oauth/token", status=503)
    aged(connection, left=LIFE * 0.1)
    assert fresh(connection) == "access-canary-1"


@pytest.mark.parametrize("state", ["needs_reauth", "disconnected"])
def test_an_ended_connection_asks_nobody(oauth, sold, state):
    Connection.objects.filter(pk=sold.pk).update(state=state)
    with pytest.raises(NeedsReauthError):
        fresh(sold)
    assert not oauth.calls


def test_a_connection_without_a_refresh_token_must_be_made_again(oauth, sold):
    Connection.objects.filter(pk=sold.pk).update(refresh_token=None)
    with pytest.raises(NeedsReauthError):
        fresh(sold)


def test_while_another_worker_renews_a_working_token_is_used(oauth, connection):
    aged(connection, left=LIFE * 0.1)
    Connection.objects.filter(pk=connection.pk).update(
        refresh_lease_until=timezone.now() + timedelta(seconds=30), refresh_owner="another"
    )
    assert fresh(connection) == "access-canary-1"
    assert not oauth.calls


def test_a_worker_that_died_while_renewing_holds_nobody_up_for_long(oauth, sold):
    answer(oauth)
    Connection.objects.filter(pk=sold.pk).update(
        refresh_lease_until=timezone.now() - timedelta(seconds=1), refresh_owner="dead"
    )
    assert fresh(sold) == "access-2"


def test_renewing_is_leased_for_no_longer_than_a_lane(oauth, sold, settings, monkeypatch):
    settings.BATON_REFRESH_LEASE = timedelta(seconds=5)

    def die(_):
        raise SystemExit

    monkeypatch.setattr(tokens.provider, "refresh", die)
    with pytest.raises(SystemExit):
        fresh(sold)
    assert row(sold).refresh_lease_until <= timezone.now() + timedelta(seconds=5)


def test_patience_with_another_worker_ends(oauth, sold, monkeypatch):
    monkeypatch.setattr(tokens, "PATIENCE", 0.05)
    monkeypatch.setattr(tokens, "LOOK_EVERY", 0.01)
    Connection.objects.filter(pk=sold.pk).update(
        refresh_lease_until=timezone.now() + timedelta(seconds=30), refresh_owner="another"
    )
    with pytest.raises(TokenUnavailableError, match="too long"):
        fresh(sold)
    assert not oauth.calls


class Rotating:
    """A server whose refresh tokens work once; a second use revokes the whole family."""

    def __init__(self):
        self.lock, self.calls, self.valid, self.revoked = Lock(), 0, "refresh-canary-1", False

    def __call__(self, request):
        time.sleep(0.05)  # long enough for the others to come
        with self.lock:
            self.calls += 1
            if self.revoked or request.form["refresh_token"] != self.valid:
                self.revoked = True
                return Response('{"error": "invalid_grant"}', 400, mimetype="application/json")
            self.valid = f"refresh-{self.calls + 1}"
            body = (
                f'{{"access_token": "access-{self.calls + 1}", "expires_in": 600, '
                f'"refresh_token": "{self.valid}"}}'
            )
            return Response(body, 200, mimetype="application/json")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("refused", [None, "access-canary-1"])
def test_many_workers_at_once_make_one_call_and_all_get_the_new_token(
    httpserver, settings, sold, refused
):
    server = Rotating()
    httpserver.expect_request("/oauth/token", method="POST").respond_with_handler(server)
    settings.TRAININGPEAKS_OAUTH_URL = httpserver.url_for("").rstrip("/")
    settings.TRAININGPEAKS_INSECURE_TRANSPORT = True
    got, start = [], Barrier(THREADS)

    def work():
        try:
            start.wait()
            got.append(fresh(sold, refused=refused))
        except Exception as error:  # noqa: BLE001 - the assertion below shows it
            got.append(error)
        finally:
            database.close()

    workers = [Thread(target=work) for _ in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert got == ["access-2"] * THREADS
    assert (server.calls, server.revoked) == (1, False)
    assert row(sold).refresh_token == "refresh-2"
    assert verify.verify().good


on_server = pytest.mark.skipif(
    "database.vendor != 'postgresql'", reason="SQLite has no clock but the worker's."
)


def wrong_by(hours):
    return time_machine.travel(datetime.now(UTC) + timedelta(hours=hours))


@on_server
@pytest.mark.parametrize("hours", [-1, 1])
def test_f23_a_worker_whose_clock_is_wrong_takes_no_refresh_from_anybody(
    oauth, sold, hours, monkeypatch
):
    monkeypatch.setattr(tokens, "PATIENCE", 0.3)
    Connection.objects.update(
        refresh_lease_until=timezone.now() + timedelta(seconds=30), refresh_owner="another"
    )
    with wrong_by(hours), pytest.raises(TokenUnavailableError):
        fresh(sold)
    assert not oauth.calls


@on_server
@pytest.mark.parametrize("hours", [-1, 1])
def test_f23_a_worker_whose_clock_is_wrong_uses_a_young_token_and_renews_a_spent_one(
    oauth, connection, hours
):
    answer(oauth)
    aged(connection, left=LIFE)
    with wrong_by(hours):
        assert fresh(connection) == "access-canary-1"
    aged(connection, left=timedelta(seconds=-1))
    with wrong_by(hours):
        assert fresh(connection) == "access-2"
    assert abs(row(connection).expires_at - timezone.now() - LIFE) < timedelta(minutes=1)
