"""What broke its contract is kept, settled by a person or by a good reading, and never sent."""

from datetime import timedelta

import pytest

from audit.log import audited_atomic
from audit.models import Entry
from plans.errors import ContractError
from sharing import clock, intake, pump, quarantine, reading
from sharing.models import PlanVersion, Quarantine, Source
from sharing.source.errors import BadAnswerError
from tests.sharing.source.studio import BEN
from tests.sharing.source.test_emptied_calendars import join

pytestmark = pytest.mark.usefixtures("transactional_db")

GOOD = b'[{"Id": 1, "WorkoutDay": "2026-03-02T00:00:00", "WorkoutType": "Bike"}]'
WRONG = b'[{"Id": 1, "WorkoutDay": "someday", "WorkoutType": "Bike"}]'


def keep(ana, body, contract="workouts"):
    with audited_atomic() as log:
        bad = BadAnswerError(contract, "[0].WorkoutDay", "expected a day", body)
        return quarantine.keep(ana.source, bad, log)


def test_what_is_understood_after_a_fix_is_read_again(ana, api):
    row = keep(ana, GOOD)
    api.put(BEN, 1, ana.day(1))
    quarantine.replay(row)
    assert Quarantine.objects.get().state == Quarantine.State.REPLAYED
    ana.read()
    assert len(ana.versions()) == 1


def test_what_is_still_wrong_stays_where_it_is(ana):
    row = keep(ana, WRONG)
    with pytest.raises(ContractError, match="WorkoutDay"):
        quarantine.replay(row)
    assert Quarantine.objects.get().state == Quarantine.State.OPEN


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff"])
def test_what_is_no_json_at_all_is_still_wrong(ana, body):
    assert quarantine.still_wrong(keep(ana, body)) is not None


def test_a_dismissal_keeps_its_reason_and_is_recorded(ana):
    quarantine.dismiss(keep(ana, WRONG), "A test workout.")
    row = Quarantine.objects.get()
    assert (row.state, row.note) == (Quarantine.State.DISMISSED, "A test workout.")
    assert row.settled_at is not None
    assert Entry.objects.filter(action="quarantine.dismissed").count() == 1


def test_a_dismissed_complaint_that_comes_again_is_a_new_one(ana):
    quarantine.dismiss(keep(ana, WRONG), "Once.")
    keep(ana, WRONG)
    assert Quarantine.objects.filter(state=Quarantine.State.OPEN).count() == 1


def test_a_repair_at_the_source_is_read_without_a_long_wait(ana, api, settings):
    api.put(BEN, 1, ana.day(1), TotalTimePlanned="an hour")
    intake.record(ana.source, headers={}, body=b"")
    ana.make_due()
    reading.read_due("test")
    waits_for_a_person = ana.source.due_at
    intake.record(ana.source, headers={}, body=b"")
    assert ana.source.due_at < waits_for_a_person


def test_one_athletes_bad_answer_keeps_no_other_calendar_from_being_read(ana, api):
    join(ana, 1)
    api.put(BEN, 1, ana.day(1), TotalTimePlanned="an hour")
    api.put(BEN + 1, 2, ana.day(1))
    Source.objects.update(dirty_seq=1, due_at=clock.now() - timedelta(minutes=1))
    Source.objects.filter(pk=ana.source.pk).update(due_at=clock.now() - timedelta(minutes=2))
    pump.drain("worker", budget=30.0, duties=(pump.READ,))
    assert [str(BEN) in each.url for each in api.asked["workouts"]] == [True, False]
    assert Quarantine.objects.get().source == ana.source
    assert ana.versions() == []
    assert PlanVersion.objects.get().plan.athlete.source_id == BEN + 1
