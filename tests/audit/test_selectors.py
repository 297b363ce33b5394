"""Finding entries, and proving that one of them is in the log."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from audit import merkle, selectors
from audit.log import audited_atomic
from audit.models import Entry, Head
from audit.verify import verify
from tests.audit.conftest import BEN, DELIVERY, PLAN, STUDIO, WATCH, forge, said_by

pytestmark = pytest.mark.django_db(transaction=True)


def numbers(**filters):
    return list(selectors.entries([STUDIO], **filters).values_list("seq", flat=True))


@pytest.fixture
def others(written):
    """Something of another studio, and something else of ours."""
    with audited_atomic() as log:
        log.record("delivery.delivered", organisation=uuid4(), plan=PLAN)
        log.record("route.made", organisation=STUDIO)
        log.record("stamp")
    return written


def test_entries_come_newest_first_and_only_from_the_own_organisations(others):
    assert numbers() == [9, 7, 6, 5, 4, 3, 2, 1, 0]
    assert list(selectors.entries([])) == []


@pytest.mark.parametrize(
    "about",
    [{"plan": PLAN}, {"subject": BEN}, {"destination": WATCH}, {"delivery": DELIVERY}],
)
def test_entries_are_found_by_what_they_are_about(others, about):
    assert numbers(**about) == [7, 6, 5, 4, 3, 2, 1, 0]
    assert numbers(**dict.fromkeys(about, uuid4())) == []
    assert numbers(**dict.fromkeys(about)) == numbers()


def test_an_action_stands_for_its_family(others):
    assert numbers(action="route") == numbers(action="route.made") == [9]


def test_entries_are_found_by_their_time(others):
    at = Entry.objects.get(seq=4).at
    assert 4 in numbers(since=at)
    assert 4 not in numbers(until=at)
    assert numbers(since=at + timedelta(days=1)) == []


def test_entries_are_not_found_by_what_they_do_not_say(others):
    with pytest.raises(TypeError, match="coach"):
        selectors.entries([STUDIO], coach=BEN)


@pytest.mark.parametrize("seq", range(8))
def test_every_entry_is_proven_to_be_in_the_log(written, seq):
    proven = selectors.with_proof(Entry.objects.get(seq=seq))
    assert proven.holds
    assert (proven.size, proven.root.hex()) == (written, verify().root)
    assert len(proven.path) == 3


def test_a_forged_entry_is_not_proven(written):
    forge(5, said_by(5, version=9))
    assert not selectors.with_proof(Entry.objects.get(seq=5)).holds


def test_a_proof_is_of_one_entry_one_root_and_one_length(written):
    proven = selectors.with_proof(Entry.objects.get(seq=5))
    assert not replace(proven, entry=Entry.objects.get(seq=4)).holds
    assert not replace(proven, root=merkle.EMPTY).holds
    assert not replace(proven, path=proven.path[:-1]).holds
    assert not replace(proven, size=4).holds


def test_an_entry_beyond_the_head_has_no_proof(written):
    Head.objects.update(size=4, peaks=b"x" * 32)
    with pytest.raises(IndexError):
        selectors.with_proof(Entry.objects.get(seq=5))
