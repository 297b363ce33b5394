"""Every regular job has its place in the clockwork, and comes round often enough."""

from datetime import timedelta

from sharing import departures, periodic

SECONDS, MINUTES, HOURS = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

AT_LEAST_EVERY = {
    "poll-sources": 30 * SECONDS,
    "begin-new-connections": 10 * SECONDS,
    "resume-sources": 30 * SECONDS,
    "reconcile-subscriptions": 5 * MINUTES,
    departures.JOB: 1 * HOURS,
    "roll-windows": 10 * MINUTES,
    "revive-lanes": 10 * SECONDS,
    "finish-erasures": 10 * SECONDS,
    "ask-for-drift-checks": 10 * MINUTES,
    "check-drift": 5 * SECONDS,
    "repair-drift": 5 * SECONDS,
    "carry-out-bulk-actions": 5 * SECONDS,
    "end-old-bulk-actions": 5 * MINUTES,
    "watch-guardrails": 15 * SECONDS,
    "forget-latencies": 24 * HOURS,
    "forget-hints": 24 * HOURS,
    "watchdogs": 15 * SECONDS,
    "watch-the-ledger": 1 * MINUTES,
    "mail-alerts": 15 * SECONDS,
}


def test_each_job_of_this_list_is_registered_and_no_other():
    assert periodic.names() == set(AT_LEAST_EVERY)


def test_each_job_comes_round_as_often_as_is_needed():
    late = {
        job.name: job.every()
        for job in periodic._jobs.values()
        if job.every() > AT_LEAST_EVERY[job.name]
    }
    assert late == {}
