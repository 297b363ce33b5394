"""Whatever a server answers: a session, or a complaint that names the field. Nothing else."""

import copy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans.errors import ContractError
from plans.model import Session
from plans.trainingpeaks import (
    parse_athlete,
    parse_changed,
    parse_strength,
    parse_structure,
    parse_workout,
)
from plans.trainingpeaks.wire import Reader, instant
from tests.plans.trainingpeaks.wire_examples import ATHLETE, STRENGTH, STRUCTURE, WORKOUT

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def places(value, path=()):
    """Every place in a document where something can be replaced."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in members:
        if isinstance(member, dict | list):
            yield from places(member, (*path, key))
        else:
            yield (*path, key)


def damaged(document):
    @st.composite
    def draw_one(draw):
        copied = {"": copy.deepcopy(document)}
        path = ("", *draw(st.sampled_from(sorted(places(document), key=repr))))
        holder = copied
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = draw(anything)
        return copied[""]

    return draw_one()


def accepts(parse, raw):
    try:
        return parse(raw)
    except ContractError:
        return None


@given(damaged(WORKOUT))
def test_a_damaged_workout_is_read_or_refused(raw):
    parsed = accepts(parse_workout, raw)
    assert parsed is None or Session.model_validate_json(parsed.model_dump_json()) == parsed


@given(damaged(STRUCTURE))
def test_a_damaged_structure_is_read_or_refused(raw):
    accepts(parse_structure, raw)


@given(damaged(STRENGTH))
def test_a_damaged_strength_workout_is_read_or_refused(raw):
    parsed = accepts(parse_strength, raw)
    assert parsed is None or Session.model_validate_json(parsed.model_dump_json()) == parsed


@given(damaged(ATHLETE))
def test_a_damaged_athlete_is_read_or_refused(raw):
    accepts(parse_athlete, raw)


@given(anything)
def test_an_answer_of_any_shape_is_read_or_refused(raw):
    for parse in (parse_workout, parse_structure, parse_strength, parse_athlete, parse_changed):
        accepts(parse, raw)


@pytest.mark.parametrize(
    "text", ["2025-07-24T21:03:05.1324848Z", "2025-07-24T21:03:05.132484+00:00"]
)
def test_a_moment_may_have_seven_digits_of_seconds(text):
    moment = instant(text, Reader("CreatedOn"))
    assert moment == datetime(2025, 7, 24, 21, 3, 5, 132484, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2025-07-24T21:03:05.1324848"])
def test_a_moment_without_a_zone_is_no_moment(text):
    with pytest.raises(ContractError, match="CreatedOn: expected a date and time"):
        instant(text, Reader("CreatedOn"))
