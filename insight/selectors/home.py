"""The home page's questions: what needs a person, what happened today, what is still to set up."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q
from django.urls import reverse
from django.utils import timezone

from accounts import roles
from accounts.models import Athlete, Connection, ConsentHead, User
from destinations.errors import CATALOGUE
from destinations.models import Destination
from sharing import reasons
from sharing.ledger import Ledger
from sharing.models import Delivery, Lane, PlanVersion, Quarantine, Route
from sharing.selectors import drift
from sharing.selectors.deliveries import newest_of_each_lane
from sharing.selectors.trouble import of_connection

DISCONNECTED = "Nothing new is read until it is connected again. Nothing is lost meanwhile."
FEW = 3  # needs of one kind that have a line each
RECENT = 8
SAMPLE = 500
TOLD_FOR = timedelta(days=3)  # how long the page says that an athlete's change was kept
CONNECTIONS = (
    "failing", "TrainingPeaks connections are not well",
    "Each says on its page what to do. Nothing is lost meanwhile.",
)  # fmt: skip
PAUSED = "paused", "destinations were paused", "Each says on its page why, and what to do."
FAILING = "failing", "destinations fail", "Calls wait and go on by themselves."
STUCK = {
    Delivery.State.UNKNOWN: (
        ("unknown", "deliveries wait for an answer", "Say of each whether it is there."),
        "deliveries",
    ),
    Delivery.State.DEAD: (
        ("dead", "deliveries were given up", "By cause, with what to do, and all of them at once."),
        "dead_letters",
    ),
}
DRIFT = (
    "open", "destinations show something else than the plan",
    "Put it back, or keep it as it is there.",
)  # fmt: skip
CONSENTS = "missing", "routes wait for athletes who have not been asked yet", "Ask for their yes."
ORDER = ("delivered", "superseded", "blocked", "waiting", "unknown", "dead")


@dataclass(frozen=True)
class Need:
    """What waits for a person: what, why, and the page where it is done."""

    state: str
    title: str
    words: str
    url: str
    word: str = ""
    count: int = 1  # how many of a kind stand in this line


@dataclass(frozen=True)
class Figure:
    state: str
    count: int


@dataclass(frozen=True)
class Today:
    versions: int
    deliveries: list[Figure]
    median: timedelta | None  # from the first sign of a change to delivered


@dataclass
class SetupStep:
    title: str
    words: str
    action: str
    url: str
    done: bool
    next: bool = False


@dataclass(frozen=True)
class Checklist:
    steps: list[SetupStep]

    @property
    def done(self) -> int:
        return sum(step.done for step in self.steps)

    @property
    def left(self) -> int:
        return len(self.steps) - self.done

    @property
    def open(self) -> bool:
        return self.left > 0


def places(shown: Ledger) -> list[Figure]:
    """Where every accepted promise stands, in the order of the conservation line."""
    return [Figure(state, shown.ended.get(state, 0)) for state in ORDER]


def needs(user: User) -> list[Need]:
    """Kind by kind, the most urgent first. Many of one kind are one line, so they hide no other."""
    found = [
        *_few(_connections(user), CONNECTIONS, "connections"),
        *_few(_paused(user), PAUSED, "destinations"),
        *_few(_failing(user), FAILING, "destinations"),
    ]
    if roles.may(user, "view_athlete"):
        found += [
            *_stuck(user, Delivery.State.UNKNOWN), *_stuck(user, Delivery.State.DEAD),
            *_few(_drift(user), DRIFT, "drift"), *_kept(user), *_quarantine(user),
            *_few(_consents(user), CONSENTS, "roster"),
        ]  # fmt: skip
    return found


def _few(each: Iterable[Need], many: tuple[str, str, str], page: str) -> list[Need]:
    """Each by itself; more than a few together, with the page that has them all."""
    found = list(each)
    return found if len(found) <= FEW else [_together(len(found), many, reverse(page))]


def _together(count: int, many: tuple[str, str, str], url: str) -> Need:
    state, title, words = many
    return Need(state, f"{count} {title}", words, url, count=count)


def _connections(user: User) -> Iterator[Need]:
    wrong = Connection.objects.for_user(user).exclude(state=Connection.State.HEALTHY)
    for connection in wrong:
        found = of_connection(connection)
        words = f"{found.kind.coach_words} {found.kind.action}" if found else DISCONNECTED
        yield Need(connection.state, str(connection), words, reverse("connections"))


def _paused(user: User) -> Iterator[Need]:
    shown = Destination.objects.for_user(user)
    stopped = shown.filter(state=Destination.State.PAUSED).exclude(paused_reason="")
    for destination in stopped:
        error = CATALOGUE.get(destination.paused_reason)
        words = f"{error.coach_words} {error.action}" if error else destination.paused_reason
        yield Need("paused", destination.name, words, reverse("destination", args=[destination.pk]))


def _failing(user: User) -> Iterator[Need]:
    shown = Destination.objects.for_user(user)
    for destination in shown.filter(breaker_state=Destination.Breaker.OPEN):
        yield Need(
            "failing", destination.name, url=reverse("destination", args=[destination.pk]),
            words="It has failed several times; calls wait and go on by themselves.",
        )  # fmt: skip


def _stuck(user: User, state: Delivery.State) -> Iterator[Need]:
    """Dead or unknown deliveries that no newer promise of their lane has replaced. One that only
    waits behind an unanswered question replaces nothing.
    """
    asked = Q(lane__state=Lane.State.UNKNOWN, revision__gt=F("lane__settled"))
    newer = Delivery.objects.filter(lane=OuterRef("lane"), revision__gt=OuterRef("revision"))
    stuck = (
        Delivery.objects.for_user(user)
        .filter(~Exists(newer) | asked, state=state)
        .select_related("version", "lane__plan__athlete", "lane__destination")
        .order_by("-accepted_at")
    )
    count = stuck.count()
    if count > FEW:
        many, page = STUCK[state]
        yield _together(count, many, f"{reverse(page)}?state={state.value}")
        return
    for delivery in stuck:
        lane, reason = delivery.lane, reasons.of(delivery)
        version = f"version {delivery.version.version}"
        title = f"{lane.plan.athlete.name}, {version} to {lane.destination.name}"
        words = f"{reason.coach_words} {reason.action}".strip()
        yield Need(delivery.state, title, words, reverse("delivery", args=[delivery.pk]))


def _drift(user: User) -> Iterator[Need]:
    """What a destination shows otherwise."""
    for destination, count in drift.waiting(user):
        yield Need(
            "open", f"{count} difference{'' if count == 1 else 's'} at {destination.name}",
            "It shows something else than the plan: put it back, or keep it as it is there.",
            f"{reverse('drift')}?destination={destination.pk}",
        )  # fmt: skip


def _kept(user: User) -> Iterator[Need]:
    """Athletes' changes that a route kept by itself."""
    count = drift.kept_lately(user, timezone.now() - TOLD_FOR).count()
    if count:
        changes = "change of an athlete was" if count == 1 else "changes of athletes were"
        yield Need(
            "kept", f"{count} {changes} kept at their destination",
            "They changed it there, and their route keeps it until you change the same field.",
            f"{reverse('drift')}?show=kept",
        )  # fmt: skip


