"""Pages of the changed feed."""

import pytest

from plans.errors import ContractError
from plans.trainingpeaks import Changed, parse_changed
from tests.plans.trainingpeaks.wire_examples import WORKOUT


def test_a_page_has_ids_that_are_gone_and_workouts_that_differ():
    page = parse_changed({"Deleted": [5_123_456_789_012, "7", 7], "Modified": [WORKOUT]})
    assert page == Changed(deleted_ids=(5_123_456_789_012, 7), modified=(WORKOUT,))


@pytest.mark.parametrize("raw", [{}, {"Deleted": None, "Modified": None}, {"deleted": []}])
def test_an_empty_page_is_empty(raw):
    assert parse_changed(raw) == Changed((), ())


def test_a_workout_is_passed_on_as_it_came():
    odd = {"id": 1, "Anything": {"deep": [1]}}
    assert parse_changed({"Modified": [odd]}).modified == (odd,)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ([WORKOUT], "the document: expected an object, got a list of 1"),
        ({"Deleted": [1, None]}, "Deleted[1]: expected a whole number or a text, got null"),
        (
            {"Deleted": ["x"]},
            'Deleted[0]: expected a whole number from 1 to 2^63-1, got the text "x"',
        ),
        ({"Modified": [7]}, "Modified[0]: expected an object, got 7"),
    ],
)
def test_a_malformed_page_is_refused_by_the_name_of_its_field(raw, words):
    with pytest.raises(ContractError) as caught:
        parse_changed(raw)
    assert str(caught.value) == words
