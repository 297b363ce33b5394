"""What is measured once the storm is over, each on its own: absence, silence, hanging, a flood.

Each leaves lines in the history that name its phase; `figures` makes seconds of them.
"""

import http.client
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from urllib.parse import urlsplit

from tests.faults.harness.settling import await_polls, settle
from tests.faults.harness.stage import Stage
from tests.faults.harness.stranger import NO_ANSWER, Door, doors
from tests.faults.harness.workload import Coach

TOUCHES = 30
APART = 0.4  # seconds between two edits
CROWD = 0.1  # of the athletes of a destination, touched at the same time
ABSENT = 10.0  # seconds that the broker is away before anybody edits
FLOOD, SECONDS, POSTERS = 2_000, 10.0, 24
PATIENCE = 180.0  # seconds for the longest of them
NOTED = 0.25  # seconds between two looks
AGREED = """SELECT a.source_id AS number FROM accounts_consenthead h
    JOIN accounts_consentdecision d ON d.id = h.latest_id
    JOIN accounts_athlete a ON a.id = h.athlete_id
    WHERE d.decision = 'granted' AND h.destination_id = '{}'"""


def measure(stage: Stage, coach: Coach) -> None:
    """All of them, one after the other, with calm between them."""
    for phase in PHASES:
        with _phase(stage, phase.__name__):
            phase(stage, coach)
        settle(stage)


@contextmanager
def _phase(stage: Stage, name: str) -> Iterator[None]:
    """A phase that takes longer than anybody waits has no figure, and the others have theirs."""
    stage.note("phase_begun", phase=name)
    try:
        yield
    except TimeoutError as late:
        stage.note("phase_too_long", phase=name, words=str(late))
    stage.note("phase_over", phase=name)


def measure_calm(stage: Stage, coach: Coach) -> None:
    touch(stage, coach, _athletes(stage, "keyed")[:TOUCHES], "calm")


def touch(stage: Stage, coach: Coach, athletes: list[int], phase: str) -> None:
    """Single edits, one after the other: how soon is a change there?"""
    for athlete in athletes:
        title = coach.touch(athlete)
        stage.note("touched", phase=phase, athlete=athlete, title=title)
        time.sleep(APART)


def dying_workers(stage: Stage, coach: Coach) -> None:
    """Workers die with the answer in their hands, one lane each."""
    worker = stage.workers[0]
    worker.arm("P16:1")
    touch(stage, coach, _athletes(stage, "keyed")[:TOUCHES], "dying_workers")
    settle(stage)
    worker.disarm().await_ready()


def without_a_broker(stage: Stage, coach: Coach) -> None:
    stage.redis.kill()
    time.sleep(ABSENT)
    touch(stage, coach, _athletes(stage, "keyed")[:TOUCHES], "without_a_broker")
    settle(stage)
    stage.redis.start()
    stage.note("broker_back")
    _touch_until_woken(stage, coach)


def _touch_until_woken(stage: Stage, coach: Coach) -> None:
    """Edits go on until a worker takes one up because the broker told it."""
    before, athletes = _woken(stage), cycle(_athletes(stage, "keyed"))
    deadline = time.monotonic() + PATIENCE
    while _woken(stage) == before and time.monotonic() < deadline:
        touch(stage, coach, [next(athletes)], "broker_is_back")


def _woken(stage: Stage) -> int:
    sql = "SELECT count(*) AS n FROM sharing_attempt WHERE worker LIKE '%.task'"
    return int(stage.database.value(sql))


def without_webhooks(stage: Stage, coach: Coach) -> None:
    """Nothing is announced any more: the next poll finds it."""
    stage.sandbox.switch(drop_webhooks_percent=100)
    touch(stage, coach, _athletes(stage, "keyed")[:TOUCHES], "without_webhooks")
    await_polls(stage)
    stage.sandbox.switch(drop_webhooks_percent=0)


def beside_a_crowd(stage: Stage, coach: Coach) -> None:
    """What the next phase is compared with: the same edits, and nothing hangs."""
    _touch_beside_a_crowd(stage, coach, "beside_a_crowd")


