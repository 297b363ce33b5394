"""The conservation equation: of everything that was accepted, where it ended, place by place."""

from dataclasses import dataclass

from accounts.models import User
from destinations.models import Destination
from insight.selectors.home import ORDER
from sharing.ledger import Ledger
from sharing.selectors.conservation import Balance, Gap, gaps, of_person


@dataclass(frozen=True)
class Place:
    """One destination's share of the equation."""

    destination: Destination
    ledger: Ledger
    counts: list[tuple[str, int]]  # in the order of the equation
    balanced: bool


@dataclass(frozen=True)
class Conservation:
    balance: Balance
    places: list[Place]
    gaps: list[Gap]  # where promises have no place; only those the reader may see
    hidden: int  # how many more lanes there are


def conservation(user: User) -> Conservation:
    """For the person's organisations."""
    found = of_person(user)
    rows = Destination.objects.for_user(user).filter(pk__in=found.ledgers).order_by("name")
    seen = gaps(user, found.wrong)
    places = [_place(each, found) for each in rows]
    return Conservation(found, places, seen, len(found.wrong) - len(seen))


def _place(destination: Destination, found: Balance) -> Place:
    ledger = found.ledgers[destination.pk]
    counts = [(state, ledger.ended[state]) for state in ORDER]
    return Place(destination, ledger, counts, found.balanced_at(destination.pk))
