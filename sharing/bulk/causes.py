"""Dead letters by their cause: whose matter it is, in words, and the one thing to do."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from accounts.models import Organisation, User
from destinations.errors import ErrorKind, Owner
from sharing.bulk import selection
from sharing.bulk.criteria import Criteria
from sharing.models import Delivery
from sharing.reasons import explain, given_up

WHO = {
    Owner.COACH: "The coach",
    Owner.ADMIN: "An admin",
    Owner.DESTINATION: "Whoever runs the destination",
    Owner.SOURCE: "TrainingPeaks",
    Owner.BATON: "Whoever runs Baton",
}


@dataclass(frozen=True)
class Cause:
    code: str
    kind: ErrorKind
    count: int
    oldest: datetime
    destinations: int

    @property
    def who(self) -> str:
        return WHO[self.kind.owner]


def causes(user: User, organisation: Organisation, wish: Criteria) -> list[Cause]:
    """The most frequent first."""
    found = selection.letters(user, organisation, wish).order_by()
    counted = found.values("reason").annotate(
        count=Count("pk"),
        oldest=Min("settled_at"),
        destinations=Count("lane__destination", distinct=True),
    )
    dead = selection.state_of(wish) == Delivery.State.DEAD
    said = given_up if dead else explain
    rows = [
        Cause(row["reason"], said(row["reason"]), row["count"], row["oldest"], row["destinations"])
        for row in counted
    ]
    return sorted(rows, key=lambda cause: (-cause.count, cause.code))