def beside_one_that_hangs(stage: Stage, coach: Coach) -> None:
    """Everything of one destination hangs, while the others go on."""
    stage.weather(hang=["upsert"])
    _touch_beside_a_crowd(stage, coach, "beside_one_that_hangs")
    stage.weather(hang=[])


def _touch_beside_a_crowd(stage: Stage, coach: Coach, phase: str) -> None:
    """A tenth of one destination's athletes at once, then single athletes of another one."""
    crowd = _athletes(stage, "upsert")
    for athlete in crowd[: int(len(crowd) * CROWD)]:
        coach.touch(athlete)
    elsewhere = [number for number in _athletes(stage, "keyed") if number not in set(crowd)]
    touch(stage, coach, elsewhere[:TOUCHES], phase)


def after_an_outage(stage: Stage, coach: Coach) -> None:
    """A lane for each athlete waits behind a destination that is down, until it is left alone; then
    it is back.
    """
    (crowded,) = (one for one in stage.cast["destinations"] if one["name"] == "crowded")
    stage.weather(down={"crowded": 503})
    stage.people.do("open_route", destination=crowded["id"])
    try:
        _await(lambda: _waiting(stage, crowded["id"]) >= len(stage.staying(crowded["athletes"])))
        _await(lambda: _left_alone(stage, crowded["id"]))
    finally:
        stage.weather(down={})
    stage.note("back", waiting=_waiting(stage, crowded["id"]))
    _await(lambda: not _waiting(stage, crowded["id"]))
    stage.note("drained")


def flood(stage: Stage, coach: Coach) -> None:
    """Two hundred webhooks a second, and every one that was thanked for is kept."""
    posts = doors(stage)
    begun = time.monotonic()

    def post(number: int) -> None:
        due = begun + number * SECONDS / FLOOD
        time.sleep(max(0.0, due - time.monotonic()))
        door = posts[number % len(posts)]
        sent = time.monotonic()
        status = _posted(door)
        stage.note(
            "repeated", phase="flood", athlete=door.athlete, status=status,
            seconds=time.monotonic() - sent,
        )  # fmt: skip

    with ThreadPoolExecutor(POSTERS) as crowd:
        list(crowd.map(post, range(FLOOD)))


def _posted(door: Door) -> int:
    there = urlsplit(door.url)
    connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=10)
    try:
        connection.request("POST", there.path, door.body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return NO_ANSWER
    finally:
        connection.close()


def _athletes(stage: Stage, name: str) -> list[int]:
    """Those whose edits arrive there: the others have withdrawn, or are gone."""
    (found,) = (one for one in stage.cast["destinations"] if one["name"] == name)
    identity = stage.database.identity(found["id"])
    agreed = {row["number"] for row in stage.database.rows(AGREED.format(identity))}
    return [number for number in stage.staying(found["athletes"]) if number in agreed]


def _waiting(stage: Stage, destination: str) -> int:
    sql = f"""SELECT count(*) AS n FROM sharing_delivery d JOIN sharing_lane l ON l.id = d.lane_id
        WHERE d.state = 'waiting' AND l.destination_id = '{stage.database.identity(destination)}'"""  # noqa: S608 - an identity of our own
    return int(stage.database.value(sql))


def _left_alone(stage: Stage, destination: str) -> bool:
    """Whether its breaker is open."""
    sql = f"""SELECT count(*) AS n FROM destinations_destination
        WHERE breaker_state = 'open' AND id = '{stage.database.identity(destination)}'"""  # noqa: S608 - an identity of our own
    return bool(stage.database.value(sql))


def _await(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not until():
        if time.monotonic() > deadline:
            raise TimeoutError("It took longer than anybody waits.")
        time.sleep(NOTED)


PHASES = (
    dying_workers,
    without_a_broker,
    without_webhooks,
    beside_a_crowd,
    beside_one_that_hangs,
    after_an_outage,
    flood,
)
