"""Keys for other software: shown once, kept as a hash, ended at once."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from accounts import api_tokens
from accounts.models import ApiToken
from audit.models import Entry
from tests.accounts.conftest import person

URL = "/api/v1/organisations/"


@pytest.fixture
def key(studio):
    return api_tokens.make(studio.ana, "portal")


def ask(client, authorization, url=URL):
    return client.get(url, headers={"Authorization": authorization})


def test_a_key_lets_its_person_in_and_shows_what_is_theirs(client, studio, key):
    answer = ask(client, f"Bearer {key}")
    assert answer.status_code == 200
    assert [row["name"] for row in answer.json()["results"]] == ["Keller Endurance"]


def test_only_the_hash_is_kept(key):
    kept = repr(ApiToken.objects.values_list().get())
    assert key not in kept
    assert key[api_tokens.SHOWN :] not in kept
    assert ApiToken.objects.get().prefix == key[: api_tokens.SHOWN]


def test_a_key_is_long_and_never_the_same(studio, key):
    another = api_tokens.make(studio.ana, "portal")
    assert another != key
    assert len(key) >= len("baton_") + 43


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_written_as_one_likes(client, key, scheme):
    assert ask(client, f"{scheme} {key}").status_code == 200


def test_any_other_scheme_is_nobody(client, key):
    for authorization in (f"Token {key}", f"Basic {key}", key, f"Bearer{key}", ""):
        assert ask(client, authorization).status_code == 401, authorization


def test_a_wrong_key_is_nobody_and_is_told_how_to_ask(client, key):
    for wrong in ("baton_wrong", key[:-1], f"{key}x", key.upper(), "", " ", "\xe9"):
        answer = ask(client, f"Bearer {wrong}")
        assert answer.status_code == 401, wrong
        assert answer["WWW-Authenticate"] == 'Bearer realm="Baton"'
        assert key not in answer.content.decode()


def test_a_revoked_key_ends_at_once(client, key):
    assert ask(client, f"Bearer {key}").status_code == 200
    api_tokens.revoke(ApiToken.objects.get())
    assert ask(client, f"Bearer {key}").status_code == 401
    assert Entry.objects.filter(action="api_token.revoked").exists()


def test_a_key_ends_when_it_expires(client, studio):
    until = timezone.now() + timedelta(hours=1)
    key = api_tokens.make(studio.ana, "portal", expires_at=until)
    assert ask(client, f"Bearer {key}").status_code == 200
    ApiToken.objects.update(expires_at=timezone.now())
    assert ask(client, f"Bearer {key}").status_code == 401


def test_the_key_of_somebody_switched_off_opens_nothing(client, studio, key):
    studio.ana.is_active = False
    studio.ana.save()
    assert ask(client, f"Bearer {key}").status_code == 401


def test_a_key_can_do_what_its_person_may_today(client, studio, key):
    studio.ana.memberships.all().delete()
    assert ask(client, f"Bearer {key}").status_code == 403


def test_caras_key_sees_only_her_athletes(client, studio):
    key = api_tokens.make(studio.cara, "watch")
    rows = ask(client, f"Bearer {key}", "/api/v1/athletes/").json()["results"]
    assert [row["name"] for row in rows] == ["Ben"]
    url = f"/api/v1/athletes/{studio.eve.pk}/"
    assert ask(client, f"Bearer {key}", url).status_code == 404


def test_dans_key_opens_no_door_of_anas_studio(client, studio, connection):
    key = api_tokens.make(studio.dan, "portal")
    for url in (f"athletes/{studio.ben.pk}", f"connections/{connection.pk}",
                f"organisations/{studio.organisation.pk}"):  # fmt: skip
        assert ask(client, f"Bearer {key}", f"/api/v1/{url}/").status_code == 404


def test_the_api_shows_no_token_of_a_connection(client, key, connection):
    text = ask(client, f"Bearer {key}", "/api/v1/connections/").content.decode()
    assert str(connection.pk) in text
    for secret in ("access-canary-1", "refresh-canary-1", "Token", "lease"):
        assert secret not in text


def test_that_a_key_was_used_is_noted_but_not_every_time(client, key):
    ask(client, f"Bearer {key}")
    noted = ApiToken.objects.get().last_used_at
    assert noted is not None
    ask(client, f"Bearer {key}")
    assert ApiToken.objects.get().last_used_at == noted


def test_the_log_knows_a_key_by_its_row_only(key):
    entry = Entry.objects.filter(action="api_token.made").get()
    assert key.encode() not in bytes(entry.body)
    assert b"portal" not in bytes(entry.body)


def test_making_and_ending_a_key_is_in_the_log_of_the_studio(studio, key):
    api_tokens.revoke(ApiToken.objects.get())
    for action in ("api_token.made", "api_token.revoked"):
        assert Entry.objects.get(action=action).organisation == studio.organisation.pk


def test_the_command_ends_a_key_by_its_beginning_and_never_prints_the_rest(client, key):
    said = io.StringIO()
    call_command("revoke_api_token", key, stdout=said)
    assert "“portal” of Ana is revoked." in said.getvalue()
    assert ask(client, f"Bearer {key}").status_code == 401
    with pytest.raises(CommandError) as refused:
        call_command("revoke_api_token", key)
    assert key not in str(refused.value)


def test_the_command_makes_a_key_that_ends(studio):
    call_command("create_api_token", "ana@example.com", "portal", days=30, stdout=io.StringIO())
    left = ApiToken.objects.get().expires_at - timezone.now()
    assert timedelta(days=29) < left <= timedelta(days=30)


def test_the_back_office_ends_a_key(client, studio, key):
    client.force_login(person("Root", is_staff=True, is_superuser=True))
    chosen = {"action": "revoke", "_selected_action": [ApiToken.objects.get().pk]}
    client.post(reverse("admin:accounts_apitoken_changelist"), chosen)
    assert ask(client, f"Bearer {key}").status_code == 401
    assert Entry.objects.filter(action="api_token.revoked").count() == 1
