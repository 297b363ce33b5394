"""The conservation equation: of everything that was accepted, where it ended, place by place."""

from dataclasses import dataclass
from uuid import UUID

from accounts import roles
from accounts.models import Organisation, User
from destinations.models import Destination
from insight.selectors.home import ORDER
from sharing.ledger import Ledger, by_destination, lanes_with_a_gap, total, without_a_place
from sharing.models import Lane

MOST_NAMED = 50


@dataclass(frozen=True)
class Place:
    """One destination's share of the equation."""

    destination: Destination
    ledger: Ledger
    counts: list[tuple[str, int]]  # in the order of the equation


@dataclass(frozen=True)
class Gap:
    lane: Lane
    promises: list[int]  # by revision: the first few that do not add up


@dataclass(frozen=True)
class Conservation:
    whole: Ledger
    places: list[Place]
    gaps: list[Gap]  # where promises have no place; only those the reader may see
    hidden: int  # how many more lanes there are

    @property
    def balanced(self) -> bool:
        """Lane by lane: too many in one do not make up for too few in another."""
        return self.whole.balanced and not self.gaps and not self.hidden


def conservation(user: User) -> Conservation:
    """For the person's organisations."""
    own = list(Organisation.objects.for_user(user))
    ledgers = {key: each for one in own for key, each in by_destination(one.pk).items()}
    rows = Destination.objects.for_user(user).filter(pk__in=ledgers).order_by("name")
    wrong = [lane for one in own for lane in lanes_with_a_gap(one.pk)]
    seen = _named(user, wrong)
    return Conservation(
        total(ledgers.values()),
        [_place(each, ledgers[each.pk]) for each in rows],
        seen,
        len(wrong) - len(seen),
    )


def _place(destination: Destination, ledger: Ledger) -> Place:
    return Place(destination, ledger, [(state, ledger.ended[state]) for state in ORDER])


def _named(user: User, wrong: list[UUID]) -> list[Gap]:
    if not wrong or not roles.may(user, "view_athlete"):
        return []
    rows = Lane.objects.for_user(user).filter(pk__in=wrong[:MOST_NAMED])
    odd = without_a_place(wrong[:MOST_NAMED])
    lanes = rows.select_related("plan__athlete", "destination", "route").order_by("pk")
    return [Gap(lane, odd.get(lane.pk, [])) for lane in lanes]
