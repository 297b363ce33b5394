"""Whether everything that was accepted has its place: judged in one way for pages and the API."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from accounts.models import Organisation, User
from sharing.ledger import Ledger, by_destination, gaping, total, without_a_place
from sharing.models import Lane

MOST_NAMED = 50
LOOKED_AT = 1000  # lanes, of which those that the person may see are named


@dataclass(frozen=True)
class Balance:
    """The ledgers of some organisations, and the lanes in which promises have no place."""

    ledgers: dict[UUID, Ledger]  # by destination
    wrong: dict[UUID, UUID]  # lane → its destination

    @property
    def whole(self) -> Ledger:
        return total(self.ledgers.values())

    @property
    def balanced(self) -> bool:
        """Lane by lane: too many in one do not make up for too few in another."""
        return not self.wrong and all(each.balanced for each in self.ledgers.values())

    def balanced_at(self, destination: UUID) -> bool:
        return self.ledgers[destination].balanced and destination not in self.wrong.values()


@dataclass(frozen=True)
class Gap:
    lane: Lane
    promises: list[int]  # by revision: the first few that do not add up


def balance(organisations: Iterable[Organisation]) -> Balance:
    ledgers: dict[UUID, Ledger] = {}
    wrong: dict[UUID, UUID] = {}
    for each in organisations:
        ledgers |= by_destination(each.pk)
        wrong |= dict(gaping(each.pk).values_list("pk", "destination"))
    return Balance(ledgers, wrong)


def of_person(user: User) -> Balance:
    """Of all organisations to which this person belongs."""
    return balance(Organisation.objects.for_user(user))


def gaps(user: User, wrong: Collection[UUID]) -> list[Gap]:
    """The first of these lanes, with their promises, if this person may see their athletes."""
    seen = Lane.objects.for_user(user).filter(pk__in=list(wrong)[:LOOKED_AT])
    lanes = seen.select_related("plan__athlete", "destination").order_by("pk")[:MOST_NAMED]
    odd = without_a_place([lane.pk for lane in lanes])
    return [Gap(lane, odd.get(lane.pk, [])) for lane in lanes]