def _quarantine(user: User) -> Iterator[Need]:
    count = Quarantine.objects.for_user(user).filter(state=Quarantine.State.OPEN).count()
    if count:
        yield Need(
            "open", f"{count} answer{'' if count == 1 else 's'} of TrainingPeaks in quarantine",
            "Each broke its contract; nothing of it was sent.", reverse("quarantine"), "Quarantine",
        )  # fmt: skip


def _consents(user: User) -> Iterator[Need]:
    """Athletes whom a route would serve, if somebody asked them."""
    athletes = Athlete.objects.for_user(user).filter(state=Athlete.State.ACTIVE)
    routes = Route.objects.for_user(user).filter(state=Route.State.ACTIVE)
    for route in routes.select_related("destination"):
        covered = athletes.filter(organisation=route.organisation_id)
        if route.audience == Route.Audience.CHOSEN:
            covered = covered.filter(routes=route)
        asked = ConsentHead.objects.filter(
            athlete=OuterRef("pk"), destination_id=route.destination_id
        )
        count = covered.filter(~Exists(asked)).count()
        if count:
            verb = " has" if count == 1 else "s have"
            yield Need(
                "missing", f"{count} athlete{verb} not been asked yet",
                f"{route.destination.name} waits for their yes.", reverse("roster"),
            )  # fmt: skip


def today(user: User, now: datetime | None = None) -> Today:
    since = (now or timezone.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    deliveries = Delivery.objects.for_user(user).filter(accepted_at__gte=since)
    counted = dict(deliveries.values_list("state").annotate(Count("pk")).order_by())
    return Today(
        versions=PlanVersion.objects.for_user(user).filter(published_at__gte=since).count(),
        deliveries=[Figure(state, counted.get(state, 0)) for state in ORDER],
        median=_median(user, since),
    )


def _median(user: User, since: datetime) -> timedelta | None:
    pairs = (
        Delivery.objects.for_user(user)
        .filter(state=Delivery.State.DELIVERED, accepted_at__gte=since)
        .filter(version__first_hint_at__isnull=False)
        .order_by("-settled_at")
        .values_list("version__first_hint_at", "settled_at")[:SAMPLE]
    )
    took = [(after - before).total_seconds() for before, after in pairs if before and after]
    return timedelta(seconds=median(took)) if took else None


def recent(user: User) -> list[PlanVersion]:
    return list(
        PlanVersion.objects.for_user(user)
        .select_related("plan__athlete")
        .prefetch_related(Prefetch("deliveries", newest_of_each_lane()))
        .order_by("-published_at")[:RECENT]
    )


def checklist(user: User) -> Checklist:
    """From nothing to the first delivery; the first step that is not done is the next."""
    steps = [
        SetupStep(
            "Connect TrainingPeaks", "Baton reads the plans you write and never changes them.",
            "Connect", reverse("connections"), Connection.objects.for_user(user).exists(),
        ),
        SetupStep(
            "Add a destination", "A calendar, a training platform or a workflow tool.",
            "Add a destination", reverse("destination_kinds"),
            Destination.objects.for_user(user).exists(),
        ),
        SetupStep(
            "Open a route", "Whose plans go where, which fields leave and why, and how soon.",
            "Open a route", reverse("routes"), Route.objects.for_user(user).exists(),
        ),
        SetupStep(
            "Ask for consent", "No decision means no: send athletes their link, or record it.",
            "Open the roster", reverse("roster"), _consented(user),
        ),
        SetupStep(
            "See the first delivery", "Change a plan in TrainingPeaks and watch it arrive.",
            "Watch", reverse("deliveries"),
            Delivery.objects.for_user(user).filter(state=Delivery.State.DELIVERED).exists(),
        ),
    ]  # fmt: skip
    for step in steps:
        if not step.done:
            step.next = True
            break
    return Checklist(steps)


def _consented(user: User) -> bool:
    granted = ConsentHead.objects.filter(athlete__in=Athlete.objects.for_user(user))
    return granted.filter(latest__decision="granted").exists()
