"""The road of one change in words: change, webhook, version, deliveries, each with its time."""

from collections.abc import Iterator
from datetime import datetime

from insight.demo.story import Change
from sharing.models import Delivery, Hint, PlanVersion


def road(change: Change) -> str:
    """`change → webhook +0.1 s → version 2 +1.9 s → Club portal +2.3 s → …`"""
    stages = [f"{change.athlete.name}: {change.what}", *_stages(change)]
    return " → ".join(stages)


def _stages(change: Change) -> Iterator[str]:
    hint = (
        Hint.objects.filter(source__athlete=change.athlete, kind=Hint.Kind.WEBHOOK)
        .filter(received_at__gte=change.began)
        .order_by("received_at")
        .first()
    )
    if hint is not None:
        yield _at("webhook", hint.received_at, change)
    version = answer(change)
    if version is None:
        return
    yield _at(f"version {version.version}", version.published_at, change)
    for delivery in arrivals(version):
        if delivery.settled_at is not None:
            words = f"{delivery.lane.destination.name} {delivery.state}"
            yield _at(words, delivery.settled_at, change)


def answer(change: Change) -> PlanVersion | None:
    """The first version that was read after the change."""
    versions = PlanVersion.objects.filter(plan__athlete=change.athlete)
    return versions.filter(read_at__gte=change.at).order_by("version").first()


def arrivals(version: PlanVersion) -> list[Delivery]:
    rows = Delivery.objects.filter(version=version).select_related("lane__destination")
    return list(rows.order_by("settled_at"))


def _at(words: str, moment: datetime, change: Change) -> str:
    return f"{words} +{max(0.0, (moment - change.at).total_seconds()):.1f} s"
