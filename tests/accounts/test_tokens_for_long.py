"""Access that lives for a minute, used for ten by several readers, without a person (S54)."""

import json
from datetime import timedelta

import pytest
import requests
import responses
import time_machine
from django.db import connection as database  # noqa: F401 - a condition below names it
from django.utils import timezone

from accounts import tokens
from accounts.models import Connection

LIFE, WHOLE, APART = 60, 600, 2  # seconds
READERS = 3
API = "https://api.example/v1/athlete/profile"


class TrainingPeaks:
    """Tokens that end after a minute, refresh tokens that work once, and an API that looks."""

    def __init__(self):
        self.valid_until = {}
        self.refresh = "refresh-canary-1"
        self.renewals, self.refused, self.served = [], 0, 0

    def renew(self, request):
        if f"refresh_token={self.refresh}" not in request.body:
            return 400, {}, json.dumps({"error": "invalid_grant"})
        self.renewals.append(timezone.now())
        access = f"access-{len(self.renewals)}"
        self.refresh = f"refresh-{len(self.renewals)}"
        self.valid_until[access] = timezone.now() + timedelta(seconds=LIFE)
        pair = {"access_token": access, "refresh_token": self.refresh, "expires_in": LIFE}
        return 200, {}, json.dumps(pair)

    def serve(self, request):
        access = request.headers["Authorization"].removeprefix("Bearer ")
        good = self.valid_until[access] > timezone.now()
        self.served += good
        self.refused += not good
        return (200 if good else 401), {}, "{}"


@pytest.fixture
def there(settings):
    settings.TRAININGPEAKS_OAUTH_URL = "https://oauth.example"
    server = TrainingPeaks()
    with responses.RequestsMock() as mock:
        mock.add_callback("POST", "https://oauth.example/oauth/token", server.renew)
        mock.add_callback("GET", API, server.serve)
        yield server


@pytest.mark.skipif("database.vendor != 'sqlite'", reason="PostgreSQL has its own clock.")
def test_ten_minutes_on_tokens_of_a_minute_without_a_refused_call(there, connection):
    begun = timezone.now()
    connection.lifetime, connection.expires_at = timedelta(seconds=LIFE), begun
    connection.save()
    with time_machine.travel(begun, tick=False) as clock:
        for _ in range(int(WHOLE / APART)):
            for _ in range(READERS):
                access = tokens.fresh_access_token(connection.pk)
                requests.get(API, headers={"Authorization": f"Bearer {access}"}, timeout=5)
            clock.shift(APART)
    assert there.refused == 0
    assert there.served == READERS * WHOLE / APART
    gaps = [
        later - earlier for earlier, later in zip(there.renewals, there.renewals[1:], strict=False)
    ]
    assert timedelta(seconds=LIFE * 0.7) < min(gaps)  # each is used for most of its life
    assert max(gaps) < timedelta(seconds=LIFE)
    assert Connection.objects.get().state == Connection.State.HEALTHY
