"""What counts as the same content."""

from datetime import date, time
from uuid import UUID

import pytest

from plans.hashing import canonical_bytes, content_hash
from tests.plans.making import TUE, WED, session


def test_the_order_of_sessions_does_not_matter():
    one, other = session(1, TUE), session(2, WED)
    assert content_hash([one, other]) == content_hash([other, one])


def test_a_shared_field_changes_the_hash():
    assert content_hash([session(1, TUE)]) != content_hash([session(1, TUE, minutes=30)])


def test_the_hash_of_a_known_session_never_changes():
    known = session(1, TUE, "Easy run", at="06:30", minutes=45, km=8, load=40.5)
    assert content_hash([known]) == (
        "c927c71b8d808634b8dcc72d955c51269db85ebcf4b003935acf699b79eb36e8"
    )


def test_canonical_json_has_one_form():
    value = {"b": 1.0, "a": [0.1 + 0.2, -0.0, True, None], "é": "e\u0301"}
    assert canonical_bytes(value) == '{"a":[0.3,0,true,null],"b":1,"é":"é"}'.encode()


def test_days_times_and_ids_are_written_as_text():
    value = [date(2026, 3, 2), time(6, 30), UUID(int=1)]
    assert canonical_bytes(value) == (
        b'["2026-03-02","06:30:00","00000000-0000-0000-0000-000000000001"]'
    )


def test_half_a_character_does_not_stop_a_hash():
    assert canonical_bytes("\ud800") == b'"\\ud800"'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_has_no_canonical_form(value):
    with pytest.raises(ValueError, match="no canonical JSON"):
        canonical_bytes(value)


def test_what_is_not_data_has_no_canonical_form():
    with pytest.raises(TypeError, match="object"):
        canonical_bytes(object())


def test_two_keys_that_are_one_are_refused():
    with pytest.raises(ValueError, match="same text"):
        canonical_bytes({"é": 1, "e\u0301": 2})
