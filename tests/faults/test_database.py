"""F16 to F18 and F47: a PostgreSQL that crashes, is cut off, is slow, or says nothing at all. F23:
one that has another time than those who ask it.

The processes reach it through a proxy; what is true is asked past it. One stage for all.
"""

import pytest

from tests.faults.servers import Proxy
from tests.faults.servers.processes import QUICK
from tests.faults.servers.stage import Stage
from tests.faults.servers.studio import INBOX
from tests.faults.servers.waiting import until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.in_one_lane,
    pytest.mark.xdist_group("database"),
]

BACK_WITHIN = 10.0  # seconds from the database's return to the first delivery
SETTLES_WITHIN = 40.0
SETTLES_SLOWLY = 120.0  # one thread reads and one delivers, sixty questions each
CRASHES = 3
CUTS = 4
SLOW = 0.4  # seconds for an answer, of the deadline's one and a half
STUCK_AT_MOST = 30.0  # seconds a thread may wait for somebody who says nothing


@pytest.fixture(scope="module")
def database(postgres):
    with Proxy("127.0.0.1", postgres.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def stage(template_on_postgres, postgres, database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("database")
    there = postgres.url(f"copy_{folder.name}".lower(), database.port)
    with Stage(folder, template_on_postgres, redis=False, database_url=there) as stage:
        stage.processes.web()
        stage.processes.pump()
        stage.processes.await_ready()
        yield stage


@pytest.fixture(autouse=True)
def nobody_fell(stage, database):
    yield
    database.heal()
    stage.settle(SETTLES_WITHIN)
    assert stage.processes.fallen() == []
    stage.assert_promises_kept()


def delivers(stage, seconds):
    """A change that is made now arrives."""
    seen = len(stage.effects())
    stage.change()
    until(lambda: len(stage.effects()) > seen, seconds=seconds, why=stage.state())


def test_F16_the_database_crashes_and_everything_goes_on_by_itself(stage, postgres):
    with stage.changing():
        for _ in range(CRASHES):
            postgres.restart_immediately()
            seen = len(stage.effects())
            until(lambda seen=seen: len(stage.effects()) > seen, seconds=BACK_WITHIN)
    stage.settle(SETTLES_WITHIN)
    stage.assert_log_verifies()


@pytest.mark.parametrize("delivered", [True, False], ids=["committed", "not committed"])
def test_F17_the_line_is_cut_during_a_commit(delivered, stage, database):
    """Nobody is told whether it happened: the rows say it, and nothing happens twice."""
    before = database.cuts
    with stage.changing():
        database.cut_on(b"COMMIT", times=CUTS, delivered=delivered)
        until(lambda: database.cuts >= before + CUTS, seconds=STUCK_AT_MOST)
    stage.settle(SETTLES_WITHIN)
    stage.assert_log_verifies()


def test_F18_a_slow_database_makes_everything_slower_and_nothing_wrong(stage, database):
    """Half a second for each packet, as much shorter as the lease is here."""
    database.delay(0.05)
    stage.change(2)
    stage.settle(SETTLES_SLOWLY)


def test_F47_a_database_that_says_nothing_any_more_holds_nobody_for_long(stage, database):
    """Packets vanish and nobody is told: who waits gives up, and connects again when it can."""
    before = given_up(stage)
    database.drop()
    stage.change(3)
    until(lambda: given_up(stage) > before, seconds=STUCK_AT_MOST, why="The pump is stuck.")
    database.heal()
    delivers(stage, BACK_WITHIN)
    until(lambda: beating(stage) >= int(QUICK["BATON_PUMP_THREADS"]), seconds=STUCK_AT_MOST)


def test_F23_pumps_whose_clocks_are_wrong_take_no_lease_from_anybody(stage):
    """Two minutes instead of an hour: the receiver refuses what was signed five minutes ago or
    later. Each call takes so long that another pump has time to take its lane away.
    """
    processes = stage.processes
    processes.pump_with_wrong_clock("pump-ahead", 120)
    processes.pump_with_wrong_clock("pump-behind", -120)
    processes.await_ready()
    before, delivered = attempts(stage), len(stage.effects())
    stage.sandbox.post(f"/control/inboxes/{INBOX}", {"answer": {"slow_headers": SLOW}})
    for _ in range(3):
        stage.change(6)
        stage.settle(SETTLES_WITHIN)
    stage.sandbox.post(f"/control/inboxes/{INBOX}", {"answer": {}})
    made = attempts(stage)[len(before) :]
    assert {outcome for _, _, outcome in made} == {"success"}
    assert len(made) == len(stage.effects()) - delivered
    by = {worker.rpartition(":")[2].partition(".")[0] for _, worker, _ in made}
    ours = {str(process.pid) for name, process in processes.by_name.items() if "pump" in name}
    assert by == ours, "Not every pump has delivered something."
    stage.assert_log_verifies()


def attempts(stage):
    return stage.ask("SELECT started_at, worker, outcome FROM sharing_attempt ORDER BY started_at")


def beating(stage):
    """How many threads of the pump have looked into the database lately."""
    return stage.ask(
        "SELECT count(*) FROM sharing_heartbeat "
        "WHERE beat_at > CURRENT_TIMESTAMP - INTERVAL '5 seconds'"
    )[0][0]


def given_up(stage):
    """How often the pump has stopped waiting for an answer."""
    return stage.processes["pump"].said().count("did not answer")
