"""Dead letters by their cause: whose matter it is, in words, and the one thing to do."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from accounts.models import Organisation, User
from destinations.errors import CATALOGUE, Owner
from sharing.bulk import selection
from sharing.bulk.criteria import Criteria
from sharing.promises import UNCERTAIN
from sharing.reasons import Reason, explain

OWN = {
    "crashes": Owner.BATON, UNCERTAIN: Owner.COACH, "unknown_since_restore": Owner.COACH,
    "unknown_key_expired": Owner.COACH,
}  # fmt: skip
WHO = {
    Owner.COACH: "The coach",
    Owner.ADMIN: "An admin",
    Owner.DESTINATION: "Whoever runs the destination",
    Owner.BATON: "Whoever runs Baton",
}


@dataclass(frozen=True)
class Cause:
    code: str
    count: int
    oldest: datetime
    destinations: int

    @property
    def owner(self) -> Owner:
        kind = CATALOGUE.get(self.code)
        return kind.owner if kind else OWN.get(self.code, Owner.ADMIN)

    @property
    def who(self) -> str:
        return WHO[self.owner]

    @property
    def reason(self) -> Reason:
        return explain(self.code)

    @property
    def admin_words(self) -> str:
        kind = CATALOGUE.get(self.code)
        return kind.admin_words if kind else ""


def causes(user: User, organisation: Organisation, wish: Criteria) -> list[Cause]:
    """The most frequent first."""
    found = selection.letters(user, organisation, wish).order_by()
    counted = found.values("reason").annotate(
        count=Count("pk"),
        oldest=Min("settled_at"),
        destinations=Count("lane__destination", distinct=True),
    )
    rows = [
        Cause(row["reason"], row["count"], row["oldest"], row["destinations"]) for row in counted
    ]
    return sorted(rows, key=lambda cause: (-cause.count, cause.code))
