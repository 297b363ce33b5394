"""Changing the key: everything moves to the newest, nothing is lost, and what stays is said."""

import io
import os
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database

from accounts import rotation
from accounts.management.commands import rotate_keys
from accounts.models import Athlete, Connection
from audit import verify
from audit.models import Entry

NEW = os.urandom(32)


def rotate(**options):
    said = io.StringIO()
    errors = io.StringIO()
    call_command("rotate_keys", stdout=said, stderr=errors, **options)
    return said.getvalue()


@pytest.fixture
def new_key(settings, connection):
    settings.BATON_KEYS = {"new": NEW, **settings.BATON_KEYS}
    return settings.BATON_KEYS


def test_every_secret_opens_with_the_new_key_alone(settings, new_key, connection, studio):
    sealed = studio.ben.seal(b"intervals", "plan")
    assert "Everything is sealed under new." in rotate()
    settings.BATON_KEYS = {"new": NEW}
    assert Connection.objects.get(pk=connection.pk).refresh_token == "refresh-canary-1"
    assert Athlete.objects.get(pk=studio.ben.pk).unseal(sealed, "plan") == b"intervals"
    assert verify.verify().good


def test_it_says_how_many_it_sealed_again(new_key):
    said = rotate()
    assert "accounts_connection.access_token: 1 sealed again." in said
    assert "accounts_athlete.data_key: 3 sealed again." in said
    assert "accounts_connection.feed_url: 0 sealed again." in said


def test_a_second_run_finds_nothing_to_do(new_key):
    rotate()
    assert " 0 sealed again" in rotate()
    assert not any(f" {n} sealed again" in rotate() for n in (1, 2, 3))


def test_a_run_that_was_stopped_is_run_again(new_key, monkeypatch, connection):
    real, left = rotation._replace, [2]

    def until_it_stops(*args):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return real(*args)

    monkeypatch.setattr(rotation, "_replace", until_it_stops)
    with pytest.raises(KeyboardInterrupt):
        rotate(batch=1)
    assert rotation.under_old_keys()["test1"]
    monkeypatch.setattr(rotation, "_replace", real)
    assert "Everything is sealed under new." in rotate(batch=1)
    assert Connection.objects.get(pk=connection.pk).access_token == "access-canary-1"


def test_it_does_not_end_well_while_an_old_key_is_in_use(settings, new_key, connection):
    lost = settings.BATON_KEYS.pop("test1")
    with pytest.raises(CommandError, match="Older keys are still in use"):
        rotate()
    settings.BATON_KEYS = {"new": NEW, "test1": lost}
    assert "Everything is sealed under new." in rotate()


def test_one_value_that_does_not_open_stops_no_other(new_key, connection, studio):
    other = Connection.objects.create(
        organisation=studio.elsewhere, user=studio.dan, access_token="dans"
    )
    Connection.objects.filter(pk=other.pk).update(access_token="bm90IHNlYWxlZA==")
    with pytest.raises(CommandError):
        rotate()
    assert Connection.objects.get(pk=connection.pk).access_token == "access-canary-1"
    assert rotation.under_old_keys() == {"?": {"accounts_connection.access_token": 1}}


def test_of_many_values_that_do_not_open_some_are_named_and_the_rest_counted(
    settings, connection, monkeypatch
):
    monkeypatch.setattr(rotate_keys, "MOST_TOLD", 2)
    settings.BATON_KEYS = {"new": NEW}
    told = io.StringIO()
    with pytest.raises(CommandError):
        call_command("rotate_keys", stdout=io.StringIO(), stderr=told)
    lines = told.getvalue().splitlines()
    assert [line for line in lines if "data_key" in line][2:] == [
        "accounts_athlete.data_key: 1 more did not open."
    ]


def test_checking_counts_and_changes_nothing(new_key):
    said = io.StringIO()
    with pytest.raises(CommandError):
        call_command("rotate_keys", check=True, stdout=said)
    assert "Key test1: 3 in accounts_athlete.data_key." in said.getvalue()
    assert rotation.under_old_keys()["test1"]["accounts_connection.access_token"] == 1


def test_a_token_renewed_meanwhile_is_not_put_back(new_key, connection):
    place = next(p for p in rotation.places() if str(p) == "accounts_connection.access_token")
    [(pk, read)] = list(place.values())
    renewed = Connection.objects.get(pk=connection.pk)
    renewed.access_token = "renewed"
    renewed.save()
    assert rotation._replace(place, pk, read) == 0
    assert Connection.objects.get(pk=pk).access_token == "renewed"


def test_a_row_read_before_the_change_does_not_bring_the_old_key_back(new_key, connection):
    read_before = Connection.objects.get(pk=connection.pk)
    rotate()
    read_before.name = "Squad"
    read_before.save()
    assert rotation.under_old_keys() == {}
    again = Connection.objects.get(pk=connection.pk)
    assert (again.name, again.refresh_token) == ("Squad", "refresh-canary-1")


def test_a_row_whose_key_is_lost_can_still_be_saved(settings, connection):
    settings.BATON_KEYS = {"new": NEW}
    row = Connection.objects.get(pk=connection.pk)
    row.name = "Squad"
    row.save()
    assert rotation.under_old_keys()["test1"] == {
        "accounts_athlete.data_key": 3,
        "accounts_connection.access_token": 1,
        "accounts_connection.refresh_token": 1,
    }


def test_the_log_says_that_keys_were_changed_and_how_many(new_key):
    rotate()
    assert Entry.objects.filter(action="keys.rotated").count() >= 3
    body = bytes(Entry.objects.filter(action="keys.rotated").first().body)
    assert b'"sealed":' in body


@pytest.mark.django_db(transaction=True)
def test_tokens_can_be_read_all_the_while(new_key, connection):
    failures = []

    def read():
        try:
            for _ in range(50):
                assert Connection.objects.get(pk=connection.pk).access_token == "access-canary-1"
        except Exception as error:  # noqa: BLE001 - the assertion below shows it
            failures.append(error)
        finally:
            database.close()

    reader = Thread(target=read)
    reader.start()
    rotate(batch=1)
    reader.join()
    assert failures == []


def test_a_batch_has_at_least_one_row(new_key):
    with pytest.raises(CommandError, match="at least one"):
        rotate(batch=0)
