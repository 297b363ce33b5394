"""The mark outside the database: what it tells, what it does not, and that it costs nothing."""

import json
import os
from dataclasses import asdict, replace
from uuid import uuid4

import pytest

from audit.log import audited_atomic
from audit.models import Entry
from sharing import aftermath, incarnation, mark
from sharing.models import Installation

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(settings, tmp_path):
    settings.BATON_MARK_FILE = str(tmp_path / "mark.json")
    mark.forget()
    log()
    return tmp_path / "mark.json"


def log():
    with audited_atomic() as entries:
        entries.record("test.done")


def keep():
    mark.forget()
    assert not incarnation.look()
    mark.forget()


def written(file, **changes):
    """As the file would be of a log that has come as far as it says."""
    keep()
    file.write_text(json.dumps(asdict(replace(mark.read(), **changes))))
    mark.forget()


def test_a_log_that_goes_on_is_not_behind(file):
    keep()
    log()
    assert not incarnation.behind()
    keep()
    assert mark.read().seq == Entry.objects.latest("seq").seq
    assert not incarnation.behind()
    assert [each.name for each in file.parent.iterdir()] == ["mark.json"]


@pytest.mark.parametrize("lost", [{"seq": 1_000_000}, {"entry": str(uuid4())}])
def test_a_log_that_lacks_an_entry_or_has_another_in_its_place_is_behind(file, lost):
    written(file, **lost)
    assert incarnation.behind() == incarnation.LACKING
    before = file.read_text()
    mark.keep(incarnation.stored())
    assert file.read_text() == before


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"log": 1}', "\0"])
def test_a_file_that_cannot_be_understood_says_nothing_and_is_written_anew(file, text):
    file.write_text(text)
    assert not incarnation.behind()
    keep()
    assert mark.read().seq == Entry.objects.latest("seq").seq


def test_a_file_that_is_missing_or_of_another_installation_says_nothing(file):
    assert not incarnation.behind()
    written(file, log=str(uuid4()), seq=1_000_000, life=7)
    assert not incarnation.behind()
    assert aftermath.inventory().life == 2
    keep()
    assert mark.read().life == 1


def test_a_place_that_cannot_be_written_costs_no_work(file, settings):
    settings.BATON_MARK_FILE = os.devnull + "/mark.json"
    keep()
    assert not incarnation.behind()


def test_the_new_life_comes_after_every_life_that_the_file_knows_of(file):
    written(file, seq=1_000_000, life=4)
    assert incarnation.behind()
    aftermath.begin()
    assert Installation.objects.get().incarnation == 5
    assert not incarnation.behind()


def test_it_is_looked_at_once_a_minute(file, monkeypatch):
    keep()
    incarnation.behind()
    monkeypatch.setattr(mark, "read", lambda: pytest.fail("it was read again"))
    assert not incarnation.behind()


def test_without_a_file_nothing_is_asked(settings, monkeypatch):
    monkeypatch.setattr(mark, "read", lambda: pytest.fail("it was read"))
    assert not incarnation.look()
    assert not incarnation.behind()
    assert mark.life() == 1
