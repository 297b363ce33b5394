"""The parts Baton runs on, and whether each is doing its work."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import Connection, User
from destinations import selectors as destinations
from destinations.models import Destination
from sharing import claims, clock, hearing
from sharing.models import Heartbeat, Source
from sharing.selectors.trouble import of_connection

LATE = timedelta(minutes=2)


@dataclass(frozen=True)
class Part:
    state: str
    name: str
    words: str
    at: datetime | None = None
    word: str = ""
    since: datetime | None = None  # it has been so


def at_work(now: datetime | None = None) -> bool:
    """Whether a pump was seen lately: without one nobody looks for trouble."""
    return Heartbeat.objects.filter(
        beat_at__gte=(now or clock.now()) - settings.BATON_ALERT_PUMP
    ).exists()


def parts(user: User, now: datetime | None = None) -> list[Part]:
    moment = now or timezone.now()
    ours = [_workers(moment), _calls(moment), _readings(user, moment), _lanes(moment)]
    return [*ours, *_edges(user)]


def _workers(now: datetime) -> Part:
    newest = Heartbeat.objects.order_by("-beat_at").first()
    alive = Heartbeat.objects.filter(beat_at__gte=now - settings.BATON_ALERT_PUMP).count()
    if newest and alive:
        words = f"{alive} pump{'' if alive == 1 else 's'} at work."
        return Part("well", "Workers", words, newest.beat_at)
    return Part(
        "failing", "Workers",
        "No pump has beaten lately: no calendar is read, and only the broker wakes workers.",
        newest.beat_at if newest else None, "Not running",
    )  # fmt: skip


def _calls(now: datetime) -> Part:
    """Workers are woken by the broker; without it the pumps find everything by themselves."""
    row = hearing.listening(now)
    if row is None:
        words = "No worker takes any: the pumps look by themselves, about once a second."
        return Part("off", "Wake-up calls", words, word="Not used")
    if hearing.is_silent(row, now):
        words = "The broker is down, full or not heard. The pumps go on, and nothing is lost."
        said = "Not arriving"
        return Part("unsteady", "Wake-up calls", words, row.heard_at, said, row.asked_at)
    if row.since is None:
        return Part("untested", "Wake-up calls", "The first one is under way.")
    words = "The broker takes them and workers hear them."
    return Part("well", "Wake-up calls", words, row.heard_at, since=row.since)


def _readings(user: User, now: datetime) -> Part:
    sources = Source.objects.for_user(user)
    late = sources.filter(
        state=Source.State.ACTIVE, due_at__lt=now - LATE, dirty_since__isnull=False
    )
    newest = sources.exclude(read_at=None).order_by("-read_at").first()
    at = newest.read_at if newest else None
    if late.exists():
        return Part(
            "unsteady",
            "Reading calendars",
            f"{late.count()} changed calendars wait to be read.",
            at,
        )
    return Part("well", "Reading calendars", "Every change that was announced has been read.", at)


def _lanes(now: datetime) -> Part:
    """What is held by a person, or behind an open breaker, is not late."""
    due = claims.due_lanes(now - settings.BATON_ALERT_LATE)
    late = due.filter(destination__breaker_state=Destination.Breaker.CLOSED).count()
    if late:
        plans = "1 plan is" if late == 1 else f"{late} plans are"
        return Part("unsteady", "Sending", f"{plans} due and not yet taken by a worker.")
    return Part("well", "Sending", "Nothing that is due is waiting.")


def _edges(user: User) -> Iterator[Part]:
    for connection in Connection.objects.for_user(user):
        state = connection.state if connection.state != Connection.State.HEALTHY else "well"
        found = of_connection(connection)
        words = found.kind.coach_words if found else f"{connection.get_state_display()}."
        yield Part(state, str(connection), words, connection.last_ok_at)
    for destination in destinations.destinations_of(user).order_by("name"):
        health = destinations.health(destination)
        yield Part(health.word, destination.name, health.sentence, destination.last_ok_at)
