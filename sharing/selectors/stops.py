"""Stops as the pages show them: which touch the reader, what waits behind each, who may lift it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts import roles
from accounts.models import Athlete, Membership, User
from accounts.rights import roles_with
from sharing.models import Delivery, Stop
from sharing.models.stop import EVERYTHING
from sharing.stops import covering, scopes
from sharing.stops.scopes import Target

ROW = ("organisation", "destination", "route", "cohort", "athlete", "stopped_by", "lifted_by")
HOW = {
    Stop.Mode.PAUSE: "Paused",
    Stop.Mode.DRAIN: "Draining",
    Stop.Mode.KILL: "Kill switch on",
}
PAGES = {scope: scope for scope in ("destination", "route", "cohort", "athlete")}
OPERATOR = "whoever runs this installation"
SEE_ATHLETES = roles_with("view_athlete")


@dataclass(frozen=True)
class Shown:
    """One stop for one reader."""

    stop: Stop
    waiting: int
    may_lift: bool
    may_roll_back: bool = False

    @property
    def how(self) -> str:
        return HOW[Stop.Mode(self.stop.mode)]

    @property
    def name(self) -> str:
        return name_of(self.stop)

    @property
    def way_back(self) -> str:
        """Where what a guardrail paused is rolled back."""
        if not self.stop.guardrail or not self.may_roll_back:
            return ""
        return reverse(
            "roll_back", args=[self.stop.scope, getattr(self.stop, f"{self.stop.scope}_id")]
        )

    @property
    def url(self) -> str:
        """The page of what is stopped, where it has one."""
        page = PAGES.get(self.stop.scope)
        return reverse(page, args=[getattr(self.stop, f"{page}_id")]) if page else ""

    @property
    def who(self) -> str:
        return person_of(self.stop, self.stop.stopped_by)

    @property
    def who_lifted(self) -> str:
        return person_of(self.stop, self.stop.lifted_by)


def name_of(stop: Stop) -> str:
    return "Everything" if stop.scope == EVERYTHING else str(scopes.target_of(stop))


def person_of(stop: Stop, person: User | None) -> str:
    """Who it was; the installation's own people are not named in its studios."""
    if stop.scope == EVERYTHING:
        return OPERATOR
    return str(person) if person else "Baton"


def visible(user: User) -> QuerySet[Stop]:
    """The stops that touch this person: of everything, of their organisations, of their athletes.

    Whoever answers for destinations only is told nothing of athletes and cohorts.
    """
    held = Membership.objects.filter(user=user, user__is_active=True)
    people = held.filter(role__in=SEE_ATHLETES).values("organisation")
    nobodys = Q(athlete=None, cohort=None)
    seen = Q(organisation__in=held.values("organisation")) & (
        nobodys
        | Q(organisation__in=people, athlete=None)
        | Q(organisation__in=people, athlete__in=Athlete.objects.for_user(user))
    )
    return Stop.objects.filter(Q(organisation=None) | seen).select_related(*ROW)


def in_force(user: User) -> QuerySet[Stop]:
    return visible(user).filter(lifted_at=None).order_by("-stopped_at", "pk")


def lifted(user: User) -> QuerySet[Stop]:
    return visible(user).exclude(lifted_at=None).order_by("-lifted_at", "pk")


def on(target: Target) -> Stop | None:
    """The stop in force of exactly this."""
    exactly = covering.in_force().filter(**scopes.columns(target))
    return exactly.select_related(*ROW).order_by("-stopped_at").first()


def holding(delivery: Delivery, user: User) -> list[Shown]:
    found = covering.holding(delivery).select_related(*ROW).order_by("stopped_at")
    return [Shown(stop, 0, _may_lift(user, stop)) for stop in found]


def holds_back(athlete: Athlete) -> bool:
    """Whether anything for this athlete waits behind a stop."""
    theirs = Delivery.objects.filter(
        covering.held_deliveries(), lane__plan__athlete=athlete, state=Delivery.State.WAITING
    )
    return theirs.exists()


def shown(stops: Iterable[Stop], user: User) -> list[Shown]:
    """Each with how much of what the reader may see waits behind it."""
    return [
        Shown(stop, waiting_behind(stop, user), _may_lift(user, stop), _may_roll_back(user, stop))
        for stop in stops
    ]


def waiting_behind(stop: Stop, user: User) -> int:
    if stop.lifted_at is not None:
        return 0
    behind = covering.behind(stop)
    if not user.is_staff:
        behind = behind.filter(lane__route__organisation__memberships__user=user)
    return behind.count()


def _may_lift(user: User, stop: Stop) -> bool:
    return stop.lifted_at is None and scopes.may(user, scopes.target_of(stop))


def _may_roll_back(user: User, stop: Stop) -> bool:
    target = scopes.target_of(stop)
    return target is not None and _may_lift(user, stop) and roles.may(user, "roll_back", target)
