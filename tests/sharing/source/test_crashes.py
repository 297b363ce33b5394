"""Killed at every named point from event to version: nothing is lost, nothing done twice."""

import pytest

from sharing import clock, intake
from sharing.models import Delivery, Hint, Source
from tests.faults.servers.forks import Fork, database_url
from tests.sharing.source.studio import BEN

pytestmark = [pytest.mark.usefixtures("transactional_db"), pytest.mark.processes]


@pytest.fixture
def run(tmp_path):
    """`run("intake", …, at="P01")` is another process at work."""
    started = []

    def begin(what, *arguments, at):
        what = f"tests.sharing.source.crashing:{what}"
        log = tmp_path / "other.log"
        started.append(Fork(what, *arguments, database=database_url(), log=log, at=at))
        return started[-1]

    yield begin
    for process in started:
        process.kill()


@pytest.mark.parametrize(("point", "kept"), [("P01", 0), ("P02", 1), ("P03", 1)])
def test_p01_p02_p03_a_hint_is_there_once_it_is_committed_and_not_before(ana, run, point, kept):
    run("intake", at=point).await_death()
    assert Hint.objects.count() == kept
    assert Source.objects.get().dirty_seq == kept


@pytest.mark.parametrize(("point", "versions"), [("P04", 0), ("P05", 0), ("P06", 0), ("P07", 1)])
def test_p04_p05_p06_p07_a_reading_that_dies_is_done_again_as_one_version(
    ana, api, run, point, versions
):
    api.put(BEN, 1, ana.day(1))
    intake.record(ana.source, headers={}, body=b"")
    ana.make_due()
    run("read", (BEN, 1, ana.day(1)), at=point).await_death()
    assert len(ana.versions()) == versions
    if versions == 0:
        assert ana.source.lease_until > clock.now()  # it comes due again by itself
    ana.read()
    assert len(ana.versions()) == 1
    assert Delivery.objects.count() == 1
    assert ana.source.clean_seq == ana.source.dirty_seq


def test_an_unarmed_point_does_nothing(ana, run):
    intake.record(ana.source, headers={}, body=b"")
    ana.make_due()
    run("read", at="P99").await_end()
