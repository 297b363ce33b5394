"""The rows of the engine: what came in, what it became, where it goes, what is known there."""

from sharing.models.clockwork import Heartbeat, Limiter, PeriodicJob
from sharing.models.inbox import Hint, Quarantine, Source, Subscription
from sharing.models.lane import Attempt, Delivery, Feed, Lane, RemoteRecord, Step
from sharing.models.plan import Acknowledgement, Plan, PlanVersion
from sharing.models.route import Route

__all__ = [
    "Acknowledgement",
    "Attempt",
    "Delivery",
    "Feed",
    "Heartbeat",
    "Hint",
    "Lane",
    "Limiter",
    "PeriodicJob",
    "Plan",
    "PlanVersion",
    "Quarantine",
    "RemoteRecord",
    "Route",
    "Source",
    "Step",
    "Subscription",
]
