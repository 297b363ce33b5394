"""The port itself: what it can express, and that one folder and one line are a new destination."""

from destinations.errors import CATALOGUE, DestinationError
from destinations.port import Capabilities, IdempotencyClass, Item
from destinations.selectors import Kind


def every_error(base=DestinationError):
    return [base, *(found for one in base.__subclasses__() for found in every_error(one))]


def test_a_platform_that_only_knows_finished_activities_can_be_described():
    strava = Capabilities(
        idempotency=IdempotencyClass.NONE,
        future_sessions=False,
        completed_sessions=True,
        create=False,
        remove=False,
        private_to_athlete=True,
        terms=("Only the athlete may see what comes from Strava.",),
    )
    losses = Kind("strava", "Strava", strava).losses
    assert "sessions that are still to come" in losses
    assert "taking a session away again" in losses


def test_every_error_has_words_for_a_coach_and_an_admin_and_one_action():
    for error in every_error():
        kind = error().kind
        assert kind.coach_words.endswith(".")
        assert kind.admin_words.endswith(".")
        assert kind.action.endswith(".")
        assert str(error()) == kind.coach_words


def test_every_error_has_a_reason_to_exist():
    assert all(error.__doc__ for error in every_error())
    assert len({kind.coach_words for kind in CATALOGUE.values()}) == len(CATALOGUE)


def test_the_same_body_has_the_same_hash_in_whatever_order_its_members_stand():
    one = Item("a", None, {"x": 1, "y": [1.0, {"b": "é", "c": None}]})
    other = Item("a", None, {"y": [1, {"c": None, "b": "e\u0301"}], "x": 1})
    assert one.content_hash == other.content_hash
