"""Waiting until the product owes nothing to anybody, by asking its database.

What waits for a person to look first is not waited for: an unknown outcome, and an erasure whose
removal was given up.
"""

import time

from tests.faults.harness.stage import Stage

UNSETTLED = """SELECT
    (SELECT count(*) FROM sharing_source WHERE state <> 'suspended' AND dirty_seq > clean_seq) +
    (SELECT count(*) FROM sharing_attempt WHERE settled_at IS NULL) +
    (SELECT count(*) FROM accounts_erasure e WHERE e.state <> 'done' AND NOT EXISTS (
        SELECT 1 FROM sharing_lane l JOIN sharing_plan p ON p.id = l.plan_id
        WHERE p.athlete_id = e.athlete_id AND l.state IN ('dead', 'unknown'))) +
    (SELECT count(*) FROM sharing_delivery d JOIN sharing_lane l ON l.id = d.lane_id
        WHERE d.state = 'waiting' AND l.state <> 'unknown') AS n"""
OLDEST_POLL = "SELECT min(polled_at) AS oldest_at FROM sharing_source WHERE state = 'active'"
LOOK_EVERY = 0.5  # seconds
LONGEST = 3.0  # seconds in which a webhook that is under way arrives


def settle(stage: Stage) -> bool:
    """Wait for as long as the profile has patience; whether nothing is owed any more."""
    deadline = time.monotonic() + stage.profile.patience
    time.sleep(min(LONGEST, stage.profile.poll_every / 4))
    while time.monotonic() < deadline:
        stage.reconnect()
        if not stage.database.value(UNSETTLED):
            return True
        time.sleep(LOOK_EVERY)
    return False


def await_polls(stage: Stage) -> bool:
    """What no webhook told is found by polling: give every source its turn, then settle."""
    if stage.profile.polls:
        since = time.time()
        deadline = time.monotonic() + 3 * stage.profile.poll_every + 30
        while time.monotonic() < deadline and (stage.database.value(OLDEST_POLL) or 0) < since:
            stage.reconnect()
            time.sleep(LOOK_EVERY)
    return settle(stage)
