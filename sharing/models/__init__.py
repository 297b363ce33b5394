"""The rows of the engine: what came in, what it became, where it goes, what is known there."""

from sharing.models.bulk import BulkAction, BulkItem, Remark
from sharing.models.clockwork import Hearing, Heartbeat, Installation, Limiter, PeriodicJob
from sharing.models.drift import Drift, DriftCheck
from sharing.models.inbox import Hint, Quarantine, QuarantineRemark, Source, Subscription
from sharing.models.lane import Attempt, Delivery, Feed, Lane, RemoteRecord, Step
from sharing.models.latency import Latency
from sharing.models.plan import Acknowledgement, Plan, PlanVersion
from sharing.models.route import Route
from sharing.models.stop import Stop
from sharing.models.volume import HourlyVolume

__all__ = [
    "Acknowledgement",
    "Attempt",
    "BulkAction",
    "BulkItem",
    "Delivery",
    "Drift",
    "DriftCheck",
    "Feed",
    "Hearing",
    "Heartbeat",
    "Hint",
    "HourlyVolume",
    "Installation",
    "Lane",
    "Latency",
    "Limiter",
    "PeriodicJob",
    "Plan",
    "PlanVersion",
    "Quarantine",
    "QuarantineRemark",
    "Remark",
    "RemoteRecord",
    "Route",
    "Source",
    "Step",
    "Stop",
    "Subscription",
]
