"""Secrets at rest: they open in their own row and column, under their own key, and nowhere else."""

import base64
import os
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection as database
from hypothesis import given
from hypothesis import strategies as st

from accounts import sealing
from accounts.models import Athlete, Connection
from accounts.sealing import SealedError

OLD, NEW = os.urandom(32), os.urandom(32)
CANARIES = ("access-canary-1", "refresh-canary-1")


def stored(model, pk, column):
    return str(model.objects.values_list(column, flat=True).get(pk=pk))


def put(model, pk, column, value):
    """Write a column as it is, past the sealing, as somebody with the database in hand would."""
    assert model.objects.filter(pk=pk).update(**{column: value}) == 1


@given(st.text(max_size=200), st.text(max_size=50))
def test_what_is_sealed_opens_again(text, place):
    assert sealing.opened(sealing.closed(text, aad=place), aad=place) == text


@given(st.binary(min_size=1, max_size=60), st.data())
def test_any_altered_byte_keeps_it_closed(data, draw):
    sealed = bytearray(sealing.seal(data, aad="here"))
    at = draw.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << draw.draw(st.integers(0, 7))
    with pytest.raises(SealedError):
        sealing.unseal(bytes(sealed), aad="here")


@pytest.mark.parametrize("text", ["", "not base64!", "dGVzdDE6", "dGVzdDE6YWJj", "/////w=="])
def test_what_was_never_sealed_is_an_error_of_its_own(text):
    with pytest.raises(SealedError):
        sealing.opened(text, aad="here")


def test_the_same_text_never_looks_the_same_twice():
    assert sealing.closed("token", aad="a") != sealing.closed("token", aad="a")


def test_a_token_comes_back_from_the_database(connection):
    again = Connection.objects.get(pk=connection.pk)
    assert (again.access_token, again.refresh_token) == CANARIES
    assert again.feed_url is None


def test_a_row_that_is_saved_untouched_keeps_its_ciphertext(connection):
    before = stored(Connection, connection.pk, "access_token")
    Connection.objects.get(pk=connection.pk).save()
    assert stored(Connection, connection.pk, "access_token") == before


def test_a_value_moved_to_another_row_does_not_open(studio, connection):
    other = Connection.objects.create(organisation=studio.elsewhere, user=studio.dan)
    put(Connection, other.pk, "access_token", stored(Connection, connection.pk, "access_token"))
    with pytest.raises(SealedError, match="does not open here"):
        _ = Connection.objects.get(pk=other.pk).access_token


def test_a_value_moved_to_another_column_does_not_open(connection):
    moved = stored(Connection, connection.pk, "refresh_token")
    put(Connection, connection.pk, "access_token", moved)
    with pytest.raises(SealedError, match="does not open here"):
        _ = Connection.objects.get(pk=connection.pk).access_token


def test_a_value_moved_from_another_table_does_not_open(connection):
    elsewhere = sealing.closed("token", aad=f"another_table.access_token:{connection.pk}")
    here = sealing.closed("token", aad=f"accounts_connection.access_token:{connection.pk}")
    put(Connection, connection.pk, "access_token", elsewhere)
    with pytest.raises(SealedError, match="does not open here"):
        _ = Connection.objects.get(pk=connection.pk).access_token
    put(Connection, connection.pk, "access_token", here)
    assert Connection.objects.get(pk=connection.pk).access_token == "token"


def test_an_old_key_still_opens_and_the_first_one_seals(settings, connection):
    settings.BATON_KEYS = {"new": NEW, **settings.BATON_KEYS}
    again = Connection.objects.get(pk=connection.pk)
    assert again.access_token == CANARIES[0]
    again.access_token = "another"
    again.save()
    assert base64.b64decode(stored(Connection, again.pk, "access_token")).startswith(b"new:")
    assert Connection.objects.get(pk=again.pk).access_token == "another"


def test_a_key_that_is_not_there_is_named(settings, connection):
    settings.BATON_KEYS = {"new": NEW}
    with pytest.raises(SealedError, match="The key “test1” is not in BATON_KEYS"):
        _ = Connection.objects.get(pk=connection.pk).access_token


def test_another_key_under_the_same_name_does_not_open(settings, connection):
    settings.BATON_KEYS = {"test1": NEW}
    with pytest.raises(SealedError, match="does not open here"):
        _ = Connection.objects.get(pk=connection.pk).access_token


def test_an_athletes_content_is_gone_when_the_key_is_destroyed(studio):
    sealed = studio.ben.seal(b"intervals", "plan")
    ben = Athlete.objects.get(pk=studio.ben.pk)
    assert ben.unseal(sealed, "plan") == b"intervals"
    with pytest.raises(SealedError):
        ben.unseal(sealed, "another purpose")
    with pytest.raises(SealedError):
        studio.eve.unseal(sealed, "plan")
    ben.data_key = None
    ben.save()
    with pytest.raises(SealedError, match="destroyed"):
        Athlete.objects.get(pk=ben.pk).unseal(sealed, "plan")


def test_saving_an_athlete_again_keeps_the_key(studio):
    sealed = studio.ben.seal(b"intervals", "plan")
    Athlete.objects.get(pk=studio.ben.pk).save()
    assert Athlete.objects.get(pk=studio.ben.pk).unseal(sealed, "plan") == b"intervals"


@pytest.mark.django_db(transaction=True)
def test_the_database_holds_no_token(connection):
    """Not in any column of any table and, with SQLite, not in the files themselves."""
    for model in apps.get_models():
        rows = list(model._base_manager.values_list())
        assert not any(canary in repr(rows) for canary in CANARIES), model
    if database.vendor == "sqlite":
        name = str(database.settings_dict["NAME"])
        written = b"".join(path.read_bytes() for path in (Path(name), Path(f"{name}-wal")))
        assert connection.pk.hex.encode() in written
        assert not any(canary.encode() in written for canary in CANARIES)


def test_a_connection_shows_no_token_when_it_is_printed(connection):
    for canary in CANARIES:
        assert canary not in repr(connection)
        assert canary not in str(connection)


def test_a_column_that_was_left_out_is_read_when_it_is_asked_for(studio, connection):
    for rows in (Connection.objects.only("name"), Connection.objects.defer("access_token")):
        assert rows.get(pk=connection.pk).access_token == "access-canary-1"
    sealed = studio.ben.seal(b"intervals", "plan")
    assert Athlete.objects.only("name").get(pk=studio.ben.pk).unseal(sealed, "plan") == b"intervals"


def test_saving_a_row_without_its_sealed_columns_leaves_them_as_they_are(connection):
    part = Connection.objects.only("name").get(pk=connection.pk)
    part.name = "Squad"
    part.save()
    again = Connection.objects.get(pk=connection.pk)
    assert (again.name, again.access_token) == ("Squad", "access-canary-1")


def test_nothing_is_sealed_into_a_row_that_has_no_key_yet(connection):
    with pytest.raises(SealedError, match="primary key"):
        Connection._meta.get_field("access_token").pre_save(
            Connection(pk=None, access_token="token"), add=True
        )
